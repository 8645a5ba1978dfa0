"""Lemke's method: a convex quadratic program solved by pivoting on its complementarity conditions.

For a positive semidefinite objective the method ends after finitely many pivots, at a solution or at a ray that
says there is none; ties are broken lexicographically, so that it cannot cycle. It is dense and meant for programs
of up to a few hundred rows and columns.

Source: Lemke, Bimatrix equilibrium points and mathematical programming (1965); Cottle, Pang and Stone, *The Linear
Complementarity Problem* (1992), sections 4.4 and 4.9 (lexicographic pivoting).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.programs.hot import Floats, LinearProgram

Positions = NDArray[np.int_]

# An entry below this, in a tableau scaled to 1, is a rounding error.
PIVOT = 1e-10


def solve_complementarity(matrix: Floats, constant: Floats) -> Floats | None:
    """z ≥ 0 with w = matrix · z + constant ≥ 0 and w'z = 0; None where the method ends on a ray.

    Parameters
    ----------
    matrix : shape (n, n), positive semidefinite (not necessarily symmetric)
    constant : shape (n,)

    Examples
    --------
    >>> solve_complementarity(np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([-5.0, -6.0])).round(6).tolist()
    [1.333333, 2.333333]
    """
    size = len(constant)
    if size == 0 or constant.min() >= 0.0:
        return np.zeros(size)
    # Columns: w, z, the artificial z0, and the right-hand side; w starts in the basis.
    tableau = np.hstack([np.eye(size), -matrix, -np.ones((size, 1)), constant[:, None]])
    basis = np.arange(size)
    artificial = 2 * size
    row = _least_row(tableau, np.arange(size), np.ones(size), size)
    entering = artificial
    for _ in range(50 * size + 1000):
        leaving = int(basis[row])
        _pivot(tableau, row, entering)
        basis[row] = entering
        if leaving == artificial:
            return _read(matrix, constant, basis)
        entering = leaving + size if leaving < size else leaving - size
        column = tableau[:, entering]
        candidates = np.flatnonzero(column > PIVOT * max(1.0, float(np.abs(column).max())))
        if not len(candidates):
            return None
        row = _blocking_row(tableau, basis, candidates, column[candidates], size)
    return None


def _blocking_row(tableau: Floats, basis: Positions, candidates: Positions, entries: Floats, size: int) -> int:
    """The row that the entering variable blocks first; the artificial one's, where it is among them."""
    ratios = tableau[candidates, -1] / entries
    tied = candidates[ratios <= ratios.min() + 1e-12 * (1.0 + abs(float(ratios.min())))]
    ending = tied[basis[tied] == 2 * size]
    return int(ending[0]) if len(ending) else _least_row(tableau, candidates, entries, size)


def _least_row(tableau: Floats, candidates: Positions, entries: Floats, size: int) -> int:
    """Of some rows divided by their entries, the lexicographically least; the right-hand side comes first."""
    for position in (-1, *range(size)):
        values = tableau[candidates, position] / entries
        least = float(values.min())
        near = values <= least + 1e-12 * (1.0 + abs(least))
        candidates, entries = candidates[near], entries[near]
        if len(candidates) == 1:
            break
    return int(candidates[0])


def _pivot(tableau: Floats, row: int, column: int) -> None:
    tableau[row] /= tableau[row, column]
    factor = tableau[:, column].copy()
    factor[row] = 0.0
    tableau -= np.outer(factor, tableau[row])


def _read(matrix: Floats, constant: Floats, basis: Positions) -> Floats | None:
    """The point of a complementary basis, solved afresh from the data so that no pivot's error is left in it."""
    size = len(constant)
    columns = np.hstack([np.eye(size), -matrix])[:, basis]
    try:
        values = np.linalg.solve(columns, constant)
    except np.linalg.LinAlgError:
        return None
    point = np.zeros(2 * size)
    point[basis] = np.maximum(values, 0.0)
    return point[size:]


def complementary_solution(program: LinearProgram, quadratic: sp.csr_array) -> tuple[Floats, Floats] | None:
    """A point and multipliers of the rows of a convex quadratic program, or None where the method finds none.

    Parameters
    ----------
    program : linear costs, shape (columns,), and the constraints
    quadratic : symmetric positive semidefinite, shape (columns, columns); the objective is cost · x + ½ x'quadratic x
    """
    rows, columns = program.shape
    lower, upper = program.col_lower, program.col_upper
    if np.any(lower > upper) or np.any(program.row_lower > program.row_upper):
        return None
    has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
    origin = np.where(has_lower, lower, np.where(has_upper, upper, 0.0))
    moving = ~(has_lower & has_upper & (lower == upper))
    ahead, back = np.flatnonzero(moving & (has_lower | ~has_upper)), np.flatnonzero(moving & ~has_lower)
    direction = np.zeros((columns, len(ahead) + len(back)))
    direction[ahead, np.arange(len(ahead))] = 1.0
    direction[back, len(ahead) + np.arange(len(back))] = -1.0
    boxed = np.flatnonzero(moving & has_lower & has_upper)
    dense = np.asarray(program.matrix.toarray(), dtype=float).reshape(rows, columns)
    low, high = np.flatnonzero(np.isfinite(program.row_lower)), np.flatnonzero(np.isfinite(program.row_upper))
    constraints = np.vstack([dense[low], -dense[high], -np.eye(columns)[boxed]])
    sides = np.concatenate([program.row_lower[low], -program.row_upper[high], -upper[boxed]])
    hessian = np.asarray(quadratic.toarray(), dtype=float)
    count, width = len(sides), direction.shape[1]
    turned = constraints @ direction
    matrix = np.block([[direction.T @ hessian @ direction, -turned.T], [turned, np.zeros((count, count))]])
    gradient = direction.T @ (program.cost + hessian @ origin)
    solved = solve_complementarity(matrix, np.concatenate([gradient, constraints @ origin - sides]))
    if solved is None:
        return None
    multipliers = solved[width:]
    dual = np.zeros(rows)
    np.add.at(dual, low, multipliers[: len(low)])
    np.add.at(dual, high, -multipliers[len(low) : len(low) + len(high)])
    return origin + direction @ solved[:width], dual
