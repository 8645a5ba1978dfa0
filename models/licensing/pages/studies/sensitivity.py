"""Sensitivity as sentences, a table of indices, and their picture."""

from __future__ import annotations

from typing import Any

from coercivity.engine.report.charts.page import files
from coercivity.engine.report.charts.runs import Indices
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.licensing.pages.studies.phrases import (
    Data,
    closing,
    failures,
    opening,
    pair,
    shard_block,
    subject,
    title,
)
from coercivity.models.licensing.pages.words import MONEY, musd, texts
from coercivity.models.licensing.studies.study import Outcomes, Study

MOST_NAMED = 4
MOST_ROWS = 40
NEGLIGIBLE = 0.05  # of the variance


def sentences(result: Data) -> list[str]:
    """What the indices say, in words."""
    said = [opening(result)]
    if "indices" not in result:
        return said
    outcome, rows = result["outcome"], result["indices"]
    if result["of"] > len(rows):
        said.append(
            f"Of {result['of']} numbers with a range these {len(rows)} move the outcome farthest alone; all others stay as stated."
        )
    said.append(
        f"{subject(result)} is {musd(outcome['mean_musd'])} on average over these points, with a standard deviation "
        f"of {musd(outcome['deviation_musd'])}, and positive in {100 * outcome['positive']:.0f} %."
    )
    if result["method"] == "sobol":
        top = rows[:MOST_NAMED]
        named = ", ".join(f"{row['parameter']} {_share(row['total'])}" for row in top)
        said.append(f"Shares of its variance, with interactions: {named}.")
        if len(rows) > 1:
            said.append(_interacts(result["alone"]))
        small = [row["parameter"] for row in rows if row["total"]["high"] < NEGLIGIBLE]
        if small:
            said.append(
                f"Below {100 * NEGLIGIBLE:.0f} % even with interactions, so that they may be fixed: {', '.join(small)}."
            )
    else:
        said.append(_largest(rows))
    return said


def _share(interval: Data) -> str:
    """A share with its interval.

    >>> _share({"estimate": 0.98, "low": 0.45, "high": 1.52})
    '98 % (45 to 152)'
    """
    return f"{100 * interval['estimate']:.0f} % ({100 * interval['low']:.0f} to {100 * interval['high']:.0f})"


def _interacts(alone: Data) -> str:
    """Whether numbers interact, said only where the interval of what they explain alone excludes the contrary."""
    said = f"Alone the numbers explain {_share(alone)} of the variance"
    if alone["high"] < 1.0:
        return f"{said}; the rest comes from interactions."
    return f"{said}: whether they interact cannot be told from these points; more --runs may."


def _largest(rows: list[Data]) -> str:
    """The largest elementary effects, and how many others may be as large."""
    named, others = rows[:MOST_NAMED], rows[MOST_NAMED:]
    said = f"The largest effects over the whole range: {', '.join(row['parameter'] for row in named)}"
    least = min(row["mu_star_musd"]["low"] for row in named)
    close = sum(row["mu_star_musd"]["high"] >= least for row in others)
    return f"{said}; by their intervals {close} more may be as large." if close else f"{said}."


def blocks(result: Data) -> list[Block]:
    """The report."""
    if result["shard"] is not None:
        return shard_block(result)
    table = _sobol(result) if result["method"] == "sobol" else _morris(result)
    return [Prose(title(result), sentences(result)), table, *failures(result), *closing(result)]


def _sobol(result: Data) -> Table:
    rows = [
        [
            row["parameter"],
            *(row[kind][end] for kind in ("first_order", "total") for end in ("estimate", "low", "high")),
        ]
        for row in result["indices"][:MOST_ROWS]
    ]
    columns = [Column(head) for kind in ("first order", "total") for head in (kind, "95 % from", "to")]
    note = "Shares of the variance. Small ones may come out slightly below zero: that is the error of the estimate."
    return Table(f"Sobol' indices of {pair(result)}", [*texts("number"), *columns], rows, decimals=3, note=note)


def _morris(result: Data) -> Table:
    rows = [
        [row["parameter"], row["mu_star_musd"]["estimate"], row["mu_star_musd"]["low"], row["mu_star_musd"]["high"],
         row["mu_musd"], row["sigma_musd"]]
        for row in result["indices"][:MOST_ROWS]
    ]  # fmt: skip
    columns = [
        *texts("number"),
        Column("mu*"),
        Column("95 % from"),
        Column("to"),
        Column("mu", "signed"),
        Column("sigma"),
    ]
    left = len(result["indices"]) - MOST_ROWS
    note = "Effect of the whole range: mean size, mean, and deviation (large where it is not linear or interacts)."
    more = f" {left} more are in result.json." if left > 0 else ""
    return Table(f"Elementary effects on {pair(result)}, {MONEY}", columns, rows, decimals=1, note=note + more)


def drawn(result: Data, study: Study, outcomes: Outcomes) -> dict[str, str]:
    """The pictures, and the page that shows them, by file name."""
    return files(_pictures(result, outcomes), title(result), sentences(result))


def _pictures(result: Data, outcomes: Outcomes) -> list[Any]:
    if result["method"] != "sobol":
        return []
    rows = [
        {"label": row["parameter"], **{f"{short}{end}": row[kind][key] for kind, short in (("first_order", "first"), ("total", "total"))
                                       for key, end in (("estimate", ""), ("low", "_low"), ("high", "_high"))}}
        for row in result["indices"]
    ]  # fmt: skip
    return [
        Indices(
            name="indices", title=f"What the variation of {pair(result)} comes from", outcome="share of the variance",
            unit="", runs=int(outcomes.is_done.sum()), rows=rows,
        )
    ]  # fmt: skip
