"""Thresholds between two strategies as sentences, tables, rows and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coercivity.engine.report.charts.page import files
from coercivity.engine.report.charts.studies import Plane
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.pages.words import MONEY, TERMS, Data, heading, musd, texts

SOURCE = "instance.yaml"
MAIN = 0.1  # a term is named if it closes this share of the gap


def sentences(result: Data) -> list[str]:
    """What turns the ranking, in words; the nearest turning points that the sources allow come first."""
    one, other = result["strategy"], result["against"]
    gap = result["values_musd"][one] - result["values_musd"][other]
    leads, trails = (one, other) if gap >= 0 else (other, one)
    said = [f"As stated {leads} is worth {musd(abs(gap))} more to the leader than {trails}."]
    if "grid" in result:
        return said + list(_line_says(result["grid"]))
    for block in sorted(result["parameters"], key=_order):
        said.append(_says(block, leads, trails, abs(gap)))
    return said


def _order(block: Data) -> tuple[int, float]:
    turns = block["break_evens"]
    if not turns:
        return (2, 0.0)
    inside = any(turn["inside_range"] for turn in turns)
    scale = abs(block["now"]) or 1.0
    return (0 if inside else 1, min(abs(turn["value"] - block["now"]) / scale for turn in turns))


def value_of(block: Data, at: float | None) -> str:
    """A value of a parameter with its unit; a share as percent, a factor as times."""
    if at is None:
        return "n/a"
    if block["kind"] == "factor":
        return f"{amount(at)} times"
    if block["kind"] == "tail":
        return f"{int(block['month'][:4]) + round(at)}{block['month'][4:]}"
    if block["unit"] in ("1", "1/yr"):
        return f"{amount(100.0 * at)} %" + ("/yr" if block["unit"] == "1/yr" else "")
    return f"{amount(at)} {block['unit']}"


def _says(block: Data, leads: str, trails: str, gap: float) -> str:
    """One parameter in a sentence or three."""
    name, turns = block["parameter"], block["break_evens"]
    low, high = (value_of(block, at) for at in block["searched"])
    if not turns:
        differences = [point["difference_musd"] for point in block["scan"]]
        least = min(differences, key=abs)
        return f"{name}: no break-even from {low} to {high}; {leads} stays ahead, by {musd(abs(least))} where it is closest."
    now = block["now"]
    above = [turn for turn in turns if turn["value"] > now]
    below = [turn for turn in turns if turn["value"] <= now][::-1]
    parts = []
    for side, found in (("rises above", above), ("falls below", below)):
        for count, turn in enumerate(found):
            at = value_of(block, turn["value"])
            winner = turn["better_above"] if side == "rises above" else turn["better_below"]
            if count:
                parts.append(f"Beyond {at} {winner} leads again.")
            else:
                parts.append(f"{winner} overtakes once it {side} {at}{_why(turn, gap)}.")
    return f"{name} (now {value_of(block, now)}{_support(block)}): {' '.join(parts)}"


def _support(block: Data) -> str:
    if block["low"] is None:
        return "; no range is stated"
    span = f"{value_of(block, block['low'])} to {value_of(block, block['high'])}"
    inside = any(turn["inside_range"] for turn in block["break_evens"])
    return f"; the break-even lies {'inside' if inside else 'outside'} the range {span}"


def _why(turn: Data, gap: float) -> str:
    """The one or two terms of the payoff that close the gap."""
    moved = turn.get("terms_moved_musd") or {}
    total = sum(moved.values())
    closing = sorted((item for item in moved.items() if item[1] * total > 0), key=lambda item: -abs(item[1]))[:2]
    told = [f"{TERMS.get(term, term)} {musd(abs(change))}" for term, change in closing if abs(change) >= MAIN * gap]
    return f", where the gap of {musd(gap)} is closed mainly by: {', '.join(told)}" if told else ""


def _line_says(grid: Data) -> Iterator[str]:
    first, second = grid["first"], grid["second"]
    winners = {row["wins_throughout"] for row in grid["rows"]}
    if len(winners) == 1 and None not in winners:
        low, high = (value_of(first, grid["rows"][at]["at"]) for at in (0, -1))
        least, most = (value_of(second, at) for at in grid["searched"])
        span = f"{first['parameter']} from {low} to {high} and {second['parameter']} from {least} to {most}"
        yield f"No pair of values turns it: {winners.pop()} wins with {span}."
        return
    for row in grid["rows"]:
        at = value_of(first, row["at"])
        if row["break_evens"]:
            found = "; ".join(
                f"{value_of(second, turn['value'])} ({turn['better_above']} above)" for turn in row["break_evens"]
            )
            yield f"With {first['parameter']} at {at} the two tie at {second['parameter']} of {found}."
        elif row["wins_throughout"]:
            yield f"With {first['parameter']} at {at} {row['wins_throughout']} wins at every value searched."


def blocks(result: Data) -> list[Block]:
    """The report."""
    title = f"{result['strategy']} against {result['against']}"
    found: list[Block] = [Prose(f"{heading(result)}: {title}", result["sentences"])]
    found.append(_grid(result["grid"]) if "grid" in result else _thresholds(result))
    found.append(_terms(result))
    return found


def _thresholds(result: Data) -> Table:
    columns = [*texts("parameter", "break-even", "now", "range", "inside"), *texts("better above", "how sure")]
    rows = []
    for block in sorted(result["parameters"], key=_order):
        span = "none stated"
        if block["low"] is not None:
            span = f"{value_of(block, block['low'])} to {value_of(block, block['high'])}"
        head = [block["parameter"], value_of(block, block["now"]), span]
        for turn in block["break_evens"]:
            inside = "n/a" if turn["inside_range"] is None else turn["inside_range"]
            width = turn["bracket"][1] - turn["bracket"][0]
            sure = f"{turn['kind'].lower()}, ±{width / 2:.1e}, residual {turn['residual_musd']:.1e}"
            rows.append([head[0], value_of(block, turn["value"]), *head[1:], inside, turn["better_above"], sure])
        if not block["break_evens"]:
            low, high = (value_of(block, at) for at in block["searched"])
            rows.append([head[0], "none", *head[1:], "n/a", "", f"searched {low} to {high}"])
    note = (
        "How sure: half-width of the bracket in the unit of the parameter; what is left of the difference, million USD."
    )
    return Table("Where the two are worth the same", columns, rows, keys=2, stacks=True, note=note)


def _grid(grid: Data) -> Table:
    columns = texts(grid["first"]["parameter"], grid["second"]["parameter"], "better above", "inside range")
    rows: list[list[Any]] = []
    for row in grid["rows"]:
        at = value_of(grid["first"], row["at"])
        for turn in row["break_evens"]:
            inside = "n/a" if turn["inside_range"] is None else turn["inside_range"]
            rows.append([at, value_of(grid["second"], turn["value"]), turn["better_above"], inside])
        if not row["break_evens"]:
            rows.append([at, "none", f"{row['wins_throughout'] or 'n/a'} throughout", ""])
    return Table("Pairs of values at which the two are worth the same", columns, rows)


def _terms(result: Data) -> Table:
    one, other = result["strategy"], result["against"]
    first, second = result["terms_musd"][one], result["terms_musd"][other]
    rows: list[list[Any]] = [
        [TERMS.get(term, term), first[term], second[term], first[term] - second[term]]
        for term in first
        if first[term] or second[term]
    ]
    rows.append(["payoff", *(result["values_musd"][name] for name in (one, other))])
    rows[-1].append(rows[-1][1] - rows[-1][2])
    columns = [*texts("term"), Column(one), Column(other), Column("difference", "signed")]
    return Table("As stated: payoff by term, million USD", columns, rows, emphasis=len(rows) - 1)


def rows(result: Data) -> list[dict[str, Any]]:
    """One row per break-even, or per parameter without one, for CSV."""
    if "grid" in result:
        return [
            {"first": result["grid"]["first"]["parameter"], "at": row["at"], "second": result["grid"]["second"]["parameter"],
             "break_even": turn.get("value"), "better_above": turn.get("better_above", row["wins_throughout"]),
             "inside_range": turn.get("inside_range")}
            for row in result["grid"]["rows"] for turn in row["break_evens"] or [{}]
        ]  # fmt: skip
    found = []
    for block in result["parameters"]:
        for turn in block["break_evens"] or [{}]:
            low, high = turn.get("bracket", (None, None))
            found.append({
                "strategy": result["strategy"], "against": result["against"], "parameter": block["parameter"],
                "unit": block["unit"], "break_even": turn.get("value"), "bracket_low": low, "bracket_high": high,
                "residual_musd": turn.get("residual_musd"), "now": block["now"], "low": block["low"],
                "high": block["high"], "inside_range": turn.get("inside_range"), "better_above": turn.get("better_above"),
                "searched_low": block["searched"][0], "searched_high": block["searched"][1],
            })  # fmt: skip
    return found


def planes(result: Data) -> list[Plane]:
    """The line of break-evens of a grid, with the present values as a point; or the differences along each parameter."""
    one, other = result["strategy"], result["against"]
    if "grid" in result:
        grid = result["grid"]
        series = [f"{one} and {other} are worth the same", "as stated"]
        found = [
            {"x": row["at"], "y": turn["value"], "series": series[0], "label": ""}
            for row in grid["rows"]
            for turn in row["break_evens"][:1]
        ]
        found.append({"x": grid["first"]["now"], "y": grid["second"]["now"], "series": series[1], "label": "as stated"})
        across, up = (f"{block['parameter']}, {block['unit']}" for block in (grid["first"], grid["second"]))
        return [Plane("threshold", f"{one} against {other}", found, series[:1], series, across, up)]
    names = [block["parameter"] for block in result["parameters"] if block["break_evens"] and block["now"]]
    found = [
        {"x": point["at"] / block["now"], "y": point["difference_musd"], "series": block["parameter"], "label": ""}
        for block in result["parameters"]
        if block["parameter"] in names
        for point in block["scan"]
    ]
    title = f"{one} less {other}, along each parameter that turns it"
    return [Plane("threshold", title, found, names, names, "times its present value", f"difference, {MONEY}")]


def drawn(result: Data) -> dict[str, str]:
    """The picture, and the page that shows it, by file name."""
    return files(planes(result), heading(result), result["sentences"])
