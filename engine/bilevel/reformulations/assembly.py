"""Mixed-integer programs written block by block: columns, rows over them, and the program for the solver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.programs.hot import Floats, LinearProgram

Bools = NDArray[np.bool_]
Positions = NDArray[np.intp]


class Assembly:
    """A mixed-integer program written block by block."""

    def __init__(self) -> None:
        self._columns: list[tuple[Floats, Floats, Floats, Bools]] = []
        self._rows: list[tuple[Floats, Floats]] = [(np.zeros(0), np.zeros(0))]
        self._entries: list[tuple[Positions, Positions, Floats]] = []
        self.width, self.height = 0, 0

    def columns(
        self, lower: Floats, upper: Floats, cost: Floats | float = 0.0, is_integer: Bools | bool = False
    ) -> Positions:
        """Add columns; their positions."""
        count = len(lower)
        self._columns.append((lower, upper, np.full(count, cost), np.full(count, is_integer)))
        self.width += count
        return np.arange(self.width - count, self.width)

    def rows(self, terms: Sequence[tuple[Positions, Any]], lower: Floats, upper: Floats) -> Positions:
        """Add rows lower ≤ Σ matrix · columns ≤ upper; their positions."""
        for where, matrix in terms:
            entries = sp.coo_array(matrix)
            at_row, at_column = (np.asarray(part, dtype=np.intp) for part in entries.coords)
            self._entries.append((at_row + self.height, where[at_column], np.asarray(entries.data, dtype=np.float64)))
        self._rows.append((lower, upper))
        self.height += len(lower)
        return np.arange(self.height - len(lower), self.height)

    @property
    def is_integer(self) -> Bools:
        """Which columns are integer."""
        return np.concatenate([part[3] for part in self._columns])

    def program(self, offset: float = 0.0) -> LinearProgram:
        """The program, without its integrality."""
        lower, upper, cost = (np.concatenate([part[at] for part in self._columns]) for at in range(3))
        row_lower, row_upper = (np.concatenate(parts) for parts in zip(*self._rows, strict=True))
        empty = (np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
        row, column, data = (np.concatenate(parts) for parts in zip(empty, *self._entries, strict=True))
        matrix = sp.csr_array(sp.coo_array((data, (row, column)), shape=(self.height, self.width)))
        matrix.sum_duplicates()
        return LinearProgram(cost, matrix, row_lower, row_upper, lower, upper, offset)


def high_point(problem: BilevelProblem) -> tuple[Assembly, Positions]:
    """The high-point relaxation, that is both players' rows and bounds, with the leader's linear costs; and where z is."""
    x, y, sheet = problem.leader, problem.follower, Assembly()
    lower, upper = np.concatenate([x.lower, y.lower]), np.concatenate([x.upper, y.upper])
    z = sheet.columns(lower, upper, problem.objective.linear, np.concatenate([x.is_integer, y.is_integer]))
    for rows in (problem.rows, problem.follower_rows):
        sheet.rows([(z, rows.matrix)], rows.lower, rows.upper)
    return sheet, z
