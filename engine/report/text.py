"""Results turned into letters: tables that fit a terminal, CSV and JSON; knows labels and numbers, no game.

A table that is too wide is split into several that repeat its key columns, or stacked row by row; a word is
never broken.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coercivity.engine.data.values import to_plain
from coercivity.engine.proof.retelling import plain

GAP = 2
HEAD = 12  # columns that the head of a number may take where there is room
NARROWEST = 40
MISSING = "n/a"
# Control characters but for tab and line feed, and those that turn, join or hide what is written.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# What spreadsheets take for the beginning of a formula, their wide forms included.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


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
    decimals : of all its plain numbers; None lets each column have those that suit its largest one
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    keys: int = 1
    stacks: bool = False
    emphasis: int | None = None
    decimals: int | None = None
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
    width = max(width, NARROWEST)
    found: list[Line] = []
    for block in blocks:
        if found:
            found.append(Line(""))
        found.extend(_prose(block, width) if isinstance(block, Prose) else _table(block, width))
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


def sized(value: float | None, sign: bool = False) -> str:
    """A number by itself, whole from a hundred on and with three digits below: what is small is told as well.

    >>> sized(7692.4), sized(45.62), sized(8.83), sized(0.0052, sign=True), sized(0.0), sized(None)
    ('7,692', '45.6', '8.83', '+0.005', '0', 'n/a')
    """
    size = abs(value) if value is not None and math.isfinite(value) else 0.0
    decimals = 0 if size >= 100 or size < 0.0005 else 1 if size >= 10 else 2 if size >= 1 else 3
    return number(value, decimals, sign)


def amount(value: float | None, digits: int = 4) -> str:
    """A number by itself, with so many digits where they say something, and never an exponent.

    >>> amount(12000.0), amount(0.123456), amount(3.0), amount(1234567.8)
    ('12,000', '0.1235', '3', '1,234,568')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = number(value, min(decimals, 12))
    return text.rstrip("0").rstrip(".") if "." in text else text


def cells(table: Table) -> list[list[str]]:
    """The cells as text, row by row."""
    by_column = []
    for position, column in enumerate(table.columns):
        values = [row[position] for row in table.rows]
        figures = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        decimals = decimals_for(figures) if table.decimals is None else table.decimals
        by_column.append([_cell(value, column.kind, decimals) for value in values])
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
    written = cells(table)
    if table.title:
        yield from (Line(part, "bold") for part in _wrap(printable(table.title), width))
    if not table.rows:
        yield Line("nothing")
        return
    heads = [printable(column.title) for column in table.columns]
    least = [max(_least(word) for word in [head, *(row[at] for row in written)]) for at, head in enumerate(heads)]
    whole = sum(least) + GAP * (len(least) - 1) <= width
    reserved = sum(least[: table.keys]) + GAP * table.keys
    fits = all(reserved + need <= width for need in least[table.keys :])
    if whole or (fits and not table.stacks):
        for number_of_part, part in enumerate(_parts(least, table.keys, width)):
            if number_of_part:
                yield Line("")
            yield from _grid(table, written, heads, least, part, width)
    else:
        yield from _stack(written, heads, table.keys, width)
    yield from (Line(part, "dim") for part in (_wrap(printable(table.note), width) if table.note else ()))


def _least(words: str) -> int:
    return max((_width(word) for word in words.split()), default=0)


