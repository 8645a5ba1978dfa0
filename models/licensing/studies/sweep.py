"""A sweep: every strategy at the points of a grid, or at both ends of every range with all else as stated."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.study.designs import grid, one_at_a_time
from coercivity.engine.study.indices import Swing, swings
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Session
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import Bar, GridPoint, GridSweep, Sweep, TornadoSweep
from coercivity.models.licensing.studies.vary import Varied, grid_points, uncertain, varied
from coercivity.models.licensing.studies.worker import OPTIMAL, What

SHOWN = 2_000  # points of a grid that the result holds; all are in the tables beside it


def sweep(
    session: Session,
    vary: Sequence[str],
    strategies: Sequence[str] = (),
    strategy: str | None = None,
    against: str | None = None,
    what: What = "evaluate",
) -> tuple[Sweep, Study, Outcomes]:
    """The strategies over a grid of what ``vary`` names; without it one at a time over every range of the instance.

    Parameters
    ----------
    vary : ``PATH=low:high:points`` and the like, one text an axis; see :mod:`coercivity.models.licensing.studies.vary`
    strategies : named ones to weigh; default: all
    strategy, against : the pair whose difference is drawn; default: the best two as stated
    what : ``solve`` also finds the best strategy on the menu at every point

    Returns
    -------
    the result, the study, and what came out of it

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; or an end of a range could not be weighed, so that there is no
        tornado.
    """
    found = varied(session.instance, vary) if vary else uncertain(session.instance)
    one, others = session.pair(strategy, against)
    names = tuple(dict.fromkeys((*session.chosen(strategies), one, *others)))
    design = grid(grid_points(found)) if vary else one_at_a_time([axis.axis for axis in found])
    study = session.study(found, design, names, what)
    outcomes = session.ask(study, "points")
    result = Sweep(**vars(outline("sweep", session, study, outcomes)), strategy=one, against=others)
    if session.effort.part is None:
        result = _on_grid(result, study, outcomes) if vary else _tornado(result, study, outcomes)
    return result, study, outcomes


def _on_grid(head: Sweep, study: Study, outcomes: Outcomes) -> GridSweep:
    named = [name for name in outcomes.strategies if name != OPTIMAL]
    values = outcomes.payoff[:, [outcomes.strategies.index(name) for name in named]]
    done = outcomes.is_done
    best = [named[int(row.argmax())] if ok else None for row, ok in zip(values, done, strict=True)]
    rows = np.lexsort(study.design.values.T[::-1])
    gap = outcomes.gap(head.strategy, head.against)
    points = [
        GridPoint(
            values=tuple(study.design.values[row].tolist()),
            payoff_musd=dict(zip(outcomes.strategies, outcomes.payoff[row].tolist(), strict=True)) if done[row] else None,
            best=best[row],
            difference_musd=float(gap[row]) if done[row] else None,
        )
        for row in rows[:SHOWN]
    ]  # fmt: skip
    return GridSweep(
        **vars(head),
        points=tuple(points),
        left_out=max(0, len(rows) - SHOWN),
        best_share={name: sum(winner == name for winner in best) / max(1, int(done.sum())) for name in named},
        crossings=tuple(_crossings(study.design.values[rows, 0], gap[rows]) if len(study.varied) == 1 else ()),
    )


def _crossings(at: np.ndarray[Any, Any], gap: np.ndarray[Any, Any]) -> list[float]:
    """Where a difference is zero along a line, by linear interpolation between neighbours that both have a value."""
    found = []
    for (x, y), (x_next, y_next) in itertools.pairwise(zip(at.tolist(), gap.tolist(), strict=True)):
        if y * y_next < 0:
            found.append(x + (x_next - x) * y / (y - y_next))
        elif y == 0 and y_next != 0:
            found.append(x)
    return found


def _tornado(head: Sweep, study: Study, outcomes: Outcomes) -> TornadoSweep:
    gap = outcomes.gap(head.strategy, head.against)
    if not np.isfinite(gap[0]):
        raise UsageError("sweep", f"the stated values could not be weighed: {outcomes.messages.get(0)}", "mend them")
    whole, missing = _complete(study, gap)
    by_name = {one.axis.name: one for one in study.varied}
    bars = tuple(_bar(bar, by_name[bar.name]) for bar in whole)
    return TornadoSweep(**vars(head), bars=bars, base_musd=float(gap[0]), missing=tuple(missing))


def _complete(study: Study, gap: np.ndarray[Any, Any]) -> tuple[list[Swing], list[str]]:
    """The swings of all axes both of whose ends were weighed, and the names of the others."""
    ends = np.isfinite(gap[1:]).reshape(-1, 2).all(axis=1)
    kept = np.concatenate(([True], np.repeat(ends, 2)))
    axes = [one.axis for one, is_kept in zip(study.varied, ends, strict=True) if is_kept]
    missing = [one.axis.name for one, is_kept in zip(study.varied, ends, strict=True) if not is_kept]
    return (list(swings(one_at_a_time(axes), gap[kept])) if axes else []), missing


def _bar(bar: Swing, one: Varied) -> Bar:
    return Bar(
        parameter=bar.name,
        unit=one.parameter.unit,
        low=one.axis.low,
        high=one.axis.high,
        at_low_musd=bar.at_low,
        at_high_musd=bar.at_high,
        swing_musd=bar.swing,
        turns=min(bar.at_low, bar.at_high) * bar.base < 0 or max(bar.at_low, bar.at_high) * bar.base < 0,
    )


def screened(
    session: Session, found: Sequence[Varied], pair: tuple[str, Sequence[str]], most: int
) -> tuple[list[Varied], int]:
    """Of several axes those whose range alone moves the difference of a pair most, widest first; and how many there were.

    Raises
    ------
    UsageError
        An end of a range could not be weighed.
    """
    if len(found) <= most:
        return list(found), len(found)
    one, others = pair
    study = session.study(found, one_at_a_time([axis.axis for axis in found]), (one, *others))
    outcomes = session.ask(study, "screening")
    bars = swings(study.design, outcomes.gap(one, others))
    by_name = {axis.axis.name: axis for axis in found}
    return [by_name[bar.name] for bar in bars[:most]], len(found)
