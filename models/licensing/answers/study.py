"""A study on its way out: where it is saved, what is printed, what is drawn; it has no certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine import errors, report, runs, terminal
from models.licensing.answers.deliver import begin, save


class Page(Protocol):
    """The room that turns a result into letters and pictures."""

    def blocks(self, result: Mapping[str, Any]) -> list[report.Block]:
        """The report."""

    def rows(self, result: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The result as rows, for CSV."""

    def drawn(self, result: Mapping[str, Any]) -> dict[str, str]:
        """Pictures by file name."""


def deliver(
    name: str,
    fingerprint: str,
    work: Callable[[Any], dict[str, Any]],
    run: Mapping[str, Any],
    is_quiet: bool,
    question: Mapping[str, object],
    page: Page,
) -> None:
    """Check where the result goes, do the work, save it and print it.

    Parameters
    ----------
    work : makes the result; called with a progress reporter
    run : the options ``charts``, ``no_save``, ``out``, ``form`` of the command
    question : what, beside the instance, tells this run from others

    Raises
    ------
    CoercivityError
        The target cannot be written, or charts cannot be drawn.
    """
    target, started, result = begin(name, fingerprint, work, run, is_quiet, question)
    seconds = round((runs.now() - started).total_seconds(), 3)
    result["manifest"] |= {
        "options": dict(question),
        "started": started.isoformat(timespec="seconds"),
        "seconds": seconds,
    }
    result["manifest"]["versions"] = {package: runs.version(package) for package in runs.PACKAGES}
    unsaved = None
    if target is not None:
        found = {
            runs.RESULT: report.to_json(result),
            "report.txt": report.text(page.blocks(result), 100),
            "instance.yaml": result["manifest"]["effective_instance"],
        }
        unsaved = save(target, found | (page.drawn(result) if run["charts"] else {}), is_quiet)
    terminal.show(run["form"], result, lambda: page.blocks(result), lambda: page.rows(result))
    if unsaved is not None:
        raise unsaved
    if not result.get("search", {}).get("complete", True):
        raise errors.BelowRequired(name, "the search was stopped", "give it more time with --limit, or none")
