"""Commitments that a judge tries against a claimed bound: corners, vertices, neighbours and random points.

They prove nothing by themselves unless they are all that the leader has; one of them can refute a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from math import inf, prod

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.quadratic import ranges
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise

SEED = 20_241_015
# As many commitments as are tried where the leader has finitely many.
MOST_FINITE = 2000
# Vertices of the high-point relaxation, corners of the leader's box, and random points.
VERTICES, CORNERS, RANDOM = 24, 32, 32
STEPS = (1e-4, 1e-2, 0.1)


@dataclass(frozen=True)
class Probes:
    """Commitments, shape (count, n); ``is_exhaustive`` says that the leader has no other."""

    commitments: Floats
    is_exhaustive: bool


def high_point_relaxation(problem: BilevelProblem) -> LinearProgram:
    """Rows and bounds of both levels with the linear part of the leader's objective, without integrality."""
    both, under = problem.rows, problem.follower_rows
    return LinearProgram(
        cost=problem.objective.linear,
        matrix=sp.csr_array(sp.vstack([both.matrix, under.matrix])),
        row_lower=np.concatenate([both.lower, under.lower]),
        row_upper=np.concatenate([both.upper, under.upper]),
        col_lower=np.concatenate([problem.leader.lower, problem.follower.lower]),
        col_upper=np.concatenate([problem.leader.upper, problem.follower.upper]),
        offset=problem.objective.constant,
    )


def probes(problem: BilevelProblem, near: Floats | None) -> Probes:
    """Commitments to be tried; the same ones each time.

    Parameters
    ----------
    near : a commitment whose neighbours are tried as well, shape (n,)
    """
    finite = _all_commitments(problem)
    if finite is not None:
        return Probes(finite, True)
    leader = problem.leader
    low, high = _box(problem, near)
    center = np.clip(near if near is not None else 0.5 * (low + high), low, high)
    found = [center, *_neighbours(center, low, high), *_vertices(problem, center)]
    found += list(islice(_corners(low, high), CORNERS))
    found += list(np.random.default_rng(SEED).uniform(low, high, size=(RANDOM, len(low))))
    points = np.array(found)
    points[:, leader.is_integer] = np.round(points[:, leader.is_integer])
    return Probes(np.unique(np.clip(points, leader.lower, leader.upper), axis=0), False)


def is_listed(problem: BilevelProblem) -> bool:
    """Whether all commitments of a leader are tried."""
    return _all_commitments(problem) is not None


def _all_commitments(problem: BilevelProblem) -> Floats | None:
    """Every commitment of a leader with few integer ones, or none at all to choose."""
    leader = problem.leader
    if not len(leader):
        return np.zeros((1, 0))
    low, high = np.ceil(leader.lower - 1e-9), np.floor(leader.upper + 1e-9)
    if not leader.is_integer.all() or not np.isfinite(high - low).all():
        return None
    if prod((max(0, int(width) + 1) for width in high - low), start=1) > MOST_FINITE:
        return None
    sides = [np.arange(first, last + 0.5) for first, last in zip(low, high, strict=True)]
    return np.array(list(product(*sides)), dtype=float).reshape(-1, len(leader))


def _box(problem: BilevelProblem, near: Floats | None) -> tuple[Floats, Floats]:
    """What the leader's columns range over in the high-point relaxation; a wide interval where they are unbounded."""
    count = len(problem.leader)
    columns = sp.csr_array(sp.eye_array(count, problem.width))
    program = high_point_relaxation(problem)
    low, high = ranges(program, columns) if count <= 50 else (problem.leader.lower, problem.leader.upper)
    center = near if near is not None else np.zeros(count)
    reach = 10.0 * (1.0 + np.abs(center))
    low = np.where(np.isfinite(low), low, np.maximum(problem.leader.lower, np.minimum(center, high) - reach))
    high = np.where(np.isfinite(high), high, np.minimum(problem.leader.upper, np.maximum(center, low) + reach))
    return low, np.maximum(low, high)


def _neighbours(center: Floats, low: Floats, high: Floats) -> Iterator[Floats]:
    for column in range(len(center)):
        for step in STEPS:
            for sign in (-1.0, 1.0):
                moved = center.copy()
                moved[column] += sign * max(step * (high[column] - low[column]), step * 1e-2)
                yield np.clip(moved, low, high)


def _corners(low: Floats, high: Floats) -> Iterator[Floats]:
    for sides in product(*zip(low, high, strict=True)):
        yield np.array(sides)


def _vertices(problem: BilevelProblem, center: Floats) -> Iterator[Floats]:
    """The leader's part of vertices of the high-point relaxation, and the middle between each and the centre.

    The first ones are best for the leader and best for the follower; the others have random costs.
    """
    random = np.random.default_rng(SEED + 1)
    leader, width = len(problem.leader), problem.width
    directions = [problem.objective.linear, problem.follower_objective.linear, -problem.follower_objective.linear]
    directions += [np.where(np.arange(width) < leader, row, 0.0) for row in random.normal(size=(VERTICES // 2, width))]
    directions += list(random.normal(size=(VERTICES // 2, width)))
    hot = precise(replace(high_point_relaxation(problem), cost=np.zeros(width)))
    for direction in directions:
        hot.set_cost(direction)
        if hot.optimise() is SolveStatus.OPTIMAL:
            vertex = hot.primal()[:leader]
            yield vertex
            yield 0.5 * (vertex + center)


def least_high_point(problem: BilevelProblem) -> float:
    """The least value of the leader's linear objective over the high-point relaxation; −inf where none is known."""
    if problem.prices or abs(sp.csr_array(problem.objective.quadratic)).sum():
        return -inf
    hot = precise(high_point_relaxation(problem))
    status = hot.optimise()
    return hot.objective if status is SolveStatus.OPTIMAL else -inf
