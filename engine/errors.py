"""Errors a user meets: where it is, what is wrong, what to do; each carries its exit code."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    USAGE = 2
    INVALID_INSTANCE = 3
    INFEASIBLE = 4
    BELOW_REQUIRED = 5
    FAILED_RUNS = 6
    AUDIT_FAILED = 7
    RESOURCES = 8
    INTERRUPTED = 130


class CoercivityError(Exception):
    """An error to be shown as a sentence, not as a traceback.

    Parameters
    ----------
    where : str
        The place: a file with line and column, an option, a path in an instance.
    what : str
        What is wrong.
    fix : str
        What to do about it.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, where: str, what: str, fix: str = "") -> None:
        self.where, self.what, self.fix = where, what, fix
        super().__init__(f"{where}: {what}" + (f"\n  fix: {fix}" if fix else ""))


class UsageError(CoercivityError):
    """The command line asks for something that is not there."""


@dataclass(frozen=True)
class Finding:
    """One fault in a document.

    >>> str(Finding("a.yaml:3:7", "blocs.us.group", "unknown group 'alies'", "write 'allies'"))
    "a.yaml:3:7: blocs.us.group: unknown group 'alies'\\n  fix: write 'allies'"
    """

    place: str  # file, line and column, where they are known
    path: str  # dotted path in the document
    what: str  # what is wrong
    fix: str = ""  # what to do about it

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.place, self.path, self.what) if part)
        return head + (f"\n  fix: {self.fix}" if self.fix else "")


class InvalidInstance(CoercivityError):
    """The document was read but says something that cannot be accepted; all findings at once."""

    exit_code = ExitCode.INVALID_INSTANCE

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        super().__init__(name, f"{count} finding{'s' if count != 1 else ''}")

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


class InfeasibleProgram(CoercivityError):
    """A linear program has no solution, or no finite one; the message says which and why."""

    exit_code = ExitCode.INFEASIBLE


class SolverFailed(CoercivityError):
    """A solver gave up, at a limit or for numerical reasons: nothing is known, least of all that there is no solution."""

    exit_code = ExitCode.BELOW_REQUIRED


class BelowRequired(CoercivityError):
    """A limit was reached, or the certificate proves less than was asked for."""

    exit_code = ExitCode.BELOW_REQUIRED


class FailedRuns(CoercivityError):
    """Some runs of a study failed; the others were finished, and what they gave is kept."""

    exit_code = ExitCode.FAILED_RUNS


class AuditFailed(CoercivityError):
    """A recomputation from outside does not agree with the claim."""

    exit_code = ExitCode.AUDIT_FAILED


class ResourcesFailed(CoercivityError):
    """The machine gave out: a full disk, a locked or damaged ledger, a worker that died; nothing is wrong with the question."""

    exit_code = ExitCode.RESOURCES


# What an operating system says when it is the machine that gave out, and not the place that was badly chosen.
GAVE_OUT = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "ENOMEM", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)


def refused(where: str, what: str, error: OSError, fix: str) -> CoercivityError:
    """What an operating system refused, with its reason; of the kind that says whether the machine gave out.

    >>> refused("/dev/full", "cannot be written", OSError(errno.ENOSPC, "No space left on device"), "make room").exit_code
    <ExitCode.RESOURCES: 8>
    """
    kind = ResourcesFailed if error.errno in GAVE_OUT else CoercivityError
    return kind(where, f"{what}: {(error.strerror or str(error)).lower()}", fix)


FEWER = "use fewer processes, --jobs 1, or a machine with more memory"


def explain(error: Exception) -> tuple[str, int]:
    """What a user reads of an error, and the exit code; findings begin with file:line:column, as editors want."""
    if isinstance(error, CoercivityError):
        return str(error) if hasattr(error, "findings") else f"Error: {error}", error.exit_code
    if isinstance(error, MemoryError) or type(error).__name__ == "BrokenProcessPool":
        return (
            f"Error: {ResourcesFailed('memory', 'a process ran out of it, or was killed', FEWER)}",
            ExitCode.RESOURCES,
        )
    if isinstance(error, OSError) and error.errno in GAVE_OUT:
        place = str(error.filename or "the disk")
        return f"Error: {refused(place, 'cannot be used', error, 'make room or mend it')}", ExitCode.RESOURCES
    please = "This is a fault of the program: please report it with the output of --debug."
    return f"Error: {type(error).__name__}: {error}\n  {please}", 1


def check_name(where: str, name: str, names: Iterable[str], kind: str) -> None:
    """Nothing, where ``name`` is one of ``names``.

    Raises
    ------
    UsageError
        It is not; with the nearest one, or all of them.

    Examples
    --------
    >>> check_name("--strategy", "opne", ["open", "half"], "strategies")
    Traceback (most recent call last):
    coercivity.engine.errors.UsageError: --strategy opne: no such name among the strategies
      fix: did you mean 'open'?
    """
    known = list(names)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        fix = f"did you mean '{near[0]}'?" if near else f"{kind}: {', '.join(known)}"
        raise UsageError(f"{where} {name}", f"no such name among the {kind}", fix)
