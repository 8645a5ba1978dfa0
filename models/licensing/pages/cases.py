"""The cases in tables: what is shipped, and how each stands beside its record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coercivity.engine.report.text import MISSING, Block, Column, Prose, Table, number
from coercivity.models.licensing.answers.backtest.values import Case, Cases
from coercivity.models.licensing.pages.words import texts


def blocks(found: Cases) -> list[Block]:
    """One table over all cases, what it comes to, and the cases that could not be told."""
    heads = ("facts", "judged", "hits", "error", "open", "persistence")
    columns = [
        *texts("case"),
        *map(Column, heads),
        Column("skill over open", "signed"),
        Column("over persistence", "signed"),
    ]
    note = (
        "Error: mean over the judged facts, in tolerances; open: of trade that goes on as if nothing had been announced;"
        " persistence: of the last record that was known. Skill: 1 less the ratio of errors; below 0 worse than naive."
    )
    rows = [_row(case) for case in found.cases]
    return [
        Table("The model against the record of every shipped case", columns, rows, stacks=True, note=note, decimals=2),
        Prose("", [_summary(found)]),
        *_failed(found),
    ]


def _row(case: Case) -> list[Any]:
    counts = (str(count) for count in (case.facts, case.judged, case.hits))
    return [case.name, *counts, case.error, case.open_error, case.persistence_error, case.skill, case.persistence_skill]


def _summary(found: Cases) -> str:
    skill, other = (
        MISSING if value is None else number(value, 2, sign=True) for value in (found.skill, found.persistence_skill)
    )
    return (
        f"{found.hits} of {found.judged} judged facts are inside their tolerance, over {len(found.cases)} cases; each"
        f" case counting once, the skill is {skill} over open trade and {other} over persistence."
    )


def _failed(found: Cases) -> Iterator[Block]:
    if found.failed:
        yield Prose("Not told", [f"{one.name}: {one.reason}" for one in found.failed])


def rows(found: Cases) -> list[dict[str, Any]]:
    """A row a case; of one that could not be told only its name and the reason."""
    told = [vars(case) | {"reason": None} for case in found.cases]
    empty: dict[str, Any] = dict.fromkeys([*Case.__dataclass_fields__, "reason"])
    return [*told, *(empty | {"name": one.name, "reason": one.reason} for one in found.failed)]
