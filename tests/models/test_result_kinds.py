"""Kinds of results: every field says its unit and meaning, and every kind has a JSON Schema."""

from __future__ import annotations

from dataclasses import fields

import pytest

from coercivity.engine.data.values import meanings, parts_of, schema_of
from coercivity.models.licensing.answers.backtest.values import Backtest, Refitted
from coercivity.models.licensing.answers.frontier.values import Frontier
from coercivity.models.licensing.answers.threshold.values import Threshold
from coercivity.models.licensing.claims.values import ClaimsAudit
from coercivity.models.licensing.studies.values import (
    ElementaryEffects,
    GridSweep,
    MonteCarlo,
    Regions,
    SobolIndices,
    TornadoSweep,
)
from coercivity.models.program.values import GameAnswer, ProgramAnswer, ProgramVerification

KINDS = (
    Backtest, ClaimsAudit, ElementaryEffects, Frontier, GameAnswer, GridSweep, MonteCarlo, ProgramAnswer,
    ProgramVerification, Refitted, Regions, SobolIndices, Threshold, TornadoSweep,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_says_what_it_is(kind: type) -> None:
    told = {part: meanings(part) for part in parts_of(kind)}
    assert [
        (part.__name__, entry.name) for part in told for entry in fields(part) if not told[part].get(entry.name)
    ] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_schema(kind: type) -> None:
    schema = schema_of(kind)
    assert list(schema["properties"]) == [entry.name for entry in fields(kind)]
    assert all("description" in part for part in schema["properties"].values())
