"""Results turned into letters: tables that fit a terminal, CSV and JSON; knows labels and numbers, no game.

A table that is too wide is split into several that repeat its key columns, or stacked row by row; a word is
never broken.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

GAP = 2
NARROWEST = 40
MISSING = "n/a"


@dataclass(frozen=True)
class Column:
    """The head of a column and how its cells are written; a unit belongs into the title.

    ``percent`` writes 0.25 as 25.0, ``signed`` adds a plus, ``gap`` writes small distances as 1e-12.
    """

    title: str
    kind: Literal["text", "number", "signed", "percent", "gap"] = "number"


@dataclass(frozen=True)
class Table:
    """Rows under columns.

    Attributes
    ----------
    keys : leading columns that are repeated where the table is split
    stacks : when it does not fit, write row by row instead of splitting it
    emphasis : a row that is set off on a terminal
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    keys: int = 1
    stacks: bool = False
    emphasis: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Prose:
    """Paragraphs under a heading."""

    title: str
    paragraphs: Sequence[str]


@dataclass(frozen=True)
class Line:
    """One line of output, without its end, and how it is set off on a terminal."""

    text: str
    style: str = ""


Block = Table | Prose


def text(blocks: Iterable[Block], width: int) -> str:
    """All blocks as plain text of at most ``width`` columns, longer words excepted."""
    return "".join(f"{line.text}\n" for line in lines(blocks, width))


def lines(blocks: Iterable[Block], width: int) -> list[Line]:
    """All blocks, one after the other with an empty line between them."""
    found: list[Line] = []
    for block in blocks:
        if found:
            found.append(Line(""))
        found.extend(_prose(block, max(width, NARROWEST)) if isinstance(block, Prose) else _table(block, max(width, NARROWEST)))
    return found


def number(value: float | None, decimals: int, sign: bool = False) -> str:
    """A number with thousands separators; no minus before a zero.

    >>> number(-1234567.8, 1), number(-0.04, 1), number(3.2, 0, sign=True), number(None, 1)
    ('-1,234,567.8', '0.0', '+3', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    rounded = round(value, decimals) + 0.0
    return f"{rounded:{'+' if sign and rounded else ''},.{decimals}f}"


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that show about four digits of the largest value.

    >>> decimals_for([123456.0]), decimals_for([250.0, 3.0]), decimals_for([0.5]), decimals_for([None])
    (0, 1, 3, 0)
    """
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return 0 if largest >= 1000 or largest == 0 else 1 if largest >= 10 else 2 if largest >= 1 else 3


def _cells(table: Table) -> list[list[str]]:
    """The cells as text, row by row; the decimals of a column are those that suit its largest number."""
    by_column = []
    for position, column in enumerate(table.columns):
        values = [row[position] for row in table.rows]
        figures = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        by_column.append([_cell(value, column.kind, decimals_for(figures)) for value in values])
    return [list(row) for row in zip(*by_column, strict=True)] if table.rows else []


def _cell(value: object, kind: str, decimals: int) -> str:
    if value is None:
        return "" if kind == "text" else MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float) or kind == "text":
        return printable(str(value))
    if kind == "percent":
        return number(100.0 * value, 1)
    if kind == "gap":
        return f"{value:.1e}" if value and math.isfinite(value) else number(value, 0)
    return number(value, decimals, kind == "signed")


