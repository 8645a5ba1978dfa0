"""The audit in letters: how many verdicts of each kind, a table of all claims, and each claim with its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.licensing.claims.formula import shown
from coercivity.models.licensing.claims.values import Asked, ClaimAudit, ClaimsAudit, FurtherFigure


def blocks(result: ClaimsAudit) -> list[Block]:
    """The whole audit: what has drifted first, then the table, then claim by claim, then the sources."""
    rows = result.claims
    found: list[Block] = [Prose("", _summary(result))]
    if result.drifts:
        found.append(Prose("Drift: what is on record does not hold any more", result.drifts))
    if len(rows) > 1:
        found.append(_table(rows))
    found += [_claim(row) for row in rows]
    references = [[key, words] for key, words in sorted(result.sources.items())]
    if references:
        found.append(Table("Sources", [Column("source", "text"), Column("what", "text")], references, stacks=True))
    return found


def rows(result: ClaimsAudit) -> list[dict[str, Any]]:
    """One flat row per claim, for CSV."""
    left_out = ("drifts", "also", "model")
    return [
        {key: value for key, value in vars(row).items() if key not in left_out}
        | {"also": [f"{one.name} = {_figure(one)}" for one in row.also]}
        for row in result.claims
    ]


def _summary(result: ClaimsAudit) -> list[str]:
    counts = ", ".join(f"{verdict} {number}" for verdict, number in result.counts.items() if number)
    claims = len(result.claims)
    says = [
        f"{result.title}: {claims} claim{'s' if claims != 1 else ''}; {counts}.",
        f"Audited: {result.article}.",
    ]
    if result.skipped:
        says.append(f"Left out: what only the model recomputes, in {result.skipped} claims.")
    if result.ok:
        says.append("Nothing has drifted: every figure and every verdict comes out as it is on record.")
    return says


def _table(rows: Sequence[ClaimAudit]) -> Table:
    columns = [Column(head, "text") for head in ("no", "claim", "article", "recomputed", "verdict")]
    cells = [[row.number, row.name, row.article, _figure(row), row.verdict] for row in rows]
    return Table("Claims", columns, cells, keys=2, stacks=True)


def _figure(row: ClaimAudit | FurtherFigure) -> str:
    if row.recomputed is None:
        return "left out" if row.formula and row.skipped else ""
    return shown(row.recomputed, row.unit, 4)


def _claim(row: ClaimAudit) -> Prose:
    """One claim with its arithmetic."""
    says = [f"Claim: {row.claim} (article: {row.article})"]
    if row.formula:
        says.append(f"Recomputed: {_arithmetic(row)}")
    says += [f"Also, {one.title or one.name}: {_arithmetic(one)}" for one in row.also]
    says += [f"{name}: {_asked(asked)}" for name, asked in row.model.items()]
    says.append(f"Finding: {row.finding}")
    if row.sources:
        says.append(f"Sources: {', '.join(row.sources)}")
    return Prose(f"{row.number} {row.name}: {row.verdict}", says)


def _arithmetic(row: ClaimAudit | FurtherFigure) -> str:
    """A figure, the formula it comes from, and that formula in numbers."""
    if row.recomputed is None:
        return f"left out with the model; {row.formula}"
    worked = f" = {row.worked}" if row.worked != row.formula else ""
    return f"{shown(row.recomputed, row.unit, 5)} = {row.formula}{worked}"


def _asked(asked: Asked) -> str:
    """A question to the model in words."""
    against = f" against {asked.against}" if asked.against else ""
    months = f", {asked.begins} to {asked.ends}" if asked.begins else ""
    return f"the model's {asked.measure.replace('_', ' ')} of {asked.strategy}{against}{months}, {asked.instance}"
