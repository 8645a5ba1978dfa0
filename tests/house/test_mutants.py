"""Seeded faults: the list fits the code, and some of the fastest are caught by the certificate; all of them in `make mutants`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.bench import ROOT, Bench
from tests.mutants.faults import Kind, every

JUDGE = ("audit", "certify")
FAST: list[tuple[str, str, str, str]] = [
    # room, fault, what it moves, a check that refuses it
    ("payoff", "probability_of doubled", "answer", "probability of the concession"),
    ("periods", "discount at the start of a period", "answer", "follower gap"),
    ("ties", "columns off the face may move", "answer", "optimistic value"),
    ("commit", "bounds: concession forgotten", "answer", "no strategy of a sample is worth more than its bound"),
]


def test_the_list_fits_the_code() -> None:
    faults = every()
    assert len(faults) >= 60
    assert len({(fault.room, fault.name) for fault in faults}) == len(faults)
    for fault in faults:
        assert (ROOT / fault.file).read_text("utf-8").count(fault.old) == 1, f"{fault.room}: {fault.name}"
        assert fault.new != fault.old
        assert not Path(fault.file).name.startswith(JUDGE), "a fault of the judge is no test of the judge"
        assert bool(fault.reason) == (fault.kind is Kind.HARMLESS), f"{fault.room}: {fault.name}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    found = Bench(tmp_path_factory.mktemp("mutants"), ["toy"])
    yield found
    found.close()


@pytest.mark.parametrize(("room", "name", "effect", "check"), FAST, ids=[row[1] for row in FAST])
def test_the_certificate_catches(bench: Bench, room: str, name: str, effect: str, check: str) -> None:
    (fault,) = (fault for fault in every() if (fault.room, fault.name) == (room, name))
    verdict = bench.judge(fault, with_tests=False)
    assert (verdict.effect, verdict.caught_by) == (effect, "certificate")
    assert check in verdict.games["toy"]["refused"]
