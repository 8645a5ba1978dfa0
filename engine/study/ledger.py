"""The ledger: runs remembered by what they are about, in one SQLite file that studies share."""

from __future__ import annotations

import contextlib
import json
import math
import re
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from engine.errors import CoercivityError, UsageError

SCHEMA = 1
BUSY_SECONDS = 30.0  # waited for another process, whose transactions are short
SHARE_SECONDS = 1.0  # waited for a share, which its process holds as long as it runs
CHUNK = 900  # keys asked for at a time: old builds of SQLite take 999 in one question
SQUEEZED = 400  # bytes from which packing is worth its time
MOST_WAITING = 5_000  # runs that wait at most, so that memory does not grow
MOST_BYTES = 8_000_000  # that these take at most


class Status(StrEnum):
    """How a run ended."""

    DONE = "done"
    INFEASIBLE = "infeasible"
    FAILED = "failed"

    @property
    def sentence(self) -> str:
        """What it means."""
        return {
            Status.DONE: "the run has an answer",
            Status.INFEASIBLE: "the question has no solution, which is an answer too",
            Status.FAILED: "the run failed; it is tried again the next time",
        }[self]


@dataclass(frozen=True)
class Outcome:
    """What came out of a run: plain data with finite numbers, or why there is none; ``seconds`` it took."""

    status: Status
    values: Mapping[str, Any]
    message: str = ""
    seconds: float = 0.0


class _Row(NamedTuple):
    key: str
    status: str
    outcome: bytes
    message: str
    seconds: float
    created: str


class Ledger:
    """Outcomes by key; what is added is on the disk at most ``commit_every`` seconds later.

    Without a share, the file is shared by all processes of this machine that open it. With one, only this process
    writes, into a file of its own beside it, which network file systems can hold too. Who opens the ledger without a
    share reads all such files beside it; who opens it with one reads the ledger itself, where it is there.

    Parameters
    ----------
    path : the file; its folder is made
    shard : i and n of the share of runs that this process does
    commit_every : seconds

    Raises
    ------
    CoercivityError
        A file cannot be opened: no permission, no room, not a ledger, damaged, of a later version, or a share that
        another process is writing.
    """

    def __init__(self, path: Path, shard: tuple[int, int] | None = None, *, commit_every: float = 0.5) -> None:
        self.path = path if shard is None else path.with_name(f"{path.stem}-{shard[0]}of{shard[1]}{path.suffix}")
        self._others = [] if shard is None or not path.exists() else [path]
        with _told(self.path, "opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._others += _shares(path) if shard is None else []
            self._own = _opened(self.path, is_shared=shard is None)
        self._lock = threading.Lock()
        self._waiting: dict[str, _Row] = {}
        self._bytes = 0
        self._is_refused = False
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
            with self._lock, _told(self.path, "read"):
                stored = _ask(self._own, self.path, part)
                waiting = [self._waiting[key] for key in part if key in self._waiting]
            found |= stored
            found |= {row.key: _outcome(self.path, *row[:5]) for row in waiting}
        for file in self._others:
            open_keys = [key for key in keys if key not in found or found[key].status is Status.FAILED]
            if not open_keys:
                break
            with self._reading(file) as other:
                if other is None:
                    continue
                for part in _parts(open_keys):
                    for key, outcome in _ask(other, file, part).items():
                        if key not in found or outcome.status is not Status.FAILED:
                            found[key] = outcome
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
        row = _row(key, outcome)
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
        with self._lock, _told(self.path, "written"):
            if not self._waiting:
                return
            self._is_refused = True
            with _transaction(self._own, "IMMEDIATE"):
                self._own.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", self._waiting.values())
            self._waiting.clear()
            self._bytes, self._is_refused = 0, False

    def count(self) -> int:
        """How many runs the file holds that this process writes; raises as :meth:`flush`."""
        self.flush()
        with self._lock, _told(self.path, "read"):
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
        with _told(file, "read"):
            address = f"{file.resolve().as_uri()}?mode={self._mode}"
            with contextlib.closing(sqlite3.connect(address, self._patience, isolation_level=None, uri=True)) as other:
                other.execute("PRAGMA query_only=ON")
                yield other if _is_ledger(other, file) else None


def _opened(path: Path, is_shared: bool) -> sqlite3.Connection:
    """The file with its tables, made where it is new, and found to be writable."""
    patience = BUSY_SECONDS if is_shared else SHARE_SECONDS
    connection = sqlite3.connect(path, patience, isolation_level=None, check_same_thread=False)
    try:
        if not is_shared:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Before anything is written: a file of another program is left as it was.
        _is_ledger(connection, path)
        _set_journal(connection, path, "wal" if is_shared else "delete")
        connection.execute(f"PRAGMA synchronous={'NORMAL' if is_shared else 'FULL'}")
        with _transaction(connection, "IMMEDIATE" if is_shared else "EXCLUSIVE"):
            connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA),))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS runs (key TEXT PRIMARY KEY, status TEXT NOT NULL, outcome BLOB NOT NULL, "
                "message TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL)"
            )
            # Another process may have made it meanwhile; and SQLite says only on writing that it may not.
            _is_ledger(connection, path)
            connection.execute("UPDATE meta SET value = value")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ledger(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds a ledger that this program reads; False where it is still empty, else refused."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return False
    row = None
    if {"meta", "runs"} <= tables:
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    if row is None or not str(row[0]).isdecimal():
        raise CoercivityError(str(path), "a database of another program, not a ledger", "choose another with --ledger")
    if int(row[0]) > SCHEMA:
        what = f"the ledger is of version {row[0]}, and this program knows versions up to {SCHEMA}"
        raise CoercivityError(str(path), what, "use the program that wrote it, or another file with --ledger")
    return True


def _set_journal(connection: sqlite3.Connection, path: Path, mode: str) -> None:
    """Choose the journal; two processes that make one file at once wait for each other, which SQLite does not do."""
    for _ in range(int(BUSY_SECONDS / 0.05)):
        try:
            got = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if mode != "wal" or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            time.sleep(0.05)
    else:
        got = "busy"
    if got != mode:
        what = f"the file system cannot share a ledger (journal {got} instead of {mode})"
        raise CoercivityError(str(path), what, "put it on a local disk with --ledger, or run --shard 1/1")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """All or nothing; also where Ctrl-C comes in the middle."""
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _shares(path: Path) -> list[Path]:
    """The files that shares of a study have written beside a ledger."""
    pattern = re.compile(rf"{re.escape(path.stem)}-\d+of\d+{re.escape(path.suffix)}")
    return sorted(file for file in path.parent.iterdir() if pattern.fullmatch(file.name))


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(keys), CHUNK):
        yield keys[first : first + CHUNK]


