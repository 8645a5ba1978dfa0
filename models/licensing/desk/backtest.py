"""``coercivity backtest``: one case or all of them held against the record, and how the command ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coercivity.engine.desk import terminal
from coercivity.engine.desk.delivery import deliver
from coercivity.engine.desk.doctor import processors
from coercivity.engine.errors import AuditFailed, FailedRuns, UsageError
from coercivity.models.licensing.answers.backtest.cases import all_cases
from coercivity.models.licensing.answers.backtest.comparison import AGAIN, Progress, backtested, failures
from coercivity.models.licensing.answers.backtest.left_out import OPTION, left_out
from coercivity.models.licensing.answers.backtest.values import Backtest, SavedBacktest, Unread
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.pages import backtest as page
from coercivity.models.licensing.pages import cases as cases_page
from coercivity.models.licensing.pages import listing


def backtest(name: str | None, load: Callable[[str], Instance], run: Mapping[str, Any], is_quiet: bool) -> None:
    """One case beside its record; with its pictures it is saved.

    Parameters
    ----------
    run : the options ``refit``, ``charts``, ``out`` and ``form`` of the command

    Raises
    ------
    UsageError
        No instance is named.
    AuditFailed
        A search that the calibration records comes out otherwise.
    """
    if run["leave_one_out"]:
        raise UsageError(OPTION, "it is about all cases", "ask for it with --all")
    if name is None:
        raise UsageError("INSTANCE", "no instance is named", "name one, or ask for --all")
    instance = load(name)

    found: Backtest

    def work(progress: Progress) -> SavedBacktest:
        drawn = backtested(instance, run["refit"], progress, is_drawn=True)
        return SavedBacktest(**vars(drawn), manifest={"effective_instance": effective(instance)})

    if run["charts"]:
        options, question = {**run, "no_save": False}, {"refit": run["refit"]}
        found = deliver("backtest", instance.fingerprint(), work, options, is_quiet, question, page)
    else:
        with terminal.Progress(is_quiet) as progress:
            found = backtested(instance, run["refit"], progress)
        terminal.show(run["form"], found, lambda: page.blocks(found), lambda: page.rows(found))
    if not found.ok:
        raise AuditFailed(name, "not reproduced: " + "; ".join(failures(found)), AGAIN)


def backtest_all(run: Mapping[str, Any], beside: Sequence[str | None], is_quiet: bool) -> None:
    """The record of every shipped case in one table; or each judged at numbers that the others chose.

    Parameters
    ----------
    run : the options ``leave_one_out`` and ``form`` of the command
    beside : what else was asked for

    Raises
    ------
    UsageError
        Something else is asked beside it.
    FailedRuns
        A case could not be told.
    """
    if any(beside) or run["refit"] or run["charts"]:
        raise UsageError("--all", "an instance or a change of one beside --all", "leave out one of the two")
    failed: Sequence[Unread]
    with terminal.Progress(is_quiet) as progress:
        if run["leave_one_out"]:
            apart = left_out(progress, processors())
            failed = apart.failed
        else:
            found = all_cases(progress)
            failed = found.failed
    if run["leave_one_out"]:
        terminal.show(run["form"], apart, lambda: cases_page.left_out(apart), lambda: cases_page.left_out_rows(apart))
    else:
        terminal.show(run["form"], found, lambda: cases_page.blocks(found), lambda: cases_page.rows(found))
    if failed:
        names = ", ".join(one.name for one in failed)
        raise FailedRuns("--all", f"not told: {names}", "coercivity validate says what is wrong with each")


def gallery(is_skill_told: bool, form: str, is_quiet: bool) -> None:
    """The shipped instances, each held against its record too where that is asked for."""
    record = None
    if is_skill_told:
        with terminal.Progress(is_quiet) as progress:
            record = all_cases(progress)
    found = listing.shipped_instances(record)
    terminal.show(form, found, lambda: listing.listed(found), lambda: [vars(entry) for entry in found.instances])
