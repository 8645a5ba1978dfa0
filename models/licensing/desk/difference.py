"""``coercivity diff``: which two things are named, what differs between them, and how it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coercivity.engine.desk import runs, terminal
from coercivity.engine.desk.naming import is_result
from coercivity.engine.errors import UsageError, check_name
from coercivity.models.licensing.answers.verify import Saved, opened
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.pages.studies import difference as page
from coercivity.models.licensing.studies.changes.difference import instances_differ, results_differ
from coercivity.models.licensing.studies.changes.effect import effects_of

BOTH = "name two instances, or two results"


def diff(
    one: str, other: str | None, sets: Sequence[str], variants: Sequence[str], asked: dict[str, Any], is_quiet: bool
) -> None:
    """Print what differs between two instances, the second perhaps changed, or between two saved results.

    Parameters
    ----------
    other : the second; None for the first, changed
    asked : ``effect``, ``strategies`` and ``form`` of the command

    Raises
    ------
    UsageError
        Nothing of that name, a result beside an instance, or options that do not go together.
    """
    if other is None and not (sets or variants):
        raise UsageError(
            "B", "there is nothing to compare with", "name a second one, or change the first with --variant or --set"
        )
    if one == "-" == other:
        raise UsageError("B", "standard input holds one thing only", "save one of the two in a file")
    if asked["strategies"] and not asked["effect"]:
        raise UsageError("--strategies", "only --effect asks for strategies", "add --effect, or leave it out")
    are_results = [is_result(name) for name in (one, other) if name is not None]
    if any(are_results):
        _results(one, other, are_results, bool(sets or variants or asked["effect"]), asked["form"])
        return
    first = load(one)
    second = load(one if other is None else other, sets, variants)
    names = [name.strip() for text in asked["strategies"] for name in text.split(",") if name.strip()]
    for name in names:
        check_name(
            "--strategies", name, [key for key in first.strategies if key in second.strategies], "shared strategies"
        )
    effects = None
    if asked["effect"]:
        with terminal.Progress(is_quiet) as progress:
            effects = effects_of(first, second, names, progress)
    laid_over = [*(f"--variant {name}" for name in variants), *(f"--set {text}" for text in sets)]
    found = instances_differ(first, second, effects, laid_over)
    terminal.show(asked["form"], found, lambda: page.blocks(found), lambda: page.rows(found))


def _results(one: str, other: str | None, are_results: Sequence[bool], is_changed: bool, form: str) -> None:
    if other is None and all(are_results):
        raise UsageError("--set, --variant", "a result is as it was saved", BOTH)
    if other is None or not all(are_results):
        strange = one if not are_results[0] else other or "B"
        raise UsageError(strange, "no saved result, and the other one is", BOTH)
    if is_changed:
        raise UsageError("--effect, --set, --variant", "results are as they were saved", f"leave it out, or {BOTH}")
    found = results_differ(_opened(one), _opened(other))
    terminal.show(form, found, lambda: page.blocks(found), lambda: page.rows(found))


def _opened(name: str) -> Saved:
    data = runs.read(name)
    if "program" in data:
        raise UsageError(name, "a bilevel program, which diff does not read", BOTH)
    return opened(data)
