"""``coercivity why``: which question is asked, where points are remembered, and how the answer is printed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from coercivity.engine.desk import terminal
from coercivity.engine.desk.conflicts import print_conflicts
from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.work.running import Progress
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.desk.compare import LEDGER
from coercivity.models.licensing.pages.comparison import why as page
from coercivity.models.licensing.studies.reasons import figures
from coercivity.models.licensing.studies.reasons.conflict import conflicts
from coercivity.models.licensing.studies.reasons.hinges import Means
from coercivity.models.licensing.studies.reasons.values import Figure, Halved, Why
from coercivity.models.licensing.studies.reasons.why import why as reasons


def why(instance: Instance, asked: Mapping[str, Any], is_quiet: bool) -> None:
    """Answer and print.

    Parameters
    ----------
    asked : ``strategy``, ``against``, ``figure``, ``date``, ``hinges``, ``jobs``, ``out`` and ``form`` of the command

    Raises
    ------
    UsageError
        No such strategy or figure, or options that do not go together.
    InfeasibleProgram
        A program of the buyers has no finite optimum.
    """
    questions = [f"--{option}" for option in ("figure", "date", "infeasible") if asked[option]]
    if len(questions) > 1:
        raise UsageError(", ".join(questions), "are different questions", "ask one of them")
    if asked["infeasible"]:
        if asked["strategy"]:
            check_name("--strategy", asked["strategy"], instance.strategies, "strategies")
        print_conflicts(conflicts(instance, asked["strategy"]), asked["form"])
        return
    for option in ("figure", "date"):
        if asked[option] and asked["against"]:
            raise UsageError("--against", f"is not asked with --{option}", "leave it out")
    with terminal.Progress(is_quiet) as progress:
        found = _answer(instance, asked, progress)
    terminal.show(asked["form"], found, lambda: page.blocks(found), lambda: page.rows(found))


def _answer(instance: Instance, asked: Mapping[str, Any], progress: terminal.Progress) -> Why | Figure | Halved:
    if asked["date"]:
        return figures.halved(instance, asked["date"], [asked["strategy"]] if asked["strategy"] else [])
    if asked["figure"]:
        name = asked["strategy"]
        if name is None:
            raise UsageError("--figure", "needs a strategy", f"add --strategy: {', '.join(instance.strategies)}")
        return figures.figure_of(instance, asked["figure"], name)

    def report(stage: str, state: Progress) -> None:
        progress(stage, state.done, state.total)

    with ExitStack() as stack:
        kept = Path(asked["out"]) / LEDGER
        # What comparisons and studies have remembered is used; nothing is saved where nothing was.
        folder = (
            kept
            if kept.exists()
            else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coercivity-"))) / LEDGER
        )
        ledger = stack.enter_context(Ledger(folder))
        means = Means(ledger, asked["jobs"], asked["hinges"], report)
        return reasons(instance, asked["strategy"], asked["against"], means, progress)
