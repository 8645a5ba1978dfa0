"""A sweep as a table over its grid or as a tornado, and their pictures."""

from __future__ import annotations

from typing import Any

from coercivity.engine.report.charts.inputs import Curves, Heatmap, Tornado
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.phrases import (
    PAIRED,
    closing,
    failures,
    opening,
    pair,
    shard_block,
    subject,
)
from coercivity.models.licensing.pages.words import MONEY, decimals, musd, texts
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import Bar, DesignFacts, GridSweep, Sweep, TornadoSweep, VariedFacts

MOST_ROWS = 40
MOST_NAMED = 5


def sentences(result: Sweep) -> list[str]:
    """What the sweep says, in words."""
    said = [opening(result)]
    if isinstance(result, TornadoSweep):
        return said + _tornado_says(result)
    if not isinstance(result, GridSweep):
        return said
    winners = {name: share for name, share in result.best_share.items() if share > 0}
    ranked = sorted(winners, key=lambda name: -winners[name])
    if len(ranked) == 1:
        said.append(f"{ranked[0]} is the best of the strategies at every point.")
    elif ranked:
        said.append(
            "Best: " + ", ".join(f"{name} at {100 * winners[name]:.0f} % of the points" for name in ranked) + "."
        )
    if result.crossings:
        along = result.design.parameters[0]
        points = ", ".join(map(along.shown, result.crossings))
        said.append(f"{subject(result)} is zero at {along.parameter} of about {points} (interpolated).")
    return said


def _tornado_says(result: TornadoSweep) -> list[str]:
    bars = result.bars
    turning = [bar for bar in bars if bar.turns]
    said = [f"As stated {subject(result, is_first=False)} is {musd(result.base_musd)}."]
    if turning:
        named = ", ".join(bar.parameter for bar in turning[:MOST_NAMED])
        more = f" and {len(turning) - MOST_NAMED} more" if len(turning) > MOST_NAMED else ""
        said.append(f"{len(turning)} of {len(bars)} numbers turn its sign within their range, alone: {named}{more}.")
    else:
        # Only the ends were weighed: in between it may turn all the same.
        said.append(f"None of the {len(bars)} numbers turns its sign at an end of its range, alone.")
    if result.missing:
        said.append(f"Left out, because an end of their range could not be weighed: {', '.join(result.missing)}.")
    return said


def blocks(result: Sweep) -> list[Block]:
    """The report."""
    if result.shard is not None:
        return shard_block(result, result.shard)
    found: list[Block] = [Prose(result.instance.heading, [*sentences(result), PAIRED])]
    if isinstance(result, TornadoSweep):
        found.append(_bars(result))
    elif isinstance(result, GridSweep):
        found.append(_grid(result))
    return [*found, *failures(result), *closing(result)]


def _ends(bar: Bar, design: DesignFacts) -> tuple[str, str]:
    """The limits of a number with their unit."""
    facts = design.parameter(bar.parameter)
    assert facts is not None  # whatever has a bar was varied
    return facts.shown(bar.low), facts.shown(bar.high)


def _bars(result: TornadoSweep) -> Table:
    rows = [
        [bar.parameter, *_ends(bar, result.design), bar.at_low_musd, bar.at_high_musd, bar.swing_musd, bar.turns]
        for bar in result.bars[:MOST_ROWS]
    ]
    columns = [*texts("number", "low", "high"), Column("at low", "signed"), Column("at high", "signed")]
    columns += [Column("swing"), *texts("turns")]
    left = len(result.bars) - MOST_ROWS
    note = f"{left} more, each with a smaller swing, are in result.json." if left > 0 else ""
    return Table(
        f"{pair(result)}, one number at a time, {MONEY}",
        columns,
        rows,
        stacks=True,
        decimals=max(1, decimals(rows)),
        note=note,
    )


def _grid(result: GridSweep) -> Table:
    parameters, names = result.design.parameters, result.strategies
    rows: list[list[Any]] = []
    for point in result.points[:MOST_ROWS]:
        values = [one.shown(value) for one, value in zip(parameters, point.values, strict=True)]
        payoff = point.payoff_musd or {}
        rows.append([*values, *(payoff.get(name) for name in names), point.best or "n/a"])
    left = result.design.points - len(rows)
    columns = [*texts(*(block.parameter for block in parameters)), *map(Column, names), *texts("best")]
    note = f"{left:,} more points are in payoffs.csv." if left > 0 else ""
    return Table(f"Payoff, {MONEY}", columns, rows, keys=len(parameters), decimals=max(1, decimals(rows)), note=note)


def drawn(result: Sweep, study: Study, outcomes: Outcomes) -> dict[str, str]:
    """The pictures, and the page that shows them, by file name."""
    return illustrated(result, _pictures(result, study, outcomes), sentences(result))


def _pictures(result: Sweep, study: Study, outcomes: Outcomes) -> list[Any]:
    shared: dict[str, Any] = {"outcome": pair(result), "unit": MONEY, "runs": int(outcomes.is_done.sum())}
    if isinstance(result, TornadoSweep):
        rows = [
            {"label": bar.parameter, "low": bar.at_low_musd, "high": bar.at_high_musd}
            | dict(zip(("low_input", "high_input"), _ends(bar, result.design), strict=True))
            for bar in result.bars
        ]
        return [Tornado(name="tornado", title=f"What moves {pair(result)}", rows=rows, base=result.base_musd, **shared)]
    if len(result.design.parameters) == 2:
        return [_heatmap(result, study, outcomes, shared)]
    if len(result.design.parameters) == 1:
        return [_curves(result, study, outcomes)]
    return []


def _axis(block: VariedFacts) -> str:
    return f"{block.parameter}, {block.unit}" if block.unit != "1" else block.parameter


def _is_inside(block: VariedFacts) -> bool:
    """Whether the present value is among those that were tried."""
    return block.low <= block.now <= block.high


def _heatmap(result: Sweep, study: Study, outcomes: Outcomes, shared: dict[str, Any]) -> Heatmap:
    gap = outcomes.gap(result.strategy, result.against)
    rows = [
        {"x": x, "y": y, "value": value if value == value else None}
        for (x, y), value in zip(study.design.values.tolist(), gap.tolist(), strict=True)
    ]
    first, second = result.design.parameters
    return Heatmap(
        name="heatmap", title=f"Where {pair(result)} is positive", rows=rows, across=_axis(first), up=_axis(second),
        here=(first.now, second.now) if _is_inside(first) and _is_inside(second) else None, **shared,
    )  # fmt: skip


def _curves(result: Sweep, study: Study, outcomes: Outcomes) -> Curves:
    (block,) = result.design.parameters
    rows = [
        {"x": float(study.design.values[row, 0]), "series": name, "value": float(outcomes.payoff[row, at_])}
        for row in range(len(study.design))
        if outcomes.status[row] is not None and outcomes.is_done[row]
        for at_, name in enumerate(outcomes.strategies)
    ]
    return Curves(
        name="curves", title=f"Payoff of each strategy over {block.parameter}", rows=rows, outcome="payoff", unit=MONEY,
        runs=int(outcomes.is_done.sum()), across=_axis(block), here=block.now if _is_inside(block) else None,
    )  # fmt: skip
