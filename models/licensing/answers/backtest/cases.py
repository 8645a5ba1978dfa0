"""The record of every shipped case in one table: facts, hits, mean error, skill over both naive forecasts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from coercivity.engine.errors import CoercivityError
from coercivity.models.licensing.answers.backtest.comparison import Progress, backtested
from coercivity.models.licensing.answers.backtest.values import Backtest, Case, Cases, Unread
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, shipped

SCHEMA_VERSION = 1


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def all_cases(
    progress: Progress = _silent, names: Iterable[str] | None = None, loaded: Callable[[str], Instance] = load
) -> Cases:
    """Every shipped instance that has a record, held against it.

    A case that cannot be read or solved is told with its reason and does not keep the others from being told.

    Parameters
    ----------
    names : these instead of all that are shipped
    loaded : how an instance is read; a small variant of each, say
    """
    wanted = [name for name, _, _ in shipped()] if names is None else list(names)
    cases, failed = [], []
    for done, name in enumerate(wanted):
        progress("cases", done, len(wanted))
        try:
            instance = loaded(name)
            if instance.observations:
                cases.append(case_of(backtested(instance)))
        except CoercivityError as error:
            failed.append(Unread(name, str(error)))
    progress("cases", len(wanted), len(wanted))
    return Cases(
        schema_version=SCHEMA_VERSION,
        command="backtest --all",
        ok=not failed,
        cases=tuple(cases),
        failed=tuple(failed),
        judged=sum(case.judged for case in cases),
        hits=sum(case.hits for case in cases),
        error=_mean([case.error for case in cases]),
        skill=_mean([case.skill for case in cases]),
        persistence_skill=_mean([case.persistence_skill for case in cases]),
    )


def case_of(found: Backtest) -> Case:
    """A backtest in a line."""
    windows, skill, persistence = found.windows, found.skill, found.persistence
    return Case(
        name=found.instance.name,
        title=found.instance.title,
        facts=len(found.moments),
        fed=windows.fed.moments,
        fitted=windows.fit.moments,
        judged=windows.judge.judged,
        hits=windows.judge.hits,
        error=skill.model,
        open_error=skill.naive,
        skill=skill.skill,
        persistence_error=persistence.naive,
        persistence_skill=persistence.skill,
        parameters=len(found.calibration.fitted),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of what there is; None of nothing."""
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None
