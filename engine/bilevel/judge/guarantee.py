"""Whether a proved optimum survives rounding: a safe bound by a search of the judge's own, and the point again in fractions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.judge import safe
from coercivity.engine.bilevel.judge.exact_point import exact_value
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.scaling import scaled
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.programs.outward import below

# By how much of a value a bound may stay behind it.
BEHIND = 1e-7
# Numbers above this are not all whole where they look it.
MOST = 2.0**53
# Methods that reckon in whole numbers where the problem is one of whole numbers, so that nothing of theirs is ever rounded.
COUNTING = ("knapsack",)


class Guarantee(StrEnum):
    """What figures are worth, each with what it says."""

    TOLERANCE = "figures hold to a solver's tolerance"
    SAFE = "the bound holds with every rounding error counted; the point keeps its rows to a solver's tolerance"
    EXACT = (
        "the bound holds with every rounding error counted, and a point at the one told keeps every row, is a best response and is "
        "worth the value in exact fractions"
    )


@dataclass(frozen=True)
class Guaranteed:
    """How far a claim survives rounding, in the sense of a minimisation.

    Attributes
    ----------
    level : what is guaranteed
    bound : no bilevel-feasible point costs less, in the exact arithmetic of the problem's numbers; −inf where that is not known,
        +inf where there is none
    value : of the exact point; None without one
    nodes : of the search
    reason : why not more is guaranteed; None where nothing is missing
    """

    level: Guarantee
    bound: float = -math.inf
    value: Fraction | None = None
    nodes: int = 0
    reason: str | None = None


def guaranteed(problem: BilevelProblem, solution: BilevelSolution, seconds: float = math.inf) -> Guaranteed:
    """What is left of a proved claim when every rounding error counts.

    Parameters
    ----------
    problem : that :func:`coercivity.engine.bilevel.judge.safe.refuses` does not refuse, or of whole numbers and solved by counting
    solution : whose proof is OPTIMAL
    seconds : how long the search may take
    """
    if solution.method in COUNTING and is_whole(problem):
        return _counted(problem, solution)
    if solution.point is None and solution.status is not Status.INFEASIBLE:
        return Guaranteed(Guarantee.TOLERANCE, reason="that nothing bounds the leader is known to a tolerance alone")
    value = None if solution.point is None else exact_value(problem, np.asarray(solution.point, dtype=float))
    units = scaled(problem, is_judged=True)
    aim = math.inf
    if solution.point is not None:
        claimed = solution.value if value is None else float(value)
        aim = units.factor * (claimed - BEHIND * max(1.0, abs(claimed)) - units.shift)
    found = safe.safe_search(units.problem, aim, time.perf_counter() + seconds)
    bound = _in_units(found.bound, units.factor, units.shift)
    if found.reason is not None:
        return Guaranteed(Guarantee.TOLERANCE, -math.inf, value, found.nodes, found.reason)
    if solution.point is None or value is not None:
        return Guaranteed(Guarantee.EXACT, bound, value, found.nodes)
    return Guaranteed(Guarantee.SAFE, bound, None, found.nodes, "no exact point was found at the one told")


def _in_units(bound: float, factor: float, shift: float) -> float:
    """A bound of the scaled problem in the units of the one that was stated, rounded down."""
    if math.isinf(bound):
        return bound
    return below(Fraction(bound) / Fraction(factor) + Fraction(shift))


def is_whole(problem: BilevelProblem) -> bool:
    """Whether all numbers of a problem are whole and their sums known exactly."""
    parts = [
        problem.objective.linear,
        problem.follower_objective.linear,
        sp.csr_array(problem.rows.matrix).data,
        sp.csr_array(problem.follower_rows.matrix).data,
        *(
            side[np.isfinite(side)]
            for rows in (problem.rows, problem.follower_rows)
            for side in (rows.lower, rows.upper)
        ),
        np.array([problem.objective.constant]),
    ]
    numbers = np.concatenate([np.ravel(part) for part in parts])
    return bool(np.array_equal(numbers, np.round(numbers)) and np.abs(numbers).sum() < MOST)


def _counted(problem: BilevelProblem, solution: BilevelSolution) -> Guaranteed:
    """Of a method that counts in whole numbers, whose tables and tree round nothing: its bound is the value."""
    if solution.status is not Status.OPTIMAL or solution.point is None or solution.bound < solution.value:
        return Guaranteed(Guarantee.TOLERANCE, reason="the search was not finished, or left a gap")
    whole = [Fraction(round(v)) for v in solution.point]
    terms = zip(problem.objective.linear, whole, strict=True)
    value = sum((Fraction(c) * v for c, v in terms), Fraction(problem.objective.constant))
    if any(abs(float(v) - w) > BEHIND for v, w in zip(whole, solution.point, strict=True)) or value != Fraction(
        solution.value
    ):
        return Guaranteed(Guarantee.TOLERANCE, reason="the point is not whole, or not worth the value")
    return Guaranteed(Guarantee.EXACT, below(value), value)
