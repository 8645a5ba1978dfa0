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
from coercivity.models.licensing.studies.session import Lab
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.vary import Varied, grid_points, uncertain, varied
from coercivity.models.licensing.studies.worker import OPTIMAL, What

SHOWN = 2_000  # points of a grid that the result holds; all are in the tables beside it


def sweep(
    lab: Lab,
    vary: Sequence[str],
    strategies: Sequence[str] = (),
    strategy: str | None = None,
    against: str | None = None,
    what: What = "evaluate",
) -> tuple[dict[str, Any], Study, Outcomes]:
    """The strategies over a grid of what ``vary`` names; without it one at a time over every range of the instance.

    Parameters
    ----------
    vary : ``PATH=low:high:points`` and the like, one text an axis; see :mod:`coercivity.models.licensing.studies.vary`
    strategies : named ones to weigh; default: all
    strategy, against : the pair whose difference is drawn; default: the best two as stated
    what : ``solve`` also finds the best strategy on the menu at every point

    Returns
    -------
    the result as plain data, the study, and what came out of it

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; or an end of a range could not be weighed, so that there is no
        tornado.
    """
    found = varied(lab.instance, vary) if vary else uncertain(lab.instance)
    one, others = lab.pair(strategy, against)
    names = tuple(dict.fromkeys((*lab.chosen(strategies), one, *others)))
    design = grid(grid_points(found)) if vary else one_at_a_time([axis.axis for axis in found])
    study = lab.study(found, design, names, what)
    outcomes = lab.ask(study, "points")
    result = outline("sweep", lab, study, outcomes) | {"strategy": one, "against": list(others)}
    if lab.effort.part is None:
        result |= _on_grid(study, outcomes, one, others) if vary else _tornado(study, outcomes, one, others)
    return result, study, outcomes


def _on_grid(study: Study, outcomes: Outcomes, one: str, others: Sequence[str]) -> dict[str, Any]:
    named = [name for name in outcomes.strategies if name != OPTIMAL]
    values = outcomes.payoff[:, [outcomes.strategies.index(name) for name in named]]
    done = outcomes.is_done
    best = [named[int(row.argmax())] if ok else None for row, ok in zip(values, done, strict=True)]
    rows = np.lexsort(study.design.values.T[::-1])
    gap = outcomes.gap(one, others)
    points = [
        {
            "values": study.design.values[row].tolist(),
            "payoff_musd": dict(zip(outcomes.strategies, outcomes.payoff[row].tolist(), strict=True)) if done[row] else None,
            "best": best[row],
            "difference_musd": float(gap[row]) if done[row] else None,
        }
        for row in rows[:SHOWN]
    ]  # fmt: skip
    wins = {name: sum(winner == name for winner in best) / max(1, int(done.sum())) for name in named}
    return {
        "points": points,
        "left_out": max(0, len(rows) - SHOWN),
        "best_share": wins,
        "crossings": _crossings(study.design.values[rows, 0], gap[rows]) if len(study.varied) == 1 else [],
    }


def _crossings(at: np.ndarray[Any, Any], gap: np.ndarray[Any, Any]) -> list[float]:
    """Where a difference is zero along a line, by linear interpolation between neighbours that both have a value."""
    found = []
    for (x, y), (x_next, y_next) in itertools.pairwise(zip(at.tolist(), gap.tolist(), strict=True)):
        if y * y_next < 0:
            found.append(x + (x_next - x) * y / (y - y_next))
        elif y == 0 and y_next != 0:
            found.append(x)
    return found


def _tornado(study: Study, outcomes: Outcomes, one: str, others: Sequence[str]) -> dict[str, Any]:
    gap = outcomes.gap(one, others)
    if not np.isfinite(gap[0]):
        raise UsageError("sweep", f"the stated values could not be weighed: {outcomes.messages.get(0)}", "mend them")
    whole, missing = _complete(study, gap)
    bars = [_bar(bar, study.varied) for bar in whole]
    return {"bars": bars, "base_musd": float(gap[0]), "missing": missing}


def _complete(study: Study, gap: np.ndarray[Any, Any]) -> tuple[list[Swing], list[str]]:
    """The swings of all axes both of whose ends were weighed, and the names of the others."""
    ends = np.isfinite(gap[1:]).reshape(-1, 2).all(axis=1)
    kept = np.concatenate(([True], np.repeat(ends, 2)))
    axes = [one.axis for one, is_kept in zip(study.varied, ends, strict=True) if is_kept]
    missing = [one.axis.name for one, is_kept in zip(study.varied, ends, strict=True) if not is_kept]
    return (list(swings(one_at_a_time(axes), gap[kept])) if axes else []), missing


def _bar(bar: Swing, found: Sequence[Varied]) -> dict[str, Any]:
    axis = next(one.axis for one in found if one.axis.name == bar.name)
    unit = next(one.parameter.unit for one in found if one.axis.name == bar.name)
    return {
        "parameter": bar.name,
        "unit": unit,
        "low": axis.low,
        "high": axis.high,
        "at_low_musd": bar.at_low,
        "at_high_musd": bar.at_high,
        "swing_musd": bar.swing,
        "turns": min(bar.at_low, bar.at_high) * bar.base < 0 or max(bar.at_low, bar.at_high) * bar.base < 0,
    }


def screened(lab: Lab, found: Sequence[Varied], pair: tuple[str, Sequence[str]], most: int) -> tuple[list[Varied], int]:
    """Of several axes those whose range alone moves the difference of a pair most, widest first; and how many there were.

    Raises
    ------
    UsageError
        An end of a range could not be weighed.
    """
    if len(found) <= most:
        return list(found), len(found)
    one, others = pair
    study = lab.study(found, one_at_a_time([axis.axis for axis in found]), (one, *others))
    outcomes = lab.ask(study, "screening")
    bars = swings(study.design, outcomes.gap(one, others))
    by_name = {axis.axis.name: axis for axis in found}
    return [by_name[bar.name] for bar in bars[:most]], len(found)
