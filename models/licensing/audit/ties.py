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
        return -solve_once(replace(self._multipliers(), cost=-weight), "greatest worth of multipliers").objective

    def most_capped(self, group: np.ndarray, worth: Floats, cap: Floats) -> float:
        """The greatest Σ worth · min(price, cap) over the optimal multipliers; a price is less the sum of its group's multipliers.

        Parameters
        ----------
        group : number of every row's price, -1 for none
        worth, cap : of every price
        """
        dual, count = self._multipliers(), len(worth)
        rows = np.flatnonzero(group >= 0)
        # One column more for what counts of each price, and one row: it is no more than the price.
        sums = sp.csr_array((np.ones(len(rows)), (group[rows], rows)), shape=(count, dual.shape[1]))
        joined = LinearProgram(
            cost=np.concatenate([np.zeros(dual.shape[1]), -worth]),
            matrix=sp.csr_array(sp.block_array([[dual.matrix, None], [sums, sp.eye_array(count)]])),
            row_lower=np.concatenate([dual.row_lower, np.full(count, -np.inf)]),
            row_upper=np.concatenate([dual.row_upper, np.zeros(count)]),
            col_lower=np.concatenate([dual.col_lower, np.zeros(count)]),
            col_upper=np.concatenate([dual.col_upper, cap]),
        )
        return -solve_once(joined, "greatest worth of capped multipliers").objective

    def _multipliers(self) -> LinearProgram:
        """The optimal multipliers of the rows as the feasible points of a program, at no cost."""
        program, point, activity = self.program, self.solution.primal, self.solution.activity
        small = NONE * units_of(program).quantity
        low, high = _at(point, program.col_lower, small), _at(point, program.col_upper, small)
        row_low, row_high = _at(activity, program.row_lower, small), _at(activity, program.row_upper, small)
        infinite = np.inf
        # What the rows' multipliers leave of a column's cost is its reduced cost: ≥ 0 at the lower bound, ≤ 0 at the upper.
        return LinearProgram(
            cost=np.zeros(program.shape[0]),
            matrix=sp.csr_array(sp.csr_array(program.matrix).T),
            row_lower=np.where(low, -infinite, program.cost),
            row_upper=np.where(high, infinite, program.cost),
            col_lower=np.where(row_high, -infinite, 0.0),
            col_upper=np.where(row_low, infinite, 0.0),
        )

    def least_priced(self, weight: Floats) -> float:
        """The least weight · y over the optimal multipliers y of the rows."""
        return -self.most_priced(-weight)


def _at(value: Floats, bound: Floats, small: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(value - bound) <= small + NONE * np.abs(value))
