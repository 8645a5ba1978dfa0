"""Pareto set of finitely many points, and the weights under which each of its members is best.

Accepts: finitely many points whose objectives are all maximised; a cost is negated by the caller.

A point *dominates* another if it is at least as good in every objective and better in one. Numbers from a solver are
equal only up to its tolerance, and dominance up to a tolerance is not transitive, so objectives are first rounded to
whole multiples of their tolerance and then compared exactly. Rounding keeps the order. Therefore

    a point that another one exceeds by more than a tolerance somewhere and undercuts nowhere is never a member;
    every point that is left out has a member that is at most one tolerance worse in any objective.

Points that round to the same are one member, the first of them.

A member i is best for weights w > 0, Σ w = 1 if w·(f_i − f_j)/s ≥ 0 for every member j, s being the stated scale of
each objective. That is a polytope in w. One linear program says whether it is empty and gives its inner point

    max t   subject to   w·(f_i − f_j)/s ≥ t for all j,   Σ w = 1,   w ≥ 0.000001,

and two more give the least and the greatest rate at which one objective may be exchanged for another. Members with an
empty polytope are *unsupported*: efficient, but best for no weights. For two objectives the same follows from the
upper hull of the points, without a program.

Bound: the Pareto set is exact for the points given, up to the tolerance; it says nothing about points not given. That
a member is supported is proved by its weights, that it is not by the optimum of a linear program.
Source: Ehrgott, *Multicriteria Optimization* (2005), chapters 2 and 3 (nondominated points, weighted sums, supported
and unsupported); the hull by Andrew (1979), *Another efficient algorithm for convex hulls in two dimensions*.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.errors import InfeasibleProgram
from coercivity.engine.programs.hot import Floats, LinearProgram, solve_once

Indices = NDArray[np.int64]
# Objectives closer than this share of their range, and weights' margins below it, count as equal.
RELATIVE = 1e-9
# No weight is less than this: where one is zero, points that are worse in that objective only would tie.
LEAST = 1e-6


def tolerances(points: Floats, relative: float = RELATIVE) -> Floats:
    """The tolerance of each objective: a share of its largest magnitude, and never zero."""
    largest = np.abs(points).max(axis=0) if len(points) else np.ones(points.shape[1])
    return np.asarray(np.where(largest > 0, largest, 1.0) * relative)


def nondominated(points: Floats, tolerance: Floats | None = None) -> Indices:
    """Positions of the members of the Pareto set of ``points`` (n, d), all maximised, in rising order.

    >>> nondominated(np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0], [3.0, 0.0], [2.0, 2.0]])).tolist()
    [0, 1, 3]
    """
    if not len(points):
        return np.zeros(0, dtype=np.int64)
    tolerance = tolerances(points) if tolerance is None else tolerance
    rounded = np.rint(points / tolerance)
    unique, first = np.unique(rounded, axis=0, return_index=True)
    # From the lexicographically greatest on, no later point can dominate an earlier one.
    left, at = unique[::-1], first[::-1]
    members = []
    while len(left):
        members.append(int(at[0]))
        keep = (left > left[0]).any(axis=1)
        left, at = left[keep], at[keep]
    return np.sort(np.array(members, dtype=np.int64))


def dominators(points: Floats, point: Floats, tolerance: Floats) -> Indices:
    """Positions of the points that dominate ``point``, under the rule of :func:`nondominated`."""
    others, own = np.rint(points / tolerance), np.rint(point / tolerance)
    return np.flatnonzero((others >= own).all(axis=1) & (others > own).any(axis=1))


def shortfall(points: Floats, point: Floats, scale: Floats) -> float:
    """By what share of ``scale`` every objective of ``point`` must rise at once until no point exceeds it in all.

    >>> shortfall(np.array([[4.0, 4.0], [9.0, 1.0]]), np.array([1.0, 2.0]), np.array([10.0, 10.0]))
    0.2
    """
    if not len(points):
        return 0.0
    return float(max(0.0, ((points - point) / scale).min(axis=1).max()))


def ranges(points: Floats) -> Floats:
    """The range of each objective over the points, and 1 where all are equal: the scale in which they are weighed."""
    spread = np.ptp(points, axis=0)
    return np.asarray(np.where(spread > 0, spread, 1.0))


@dataclass(frozen=True)
class Support:
    """The weights for which a member is best.

    Attributes
    ----------
    margin : by how much of the scale it beats every other at the inner weights; negative where it is never best
    weights : inner point, on the scaled objectives, adding up to 1
    """

    margin: float
    weights: Floats

    @property
    def is_supported(self) -> bool:
        """Whether the member is best for some positive weights."""
        return self.margin >= -RELATIVE


def support(points: Floats, position: int, scale: Floats) -> Support:
    """The inner weights for which a point is best among ``points`` (n, d), and by what margin.

    >>> square = np.array([[0.0, 2.0], [0.9, 0.9], [2.0, 0.0]])
    >>> [support(square, at, np.ones(2)).is_supported for at in range(3)]
    [True, False, True]
    """
    lead = _lead(points, position) / scale
    count, objectives = lead.shape
    if not count:
        return Support(np.inf, np.full(objectives, 1.0 / objectives))
    matrix = np.block([[lead, -np.ones((count, 1))], [np.ones((1, objectives)), np.zeros((1, 1))]])
    program = LinearProgram(
        cost=np.append(np.zeros(objectives), -1.0),
        matrix=sp.csr_array(matrix),
        row_lower=np.append(np.zeros(count), 1.0),
        row_upper=np.append(np.full(count, np.inf), 1.0),
        col_lower=np.append(np.full(objectives, LEAST), -np.inf),
        col_upper=np.full(objectives + 1, np.inf),
    )
    found = solve_once(program, "supporting weights")
    return Support(-found.objective, np.maximum(found.primal[:objectives], 0.0))


def exchange_rates(points: Floats, position: int, objective: int, unit: int = 0) -> tuple[float, float] | None:
    """The worths of one unit of ``objective`` in units of ``unit`` at which a point is best for some other weights.

    Returns
    -------
    The least and the greatest rate, infinite where nothing bounds it; None for a point that is never best.
    """
    lead = _lead(points, position)
    if not len(lead):
        return 0.0, float("inf")
    size = np.abs(lead).max(axis=1, keepdims=True)
    lead = lead / np.where(size > 0, size, 1.0)
    low = _rate(lead, objective, unit, 1.0)
    if low is None:
        return None
    # There is a rate, so a greatest one that the solver does not find has no limit.
    high = _rate(lead, objective, unit, -1.0)
    return low, float("inf") if high is None else high


def _lead(points: Floats, position: int) -> Floats:
    """What the point is ahead of each other one, without those that it equals."""
    lead = points[position] - points
    return np.asarray(lead[np.abs(lead).max(axis=1) > 0])


def _rate(lead: Floats, objective: int, unit: int, sign: float) -> float | None:
    """Least (sign 1) or greatest (sign −1) weight of an objective where that of the unit is one; None without one."""
    count, objectives = lead.shape
    cost, low, high = np.zeros(objectives), np.zeros(objectives), np.full(objectives, np.inf)
    cost[objective] = sign
    low[unit] = high[unit] = 1.0
    if objective == unit:
        return 1.0
    slack = np.full(count, -RELATIVE)
    program = LinearProgram(cost, sp.csr_array(lead), slack, np.full(count, np.inf), low, high)
    try:
        return float(solve_once(program, "rate of exchange").primal[objective])
    except InfeasibleProgram:
        return None


@dataclass(frozen=True)
class Rung:
    """A vertex of the upper hull: best for every rate between ``low`` and ``high``."""

    position: int
    low: float
    high: float


def ladder(first: Sequence[float] | Floats, second: Sequence[float] | Floats, tolerance: float = 0.0) -> list[Rung]:
    """Which points maximise ``first`` + rate · ``second`` as the rate rises from zero.

    Parameters
    ----------
    tolerance : a point whose ``second`` is not higher by more than this is no step up

    Returns
    -------
    The vertices of the upper right hull from the greatest ``first`` to the greatest ``second``, each with the
    rates between which it is best; the last one without an upper end. Of equal points the first counts.

    Examples
    --------
    >>> [(rung.position, rung.low, rung.high) for rung in ladder([10, 8, 7, 0], [0, 4, 4.5, 8])]
    [(0, 0.0, 0.5), (1, 0.5, 2.0), (3, 2.0, inf)]
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    order = [int(at) for at in np.lexsort((np.arange(len(x)), -y, -x))]
    hull: list[int] = []
    for at in order:
        if hull and y[at] <= y[hull[-1]] + tolerance:
            continue  # no better in the second, no better in the first
        while len(hull) > 1 and _rate_between(x, y, hull[-1], at) <= _rate_between(x, y, hull[-2], hull[-1]):
            hull.pop()
        hull.append(at)
    turns = [_rate_between(x, y, one, other) for one, other in itertools.pairwise(hull)]
    return [Rung(at, low, high) for at, low, high in zip(hull, [0.0, *turns], [*turns, float("inf")], strict=True)]


def _rate_between(x: Floats, y: Floats, one: int, other: int) -> float:
    """The rate at which two points are worth the same; the second has more of the second objective."""
    return float((x[one] - x[other]) / (y[other] - y[one]))
