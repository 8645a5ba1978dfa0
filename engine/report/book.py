"""A report as a workbook: its sentences on one sheet, every table on a sheet of its own, numbers as numbers.

Needs the extra ``excel``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from coercivity.engine.data.workbook import begun, ended, put
from coercivity.engine.report.text import Block, Column, Table, printable, steerless

SENTENCES = "Report"
LONGEST = 31  # letters of a sheet's name
FORBIDDEN = re.compile(r"[\[\]:*?/\\\\']")
WIDE, NARROW = 44, 16  # widths of the first column and of the others


def write(blocks: Iterable[Block], file: str) -> Path:
    """Write a report into a workbook that is not there yet, and return it.

    Raises
    ------
    UsageError
        The library is not installed, or the file is there already.
    CoercivityError
        It cannot be written.
    """
    from openpyxl.styles import Alignment, Font

    book, target = begun(file)
    sentences = book.create_sheet(SENTENCES)
    sentences.column_dimensions["A"].width = 2.5 * WIDE
    for block in blocks:
        if isinstance(block, Table):
            _table(book.create_sheet(_name(block.title, book.sheetnames)), block)
            continue
        for words, font in [(block.title, Font(bold=True)), *((said, Font()) for said in block.paragraphs)]:
            if words:
                cell = put(sentences, sentences.max_row + 1, 1, printable(words))
                cell.font, cell.alignment = font, Alignment(wrap_text=True, vertical="top")
    return ended(book, target)


def _table(sheet: Any, table: Table) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    put(sheet, 1, 1, printable(table.title)).font = Font(bold=True)
    for at, column in enumerate(table.columns, start=1):
        head = put(sheet, 2, at, printable(column.title))
        head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[get_column_letter(at)].width = WIDE if at == 1 else NARROW
        for number, row in enumerate(table.rows, start=3):
            put(sheet, number, at, _value(row[at - 1], column))
    if table.note:
        put(sheet, len(table.rows) + 4, 1, printable(table.note))
    sheet.freeze_panes = "B3"


def _value(value: object, column: Column) -> Any:
    """What stands in a cell: a number as it is, a share under a head in percent as percent, what is none as nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return str(value)
        return 100.0 * value if column.kind == "percent" else value
    return None if value is None else steerless(str(value))


def _name(title: str, taken: Iterable[str]) -> str:
    """A name for a sheet that no other has.

    >>> _name("Who pays: [all]", ["Report", "who pays all"])
    'Who pays all (2)'
    """
    used = {name.lower() for name in taken}
    plain = " ".join(FORBIDDEN.sub(" ", printable(title)).split())
    plain = plain[:LONGEST].strip() or "Summary"
    number, name = 1, plain
    while name.lower() in used:
        number += 1
        end = f" ({number})"
        name = plain[: LONGEST - len(end)].strip() + end
    return name
