"""Convex quadratic programs, solved by Lemke's method and by HiGHS.

A solution is accepted only when our own residuals of its optimality conditions are small. Of 504 random degenerate programs
of up to 11 columns the active-set method of HiGHS failed on 29 and Lemke's on none, so that Lemke's is asked first on small
ones and second on large ones; where both fail they are asked again with rows and columns of one size, then the status says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.lemke import complementary_solution
from coercivity.engine.programs.mixed import PRECISE, feasibility, improving_ray, load, run_for

# What the residuals of the optimality conditions may be, against the size of the data and the point.
RESIDUAL = 1e-7
# Eigenvalues are found densely.
LARGEST_QUADRATIC = 800
# Lemke's tableau is dense: faster than HiGHS up to the first number of rows and columns, hopeless beyond the second.
SMALL, LARGEST_PIVOTED = 100, 1000
# The active-set method of HiGHS can cycle without end: it is given this many steps, and more for every row and column.
STEPS, STEPS_PER_SIDE = 1000, 20
# Passes over rows and columns before a badly scaled program is tried again.
BALANCING = 4

# A point and the multipliers of the rows; None where a method found none.
Found = tuple[Floats, Floats] | None
Finder = Callable[[LinearProgram, sp.csr_array, float], Found]


@dataclass(frozen=True)
class QuadraticSolution:
    """A point of a convex quadratic program with multipliers that prove it.

    ``dual`` and ``reduced_cost`` have the signs of a minimisation, d objective / d right-hand side; ``residual`` is
    the largest violation of the optimality conditions, relative to the data. Without an optimum all are nan.
    """

    status: SolveStatus
    primal: Floats
    dual: Floats
    reduced_cost: Floats
    value: float
    residual: float


def is_convex(quadratic: sp.csr_array) -> bool:
    """Whether a symmetric matrix has no negative eigenvalue, up to 1e-9 of the largest.

    >>> is_convex(sp.csr_array([[1.0, 1.0], [1.0, 1.0]])), is_convex(sp.csr_array([[0.0, 1.0], [1.0, 0.0]]))
    (True, False)

    Raises
    ------
    UsageError
        More than 800 columns have entries; eigenvalues are found densely.
    """
    used = np.flatnonzero(np.diff(sp.csr_array(quadratic).indptr))
    if not len(used):
        return True
    if len(used) > LARGEST_QUADRATIC:
        what = f"{len(used)} columns have quadratic terms; convexity is decided for at most {LARGEST_QUADRATIC}"
        raise UsageError("quadratic objective", what, "state the problem with fewer quadratic terms")
    values = np.linalg.eigvalsh(sp.csr_array(quadratic)[used][:, used].toarray())
    return bool(values[0] >= -1e-9 * np.abs(values).max())


def solve_quadratic(
    program: LinearProgram, quadratic: sp.csr_array, *, seconds: float = inf, is_known_convex: bool = False
) -> QuadraticSolution:
    """The least cost · x + ½ x' quadratic x + offset over the points of a linear program.

    Parameters
    ----------
    program : the linear part and the constraints
    quadratic : symmetric, positive semidefinite, shape (columns, columns)
    seconds : time limit of the solver
    is_known_convex : the caller has checked :func:`is_convex`

    Raises
    ------
    UsageError
        The objective is not convex.
    """
    quadratic = sp.csr_array(quadratic)
    if not is_known_convex and not is_convex(quadratic):
        raise UsageError("quadratic objective", "not convex", "a method for nonconvex objectives has to branch")
    is_small = sum(program.shape) <= SMALL
    finders: tuple[Finder, ...] = (_by_lemke, _by_highs) if is_small else (_by_highs, _by_lemke)
    balanced: tuple[Finder, ...] = tuple(partial(_balanced, find) for find in finders)
    for find in finders + balanced:
        found = find(program, quadratic, seconds)
        solution = None if found is None else _verified(program, quadratic, *found)
        if solution is not None and solution.status is SolveStatus.OPTIMAL:
            return solution
    return _nothing(program, _without_optimum(program, quadratic) or SolveStatus.FAILED)


def _balanced(find: Finder, program: LinearProgram, quadratic: sp.csr_array, seconds: float) -> Found:
    """What a method finds where rows and columns are of about one size; factors are powers of two, so that none rounds."""
    row, column = _factors(program.matrix)
    matrix = sp.csr_array(sp.diags_array(row) @ program.matrix @ sp.diags_array(column))
    cost = program.cost * column
    unit = float(_power_of_two(np.array(max(np.abs(cost).max(initial=0.0), 1e-12))))
    found = find(
        replace(
            program,
            matrix=matrix,
            cost=cost / unit,
            row_lower=program.row_lower * row,
            row_upper=program.row_upper * row,
            col_lower=program.col_lower / column,
            col_upper=program.col_upper / column,
            offset=program.offset / unit,
        ),
        sp.csr_array(sp.diags_array(column) @ quadratic @ sp.diags_array(column) / unit),
        seconds,
    )
    return None if found is None else (found[0] * column, found[1] * row * unit)


def _factors(matrix: sp.csr_array) -> tuple[Floats, Floats]:
    """What rows and columns are multiplied by so that their largest and least entries lie around one."""
    entries = abs(sp.coo_array(matrix))
    row, column = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    at_row, at_column = entries.coords
    for _ in range(BALANCING):
        row = _middle(entries.data * column[at_column], at_row, matrix.shape[0])
        column = _middle(entries.data * row[at_row], at_column, matrix.shape[1])
    return _power_of_two(row), _power_of_two(column)


def _middle(size: Floats, at: NDArray[Any], count: int) -> Floats:
    least, largest = np.full(count, inf), np.zeros(count)
    np.minimum.at(least, at[size > 0], size[size > 0])
    np.maximum.at(largest, at, size)
    is_empty = largest == 0.0
    least[is_empty], largest[is_empty] = 1.0, 1.0
    return 1.0 / np.sqrt(least * largest)


def _power_of_two(size: Floats) -> Floats:
    return np.exp2(np.round(np.log2(size)))


def _by_lemke(program: LinearProgram, quadratic: sp.csr_array, seconds: float) -> Found:
    return complementary_solution(program, quadratic) if sum(program.shape) <= LARGEST_PIVOTED else None


def _by_highs(program: LinearProgram, quadratic: sp.csr_array, seconds: float) -> Found:
    from highspy import HessianFormat, HighsHessian

    steps = STEPS + STEPS_PER_SIDE * sum(program.shape)
    highs = load(program, {**PRECISE, "qp_regularization_value": 0.0, "qp_iteration_limit": steps})
    triangle = sp.csc_array(sp.tril(quadratic))
    hessian = HighsHessian()
    hessian.dim_, hessian.format_ = program.shape[1], HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = triangle.indptr, triangle.indices, triangle.data
    highs.passHessian(hessian)
    status = run_for(highs, seconds)
    if status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        return None
    point = highs.getSolution()
    primal, dual = np.array(point.col_value), np.array(point.row_dual)
    return (primal, dual) if primal.shape + dual.shape == program.shape[::-1] else None


def _verified(program: LinearProgram, quadratic: sp.csr_array, primal: Floats, dual: Floats) -> QuadraticSolution:
    """A point with its multipliers, OPTIMAL where the optimality conditions hold, which suffice for a convex one."""
    gradient = program.cost + quadratic @ primal
    reduced_cost = gradient - program.matrix.T @ dual
    terms = np.abs(program.cost) + abs(quadratic) @ np.abs(primal)
    unit = max(float(terms.max(initial=0.0)), 1e-12)
    size = np.maximum(abs(program.matrix).max(axis=1).toarray().ravel() if program.matrix.nnz else 1.0, 1e-12)
    activity = program.matrix @ primal
    residual = max(
        _mismatch(primal, program.col_lower, program.col_upper, reduced_cost / unit),
        _mismatch(activity / size, program.row_lower / size, program.row_upper / size, dual * size / unit),
    )
    value = float(program.cost @ primal + 0.5 * primal @ (quadratic @ primal) + program.offset)
    is_solved = residual <= RESIDUAL
    status = SolveStatus.OPTIMAL if is_solved else SolveStatus.FAILED
    return QuadraticSolution(status, primal, dual, reduced_cost, value, residual)


def _mismatch(value: Floats, lower: Floats, upper: Floats, multiplier: Floats) -> float:
    """The largest distance from ``lower ≤ value ≤ upper, multiplier ≥ 0 only at lower, ≤ 0 only at upper``."""
    unit = 1.0 + np.abs(value)
    below, above = (lower - value) / unit, (value - upper) / unit
    feasibility = np.maximum(below, above)
    at_lower = np.minimum(np.maximum(multiplier, 0.0), np.maximum(-below, 0.0))
    at_upper = np.minimum(np.maximum(-multiplier, 0.0), np.maximum(-above, 0.0))
    worst = np.max([feasibility, at_lower, at_upper], initial=0.0)
    return float(worst) if np.isfinite(worst) else inf


def _without_optimum(program: LinearProgram, quadratic: sp.csr_array) -> SolveStatus | None:
    """Whether a convex program has no point or no bound, decided by linear programs; None where it has an optimum.

    A convex quadratic objective is unbounded exactly where it falls along a direction of recession that it does not
    curve along.
    """
    status = feasibility(program)
    if status is not SolveStatus.OPTIMAL:
        return status
    columns = program.shape[1]
    still = np.zeros(columns)
    flat = replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, quadratic])),
        row_lower=np.concatenate([program.row_lower, still]),
        row_upper=np.concatenate([program.row_upper, still]),
    )
    return SolveStatus.UNBOUNDED if improving_ray(flat) is not None else None


def _nothing(program: LinearProgram, status: SolveStatus) -> QuadraticSolution:
    rows, columns = program.shape
    return QuadraticSolution(
        status, np.full(columns, np.nan), np.full(rows, np.nan), np.full(columns, np.nan), np.nan, inf
    )
