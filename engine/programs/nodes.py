"""A linear program whose bounds change from node to node of a tree and whose rows grow by cuts; always solved hot.

What a tree adds to ``HotProgram``: infeasibility that a hot start finds is believed once its proof was recomputed,
an unbounded program gives its ray, cuts become rows without the loss of the basis, and a node that can no longer be better than
what is known is left as soon as its multipliers say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import PRECISE

OPTIONS = {**PRECISE, "presolve": "off"}


class NodeProgram(HotProgram):
    """A program of a tree's node.

    Parameters
    ----------
    program : what to load; all of its rows stay rows
    """

    def __init__(self, program: LinearProgram) -> None:
        super().__init__(program, OPTIONS, rows_to_keep=np.arange(program.shape[0], dtype=np.int32))
        self.solves = 0
        self._rows = sp.csr_array(program.matrix)
        self._row_lower, self._row_upper = program.row_lower.copy(), program.row_upper.copy()
        self._transposed: Any = None
        self.lower, self.upper = program.col_lower.copy(), program.col_upper.copy()
        self._goal = np.inf

    def stop_at(self, goal: float) -> None:
        """Let solves end with BEYOND where nothing costs less than this; +inf lets each go on to its optimum."""
        if goal != self._goal:
            self._goal = goal
            self._highs.setOptionValue("objective_bound", goal)

    def set_bounds(self, lower: Floats, upper: Floats) -> None:
        """Give all columns these bounds; only those that differ are told to the solver."""
        moved = np.flatnonzero((lower != self.lower) | (upper != self.upper)).astype(np.int32)
        if len(moved):
            self._highs.changeColsBounds(len(moved), moved, lower[moved], upper[moved])
            self.lower[moved], self.upper[moved] = lower[moved], upper[moved]

    def set_row_bounds(self, lower: Floats, upper: Floats) -> None:
        """Give all rows these bounds; only those that differ are told to the solver."""
        moved = np.flatnonzero((lower != self._row_lower) | (upper != self._row_upper)).astype(np.int32)
        if len(moved):
            self._highs.changeRowsBounds(len(moved), moved, lower[moved], upper[moved])
            self._row_lower[moved], self._row_upper[moved] = lower[moved], upper[moved]

    def add_rows(self, matrix: sp.csr_array, lower: Floats, upper: Floats) -> None:
        """Append rows; the basis is kept, with the new rows in it."""
        count, matrix = len(lower), sp.csr_array(matrix)
        starts = matrix.indptr[:-1].astype(np.int32)
        self._highs.addRows(count, lower, upper, matrix.nnz, starts, matrix.indices.astype(np.int32), matrix.data)
        self._rows = sp.csr_array(sp.vstack([self._rows, matrix]))
        self._row_lower, self._row_upper = np.append(self._row_lower, lower), np.append(self._row_upper, upper)
        self._transposed = None

    def drop_rows(self, kept: int) -> None:
        """Forget the rows behind the first ``kept`` ones, and the basis."""
        behind = np.arange(kept, self.height, dtype=np.int32)
        self._highs.deleteRows(len(behind), behind)
        self._rows, self._transposed = self._rows[:kept], None
        self._row_lower, self._row_upper = self._row_lower[:kept], self._row_upper[:kept]
        self.forget()

    def set_row(self, row: int, columns: NDArray[np.int32], values: Floats, lower: float, upper: float) -> None:
        """Change entries and bounds of one row."""
        for column, value in zip(columns, values, strict=True):
            self._highs.changeCoeff(row, int(column), float(value))
        rows = sp.lil_array(self._rows)
        rows[row, columns] = values
        self._rows, self._transposed = sp.csr_array(rows), None
        self._row_lower[row], self._row_upper[row] = lower, upper
        self._highs.changeRowsBounds(1, np.array([row], np.int32), np.array([lower]), np.array([upper]))

    def start_from(self, basis: Any) -> None:
        """Begin at a basis of this program, or of it before rows were added; anew, if rows of the basis are gone."""
        missing = self.height - len(basis.row_status) if basis.valid else 0
        if missing < 0:
            self.forget()
            return
        if missing > 0:
            basic = type(basis.col_status[0]).kBasic
            basis.row_status = [*basis.row_status, *[basic] * missing]
        super().start_from(basis)

    def basis_of(self, basic: NDArray[np.intp], is_high: NDArray[np.bool_]) -> Any:
        """A basis in the solver's terms: which columns and, counted behind them, rows are basic; which others are at their upper bound."""
        from highspy import HighsBasis, HighsBasisStatus

        n = len(self._all_columns)
        lower, upper = np.r_[self.lower, self._row_lower], np.r_[self.upper, self._row_upper]
        at_lower, at_upper = HighsBasisStatus.kLower, HighsBasisStatus.kUpper
        kinds = [at_upper if high else at_lower for high in is_high]
        for k in np.flatnonzero(np.isinf(np.where(is_high, upper, lower))):
            kinds[k] = HighsBasisStatus.kZero
        for k in basic:
            kinds[k] = HighsBasisStatus.kBasic
        found = HighsBasis()
        found.col_status, found.row_status, found.valid = kinds[:n], kinds[n:], True
        return found

    def basis_arrays(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The basis of the last solve, as :meth:`basis_of` takes it."""
        from highspy import HighsBasisStatus

        basis = self.basis()
        kinds = [*basis.col_status, *basis.row_status]
        basic = np.array([k for k, kind in enumerate(kinds) if kind == HighsBasisStatus.kBasic], dtype=np.intp)
        return basic, np.array([kind == HighsBasisStatus.kUpper for kind in kinds])

    @property
    def height(self) -> int:
        """Rows in the solver."""
        return int(self._highs.getNumRow())

    def optimise(self) -> SolveStatus:
        """Solve from the current basis; a cold start decides where a hot one proves nothing."""
        self.solves += 1
        highs, was_warm = self._highs, self._is_warm
        highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.0 if was_warm else 1.0)
        highs.setOptionValue("simplex_iteration_limit", 10 * (self.height + 100) if was_warm else 2**31 - 1)
        highs.run()
        status = self._status()
        self._is_warm = status is SolveStatus.OPTIMAL or (status is SolveStatus.INFEASIBLE and was_warm)
        if status is SolveStatus.OPTIMAL or (status is SolveStatus.UNBOUNDED and self.ray() is not None):
            return status
        if status is SolveStatus.INFEASIBLE and self._is_proved():
            return status
        if status is SolveStatus.BEYOND:
            if self._reached() >= self._goal:
                self._is_warm = True
                return status
            self.stop_at(np.inf)
            return self.optimise()
        if was_warm:
            self.forget()
            return self.optimise()
        again = self._decided()
        # A second word that there is no point is believed; that there is no bound, only with the ray that shows it.
        return SolveStatus.FAILED if again is SolveStatus.UNBOUNDED and self.ray() is None else again

    def dual(self) -> Floats:
        """Multipliers of the rows of the last solve; cheaper than :meth:`solution`."""
        return np.array(self._highs.getSolution().row_dual)

    def ray(self) -> Floats | None:
        """A direction of recession along which the cost falls, after UNBOUNDED; None where the solver has none."""
        _, exists, ray = self._highs.getPrimalRay()
        return np.array(ray) if exists else None

    def _reached(self) -> float:
        """What the multipliers at hand prove that no point costs less than, up to a rounding error of the objective's size."""
        point, program = self._highs.getSolution(), self.program
        y = np.array(point.row_dual)
        d = self._cost - self._columns() @ y
        # The reduced costs of basic columns are rounding errors.
        d[np.abs(d) < 1e-10] = 0.0
        with np.errstate(invalid="ignore"):
            rows = np.where(y > 0, y * self._row_lower, np.where(y < 0, y * self._row_upper, 0.0)).sum()
            columns = np.where(d > 0, d * self.lower, np.where(d < 0, d * self.upper, 0.0)).sum()
        value = float(rows + columns + program.offset)
        return value + 1e-9 * max(1.0, abs(value))

    def _columns(self) -> Any:
        """The transposed matrix."""
        if self._transposed is None:
            self._transposed = sp.csr_array(self._rows.T)
        return self._transposed

    def _is_proved(self) -> bool:
        """Whether the multipliers that the solver gives leave no point, by a recomputation from the matrix."""
        _, exists, ray = self._highs.getDualRay()
        if not exists:
            return False
        y = np.array(ray) / max(1e-300, float(np.abs(ray).max(initial=0.0)))
        d = self._columns() @ y
        d[np.abs(d) < 1e-10] = 0.0
        return any(self._leaves_nothing(sign * y, sign * d) for sign in (1.0, -1.0))

    def _leaves_nothing(self, y: Floats, d: Floats) -> bool:
        """Whether the least y'(rows) that the rows allow is above the greatest that the columns allow."""
        with np.errstate(invalid="ignore"):
            least = np.where(y > 0, y * self._row_lower, np.where(y < 0, y * self._row_upper, 0.0)).sum()
            most = np.where(d > 0, d * self.upper, np.where(d < 0, d * self.lower, 0.0)).sum()
        return bool(least > most + 1e-9)
