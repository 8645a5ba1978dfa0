"""Where every number of an instance comes from, one row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from coercivity.models.licensing.data.instance import Instance, Source
from coercivity.models.licensing.data.quantity import Quantity

Kind = Literal["sourced", "derived", "assumed", "overridden"]
KINDS: tuple[Kind, ...] = ("sourced", "derived", "assumed", "overridden")


@dataclass(frozen=True)
class ProvenanceRow:
    """One number: what it is, where it comes from, and between which bounds it may lie."""

    path: str  # where it stands in the instance
    value: float  # in the unit
    unit: str  # of value and bounds
    kind: Kind  # whether it was read in a source, derived, assumed, or set from outside
    stale: bool  # whether it is for a year that is older than the instance allows
    grade: str | None  # of the source; None where there is none
    year: int | None  # that it is for
    sources: tuple[str, ...]  # names of the sources
    reference: str  # the sources written out
    reason: str  # the derivation or the assumption
    low: float | None  # in the unit; least value that the sources support
    high: float | None  # in the unit; largest value that they support


def sources_table(instance: Instance) -> list[ProvenanceRow]:
    """The provenance of every number about the world, in the order of the file."""
    return [_row(instance, path, quantity) for path, quantity in instance.quantities()]


def counts(rows: Sequence[ProvenanceRow]) -> dict[str, int]:
    """How many numbers there are of each kind, how many are stale, and how many in all."""
    kinds = Counter(row.kind for row in rows)
    return {kind: kinds[kind] for kind in KINDS} | {"stale": sum(row.stale for row in rows), "total": len(rows)}


def _row(instance: Instance, path: str, quantity: Quantity) -> ProvenanceRow:
    age = 0 if quantity.year is None else int(instance.as_of[:4]) - quantity.year
    return ProvenanceRow(
        path=path,
        value=quantity.value,
        unit=quantity.unit,
        kind=kind_of(quantity),
        stale=age > instance.stale_after,
        grade=quantity.grade,
        year=quantity.year,
        sources=quantity.source,
        reference="; ".join(_reference(instance.sources[name]) for name in quantity.source),
        reason="; ".join(text for text in (quantity.derivation, quantity.assumption) if text),
        low=quantity.low,
        high=quantity.high,
    )


def kind_of(quantity: Quantity) -> Kind:
    """Whether a number was set from outside, derived, read in a source, or assumed."""
    if quantity.overridden:
        return "overridden"
    if quantity.derivation:
        return "derived"
    return "sourced" if quantity.source else "assumed"


def _reference(source: Source) -> str:
    return ", ".join(part for part in (source.publisher, source.title, source.date, source.url) if part)
