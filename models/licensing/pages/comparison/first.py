"""The first page of a comparison for a terminal: at most a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coercivity.engine.report.sheet import clipped
from coercivity.engine.report.text import Block, Column, Prose, Table, lines, number
from coercivity.models.licensing.answers.commands import Comparison
from coercivity.models.licensing.answers.verdict.first import FirstPage, Standing, Statement
from coercivity.models.licensing.pages.words import MONEY, decimals, texts

SCREEN, WIDTH = 24, 80
MORE = "Tables: --full. More: coercivity why, brief, sources, backtest, montecarlo."
# Letters of a title where two strategies share a line.
HALF = 28
# Hinges that are told, and how many strategies share a line; the first page that fits a screen is taken.
ROOMS = ((3, 1), (2, 1), (3, 2), (2, 2), (1, 2))


def first(result: Comparison) -> list[Block]:
    """The first page, on a screen of 24 lines of 80 columns; strategies that do not fit are counted."""
    page = result.first
    if page is None:
        return [Prose(result.instance.heading, result.verdict.sentences)]
    title = f"{result.instance.name}: {result.instance.title}"
    found: list[Block] = []
    for hinges, beside in ROOMS:
        head = Prose(title, list(_parts(page, hinges)))
        count = len(page.standings)
        found = [head, _table(page.standings) if beside == 1 else _paired(page.standings, count)]
        if len(lines(found, WIDTH)) <= SCREEN:
            return found
    for shown in range(len(page.standings) - 1, 0, -1):
        found = [Prose(title, list(_parts(page, 1))), _paired(page.standings, shown)]
        if len(lines(found, WIDTH)) <= SCREEN:
            break
    return found


def paragraphs(page: FirstPage) -> list[str]:
    """All that the first page says in words, for a page without an end."""
    return list(_parts(page, len(page.hinges)))


def _parts(page: FirstPage, hinges: int) -> Iterator[str]:
    yield " ".join(one.says for one in page.answer)
    yield _joined("Why", page.why)
    told = [one for one in page.hinges if one.code == "hinge"]
    yield _joined("It hinges on", [one for one in page.hinges if one not in told[hinges:]])
    yield _joined("How sure", page.sure)


def _joined(head: str, told: Sequence[Statement]) -> str:
    return f"{head}: {' '.join(one.says for one in told)}"


def _table(standings: Sequence[Standing]) -> Table:
    rows = [[one.title, one.value_musd, one.behind_musd, one.probability] for one in standings]
    columns = [*texts("million USD"), Column("payoff"), Column("behind"), Column("concedes, %", "percent")]
    places = decimals([row[1:3] for row in rows])
    return Table("", columns, rows, emphasis=0, decimals=places, note=MORE)


def _paired(standings: Sequence[Standing], shown: int) -> Table:
    """Two strategies a line, the second half of them on the right; of those that are not shown how many there are."""
    half, left = (shown + 1) // 2, len(standings) - shown
    places = decimals([[one.value_musd] for one in standings])
    cells = [[clipped(one.title, HALF), number(one.value_musd, places)] for one in standings[:shown]]
    right = [*cells[half:], *[["", ""]] * (2 * half - len(cells))]
    rows = [[*one, *other] for one, other in zip(cells[:half], right, strict=True)]
    note = f"{left} more are worth less. {MORE}" if left else MORE
    return Table("", texts(MONEY, "payoff", "", "payoff "), rows, emphasis=0, note=note)
