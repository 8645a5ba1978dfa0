"""The file of a ledger: opened, brought up to date, or refused with a sentence."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from coercivity.engine.errors import CoercivityError, ResourcesFailed, refused
from coercivity.engine.study.memory.outcome import Row, Status, checksum_of

SCHEMA = 2  # 1 had no checksums
BUSY_SECONDS = 30.0  # waited for another process, whose transactions are short
SHARE_SECONDS = 1.0  # waited for a share, which its process holds as long as it runs


def opened(path: Path, is_shared: bool) -> sqlite3.Connection:
    """The file with its tables, made where it is new, and found to be writable."""
    patience = BUSY_SECONDS if is_shared else SHARE_SECONDS
    connection = sqlite3.connect(path, patience, isolation_level=None, check_same_thread=False)
    try:
        if not is_shared:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Before anything is written: a file of another program is left as it was.
        version_of(connection, path)
        _set_journal(connection, path, "wal" if is_shared else "delete")
        connection.execute(f"PRAGMA synchronous={'NORMAL' if is_shared else 'FULL'}")
        with transaction(connection, "IMMEDIATE" if is_shared else "EXCLUSIVE"):
            connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA),))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS runs (key TEXT PRIMARY KEY, status TEXT NOT NULL, outcome BLOB NOT NULL, "
                "message TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL, checksum BLOB NOT NULL)"
            )
            # Another process may have made it meanwhile; and SQLite says only on writing that it may not.
            if version_of(connection, path) == 1:
                _add_checksums(connection)
            connection.execute("UPDATE meta SET value = value")
    except BaseException:
        connection.close()
        raise
    return connection


def version_of(connection: sqlite3.Connection, path: Path, least: int = 1) -> int:
    """The version of the ledger in a file; 0 where it is still empty, refused where this program cannot read it."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return 0
    row = None
    if {"meta", "runs"} <= tables:
        row = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    if row is None or not str(row[0]).isdecimal():
        raise ResourcesFailed(str(path), "a database of another program, not a ledger", OTHERWISE)
    version = int(row[0])
    if version > SCHEMA:
        what = f"the ledger is of version {version}, and this program knows versions up to {SCHEMA}"
        raise CoercivityError(str(path), what, "use the program that wrote it, or another file with --ledger")
    if version < least:
        what = f"the ledger is of version {version}, without checksums, and may only be read here"
        fix = "run its own share again with this program, which brings it up to date, or move the file away"
        raise CoercivityError(str(path), what, fix)
    _check_columns(connection, path, version)
    return version


def _check_columns(connection: sqlite3.Connection, path: Path, version: int) -> None:
    found = [name for (_, name, *_) in connection.execute("PRAGMA table_info(runs)")]
    if found != list(Row._fields[: 6 if version == 1 else 7]):
        raise ResourcesFailed(str(path), f"it is damaged: its runs have the columns {', '.join(found)}", AWAY)


def _add_checksums(connection: sqlite3.Connection) -> None:
    """Bring a ledger of version 1 up to date.

    Its points "without a solution" are forgotten: some of them had only made a solver give up.
    """
    connection.execute("ALTER TABLE runs ADD COLUMN checksum BLOB NOT NULL DEFAULT x''")
    connection.execute("DELETE FROM runs WHERE status = ?", (Status.INFEASIBLE.value,))
    connection.create_function("checksum_of", 6, checksum_of, deterministic=True)
    columns = ", ".join(Row._fields[:6])
    connection.execute(f"UPDATE runs SET checksum = checksum_of({columns})")
    connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(SCHEMA),))


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
        raise ResourcesFailed(str(path), f"the ledger cannot be opened: {BUSY[0]}", BUSY[1])
    if got != mode:
        what = f"the file system cannot share a ledger (journal {got} instead of {mode})"
        raise CoercivityError(str(path), what, "put it on a local disk with --ledger, or run --shard 1/1")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """All or nothing; also where Ctrl-C comes in the middle."""
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path, verb: str) -> Iterator[None]:
    """Faults of a file as sentences."""
    try:
        yield
    except sqlite3.Error as error:
        name = str(getattr(error, "sqlite_errorname", ""))
        what, fix = next((told for code, told in FAULTS.items() if name.startswith(code)), (str(error), AWAY))
        # Where a user may not write is badly chosen; all else is the machine's doing.
        kind = CoercivityError if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")) else ResourcesFailed
        raise kind(str(path), f"the ledger cannot be {verb}: {what}", fix) from None
    except OSError as error:
        raise refused(str(path), f"the ledger cannot be {verb}", error, OTHERWISE) from None


OTHERWISE = "choose another file with --ledger"
AGAIN = "give the same command again: what is finished is kept"
AWAY = f"move it away and give the same command again: a new one is made; or {OTHERWISE}"
BUSY = ("another process is writing it", f"wait until that process is done and {AGAIN}; or {OTHERWISE}")
FAULTS = {
    "SQLITE_FULL": ("the disk is full", f"make room and {AGAIN}"),
    "SQLITE_READONLY": ("it may only be read", f"make the file and its folder writable, or {OTHERWISE}"),
    "SQLITE_CANTOPEN": ("no file can be opened there", f"check the folder and its permissions, or {OTHERWISE}"),
    "SQLITE_NOTADB": ("it is not a database", f"it is no ledger, or damaged: {AWAY}"),
    "SQLITE_CORRUPT": ("it is damaged", AWAY),
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_NOMEM": ("there is no memory left", f"free some and {AGAIN}"),
    "SQLITE_IOERR": ("the file system gave up", f"check the disk and the room on it, and {AGAIN}; or {OTHERWISE}"),
}
