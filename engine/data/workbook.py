"""A document as a workbook and back: one sheet a block, one row a value, with unit, range, origin and reason beside it.

What stands in a cell is a value and never a formula, whatever it begins with. A row is found again by its path; places in
messages are cells. Needs the extra ``excel``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any

from coercivity.engine.data.document import Document
from coercivity.engine.data.reader import Path, dotted
from coercivity.engine.errors import Finding, InvalidInstance, UsageError, refused

INSTALL = "pip install openpyxl (or, in the repository's folder, pip install '.[excel]')"
HEADS = (
    "path",
    "value",
    "unit",
    "low",
    "high",
    "kind",
    "source",
    "grade",
    "year",
    "reason",
    "derivation",
    "distribution",
)
WIDTHS = (44, 16, 18, 14, 14, 10, 24, 8, 8, 60, 40, 14)
TOP = "instance"  # sheet of what stands at the top by itself
QUANTITY = {"value", "range", "source", "assumption", "grade", "year", "derivation", "distribution"}
JSON = "json"  # kind of a value that is written as JSON: what has no row of its own
BARE = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
NUMBER = re.compile(r"(-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s+(\S.*)")
SEGMENT = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def require(asked: str) -> None:
    """Nothing, where workbooks can be read and written.

    Raises
    ------
    UsageError
        The library is not installed.
    """
    if importlib.util.find_spec("openpyxl") is None:
        raise UsageError(asked, "openpyxl is not installed", f"{INSTALL}, or use YAML")


# -- out -----------------------------------------------------------------------------------------------------------


def write(data: Mapping[str, Any], file: str) -> File:
    """Write plain data into a workbook that is not there yet, and return it.

    Raises
    ------
    UsageError
        The library is not installed, or the file is there already.
    CoercivityError
        It cannot be written.
    """
    book, target = begun(file)
    top = {key: value for key, value in data.items() if not _has_rows(value)}
    for name, block in [(TOP, top), *((key, value) for key, value in data.items() if key not in top)]:
        _sheet(book.create_sheet(name), block)
    return ended(book, target)


def begun(file: str) -> tuple[Any, File]:
    """An empty workbook for a file that is not there yet, and that file; raises as :func:`write`."""
    require(file)
    from openpyxl import Workbook

    target = File(file)
    if target.exists():
        raise UsageError(file, "is there already", "name another file, or remove it")
    book = Workbook()
    book.remove(book.active)
    return book, target


def ended(book: Any, target: File) -> File:
    """The file in which a workbook was saved; raises as :func:`write`."""
    try:
        book.save(target)
    except OSError as error:
        raise refused(str(target), "cannot be written", error, "check the path and its permissions") from None
    return target


def put(sheet: Any, row: int, column: int, value: Any) -> Any:
    """A value in a cell, which is returned: a text is a text, whatever it begins with."""
    cell = sheet.cell(row, column, value)
    if isinstance(value, str):
        # Else a text that begins with = would be computed.
        cell.data_type = "s"
    return cell


def _has_rows(value: Any) -> bool:
    return isinstance(value, dict | list) and not _is_quantity(value) and not _as_json(value)


def _is_quantity(node: Any) -> bool:
    return isinstance(node, dict) and "value" in node and set(node) <= QUANTITY


def _as_json(value: Any) -> bool:
    """Whether a value has no rows: nothing in it, names that no path can hold, or a list of plain values."""
    if isinstance(value, dict):
        return not value or any(not SEGMENT.fullmatch(str(key)) or str(key).startswith("[") for key in value)
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)


def _sheet(sheet: Any, block: Any) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for column, (head, width) in enumerate(zip(HEADS, WIDTHS, strict=True), start=1):
        sheet.cell(1, column, head).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "C2"
    for number, row in enumerate(_rows(block, ""), start=2):
        for column, head in enumerate(HEADS, start=1):
            if row.get(head) is not None:
                put(sheet, number, column, _exactly(row[head]))


def _exactly(value: Any) -> Any:
    """A number that loses its last digit in a workbook as text, which is read as a number again; all else as it is."""
    return repr(value) if isinstance(value, float) and float(f"{value:.16g}") != value else value


def _rows(node: Any, path: str) -> Iterator[dict[str, Any]]:
    if _is_quantity(node):
        yield {"path": path, **_quantity(node)}
    elif isinstance(node, dict) and not _as_json(node):
        for key, inner in node.items():
            yield from _rows(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and not _as_json(node):
        for at, inner in enumerate(node):
            yield from _rows(inner, f"{path}[{at}]")
    elif isinstance(node, dict | list) or node is None or node == "":
        yield {"path": path, "value": json.dumps(node, ensure_ascii=False), "kind": JSON}
    elif _exactly(node) != node:
        yield {"path": path, "value": repr(node), "kind": JSON}
    else:
        yield {"path": path, "value": node}


def _quantity(node: Mapping[str, Any]) -> dict[str, Any]:
    value, unit = _split(node["value"])
    found: dict[str, Any] = {"value": value, "unit": unit}
    if "range" in node:
        for head, end in zip(("low", "high"), node["range"], strict=True):
            at, of = _split(end)
            found[head] = at if of == unit else end
    source = node.get("source")
    found["source"] = ", ".join(source) if isinstance(source, list) else source
    found["kind"] = "assumed" if "assumption" in node else "derived" if "derivation" in node else "sourced"
    found["reason"] = node.get("assumption")
    return found | {head: node.get(head) for head in ("grade", "year", "derivation", "distribution")}


def _split(value: Any) -> tuple[Any, str | None]:
    """A number and its unit; what is no number with a unit stays as it is."""
    match = NUMBER.fullmatch(value) if isinstance(value, str) else None
    return (float(match[1]), match[2]) if match else (value, None)


# -- in ------------------------------------------------------------------------------------------------------------


def read(path: str) -> Document:
    """The document that a workbook holds; the places of its parts are cells.

    Raises
    ------
    UsageError
        The library is not installed, or the file cannot be read.
    InvalidInstance
        A sheet is not of the kind that is written here; all findings.
    """
    require(path)
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, data_only=True)
    except FileNotFoundError:
        raise UsageError(path, "no such file", "check the path") from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(path, f"is no workbook: {error}", "save it as .xlsx") from None
    reading = _Reading(path)
    for sheet in book.worksheets:
        reading.sheet(sheet)
    if reading.findings:
        raise InvalidInstance(path, reading.findings)
    return Document(path, _with_lists(reading.data), origins=reading.origins)


class _Reading:
    """What was read so far, where it stood, and what was wrong."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.data: dict[str, Any] = {}
        self.origins: dict[Path, str] = {}
        self.findings: list[Finding] = []

    def sheet(self, sheet: Any) -> None:
        rows = sheet.iter_rows()
        heads = [str(cell.value or "").strip() for cell in next(rows, ())]
        for column, head in enumerate(heads):
            if head and head not in HEADS:
                place = f"{sheet.title}!{sheet.cell(1, column + 1).coordinate}"
                self._find(place, "", f"unknown column {head!r}", f"columns: {', '.join(HEADS)}")
        if "path" not in heads or "value" not in heads:
            self._find(
                f"{sheet.title}!A1", "", "there is no column 'path' and 'value'", "keep the first row as it was written"
            )
            return
        for cells in rows:
            row = {head: cell for head, cell in zip(heads, cells, strict=False) if head}
            if row["path"].value is not None:
                self._row(sheet.title, row)

    def _row(self, title: str, row: Mapping[str, Any]) -> None:
        text = str(row["path"].value).strip()
        parts = [int(at) if at else name for at, name in SEGMENT.findall(text)]
        where: Path = tuple(parts) if title == TOP else (title, *parts)
        place = f"{title}!{row['value'].coordinate}"
        try:
            value = _value({head: cell.value for head, cell in row.items()})
        except ValueError as error:
            self._find(place, dotted(where), f"is no JSON: {error}", "mend it, or leave the column 'kind' empty")
            return
        node: Any = self.data
        for key in where[:-1]:
            node = node.setdefault(key, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict) or where[-1] in node:
            self._find(f"{title}!{row['path'].coordinate}", dotted(where), "is written twice", "keep one of the rows")
            return
        node[where[-1]] = value
        self.origins[where] = f"{self.path}: {place}"

    def _find(self, place: str, path: str, what: str, fix: str) -> None:
        self.findings.append(Finding(f"{self.path}: {place}", path, what, fix))


