"""What the doctor says of an installation that does not work: every check is made to fail."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import coercivity.engine.data.units
import coercivity.engine.programs.hot
import coercivity.engine.report.charts.page
import coercivity.engine.report.parquet
import coercivity.models.licensing.data.load
from coercivity.cli import main_group
from coercivity.engine.desk import doctor, stated
from coercivity.models import diagnosis

Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refuse(*_: Any, **__: Any) -> Any:
    raise ImportError("cannot import name 'this'")


def versions(**wrong: str) -> Patch:
    """Other versions than those that are installed."""
    real = importlib.metadata.version

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda name: wrong.get(name.replace("-", "_"), real(name)))

    return patch


def missing(*names: str) -> Patch:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    return lambda monkeypatch: monkeypatch.setattr(importlib.metadata, "version", version)


def replaced(place: Any, name: str, value: Any = refuse) -> Patch:
    return lambda monkeypatch: monkeypatch.setattr(place, name, value)


CASES = [
    ("Python", replaced(stated.platform, "python_version", lambda: "3.10.2"), "3.10.2 runs, >=3.11 is needed"),
    ("packages", missing("pint"), "pint is not installed, <0.26,>=0.24.4 is needed"),
    ("packages", missing("coercivity"), "coercivity is not installed"),
    ("packages", versions(highspy="1.12.0"), "highspy 1.12.0 is installed, <2,>=1.13 is needed"),
    ("packages", versions(pandas="4.0.1"), "pandas 4.0.1 is installed"),
    ("units are read", replaced(coercivity.engine.data.units, "convert"), "cannot import"),
    (
        "units are read",
        replaced(coercivity.engine.data.units, "convert", lambda *_: 12.0),
        "gave 12.0 instead of 1000.0",
    ),
    ("HiGHS solves", replaced(coercivity.engine.programs.hot.HotProgram, "set_row_lower"), "cannot import"),
    (
        "HiGHS solves",
        replaced(coercivity.engine.programs.hot.HotProgram, "set_row_lower", lambda *_: None),
        "gave (5.0, 5.0)",
    ),
    ("Pyomo builds", replaced(coercivity.engine.programs.hot, "solve_once"), "cannot import"),
    ("tables", lambda monkeypatch: monkeypatch.setattr("pandas.DataFrame.to_csv", refuse), "cannot import"),
    ("tables", lambda monkeypatch: monkeypatch.setattr("pandas.DataFrame.to_csv", lambda *_, **__: "a,b\n"), "(0, 2)"),
    (
        "instances are read",
        replaced(coercivity.models.licensing.data.load, "shipped", list),
        "among the shipped instances",
    ),
    ("instances are read", replaced(coercivity.models.licensing.data.load, "load"), "cannot import"),
    ("a game is solved", replaced(coercivity.models.licensing.data.load, "load"), "cannot import"),
    (
        "a program is solved",
        lambda monkeypatch: monkeypatch.setattr("coercivity.engine.bilevel.formats.read", refuse),
        "cannot import",
    ),
    ("disk", replaced(doctor.tempfile, "TemporaryDirectory", refuse), "cannot import"),
    ("processors", replaced(doctor, "processors"), "cannot import"),
    ("charts (optional)", replaced(coercivity.engine.report.charts.page, "files"), "cannot import"),
    (
        "charts (optional)",
        replaced(coercivity.engine.report.charts.page, "files", lambda *_: {"bars.svg": "", "charts.html": ""}),
        "False",
    ),
    ("charts (optional)", versions(vl_convert_python="1.6.0"), "vl-convert-python 1.6.0 is installed"),
    ("cluster (optional)", lambda monkeypatch: monkeypatch.setattr("distributed.Client", refuse), "cannot import"),
    ("cluster (optional)", versions(distributed="2024.1.0"), "distributed 2024.1.0 is installed"),
    ("parquet (optional)", replaced(coercivity.engine.report.parquet, "from_csv"), "cannot import"),
    ("parquet (optional)", versions(duckdb="1.0.0"), "duckdb 1.0.0 is installed"),
]


@pytest.mark.parametrize(("name", "patch", "says"), CASES)
def test_what_is_broken_is_said_with_what_to_do(
    name: str, patch: Patch, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for extra, library in (("charts", "altair"), ("cluster", "distributed"), ("parquet", "duckdb")):
        if name.startswith(extra):
            pytest.importorskip(library)
    others = {"charts (optional)", "cluster (optional)", "parquet (optional)", "a game is solved"} - {name}
    for other in others:  # slow, and looked at in their own cases
        monkeypatch.setattr(
            doctor if "(" in other else diagnosis, f"_{other.split()[1 if other[1] == ' ' else 0]}", str
        )
    patch(monkeypatch)
    (found,) = [one for one in diagnosis.diagnoses() if one.name == name]
    assert not found.ok
    assert says in found.detail
    assert "fix: " in found.detail


def test_every_check_was_made_to_fail() -> None:
    assert {name for name, _, _ in CASES} == {one.name for one in diagnosis.diagnoses()}


@pytest.mark.parametrize("extra", ["charts", "cluster", "parquet"])
def test_what_is_optional_may_be_missing(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing_libraries", lambda: ["altair"])
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    detail = getattr(doctor, f"_{extra}")()
    assert detail.startswith("no ")
    assert f"pip install '.[{extra}]'" in detail


def test_the_command_ends_with_what_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coercivity.engine.data.units, "convert", refuse)
    found = CliRunner().invoke(main_group, ["doctor"], env={"COLUMNS": "200"})
    assert found.exit_code == 7
    assert "not working: units are read" in found.stderr


def test_only_published_packages_are_advised() -> None:
    house = Path(stated.__file__).parents[1]
    files = [
        *house.glob("engine/**/*.py"),
        *house.glob("models/**/*.py"),
        *house.glob("*.md"),
        *house.glob("docs/*.md"),
    ]
    assert [file.name for file in files if "pip install 'coercivity" in file.read_text("utf-8")] == []
    assert [file.name for file in files if "pip install coercivity" in file.read_text("utf-8")] == []
