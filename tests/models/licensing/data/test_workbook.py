"""Instances as workbooks: there and back they are the same, faults are cells, and no text becomes a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.data import workbook
from coercivity.engine.errors import InvalidInstance, UsageError
from coercivity.models.licensing.data.load import effective, load, shipped, to_workbook

openpyxl = pytest.importorskip("openpyxl")
SHIPPED = [name for name, _, _ in shipped()]


def run(*words: str) -> Result:
    return CliRunner().invoke(main_group, ["--quiet", *words], env={"COLUMNS": "100"})


@pytest.mark.parametrize("name", SHIPPED)
def test_there_and_back_is_the_identity(name: str, tmp_path: Path) -> None:
    instance = load(name)
    file = to_workbook(instance, str(tmp_path / "a.xlsx"))
    again = load(str(file))
    assert again.fingerprint() == instance.fingerprint()
    assert effective(again) == effective(instance)


def changed(tmp_path: Path, **cells: Any) -> Path:
    """The template as a workbook with some cells changed; a sheet and a path name the row."""
    file = to_workbook(load("template"), str(tmp_path / "t.xlsx"))
    book = openpyxl.load_workbook(file)
    for place, value in cells.items():
        sheet, column, path = place.split("__")
        rows = {row[0].value: row for row in book[sheet].iter_rows(min_row=2)}
        rows[path.replace("_dot_", ".")][workbook.HEADS.index(column)].value = value
    book.save(file)
    return file


def test_a_changed_cell_is_a_changed_number(tmp_path: Path) -> None:
    file = changed(
        tmp_path, concession__value__value=450.0, leader__low__discount_rate=0.01, leader__high__discount_rate=0.2
    )
    instance = load(str(file))
    assert instance.concession is not None
    assert float(instance.concession.value) == 450.0
    assert (instance.leader.discount_rate.low, instance.leader.discount_rate.high) == (0.01, 0.2)
    assert run("show", str(file), "concession.value").exit_code == 0
    assert run("validate", str(file)).exit_code == 0


def test_a_fault_is_named_by_its_sheet_and_cell(tmp_path: Path) -> None:
    file = changed(tmp_path, leader__value__discount_rate="much", concession__value__value=-5.0)
    with pytest.raises(InvalidInstance) as caught:
        load(str(file))
    told = str(caught.value)
    book = openpyxl.load_workbook(file)
    for sheet, path in (("leader", "discount_rate"), ("concession", "value")):
        (row,) = [row[0].row for row in book[sheet].iter_rows(min_row=2) if row[0].value == path]
        assert f"{file}: {sheet}!B{row}" in told
    found = run("validate", str(file))
    assert found.exit_code == 3
    assert "leader!B" in found.stderr


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")'])
def test_no_text_is_computed(text: str, tmp_path: Path) -> None:
    file = workbook.write(
        {"title": text, "block": {"a": {"value": "1 t", "assumption": text}}}, str(tmp_path / "f.xlsx")
    )
    book = openpyxl.load_workbook(file)
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert workbook.read(str(file)).data["title"] == text


def test_rows_columns_and_files_that_are_none_are_refused(tmp_path: Path) -> None:
    file = to_workbook(load("template"), str(tmp_path / "t.xlsx"))
    book = openpyxl.load_workbook(file)
    sheet = book["leader"]
    sheet.append(["discount_rate", 0.1])
    sheet.cell(1, 13, "mood")
    book.save(file)
    with pytest.raises(InvalidInstance) as caught:
        load(str(file))
    assert f"leader!A{sheet.max_row}: leader.discount_rate: is written twice" in str(caught.value)
    assert "leader!M1: unknown column 'mood'" in str(caught.value)
    (tmp_path / "no.xlsx").write_text("no workbook", "utf-8")
    with pytest.raises(UsageError):
        load(str(tmp_path / "no.xlsx"))
    assert run("export", "template", str(file)).exit_code == 2, "it is there already"


def test_the_command_line_writes_one(tmp_path: Path) -> None:
    file = str(tmp_path / "x.xlsx")
    assert run("export", "template", file, "--set", "leader.discount_rate=0.08").exit_code == 0
    assert float(load(file).leader.discount_rate) == 0.08