def printable(words: str) -> str:
    """A text from a file in one line, without what would steer a terminal.

    >>> printable("two\\nlines \\x1b[31mred")
    'two lines ?[31mred'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(words.split()))


def _width(words: str) -> int:
    from rich.cells import cell_len

    return cell_len(words)


def _wrap(words: str, width: int) -> list[str]:
    """Lines of whole words; a word that is too long stands alone."""
    found = [""]
    for word in words.split():
        longer = f"{found[-1]} {word}" if found[-1] else word
        if found[-1] and _width(longer) > width:
            found.append(word)
        else:
            found[-1] = longer
    return found


def _prose(prose: Prose, width: int) -> Iterator[Line]:
    if prose.title:
        yield from (Line(part, "bold") for part in _wrap(printable(prose.title), width))
    for paragraph in prose.paragraphs:
        yield from (Line(part) for part in _wrap(printable(paragraph), width))


def _table(table: Table, width: int) -> Iterator[Line]:
    cells = _cells(table)
    if table.title:
        yield from (Line(part, "bold") for part in _wrap(printable(table.title), width))
    if not table.rows:
        yield Line("nothing")
        return
    heads = [printable(column.title) for column in table.columns]
    least = [max(_least(word) for word in [head, *(row[at] for row in cells)]) for at, head in enumerate(heads)]
    whole = sum(least) + GAP * (len(least) - 1) <= width
    reserved = sum(least[: table.keys]) + GAP * table.keys
    fits = all(reserved + need <= width for need in least[table.keys :])
    if whole or (fits and not table.stacks):
        for number_of_part, part in enumerate(_parts(least, table.keys, width)):
            if number_of_part:
                yield Line("")
            yield from _grid(table, cells, heads, least, part, width)
    else:
        yield from _stack(cells, heads, table.keys, width)
    yield from (Line(part, "dim") for part in (_wrap(table.note, width) if table.note else ()))


def _least(words: str) -> int:
    return max((_width(word) for word in words.split()), default=0)


def _parts(least: Sequence[int], keys: int, width: int) -> list[list[int]]:
    """The columns of each part of a table that is split: the keys, and as many others as fit, evenly spread."""
    reserved = sum(least[:keys]) + GAP * (keys - 1)
    parts: list[list[int]] = [[]]
    used = reserved
    for at in range(keys, len(least)):
        if parts[-1] and used + GAP + least[at] > width:
            parts.append([])
            used = reserved
        parts[-1].append(at)
        used += GAP + least[at]
    return [[*range(keys), *part] for part in parts]


def _grid(
    table: Table, cells: Sequence[Sequence[str]], heads: Sequence[str], least: Sequence[int], part: Sequence[int], width: int
) -> Iterator[Line]:
    widths = {at: least[at] for at in part}
    spare = width - sum(widths.values()) - GAP * (len(part) - 1)
    # A text may take what is left over; a number keeps its head in several lines.
    for at in part:
        texts = [row[at] for row in cells] + ([heads[at]] if table.columns[at].kind == "text" else [])
        more = min(spare, max(0, max(_width(words) for words in texts) - widths[at]))
        widths[at] += more
        spare -= more
    right = {at: table.columns[at].kind != "text" for at in part}
    head = [_wrap(heads[at], widths[at]) for at in part]
    height = max(map(len, head))
    yield from _rows([[""] * (height - len(one)) + one for one in head], part, widths, right, "bold")
    yield Line((" " * GAP).join("-" * widths[at] for at in part), "dim")
    for position, row in enumerate(cells):
        style = "bold green" if position == table.emphasis else ""
        yield from _rows([_wrap(row[at], widths[at]) for at in part], part, widths, right, style)


def _rows(
    wrapped: Sequence[Sequence[str]], part: Sequence[int], widths: Mapping[int, int], right: Mapping[int, bool], style: str
) -> Iterator[Line]:
    for level in range(max(map(len, wrapped))):
        padded = []
        for at, one in zip(part, wrapped, strict=True):
            words = one[level] if level < len(one) else ""
            space = " " * (widths[at] - _width(words))
            padded.append(space + words if right[at] else words + space)
        yield Line((" " * GAP).join(padded).rstrip(), style)


def _stack(cells: Sequence[Sequence[str]], heads: Sequence[str], keys: int, width: int) -> Iterator[Line]:
    """Row by row: the keys, and under them one line per filled cell."""
    for row in cells:
        yield from (Line(words, "bold") for words in _wrap("  ".join(row[:keys]), width))
        for head, cell in zip(heads[keys:], row[keys:], strict=True):
            if cell:
                first, *rest = _wrap(f"{head}: {cell}", width - 4)
                yield Line(f"  {first}")
                yield from (Line(f"    {words}") for words in rest)


def to_csv(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> str:
    """The rows as CSV with a head; numbers with all their digits, a missing one empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return stream.getvalue()


def to_json(data: object, compact: bool = False) -> str:
    """The data as JSON that every reader takes: what is not a finite number is null."""
    return json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, indent=None if compact else 2) + "\n"


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return data.item() if hasattr(data, "item") else data
