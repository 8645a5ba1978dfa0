"""A claimed point in fractions: every row of both levels kept, the follower's best response, the leader's value, all exactly.

A solver's point is a vertex but for rounding. It is brought to fractions in two ways, each tried until one keeps everything: by
numbers of few digits, and by solving the equations of the sides that it touches. That the follower cannot do better is decided by
its own program at that commitment, solved in exact arithmetic. What is not found to be exact is not called so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Rows, Variables
from coercivity.engine.programs.exact import Integers, fractions, greatest

Point = list[Fraction]
# Rows and columns of the follower up to which its program is solved in fractions.
MOST = 150
DENOMINATORS = (1, 60, 5040, 10**6)
# What a point misses a side by and still touches it.
TOUCH = 1e-7


def exact_value(problem: BilevelProblem, point: Floats) -> Fraction | None:
    """The leader's value, in the sense of a minimisation, of an exact bilevel-feasible point at a claimed one; None where none is found.

    Of problems whose follower is linear, without integers or of a size that is not tried, and that count no prices.
    """
    if len(problem.follower) + len(problem.follower_rows) > MOST:
        return None
    for candidate in _candidates(problem, point):
        if _is_near(candidate, point) and _keeps(problem, candidate) and _answers_best(problem, candidate):
            return _value(problem, candidate)
    return None


def _is_near(candidate: Point, point: Floats) -> bool:
    """Whether a point is the claimed one but for rounding: another one may be worth something else."""
    return all(abs(float(v) - w) <= TOUCH * max(1.0, abs(w)) for v, w in zip(candidate, point, strict=True))


def _candidates(problem: BilevelProblem, point: Floats) -> Iterator[Point]:
    for most in DENOMINATORS:
        yield [Fraction(v).limit_denominator(most) for v in point]
    yield _vertex(problem, point)


def _vertex(problem: BilevelProblem, point: Floats) -> Point:
    """The solution of the equations of the sides that a point touches; what they leave open is of few digits."""
    lower, upper, is_integer = (
        np.concatenate([getattr(part, name) for part in (problem.leader, problem.follower)])
        for name in ("lower", "upper", "is_integer")
    )
    known: dict[int, Fraction] = {}
    for k, v in enumerate(point):
        side = next((s for s in (lower[k], upper[k]) if _touches(v, s)), None)
        if is_integer[k]:
            known[k] = Fraction(round(v))
        elif side is not None:
            known[k] = Fraction(side)
    equations = []
    for rows in (problem.rows, problem.follower_rows):
        activity = rows.matrix @ point
        for row, (low, high) in enumerate(zip(rows.lower, rows.upper, strict=True)):
            for side in {low, high}:
                if _touches(activity[row], side):
                    equations.append((_line(rows, row), Fraction(side)))
    return solved(equations, known, [Fraction(v).limit_denominator(DENOMINATORS[-1]) for v in point])


def _touches(value: float, side: float) -> bool:
    return math.isfinite(side) and abs(value - side) <= TOUCH * max(1.0, abs(side))


def solved(equations: list[tuple[dict[int, Fraction], Fraction]], known: dict[int, Fraction], usual: Point) -> Point:
    """Unknowns that equations, one after the other, settle; others as usual. Equations that say nothing new are passed over."""
    pivots: dict[int, tuple[dict[int, Fraction], Fraction]] = {}
    for line, side in equations:
        rest, right = {k: value for k, value in line.items() if k not in known}, side
        right -= sum((value * known[k] for k, value in line.items() if k in known), Fraction(0))
        for k, (other, level) in pivots.items():
            if factor := rest.get(k, Fraction(0)):
                right -= factor * level
                for j, value in other.items():
                    rest[j] = rest.get(j, Fraction(0)) - factor * value
        rest = {k: value for k, value in rest.items() if value}
        if not rest:
            continue
        at = max(rest, key=lambda k: abs(rest[k]))
        lead, right = {k: value / rest[at] for k, value in rest.items()}, right / rest[at]
        for k, (other, level) in pivots.items():
            if factor := other.get(at, Fraction(0)):
                mixed = {j: other.get(j, Fraction(0)) - factor * lead.get(j, Fraction(0)) for j in {*other, *lead}}
                pivots[k] = ({j: value for j, value in mixed.items() if value}, level - factor * right)
        pivots[at] = (lead, right)
    found = [known.get(k, value) for k, value in enumerate(usual)]
    for k, (line, right) in pivots.items():
        found[k] = right - sum((value * found[j] for j, value in line.items() if j != k), Fraction(0))
    return found


def _line(rows: Rows, row: int) -> dict[int, Fraction]:
    return line_of(sp.csr_array(rows.matrix[[row]]))


def line_of(row: sp.csr_array) -> dict[int, Fraction]:
    """The entries of a matrix of one row."""
    found: dict[int, Fraction] = {}
    for k, value in zip(row.indices.tolist(), row.data, strict=True):
        found[k] = found.get(k, Fraction(0)) + Fraction(value)
    return found


def _is_between(low: float, value: Fraction, high: float) -> bool:
    return (math.isinf(low) or Fraction(low) <= value) and (math.isinf(high) or value <= Fraction(high))


def _keeps(problem: BilevelProblem, point: Point) -> bool:
    """Whether bounds, integrality and all rows of both levels hold."""
    columns: list[tuple[Variables, Point]] = [
        (problem.leader, point[: len(problem.leader)]),
        (problem.follower, point[len(problem.leader) :]),
    ]
    for part, values in columns:
        for low, value, high, is_integer in zip(part.lower, values, part.upper, part.is_integer, strict=True):
            if not _is_between(low, value, high) or (is_integer and value.denominator != 1):
                return False
    for rows in (problem.rows, problem.follower_rows):
        for row, (low, high) in enumerate(zip(rows.lower, rows.upper, strict=True)):
            activity = sum((value * point[k] for k, value in _line(rows, row).items()), Fraction(0))
            if not _is_between(low, activity, high):
                return False
    return True


def _answers_best(problem: BilevelProblem, point: Point) -> bool:
    """Whether the follower's own program at the commitment has no better answer; over y = point + p − q with p, q ≥ 0."""
    n, m, rows = len(problem.leader), len(problem.follower), problem.follower_rows
    y, columns = point[n:], problem.follower
    table: list[list[Fraction]] = []
    least: Point = []
    for row, (low, high) in enumerate(zip(rows.lower, rows.upper, strict=True)):
        line = _line(rows, row)
        activity = sum((value * point[k] for k, value in line.items()), Fraction(0))
        own = [line.get(n + k, Fraction(0)) for k in range(m)]
        _add(table, least, own, activity, low, high)
    for k, (low, high) in enumerate(zip(columns.lower, columns.upper, strict=True)):
        _add(table, least, [Fraction(int(k == j)) for j in range(m)], y[k], low, high)
    gain = [-Fraction(value) for value in problem.follower_objective.linear[n:]]
    whole: Integers = np.empty((len(table), 2 * m), dtype=object)
    for row, own in enumerate(table):
        whole[row] = [*own, *(-value for value in own)]
    try:
        found = greatest(
            [*gain, *(-value for value in gain)], whole if len(table) else fractions(np.zeros((0, 2 * m))), least
        )
    except ValueError:
        return False
    return found is not None and found.value == 0


def _add(
    table: list[list[Fraction]], least: Point, own: list[Fraction], now: Fraction, low: float, high: float
) -> None:
    """What a move may change of an activity that is now at a value between two sides."""
    if not math.isinf(low):
        table.append(own)
        least.append(Fraction(low) - now)
    if not math.isinf(high):
        table.append([-value for value in own])
        least.append(now - Fraction(high))


def _value(problem: BilevelProblem, point: Point) -> Fraction:
    linear = sum((Fraction(c) * v for c, v in zip(problem.objective.linear, point, strict=True)), Fraction(0))
    return linear + Fraction(problem.objective.constant)
