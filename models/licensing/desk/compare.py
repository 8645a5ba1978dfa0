"""``coercivity compare``: all strategies, and then, as far as time allows, what the ranking hinges on."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.work.running import Progress
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.commands import Comparison
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.reasons.hinges import Means, hinges_of

LEDGER = "ledger.sqlite"


def memory_of(run: Mapping[str, Any]) -> Path | None:
    """Where points are remembered: beside the results; nowhere where none is saved."""
    return None if run["no_save"] else Path(run["out"]) / LEDGER


def compare(
    instance: Instance,
    run: Mapping[str, Any],
    progress: Callable[[str, int, int], None],
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """All strategies side by side, with what the ranking hinges on.

    Parameters
    ----------
    run : ``jobs``, ``limit``, ``wide``, ``prove``, ``promises``; ``hinges``: seconds for the stated ranges, None for all of them; and
        ``memory``: the ledger that remembers points, None for one that does not last

    Raises
    ------
    InfeasibleProgram
        The buyers' program has no finite optimum.
    CoercivityError
        The ledger cannot be written.
    """
    started = time.monotonic()
    limit, seconds = run.get("limit"), run.get("hinges")
    asked = {"prove": bool(run.get("prove")), "with_promises": bool(run.get("promises"))}
    asked["wide"] = bool(run.get("wide"))
    found = commands.compare(instance, run["jobs"], limit, progress, **asked, tell=tell)
    if limit is not None:
        left = max(0.0, limit - (time.monotonic() - started))
        seconds = left if seconds is None else min(seconds, left)
    if seconds == 0.0:
        return found
    return hinged(instance, found, run["jobs"], seconds, run.get("memory"), progress)


def hinged(
    instance: Instance,
    found: Comparison,
    jobs: int,
    seconds: float | None,
    memory: Path | None,
    progress: Callable[[str, int, int], None],
) -> Comparison:
    """A comparison with what it hinges on; raises as :func:`compare`."""

    def report(stage: str, state: Progress) -> None:
        progress(stage, state.done, state.total)

    with ExitStack() as stack:
        # Where no number has a range nothing is there to be remembered.
        is_kept = memory is not None and any(number.low != number.high for _, number in instance.quantities())
        folder = (
            memory
            if memory is not None and is_kept
            else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coercivity-"))) / LEDGER
        )
        ledger = stack.enter_context(Ledger(folder))
        hinges = hinges_of(instance, found.strategies, Means(ledger, jobs, seconds, report))
    return replace(found, hinges=hinges, first=first_page(instance, found.strategies, found.search, hinges))
