"""How far a figure ranges over the buyers' best responses, for the audit: written from the optimality conditions.

A point and multipliers that are both optimal pair up: a column away from its bounds has no reduced cost, a row away from its
sides no multiplier. So given one optimal pair the optimal points are those that complement its multipliers, and the optimal
multipliers those that complement its point, a polyhedron that is spelt out here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import Floats, LinearProgram, LinearSolution, solve_once
from coercivity.engine.programs.linear import units_of

# Against the size of the costs, or of the quantities: what counts as none.
NONE = 1e-6


@dataclass(frozen=True)
class Pair:
    """One optimal point with its multipliers, as the solver gave them."""

    program: LinearProgram
    solution: LinearSolution

    def most(self, gain: Floats) -> float:
        """The greatest gain · x over the optimal points."""
        program, costly = self.program, NONE * units_of(self.program).cost
        moves = np.abs(self.solution.reduced_cost) <= costly
        priced_up, priced_down = self.solution.dual > costly, self.solution.dual < -costly
        held = replace(
            program,
            cost=-gain,
            offset=0.0,
            col_lower=np.where(moves, program.col_lower, self.solution.primal),
            col_upper=np.where(moves, program.col_upper, self.solution.primal),
            row_lower=np.where(priced_down, program.row_upper, program.row_lower),
            row_upper=np.where(priced_up, program.row_lower, program.row_upper),
        )
        return -solve_once(held, "greatest gain over best responses").objective

    def least(self, gain: Floats) -> float:
        """The least gain · x over the optimal points."""
        return -self.most(-gain)

    def most_priced(self, weight: Floats) -> float:
        """The greatest weight · y over the optimal multipliers y of the rows."""
        program, point, activity = self.program, self.solution.primal, self.solution.activity
        small = NONE * units_of(program).quantity
        low, high = _at(point, program.col_lower, small), _at(point, program.col_upper, small)
        row_low, row_high = _at(activity, program.row_lower, small), _at(activity, program.row_upper, small)
        infinite = np.inf
        # What the rows' multipliers leave of a column's cost is its reduced cost: ≥ 0 at the lower bound, ≤ 0 at the upper.
        dual = LinearProgram(
            cost=-weight,
            matrix=sp.csr_array(sp.csr_array(program.matrix).T),
            row_lower=np.where(low, -infinite, program.cost),
            row_upper=np.where(high, infinite, program.cost),
            col_lower=np.where(row_high, -infinite, 0.0),
            col_upper=np.where(row_low, infinite, 0.0),
        )
        return -solve_once(dual, "greatest worth of multipliers").objective

    def least_priced(self, weight: Floats) -> float:
        """The least weight · y over the optimal multipliers y of the rows."""
        return -self.most_priced(-weight)


def _at(value: Floats, bound: Floats, small: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(value - bound) <= small + NONE * np.abs(value))
