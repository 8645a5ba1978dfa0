"""The text of a file, plain or packed, and the faults found in it line by line."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from coercivity.engine.data.piped import PIPED
from coercivity.engine.errors import ExitCode, Finding, UsageError

# A file that is wrong throughout is not listed to its end.
MOST_FAULTS = 20
# What solvers take for infinite.
INFINITY = 1e20
PACKED = b"\x1f\x8b"

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


class Malformed(UsageError):
    """A file that does not say one bilevel program; all that is wrong with it, each with its place."""

    exit_code = ExitCode.INVALID_INSTANCE

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        super().__init__(first.place, f"{first.path}: {first.what}" if first.path else first.what, first.fix)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


class Unreadable(Malformed):
    """A file that is not there, or cannot be read."""

    exit_code = ExitCode.USAGE


class Fault(Exception):
    """What is wrong with a line, and what to do; the reader knows which line it is."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(what)


class Faults:
    """The faults of one file, in the order in which they were found."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Finding] = []

    def add(self, line: int, what: str, fix: str) -> None:
        """Note a fault at a line, from 1; 0 where no line is to blame; give up where there are too many."""
        self.found.append(Finding(f"{self.name}:{line}" if line else self.name, "", what, fix))
        if len(self.found) >= MOST_FAULTS:
            self.raise_any()

    def raise_any(self) -> None:
        """Refuse the file where there are faults."""
        if self.found:
            raise Malformed(self.found)


def broken(where: str, what: str, fix: str) -> Malformed:
    """The refusal of a whole file, or of one place in it."""
    return Malformed([Finding(where, "", what, fix)])


def text_of(path: str | Path, *, is_latin: bool = False) -> str:
    """The text of a file, unpacked where it is a gzip file; ``-`` is standard input.

    Parameters
    ----------
    is_latin : read a file that is not UTF-8 as Latin-1, in which each byte is a letter, as old files are

    Raises
    ------
    Unreadable
        There is no such file, or it cannot be read.
    Malformed
        It is empty, cut off, or not a text in UTF-8.
    """
    name = str(path)
    data = _bytes_of(name)
    if data[:2] == PACKED:
        data = _unpacked(name, data)
    elif name.endswith(".gz"):
        raise broken(name, "not a gzip file, whatever its name says", "pack it with gzip, or drop '.gz' from its name")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not is_latin:
            line = data[: error.start].count(b"\n") + 1
            what = f"a byte that is not UTF-8, 0x{data[error.start]:02x}"
            raise broken(f"{name}:{line}", what, "save the file as UTF-8") from None
        text = data.decode("latin-1")
    if "\0" in text:
        raise broken(name, "a binary file", "give a text file")
    if not text.strip():
        raise broken(name, "the file is empty", "write a problem into it")
    return text


def unreadable(name: str, why: str, fix: str) -> Unreadable:
    """The refusal of a file that gives no text at all."""
    return Unreadable([Finding(name, "", f"cannot be read: {why}", fix)])


def save(path: str | Path, text: str) -> None:
    """Write a text, or say why it cannot be written.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    try:
        Path(path).write_text(text, "utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(str(path), f"cannot be written: {reason}", "check the folder and the permissions") from None


def _bytes_of(name: str) -> bytes:
    if name == "-":
        try:
            return PIPED.take()
        except UsageError as error:
            raise unreadable("-", error.what, error.fix) from None
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise unreadable(name, "no such file", "check the path") from None
    except IsADirectoryError:
        raise unreadable(name, "it is a directory", "name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unreadable(name, reason, "check the path and the permissions") from None


def _unpacked(name: str, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except EOFError:
        raise broken(name, "the gzip file is cut off", "fetch it again") from None
    except (OSError, zlib.error) as error:
        raise broken(name, f"the gzip file is damaged: {error}", "fetch it again") from None


def lines_of(text: str) -> list[str]:
    """The lines of a text, whatever ends them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def number_in(word: str) -> float:
    """The finite number that a word spells.

    Raises
    ------
    Fault
        It spells none, not a finite one, or one in a spelling that other readers take otherwise.

    Examples
    --------
    >>> number_in("1."), number_in("-.5e+3")
    (1.0, -500.0)
    >>> number_in("1D5")
    100000.0
    """
    # Fortran writes D before an exponent, which can mean nothing else.
    word = re.sub(r"(?<=[\d.])[dD](?=[-+]?\d+$)", "E", word)
    if _NUMBER.fullmatch(word) is None:
        if re.fullmatch(r"[-+]?(nan|inf|infinity)", word, re.IGNORECASE):
            raise Fault(
                f"'{word}' is not a finite number", "write a finite number, or 1e30 for a bound that is not there"
            )
        raise Fault(f"'{word[:40]}' is not a number", "write digits with a point, and E before an exponent")
    value = float(word)
    if math.isinf(value):
        raise Fault(f"'{word[:40]}' is too large for a number", "write a finite number")
    return value


def bound_in(word: str) -> float:
    """The number that a word spells, infinite from 1e20 on or where it says so.

    >>> bound_in("-Inf"), bound_in("1e30"), bound_in("5")
    (-inf, inf, 5.0)
    """
    if re.fullmatch(r"[-+]?inf(inity)?", word, re.IGNORECASE):
        return float(word)
    value = number_in(word)
    return value if abs(value) < INFINITY else math.copysign(math.inf, value)