def _ask(connection: sqlite3.Connection, path: Path, keys: Sequence[str]) -> dict[str, Outcome]:
    marks = ",".join("?" * len(keys))
    question = f"SELECT key, status, outcome, message, seconds FROM runs WHERE key IN ({marks})"
    return {row[0]: _outcome(path, *row) for row in connection.execute(question, tuple(keys))}


def _outcome(path: Path, key: str, status: str, blob: bytes, message: str, seconds: float) -> Outcome:
    try:
        # Packed data begin with an x, which no JSON object does.
        text = zlib.decompress(blob) if blob[:1] == b"x" else blob
        return Outcome(Status(status), json.loads(text), message, seconds)
    except (zlib.error, ValueError, TypeError) as error:
        what, fix = f"run {key[:12]} is damaged ({error})", "move the file away, and a new one is made"
        raise CoercivityError(str(path), what, fix) from None


def _row(key: str, outcome: Outcome) -> _Row:
    """What is stored of a run, made at once: what cannot be stored is refused where it comes from."""
    _check_plain(outcome.seconds, key, "seconds")
    for name, value in outcome.values.items():
        _check_plain(value, key, str(name))
    text = json.dumps(outcome.values, sort_keys=True, separators=(",", ":"), default=dict).encode()
    packed = zlib.compress(text, 1) if len(text) >= SQUEEZED else text
    # A message may quote the name of a file that is not Unicode, which SQLite refuses.
    message = outcome.message.encode("utf-8", "backslashreplace").decode()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return _Row(key, outcome.status.value, min(text, packed, key=len), message, float(outcome.seconds), created)


def _check_plain(node: object, key: str, where: str) -> None:
    """Refuse what JSON cannot say and what would come back as something else."""
    if isinstance(node, float):
        if not math.isfinite(node):
            raise UsageError(f"run {key[:12]}", f"{where} is {node}", "give a finite number, or None")
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if not isinstance(name, str):
                raise UsageError(f"run {key[:12]}", f"{where} has the name {name!r}", "name it by a text")
            _check_plain(value, key, f"{where}.{name}")
    elif isinstance(node, list | tuple):
        for at, value in enumerate(node):
            _check_plain(value, key, f"{where}.{at}")
    elif node is not None and not isinstance(node, str | int):
        what = f"{where} is of type {type(node).__name__}"
        raise UsageError(f"run {key[:12]}", what, "give numbers, texts, lists and mappings of them")


@contextlib.contextmanager
def _told(path: Path, verb: str) -> Iterator[None]:
    """Faults of a file as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        name = str(getattr(error, "sqlite_errorname", ""))
        what, fix = next((told for code, told in FAULTS.items() if name.startswith(code)), (str(error), OTHERWISE))
        raise CoercivityError(str(path), f"the ledger cannot be {verb}: {what}", fix) from None
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise CoercivityError(str(path), f"the ledger cannot be {verb}: {what}", OTHERWISE) from None


OTHERWISE = "choose another file with --ledger"
FAULTS = {
    "SQLITE_FULL": ("the disk is full", "make room and run the same command again: what was written before is kept"),
    "SQLITE_READONLY": ("it may only be read", f"make the file and its folder writable, or {OTHERWISE}"),
    "SQLITE_CANTOPEN": ("no file can be opened there", f"check the folder and its permissions, or {OTHERWISE}"),
    "SQLITE_NOTADB": ("it is not a database", f"it is no ledger, or damaged: move it away, or {OTHERWISE}"),
    "SQLITE_CORRUPT": ("it is damaged", "move it away, and a new one is made"),
    "SQLITE_BUSY": ("another process is writing it", f"wait until that process is done, or {OTHERWISE}"),
    "SQLITE_IOERR": ("the file system gave up", f"check the disk and the room on it, or {OTHERWISE}"),
}
