"""The Python door: the examples of its page run and say what they say, results show themselves, wrong calls are refused."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import coercivity as co
from coercivity.cli import main_group

HOUSE = Path(__file__).parents[2]
PAGE = (HOUSE / "docs/python.md").read_text("utf-8")
NOTEBOOK = HOUSE / "docs/tour.ipynb"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names that the examples of the page leave behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        names: dict[str, Any] = {}
        for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
            exec(compile(block, "docs/python.md", "exec"), names)
    return names


def test_the_examples_of_the_page_run(said: dict[str, Any]) -> None:
    assert said["found"].value == pytest.approx(-22.0)
    assert said["answer"].value == pytest.approx(4.0)
    assert said["answer"].certificate.proof == "OPTIMAL"
    assert said["paid"].value == pytest.approx(190.0)


def test_a_value_says_what_the_command_line_says() -> None:
    told = CliRunner().invoke(main_group, ["solve", "one-buyer", "--no-save", "--jobs", "1", "--format", "json"])
    found, printed = co.to_plain(co.solve("one-buyer", jobs=1, quiet=True)), json.loads(told.stdout)
    for key in set(printed) - {"manifest", "search"}:
        assert json.loads(json.dumps(found[key])) == printed[key], key


@pytest.mark.parametrize(
    "ask",
    [
        lambda: co.solve("one-buyer", quiet=True),
        lambda: co.compare("one-buyer", quiet=True),
        lambda: co.frontier("template", quiet=True),
        lambda: co.threshold("one-buyer", "concession.value", quiet=True),
        lambda: co.sweep("one-buyer", "concession.value=0:400:3", jobs=1),
        lambda: co.montecarlo("one-buyer", "concession.value=0:400", runs=8, jobs=1),
        lambda: co.sensitivity("one-buyer", "concession.value=0:400", runs=16, jobs=1),
        lambda: co.discover("one-buyer", "concession.value=0:100", runs=60, jobs=1),
        lambda: co.solve("moore_bard1990"),
        lambda: co.solve("two_types"),
    ],
)
def test_results_show_themselves(ask: Any) -> None:
    found = ask()
    assert len(repr(found).splitlines()) == 1
    assert len(str(found).splitlines()) > 3
    page = found._repr_html_()
    assert "<p>" in page and "<table>" in page
    assert "<script" not in page


def test_the_notebook_runs_from_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell by cell; what a cell ends with can be shown, and what it printed when it was saved it prints again."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 3
    for cell in cells:
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "tour.ipynb", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "tour.ipynb", "eval"), names)
            saved = ["".join(output["data"]["text/plain"]) for output in cell["outputs"]]
            assert saved == [repr(value)]
            # A notebook shows what can be shown: the report as a page, with its picture.
            page = getattr(value, "_repr_html_", lambda: "<table>")()
            assert "<table" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: co.load("april-2052"), "did you mean april-2025"),
        (lambda: co.solve("one-buyer", "halve", quiet=True), "did you mean 'half'"),
        (lambda: co.compare(42), "int is no game"),
        (lambda: co.compare("one-buyer", jobs=0), "0 is not a number of processes"),
        (lambda: co.solve("moore_bard1990", method="magic"), "no such name among the methods"),
        (lambda: co.solve("moore_bard1990")["z"], "no such name among the variables"),
    ],
)
def test_wrong_calls_are_refused_with_a_fix(wrong: Any, said: str) -> None:
    with pytest.raises(co.CoercivityError, match=said):
        wrong()


def test_the_door_has_the_names_it_says() -> None:
    assert set(co.__all__) <= set(dir(co))
    assert all(getattr(co, name).__doc__ for name in co.__all__)
    with pytest.raises(AttributeError, match=r"it has .*solve"):
        _ = co.resolve  # type: ignore[attr-defined]
