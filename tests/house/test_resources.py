"""When the machine gives out: a full disk, a locked or damaged ledger, a dead worker. Exit 8, and how to go on."""

from __future__ import annotations

import errno
import math
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine import errors
from coercivity.engine.desk import runs
from coercivity.engine.errors import CoercivityError, ExitCode, ResourcesFailed
from coercivity.engine.parallel import spread
from coercivity.engine.report import parquet
from coercivity.engine.study.memory import file as ledger_file
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import Pool, Run

CLI = [sys.executable, str(Path(__file__).parents[2] / "cli.py")]
SWEEP = ("sweep", "one-buyer", "--vary", "concession.value=0:400:3", "--jobs", "1")
RESUME = "resume: coercivity sweep one-buyer --vary concession.value=0:400:3 --jobs 1"
FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main_group, arguments, env={"COLUMNS": "160"})


# -- what an error means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        BrokenProcessPool("a worker died"),
        *(OSError(code, os.strerror(code), "place") for code in (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT)),
    ],
)
def test_the_machine_is_told_from_the_question(error: Exception) -> None:
    words, code = errors.explain(error)
    assert code == ExitCode.RESOURCES
    assert "fix: " in words
    assert "fault of the program" not in words


def test_other_errors_of_the_system_are_no_such_thing() -> None:
    assert errors.explain(OSError(errno.ENOTTY, "no typewriter"))[1] == 1
    assert errors.refused("place", "cannot be written", PermissionError(errno.EACCES, "no"), "").exit_code == 2


def kill(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def killer() -> Callable[[int], int]:
    return kill


def test_a_worker_of_a_search_that_is_killed() -> None:
    with pytest.raises(BrokenProcessPool) as caught:
        list(spread(killer, range(4), 2, math.inf))
    assert errors.explain(caught.value)[1] == ExitCode.RESOURCES


def test_a_worker_of_a_study_that_dies_as_it_begins() -> None:
    with pytest.raises(ResourcesFailed, match="died as it began"):
        list(Pool(2).outcomes([Run("a", 0), Run("b", 1)], [0, 1], partial(kill, 0)))  # type: ignore[arg-type]


# -- the ledger ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda whole: b"no database at all, but a text of some length", id="garbage"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="truncated"),
        pytest.param(lambda whole: whole[:100] + b"\xff" * 3000 + whole[3100:], id="overwritten"),
    ],
)
def test_a_damaged_ledger_is_refused_with_the_command_to_resume(
    folder: Path, content: Callable[[bytes], bytes]
) -> None:
    assert run(*SWEEP).exit_code == 0
    ledger = folder / "runs" / "ledger.sqlite"
    ledger.write_bytes(content(ledger.read_bytes()))
    found = run(*SWEEP)
    assert found.exit_code == 8, found.output
    assert found.stderr.startswith("Error: runs/ledger.sqlite: the ledger cannot be ")
    assert "move it away and give the same command again" in found.stderr
    assert found.stderr.rstrip().endswith(RESUME)
    ledger.rename(folder / "away.sqlite")
    assert run(*SWEEP).exit_code == 0


def test_a_ledger_of_another_shape_is_refused(folder: Path) -> None:
    (folder / "runs").mkdir()
    with sqlite3.connect(folder / "runs" / "ledger.sqlite") as other:
        other.execute("CREATE TABLE meta (name TEXT, value TEXT)")
        other.execute("CREATE TABLE runs (key TEXT, answer TEXT)")
        other.execute("INSERT INTO meta VALUES ('schema_version', '2')")
    found = run(*SWEEP)
    assert found.exit_code == 8
    assert "damaged: its runs have the columns key, answer" in found.stderr


def test_a_locked_ledger_is_refused_with_the_command_to_resume(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_file, "BUSY_SECONDS", 0.2)
    assert run(*SWEEP).exit_code == 0
    other = sqlite3.connect(folder / "runs" / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    found = run(*SWEEP)
    assert found.exit_code == 8, found.output
    assert "another process is writing it" in found.stderr
    assert found.stderr.rstrip().endswith(RESUME)
    other.execute("ROLLBACK")
    again = run(*SWEEP)
    assert again.exit_code == 0
    assert "3 of them known before" in again.stdout


def test_a_ledger_that_may_not_be_written_is_badly_chosen(folder: Path) -> None:
    (folder / "file").write_text("x")
    assert run(*SWEEP, "--ledger", "file/ledger.sqlite").exit_code == 2


# -- rows and their checksums ----------------------------------------------------------------------------------------


def altered(path: Path, change: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET outcome = CAST(replace(CAST(outcome AS TEXT), '1', '7') AS BLOB) WHERE key = 'one'",
        "UPDATE runs SET status = 'infeasible' WHERE key = 'one'",
        "UPDATE runs SET status = 'nonsense' WHERE key = 'one'",
        "UPDATE runs SET message = CAST(x'ff' AS TEXT) WHERE key = 'one'",
        "UPDATE runs SET seconds = 7.0 WHERE key = 'one'",
        "UPDATE runs SET seconds = 'a text' WHERE key = 'one'",
        "UPDATE runs SET outcome = 'a text' WHERE key = 'one'",
        "UPDATE runs SET checksum = x'00' WHERE key = 'one'",
        "UPDATE runs SET (outcome, checksum) = (SELECT outcome, checksum FROM runs WHERE key = 'two') WHERE key = 'one'",
    ],
)
def test_a_row_that_was_altered_is_as_good_as_unknown(folder: Path, change: str) -> None:
    path = folder / "ledger.sqlite"
    first, second = (Outcome(Status.DONE, {"n": 10 + number}, "", 0.5) for number in (1, 2))
    with Ledger(path) as ledger:
        ledger.add("one", first)
        ledger.add("two", second)
    altered(path, change)
    with Ledger(path) as ledger:
        assert ledger.known(["one", "two"]) == {"two": second}
        assert ledger.damaged == {"one"}
        ledger.add("one", first)
    with Ledger(path) as ledger:
        assert ledger.known(["one", "two"]) == {"one": first, "two": second}
        assert not ledger.damaged


