"""What came out of a run, and the row as which it is stored, with a checksum."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from coercivity.engine.errors import UsageError

SQUEEZED = 400  # bytes from which packing is worth its time


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


class Row(NamedTuple):
    """A run as it is stored."""

    key: str
    status: str
    outcome: bytes
    message: str
    seconds: float
    created: str
    checksum: bytes


# Texts come as bytes, so that damaged ones can be read, and found to be damaged.
COLUMNS = (
    "CAST(key AS BLOB), CAST(status AS BLOB), outcome, CAST(message AS BLOB), seconds, CAST(created AS BLOB), checksum"
)


def text_of(stored: Any) -> str:
    """A text as SQLite gives its bytes, damaged or not."""
    return stored.decode("utf-8", "surrogateescape") if isinstance(stored, bytes) else str(stored)


def checksum_of(key: str, status: str, outcome: bytes, message: str, seconds: float, created: str) -> bytes:
    """A digest of a row, each part after its length, so that nothing can pass from one to the next."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (key, status, outcome, message, float(seconds).hex(), created):
        stored = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        digest.update(len(stored).to_bytes(8, "big") + stored)
    return digest.digest()


def checked(
    key: Any, status: Any, outcome: Any, message: Any, seconds: Any, created: Any, checksum: Any
) -> Outcome | None:
    """The outcome in a row as SQLite gives it; None where it is not what was stored."""
    try:
        row = Row(text_of(key), text_of(status), outcome, text_of(message), seconds, text_of(created), checksum)
        return outcome_of(row) if checksum == checksum_of(*row[:6]) else None
    except (zlib.error, ValueError, TypeError, AttributeError):
        return None


def outcome_of(row: Row) -> Outcome:
    """What a row says, taken at its word."""
    # Packed data begin with an x, which no JSON object does.
    text = zlib.decompress(row.outcome) if row.outcome[:1] == b"x" else row.outcome
    return Outcome(Status(row.status), json.loads(text), row.message, row.seconds)


def row_of(key: str, outcome: Outcome) -> Row:
    """What is stored of a run, made at once: what cannot be stored is refused where it comes from."""
    _check_plain(outcome.seconds, key, "seconds")
    for name, value in outcome.values.items():
        _check_plain(value, key, str(name))
    text = json.dumps(outcome.values, sort_keys=True, separators=(",", ":"), default=dict).encode()
    packed = zlib.compress(text, 1) if len(text) >= SQUEEZED else text
    # A message may quote the name of a file that is not Unicode, which SQLite refuses.
    message = outcome.message.encode("utf-8", "backslashreplace").decode()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    parts = (key, outcome.status.value, min(text, packed, key=len), message, float(outcome.seconds), created)
    return Row(*parts, checksum_of(*parts))


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
