"""Saved runs are found by hash, by its first letters or by a tag; tagged ones stay when the others are pruned."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from coercivity.engine.desk import archive, naming, runs
from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import text

ONE, TWO, THREE = "0123456789ab", "01aaaaaaaaaa", "ffffffffffff"


@pytest.fixture(autouse=True)
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three finished runs, the last one newest, one that was not finished, and a folder of somebody else's."""
    monkeypatch.chdir(tmp_path)
    for day, name in enumerate((ONE, TWO, THREE), start=1):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        manifest = {
            "finished": f"2026-01-0{day}T00:00:00+00:00",
            "versions": {"coercivity": "1.0"},
            "status": "finished",
        }
        told = {"schema_version": 1, "command": "solve", "instance": {"name": "game"}, "manifest": manifest}
        (folder / "result.json").write_text(json.dumps(told), "utf-8")
    unfinished = tmp_path / "runs" / "eeeeeeeeeeee"
    unfinished.mkdir()
    os.utime(unfinished, (0, 0))
    (tmp_path / "runs" / "mine").mkdir()
    return tmp_path / "runs"


def test_a_run_is_found_by_the_first_letters_of_its_hash_or_by_its_tag(saved: Path) -> None:
    assert runs.read("012")["command"] == "solve"
    assert naming.located("f") == Path("runs") / THREE
    assert naming.located("runs/f") == Path("runs") / THREE
    assert naming.located(f"{saved}/f") == saved / THREE
    archive.tag("f", "base")
    assert naming.located("base") == Path("runs") / THREE
    assert runs.beside("base") == {}, "a tag says nothing about the result"
    with pytest.raises(UsageError, match="2 runs begin so"):
        runs.read("01")
    with pytest.raises(UsageError, match="no such result"):
        runs.read("e")


def test_a_file_of_that_name_goes_first() -> None:
    Path("f").write_text("{}", "utf-8")
    assert naming.located("f") == Path("f")


def test_a_tag_is_one_runs_alone_until_it_is_taken_away() -> None:
    archive.tag("f", "base")
    archive.tag("f", "paper")
    with pytest.raises(UsageError, match="a tag of ffffffffffff already"):
        archive.tag("012", "base")
    archive.tag("base", "base", is_removed=True)
    found = archive.tag("012", "base")
    assert {one.run: list(one.tags) for one in found.runs if one.tags} == {ONE: ["base"], THREE: ["paper"]}
    with pytest.raises(UsageError, match="no tag of"):
        archive.tag("012", "paper", is_removed=True)


@pytest.mark.parametrize("name", ["", "1st", "a b", "../up", "f"])
def test_a_tag_that_would_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        archive.tag("012", name)


def test_the_newest_comes_first_and_what_was_not_finished_is_said() -> None:
    found = archive.archive("runs")
    assert [one.run for one in found.runs] == [THREE, TWO, ONE, "eeeeeeeeeeee"]
    assert found.runs[-1].status == "not finished"
    shown = text(archive.blocks(found), 60)
    assert max(map(len, shown.splitlines())) <= 60
    assert archive.archive("nowhere").runs == []


def test_pruning_keeps_the_newest_what_is_tagged_and_what_is_not_a_run(saved: Path) -> None:
    with pytest.raises(UsageError, match="nothing says"):
        archive.prune("runs", None, None)
    archive.tag("012", "base")
    dry = archive.prune("runs", 1, None, is_dry=True)
    assert list(dry.removed or ()) == [TWO, "eeeeeeeeeeee"]
    assert len(dry.runs) == 4
    found = archive.prune("runs", 1, None)
    assert (found.removed, [one.run for one in found.runs]) == (dry.removed, [THREE, ONE])
    assert {entry.name for entry in saved.iterdir()} == {ONE, THREE, "mine"}


def test_pruning_by_age_leaves_what_is_younger() -> None:
    found = archive.prune("runs", None, 365_000)
    assert found.removed == []
    assert archive.prune("runs", 0, 0).runs == []


def test_a_link_to_a_folder_elsewhere_is_no_run(tmp_path: Path, saved: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "result.json").write_text("{}", "utf-8")
    (saved / "aaaaaaaaaaaa").symlink_to(elsewhere, target_is_directory=True)
    archive.prune("runs", 0, None)
    assert (elsewhere / "result.json").is_file()
