"""A study on its way from the command line and back: where it runs, where it is saved, what is printed, how it ends."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from coercivity.engine import errors
from coercivity.engine.desk import runs, terminal
from coercivity.engine.desk.delivery import save, with_facts
from coercivity.engine.protocols import Executor
from coercivity.engine.report import parquet
from coercivity.engine.report import text as report
from coercivity.engine.report.charts import page as charts
from coercivity.engine.study.memory.content import program_version
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.work.executors import InProcess, Pool
from coercivity.engine.study.work.running import Interrupted, Progress, parse_shard
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.pages.studies import tables
from coercivity.models.licensing.studies.session import Effort, Planned, Session
from coercivity.models.licensing.studies.study import PACKAGES, Outcomes, Study
from coercivity.models.licensing.studies.values import StudyAnswer

Work = Callable[[Session], tuple[StudyAnswer, Study, Outcomes]]
Options = Mapping[str, Any]


class StudyPage(Protocol):
    """Shows the result of a study: as letters, and as pictures with the points it rests on."""

    def blocks(self, result: Any) -> list[report.Block]:
        """The report."""

    def drawn(self, result: Any, study: Study, outcomes: Outcomes) -> dict[str, str]:
        """Pictures by file name."""


def deliver(name: str, instance: Instance, work: Work, run: Options, is_quiet: bool, page: StudyPage) -> None:
    """Do a study, save it, print it.

    Parameters
    ----------
    run : the options of the command, and the command itself as ``given``; what decides where and how it runs, and not what
        comes out, is in :data:`HOW`

    Raises
    ------
    CoercivityError
        The target or the ledger cannot be written, a study was interrupted or has too many failures, or points failed;
        what was finished is in the ledger.
    ResourcesFailed
        The disk is full, or the ledger is locked or damaged.
    """
    part = None if run["shard"] is None else parse_shard(run["shard"])
    target = _target(name, instance, run, part)
    started = runs.now()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(_ledger(run, stack), part))
        progress = stack.enter_context(terminal.Progress(is_quiet))

        def shown(stage: str, state: Progress) -> None:
            progress(stage, state.done, state.total)

        effort = Effort(_executor(run), run["jobs"], ledger, part, run["max_failures"], run["dry_run"])
        session = Session(instance, effort, shown)
        try:
            result, study, outcomes = work(session)
        except Planned as planned:
            terminal.write(f"{planned.where}: {planned.what}\n")
            return
        except Interrupted as error:
            raise Interrupted(str(error.where), str(error.what), f"resume: {run['given']}") from None
        finally:
            _tell_damaged(ledger)
    result = with_facts(result, _manifest(run, started))
    unsaved = None if target is None else _saved(target, result, study, outcomes, page, run, is_quiet)
    if run["form"] == "csv":
        terminal.write(tables.joined(study, outcomes))
    else:
        terminal.show(run["form"], result, lambda: page.blocks(result))
    if target is not None and run["charts"] and unsaved is None:
        unsaved = save(target, page.drawn(result, study, outcomes), is_quiet)
    if unsaved is not None:
        raise unsaved
    failed = session.counts["failed"]
    if failed:
        what = f"{failed:,} of {session.counts['total']:,} points failed; the first: {session.failures[0].message}"
        raise errors.FailedRuns(name, what, "see the table of failures; mend them and run the same command again")


def _target(name: str, instance: Instance, run: Options, part: tuple[int, int] | None) -> runs.Run | None:
    """The folder for the result, found fit; refuses what could not be saved before anything is computed."""
    wanted = [flag for flag in ("charts", "parquet") if run[flag]]
    if wanted and (run["no_save"] or part is not None):
        why = "a shard saves no result" if part is not None else "--no-save saves nothing"
        raise errors.UsageError(f"--{wanted[0]}", f"it is saved, and {why}", "leave one out")
    if run["charts"]:
        charts.require()
    if run["parquet"]:
        parquet.require()
    if run["no_save"] and part is not None and run["ledger"] is None:
        raise errors.UsageError(
            "--shard", "its points would be kept nowhere", "leave --no-save out, or name a --ledger"
        )
    if run["executor"] != "dask" and run["scheduler"] is not None:
        raise errors.UsageError("--scheduler", "only --executor dask has one", "add --executor dask")
    if run["no_save"] or run["dry_run"] or part is not None:
        return None
    return runs.prepare(run["out"], runs.identity(instance.fingerprint(), name, _question(run)))


HOW = ("jobs", "executor", "scheduler", "shard", "ledger", "dry_run", "max_failures", "out", "no_save", "charts",
       "parquet", "form", "given")  # fmt: skip


def _question(run: Options) -> dict[str, Any]:
    """What the answer depends on, beside the instance."""
    return {key: value for key, value in run.items() if key not in HOW}


def _ledger(run: Options, stack: ExitStack) -> Path:
    if run["ledger"] is not None:
        return Path(run["ledger"])
    if run["no_save"]:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coercivity-"))) / "ledger.sqlite"
    return Path(run["out"]) / "ledger.sqlite"


def _executor(run: Options) -> Executor:
    if run["executor"] == "dask":
        from coercivity.engine.study.work.cluster import DaskExecutor

        return DaskExecutor(run["scheduler"] or "local", run["jobs"], partial(program_version, *PACKAGES))
    return Pool(run["jobs"]) if run["jobs"] > 1 else InProcess()


def _tell_damaged(ledger: Ledger) -> None:
    count = len(ledger.damaged)
    if count:
        points = f"{count:,} point{'s' if count > 1 else ''} failed the checksum stored with them"
        terminal.note(f"{ledger.path}: {points}: damaged, not used, computed again")


def _manifest(run: Options, started: Any) -> dict[str, Any]:
    return {
        "options": _question(run),
        "replay": run["given"],
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((runs.now() - started).total_seconds(), 3),
        "versions": runs.versions(),
    }


def _saved(
    target: runs.Run,
    result: StudyAnswer,
    study: Study,
    outcomes: Outcomes,
    page: StudyPage,
    run: Options,
    is_quiet: bool,
) -> errors.CoercivityError | None:
    """Save all but the pictures; what went wrong is returned, so that the result can still be printed."""
    found = {
        runs.RESULT: report.to_json(result),
        "report.txt": report.text(page.blocks(result), 100),
        "instance.yaml": str(result.manifest["effective_instance"]),
        **tables.texts(study, outcomes),
    }
    unsaved = save(target, found, is_quiet)
    if unsaved is None and run["parquet"]:
        try:
            for name in ("points.csv", "payoffs.csv"):
                parquet.from_csv(target.folder / name)
        except errors.CoercivityError as error:
            return error
    return unsaved