def _parts(least: Sequence[int], keys: int, width: int) -> list[list[int]]:
    """The columns of each part of a table that is split: the keys and some others, as evenly spread as fits."""
    others = list(range(keys, len(least)))
    room = width - sum(least[:keys]) - GAP * (keys - 1)
    parts = _packed(others, least, room, len(others))
    even = _packed(others, least, room, -(-len(others) // len(parts)))
    return [[*range(keys), *part] for part in (even if len(even) == len(parts) else parts)]


def _packed(columns: Sequence[int], least: Sequence[int], room: int, most: int) -> list[list[int]]:
    """Columns in their order, as many in a part as there is room for but no more than ``most``."""
    parts: list[list[int]] = [[]]
    used = 0
    for at in columns:
        if parts[-1] and (used + GAP + least[at] > room or len(parts[-1]) == most):
            parts.append([])
            used = 0
        parts[-1].append(at)
        used += GAP + least[at]
    return parts


def _grid(
    table: Table,
    cells: Sequence[Sequence[str]],
    heads: Sequence[str],
    least: Sequence[int],
    part: Sequence[int],
    width: int,
) -> Iterator[Line]:
    widths = {at: least[at] for at in part}
    spare = width - sum(widths.values()) - GAP * (len(part) - 1)
    # What is left over goes to texts, and to the heads of numbers up to a limit.
    lack = {}
    for at in part:
        head_width = _width(heads[at]) if table.columns[at].kind == "text" else min(_width(heads[at]), HEAD)
        lack[at] = max(head_width, *(_width(row[at]) for row in cells)) - widths[at]
    wanted = sum(max(0, more) for more in lack.values())
    for at in part:
        widths[at] += max(0, lack[at]) if wanted <= spare else max(0, lack[at]) * spare // wanted
    right = {at: table.columns[at].kind != "text" for at in part}
    head = [_wrap(heads[at], widths[at]) for at in part]
    height = max(map(len, head))
    if any(heads[at] for at in part):
        yield from _rows([[""] * (height - len(one)) + one for one in head], part, widths, right, "bold")
        yield Line((" " * GAP).join("-" * widths[at] for at in part), "dim")
    for position, row in enumerate(cells):
        style = "bold green" if position == table.emphasis else ""
        yield from _rows([_wrap(row[at], widths[at]) for at in part], part, widths, right, style)


def _rows(
    wrapped: Sequence[Sequence[str]],
    part: Sequence[int],
    widths: Mapping[int, int],
    right: Mapping[int, bool],
    style: str,
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


def steerless(words: str) -> str:
    """A text of several lines without what would steer a terminal: control characters, and those that turn it round.

    >>> steerless("two\\nlines \\x1b[31mred")
    'two\\nlines ?[31mred'
    """
    return STEERING.sub("?", words)


def harmless(cell: object) -> Any:
    """A cell of CSV that no spreadsheet takes for a formula; numbers stay, also those that are written as texts.

    >>> harmless("=1+1"), harmless("-5"), harmless(-5), harmless("a = b")
    ("'=1+1", '-5', -5, 'a = b')
    """
    if not isinstance(cell, str):
        return cell
    words = steerless(cell)
    # A tab or a line's end at the front was still there in the cell, and what follows would be read as a formula.
    if not (words.lstrip().startswith(FORMULA) or cell.startswith(("\t", "\r"))):
        return words
    return words if NUMBER.fullmatch(words) else f"'{words}"


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV under the keys of the first; numbers with all their digits, lists joined, nothing for None.

    Texts that a spreadsheet would take for formulas begin with an apostrophe.

    >>> to_csv([{"name": "a", "value": 0.1, "sources": ("X", "Y")}, {"name": "b", "value": None, "sources": ()}])
    'name,value,sources\\na,0.1,X; Y\\nb,,\\n'
    """
    stream = io.StringIO()
    keys = list(rows[0]) if rows else []
    writer = csv.DictWriter(stream, keys, lineterminator="\n")
    writer.writerow({key: harmless(key) for key in keys})
    writer.writerows(
        {key: harmless("; ".join(map(str, x)) if isinstance(x, list | tuple) else x) for key, x in row.items()}
        for row in rows
    )
    return stream.getvalue()


def to_json(data: object, ascii_only: bool = False) -> str:
    """The data as JSON that every reader takes: what is not a finite number is null.

    >>> to_json({"gap": float("nan"), "title": "é"}, ascii_only=True)
    '{\\n  "gap": null,\\n  "title": "\\\\u00e9"\\n}\\n'
    """
    written = json.dumps(plain(to_plain(data)), ensure_ascii=ascii_only, allow_nan=False, indent=2)
    # Such characters stand within texts only, where an escape says the same and steers no terminal.
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", written) + "\n"
