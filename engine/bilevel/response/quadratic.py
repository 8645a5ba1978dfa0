"""The least value of a quadratic over a polyhedron, convex or not, with integer columns or without.

Linear and convex cases go to the solver. Elsewhere columns that cannot move are fixed, and what is left is solved by
branch and bound: along each direction of negative curvature the concave term is replaced by its secant on the
interval of the node, which is exact at both ends, so that a concave objective is settled as soon as the node's
point is a vertex at the end of its interval.

Source: Falk and Soland, An algorithm for separable nonconvex programming problems (1969); Rosen and Pardalos, Global
minimization of large-scale constrained concave quadratic problems by separable programming (1986).
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.errors import SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise, solve_mixed
from coercivity.engine.programs.quadratic import is_convex, solve_quadratic

# A column that can move by less than this, relative to its size, is taken to be fixed.
WIDTH = 1e-9
GAP = 1e-8
MOST_NODES = 4000
FIX = "state the leader's objective so that it is convex or linear in the follower's columns"


@dataclass(frozen=True)
class Least:
    """The least value: +inf where there is no point, −inf (without a point) where there is no least value.

    ``bound`` lies below the value by no more than 1e-8, relative, unless the branching was cut short.
    """

    value: float
    point: Floats | None
    bound: float

    @property
    def is_exact(self) -> bool:
        """Whether the branching was finished."""
        return self.value == self.bound or self.value - self.bound <= 2 * GAP * max(1.0, abs(self.value))


def least_over(
    program: LinearProgram,
    quadratic: sp.csr_array,
    is_integer: NDArray[np.bool_],
    start: Floats | None = None,
    until: float = inf,
) -> Least:
    """The least cost · y + ½ y' quadratic y + offset over the points of a program.

    Parameters
    ----------
    program : linear part and constraints
    quadratic : symmetric, of any curvature, shape (columns, columns)
    is_integer : which columns are integer, shape (columns,)
    start : a point to begin with where integers are searched for, shape (columns,); or None
    until : on the clock of :func:`time.perf_counter`, when branching is cut short

    Raises
    ------
    UsageError
        The objective curves both ways along a direction in which the polyhedron is not bounded.
    SolverFailed
        The solver gave up.

    Examples
    --------
    >>> box = LinearProgram(np.zeros(1), sp.csr_array((0, 1)), np.zeros(0), np.zeros(0), np.array([-1.0]), np.array([2.0]))
    >>> least_over(box, sp.csr_array([[-2.0]]), np.array([False])).value
    -4.0
    """
    simple = _simple(program, quadratic, is_integer, start)
    if simple is not None:
        return simple
    program, quadratic = _without_fixed(program, quadratic)
    return _simple(program, quadratic, is_integer) or _branched(program, quadratic, is_integer, until)


def _simple(
    program: LinearProgram, quadratic: sp.csr_array, is_integer: NDArray[np.bool_], start: Floats | None = None
) -> Least | None:
    """The answer of the solver, for classes that it takes, or where there is no point at all."""
    if abs(quadratic).sum() == 0.0:
        mixed = solve_mixed(program, is_integer, start=start)
        return _answer(mixed.status, mixed.value, mixed.point, mixed.bound)
    if not is_integer.any() and is_convex(quadratic):
        convex = solve_quadratic(program, quadratic, is_known_convex=True)
        return _answer(convex.status, convex.value, convex.primal, convex.value)
    empty = solve_mixed(replace(program, cost=np.zeros_like(program.cost)), is_integer)
    return Least(inf, None, inf) if empty.status.known("the follower's optimal set") is SolveStatus.INFEASIBLE else None


def _answer(status: SolveStatus, value: float, point: Floats | None, bound: float) -> Least:
    if status is SolveStatus.INFEASIBLE:
        return Least(inf, None, inf)
    if status is SolveStatus.UNBOUNDED:
        return Least(-inf, None, -inf)
    if status is not SolveStatus.OPTIMAL:
        raise SolverFailed("value over the best responses", status.value, "scale the data of the follower")
    return Least(value, point, bound)


def _without_fixed(program: LinearProgram, quadratic: sp.csr_array) -> tuple[LinearProgram, sp.csr_array]:
    """The same objective with the products of columns that cannot move written as linear terms."""
    columns = program.shape[1]
    used = np.flatnonzero(np.diff(quadratic.indptr))
    directions: sp.csr_array = sp.csr_array(
        (np.ones(len(used)), (np.arange(len(used)), used)), shape=(len(used), columns)
    )
    low, high = ranges(program, directions)
    with np.errstate(invalid="ignore"):
        is_fixed = np.isfinite(low) & np.isfinite(high) & (high - low <= WIDTH * (1.0 + np.abs(low)))
    at = used[is_fixed]
    held = np.zeros(columns)
    held[at] = 0.5 * (low[is_fixed] + high[is_fixed])
    moving = np.ones(columns)
    moving[at] = 0.0
    mask: sp.dia_array = sp.diags_array(moving)
    rest = sp.csr_array(mask @ quadratic @ mask)
    rest.eliminate_zeros()
    cost = program.cost + moving * (quadratic @ held)
    lower, upper = program.col_lower.copy(), program.col_upper.copy()
    lower[at] = upper[at] = held[at]
    offset = program.offset + 0.5 * float(held @ (quadratic @ held))
    return replace(program, cost=cost, col_lower=lower, col_upper=upper, offset=offset), rest


def ranges(program: LinearProgram, directions: sp.csr_array) -> tuple[Floats, Floats]:
    """Least and greatest value of each row of ``directions`` over the points of a program, which has some."""
    hot = precise(replace(program, cost=np.zeros_like(program.cost), offset=0.0))
    count = directions.shape[0]
    low, high = np.full(count, -inf), np.full(count, inf)
    for position in range(count):
        direction = directions[[position]].toarray().ravel()
        for sign, side in ((1.0, low), (-1.0, high)):
            hot.set_cost(sign * direction)
            if hot.decide("the range of a direction") is SolveStatus.OPTIMAL:
                side[position] = direction @ hot.primal()
    return low, high


@dataclass(frozen=True)
class _Curvature:
    """A quadratic split into a convex part and −½ Σ weight · (direction · y)²."""

    convex: sp.csr_array
    directions: sp.csr_array
    weights: Floats


def _split(quadratic: sp.csr_array) -> _Curvature:
    columns = quadratic.shape[0]
    used = np.flatnonzero(np.diff(quadratic.indptr))
    values, vectors = np.linalg.eigh(quadratic[used][:, used].toarray())
    negative = values < -1e-9 * np.abs(values).max()
    spread = np.zeros((columns, len(used)))
    spread[used] = vectors
    convex = (spread[:, ~negative] * np.maximum(values[~negative], 0.0)) @ spread[:, ~negative].T
    return _Curvature(sp.csr_array(0.5 * (convex + convex.T)), sp.csr_array(spread[:, negative].T), -values[negative])


def _branched(program: LinearProgram, quadratic: sp.csr_array, is_integer: NDArray[np.bool_], until: float) -> Least:
    curvature = _split(quadratic)
    low, high = ranges(program, curvature.directions)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        if abs(curvature.convex).sum() == 0.0 and not is_integer.any():
            return Least(-inf, None, -inf)
        raise UsageError("value over the best responses", "not convex along an unbounded direction", FIX)
    best, point, counter, nodes = inf, None, 0, 0
    heap: list[tuple[float, int, _Node]] = []
    waiting = [_Node(program.col_lower, program.col_upper, low, high)]
    # The first nodes are looked at whatever the clock says, so that there is a bound.
    while (waiting or heap) and nodes < MOST_NODES and not (heap and time.perf_counter() > until):
        for node in waiting:
            nodes += 1
            relaxed = _relaxed(program, curvature, node)
            if relaxed is None:
                continue
            bound, at = relaxed
            value = float(program.cost @ at + 0.5 * at @ (quadratic @ at) + program.offset)
            is_whole = np.abs(at - np.round(at))[is_integer].max(initial=0.0) <= 1e-9
            if is_whole and value < best:
                best, point = value, at
            counter += 1
            heapq.heappush(heap, (bound, counter, replace(node, point=at)))
        if not heap or heap[0][0] >= best - GAP * max(1.0, abs(best)):
            return Least(best, point, best)
        waiting = list(_children(heapq.heappop(heap)[2], curvature, is_integer))
    return Least(best, point, min(best, heap[0][0]) if heap else best)


@dataclass(frozen=True)
class _Node:
    """Bounds of the columns and intervals of the directions of negative curvature; and its relaxation's point."""

    col_lower: Floats
    col_upper: Floats
    low: Floats
    high: Floats
    point: Floats | None = None


