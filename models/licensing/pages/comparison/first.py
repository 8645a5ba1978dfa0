"""The first page of a comparison for a terminal: at most a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coercivity.engine.report.text import Block, Column, Prose, Table, lines, number
from coercivity.models.licensing.answers.commands import Comparison
from coercivity.models.licensing.answers.verdict.first import FirstPage, Standing, Statement
from coercivity.models.licensing.pages.words import decimals, texts

SCREEN, WIDTH = 24, 80
MORE = "Tables: --full. More: coercivity why, brief, sources, backtest, montecarlo."
# Hinges that are told, and strategies that have a line of their own at least; the first page that fits a screen is taken.
ROOMS = ((3, None), (2, None), (3, 6), (2, 6), (2, 3), (1, 3), (1, 1))


def first(result: Comparison) -> list[Block]:
    """The first page; on a screen of 24 lines of 80 columns the strategies that do not fit are told in one line."""
    page = result.first
    if page is None:
        return [Prose(result.instance.heading, result.verdict.sentences)]
    found: list[Block] = []
    for hinges, least in ROOMS:
        head = Prose(result.instance.heading, list(_parts(page, hinges)))
        count = len(page.standings)
        for shown in range(count, min(count, least or count) - 1, -1):
            found = [head, _table(page.standings, shown)]
            if len(lines(found, WIDTH)) <= SCREEN:
                return found
    return found


def _parts(page: FirstPage, hinges: int) -> Iterator[str]:
    yield " ".join(one.says for one in page.answer)
    yield _joined("Why", page.why)
    told = [one for one in page.hinges if one.code == "hinge"]
    yield _joined("It hinges on", [one for one in page.hinges if one not in told[hinges:]])
    yield _joined("How sure", page.sure)


def _joined(head: str, told: Sequence[Statement]) -> str:
    return f"{head}: {' '.join(one.says for one in told)}"


def _table(standings: Sequence[Standing], shown: int) -> Table:
    rows = [[one.title, one.value_musd, one.behind_musd, one.probability] for one in standings[:shown]]
    columns = [*texts("million USD"), Column("payoff"), Column("behind"), Column("concedes, %", "percent")]
    places = decimals([row[1:3] for row in rows])
    rest = [f"{one.title} {number(one.value_musd, places)}" for one in standings[shown:]]
    note = f"{'; '.join(rest)}. {MORE}" if rest else MORE
    return Table("", columns, rows, emphasis=0, decimals=places, note=note)
