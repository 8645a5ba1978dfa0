"""Bounds of linear programs that survive rounding: weak duality with every rounding error counted against the bound.

Whatever numbers the multipliers are, the value that they prove is a sum of products, each known to within a bound on its
rounding error; the worst of all is taken, over finite ranges of the columns. Where a column has no finite range its reduced
cost has to have a sign, which rounding hides where it is zero: there multipliers of few digits are tried in fractions.

Source: Neumaier and Shcherbina (2004), *Safe bounds in linear and mixed-integer linear programming*, Math. Programming 99;
Higham (2002), *Accuracy and Stability of Numerical Algorithms*, section 3.1, for the error of an inner product in any order.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise

# Half a unit in the last place, and what underflow may add to a product.
UNIT, TINY = 2.0**-53, 2.0**-1070
# Denominators of multipliers that are tried in fractions, and the most entries of a matrix for which that is done.
DENOMINATORS, MOST = (60, 5040, 10**6), 20_000


def safe_bound(program: LinearProgram, dual: Floats) -> float:
    """No point of the program costs less, in the exact arithmetic of its numbers; −inf where the multipliers prove nothing.

    >>> one = LinearProgram(np.ones(1), sp.csr_array([[3.0]]), np.ones(1), np.full(1, np.inf), np.zeros(1), np.ones(1))
    >>> 0.0 < 1.0 / 3.0 - safe_bound(one, np.array([1.0 / 3.0])) < 1e-14
    True
    """
    y = _signed(program, dual)
    found = _rounded_outward(program, y)
    return found if found > -math.inf else _in_fractions(program, y)


def has_no_point(program: LinearProgram) -> bool:
    """Whether it is proved, rounding counted, that no point keeps the rows and bounds of a program."""
    if np.any(program.col_lower > program.col_upper) or np.any(program.row_lower > program.row_upper):
        return True
    rows, columns = program.shape
    room: sp.csr_array = sp.csr_array(sp.eye_array(rows))
    elastic = LinearProgram(
        np.r_[np.zeros(columns), np.ones(2 * rows)],
        sp.csr_array(sp.hstack([program.matrix, room, -room])),
        program.row_lower,
        program.row_upper,
        np.r_[program.col_lower, np.zeros(2 * rows)],
        np.r_[program.col_upper, np.full(2 * rows, np.inf)],
    )
    hot = precise(elastic)
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return False
    costless = replace(program, cost=np.zeros(columns), offset=0.0)
    return safe_bound(costless, hot.solution().dual) > 0.0


def _signed(program: LinearProgram, dual: Floats) -> Floats:
    """The multipliers without those that belong to a side that is not there."""
    y = np.where(np.isfinite(dual), dual, 0.0)
    y[(y > 0) & np.isinf(program.row_lower)] = 0.0
    y[(y < 0) & np.isinf(program.row_upper)] = 0.0
    return y


def _rounded_outward(program: LinearProgram, y: Floats) -> float:
    matrix = sp.csc_array(program.matrix)
    size = abs(matrix).T @ np.abs(y) + np.abs(program.cost)
    # Twice the bound of the literature, so that what is rounded in it is in it too.
    count = np.diff(matrix.indptr) + 3.0
    error = 2.0 * count * UNIT / (1.0 - count * UNIT) * size + count * TINY
    reduced = program.cost - matrix.T @ y
    low, high = np.nextafter(reduced - error, -np.inf), np.nextafter(reduced + error, np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        ends = np.array([end * side for end in (low, high) for side in (program.col_lower, program.col_upper)])
        # No more than nothing of a column without range is left where its coefficient may be zero: 0 · ∞ is read as −∞.
        columns = np.where(np.isnan(ends), -np.inf, ends).min(axis=0)
        rows = np.where(y > 0, y * program.row_lower, np.where(y < 0, y * program.row_upper, 0.0))
    terms = np.nextafter(np.r_[columns, rows], -np.inf)
    if not np.isfinite(terms).all():
        return -math.inf
    return math.nextafter(math.fsum([*terms, program.offset]), -math.inf)


def _in_fractions(program: LinearProgram, y: Floats) -> float:
    """The best of what multipliers of few digits prove, exactly."""
    matrix = sp.csc_array(program.matrix)
    if matrix.nnz > MOST:
        return -math.inf
    return max(_proved(program, matrix, [Fraction(v).limit_denominator(most) for v in y]) for most in DENOMINATORS)


def _proved(program: LinearProgram, matrix: sp.csc_array, y: list[Fraction]) -> float:
    total = Fraction(program.offset)
    for k, multiplier in enumerate(y):
        if multiplier:
            side = program.row_lower[k] if multiplier > 0 else program.row_upper[k]
            if math.isinf(side):
                return -math.inf
            total += multiplier * Fraction(side)
    for j, cost in enumerate(program.cost):
        inside = slice(matrix.indptr[j], matrix.indptr[j + 1])
        entries = zip(matrix.indices[inside], matrix.data[inside], strict=True)
        reduced = Fraction(cost) - sum((y[i] * Fraction(value) for i, value in entries if y[i]), Fraction(0))
        if reduced:
            side = program.col_lower[j] if reduced > 0 else program.col_upper[j]
            if math.isinf(side):
                return -math.inf
            total += reduced * Fraction(side)
    return below(total)


def below(value: Fraction) -> float:
    """The greatest number of the machine that is not above a fraction.

    >>> Fraction(below(Fraction(1, 3))) <= Fraction(1, 3), below(Fraction(1, 2))
    (True, 0.5)
    """
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)
