"""Saved results: checked before, written whole, read back with care."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from coercivity.engine.desk import runs
from coercivity.engine.errors import CoercivityError, UsageError


def test_the_same_question_has_the_same_folder_and_another_one_has_not() -> None:
    name = runs.identity("abc", "solve", {"strategy": "open", "limit": None})
    assert name == runs.identity("abc", "solve", {"limit": None, "strategy": "open"})
    others = [("abd", "solve", "open"), ("abc", "compare", "open"), ("abc", "solve", "half")]
    names = {runs.identity(mark, command, {"strategy": strategy, "limit": None}) for mark, command, strategy in others}
    assert len(names | {name}) == 4


def test_files_are_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    run = runs.prepare(str(tmp_path / "new" / "runs"), "0123")
    assert not run.folder.exists(), "a run that fails leaves no folder"
    run.save({runs.RESULT: "{}\n", "plan.csv": "a,b\n"})
    run.save({runs.RESULT: '{"second": 2}\n'})
    assert {path.name for path in run.folder.iterdir()} == {runs.RESULT, "plan.csv"}
    assert json.loads((run.folder / runs.RESULT).read_text()) == {"second": 2}
    assert [path.name for path in run.folder.parent.iterdir()] == ["0123"]


def test_a_full_disk_keeps_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runs.prepare(str(tmp_path), "0123")
    run.save({runs.RESULT: "old\n"})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CoercivityError, match=r"no space left[\s\S]*--no-save"):
        run.save({runs.RESULT: "new\n"})
    assert (run.folder / runs.RESULT).read_text() == "old\n"
    assert [path.name for path in run.folder.iterdir()] == [runs.RESULT]


def test_too_little_space_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1_000_000))
    with pytest.raises(CoercivityError, match=r"only 1\.0 MB are free"):
        runs.prepare(str(tmp_path), "0123")


def test_a_file_in_the_way_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(CoercivityError, match="it is a file"):
        runs.prepare(str(tmp_path / "runs"), "0123")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"command": "solve", "schema_version": NaN}', "NaN is not a number"),
        ("[]", "not a result"),
        ('{"command": "sources", "schema_version": 1}', "not a result"),
        ('{"command": "solve", "schema_version": 2}', "its schema_version is 2"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(UsageError, match=says):
        runs.read(str(tmp_path))


def test_a_misspelt_run_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "0123456789ab").mkdir()
    with pytest.raises(UsageError, match=r"did you mean .*0123456789ab"):
        runs.read(str(tmp_path / "0123456789ac"))
    with pytest.raises(UsageError, match=r"holds no result\.json"):
        runs.read(str(tmp_path / "0123456789ab"))
