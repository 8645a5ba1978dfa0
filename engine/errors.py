"""Errors a user meets: where it is, what is wrong, what to do; each carries its exit code."""

from __future__ import annotations

from collections.abc import Sequence
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

    place: str
    path: str
    what: str
    fix: str = ""

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


class BelowRequired(CoercivityError):
    """A limit was reached, or the certificate proves less than was asked for."""

    exit_code = ExitCode.BELOW_REQUIRED


class AuditFailed(CoercivityError):
    """A recomputation from outside does not agree with the claim."""

    exit_code = ExitCode.AUDIT_FAILED
