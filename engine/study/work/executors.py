"""Where the runs of a study are done: in this process, or in several that each keep a program of their own.

Neighbouring runs are close to each other, so that every process works along a stretch of its own and, when that is
done, takes the far half of the longest one left.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

from coercivity.engine.errors import FEWER, CoercivityError, InfeasibleProgram, ResourcesFailed
from coercivity.engine.parallel import deaf_to_interrupt, end_with_parent
from coercivity.engine.protocols import Executor
from coercivity.engine.study.memory.outcome import Outcome, Status

BATCH_SECONDS = 0.3  # work that is handed over at a time, so that little is lost with a process
MOST_IN_BATCH = 1_000
STRIKES = 2  # processes that one run may take down
LAST_WORDS = 5.0  # seconds that a process has to end by itself

Work = Callable[[Any], dict[str, Any]]
Factory = Callable[[], Work]


@dataclass(frozen=True)
class Run:
    """One run: the key under which it is remembered, and what the worker is given."""

    key: str
    payload: Any


def attempt(work: Work, payload: Any) -> Outcome:
    """Do one run; whatever it raises is its outcome.

    That there is no solution is kept for good. A solver that gave up has only failed: the run is tried again.
    """
    started = time.perf_counter()
    try:
        values: dict[str, Any] = work(payload)
        status, message = Status.DONE, ""
    except InfeasibleProgram as error:
        status, message, values = Status.INFEASIBLE, " ".join(str(error).split()), {}
    except CoercivityError as error:
        status, message, values = Status.FAILED, " ".join(str(error).split()), {}
    except Exception as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f" (line {frame.tb_lineno} of {frame.tb_frame.f_code.co_name})" if frame is not None else ""
        status, message, values = Status.FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}{place}", {}
    return Outcome(status, values, message, time.perf_counter() - started)


class InProcess:
    """Does all runs in this process, in order."""

    def outcomes(self, runs: Sequence[Run], todo: Sequence[int], factory: Factory) -> Iterator[tuple[int, Outcome]]:
        """As :meth:`Executor.outcomes`."""
        if len(todo):
            work = factory()
            for at in todo:
                yield at, attempt(work, runs[at].payload)


class Until:
    """Another executor's runs until a moment of the monotonic clock, or until it is stopped; what has not come back by then is left undone."""

    def __init__(self, executor: Executor, ends: float, stop: Callable[[], bool] = lambda: False) -> None:
        self.executor, self.ends, self.stop = executor, ends, stop

    def outcomes(self, runs: Sequence[Run], todo: Sequence[int], factory: Factory) -> Iterator[tuple[int, Outcome]]:
        """As :meth:`Executor.outcomes`."""
        if self._is_over():
            return
        with contextlib.closing(self.executor.outcomes(runs, todo, factory)) as found:  # type: ignore[type-var]  # a generator
            for one in found:
                yield one
                if self._is_over():
                    return

    def _is_over(self) -> bool:
        return time.monotonic() >= self.ends or self.stop()


class Stretches:
    """The runs that are left, as stretches that workers go along; those to be tried alone come first."""

    def __init__(self, todo: Sequence[int], workers: int, most_strikes: int = STRIKES) -> None:
        self.todo, self.most_strikes = todo, most_strikes
        ends = [round(len(todo) * part / workers) for part in range(workers + 1)]
        self._left = [[first, end] for first, end in itertools.pairwise(ends)]
        self.alone: deque[int] = deque()
        self.strikes: dict[int, int] = {}

    def take(self, worker: int, count: int) -> list[int]:
        """The next runs for a worker; none where nothing is left."""
        if self.alone:
            return [self.alone.popleft()]
        mine = self._left[worker]
        if mine[0] == mine[1]:
            longest = max(self._left, key=lambda stretch: stretch[1] - stretch[0])
            middle = (longest[0] + longest[1]) // 2
            mine[0], mine[1], longest[1] = middle, longest[1], middle
        first, mine[0] = mine[0], min(mine[0] + count, mine[1])
        return [self.todo[at] for at in range(first, mine[0])]

    def lost(self, batch: Sequence[int]) -> int | None:
        """A worker died over a batch: its runs are tried again, alone. A run that did it alone too often is returned."""
        if len(batch) > 1:
            self.alone.extend(batch)
            return None
        for at in batch:
            self.strikes[at] = self.strikes.get(at, 0) + 1
            if self.strikes[at] >= self.most_strikes:
                return at
            self.alone.append(at)
        return None


