"""Objectives in units in which their coefficients are neither tiny nor huge, so that tolerances mean the same to every program.

Multiplying an objective by a positive number changes no answer; a solver's tolerances are absolute, and would take an
objective in billionths for zero. Factors are powers of two, so that nothing is rounded. A constant that would drown the
rest is left out, and put back where figures are told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log2
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective
from coercivity.engine.bilevel.solution import BilevelSolution

# A constant is left out where it is this many times the largest coefficient, and one.
DROWNS = 1e3


@dataclass(frozen=True)
class Scaled:
    """A problem in other units: its leader's objective is ``factor`` · (objective − ``shift``), its follower's times ``priced``.

    Multipliers of the follower are then ``priced`` times as large.
    """

    problem: BilevelProblem
    factor: float
    shift: float
    priced: float

    def into(self, solution: BilevelSolution) -> BilevelSolution:
        """A claim about the problem as it was stated, as one about the scaled problem."""
        return replace(
            solution,
            value=self.factor * (solution.value - self.shift),
            bound=self.factor * (solution.bound - self.shift),
            prices=None if solution.prices is None else np.asarray(solution.prices) * self.priced,
        )

    def out_of(self, solution: BilevelSolution) -> BilevelSolution:
        """A claim about the scaled problem, as one about the problem as it was stated."""
        return replace(
            solution,
            value=self.figure(solution.value),
            bound=self.figure(solution.bound),
            prices=None if solution.prices is None else np.asarray(solution.prices) / self.priced,
        )

    def figure(self, value: float) -> float:
        """A value of the scaled leader's objective in the units of the problem as it was stated."""
        return value / self.factor + self.shift

    @property
    def note(self) -> tuple[str, ...]:
        """What a reader of gaps and scales should know; empty where nothing was changed."""
        if self.factor == 1.0:
            return ()
        return (f"gaps and scales of the checks are those of the leader's objective times {self.factor:g}",)


def scaled(problem: BilevelProblem, *, is_judged: bool = False) -> Scaled:
    """The problem with objectives of ordinary size.

    An objective whose largest coefficient is below one is multiplied, one whose least is above one divided; others stay.

    Parameters
    ----------
    is_judged : divide nothing, so that no tolerance grows: a value may live on a row that is broken by next to nothing
    """
    follower, n = problem.follower_objective, len(problem.leader)
    # Of the follower's objective only what it decides on has a size that matters.
    own = [follower.linear[n:], sp.csr_array(follower.quadratic)[n:].data]
    priced = _factor(own, is_judged)
    terms = tuple(replace(term, coefficient=term.coefficient / priced) for term in problem.prices)
    prices = np.array([term.coefficient for term in terms])
    factor = _factor([problem.objective.linear, sp.csr_array(problem.objective.quadratic).data, prices], is_judged)
    objective, shift = _without_constant(_times(problem.objective, factor))
    return Scaled(
        replace(
            problem,
            objective=objective,
            follower_objective=_without_constant(_times(follower, priced))[0],
            prices=tuple(replace(term, coefficient=term.coefficient * factor) for term in terms),
        ),
        factor,
        shift / factor,
        priced,
    )


def _factor(parts: list[Any], is_judged: bool) -> float:
    """A power of two that brings the largest number to at least one or the least to at most two; one where both are so."""
    sizes = np.abs(np.concatenate([np.ravel(part) for part in parts]))
    sizes = sizes[sizes > 0.0]
    if not len(sizes) or (sizes.max() >= 1.0 >= sizes.min()):
        return 1.0
    if sizes.max() < 1.0:
        return float(2.0 ** -floor(log2(float(sizes.max()))))
    return 1.0 if is_judged else float(2.0 ** -floor(log2(float(sizes.min()))))


def _times(objective: Objective, factor: float) -> Objective:
    if factor == 1.0:
        return objective
    return Objective(
        objective.linear * factor, sp.csr_array(sp.csr_array(objective.quadratic) * factor), objective.constant * factor
    )


def _without_constant(objective: Objective) -> tuple[Objective, float]:
    """An objective without a constant that would drown it, and the constant."""
    largest = max(1.0, float(np.abs(objective.linear).max(initial=0.0)))
    if abs(objective.constant) <= DROWNS * largest:
        return objective, 0.0
    return replace(objective, constant=0.0), objective.constant
