"""The follower's optimal set at a fixed commitment as a polyhedron, with the leader's terms and rows over it.

Points of the set carry the multipliers behind the follower's columns where prices matter: w = (y, price), and the
multipliers' own optimal face is independent of the point, so that w ranges over a product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, inf, lcm

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.quadratic import Least, least_over
from coercivity.engine.programs.hot import Floats, LinearProgram, LinearSolution
from coercivity.engine.programs.ties import optimal_face

# A leader's row is broken by more than this, against max(1, |side|).
ROW = 1e-6
# By how much coupling rows give way where they and the optimal set, each known to 1e-9, just miss each other.
TOUCH = 1e-7
NEAR = 1e-6


@dataclass(frozen=True)
class Rows:
    """The leader's rows at a commitment: lower ≤ matrix · y ≤ upper."""

    matrix: sp.csr_array
    lower: Floats
    upper: Floats
    tolerance: Floats

    def none(self) -> Rows:
        """No row at all."""
        return Rows(self.matrix[:0], self.lower[:0], self.upper[:0], self.tolerance[:0])


@dataclass(frozen=True)
class Terms:
    """The leader's objective at a commitment, over w: cost · w + ½ w' quadratic w + offset."""

    cost: Floats
    quadratic: sp.csr_array
    offset: float


def continuous_face(program: LinearProgram, curvature: sp.csr_array, solution: LinearSolution) -> LinearProgram:
    """The optimal points of a convex program: complementary to the multipliers, and with the same gradient."""
    face = optimal_face(program, solution)
    curved = curvature[np.flatnonzero(np.diff(curvature.indptr))]
    return with_rows(face, curved, curved @ solution.primal, curved @ solution.primal) if curvature.nnz else face


def around(program: LinearProgram, point: Floats) -> LinearProgram:
    """A program whose sides give way by what a point, found within the solver's tolerance, breaks them."""
    activity = program.matrix @ point
    return replace(
        program,
        row_lower=np.minimum(program.row_lower, activity),
        row_upper=np.maximum(program.row_upper, activity),
        col_lower=np.minimum(program.col_lower, point),
        col_upper=np.maximum(program.col_upper, point),
    )


def integer_face(program: LinearProgram, value: float, is_integer: NDArray[np.bool_]) -> LinearProgram:
    """Points that cost no more than ``value``; exact where the cost moves in steps, and up to 1e-7 elsewhere."""
    step = step_of_cost(program.cost, is_integer)
    size = max(1.0, abs(value - program.offset)) * min(1.0, float(np.abs(program.cost).max(initial=0.0)) or 1.0)
    room = 0.5 * step if step is not None else TOUCH * size
    row = sp.csr_array(program.cost[None, :])
    return with_rows(program, row, np.array([-inf]), np.array([value - program.offset + room]))


def step_of_cost(cost: Floats, is_integer: NDArray[np.bool_]) -> float | None:
    """The greatest step of which every cost of an integer point is a multiple; None where there is none.

    >>> step_of_cost(np.array([0.5, 0.75, 0.0]), np.array([True, True, False]))
    0.25
    >>> step_of_cost(np.array([1.0, 1.0]), np.array([True, False])) is None
    True
    """
    used = cost[cost != 0.0]
    if np.any((cost != 0.0) & ~is_integer) or not len(used):
        return None
    fractions = [Fraction(float(value)).limit_denominator(10**6) for value in used]
    if any(abs(float(fraction) - value) > 1e-12 * abs(value) for fraction, value in zip(fractions, used, strict=True)):
        return None
    common = lcm(*(fraction.denominator for fraction in fractions))
    step = gcd(*(int(fraction * common) for fraction in fractions)) / common
    # A step that the solver's tolerance on the cost could cross tells nothing.
    return step if step > 1e-5 * float(np.abs(used).max()) else None


def multiplier_face(program: LinearProgram, gradient: Floats, point: Floats) -> LinearProgram:
    """The optimal multipliers of the follower's rows, as the points of a program over them.

    Whatever the optimal point that they are found beside, they are the same: every optimal multiplier is
    complementary to every optimal point, and all optimal points share their gradient.
    """
    rows = program.shape[0]
    activity = program.matrix @ point
    at_low, at_high = _near(activity, program.row_lower), _near(activity, program.row_upper)
    column_low, column_high = _near(point, program.col_lower), _near(point, program.col_upper)
    return LinearProgram(
        cost=np.zeros(rows),
        matrix=sp.csr_array(program.matrix.T),
        # What the rows' multipliers leave of the gradient is the column's: at its lower bound it may be positive.
        row_lower=gradient - np.where(column_low, inf, 0.0),
        row_upper=gradient + np.where(column_high, inf, 0.0),
        col_lower=np.where(at_high, -inf, 0.0),
        col_upper=np.where(at_low, inf, 0.0),
    )


def product(points: LinearProgram, multipliers: LinearProgram) -> LinearProgram:
    """Both polyhedra side by side."""
    return LinearProgram(
        np.concatenate([points.cost, multipliers.cost]),
        sp.csr_array(sp.block_diag([points.matrix, multipliers.matrix])),
        np.concatenate([points.row_lower, multipliers.row_lower]),
        np.concatenate([points.row_upper, multipliers.row_upper]),
        np.concatenate([points.col_lower, multipliers.col_lower]),
        np.concatenate([points.col_upper, multipliers.col_upper]),
    )


