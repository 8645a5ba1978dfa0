"""Sensitivity as sentences, a table of indices, and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coercivity.engine.report.charts.page import Picture
from coercivity.engine.report.charts.runs import Indices
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.engine.study.indices import Interval
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.phrases import closing, failures, opening, pair, shard_block, subject
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import MONEY, decimals, musd, texts
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import ElementaryEffect, ElementaryEffects, Sensitivity, SobolIndices

MOST_NAMED = 4
MOST_ROWS = 40
EFFECT, SHOWN = "mean size of the effect", 20  # of so many numbers in the picture
NEGLIGIBLE = 0.05  # of the variance


def sentences(result: Sensitivity) -> list[str]:
    """What the indices say, in words."""
    said = [opening(result)]
    if not isinstance(result, SobolIndices | ElementaryEffects):
        return said
    outcome, count = result.outcome, len(result.indices)
    if result.of > count:
        said.append(
            f"Of {result.of} numbers with a range these {count} move the outcome farthest alone; all others stay as stated."
        )
    said.append(
        f"{subject(result)} is {musd(outcome.mean_musd)} on average over these points, with a standard deviation "
        f"of {musd(outcome.deviation_musd)}, and positive in {100 * outcome.positive:.0f} %."
    )
    if isinstance(result, ElementaryEffects):
        return [*said, _largest(result.indices)]
    named = ", ".join(f"{row.parameter} {_share(row.total)}" for row in result.indices[:MOST_NAMED])
    said.append(f"Shares of its variance, with interactions: {named}.")
    if count > 1:
        said.append(_interacts(result.alone))
    small = [row.parameter for row in result.indices if row.total.high < NEGLIGIBLE]
    if small:
        said.append(
            f"Below {100 * NEGLIGIBLE:.0f} % even with interactions, so that they may be fixed: {', '.join(small)}."
        )
    return said


def _share(interval: Interval) -> str:
    """A share with its interval.

    >>> _share(Interval(0.98, 0.45, 1.52))
    '98 % (45 to 152)'
    """
    return f"{100 * interval.estimate:.0f} % ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _interacts(alone: Interval) -> str:
    """Whether numbers interact, said only where the interval of what they explain alone excludes the contrary."""
    said = f"Alone the numbers explain {_share(alone)} of the variance"
    if alone.high < 1.0:
        return f"{said}; the rest comes from interactions."
    return f"{said}: whether they interact cannot be told from these points; more --runs may."


def _largest(rows: Sequence[ElementaryEffect]) -> str:
    """The largest elementary effects, and how many others may be as large."""
    named, others = rows[:MOST_NAMED], rows[MOST_NAMED:]
    said = f"The largest effects over the whole range: {', '.join(row.parameter for row in named)}"
    least = min(row.mu_star_musd.low for row in named)
    close = sum(row.mu_star_musd.high >= least for row in others)
    return f"{said}; by their intervals {close} more may be as large." if close else f"{said}."


def blocks(result: Sensitivity) -> list[Block]:
    """The report."""
    if result.shard is not None:
        return shard_block(result, result.shard)
    found: list[Block] = [Prose(result.instance.heading, sentences(result))]
    if isinstance(result, SobolIndices):
        found.append(_sobol(result))
    elif isinstance(result, ElementaryEffects):
        found.append(_morris(result))
    return [*found, *failures(result), *closing(result), *in_short(result)]


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.estimate, interval.low, interval.high


def _sobol(result: SobolIndices) -> Table:
    rows = [[row.parameter, *_ends(row.first_order), *_ends(row.total)] for row in result.indices[:MOST_ROWS]]
    columns = [Column(head) for kind in ("first order", "total") for head in (kind, "95 % from", "to")]
    note = "Shares of the variance. Small ones may come out slightly below zero: that is the error of the estimate."
    return Table(f"Sobol' indices of {pair(result)}", [*texts("number"), *columns], rows, decimals=3, note=note)


def _morris(result: ElementaryEffects) -> Table:
    rows = [
        [row.parameter, *_ends(row.mu_star_musd), row.mu_musd, row.sigma_musd] for row in result.indices[:MOST_ROWS]
    ]
    columns = [
        *texts("number"),
        Column("mu*"),
        Column("95 % from"),
        Column("to"),
        Column("mu", "signed"),
        Column("sigma"),
    ]
    left = len(result.indices) - MOST_ROWS
    note = "Effect of the whole range: mean size, mean, and deviation (large where it is not linear or interacts)."
    more = f" {left} more are in result.json." if left > 0 else ""
    return Table(
        f"Elementary effects on {pair(result)}, {MONEY}",
        columns,
        rows,
        decimals=max(1, decimals(rows)),
        note=note + more,
    )


def drawn(result: Sensitivity, study: Study, outcomes: Outcomes) -> dict[str, str]:
    """The pictures, and the page that shows them, by file name."""
    return illustrated(result, _pictures(result, outcomes), sentences(result))


def _pictures(result: Sensitivity, outcomes: Outcomes) -> list[Any]:
    if isinstance(result, ElementaryEffects):
        bars = [
            {"label": row.parameter, "series": EFFECT, "value": row.mu_star_musd.estimate}
            for row in result.indices[:SHOWN]
        ]
        title = f"How much {pair(result)} moves over the whole range of a number, on average"
        return [Picture("effects", title, "bars", bars, MONEY, [str(row["label"]) for row in bars])]
    if not isinstance(result, SobolIndices):
        return []
    rows = [
        {
            "label": row.parameter,
            **dict(zip(("first", "first_low", "first_high"), _ends(row.first_order), strict=True)),
            **dict(zip(("total", "total_low", "total_high"), _ends(row.total), strict=True)),
        }
        for row in result.indices
    ]
    return [
        Indices(
            name="indices", title=f"What the variation of {pair(result)} comes from", outcome="share of the variance",
            unit="", runs=int(outcomes.is_done.sum()), rows=rows,
        )
    ]  # fmt: skip
