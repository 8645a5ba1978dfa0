"""Runs on a cluster, through dask.distributed; needs the extra ``cluster``."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.study.memory.outcome import Outcome
from coercivity.engine.study.work.executors import Factory, Run, Stretches, attempt, batch_of, killer

INSTALL = "in the repository's folder, pip install '.[cluster]', here and on every worker"
LOCAL = "local"
CONNECT_SECONDS = 10
STRIKES = 2  # workers that a run may take down before it is tried with nothing else in flight
DEATHS = 1  # workers that a batch may take down before it is given back; what then is tried alone is Stretches' rule

_kept = threading.local()


class DaskExecutor:
    """Does runs on the workers of a scheduler; a worker that is lost is no harm as long as others are left.

    Parameters
    ----------
    scheduler : ``tcp://host:port``, a scheduler file, or ``local`` for processes of this machine
    jobs : number of processes, for ``local``
    version : what program a process runs; every worker must run the same

    Raises
    ------
    UsageError
        The library is not installed.
    """

    def __init__(self, scheduler: str, jobs: int, version: Callable[[], str]) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise UsageError("--executor dask", "dask.distributed is not installed", INSTALL)
        self.scheduler, self.jobs, self.version = scheduler, jobs, version

    def outcomes(self, runs: Sequence[Run], todo: Sequence[int], factory: Factory) -> Iterator[tuple[int, Outcome]]:
        """As :meth:`coercivity.engine.study.work.executors.Executor.outcomes`.

        Raises
        ------
        CoercivityError
            The scheduler cannot be reached, it has no workers, or they do not run this program.
        """
        if not len(todo):
            return
        with ExitStack() as stack:
            client = self._client(stack)
            self._check_workers(client)
            yield from _spread(client, runs, todo, factory)

    def _client(self, stack: ExitStack) -> Any:
        import dask
        from distributed import Client, LocalCluster

        quiet = {"distributed.worker.daemon": True, "distributed.scheduler.allowed-failures": DEATHS}
        stack.enter_context(dask.config.set(quiet))
        if self.scheduler == LOCAL:
            local = LocalCluster(
                n_workers=self.jobs, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
            )
            return stack.enter_context(Client(stack.enter_context(local)))
        where = f"--scheduler {self.scheduler}"
        is_file = "://" not in self.scheduler
        if is_file and not Path(self.scheduler).is_file():
            raise UsageError(
                where, "neither an address nor a scheduler file", "write tcp://host:port, or name the file"
            )
        address = {"scheduler_file": self.scheduler} if is_file else {"address": self.scheduler}
        try:
            return stack.enter_context(Client(**address, timeout=CONNECT_SECONDS))
        except (OSError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CoercivityError(
                where, f"cannot be reached: {reason}", "check that the scheduler runs there"
            ) from None

    def _check_workers(self, client: Any) -> None:
        """Refuse workers that would answer as another program."""
        where = f"--scheduler {self.scheduler}"
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise CoercivityError(where, "it has no workers", "start some: dask worker ADDRESS --nthreads 1") from None
        mine = self.version()
        try:
            theirs = client.run(self.version)
        except Exception as error:
            what = f"a worker cannot run this program: {type(error).__name__}: {error}"
            raise CoercivityError(where, what, f"install the same version there: {INSTALL}") from None
        other = [worker for worker, version in theirs.items() if version != mine]
        if other:
            what = f"{len(other)} of {len(theirs)} workers run another version, {other[0]} for one"
            raise CoercivityError(where, what, f"install the same version there: {INSTALL}")


def _spread(client: Any, runs: Sequence[Run], todo: Sequence[int], factory: Factory) -> Iterator[tuple[int, Outcome]]:
    """Batches along as many stretches as there are threads, with few in hand, so that the scheduler stays small."""
    from distributed import as_completed

    threads = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
    left = Stretches(todo, max(1, min(threads, len(todo))), STRIKES)
    question = _Question(client, factory)
    token = uuid.uuid4().hex
    doing: dict[Any, tuple[int, list[int]]] = {}
    completed = as_completed()
    seconds: dict[int, float] = {}
    suspects: list[int] = []

    def hand_over(stretch: int) -> None:
        batch = left.take(stretch, batch_of(seconds.get(stretch)))
        if batch:
            payloads = [runs[at].payload for at in batch]
            future = client.submit(_do, token, question.there(), payloads, pure=False)
            doing[future] = (stretch, batch)
            completed.add(future)

    try:
        for stretch in range(max(1, min(threads, len(todo)))):
            hand_over(stretch)
        for future in completed:
            stretch, batch = doing.pop(future)
            found = _answer(future)
            if found is not None:
                seconds[stretch] = sum(outcome.seconds for outcome in found) / len(found)
                yield from zip(batch, found, strict=True)
            else:
                failed = left.lost(batch)
                if failed is not None:
                    suspects.append(failed)
            hand_over(stretch)
        # A run may have died with its neighbour's worker; with nothing else in flight it is known which one it is.
        for at in suspects:
            found = _answer(client.submit(_do, token, question.there(), [runs[at].payload], pure=False))
            yield at, killer(STRIKES + 1) if found is None else found[0]
    finally:
        with contextlib.suppress(Exception):
            client.cancel(list(doing), force=True)


class _Question:
    """What is asked, sent to the workers once; if all that held it are lost, once more."""

    def __init__(self, client: Any, factory: Factory) -> None:
        self.client, self.factory = client, factory
        self._sent: Any = None

    def there(self) -> Any:
        """Where it is on the cluster."""
        if self._sent is None or self._sent.status != "finished" or not self._is_held():
            self._sent = self.client.scatter(self.factory, broadcast=True, hash=False)
        return self._sent

    def _is_held(self) -> bool:
        return bool(self.client.who_has([self._sent]).get(self._sent.key))


def _answer(future: Any) -> list[Outcome] | None:
    """What came of a batch; None where it was lost with its worker.

    Raises
    ------
    CoercivityError
        A worker cannot read the question.
    """
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        found: list[Outcome] = future.result()
    except (KilledWorker, FutureCancelledError, OSError):
        return None
    except Exception as error:
        what = f"cannot begin: {type(error).__name__}: {error}"
        raise CoercivityError("a worker", what, f"install the same version: {INSTALL}") from None
    return found


def _do(token: str, factory: Factory, payloads: list[Any]) -> list[Outcome]:
    """A batch, by the function that this thread made for this study."""
    if getattr(_kept, "token", None) != token:
        _kept.token, _kept.work = token, factory()
    return [attempt(_kept.work, payload) for payload in payloads]