def test_an_altered_point_is_computed_again_and_told(folder: Path) -> None:
    before = run(*SWEEP, "--format", "csv").stdout
    altered(folder / "runs" / "ledger.sqlite", "UPDATE runs SET outcome = (SELECT max(outcome) FROM runs)")
    found = run(*SWEEP, "--format", "csv")
    assert found.exit_code == 0
    assert found.stdout == before
    assert (
        "runs/ledger.sqlite: 2 points failed the checksum stored with them: damaged, not used, computed again"
        in found.stderr
    )
    assert "checksum" not in run(*SWEEP).stderr


def old_ledger(path: Path) -> None:
    """A ledger as version 1 wrote it: without checksums, and with a point that may only have made a solver give up."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1')")
        connection.execute(
            "CREATE TABLE runs (key TEXT PRIMARY KEY, status TEXT NOT NULL, outcome BLOB NOT NULL, "
            "message TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL)"
        )
        for key, status in (("one", "done"), ("two", "infeasible")):
            row = (key, status, b'{"n":1}', "", 0.5, "2026-11-24")
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.close()


def test_an_old_ledger_is_brought_up_to_date(folder: Path) -> None:
    old_ledger(folder / "ledger.sqlite")
    for _ in range(2):
        with Ledger(folder / "ledger.sqlite") as ledger:
            assert ledger.known(["one", "two"]) == {"one": Outcome(Status.DONE, {"n": 1}, "", 0.5)}
            assert not ledger.damaged


def test_an_old_share_is_refused_with_what_to_do(folder: Path) -> None:
    old_ledger(folder / "ledger-1of2.sqlite")
    with pytest.raises(CoercivityError, match=r"without checksums(.|\n)*run its own share again"):
        Ledger(folder / "ledger.sqlite")
    Ledger(folder / "ledger.sqlite", (1, 2)).close()
    with Ledger(folder / "ledger.sqlite") as ledger:
        assert list(ledger.known(["one", "two"])) == ["one"]


# -- disks -----------------------------------------------------------------------------------------------------------


def no_room(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 1_000_000})())
    found = run("solve", "one-buyer", "--jobs", "1")
    assert found.exit_code == 8
    assert found.stderr.rstrip().endswith("resume: coercivity solve one-buyer --jobs 1")


@pytest.mark.parametrize("command", [("solve", "one-buyer", "--jobs", "1"), SWEEP])
def test_a_disk_that_fills_up_while_results_are_saved(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.os, "fsync", lambda _: None)
    write = runs._write
    monkeypatch.setattr(runs, "_write", lambda path, text: no_room() if path.suffix == ".json" else write(path, text))
    found = run(*command)
    assert found.exit_code == 8, found.output
    assert "results cannot be saved there: no space left on device" in found.stderr
    assert found.stdout  # the answer is printed all the same


def test_parquet_on_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("duckdb")
    (folder / "table.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(parquet.Path, "replace", no_room)
    with pytest.raises(ResourcesFailed, match="no space left"):
        parquet.from_csv(folder / "table.csv")
    assert not list(folder.glob("*.part"))


def test_a_table_that_parquet_cannot_read_is_no_fault_of_the_machine(folder: Path) -> None:
    pytest.importorskip("duckdb")
    (folder / "table.csv").write_bytes(b"a,b\n1,\xff\xfe\n")
    with pytest.raises(CoercivityError, match="cannot be written") as caught:
        parquet.from_csv(folder / "table.csv")
    assert caught.value.exit_code == ExitCode.USAGE


def limited() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))


@pytest.mark.parametrize("command", [("solve", "one-buyer", "--jobs", "1"), SWEEP])
def test_files_that_may_not_grow(command: tuple[str, ...]) -> None:
    found = subprocess.run(
        [*CLI, *command], capture_output=True, text=True, preexec_fn=limited, timeout=120, check=False
    )
    assert found.returncode == 8, found.stderr
    assert "Traceback" not in found.stderr
    assert "resume: coercivity" in found.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    "command", [("instances",), ("instances", "--format", "json"), ("--help",), ("schema",), SWEEP]
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_streams_on_a_full_disk(command: tuple[str, ...], stream: str) -> None:
    with FULL.open("w") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        found = subprocess.run([*CLI, *command], text=True, timeout=120, check=False, **streams)  # type: ignore[call-overload]
    if stream == "stdout":
        assert found.returncode == 8, found.stderr
        assert "Traceback" not in found.stderr
        assert "no space left on device" in found.stderr
    else:
        assert found.returncode == 0
