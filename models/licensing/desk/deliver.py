"""A result on its way out: where it is saved, what is printed, and whether it proves what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from coercivity.engine import errors
from coercivity.engine.desk import runs, terminal
from coercivity.engine.desk.delivery import begin, save, sealed
from coercivity.models.licensing.answers.commands import Comparison, Solution, gap, shortfall, status
from coercivity.models.licensing.pages import files, frames


def answer(
    name: str,
    fingerprint: str,
    work: Callable[[Any], Solution | Comparison],
    run: Mapping[str, Any],
    is_quiet: bool,
    question: Mapping[str, object],
) -> None:
    """Check where the result goes, do the work, save it, print it, and say whether it proves what was asked for.

    Parameters
    ----------
    work : makes the result; called with a progress reporter
    run : the options of the command
    question : what, beside the instance, tells this run from others

    Raises
    ------
    CoercivityError
        The target cannot be written, or the certificate is below what was required.
    """
    target, started, result = begin(name, fingerprint, work, run, is_quiet, question)
    options = {key: value for key, value in run.items() if key not in ("form", "full", "out", "no_save")}
    outcome = {"status": status(result), "gap_musd": gap(result)}
    manifest = runs.manifest(result.instance.hash, options, started, outcome, result.manifest)
    result = sealed(replace(result, manifest=manifest))
    unsaved = save(target, files.files(result), is_quiet) if target else None
    is_full = bool(run.get("full"))
    terminal.show(run["form"], result, lambda: files.shown(result, is_full), lambda: frames.long_rows(result))
    if target and run["charts"] and unsaved is None:
        unsaved = save(target, files.drawn(result), is_quiet)
    if unsaved is not None:
        raise unsaved
    if result.interrupted is not None:
        raise KeyboardInterrupt  # it ended a stage; what was found until then has been told
    less = shortfall(result, run.get("require"))
    if less:
        raise errors.BelowRequired(name, less, "give it more time with --limit, or ask for less with --require")