def killer(times: int = STRIKES) -> Outcome:
    """The outcome of a run that takes its process down."""
    return Outcome(Status.FAILED, {}, f"its process died {times} times: out of memory, or killed", 0.0)


def batch_of(seconds_each: float | None) -> int:
    """How many runs make a batch of :data:`BATCH_SECONDS`.

    >>> batch_of(None), batch_of(0.01), batch_of(5.0)
    (1, 30, 1)
    """
    if seconds_each is None:
        return 1
    return max(1, min(MOST_IN_BATCH, round(BATCH_SECONDS / max(seconds_each, 1e-9))))


@dataclass
class _Worker:
    """A process, the pipe to it, and what it is doing."""

    number: int
    process: Any
    pipe: Connection
    batch: list[int] = field(default_factory=list)
    seconds_each: float | None = None
    is_ready: bool = False


class Pool:
    """Does runs in several processes; one that dies is replaced, and what it was doing is done again.

    Parameters
    ----------
    jobs : number of processes
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def outcomes(self, runs: Sequence[Run], todo: Sequence[int], factory: Factory) -> Iterator[tuple[int, Outcome]]:
        """As :meth:`Executor.outcomes`.

        Raises
        ------
        CoercivityError
            The factory fails.
        ResourcesFailed
            Processes cannot be kept alive before they have done anything.
        """
        count = min(self.jobs, len(todo))
        left = Stretches(todo, max(1, count))
        workers = {number: _started(number, factory) for number in range(count)}
        try:
            while workers:
                ready = connection.wait([worker.pipe for worker in workers.values()])
                for worker in [one for one in workers.values() if one.pipe in ready]:
                    yield from self._heard(worker, workers, left, runs, factory)
        finally:
            _end(list(workers.values()))

    def _heard(
        self, worker: _Worker, workers: dict[int, _Worker], left: Stretches, runs: Sequence[Run], factory: Factory
    ) -> Iterator[tuple[int, Outcome]]:
        """What a worker says: that it is ready, what came out, or, by its silence, that it is dead."""
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._replaced(worker, workers, left, factory)
            return
        if isinstance(said, str):
            raise CoercivityError("a worker process", f"cannot begin: {said}", "try --jobs 1 for the whole message")
        worker.is_ready = True
        if said:
            took = sum(outcome.seconds for outcome in said) / len(said)
            worker.seconds_each = took if worker.seconds_each is None else 0.5 * (took + worker.seconds_each)
        done, worker.batch = worker.batch, left.take(worker.number, batch_of(worker.seconds_each))
        if worker.batch:
            _send(worker.pipe, [runs[at].payload for at in worker.batch])
        elif not left.alone:
            _end([workers.pop(worker.number)])
        yield from zip(done, said, strict=True)

    def _replaced(
        self, worker: _Worker, workers: dict[int, _Worker], left: Stretches, factory: Factory
    ) -> Iterator[tuple[int, Outcome]]:
        _end([worker])
        if not worker.is_ready:
            what = f"died as it began (exit code {worker.process.exitcode})"
            raise ResourcesFailed("a worker process", what, FEWER)
        failed = left.lost(worker.batch)
        if failed is not None:
            yield failed, killer()
        workers[worker.number] = _started(worker.number, factory)


def _send(pipe: Connection, batch: list[Any]) -> None:
    # A worker that died says so by its end of the pipe, which is read next.
    with contextlib.suppress(OSError):
        pipe.send(batch)


def _started(number: int, factory: Factory) -> _Worker:
    # Spawned, not forked: a forked solver would share threads and locks with its parent.
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, factory), daemon=True)
    with deaf_to_interrupt():
        process.start()
    there.close()
    return _Worker(number, process, here)


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(LAST_WORDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(pipe: Connection, factory: Factory) -> None:
    """The life of a worker process: batches in, outcomes out, until its parent hangs up."""
    end_with_parent()
    try:
        work = factory()
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send([])
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send([attempt(work, payload) for payload in pipe.recv()])