def leader_terms(problem: BilevelProblem, x: Floats) -> Terms:
    """The leader's objective at a commitment; over y, and over the prices behind it where there are any."""
    leader, follower = len(problem.leader), len(problem.follower)
    prices = len(problem.follower_rows) if problem.prices else 0
    objective, hessian = problem.objective, sp.csr_array(problem.objective.quadratic)
    if not prices and not hessian.nnz:
        constant = float(objective.linear[:leader] @ x) + objective.constant
        return Terms(objective.linear[leader:].copy(), sp.csr_array((follower, follower)), constant)
    cost = np.concatenate([objective.linear[leader:] + hessian[leader:, :leader] @ x, np.zeros(prices)])
    entries: list[tuple[int, int, float]] = []
    for term in problem.prices:
        if term.column is None:
            cost[follower + term.row] += term.coefficient
        elif term.column < leader:
            cost[follower + term.row] += term.coefficient * x[term.column]
        else:
            entries.append((term.column - leader, follower + term.row, term.coefficient))
    width = follower + prices
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    rows, columns = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    crossed = sp.csr_array(sp.coo_array((table[:, 2], (rows, columns)), shape=(width, width)))
    own = wider(sp.csr_array(hessian[leader:, leader:]), width, width)
    quadratic = sp.csr_array(own + crossed + crossed.T)
    quadratic.eliminate_zeros()
    return Terms(cost, quadratic, objective.at(np.concatenate([x, np.zeros(follower)])))


def leader_rows(problem: BilevelProblem, x: Floats) -> Rows:
    """The leader's rows at a commitment, over y."""
    leader = len(problem.leader)
    matrix = sp.csr_array(problem.rows.matrix)
    given = matrix[:, :leader] @ x
    lower, upper = problem.rows.lower, problem.rows.upper
    sides = np.maximum(
        np.where(np.isfinite(lower), np.abs(lower), 0.0), np.where(np.isfinite(upper), np.abs(upper), 0.0)
    )
    coupling = sp.csr_array(matrix[:, leader:])
    coupling.eliminate_zeros()
    return Rows(coupling, lower - given, upper - given, ROW * np.maximum(1.0, sides))


def least_within(
    face: LinearProgram, terms: Terms, rows: Rows, is_integer: NDArray[np.bool_], start: Floats | None = None
) -> Least:
    """The leader's least value over an optimal set and its own rows; ``start`` is a known point of the set."""
    is_free = np.diff(rows.matrix.indptr) == 0
    outside = np.maximum(rows.lower, -rows.upper)[is_free]
    if np.any(outside > rows.tolerance[is_free]):
        return Least(inf, None, inf)
    program = replace(face, cost=terms.cost, offset=terms.offset)
    coupling = np.flatnonzero(~is_free)
    if not len(coupling):
        return least_over(program, terms.quadratic, is_integer, start)
    matrix = wider(rows.matrix[coupling], len(coupling), face.shape[1])
    least = Least(inf, None, inf)
    for scale in (0.0, TOUCH / ROW):
        room = scale * rows.tolerance[coupling]
        bounded = with_rows(program, matrix, rows.lower[coupling] - room, rows.upper[coupling] + room)
        least = least_over(bounded, terms.quadratic, is_integer, start)
        if least.value < inf:
            break
    return least


def worst_violation(face: LinearProgram, rows: Rows, is_integer: NDArray[np.bool_]) -> tuple[float, bool]:
    """By how much a point of an optimal set can break a row of the leader, and whether that is beyond tolerance."""
    worst, is_broken = 0.0, False
    none = sp.csr_array((face.shape[1], face.shape[1]))
    matrix = wider(rows.matrix, len(rows.lower), face.shape[1])
    for sign, sides in ((1.0, rows.upper), (-1.0, -rows.lower)):
        reach = _reach(sign * matrix, face)
        for position in np.flatnonzero(reach > sides):
            cost = -sign * matrix[[position]].toarray().ravel()
            least = least_over(replace(face, cost=cost, offset=0.0), none, is_integer)
            excess = -least.value - float(sides[position])
            worst = max(worst, excess)
            is_broken |= excess > rows.tolerance[position]
    return worst, bool(is_broken)


def _reach(matrix: sp.csr_array, face: LinearProgram) -> Floats:
    """The greatest value of rows that the bounds of the columns alone allow."""
    positive, negative = matrix.maximum(0.0), matrix.minimum(0.0)
    total = np.zeros(matrix.shape[0])
    for part, bound in ((positive, face.col_upper), (negative, face.col_lower)):
        is_infinite = np.isinf(bound)
        total += part @ np.where(is_infinite, 0.0, bound)
        total[(abs(part) @ is_infinite.astype(float)) > 0.0] = inf
    return total


def with_rows(program: LinearProgram, matrix: sp.csr_array, lower: Floats, upper: Floats) -> LinearProgram:
    """A program with more rows."""
    return replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, matrix])),
        row_lower=np.concatenate([program.row_lower, lower]),
        row_upper=np.concatenate([program.row_upper, upper]),
    )


def wider(matrix: sp.csr_array, rows: int, columns: int) -> sp.csr_array:
    """A matrix with empty rows and columns after its own."""
    entries = matrix.tocoo()
    return sp.csr_array((entries.data, (entries.row, entries.col)), shape=(rows, columns))


def without_zeros(matrix: sp.csr_array) -> sp.csr_array:
    """A matrix without the zeros that it stores."""
    matrix = sp.csr_array(matrix, copy=True)
    matrix.eliminate_zeros()
    return matrix


def _near(value: Floats, bound: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(value - bound) <= NEAR * (1.0 + np.abs(value)))
