"""Runs on a cluster of this machine: the same answers, workers that are lost, and schedulers that are not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.cluster import DaskExecutor
from coercivity.engine.study.work.running import run_all
from tests.engine.study.test_study_runs import factory, runs

pytest.importorskip("distributed")


def version(text: str = "1") -> str:
    """What a process runs."""
    return text


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster.scheduler_address


def done(folder: Path, count: int, scheduler: str) -> tuple[Any, dict[int, Outcome]]:
    found: dict[int, Outcome] = {}
    with Ledger(folder / "ledger.sqlite") as ledger:
        executor = DaskExecutor(scheduler, 2, version)
        finished = run_all(runs(count), partial(factory, folder), ledger, executor, consume=found.__setitem__)
    return finished, found


def test_a_cluster_gives_what_this_machine_gives_and_survives_lost_workers(tmp_path: Path, address: str) -> None:
    finished, found = done(tmp_path, 60, address)
    assert sorted(found) == list(range(60))
    assert (finished.done, finished.failed, finished.infeasible) == (57, 2, 1)
    assert all(found[number].values["square"] == number**2 for number in range(60) if number not in (3, 4, 6))
    assert found[6].status is Status.FAILED
    assert "died" in found[6].message
    again, _ = done(tmp_path, 60, address)
    assert again.reused == 58


def test_a_cluster_of_its_own_is_made_and_ended(tmp_path: Path) -> None:
    (tmp_path / "died").touch()
    finished, found = done(tmp_path, 3, "local")
    assert (finished.done, [found[number].values["square"] for number in range(3)]) == (3, [0, 1, 4])


@pytest.mark.parametrize(
    ("scheduler", "says"), [("nowhere.json", "neither an address nor"), ("tcp://127.0.0.1:9", "cannot be reached")]
)
def test_a_scheduler_that_is_not_there_is_told(
    tmp_path: Path, scheduler: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coercivity.engine.study.work.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(CoercivityError, match=says):
        done(tmp_path, 1, scheduler)


def test_workers_of_another_version_are_refused(tmp_path: Path, address: str) -> None:
    executor = DaskExecutor(address, 1, os.getpid)  # type: ignore[arg-type]  # no two processes have the same
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(CoercivityError, match="another version"):
        run_all(runs(1), partial(factory, tmp_path), ledger, executor)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed"):
        DaskExecutor("local", 1, version)
