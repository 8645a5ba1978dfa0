"""Work spread over processes that each keep a program of their own."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import pickle
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Self

# Until its first task a process imports SciPy, Pyomo and the solver and builds its program: one to three seconds of a
# processor, measured. Twice as much is no harm, less work than this is never worth a process.
START_SECONDS = 2.0

_work: tuple[str, Callable[[Any], Any]] | None = None


def _start() -> None:
    end_with_parent()


def end_with_parent() -> None:
    """End this process when its parent ends: one that is killed says nothing to workers, which would wait for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(place: str, task: Any) -> Any:
    global _work  # noqa: PLW0603 - a worker process keeps its one program here
    if _work is None or _work[0] != place:
        _work = None  # the program before goes before another is built
        _work = place, pickle.loads(Path(place).read_bytes())()
    return _work[1](task)


def _import(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)


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


class Crew:
    """Processes that are kept over several kinds of work, each with one program at a time; a context.

    What makes the work is handed over in a file, once; a process that did other work before reads it from there.

    Parameters
    ----------
    jobs : number of processes; 1 does all work in this one
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = max(1, jobs)
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._kinds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def begin(self, *modules: str) -> Self:
        """Start the processes now and let them import what they will need, while this one gets their work ready."""
        if self.jobs > 1:
            for _ in range(self.jobs):
                self._submit(_import, modules)
        return self

    def file(self, factory: Callable[[], Callable[[Any], Any]]) -> str:
        """Where the processes find what makes a kind of work."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="coercivity-")
        self._kinds += 1
        place = Path(self._folder.name) / f"{self._kinds}.pickle"
        place.write_bytes(pickle.dumps(factory, protocol=pickle.HIGHEST_PROTOCOL))
        return str(place)

    def do(self, place: str, task: Any) -> Future[Any]:
        """One task of a kind of work that was filed."""
        return self._submit(_call, place, task)

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if self._pool is None:
            # Spawned, not forked: a forked solver would share threads and locks with its parent.
            self._pool = ProcessPoolExecutor(self.jobs, mp_context=get_context("spawn"), initializer=_start)
        with deaf_to_interrupt():
            return self._pool.submit(function, *arguments)


def crew_of(jobs: int | Crew) -> AbstractContextManager[Crew]:
    """A crew of so many processes, which ends with the context; one that is there already goes on after it."""
    return contextlib.nullcontext(jobs) if isinstance(jobs, Crew) else Crew(jobs)


def spread(
    factory: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], jobs: int | Crew, seconds: float = 0.0
) -> Iterator[tuple[Any, Any]]:
    """Pairs of task and result, in the order in which they are finished.

    Work begins in this process. Others are started when it has lasted as long as their start would, so that small jobs
    never wait for processes, and large ones lose no more than that. A crew that is there already begins with this call.

    Parameters
    ----------
    factory : called once in every process; returns the function that does a task. Picklable when ``jobs`` > 1
    tasks : taken lazily, so that a caller can stop by ending the iterable
    jobs : number of processes, or those that there are; 1 works in this one
    seconds : what all tasks take together, where it is known: if that is long, the others are started at once
    """
    if isinstance(jobs, Crew) and jobs.jobs > 1:
        return _in_processes(factory, iter(tasks), jobs)
    return _from_here(factory, iter(tasks), jobs.jobs if isinstance(jobs, Crew) else jobs, seconds)


def _from_here(
    factory: Callable[[], Callable[[Any], Any]], source: Iterator[Any], jobs: int, seconds: float
) -> Iterator[tuple[Any, Any]]:
    if jobs <= 1 or seconds < START_SECONDS:
        work, started = factory(), time.monotonic()
        for task in source:
            yield task, work(task)
            if jobs > 1 and time.monotonic() - started > START_SECONDS:
                break
    with Crew(jobs) as crew:
        yield from _in_processes(factory, source, crew)


def _in_processes(
    factory: Callable[[], Callable[[Any], Any]], source: Iterator[Any], crew: Crew
) -> Iterator[tuple[Any, Any]]:
    """As :func:`spread`; the first tasks are under way when this returns."""
    first = list(itertools.islice(source, 2 * crew.jobs))
    if not first:
        return iter(())
    place = crew.file(factory)
    waiting = {crew.do(place, task): task for task in first}
    return _finished(waiting, source, partial(crew.do, place))


def _finished(
    waiting: dict[Future[Any], Any], source: Iterator[Any], submit: Callable[[Any], Future[Any]]
) -> Iterator[tuple[Any, Any]]:
    try:
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                done = waiting.pop(future)
                yield done, future.result()
                for task in itertools.islice(source, 1):
                    waiting[submit(task)] = task
    finally:
        for future in waiting:
            future.cancel()


class Team:
    """Processes that do lists of tasks of one kind one after the other, each with a program of its own; a context.

    Parameters
    ----------
    factory : called once in every process; returns the function that does a task. Picklable when ``jobs`` > 1
    jobs : number of processes, or those that there are; 1 works in this one
    """

    def __init__(self, factory: Callable[[], Callable[[Any], Any]], jobs: int | Crew) -> None:
        self.factory, self._context = factory, crew_of(jobs)
        self.jobs = jobs.jobs if isinstance(jobs, Crew) else max(1, jobs)
        self._own: Callable[[Any], Any] | None = None
        self._crew, self._place = Crew(1), ""

    def __enter__(self) -> Self:
        self._crew = self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def __call__(self, tasks: list[Any]) -> list[Any]:
        """The results of tasks, in their order."""
        if self.jobs == 1:
            self._own = self._own or self.factory()
            return [self._own(task) for task in tasks]
        self._place = self._place or self._crew.file(self.factory)
        futures = [self._crew.do(self._place, task) for task in tasks]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