def _value(row: Mapping[str, Any]) -> Any:
    """What a row says: a plain value, JSON, or a number with what it rests on."""
    if row.get("kind") == JSON:
        return json.loads(str(row["value"]))
    unit = row.get("unit")
    beside = {head: row[head] for head in ("grade", "year", "derivation", "distribution") if row.get(head) is not None}
    if row.get("source") is not None:
        names = [name.strip() for name in str(row["source"]).split(",")]
        beside["source"] = names[0] if len(names) == 1 else names
    if row.get("reason") is not None:
        beside["assumption"] = row["reason"]
    ends = [row.get("low"), row.get("high")]
    if not beside and unit is None and ends == [None, None]:
        return row["value"]
    found: dict[str, Any] = {"value": _joined(row["value"], unit), **beside}
    if ends != [None, None]:
        found["range"] = [_joined(end, unit) for end in ends]
    return found


def _joined(value: Any, unit: Any) -> Any:
    """A number and its unit, as a file writes it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) and BARE.fullmatch(value.strip()):
        value, is_number = float(value), True
    return f"{value!r} {unit}" if is_number and unit is not None else value


def _with_lists(node: Any) -> Any:
    """The data with lists where all keys are positions."""
    if not isinstance(node, dict):
        return node
    inner = {key: _with_lists(value) for key, value in node.items()}
    if inner and all(isinstance(key, int) for key in inner):
        return [inner[key] for key in sorted(inner)]
    return inner
