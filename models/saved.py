"""Saved results of any kind on their way back: listed, printed again in the form that is wanted now, and verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from coercivity.engine.data.values import from_plain
from coercivity.engine.desk import archive as archives
from coercivity.engine.desk import runs, terminal
from coercivity.engine.errors import AuditFailed
from coercivity.engine.report.book import write
from coercivity.engine.report.text import Block


def listed(form: str, ask: Callable[[ModuleType], archives.Archive]) -> None:
    """Print what is saved, after something was done to it; raises as what was asked for."""
    found = ask(archives)
    terminal.show(form, found, lambda: archives.blocks(found), lambda: archives.rows(found))


def verify(result: str, search: bool | None, jobs: int, form: str, is_quiet: bool) -> None:
    """Judge a saved result again and print the checks.

    Raises
    ------
    UsageError
        There is no such result.
    AuditFailed
        A check failed, or it cannot be read as one of ours.
    """
    from coercivity.models import verification
    from coercivity.models.licensing.pages import listing

    data, files = runs.read(result), runs.beside(result)
    with terminal.Progress(is_quiet) as progress:
        found = verification.verify(data, files, search, jobs, progress)
    terminal.show(
        form,
        found,
        lambda: listing.verified(found.checks, found.sentence),
        lambda: [vars(check) for check in found.checks],
    )
    if not found.ok:
        failed = sum(not check.ok for check in found.checks)
        raise AuditFailed(result, f"{failed} checks failed", "do not use this result; save it again")


def show(result: str, form: str, book: str | None = None) -> None:
    """Print a saved result again without solving anything; or write it to a workbook, every table a sheet.

    Raises
    ------
    UsageError
        There is no such result, or it is of another command than solve and compare.
    AuditFailed
        It cannot be read as one of ours.
    """
    data = runs.read(result)
    if "program" in data:
        from coercivity.models.program import finite, present
        from coercivity.models.program.values import GameAnswer, ProgramAnswer

        if isinstance(data["program"], dict) and data["program"].get("kind") == "finite-game":
            game = from_plain(GameAnswer, _of_today(data))
            _told(form, book, data, lambda: finite.blocks(game), lambda: finite.rows(game))
        else:
            told = from_plain(ProgramAnswer, data)
            _told(form, book, data, lambda: present.blocks(told), lambda: present.rows(told))
        return
    from coercivity.models.licensing.answers.verify import opened
    from coercivity.models.licensing.pages import files, frames

    found = opened(data).told
    _told(form, book, data, lambda: files.blocks(found), lambda: frames.long_rows(found))


def _told(
    form: str, book: str | None, data: Any, blocks: Callable[[], Sequence[Block]], rows: Callable[[], Sequence[Any]]
) -> None:
    if book is None:
        terminal.show(form, data, blocks, rows)
    else:
        terminal.note(f"written: {write(blocks(), book)}")


def _of_today(data: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a finite game with what one of 0.4.0 did not say: that nothing was proved of its best single action."""
    pure = {
        key: {"proof": "NOTHING", **told} for key, told in (data.get("pure") or {}).items() if isinstance(told, dict)
    }
    return {**data, "pure": {**(data.get("pure") or {}), **pure}}
