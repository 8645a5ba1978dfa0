"""The ledger: runs remembered by what they are about, in one SQLite file that studies share."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.study.memory.file import (
    BUSY_SECONDS,
    SCHEMA,
    SHARE_SECONDS,
    opened,
    told,
    transaction,
    version_of,
)
from coercivity.engine.study.memory.outcome import COLUMNS, Outcome, Row, Status, checked, outcome_of, row_of, text_of

CHUNK = 900  # keys asked for at a time: old builds of SQLite take 999 in one question
MOST_WAITING = 5_000  # runs that wait at most, so that memory does not grow
MOST_BYTES = 8_000_000  # that these take at most


class Ledger:
    """Outcomes by key; what is added is on the disk at most ``commit_every`` seconds later.

    Without a share, the file is shared by all processes of this machine that open it. With one, only this process
    writes, into a file of its own beside it, which network file systems can hold too. Who opens the ledger without a
    share reads all such files beside it; who opens it with one reads the ledger itself, where it is there.

    Every run is stored with a checksum. One that does not bear it out is as good as unknown: ``damaged`` names it.

    Parameters
    ----------
    path : the file; its folder is made
    shard : i and n of the share of runs that this process does
    commit_every : seconds

    Raises
    ------
    CoercivityError
        A file cannot be opened: no permission, or of a later version.
    ResourcesFailed
        No room, not a ledger, damaged, or a file that another process is writing.
    """

    def __init__(self, path: Path, shard: tuple[int, int] | None = None, *, commit_every: float = 0.5) -> None:
        self.path = path if shard is None else path.with_name(f"{path.stem}-{shard[0]}of{shard[1]}{path.suffix}")
        self._others = [] if shard is None or not path.exists() else [path]
        with told(self.path, "opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._others += _shares(path) if shard is None else []
            self._own = opened(self.path, is_shared=shard is None)
        self._lock = threading.Lock()
        self._waiting: dict[str, Row] = {}
        self._bytes = 0
        self._is_refused = False
        self.damaged: set[str] = set()
        self._closing = threading.Event()
        # Only a share's process recovers what it left half-written, hence only shares are opened for writing.
        self._mode, self._patience = ("rw", SHARE_SECONDS) if shard is None else ("ro", BUSY_SECONDS)
        try:
            for file in self._others:
                with self._reading(file):
                    pass
        except BaseException:
            self._own.close()
            raise
        self._timer = threading.Thread(target=self._commit_now_and_then, args=(commit_every,), daemon=True)
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self._let_go()

    def known(self, keys: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes of those runs that are remembered, failures too; an answer goes before another file's failure.

        Raises
        ------
        CoercivityError
            A file cannot be read.
        """
        found: dict[str, Outcome] = {}
        for part in _parts(keys):
            # Let go between parts, so that a long question keeps nobody from committing.
            with self._lock, told(self.path, "read"):
                stored = self._ask(self._own, part)
                waiting = [self._waiting[key] for key in part if key in self._waiting]
            found |= stored
            found |= {row.key: outcome_of(row) for row in waiting}
        for file in self._others:
            open_keys = [key for key in keys if key not in found or found[key].status is Status.FAILED]
            if not open_keys:
                break
            with self._reading(file) as other:
                if other is None:
                    continue
                for part in _parts(open_keys):
                    for key, outcome in self._ask(other, part).items():
                        if key not in found or outcome.status is not Status.FAILED:
                            found[key] = outcome
        return found

    def _ask(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Outcome]:
        """What a file knows of some runs; rows that are not what was stored are left out, and their keys remembered."""
        marks = ",".join("?" * len(keys))
        found = {}
        for key, *rest in connection.execute(f"SELECT {COLUMNS} FROM runs WHERE key IN ({marks})", tuple(keys)):
            outcome = checked(key, *rest)
            if outcome is None:
                self.damaged.add(text_of(key))
            else:
                found[text_of(key)] = outcome
        return found

    def add(self, key: str, outcome: Outcome) -> None:
        """Remember a run; an earlier outcome of the same key is replaced. Tuples come back as lists.

        Raises
        ------
        UsageError
            A number is not finite, something is not plain data, or the ledger was closed; the run is not taken.
        CoercivityError
            What was added cannot be written. The run is taken all the same: it waits until there is room.
        """
        if self._closing.is_set():
            raise UsageError(str(self.path), "the ledger was closed", "add runs before it is closed")
        row = row_of(key, outcome)
        with self._lock:
            self._waiting[key] = row
            self._bytes += len(row.outcome) + len(row.message)
            is_due = self._is_refused or len(self._waiting) >= MOST_WAITING or self._bytes >= MOST_BYTES
        if is_due:
            self.flush()

    def flush(self) -> None:
        """Write what waits; what cannot be written waits on, so that nothing is lost when there is room again.

        Raises
        ------
        CoercivityError
            The disk is full, or the file cannot be written.
        """
        with self._lock, told(self.path, "written"):
            if not self._waiting:
                return
            self._is_refused = True
            with transaction(self._own, "IMMEDIATE"):
                self._own.executemany(
                    "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", self._waiting.values()
                )
            self._waiting.clear()
            self._bytes, self._is_refused = 0, False

    def count(self) -> int:
        """How many runs the file holds that this process writes; raises as :meth:`flush`."""
        self.flush()
        with self._lock, told(self.path, "read"):
            return int(self._own.execute("SELECT count(*) FROM runs").fetchone()[0])

    def close(self) -> None:
        """Write what waits and let go of the file; raises as :meth:`flush`, and may then be called again."""
        self.flush()
        self._let_go()

    def _let_go(self) -> None:
        self._closing.set()
        self._timer.join()
        self._own.close()

    def _commit_now_and_then(self, seconds: float) -> None:
        while not self._closing.wait(seconds):
            # Nobody listens in this thread: the next run that is added finds it refused, and says why.
            with contextlib.suppress(CoercivityError):
                self.flush()

    @contextlib.contextmanager
    def _reading(self, file: Path) -> Iterator[sqlite3.Connection | None]:
        """Another file of the ledger; None where nothing was written into it yet."""
        with told(file, "read"):
            address = f"{file.resolve().as_uri()}?mode={self._mode}"
            with contextlib.closing(sqlite3.connect(address, self._patience, isolation_level=None, uri=True)) as other:
                other.execute("PRAGMA query_only=ON")
                yield other if version_of(other, file, least=SCHEMA) else None


def _shares(path: Path) -> list[Path]:
    """The files that shares of a study have written beside a ledger."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d+of\d+{re.escape(path.suffix)}")
    return sorted(file for file in path.parent.iterdir() if pattern.fullmatch(file.name))


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(keys), CHUNK):
        yield keys[first : first + CHUNK]
