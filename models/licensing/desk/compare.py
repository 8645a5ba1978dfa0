"""``coercivity compare``: all strategies, and then, as far as time allows, what the ranking hinges on."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from coercivity.engine.desk.interrupts import Stop, never, stoppable
from coercivity.engine.parallel import Crew
from coercivity.engine.study.memory.content import key_of, program_version
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.running import Progress
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.commands import Comparison, is_large
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.buyers.evaluate import Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.reasons.hinges import Means, hinges_of
from coercivity.models.licensing.studies.study import PACKAGES

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
    run : ``jobs``, ``limit``, ``wide``, ``prove``, ``certify``, ``promises``; ``hinges``: seconds for the stated ranges, None for all of them; and
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
    asked: dict[str, Any] = {"prove": bool(run.get("prove")), "with_promises": bool(run.get("promises"))}
    asked["wide"], asked["certify"] = bool(run.get("wide")), run.get("certify")
    seen = None
    if tell is not None and (asked["certify"] is not None or (is_large(instance) and not asked["prove"])):
        seen = _seen(instance, run.get("memory"))
        if seen is not None:
            _tell_worth(tell, seen)  # before anything is built
    look = None if tell is None else partial(_first_look, instance, run.get("memory"), tell, seen)
    progress("building", 0, 1)
    with Crew(run["jobs"]) as crew:
        if is_large(instance):
            crew.begin(StrategyAnswers.__module__)
        answers = StrategyAnswers(instance)
        found = commands.compare(instance, crew, limit, progress, **asked, tell=tell, look=look, answers=answers)
    if limit is not None:
        left = max(0.0, limit - (time.monotonic() - started))
        seconds = left if seconds is None else min(seconds, left)
    if seconds == 0.0 or found.interrupted is not None:
        return found
    layout = answers.game.followers.layout
    with stoppable(tell) as stop:
        found = hinged(instance, found, run["jobs"], seconds, run.get("memory"), progress, layout, stop)
        return replace(found, interrupted="ranges") if stop() else found


def _first_look(
    instance: Instance,
    memory: Path | None,
    tell: Callable[[str], None],
    seen: Mapping[str, float] | None,
    take: Callable[[], Mapping[str, float]],
) -> Mapping[str, float]:
    """What the named strategies are worth at a first look, told unless it was seen; remembered, where there is a memory."""
    if seen is not None:
        return seen
    worth = take()
    _tell_worth(tell, worth)
    if memory is not None:
        with Ledger(memory) as ledger:
            ledger.add(_key(instance), Outcome(Status.DONE, {"names": list(worth), "worth": list(worth.values())}))
    return worth


def _seen(instance: Instance, memory: Path | None) -> Mapping[str, float] | None:
    """What an earlier first look at the same instance saw; None where none is remembered."""
    if memory is None or not memory.exists():
        return None
    key = _key(instance)
    with Ledger(memory) as ledger:
        found = ledger.known([key]).get(key)
    return None if found is None else dict(zip(found.values["names"], found.values["worth"], strict=True))


def _key(instance: Instance) -> str:
    return key_of("first look", program_version(*PACKAGES, libraries=("highspy",)), instance.fingerprint())


def _tell_worth(tell: Callable[[str], None], worth: Mapping[str, float]) -> None:
    listed = "; ".join(f"{name} {value:,.0f}" for name, value in worth.items())
    tell(f"First look, million USD, not certified yet: {listed}.")


def hinged(
    instance: Instance,
    found: Comparison,
    jobs: int,
    seconds: float | None,
    memory: Path | None,
    progress: Callable[[str, int, int], None],
    layout: Layout | None = None,
    stop: Stop = never,
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
        hinges = hinges_of(instance, found.strategies, Means(ledger, jobs, seconds, report, layout=layout, stop=stop))
    first = first_page(instance, found.strategies, found.search, hinges, found.uncertified)
    return replace(found, hinges=hinges, first=first)
