"""The cases in tables: what is shipped, and how each stands beside its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.text import MISSING, Block, Column, Prose, Table, number
from coercivity.models.licensing.answers.backtest.values import Case, Cases, LeftOut, LeftOutCase, Standing, Unread
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
        *_failed(found.failed),
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


def _failed(failed: Sequence[Unread]) -> Iterator[Block]:
    if failed:
        yield Prose("Not told", [f"{one.name}: {one.reason}" for one in failed])


def rows(found: Cases) -> list[dict[str, Any]]:
    """A row a case; of one that could not be told only its name and the reason."""
    told = [vars(case) | {"reason": None} for case in found.cases]
    empty: dict[str, Any] = dict.fromkeys([*Case.__dataclass_fields__, "reason"])
    return [*told, *(empty | {"name": one.name, "reason": one.reason} for one in found.failed)]


# -- one case left out -----------------------------------------------------------------------------------------

COLUMNS = {"stated": "as stated", "in_sample": "in sample", "out_of_sample": "out of sample", "best": "own best"}


def left_out(found: LeftOut) -> list[Block]:
    """Each case at numbers chosen without it, beside the stated ones; what was chosen; how much was tried."""
    heads = [Column(f"{figure} {words}") for figure in ("hits", "error") for words in COLUMNS.values()]
    skills = [Column(f"skill {COLUMNS[key]}", "signed") for key in ("stated", "in_sample", "out_of_sample")]
    note = (
        "In sample: shared numbers chosen on all cases. Out of sample: on the other cases. Own best: on this case alone,"
        " which no forecast could know. Error: mean over the judged facts, in tolerances. Skill: over open trade."
    )
    title = "Leave one case out: judged at numbers that the other cases chose"
    rows = [_left_out_row(case) for case in found.cases]
    names = [one.name for one in found.numbers]
    chosen = [
        [case.name, *(f"{case.chosen[name]}{'' if name in case.has else ' (not its own)'}" for name in names)]
        for case in found.cases
    ]
    chosen.append(["all cases", *(one.chosen for one in found.numbers)])
    tried = [[one.name, ", ".join(one.points), one.evidence] for one in found.numbers]
    return [
        Table(title, [*texts("case"), Column("judged"), *heads, *skills], rows, stacks=False, note=note, decimals=2),
        Prose("", [_left_out_summary(found)]),
        Table("What the others chose", texts("left out", *names), chosen, stacks=True),
        Table("What could be chosen", texts("number", "points", "evidence"), tried, stacks=True),
        *_failed(found.failed),
    ]


def _standings(case: LeftOutCase) -> list[Standing]:
    return [getattr(case, key) for key in COLUMNS]


def _left_out_row(case: LeftOutCase) -> list[Any]:
    standings = _standings(case)
    hits, errors = [str(one.hits) for one in standings], [one.error for one in standings]
    return [case.name, str(case.judged), *hits, *errors, *(one.skill for one in standings[:3])]


def _left_out_summary(found: LeftOut) -> str:
    stated, inside, outside = (
        sum(getattr(case, key).hits for case in found.cases) for key in ("stated", "in_sample", "out_of_sample")
    )
    judged = sum(case.judged for case in found.cases)
    return (
        f"Of {judged} judged facts {stated} are hit as stated, {inside} in sample and {outside} out of sample;"
        f" {found.combinations} combinations of {len(found.numbers)} numbers, {found.evaluations} evaluations."
    )


def left_out_rows(found: LeftOut) -> list[dict[str, Any]]:
    """A row a case and way of choosing, with what was chosen out of sample."""
    return [
        {
            "case": case.name,
            "judged": case.judged,
            "numbers": key,
            **vars(getattr(case, key)),
            "chosen_by_others": chosen,
        }
        for case in found.cases
        for chosen in ["; ".join(f"{name}={point}" for name, point in case.chosen.items())]
        for key in COLUMNS
    ]
