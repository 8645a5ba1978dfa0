"""Results on their way out: where they are saved, what is printed, what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from coercivity.engine import errors
from coercivity.engine.desk import runs, terminal
from coercivity.engine.proof.check import Check
from coercivity.engine.proof.retelling import SEAL, holds, seal
from coercivity.engine.protocols import Page
from coercivity.engine.report import text as report
from coercivity.engine.report.charts import page as charts


class Told(Protocol):
    """A result: a value with a manifest, which says of what and how it was made."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What a later reader needs to check it."""


Result = TypeVar("Result", bound=Told)


class SavedPage(Page, Protocol):
    """A page of results that are saved; ``SOURCE`` is the file that their question is saved as."""

    SOURCE: str


def deliver(
    name: str,
    fingerprint: str,
    work: Callable[[Any], Result],
    run: Mapping[str, Any],
    is_quiet: bool,
    question: Mapping[str, object],
    page: SavedPage,
) -> Result:
    """Check where a result goes, do the work, save it, print it and return it; of its certificate nothing is asked.

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
    facts = {"options": dict(question), "started": started.isoformat(timespec="seconds"), "seconds": seconds}
    result = sealed(
        with_facts(result, facts if "versions" in result.manifest else facts | {"versions": runs.versions()})
    )
    unsaved = None
    if target is not None:
        found = {
            runs.RESULT: report.to_json(result),
            runs.REPORT: report.text(page.blocks(result), 100),
            page.SOURCE: str(result.manifest["effective_instance"]),
        }
        unsaved = save(target, found | (dict(page.drawn(result)) if run["charts"] else {}), is_quiet)
    terminal.show(run["form"], result, lambda: page.blocks(result), lambda: page.rows(result))
    if unsaved is not None:
        raise unsaved
    return result


def with_facts(result: Result, facts: Mapping[str, Any]) -> Result:
    """A result whose manifest says this too."""
    value: Any = result
    told: Result = replace(value, manifest={**value.manifest, **facts})
    return told


def sealed(result: Result) -> Result:
    """A result with the seal over all that it says."""
    return with_facts(result, {SEAL: seal(result)})


def judged_files(result: Told, page: SavedPage, files: Mapping[str, str]) -> list[Check]:
    """Whether the files beside a saved result say what it says: each is made again from the result and compared.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError
        The result is not one that a report can be made of.
    """
    expected = {
        runs.REPORT: report.text(page.blocks(result), 100),
        page.SOURCE: str(result.manifest["effective_instance"]),
    }
    pictures = {name for name in files if name.endswith((".svg", ".html"))}
    if pictures and not charts.missing_libraries():
        expected |= dict(page.drawn(result))
    checks = [
        holds(f"{name} says what the result says", text == expected[name])
        for name, text in files.items()
        if name in expected
    ]
    strange = set(files) - set(expected) - (pictures if charts.missing_libraries() else set())
    return checks + [holds(f"{name} is a file of such a run", False) for name in sorted(strange)]


def begin(
    name: str,
    fingerprint: str,
    work: Callable[[Any], Result],
    run: Mapping[str, Any],
    is_quiet: bool,
    question: Mapping[str, object],
) -> tuple[runs.Run | None, datetime, Result]:
    """Check where the result goes before the work is done, and do it; the target, when it began, and the result."""
    if run["charts"]:
        charts.require()
        if run["no_save"]:
            raise errors.UsageError("--charts", "they are saved, and --no-save saves nothing", "leave one out")
    target = None if run["no_save"] else runs.prepare(run["out"], runs.identity(fingerprint, name, question))
    started = runs.now()
    with terminal.Progress(is_quiet) as progress:
        return target, started, work(progress)


def save(target: runs.Run, found: Mapping[str, str], is_quiet: bool) -> errors.CoercivityError | None:
    """Save files; what went wrong is returned, so that the result can still be printed."""
    try:
        target.save(found)
    except errors.CoercivityError as error:
        return error
    if not is_quiet:
        terminal.note(f"saved: {target.folder} ({', '.join(found)})")
    return None