def _relaxed(program: LinearProgram, curvature: _Curvature, node: _Node) -> tuple[float, Floats] | None:
    """Bound and point of the convex program that stands below the objective on a node; None where it has no point."""
    weights, directions, low, high = curvature.weights, curvature.directions, node.low, node.high
    relaxation = replace(
        program,
        cost=program.cost - directions.T @ (0.5 * weights * (low + high)),
        offset=program.offset + float(0.5 * weights @ (low * high)),
        matrix=sp.csr_array(sp.vstack([program.matrix, directions])),
        row_lower=np.concatenate([program.row_lower, low]),
        row_upper=np.concatenate([program.row_upper, high]),
        col_lower=node.col_lower,
        col_upper=node.col_upper,
    )
    if abs(curvature.convex).sum() == 0.0:
        linear = solve_mixed(relaxation, np.zeros(program.shape[1], dtype=bool))
        answer = _answer(linear.status, linear.value, linear.point, linear.bound)
    else:
        convex = solve_quadratic(relaxation, curvature.convex, is_known_convex=True)
        answer = _answer(convex.status, convex.value, convex.primal, convex.value)
    if answer.point is None and answer.value < 0:
        raise UsageError("value over the best responses", "its relaxation is unbounded", FIX)
    return None if answer.point is None else (answer.bound, answer.point)


def _children(node: _Node, curvature: _Curvature, is_integer: NDArray[np.bool_]) -> tuple[_Node, ...]:
    """Two halves: of a fractional integer column, or of the interval whose secant is farthest from the term."""
    assert node.point is not None
    fraction = np.where(is_integer, np.abs(node.point - np.round(node.point)), 0.0)
    if fraction.max(initial=0.0) > 1e-9:
        column = int(fraction.argmax())
        upper, lower = node.col_upper.copy(), node.col_lower.copy()
        upper[column], lower[column] = np.floor(node.point[column]), np.ceil(node.point[column])
        return replace(node, col_upper=upper), replace(node, col_lower=lower)
    at = curvature.directions @ node.point
    error = curvature.weights * (at - node.low) * (node.high - at)
    worst = int(error.argmax())
    left, right = node.low[worst], node.high[worst]
    # A cut near an end would leave nearly the whole interval to one half.
    cut = float(np.clip(at[worst], left + 0.1 * (right - left), right - 0.1 * (right - left)))
    high, low = node.high.copy(), node.low.copy()
    high[worst] = low[worst] = cut
    return replace(node, high=high), replace(node, low=low)
