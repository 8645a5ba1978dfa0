"""Discovery as sentences, one a box, a table of the boxes, and their picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from coercivity.engine.report.charts.runs import Boxes
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.phrases import closing, failures, opening, shard_block
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import texts
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import DesignFacts, Discovered, Limit, Regions, WinningBox, Wins

CHANCE = 0.05


def sentences(result: Discovered) -> list[str]:
    """What was found, in words: one sentence a box, with how much of the wins it holds and how surely it wins there."""
    said = [opening(result)]
    if not isinstance(result, Wins):
        return said
    one, share = result.strategy, result.win_share
    rivals = result.against[0] if len(result.against) == 1 else "every other strategy"
    said.append(
        f"{one} is worth more than {rivals} in {result.wins:,} of {result.draws:,} draws ({100 * share:.0f} %)."
    )
    if share in (0.0, 1.0):
        return [*said, "So there is no region to be told apart; widen the ranges, or ask about another strategy."]
    if share >= result.density:
        return [
            *said,
            "It wins so often that no box could say more; ask with a greater --density, or for the other strategy.",
        ]
    if not isinstance(result, Regions):
        return said
    if not result.boxes:
        best = result.densest
        how = f" The densest that was seen has {100 * best:.0f} %." if best is not None else ""
        return [*said, f"No box holds {100 * result.density:.0f} % wins: {result.ending}.{how}"]
    for box in result.boxes:
        said.append(_box_says(box, one, rivals, result.design))
    score = result.score
    if len(result.boxes) > 1:
        said.append(
            f"Together they hold {100 * score.coverage:.0f} % of its wins, at {100 * score.density:.0f} % density."
        )
    return said


def _box_says(box: WinningBox, one: str, rivals: str, design: DesignFacts) -> str:
    limits = " and ".join(_limit(row, design) for row in box.restrictions) or "nothing in particular holds"
    score = box.score
    text = (
        f"{one} beats {rivals} where {limits}: {100 * score.density:.0f} % of the draws there are wins (density), "
        f"and {100 * score.coverage:.0f} % of all its wins lie there (coverage)"
    )
    held = box.held_out
    if held is not None and held.points:
        text += f"; on draws not used to find it {100 * held.density:.0f} % and {100 * held.coverage:.0f} %"
    return text + "."


def _limit(row: Limit, design: DesignFacts) -> str:
    low, high = _ends(row, design)
    doubt = " (may be chance)" if (_chance(row) or 0.0) >= CHANCE else ""
    if low and high:
        return f"{row.parameter} lies between {low} and {high}{doubt}"
    return f"{row.parameter} is above {low}{doubt}" if low else f"{row.parameter} is below {high}{doubt}"


def _ends(row: Limit, design: DesignFacts) -> tuple[str, str]:
    """The limits with their unit; empty where there is none."""
    facts = design.parameter(row.parameter)
    assert facts is not None  # what a box restricts was varied
    return facts.shown(row.low) if row.low is not None else "", facts.shown(row.high) if row.high is not None else ""


def _chance(row: Limit) -> float | None:
    """How likely so many wins were if a limit were left away; of the less sure one."""
    return max((p for p in (row.p_low, row.p_high) if p is not None), default=None)


def blocks(result: Discovered) -> list[Block]:
    """The report."""
    if result.shard is not None:
        return shard_block(result, result.shard)
    found: list[Block] = [Prose(result.instance.heading, sentences(result))]
    if isinstance(result, Regions) and result.boxes:
        found.append(_table(result))
    return [*found, *failures(result), *closing(result), *in_short(result)]


def _table(result: Regions) -> Table:
    rows: list[list[Any]] = []
    for number, box in enumerate(result.boxes, start=1):
        for row in box.restrictions:
            facts = result.design.parameter(row.parameter)
            span = facts.range_shown() if facts else ""
            rows.append([f"{number}", row.parameter, *_ends(row, result.design), span, _chance(row)])
    columns = [*texts("box", "number", "from", "to", "range"), Column("quasi-p", "gap")]
    note = "Quasi-p: how likely so many wins were if the limit were left away; from 0.05 on it may as well be chance."
    return Table("The boxes", columns, rows, keys=2, stacks=True, note=note)


def drawn(result: Discovered, study: Study, outcomes: Outcomes) -> dict[str, str]:
    """The pictures, and the page that shows them, by file name."""
    return illustrated(result, _pictures(result, study, outcomes), sentences(result))


def _pictures(result: Discovered, study: Study, outcomes: Outcomes) -> list[Any]:
    """Draws and boxes in the two numbers that the first box restricts; where it restricts fewer, upwards what is won by."""
    if not isinstance(result, Wins):
        return []
    restricted = [row.parameter for row in result.boxes[0].restrictions] if result.boxes else []
    first, second = [*restricted, *study.design.names[: not restricted], None][:2]
    lead = outcomes.gap(result.strategy, result.against)
    heights = lead if second is None else _drawn_of(study, second)
    rows = [
        {"x": float(x), "y": float(y), "wins": bool(won)}
        for x, y, won, done in zip(_drawn_of(study, first), heights, lead > 0, outcomes.is_done, strict=True)
        if done
    ]
    boxes = [
        {"label": f"box {number}", "x_low": x_side[0], "x_high": x_side[1], "y_low": y_side[0], "y_high": y_side[1]}
        for number, (x_side, y_side) in enumerate((_sides(box, (first, second)) for box in result.boxes), start=1)
    ]
    up = "lead over the best of the others, million USD" if second is None else _axis(result.design, second)
    return [
        Boxes(
            name="boxes", title=f"Where {result.strategy} wins", outcome=f"{result.strategy} wins", unit="", runs=len(rows), rows=rows, boxes=boxes,
            across=_axis(result.design, first), up=up,
        )
    ]  # fmt: skip


def _drawn_of(study: Study, name: str | None) -> Floats:
    """The values of a number over the draws."""
    return np.asarray(study.design.values[:, study.design.names.index(str(name))])


def _axis(design: DesignFacts, name: str | None) -> str:
    """The title of the axis of a number."""
    facts = design.parameter(str(name))
    return f"{name}, {facts.unit}" if facts else str(name)


def _sides(box: WinningBox, axes: tuple[str | None, str | None]) -> list[tuple[float | None, float | None]]:
    """The limits of a box on two numbers, None where it has none."""
    limits: dict[str | None, tuple[float | None, float | None]] = {
        row.parameter: (row.low, row.high) for row in box.restrictions
    }
    return [limits.get(axis, (None, None)) for axis in axes]
