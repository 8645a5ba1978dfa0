"""Tables keep to their width and their words; JSON and CSV hold what was said."""

from __future__ import annotations

import csv
import io
import json

import pytest

from coercivity.engine.report.text import Column, Line, Prose, Table, lines, text, to_csv, to_json

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
WIDE = Table(
    "Exports, t",
    [Column("strategy", "text"), *(Column(month) for month in MONTHS)],
    [["coercion_persistent", *[1234.5] * 12], ["open", *[-0.01] * 12]],
)
WORDY = Table(
    "Numbers",
    [Column("path", "text"), Column("value", "text"), Column("reason", "text")],
    [["blocs.us.demand.magnets_heavy", "4,000 t/yr", "what plants outside sold there, " * 5]],
    keys=2,
    stacks=True,
)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("table", [WIDE, WORDY])
def test_nothing_is_wider_than_the_terminal_and_no_word_is_broken(table: Table, width: int) -> None:
    written = text([table], width)
    assert max(map(len, written.splitlines())) <= width
    words = {word for row in table.rows for cell in row if isinstance(cell, str) for word in cell.split()}
    assert words <= set(written.replace(":", " ").split())


def test_a_split_table_repeats_its_key_and_shows_every_column_once() -> None:
    heads = [line.text.split() for line in lines([WIDE], 60) if line.text.startswith("strategy")]
    assert len(heads) > 1
    assert [month for head in heads for month in head[1:]] == MONTHS
    # Split evenly: no part with a lonely column.
    assert max(map(len, heads)) - min(map(len, heads)) <= 1


def test_numbers_line_up_and_zero_has_no_minus() -> None:
    rows = text([WIDE], 200).splitlines()[3:]
    assert rows[0].endswith("1,234") or rows[0].endswith("1,235")
    assert rows[1].endswith(" 0")
    assert len(rows[0]) == len(rows[1])


def test_wide_letters_count_double() -> None:
    table = Table("", [Column("名前", "text"), Column("value")], [["磁石磁石", 1.0], ["a", 2.0]])
    rows = text([table], 80).splitlines()[2:]
    assert rows[0].index("1.00") == rows[1].index("2.00") - 4


def test_what_steers_a_terminal_or_looks_like_markup_is_shown_as_it_is() -> None:
    assert lines([Prose("", ["[bold]\x1b[31mred"])], 80) == [Line("[bold]?[31mred")]


def test_a_table_without_rows_says_so() -> None:
    assert text([Table("Shortage", [Column("a", "text")], [])], 80) == "Shortage\nnothing\n"


def test_json_has_no_number_that_is_none() -> None:
    data = {"gap": float("nan"), "bound": float("-inf"), "list": (1, 2.5), "ok": True, "title": "é"}
    assert json.loads(to_json(data)) == {"gap": None, "bound": None, "list": [1, 2.5], "ok": True, "title": "é"}
    assert to_json(data, ascii_only=True).isascii()


def test_csv_reads_back() -> None:
    rows = [{"figure": 'a "quoted", name', "value": 0.1 + 0.2, "of": None}]
    (read,) = csv.DictReader(io.StringIO(to_csv(rows)))
    assert read == {"figure": 'a "quoted", name', "value": repr(0.1 + 0.2), "of": ""}
