"""Work spread over processes that each keep a program of their own."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from typing import Any

# Until its first task a process imports SciPy, Pyomo and the solver and builds its program: one to three seconds of a
# processor, measured. Twice as much is no harm, less work than this is never worth a process.
START_SECONDS = 2.0

_work: Callable[[Any], Any] | None = None


def _start(factory: Callable[[], Callable[[Any], Any]]) -> None:
    global _work  # noqa: PLW0603 - a worker process keeps its one program here
    end_with_parent()
    _work = factory()


def end_with_parent() -> None:
    """End this process when its parent ends: one that is killed says nothing to workers, which would wait for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(task: Any) -> Any:
    assert _work is not None
    return _work(task)


@contextlib.contextmanager
def deaf_to_interrupt() -> Iterator[None]:
    """Processes that are started in here never hear Ctrl-C, which only their parent answers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _submit(pool: ProcessPoolExecutor, task: Any) -> Future[Any]:
    with deaf_to_interrupt():
        return pool.submit(_call, task)


def _pool(factory: Callable[[], Callable[[Any], Any]], jobs: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a forked solver would share threads and locks with its parent.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(factory,))


def spread(
    factory: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], jobs: int, seconds: float = 0.0
) -> Iterator[tuple[Any, Any]]:
    """Pairs of task and result, in the order in which they are finished.

    Work begins in this process. Others are started when it has lasted as long as their start would, so that small jobs
    never wait for processes, and large ones lose no more than that.

    Parameters
    ----------
    factory : called once in every process; returns the function that does a task. Picklable when ``jobs`` > 1
    tasks : taken lazily, so that a caller can stop by ending the iterable
    jobs : number of processes; 1 works in this one
    seconds : what all tasks take together, where it is known: if that is long, the others are started at once
    """
    source = iter(tasks)
    if jobs <= 1 or seconds < START_SECONDS:
        work, started = factory(), time.monotonic()
        for task in source:
            yield task, work(task)
            if jobs > 1 and time.monotonic() - started > START_SECONDS:
                break
    yield from _in_processes(factory, source, jobs)


def _in_processes(
    factory: Callable[[], Callable[[Any], Any]], source: Iterator[Any], jobs: int
) -> Iterator[tuple[Any, Any]]:
    first = list(itertools.islice(source, 2 * jobs))
    if not first:
        return
    waiting: dict[Any, Any] = {}
    pool = _pool(factory, jobs)
    try:
        for task in first:
            waiting[_submit(pool, task)] = task
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                done = waiting.pop(future)
                yield done, future.result()
                for task in itertools.islice(source, 1):
                    waiting[_submit(pool, task)] = task
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Team:
    """Processes that do lists of tasks one after the other, each with a program of its own; a context.

    Parameters
    ----------
    factory : called once in every process; returns the function that does a task. Picklable when ``jobs`` > 1
    jobs : number of processes; 1 works in this one
    """

    def __init__(self, factory: Callable[[], Callable[[Any], Any]], jobs: int) -> None:
        self.factory, self.jobs = factory, max(1, jobs)
        self._own: Callable[[Any], Any] | None = None
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, tasks: list[Any]) -> list[Any]:
        """The results of tasks, in their order."""
        if self.jobs == 1:
            self._own = self._own or self.factory()
            return [self._own(task) for task in tasks]
        self._pool = self._pool or _pool(self.factory, self.jobs)
        return [future.result() for future in [_submit(self._pool, task) for task in tasks]]
