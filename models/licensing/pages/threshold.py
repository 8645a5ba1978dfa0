"""Thresholds between two strategies as tables, rows and a picture."""

from __future__ import annotations

from typing import Any

from coercivity.engine.report.charts.studies import Plane
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.licensing.answers.threshold.sentences import nearest_first
from coercivity.models.licensing.answers.threshold.values import BreakEven, Line, Threshold
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import MONEY, TERMS, texts

SOURCE = "instance.yaml"


def blocks(result: Threshold) -> list[Block]:
    """The report."""
    title = f"{result.instance.heading}: {result.strategy} against {result.against}"
    table = _thresholds(result) if result.grid is None else _grid(result.grid)
    return [Prose(title, list(result.sentences)), table, _terms(result), *in_short(result)]


def _inside(turn: BreakEven) -> str | bool:
    return "n/a" if turn.inside_range is None else turn.inside_range


def _thresholds(result: Threshold) -> Table:
    columns = [*texts("parameter", "break-even", "now", "range", "inside"), *texts("better above", "how sure")]
    rows: list[list[Any]] = []
    for block in nearest_first(result):
        stated = [block.shown(block.now), block.range_shown() or "none stated"]
        for turn in block.break_evens:
            width = turn.bracket[1] - turn.bracket[0]
            sure = f"{turn.kind.lower()}, ±{width / 2:.1e}, residual {turn.residual_musd:.1e}"
            rows.append([block.parameter, block.shown(turn.value), *stated, _inside(turn), turn.better_above, sure])
        if not block.break_evens:
            low, high = map(block.shown, block.searched)
            rows.append([block.parameter, "none", *stated, "n/a", "", f"searched {low} to {high}"])
    note = (
        "How sure: half-width of the bracket in the unit of the parameter; what is left of the difference, million USD."
    )
    return Table("Where the two are worth the same", columns, rows, keys=2, stacks=True, note=note)


def _grid(grid: Line) -> Table:
    columns = texts(grid.first.parameter, grid.second.parameter, "better above", "inside range")
    rows: list[list[Any]] = []
    for row in grid.rows:
        at = grid.first.shown(row.at)
        rows += [[at, grid.second.shown(turn.value), turn.better_above, _inside(turn)] for turn in row.break_evens]
        if not row.break_evens:
            rows.append([at, "none", f"{row.wins_throughout or 'n/a'} throughout", ""])
    return Table("Pairs of values at which the two are worth the same", columns, rows)


def _terms(result: Threshold) -> Table:
    one, other = result.strategy, result.against
    first, second = result.terms_musd[one], result.terms_musd[other]
    rows: list[list[Any]] = [
        [TERMS.get(term, term), first[term], second[term], first[term] - second[term]]
        for term in first
        if first[term] or second[term]
    ]
    best, worst = (result.values_musd[name] for name in (one, other))
    rows.append(["payoff", best, worst, best - worst])
    columns = [*texts("term"), Column(one), Column(other), Column("difference", "signed")]
    return Table("As stated: payoff by term, million USD", columns, rows, emphasis=len(rows) - 1)


def rows(result: Threshold) -> list[dict[str, Any]]:
    """One row per break-even, or per parameter without one, for CSV."""
    grid = result.grid
    if grid is not None:
        return [
            {"first": grid.first.parameter, "at": row.at, "second": grid.second.parameter,
             "break_even": turn and turn.value, "better_above": turn.better_above if turn else row.wins_throughout,
             "inside_range": turn and turn.inside_range}
            for row in grid.rows for turn in row.break_evens or (None,)
        ]  # fmt: skip
    found = []
    for block in result.parameters or ():
        for turn in block.break_evens or (None,):
            low, high = turn.bracket if turn else (None, None)
            found.append({
                "strategy": result.strategy, "against": result.against, "parameter": block.parameter,
                "unit": block.unit, "break_even": turn and turn.value, "bracket_low": low, "bracket_high": high,
                "residual_musd": turn and turn.residual_musd, "now": block.now, "low": block.low, "high": block.high,
                "inside_range": turn and turn.inside_range, "better_above": turn and turn.better_above,
                "searched_low": block.searched[0], "searched_high": block.searched[1],
            })  # fmt: skip
    return found


def planes(result: Threshold) -> list[Plane]:
    """The line of break-evens of a grid, with the present values as a point; or the differences along each parameter."""
    one, other, grid = result.strategy, result.against, result.grid
    if grid is not None:
        series = [f"{one} and {other} are worth the same", "as stated"]
        found = [
            {"x": row.at, "y": turn.value, "series": series[0], "label": ""}
            for row in grid.rows
            for turn in row.break_evens[:1]
        ]
        found.append({"x": grid.first.now, "y": grid.second.now, "series": series[1], "label": "as stated"})
        across, up = (f"{block.parameter}, {block.unit}" for block in (grid.first, grid.second))
        return [Plane("threshold", f"{one} against {other}", found, series[:1], series, across, up)]
    turning = [block for block in result.parameters or () if block.break_evens and block.now]
    names = [block.parameter for block in turning]
    found = [
        {"x": point.at / block.now, "y": point.difference_musd, "series": block.parameter, "label": ""}
        for block in turning
        for point in block.scan
    ]
    title = f"{one} less {other}, along each parameter that turns it"
    return [Plane("threshold", title, found, names, names, "times its present value", f"difference, {MONEY}")]


def drawn(result: Threshold) -> dict[str, str]:
    """The picture, and the page that shows it, by file name."""
    return illustrated(result, planes(result), result.sentences)
