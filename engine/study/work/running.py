"""Many runs: what is known is looked up, the rest is done, and everything that is finished is kept."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coercivity.engine.errors import CoercivityError, ExitCode, UsageError
from coercivity.engine.protocols import Executor
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import Factory, Run

LOOKED_UP = 10_000  # keys asked of the ledger at a time
TOLD_EVERY = 0.2  # seconds between two reports of progress


@dataclass(frozen=True)
class Progress:
    """How far a study has come; ``rate`` in runs a second, of those that had to be done."""

    done: int
    total: int
    reused: int
    infeasible: int
    failed: int
    rate: float

    @property
    def seconds_left(self) -> float | None:
        """Time left at this rate; None before there is one."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True)
class Finished:
    """How many runs ended how; ``done`` have an answer, ``reused`` of all were known before."""

    total: int
    reused: int = 0
    done: int = 0
    infeasible: int = 0
    failed: int = 0
    seconds: float = 0.0


class Interrupted(CoercivityError):
    """A study was stopped half-way; what was finished is kept."""

    exit_code = ExitCode.INTERRUPTED


class TooManyFailures(CoercivityError):
    """More runs failed than were allowed; what was finished is kept."""

    exit_code = ExitCode.FAILED_RUNS


class _InFlight(Sequence[Run]):
    """Runs, with the keys of those that were handed out and have not come back."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.keys: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, at: int) -> Run:  # type: ignore[override]  # one at a time is all that executors ask
        run = self.runs[at]
        self.keys[at] = run.key
        return run


class _Tally:
    """Counts runs as they end, and tells so now and then."""

    def __init__(self, total: int, tell: Callable[[Progress], None] | None) -> None:
        self.finished = Finished(total)
        self._tell, self._told, self._started = tell, 0.0, time.monotonic()

    def add(self, status: Status, is_reused: bool) -> None:
        now = self.finished
        name = {Status.DONE: "done", Status.INFEASIBLE: "infeasible", Status.FAILED: "failed"}[status]
        self.finished = replace(now, **{name: getattr(now, name) + 1, "reused": now.reused + is_reused})
        if time.monotonic() - self._told >= TOLD_EVERY:
            self.tell()

    def tell(self) -> None:
        if self._tell is None:
            return
        self._told = time.monotonic()
        one = self.finished
        ended = one.done + one.infeasible + one.failed
        rate = (ended - one.reused) / max(self._told - self._started, 1e-9)
        self._tell(Progress(ended, one.total, one.reused, one.infeasible, one.failed, rate))

    def closed(self) -> Finished:
        self.tell()
        return replace(self.finished, seconds=time.monotonic() - self._started)


def run_all(
    runs: Sequence[Run],
    factory: Factory,
    ledger: Ledger,
    executor: Executor,
    *,
    progress: Callable[[Progress], None] | None = None,
    max_failures: int | None = None,
    consume: Callable[[int, Outcome], None] | None = None,
) -> Finished:
    """Do all runs that the ledger does not know; those that failed before are tried again.

    Parameters
    ----------
    runs : in the order in which they are best done; asked for one at a time, so they may be made on demand
    factory : makes the function that does a run, once in every process
    progress : told how far it has come, a few times a second
    max_failures : failures of this study that are borne
    consume : given the position of every run and its outcome, known before or not, in any order

    Raises
    ------
    Interrupted
        By Ctrl-C. What was finished is in the ledger.
    TooManyFailures
        More than ``max_failures``. What was finished is in the ledger.
    CoercivityError
        The ledger cannot be written, or no process can begin.
    """
    tally = _Tally(len(runs), progress)
    try:
        todo = _looked_up(runs, ledger, tally, consume)
        flight = _InFlight(runs)
        for at, outcome in executor.outcomes(flight, todo, factory):
            ledger.add(flight.keys.pop(at), outcome)
            tally.add(outcome.status, False)
            if consume is not None:
                consume(at, outcome)
            _bear(tally.finished, max_failures, outcome)
        ledger.flush()
    except KeyboardInterrupt:
        ledger.flush()
        one = tally.closed()
        ended = one.done + one.infeasible + one.failed
        what = f"interrupted; {ended:,} of {one.total:,} points are finished and kept"
        raise Interrupted("study", what, "give the same command again: it goes on from there") from None
    return tally.closed()


def _looked_up(
    runs: Sequence[Run], ledger: Ledger, tally: _Tally, consume: Callable[[int, Outcome], None] | None
) -> array[int]:
    """The positions of the runs that have to be done; the others are counted and handed on."""
    todo = array("q")
    for first in range(0, len(runs), LOOKED_UP):
        places = range(first, min(first + LOOKED_UP, len(runs)))
        keys = [runs[at].key for at in places]
        known = ledger.known(keys)
        for at, key in zip(places, keys, strict=True):
            outcome = known.get(key)
            if outcome is None or outcome.status is Status.FAILED:
                todo.append(at)
                continue
            tally.add(outcome.status, True)
            if consume is not None:
                consume(at, outcome)
    return todo


def _bear(finished: Finished, most: int | None, outcome: Outcome) -> None:
    if most is not None and finished.failed > most:
        what = f"{finished.failed:,} points failed, more than the {most:,} allowed; the last: {outcome.message}"
        raise TooManyFailures("study", what, "mend what fails, or allow more with --max-failures; the rest is kept")


def parse_shard(text: str) -> tuple[int, int]:
    """The share that a text names.

    Raises
    ------
    UsageError
        It names none.

    Examples
    --------
    >>> parse_shard("3/16")
    (3, 16)
    """
    first, slash, last = text.partition("/")
    if slash and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last):
        return int(first), int(last)
    raise UsageError(f"--shard {text}", "not a share", "write I/N with I from 1 to N, e.g. 3/16")


def share_of(total: int, part: tuple[int, int]) -> range:
    """The positions of one share of so many runs, counted from 1; the shares follow each other.

    >>> [list(share_of(7, (i, 3))) for i in (1, 2, 3)]
    [[0, 1], [2, 3], [4, 5, 6]]
    """
    i, n = part
    return range(total * (i - 1) // n, total * i // n)
