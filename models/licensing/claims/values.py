"""What an audit of claims says, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coercivity.engine.data.values import sometimes
from coercivity.engine.report.notebook import Shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question to the licensing model."""

    instance: str  # a shipped instance, or a file
    strategy: str  # that was weighed
    against: str | None = sometimes()  # the strategy that it was held against, if any
    measure: str  # what was asked of it
    begins: str | None = sometimes()  # first month, if it is a question of months
    ends: str | None = sometimes()  # last month


@dataclass(frozen=True)
class FurtherFigure:
    """A further figure of a claim."""

    name: str  # in the file
    title: str  # in words
    recomputed: float | None  # in the unit; what the formula gives; None where the model was left out
    recorded: float | None  # in the unit; what it gave when the file was written
    unit: str  # of both; % counts shares in percent
    formula: str | None  # arithmetic over named numbers
    worked: str  # the formula with its numbers
    skipped: bool  # whether the model was left out
    drift: bool  # whether the two figures differ by more than is accepted


@dataclass(frozen=True)
class ClaimAudit:
    """A claim, recomputed and judged."""

    number: int  # place in the file
    name: str  # in the file
    kind: str  # what it takes to judge it
    claim: str  # in words
    article: str  # what the article says, in its words
    article_value: float | None  # in the unit; what the article says, where it is a number
    recomputed: float | None  # in the unit; what the formula gives; None without one, or where the model was left out
    recorded: float | None  # in the unit; what it gave when the file was written
    unit: str  # of the figures; % counts shares in percent
    formula: str | None  # arithmetic over named numbers
    worked: str  # the formula with its numbers
    verdict: str  # as it comes out
    recorded_verdict: str  # as it is on record
    skipped: bool  # whether a figure was left out with the model
    drift: bool  # whether anything differs from what is on record
    drifts: tuple[str, ...]  # what differs, a sentence each
    finding: str  # what a reader should conclude
    also: tuple[FurtherFigure, ...]  # further figures
    model: Mapping[str, Asked]  # what the model was asked, by name
    sources: tuple[str, ...]  # of the claim and of the numbers in its formulas


@dataclass(frozen=True, repr=False)
class ClaimsAudit(Shown):
    """All claims of a file, recomputed and judged."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    name: str  # of the file
    title: str  # in words
    article: str  # where the claims stand
    counts: Mapping[str, int]  # claims by verdict
    kinds: Mapping[str, int]  # claims by kind
    skipped: int  # claims of which a figure was left out with the model
    drifted: int  # claims of which something differs from what is on record
    ok: bool  # whether nothing differs
    claims: tuple[ClaimAudit, ...]  # claim by claim
    sources: Mapping[str, str]  # publisher, title, date and address, by name

    @property
    def drifts(self) -> list[str]:
        """All that differs from what is on record, a sentence each."""
        return [words for row in self.claims for words in row.drifts]

    def to_frame(self) -> pd.DataFrame:
        """One row a claim."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.claims]).set_index("number")
