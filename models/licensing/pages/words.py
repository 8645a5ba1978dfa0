"""What the reports share: words for figures, the postures of a strategy, the model beside the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from coercivity.engine.report.text import Column, Table, decimals_for, number, sized
from coercivity.models.licensing.answers.backtest.values import Fact
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.answers.verdict import wording

TERMS = wording.TERMS
FIRST = 12  # periods shown at the beginning
MONEY = wording.MONEY
musd = wording.musd


def texts(*titles: str) -> list[Column]:
    """Columns of words."""
    return [Column(title, "text") for title in titles]


def decimals(rows: Sequence[Sequence[Any]]) -> int:
    """Decimals that suit the largest figure of a table whose figures are to be read together."""
    return decimals_for(value for row in rows for value in row if isinstance(value, float))


def marks(names: Iterable[str]) -> list[str]:
    """The first of the periods, the last of the year in which the next decade begins, and the last of all, each once.

    >>> marks(["2025-01", "2026", "2030-Q1", "2030-Q2", "2040"])
    ['2025-01', '2030-Q2', '2040']
    """
    periods = list(names)
    turns = [period for period in periods[1:] if int(period[:4]) % 10 == 0]
    of_the_first = [period for period in turns if period[:4] == turns[0][:4]][-1:]
    return list(dict.fromkeys([*periods[:1], *of_the_first, *periods[-1:]]))


def path_table(answer: Answer) -> Table:
    """The postures of a strategy: phases down, groups across."""
    told = answer.strategy
    rows: dict[str, list[Any]] = {}
    groups = list(dict.fromkeys(row.group for row in told.path))
    for row in told.path:
        cells = rows.setdefault(row.phase, [row.phase, row.begins, *[""] * len(groups), told.hazards.get(row.phase)])
        at = 2 + groups.index(row.group)
        words = row.posture if row.product is None else f"{row.product}: {row.posture}"
        cells[at] = f"{cells[at]}; {words}" if cells[at] else words
    columns = [*texts("phase", "begins", *groups), Column("hazard of breakdown, %", "percent")]
    fed = ", ".join(f"{month} {sized(tonnes)}" for month, tonnes in told.fed_volumes_t.items())
    note = f"Fed in from the record, t: {fed}." if fed else ""
    return Table(f"Postures of {told.name}", columns, list(rows.values()), stacks=True, note=note)


def observed(answers: Sequence[Answer]) -> Iterator[Table]:
    """The model beside the record: what it was not given, what it was fitted to, and what it was given."""
    facts = [fact for answer in answers for fact in answer.observations]
    figures = [Column(title) for title in ("model", "record", "low", "high")]
    columns = [*texts("fact"), *figures, *texts("unit"), Column("inside")]
    titles = {
        "judge": "Observed: the model beside the record",
        "fit": "Fitted: parameters were chosen to match these",
        "fed": "Fed: what the model was given",
        "beside": "Beside: what others have estimated",
    }
    for window, title in titles.items():
        rows = [_fact(fact) for fact in facts if fact.window == window]
        if rows:
            yield Table(title, columns, rows, stacks=True)


def _fact(fact: Fact) -> list[Any]:
    """One fact, its figures as suits their unit."""
    figures = (figure(value, fact.unit) for value in (fact.model, fact.recorded, fact.low, fact.high))
    return [fact.title, *figures, unit_shown(fact.unit), fact.inside]


def figure(value: float | None, unit: str, sign: bool = False) -> str:
    """A figure of a fact: shares as percent, prices and times with a decimal, tonnes and money by their size.

    >>> figure(0.1234, "1"), figure(7053.5, "t"), figure(8.83, "t"), figure(6.5, "week", sign=True), figure(None, "t")
    ('12.3', '7,054', '8.83', '+6.5', 'n/a')
    """
    scaled = 100 * value if value is not None and unit == "1" else value
    return sized(scaled, sign) if unit in ("t", MONEY) else number(scaled, 1, sign)


def unit_shown(unit: str) -> str:
    """The unit of a figure as it is printed; shares are percent."""
    return "%" if unit == "1" else unit
