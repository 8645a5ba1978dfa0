"""The only room that talks to HiGHS: linear programs as matrices, solved cold once and hot thereafter.

``LinearProgram`` is frozen data. ``HotProgram`` keeps one in the solver and re-solves it from the last basis
when costs, bounds or right-hand sides change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.errors import InfeasibleProgram, SolverFailed
from coercivity.engine.programs.linear import (
    Floats,
    Ints,
    LinearProgram,
    bounds_from_singletons,
    scale_of,
    with_bounds,
)

__all__ = [
    "Floats", "HotProgram", "Ints", "LinearProgram", "LinearSolution", "ScaledProgram", "SolveStatus", "highs_model",
    "solve_once",
]  # fmt: skip


class SolveStatus(Enum):
    """Why the solver stopped; each value is the sentence a user reads."""

    OPTIMAL = "solved to optimality"
    INFEASIBLE = "no point satisfies all constraints"
    UNBOUNDED = "the objective can be improved without limit"
    LIMIT = "a time or iteration limit was reached before a proof"
    BEYOND = "no point is better than what was asked for"
    FAILED = "the solver gave up for numerical reasons"

    def known(self, name: str) -> SolveStatus:
        """This status, where it says something of the program.

        Raises
        ------
        SolverFailed
            It says why the solver stopped, and nothing of the program; ``name`` is what was solved.
        """
        if self in (SolveStatus.LIMIT, SolveStatus.FAILED):
            raise SolverFailed(name, self.value, "give it more time with --limit, or scale its data")
        return self


@dataclass(frozen=True)
class LinearSolution:
    """A point with its multipliers; duals are d objective / d right-hand side of a minimisation."""

    status: SolveStatus
    objective: float
    primal: Floats
    activity: Floats
    dual: Floats
    reduced_cost: Floats
    iterations: int


class HotProgram:
    """A linear program that stays in the solver and is re-solved from its last basis.

    Rows with a single entry are handed over as bounds of their column, which cost the simplex method nothing;
    callers keep speaking of rows, and multipliers come back on the rows they belong to.

    Parameters
    ----------
    program : what to load
    options : HiGHS options on top of one silent thread of simplex
    rows_to_keep : rows that stay rows, because a program they are exchanged for has more entries there
    """

    def __init__(
        self, program: LinearProgram, options: Mapping[str, Any] | None = None, rows_to_keep: Ints | None = None
    ) -> None:
        # The public class prints a banner on stdout when constructed, before it can be silenced.
        from highspy._core import _Highs

        self.program = program
        rows, columns = program.shape
        self._smaller, self._taken, self._bounded, self._scale = bounds_from_singletons(program, rows_to_keep)
        self._column_of = np.full(rows, -1, dtype=np.int32)
        self._column_of[self._taken] = self._bounded
        self._scale_of = np.ones(rows)
        self._scale_of[self._taken] = self._scale
        kept = np.setdiff1d(np.arange(rows, dtype=np.int32), self._taken)
        self._row_of = np.full(rows, -1, dtype=np.int32)
        self._row_of[kept] = np.arange(len(kept), dtype=np.int32)
        self._kept = kept
        self._highs: Any = _Highs()
        for key, value in {"output_flag": False, "threads": 1, "solver": "simplex", **(options or {})}.items():
            self._highs.setOptionValue(key, value)
        self._highs.passModel(highs_model(self._smaller))
        self._all_columns = np.arange(columns, dtype=np.int32)
        self._cost = np.array(self._smaller.cost, dtype=np.float64)
        self._is_warm = False

    def exchange(self, program: LinearProgram) -> None:
        """Put a program with the same rows and columns in the place of this one; the last basis stays.

        Rows that became bounds of their column must have the same single entry there.
        """
        smaller = with_bounds(program, self._kept, self._taken, self._bounded, self._scale)
        here, there = self._smaller.matrix, smaller.matrix
        is_same = len(here.data) == len(there.data) and all(
            np.array_equal(getattr(here, part), getattr(there, part)) for part in ("data", "indices", "indptr")
        )
        self.program, self._smaller = program, smaller
        if not is_same:
            basis = self._highs.getBasis()
            self._highs.passModel(highs_model(smaller))
            self._cost = np.array(smaller.cost, dtype=np.float64)
            self.start_from(basis)
            return
        rows = np.arange(len(self._kept), dtype=np.int32)
        HotProgram.set_cost(self, smaller.cost)
        self._highs.changeColsBounds(len(self._all_columns), self._all_columns, smaller.col_lower, smaller.col_upper)
        self._highs.changeRowsBounds(len(rows), rows, smaller.row_lower, smaller.row_upper)
        self._highs.changeObjectiveOffset(smaller.offset)

    def basis(self) -> Any:
        """The basis of the last solve, for :meth:`start_from`."""
        return self._highs.getBasis()

    def start_from(self, basis: Any) -> None:
        """Let the next solve begin at a basis of this program or of one that it was exchanged for."""
        if basis.valid:
            self._highs.setBasis(basis)
            self._is_warm = True
        else:
            self.forget()

    def set_cost(self, cost: Floats, columns: Ints | None = None) -> None:
        """Replace the cost of all columns, or of the given ones."""
        where = self._all_columns if columns is None else columns
        # The solver sorts what it is told, which takes as long as a short solve: costs that stay are left out.
        changed = cost != self._cost[where]
        where = where[changed]
        if len(where):
            self._cost[where] = cost[changed]
            self._highs.changeColsCost(len(where), where, self._cost[where])

    def set_row_upper(self, rows: Ints, upper: Floats) -> None:
        """Replace the upper bounds of rows that have no lower one."""
        column = self._column_of[rows]
        as_bound = column >= 0
        if as_bound.any():
            where = column[as_bound]
            lower = self._smaller.col_lower[where]
            bound = upper[as_bound] / self._scale_of[rows[as_bound]]
            # A rounding error below the column's own bound is that bound; more is infeasible, and said to be.
            self._highs.changeColsBounds(len(where), where, lower, np.where(np.abs(bound - lower) < 1e-9, lower, bound))
        if not as_bound.all():
            where = self._row_of[rows[~as_bound]]
            self._highs.changeRowsBounds(len(where), where, np.full(len(where), -np.inf), upper[~as_bound])

    def set_row_lower(self, rows: Ints, lower: Floats) -> None:
        """Replace the lower bounds of rows that have no upper one."""
        where = self._row_of[rows]
        self._highs.changeRowsBounds(len(where), where, np.ascontiguousarray(lower), np.full(len(where), np.inf))

    def set_column_upper(self, columns: Ints, upper: Floats) -> None:
        """Replace the upper bounds of columns that no single-entry row bounds."""
        self._highs.changeColsBounds(
            len(columns), columns, self._smaller.col_lower[columns], np.ascontiguousarray(upper)
        )

    def fix_columns(self, columns: Ints, values: Floats) -> None:
        """Hold columns at values; :meth:`free_columns` undoes it."""
        held = np.ascontiguousarray(values, dtype=float)
        self._highs.changeColsBounds(len(columns), columns, held, held)

    def free_columns(self, columns: Ints) -> None:
        """Give columns the bounds of the program back."""
        lower, upper = self._smaller.col_lower[columns], self._smaller.col_upper[columns]
        self._highs.changeColsBounds(len(columns), columns, lower, upper)

    def forget(self) -> None:
        """Drop the basis, so that the next solve is a cold one."""
        self._highs.clearSolver()
        self._is_warm = False

    def optimise(self) -> SolveStatus:
        """Solve from the current basis and say why it stopped."""
        # Perturbed costs save a cold start from degeneracy, and cost a hot one three quarters of its speed.
        self._highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.0 if self._is_warm else 1.0)
        self._highs.setOptionValue("simplex_dual_edge_weight_strategy", 1 if self._is_warm else -1)
        self._highs.setOptionValue(
            "simplex_iteration_limit", 2 * sum(self._smaller.shape) if self._is_warm else 2**31 - 1
        )
        self._highs.run()
        status = self._status()
        if self._is_warm and status is not SolveStatus.OPTIMAL:
            # A hot start can stall on a degenerate vertex; a cold start decides.
            self.forget()
            return self.optimise()
        if status is SolveStatus.FAILED:
            status = self._decided()
        self._is_warm = status is SolveStatus.OPTIMAL
        return status

    def decide(self, name: str) -> SolveStatus:
        """Solve from the current basis and say what the program has: an optimum, no point, or no bound.

        Raises
        ------
        SolverFailed
            The solver gave up; ``name`` is what it was asked.
        """
        return self.optimise().known(name)

    def _decided(self) -> SolveStatus:
        """What the primal simplex method says of the program as it stands where the first attempt failed or was ambiguous."""
        highs = self._highs
        _, before = highs.getOptionValue("presolve")
        highs.setOptionValue("simplex_strategy", 4)
        highs.setOptionValue("presolve", "off")
        highs.clearSolver()
        highs.run()
        status = self._status()
        highs.setOptionValue("simplex_strategy", 1)
        highs.setOptionValue("presolve", before)
        return status

    def _status(self) -> SolveStatus:
        from highspy import HighsModelStatus as Model

        return {
            Model.kOptimal: SolveStatus.OPTIMAL,
            Model.kInfeasible: SolveStatus.INFEASIBLE,
            Model.kUnbounded: SolveStatus.UNBOUNDED,
            Model.kTimeLimit: SolveStatus.LIMIT,
            Model.kIterationLimit: SolveStatus.LIMIT,
            Model.kObjectiveBound: SolveStatus.BEYOND,
        }.get(self._highs.getModelStatus(), SolveStatus.FAILED)

    @property
    def objective(self) -> float:
        """Objective of the last solve."""
        return float(self._highs.getInfo().objective_function_value)

    @property
    def iterations(self) -> int:
        """Simplex iterations of the last solve."""
        return int(self._highs.getInfo().simplex_iteration_count)

    def primal(self) -> Floats:
        """Column values of the last solve; cheaper than :meth:`solution`."""
        return np.fromiter(self._highs.getSolution().col_value, float, len(self._all_columns))

    def solution(self) -> LinearSolution:
        """The point and the multipliers of the last solve."""
        point = self._highs.getSolution()
        primal, reduced_cost = np.array(point.col_value), np.array(point.col_dual)
        dual = np.zeros(self.program.shape[0])
        dual[self._kept] = point.row_dual
        # A negative reduced cost belongs to the upper bound, and so to the row that became that bound.
        dual[self._taken] = np.minimum(reduced_cost[self._bounded], 0.0) / self._scale
        reduced_cost[self._bounded] = np.maximum(reduced_cost[self._bounded], 0.0)
        activity = self.program.matrix @ primal
        return LinearSolution(self._status(), self.objective, primal, activity, dual, reduced_cost, self.iterations)

    def solve(self, name: str = "linear program") -> LinearSolution:
        """Solve from the current basis.

        Raises
        ------
        InfeasibleProgram
            There is no optimal solution; the message says why.
        SolverFailed
            The solver gave up.
        """
        self.require_optimum(name)
        return self.solution()

    def require_optimum(self, name: str) -> None:
        """Solve from the current basis and leave the point in the solver.

        Raises
        ------
        InfeasibleProgram
            There is no optimal solution; the message says why.
        SolverFailed
            The solver gave up.
        """
        status = self.decide(name)
        if status is not SolveStatus.OPTIMAL:
            raise InfeasibleProgram(name, status.value, "check the instance: coercivity validate, coercivity show")


class ScaledProgram(HotProgram):
    """A hot program in units in which its figures are of ordinary size; callers speak in their own.

    The solver's tolerances are absolute. A program in millionths of a tonne, or in millions of a million, has the same
    answer as in tonnes and millions, and is to be solved as exactly.
    """

    def __init__(
        self, program: LinearProgram, options: Mapping[str, Any] | None = None, rows_to_keep: Ints | None = None
    ) -> None:
        self.scale = scale_of(program)
        super().__init__(self.scale.into(program), options, rows_to_keep)
        self.program = program

    def exchange(self, program: LinearProgram) -> None:
        """As :meth:`HotProgram.exchange`; the units stay."""
        super().exchange(self.scale.into(program))
        self.program = program

    def set_cost(self, cost: Floats, columns: Ints | None = None) -> None:
        """As :meth:`HotProgram.set_cost`."""
        super().set_cost(cost * self.scale.cost, columns)

    def set_row_upper(self, rows: Ints, upper: Floats) -> None:
        """As :meth:`HotProgram.set_row_upper`."""
        super().set_row_upper(rows, upper / self.scale.quantity)

    def set_row_lower(self, rows: Ints, lower: Floats) -> None:
        """As :meth:`HotProgram.set_row_lower`."""
        super().set_row_lower(rows, lower / self.scale.quantity)

    def set_column_upper(self, columns: Ints, upper: Floats) -> None:
        """As :meth:`HotProgram.set_column_upper`."""
        super().set_column_upper(columns, upper / self.scale.quantity)

    def fix_columns(self, columns: Ints, values: Floats) -> None:
        """As :meth:`HotProgram.fix_columns`."""
        super().fix_columns(columns, values / self.scale.quantity)

    @property
    def objective(self) -> float:
        """Objective of the last solve."""
        return super().objective * self.scale.quantity / self.scale.cost

    def primal(self) -> Floats:
        """Column values of the last solve."""
        return super().primal() * self.scale.quantity

    def solution(self) -> LinearSolution:
        """The point and the multipliers of the last solve."""
        found = super().solution()
        return replace(
            found,
            primal=found.primal * self.scale.quantity,
            activity=found.activity * self.scale.quantity,
            dual=found.dual / self.scale.cost,
            reduced_cost=found.reduced_cost / self.scale.cost,
        )


def highs_model(program: LinearProgram) -> Any:
    """The program as HiGHS takes it."""
    from highspy import HighsLp, MatrixFormat

    rows, columns = program.shape
    matrix = sp.csr_array(program.matrix)
    lp = HighsLp()
    lp.num_col_, lp.num_row_, lp.offset_ = columns, rows, program.offset
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.col_lower, program.col_upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = columns, rows
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    return lp


def solve_once(
    program: LinearProgram, name: str = "linear program", options: Mapping[str, Any] | None = None
) -> LinearSolution:
    """Solve a program cold.

    Raises
    ------
    InfeasibleProgram
        There is no optimal solution; the message says why.
    SolverFailed
        The solver gave up.
    """
    return ScaledProgram(program, options).solve(name)
