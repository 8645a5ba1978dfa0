"""What a file says reaches no spreadsheet as a formula and no terminal as a command."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path as File
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.data.document import parse
from coercivity.engine.desk.terminal import Progress, note, write
from coercivity.engine.report.text import STEERING, harmless, steerless, to_csv, to_json
from coercivity.models.licensing.pages.studies.tables import _csv
from tests.rich_instance import TOY, changed, text_of

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\t5", " =1", "＝1")
STEERS = ("\x1b[31mred", "\x07bell", "\x9b31mred", "a\u202eb", "a\u2066b", "a\x00b", "a\x7fb", "a\u2028b", "a\x85b")
FORMULA = re.compile(r"\s*[=+@＝＋－＠-]")


def run(tmp_path: File, *arguments: str, **changes: Any) -> Result:
    data = parse(TOY.read_text("utf-8"), "toy").data
    for path, value in changes.items():
        data = changed(data, path.replace("__", "."), value)
    (tmp_path / "odd.yaml").write_text(text_of(data), "utf-8")
    command, *options = arguments
    return CliRunner().invoke(main_group, [command, str(tmp_path / "odd.yaml"), *options], env={"COLUMNS": "100"})


def texts(table: str) -> list[str]:
    """Cells that no spreadsheet reads as a number."""
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    return [cell for cell in cells if not re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell)]


@pytest.mark.parametrize("words", FORMULAS)
def test_a_text_that_begins_like_a_formula_is_escaped(words: str) -> None:
    assert harmless(words).startswith("'")
    table = to_csv([{"=head": words, "list": [words, "a"], "number": -5.0}])
    assert not any(FORMULA.match(cell) for cell in texts(table)) and table.endswith(",-5.0\n")
    frame = pd.DataFrame({"=head": [words], "number": [-5.0]})
    assert not any(FORMULA.match(cell) for cell in texts(_csv(frame))) and _csv(frame).endswith(",-5.0\n")


@pytest.mark.parametrize("cell", ["a = b", "-5", "+1e3", "-0.25", "", "x-1", -5, -0.5, None, True])
def test_numbers_and_other_texts_stay(cell: object) -> None:
    assert harmless(cell) == cell


@pytest.mark.parametrize("words", FORMULAS[:4])
def test_sources_as_csv_hold_no_formula(tmp_path: File, words: str) -> None:
    capacity = {"value": "3000 t/yr", "assumption": words}
    result = run(tmp_path, "sources", "--format", "csv", leader__capacity=capacity)
    assert result.exit_code == 0 and f"'{words[:4]}" in result.stdout
    assert not any(FORMULA.match(cell) for cell in texts(result.stdout))


@pytest.mark.parametrize(
    "arguments",
    [
        ("solve", "--strategy", "half", "--no-save"),
        ("compare", "--no-save"),
        ("sweep", "--vary", "concession.value=0:100:2", "--no-save"),
    ],
)
def test_answers_as_csv_hold_no_formula(tmp_path: File, arguments: tuple[str, ...]) -> None:
    titles = {"strategies__half__title": "=1+1", "blocs__west__title": "@SUM(A1)", "title": "+1+1"}
    result = run(tmp_path, *arguments, "--format", "csv", "--jobs", "1", **titles)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") > 2 and not any(FORMULA.match(cell) for cell in texts(result.stdout))


@pytest.mark.parametrize("words", STEERS)
def test_what_steers_a_terminal_is_not_written(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(f"{words}\tand\n")
    note(words)
    with Progress() as progress:
        progress(words, 1, 2)
    out, err = capsys.readouterr()
    assert not STEERING.search(out + err) and out.endswith("\tand\n")
    assert not STEERING.search(steerless(words)) and not STEERING.search(to_csv([{words: words}]))


@pytest.mark.parametrize("words", STEERS)
def test_json_says_the_same_in_escapes(words: str) -> None:
    written = to_json({"title": words})
    assert not STEERING.search(written) and json.loads(written) == {"title": words}


NAUGHTY = "\u001b[31mred\u202e\u009b"


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate",), ("validate", "--format", "json"), ("show",), ("show", "title"), ("sources",),
        ("sources", "--format", "csv"), ("solve", "--no-save", "--jobs", "1"), ("compare", "--no-save", "--jobs", "1"),
    ],
)  # fmt: skip
def test_no_command_lets_a_file_steer_the_terminal(tmp_path: File, arguments: tuple[str, ...]) -> None:
    titles = dict.fromkeys(("title", "strategies__half__title", "blocs__west__title", "assumed"), NAUGHTY)
    result = run(tmp_path, *arguments, **titles)
    assert result.exit_code == 0, result.output
    assert not STEERING.search(result.stdout) and not STEERING.search(result.stderr)


def test_no_error_lets_a_file_steer_the_terminal(tmp_path: File) -> None:
    for path, value in (
        ("baseline", NAUGHTY),
        ("leader__price", {NAUGHTY: "5 USD/kg"}),
        (NAUGHTY, 1),
        ("as_of", NAUGHTY),
    ):
        result = run(tmp_path, "validate", **{path: value})
        assert result.exit_code == 3 and not STEERING.search(result.output)
