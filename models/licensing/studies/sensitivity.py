"""Sensitivity: how much of the variation of a payoff, or of a difference of two, each uncertain number answers for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.designs import morris, saltelli
from coercivity.engine.study.indices import (
    Effect,
    Index,
    Interval,
    elementary_effects,
    first_orders_together,
    sobol_indices,
)
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Lab
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.sweep import screened
from coercivity.models.licensing.studies.vary import UNSTATED, Varied, uncertain, varied

METHODS = ("sobol", "morris")
LEVELS = 4  # of Morris' grid: the usual number


def sensitivity(
    lab: Lab,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    method: str = "sobol",
    runs: int | None = None,
    seed: int = 1,
    most: int = 8,
    strategy: str | None = None,
    against: str | None = None,
    alone: bool = False,
) -> tuple[dict[str, Any], Study, Outcomes]:
    """Indices of the difference between two strategies, or of one's payoff.

    Parameters
    ----------
    unstated : distribution over ranges for which the instance names none
    vary : as for a Monte-Carlo study; default: of all numbers with a range the ``most`` whose range moves the outcome
        farthest alone, which is tried first
    method : ``sobol``: first-order and total indices, runs · (axes + 2) points; ``morris``: elementary effects of all
        axes, runs · (axes + 1) points
    runs : base points, a power of two (default 128); trajectories of Morris (default 20)
    strategy, against : the pair; default: the best two as stated
    alone : the payoff of ``strategy`` instead of the difference

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; a point has no value, so that the indices would be wrong; or
        the outcome does not vary.
    """
    found = varied(lab.instance, vary, unstated) if vary else uncertain(lab.instance, unstated)
    one, others = lab.pair(strategy, against)
    others = () if alone else others
    count = len(found)
    if method == "sobol" and not vary:
        found, count = screened(lab, found, (one, others), most)
    axes = [axis.axis for axis in found]
    design = (
        saltelli(axes, runs or 128, seed) if method == "sobol" else morris(axes, runs or 20, LEVELS, seed)
    )  # fmt: skip
    study = lab.study(found, design, (one, *others))
    outcomes = lab.ask(study, "points")
    result = outline("sensitivity", lab, study, outcomes)
    result |= {"method": method, "strategy": one, "against": list(others), "of": count}
    if lab.effort.part is None:
        result |= _indices(study, outcomes.gap(one, others), method, seed, found)
    return result, study, outcomes


def _indices(
    study: Study, outcome: np.ndarray[Any, Any], method: str, seed: int, found: Sequence[Varied]
) -> dict[str, Any]:
    units = {one.axis.name: one.parameter.unit for one in found}
    rows: list[dict[str, Any]]
    if method == "sobol":
        indices = sorted(sobol_indices(study.design, outcome, seed=seed), key=lambda row: -row.total.estimate)
        rows = [_index(row) for row in indices]
    else:
        effects = sorted(elementary_effects(study.design, outcome), key=lambda row: -row.mu_star.estimate)
        rows = [_effect(row) for row in effects]
    rows = [row | {"unit": units[row["parameter"]]} for row in rows]
    alone = {"alone": _interval(first_orders_together(study.design, outcome, seed=seed))} if method == "sobol" else {}
    return {
        "indices": rows,
        **alone,
        "outcome": {
            "mean_musd": float(outcome.mean()),
            "deviation_musd": float(outcome.std(ddof=1)),
            "positive": float((outcome > 0).mean()),
        },
    }


def _index(row: Index) -> dict[str, Any]:
    return {"parameter": row.name, "first_order": _interval(row.first_order), "total": _interval(row.total)}


def _effect(row: Effect) -> dict[str, Any]:
    return {"parameter": row.name, "mu_musd": row.mu, "mu_star_musd": _interval(row.mu_star), "sigma_musd": row.sigma}


def _interval(found: Interval) -> dict[str, float]:
    return {"estimate": found.estimate, "low": found.low, "high": found.high}
