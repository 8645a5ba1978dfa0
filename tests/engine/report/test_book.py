"""A report as a workbook: what stands in its cells is what the report says, and nothing is a formula."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity import cli
from coercivity.engine.errors import UsageError
from coercivity.engine.report.book import write
from coercivity.engine.report.text import Column, Prose, Table

openpyxl = pytest.importorskip("openpyxl")

COLUMNS = [Column("strategy", "text"), Column("payoff"), Column("chance, %", "percent"), Column("proved", "text")]


def test_numbers_are_numbers_and_texts_are_texts(tmp_path: Path) -> None:
    table = Table(
        "Who pays: [all] and a title that is longer than a sheet's",
        COLUMNS,
        [["=1+1", 1.25, 0.48, None], ["b", 2, None, True]],
    )
    file = write([Prose("Heading", ["It pays.", "=cmd|' /C calc'!A0"]), table, table], str(tmp_path / "a.xlsx"))
    book = openpyxl.load_workbook(file)
    first, second, third = book.sheetnames
    assert first == "Report"
    assert len(second) <= 31 and len(third) <= 31 and second != third
    rows = list(book[second].iter_rows(min_row=2, values_only=True))
    assert rows[0] == ("strategy", "payoff", "chance, %", "proved")
    assert rows[1] == ("=1+1", 1.25, 48.0, None)
    assert rows[2] == ("b", 2, None, "yes")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert [row[0] for row in book["Report"].iter_rows(values_only=True) if row[0]] == [
        "Heading",
        "It pays.",
        "=cmd|' /C calc'!A0",
    ]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        write([Prose("", ["x"])], str(tmp_path / "a.xlsx"))
    assert (tmp_path / "a.xlsx").read_text() == "mine"


def test_a_saved_comparison_becomes_a_workbook(tmp_path: Path) -> None:
    run = CliRunner().invoke
    made = run(cli.main_group, ["compare", "one-buyer", "--hinges", "0", "--out", str(tmp_path), "--format", "json"])
    assert made.exit_code == 0, made.stderr
    (saved,) = tmp_path.glob("*/result.json")
    told = run(cli.main_group, ["runs", "show", str(saved), "--workbook", str(tmp_path / "r.xlsx")])
    assert told.exit_code == 0, told.stderr
    assert told.stdout == ""
    assert "written: " in told.stderr
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    payoff = next(sheet for sheet in book if str(sheet.cell(1, 1).value).startswith("Leader's payoff by term"))
    rows = {row[0]: row[1] for row in payoff.iter_rows(min_row=3, values_only=True)}
    assert rows["optimal"] == json.loads(made.stdout)["strategies"][-1]["leader"]["value_musd"]
