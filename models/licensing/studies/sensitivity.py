"""Sensitivity: how much of the variation of a payoff, or of a difference of two, each uncertain number answers for."""

from __future__ import annotations

from collections.abc import Sequence

from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.designs import morris, saltelli
from coercivity.engine.study.indices import elementary_effects, first_orders_together, sobol_indices
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Session
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.sweep import screened
from coercivity.models.licensing.studies.values import (
    ElementaryEffect,
    ElementaryEffects,
    OutcomeFacts,
    Sensitivity,
    SobolIndex,
    SobolIndices,
)
from coercivity.models.licensing.studies.vary import UNSTATED, uncertain, varied

METHODS = ("sobol", "morris")
LEVELS = 4  # of Morris' grid: the usual number


def sensitivity(
    session: Session,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    method: str = "sobol",
    runs: int | None = None,
    seed: int = 1,
    most: int = 8,
    strategy: str | None = None,
    against: str | None = None,
    alone: bool = False,
) -> tuple[Sensitivity, Study, Outcomes]:
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
    found = varied(session.instance, vary, unstated) if vary else uncertain(session.instance, unstated)
    one, others = session.pair(strategy, against)
    others = () if alone else others
    count = len(found)
    if method == "sobol" and not vary:
        found, count = screened(session, found, (one, others), most)
    axes = [axis.axis for axis in found]
    design = (
        saltelli(axes, runs or 128, seed) if method == "sobol" else morris(axes, runs or 20, LEVELS, seed)
    )  # fmt: skip
    study = session.study(found, design, (one, *others))
    outcomes = session.ask(study, "points")
    head = outline("sensitivity", session, study, outcomes)
    result = Sensitivity(**vars(head), method=method, strategy=one, against=others, of=count)
    if session.effort.part is None:
        result = _indices(result, study, outcomes.gap(one, others), seed)
    return result, study, outcomes


def _indices(head: Sensitivity, study: Study, outcome: Floats, seed: int) -> SobolIndices | ElementaryEffects:
    units = {one.axis.name: one.parameter.unit for one in study.varied}
    facts = OutcomeFacts(float(outcome.mean()), float(outcome.std(ddof=1)), float((outcome > 0).mean()))
    if head.method == "sobol":
        indices = sorted(sobol_indices(study.design, outcome, seed=seed), key=lambda row: -row.total.estimate)
        alone = first_orders_together(study.design, outcome, seed=seed)
        rows = tuple(SobolIndex(row.name, row.first_order, row.total, units[row.name]) for row in indices)
        return SobolIndices(**vars(head), indices=rows, alone=alone, outcome=facts)
    effects = sorted(elementary_effects(study.design, outcome), key=lambda row: -row.mu_star.estimate)
    moved = tuple(ElementaryEffect(row.name, row.mu, row.mu_star, row.sigma, units[row.name]) for row in effects)
    return ElementaryEffects(**vars(head), indices=moved, outcome=facts)
