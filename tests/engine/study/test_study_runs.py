"""Runs of a study: the ledger that remembers them, the processes that do them, and how they end."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coercivity.engine.errors import CoercivityError, InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.protocols import Executor
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import InProcess, Pool, Run, Stretches
from coercivity.engine.study.work.running import TooManyFailures, parse_shard, run_all, share_of

HOUSE = Path(__file__).parents[3]
DONE = Status.DONE


def runs(count: int) -> list[Run]:
    return [Run(f"key{number}", number) for number in range(count)]


def answered(number: int) -> Outcome:
    return Outcome(DONE, {"square": number * number + 0.1}, "", 0.25)


# -- the ledger ------------------------------------------------------------------------------------------------------


def test_what_is_added_comes_back_with_every_digit(tmp_path: Path) -> None:
    values = {"payoff": {"open": 0.1 + 0.2, "half": -1e-300}, "share": [1 / 3, None], "text": "ä" * 500}
    with Ledger(tmp_path / "new" / "ledger.sqlite") as ledger:
        ledger.add("one", Outcome(DONE, values, "", 1.5))
        assert ledger.known(["one", "two"])["one"].values == values  # before it is on the disk
    with Ledger(tmp_path / "new" / "ledger.sqlite") as ledger:
        assert ledger.known(["one", "two"]) == {"one": Outcome(DONE, values, "", 1.5)}
        assert ledger.count() == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_with_its_place(tmp_path: Path, value: float) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(CoercivityError, match=r"payoff\.open"):
        ledger.add("one", Outcome(DONE, {"payoff": {"open": value}}))


def test_it_is_on_the_disk_without_another_run(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", commit_every=0.05) as ledger:
        ledger.add("one", answered(1))
        until = time.monotonic() + 10
        while not seen(tmp_path / "ledger.sqlite") and time.monotonic() < until:
            time.sleep(0.02)
        assert seen(tmp_path / "ledger.sqlite") == 1


def seen(file: Path) -> int:
    return int(sqlite3.connect(file).execute("SELECT count(*) FROM runs").fetchone()[0])


def test_an_answer_replaces_a_failure(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add("one", Outcome(Status.FAILED, {}, "broken"))
        assert ledger.known(["one"])["one"].message == "broken"
        ledger.flush()
        ledger.add("one", answered(1))
        assert ledger.known(["one"])["one"] == answered(1)


def test_shares_are_read_with_the_ledger_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.add("here", answered(1))
    for part in (1, 2):
        with Ledger(path, (part, 2)) as ledger:
            assert "here" in ledger.known(["here"])
            ledger.add(f"share{part}", Outcome(Status.FAILED, {}, "once") if part == 1 else answered(part))
            with pytest.raises(CoercivityError, match="another process"):
                Ledger(path, (part, 2))
    with Ledger(path) as ledger:
        found = ledger.known(["here", "share1", "share2"])
        assert [found[key].status for key in ("here", "share1", "share2")] == [DONE, Status.FAILED, DONE]
        ledger.add("share1", answered(1))
        assert ledger.known(["share1"])["share1"].status is DONE
    assert (tmp_path / "ledger-1of2.sqlite").exists()


def test_a_full_disk_loses_nothing_that_was_added(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", commit_every=3600)
    ledger.add("first", answered(1))
    ledger.flush()
    pages = ledger._own.execute("PRAGMA page_count").fetchone()[0]
    ledger._own.execute(f"PRAGMA max_page_count={pages}")
    noise = "".join(chr(33 + (7 * at * at) % 89) for at in range(30_000))
    for number in range(10):
        ledger.add(f"more{number}", Outcome(DONE, {"text": noise[number:]}))
    with pytest.raises(CoercivityError, match="full"):
        ledger.flush()
    assert seen(tmp_path / "ledger.sqlite") == 1
    ledger._own.execute("PRAGMA max_page_count=100000")
    ledger.close()
    assert seen(tmp_path / "ledger.sqlite") == 11


@pytest.mark.parametrize("content", [b"no database at all, but a text of some length", b"\0" * 4096])
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(content)
    with pytest.raises(CoercivityError, match="not a"):
        Ledger(tmp_path / "ledger.sqlite").close()
    assert (tmp_path / "ledger.sqlite").read_bytes() == content


def test_a_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.sqlite").close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '99'")
    with pytest.raises(CoercivityError, match="version 99"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CoercivityError, match="cannot be opened"):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def started(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=HOUSE, stderr=subprocess.PIPE)


ADDS = """
import sys, time
from pathlib import Path
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
ledger = Ledger(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    ledger.add(f"{sys.argv[2]}{number}", Outcome(Status.DONE, {"n": number}))
    time.sleep(0.002)
if sys.argv[4] == "close":
    ledger.close()
else:
    time.sleep(1.2)
    print("ready", file=sys.stderr, flush=True)
    time.sleep(60)
"""


def test_two_processes_write_one_ledger(tmp_path: Path) -> None:
    both = [started(ADDS, tmp_path / "ledger.sqlite", name, 200, "close") for name in "ab"]
    assert [process.wait(60) for process in both] == [0, 0]
    assert seen(tmp_path / "ledger.sqlite") == 400


def test_a_process_that_is_killed_loses_at_most_the_last_second(tmp_path: Path) -> None:
    process = started(ADDS, tmp_path / "ledger.sqlite", "a", 50, "stay")
    assert process.stderr is not None
    assert process.stderr.readline() == b"ready\n"
    process.kill()
    process.wait(10)
    assert seen(tmp_path / "ledger.sqlite") == 50


# -- doing runs ------------------------------------------------------------------------------------------------------


def work(folder: Path, number: int) -> dict[str, Any]:
    """Squares; 3 fails, 4 is infeasible, 5 takes its process down once, 6 always."""
    with (folder / "calls").open("a") as file:
        file.write(f"{number}\n")
    if number == 3:
        raise ValueError("three\nis not wanted")
    if number == 4:
        raise InfeasibleProgram("four", "has no solution")
    if number == 5 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": number * number, "process": 0}


def factory(folder: Path) -> Callable[[int], dict[str, Any]]:
    return partial(work, folder)


def done(folder: Path, count: int, executor: Executor, **options: Any) -> tuple[Any, dict[int, Outcome]]:
    found: dict[int, Outcome] = {}
    with Ledger(folder / "ledger.sqlite") as ledger:
        finished = run_all(
            runs(count), partial(factory, folder), ledger, executor, consume=found.__setitem__, **options
        )
    return finished, found


def test_runs_end_as_they_end(tmp_path: Path) -> None:
    finished, found = done(tmp_path, 5, InProcess())
    assert (finished.done, finished.failed, finished.infeasible, finished.reused) == (3, 1, 1, 0)
    assert found[2].values["square"] == 4
    assert found[3].status is Status.FAILED
    assert found[3].message.startswith("ValueError: three is not wanted (line")
    assert found[4].message.startswith("four: has no solution")


def test_processes_give_what_one_gives_and_survive_their_death(tmp_path: Path) -> None:
    finished, found = done(tmp_path, 40, Pool(2))
    assert (finished.done, finished.failed, finished.infeasible) == (37, 2, 1)
    assert sorted(found) == list(range(40))
    assert found[5].values["square"] == 25
    assert "died 2 times" in found[6].message
    assert all(found[number].values["square"] == number**2 for number in range(7, 40))


def test_what_is_known_is_not_done_again_but_for_failures(tmp_path: Path) -> None:
    done(tmp_path, 5, InProcess())
    (tmp_path / "calls").unlink()
    finished, found = done(tmp_path, 5, InProcess())
    assert (tmp_path / "calls").read_text().split() == ["3"]
    assert (finished.reused, finished.failed, len(found)) == (4, 1, 5)


def test_too_many_failures_stop_a_study_and_keep_the_rest(tmp_path: Path) -> None:
    with pytest.raises(TooManyFailures, match="three is not wanted"):
        done(tmp_path, 30, InProcess(), max_failures=0)
    assert seen(tmp_path / "ledger.sqlite") == 4


def test_a_solver_that_gave_up_is_no_point_without_a_solution(tmp_path: Path) -> None:
    answers: list[Exception | None] = [SolverFailed("buyers", "the solver gave up"), None]

    def solved(number: int) -> dict[str, Any]:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return {"square": number}

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = run_all(runs(1), lambda: solved, ledger, InProcess())
        again = run_all(runs(1), lambda: solved, ledger, InProcess())
    assert (first.failed, first.infeasible) == (1, 0)
    assert (again.done, again.reused) == (1, 0)


def broken(folder: Path) -> Callable[[int], dict[str, Any]]:
    raise RuntimeError("no licence")


def test_a_factory_that_fails_is_told(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(CoercivityError, match="no licence"):
        run_all(runs(3), partial(broken, tmp_path), ledger, Pool(2))


def test_progress_is_told_and_ends_at_the_end(tmp_path: Path) -> None:
    told: list[Any] = []
    done(tmp_path, 3, InProcess(), progress=told.append)
    assert (told[-1].done, told[-1].total, told[-1].rate > 0, told[-1].seconds_left) == (3, 3, True, 0.0)


def test_stretches_are_walked_along_and_then_shared() -> None:
    left = Stretches(range(10), 2)
    assert left.take(0, 3) == [0, 1, 2]
    assert left.take(1, 5) == [5, 6, 7, 8, 9]
    assert left.take(1, 5) == [4]  # the far half of what the other has left
    assert left.take(0, 9) == [3]
    assert left.take(0, 9) == left.take(1, 9) == []
    assert left.lost([3, 4]) is None
    assert (left.take(0, 9), left.take(1, 9)) == ([3], [4])
    assert left.lost([3]) is None
    assert left.take(1, 9) == [3]
    assert left.lost([3]) == 3


def test_shares_follow_each_other_and_leave_nothing_out() -> None:
    for total in (0, 1, 7, 100):
        for n in (1, 3, 8, 120):
            together = [at for i in range(1, n + 1) for at in share_of(total, (i, n))]
            assert together == list(range(total))


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "a/b", "1/2/3", "-1/3", "1/ 2"])
def test_a_share_is_two_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="not a share"):
        parse_shard(text)


# -- stopping ----------------------------------------------------------------------------------------------------------


def asked(folder: Path, jobs: int) -> list[str]:
    vary = "concession.value=0:400:40000"
    return ["sweep", "one-buyer", "--vary", vary, "--jobs", str(jobs), "--out", str(folder / "runs")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_study_says_how_to_go_on(tmp_path: Path, jobs: int) -> None:
    command = [sys.executable, "cli.py", *asked(tmp_path, jobs)]
    # Whoever runs the tests in the background has them ignore Ctrl-C.
    process = subprocess.Popen(
        command, cwd=HOUSE, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    ledger = tmp_path / "runs" / "ledger.sqlite"
    try:
        wait_for_runs(ledger)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert "points are finished and kept" in err
    assert f"resume: coercivity sweep one-buyer --vary {asked(tmp_path, jobs)[3]}" in err
    kept = seen(ledger)
    told = int(err.split("interrupted; ")[1].split(" of ")[0].replace(",", ""))
    assert kept == told > 0


def test_a_killed_study_leaves_no_process_behind_and_keeps_its_points(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "cli.py", *asked(tmp_path, 2)], cwd=HOUSE, stderr=subprocess.DEVNULL)
    ledger = tmp_path / "runs" / "ledger.sqlite"
    wait_for_runs(ledger)
    children = (Path("/proc") / str(process.pid) / "task" / str(process.pid) / "children").read_text().split()
    assert len(children) >= 2
    process.kill()
    process.wait(10)
    until = time.monotonic() + 20
    while any(is_alive(child) for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(is_alive(child) for child in children)
    assert seen(ledger) > 0


def is_alive(process: str) -> bool:
    status = Path("/proc") / process / "stat"
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for_runs(ledger: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if ledger.exists():
            try:
                if seen(ledger) > 20:
                    return
            except sqlite3.Error:
                pass
        time.sleep(0.1)
    pytest.fail("the study did not begin")
