"""A little of everything, quick enough to be run with the lowest versions that are stated too: ``make floor``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.desk.stated import parsed

HOUSE = Path(__file__).parents[2]
ALONE = ("--jobs", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*arguments: str) -> dict[str, Any]:
    found = CliRunner().invoke(main_group, [*arguments, "--format", "json"])
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def floor() -> Any:
    place = util.spec_from_file_location("floor", HOUSE / "tests" / "floor.py")
    assert place is not None
    assert place.loader is not None
    module = util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def test_every_package_has_a_lowest_version_that_is_stated() -> None:
    stated = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
    every = [*stated["dependencies"], *(text for texts in stated["optional-dependencies"].values() for text in texts)]
    assert [text for text in every if parsed(text).least is None] == []
    assert {parsed(text).name for text in stated["dependencies"]} <= set(floor().lowest())


def test_what_is_tested_together_is_inside_what_is_stated() -> None:
    lines = (HOUSE / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    stated = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
    every = [*stated["dependencies"], *(text for texts in stated["optional-dependencies"].values() for text in texts)]
    for one in map(parsed, every):
        assert one.extra or one.name == "pygambit" or one.admits(pinned[one.name]), one


def test_the_doctor_finds_nothing() -> None:
    found = told("doctor")
    assert [check for check in found["checks"] if not check["ok"]] == []


def test_a_game_is_validated_solved_compared_and_verified(folder: Path) -> None:
    assert told("validate", "one-buyer")["ok"]
    assert told("compare", "one-buyer", *ALONE, "--out", "compared")["verdict"]
    (compared,) = (run for run in (folder / "compared").iterdir() if run.is_dir())
    # A saved result is read into values, down to the last.
    assert told("brief", str(compared))["payers"][0]["bloc"] == "west"
    told("solve", "one-buyer", *ALONE, "--out", "solved")
    (saved,) = (folder / "solved").iterdir()
    assert told("verify", str(saved), "--search", *ALONE)["ok"]


@pytest.mark.parametrize("name", ["moore_bard1990", "conejo2016_price_maker", "conitzer_sandholm2006"])
def test_programs_are_solved(name: str) -> None:
    assert told("solve", name, "--no-save")["command"] == "solve"


def test_a_small_sweep() -> None:
    arguments = ("sweep", "one-buyer", "--vary", "concession.value=0:400:3", *ALONE)
    assert told(*arguments)["runs"]["done"] == 3
    assert told(*arguments)["runs"]["reused"] == 3


@pytest.mark.skipif(util.find_spec("duckdb") is None, reason="needs the extra parquet")
@pytest.mark.skipif(util.find_spec("altair") is None, reason="needs the extra charts")
def test_a_small_study_with_pictures_and_parquet(folder: Path) -> None:
    told("montecarlo", "one-buyer", "--vary", "concession.value=0:400", "--runs", "16", *ALONE, "--charts", "--parquet")
    assert {path.suffix for path in (folder / "runs").rglob("*")} >= {".svg", ".html", ".parquet", ".csv", ".json"}
