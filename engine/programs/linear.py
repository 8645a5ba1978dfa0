"""Linear programs as frozen matrices, the units of their figures, and the rows that are bounds of a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
# Largest cost and largest side that a solver with absolute tolerances is given as they are; others are brought to the aim.
COSTS, QUANTITIES = (1e-2, 1e8), (1.0, 1e9)
COST, QUANTITY = 1e2, 1e4


@dataclass(frozen=True)
class LinearProgram:
    """min cost·x + offset subject to row_lower ≤ A x ≤ row_upper, col_lower ≤ x ≤ col_upper."""

    cost: Floats
    matrix: Any  # scipy.sparse.csr_array, shape (rows, columns)
    row_lower: Floats
    row_upper: Floats
    col_lower: Floats
    col_upper: Floats
    offset: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])


@dataclass(frozen=True)
class Units:
    """What counts as one in a program: a thousandth of the largest cost, and of the largest quantity; at most one."""

    cost: float
    quantity: float


def units_of(program: LinearProgram) -> Units:
    """The units that absolute tolerances on a program should be taken in."""
    sides = np.concatenate([program.row_lower, program.row_upper, program.col_lower, program.col_upper])
    largest = float(np.abs(sides[np.isfinite(sides)]).max(initial=0.0))
    cost = float(np.abs(program.cost).max(initial=0.0))
    return Units(min(1.0, 1e-3 * cost or 1.0), min(1.0, 1e-3 * largest or 1.0))


@dataclass(frozen=True)
class Scale:
    """Powers of two: what quantities are divided by and costs multiplied by before they are handed to a solver."""

    quantity: float
    cost: float

    def into(self, program: LinearProgram) -> LinearProgram:
        """The program in these units, without any rounding."""
        if (self.quantity, self.cost) == (1.0, 1.0):
            return program
        return replace(
            program,
            cost=program.cost * self.cost,
            row_lower=program.row_lower / self.quantity,
            row_upper=program.row_upper / self.quantity,
            col_lower=program.col_lower / self.quantity,
            col_upper=program.col_upper / self.quantity,
            offset=program.offset * self.cost / self.quantity,
        )


def scale_of(program: LinearProgram) -> Scale:
    """The units in which a program's figures are of ordinary size; ones where they are so already."""
    sides = np.concatenate([program.row_lower, program.row_upper, program.col_lower, program.col_upper])
    largest = float(np.abs(sides[np.isfinite(sides)]).max(initial=0.0))
    cost = float(np.abs(program.cost).max(initial=0.0))
    return Scale(_power(largest, QUANTITIES, QUANTITY), 1.0 / _power(cost, COSTS, COST))


def _power(size: float, ordinary: tuple[float, float], aim: float) -> float:
    if size == 0.0 or ordinary[0] <= size <= ordinary[1]:
        return 1.0
    return float(2.0 ** floor(log2(size / aim)))


def bounds_from_singletons(
    program: LinearProgram, rows_to_keep: Ints | None = None
) -> tuple[LinearProgram, Ints, Ints, Floats]:
    """The program without its rows of a single entry, which become bounds of their column.

    A licence is such a row: as a bound it costs the simplex method nothing. Only rows whose column has no
    other such row and an infinite bound on that side are taken, and none of ``rows_to_keep``.

    Returns
    -------
    program : the smaller program; its rows are the kept ones in their order
    rows, columns : the rows taken out and the column that each bounds
    scale : the coefficient, positive: bound = row bound / scale
    """
    matrix = program.matrix
    entries = np.diff(matrix.indptr)
    single = np.flatnonzero(entries == 1)
    column, scale = matrix.indices[matrix.indptr[single]], matrix.data[matrix.indptr[single]]
    _, first, repeats = np.unique(column, return_index=True, return_counts=True)
    free = np.isinf(program.col_upper[column]) & np.isinf(program.row_lower[single]) & (scale > 0)
    if rows_to_keep is not None:
        free &= ~np.isin(single, rows_to_keep)
    take = np.intersect1d(first[repeats == 1], np.flatnonzero(free))
    rows, columns, scale = single[take].astype(np.int32), column[take].astype(np.int32), scale[take]
    keep = np.setdiff1d(np.arange(matrix.shape[0], dtype=np.int32), rows)
    return with_bounds(program, keep, rows, columns, scale), rows, columns, scale


def with_bounds(program: LinearProgram, keep: Ints, rows: Ints, columns: Ints, scale: Floats) -> LinearProgram:
    """The kept rows of a program, the others as upper bounds of the columns."""
    upper = program.col_upper.copy()
    upper[columns] = program.row_upper[rows] / scale
    return replace(
        program,
        matrix=program.matrix[keep],
        row_lower=program.row_lower[keep],
        row_upper=program.row_upper[keep],
        col_upper=upper,
    )
