"""Discovery: in which region of the uncertainties a strategy wins, as boxes of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.discovery import Box, Discovery, Score, discover
from coercivity.models.licensing.studies.montecarlo import drawn
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Lab
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.vary import UNSTATED, uncertain, varied

HELD_OUT = 3  # every third draw is kept to score the boxes on
LEAST_HELD_OUT = 30


def discovered(
    lab: Lab,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    runs: int = 600,
    seed: int = 1,
    sampling: str = "lhs",
    strategy: str | None = None,
    against: str | None = None,
    density: float = 0.8,
    most: int = 3,
) -> tuple[dict[str, Any], Study, Outcomes]:
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
    found = varied(lab.instance, vary, unstated) if vary else uncertain(lab.instance, unstated)
    one, others = lab.pair(strategy, against)
    if strategy is None and against is None:
        one, others = others[0], (one,)
    study = lab.study(found, drawn(found, sampling, runs, seed), (one, *others))
    outcomes = lab.ask(study, "draws")
    result = outline("discover", lab, study, outcomes) | {"strategy": one, "against": list(others), "density": density}
    if lab.effort.part is None:
        result |= _boxes(study, outcomes, outcomes.gap(one, others) > 0, density, most)
    return result, study, outcomes


def _boxes(study: Study, outcomes: Outcomes, wins: np.ndarray[Any, Any], density: float, most: int) -> dict[str, Any]:
    done = np.flatnonzero(outcomes.is_done)
    values, wins = study.design.values[done], wins[done]
    result: dict[str, Any] = {"draws": len(done), "wins": int(wins.sum()), "boxes": [], "coverage": None}
    share = float(wins.mean()) if len(wins) else 0.0
    if share in (0.0, 1.0) or share >= density:
        # Nothing is to be told apart: everywhere, nowhere, or in so many draws that no box says more.
        return result | {"win_share": share}
    is_held = np.arange(len(done)) % HELD_OUT == HELD_OUT - 1
    held = (values[is_held], wins[is_held]) if wins[is_held].any() and is_held.sum() >= LEAST_HELD_OUT else None
    kept = ~is_held if held is not None else np.ones(len(done), dtype=bool)
    found = discover(study.design.names, values[kept], wins[kept], density=density, most=most, held_out=held)
    return result | {
        "win_share": share,
        "boxes": [_box(box, study) for box in found.boxes],
        "score": _score(found.score),
        "held_out": _score(found.held_out),
        "ending": found.ending.value,
        "densest": _densest(found),
    }


def _box(box: Box, study: Study) -> dict[str, Any]:
    units = {one.axis.name: one for one in study.varied}
    return {
        "restrictions": [
            {
                "parameter": row.name,
                "unit": units[row.name].parameter.unit,
                "kind": units[row.name].parameter.kind,
                "low": row.low,
                "high": row.high,
                "range": [units[row.name].axis.low, units[row.name].axis.high],
                "p_low": row.p_low,
                "p_high": row.p_high,
            }
            for row in box.restrictions
        ],
        "score": _score(box.score),
        "held_out": _score(box.held_out),
    }


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {
        "points": score.points, "wins": score.wins, "coverage": score.coverage, "density": score.density,
        "mass": score.mass,
    }  # fmt: skip


def _densest(found: Discovery) -> float | None:
    """The density of the best box on the way of a search that found none as dense as was asked for."""
    return max((step.score.density for step in found.rest), default=None)
