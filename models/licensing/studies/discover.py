"""Discovery: in which region of the uncertainties a strategy wins, as boxes of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.discovery import Discovery, Restriction, discover
from coercivity.models.licensing.studies.montecarlo import drawn
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Session
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import Discovered, Limit, Regions, WinningBox, Wins
from coercivity.models.licensing.studies.vary import UNSTATED, Varied, uncertain, varied

HELD_OUT = 3  # every third draw is kept to score the boxes on
LEAST_HELD_OUT = 30


def discovered(
    session: Session,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    runs: int = 600,
    seed: int = 1,
    sampling: str = "lhs",
    strategy: str | None = None,
    against: str | None = None,
    density: float = 0.8,
    most: int = 3,
) -> tuple[Discovered, Study, Outcomes]:
    """Boxes in which a strategy is worth more than the others that it is held against.

    Parameters
    ----------
    unstated : distribution over ranges for which the instance names none
    vary : as for a Monte-Carlo study; default: every number of the instance that has a range
    strategy : whose wins are looked for; default: the second best as stated, so that what would turn the ranking is
        found
    against : one strategy, or ``all``; default: the best as stated
    density : share of a box's draws in which it wins
    most : number of boxes

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; or too few draws have a value.
    """
    found = varied(session.instance, vary, unstated) if vary else uncertain(session.instance, unstated)
    one, others = session.pair(strategy, against)
    if strategy is None and against is None:
        one, others = others[0], (one,)
    study = session.study(found, drawn(found, sampling, runs, seed), (one, *others))
    outcomes = session.ask(study, "draws")
    head = outline("discover", session, study, outcomes)
    result = Discovered(**vars(head), strategy=one, against=others, density=density)
    if session.effort.part is None:
        result = _boxes(result, study, outcomes, most)
    return result, study, outcomes


def _boxes(head: Discovered, study: Study, outcomes: Outcomes, most: int) -> Wins:
    done = np.flatnonzero(outcomes.is_done)
    values, wins = study.design.values[done], outcomes.gap(head.strategy, head.against)[done] > 0
    share = float(wins.mean()) if len(wins) else 0.0
    counted = Wins(**vars(head), draws=len(done), wins=int(wins.sum()), boxes=(), coverage=None, win_share=share)
    if share in (0.0, 1.0) or share >= head.density:
        # Nothing is to be told apart: everywhere, nowhere, or in so many draws that no box says more.
        return counted
    is_held = np.arange(len(done)) % HELD_OUT == HELD_OUT - 1
    held = (values[is_held], wins[is_held]) if wins[is_held].any() and is_held.sum() >= LEAST_HELD_OUT else None
    kept = ~is_held if held is not None else np.ones(len(done), dtype=bool)
    found = discover(study.design.names, values[kept], wins[kept], density=head.density, most=most, held_out=held)
    by_name = {one.axis.name: one for one in study.varied}
    boxes = [
        WinningBox(tuple(_limit(row, by_name[row.name]) for row in box.restrictions), box.score, box.held_out)
        for box in found.boxes
    ]
    return Regions(
        **vars(replace(counted, boxes=tuple(boxes))),
        score=found.score,
        held_out=found.held_out,
        ending=found.ending.value,
        densest=_densest(found),
    )


def _limit(row: Restriction, one: Varied) -> Limit:
    return Limit(
        parameter=row.name,
        unit=one.parameter.unit,
        kind=one.parameter.kind,
        low=row.low,
        high=row.high,
        range=(one.axis.low, one.axis.high),
        p_low=row.p_low,
        p_high=row.p_high,
    )


def _densest(found: Discovery) -> float | None:
    """The density of the best box on the way of a search that found none as dense as was asked for."""
    return max((step.score.density for step in found.rest), default=None)
