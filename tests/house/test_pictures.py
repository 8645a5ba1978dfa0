"""Pictures as users get them: one page that opens without a network, with a picture in it whatever was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group

TOY = "one-buyer"
ALONE = ("--jobs", "1")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main_group, list(arguments), env={"COLUMNS": "100"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test works in a folder of its own, so that ``runs`` is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_charts_are_saved_and_open_without_a_network() -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    assert run("compare", TOY, *ALONE, "--charts").exit_code == 0
    (saved,) = Path("runs").iterdir()
    page = (saved / "charts.html").read_text()
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?http""", page)
    assert {"payoff.svg", "exports.svg", "share.svg"} <= {path.name for path in saved.iterdir()}
    assert (saved / "payoff.svg").read_text().startswith("<svg")
    drawn = (saved / "exports.svg").read_text()
    for title in json.loads((saved / "result.json").read_text())["strategies"]:
        assert f">{title['strategy']['title']}</text>" in drawn
    assert 'href="#word-payoff"' in page or 'id="word-payoff"' in page
    assert "hash " in page.split("<footer>")[1]


STUDY = ("--vary", "concession.value=0:100", "--runs", "16")


@pytest.mark.parametrize(
    "asked",
    [
        ("discover", TOY, "--strategy", "half", "--against", "open", *STUDY),
        ("discover", TOY, "--strategy", "half", "--against", "open", "--vary", "concession.value=90:100", "--runs", "16"),
        ("sensitivity", TOY, "--method", "morris", *STUDY[:2], "--runs", "4"),
        ("sensitivity", TOY, *STUDY),
        ("sweep", TOY, "--vary", "concession.value=0:100:3"),
        ("frontier", "template"),
    ],
)  # fmt: skip
def test_no_page_is_without_a_picture(asked: tuple[str, ...]) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    found = run(*asked, "--charts")
    assert found.exit_code == 0, found.stderr
    (saved,) = (path for path in Path("runs").iterdir() if path.is_dir())
    assert list(saved.glob("*.svg"))
    assert "<figure" in (saved / "charts.html").read_text()


def test_charts_without_the_extra_are_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from coercivity.engine.report.charts import page as charts

    monkeypatch.setattr(charts, "missing_libraries", lambda: ["altair"])
    found = run("compare", TOY, "--charts")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "pip install altair vl-convert-python" in found.stderr
