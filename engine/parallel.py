"""Work spread over processes that each keep a program of their own."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process
from typing import Any

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


def spread(factory: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], jobs: int) -> Iterator[tuple[Any, Any]]:
    """Pairs of task and result, in the order in which they are finished.

    Parameters
    ----------
    factory : called once in every process; returns the function that does a task. Picklable when ``jobs`` > 1
    tasks : taken lazily, so that a caller can stop by ending the iterable
    jobs : number of processes; 1 works in this one
    """
    if jobs <= 1:
        work = factory()
        for task in tasks:
            yield task, work(task)
        return
    waiting: dict[Any, Any] = {}
    source = iter(tasks)
    # Spawned, not forked: a forked solver would share threads and locks with its parent.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(factory,))
    try:
        for task in itertools.islice(source, 2 * jobs):
            waiting[_submit(pool, task)] = task
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                done = waiting.pop(future)
                yield done, future.result()
                for task in itertools.islice(source, 1):
                    waiting[_submit(pool, task)] = task
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
