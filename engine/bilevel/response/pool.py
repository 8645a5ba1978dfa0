"""What a commitment is worth to the leader at the least, from the follower's answers to other commitments, without asking it.

An answer w that fits at x costs the follower d·w, so that it pays no more than that there: φ(x) ≤ d·w. The leader can then
get no less than its least over all y that keep both levels' rows at x and d·y ≤ d·w, a linear program; where the two
want opposite things, −k d·w with no program at all. Whether an answer fits is not believed but multiplied out. Before
that it is lowered where x leaves less room to a single column, so that one answer serves many commitments.

Source: Lozano and Smith (2017), *A value-function-based exact approach for the bilevel mixed-integer programming problem*,
Operations Research 65, for bounds from the follower's earlier answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.response.optimal_set import ROW, TOUCH, leader_rows, with_rows, without_zeros
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.programs.hot import HotProgram, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.programs.weak_duality import dual_bound

# So many answers are kept, the last that were of use first.
MOST = 200
# A row is kept by an answer of whole numbers to within this, by another to a rounding error.
WHOLE, REAL = 1e-9, 1e-13


@dataclass(frozen=True)
class _Caps:
    """Rows of the follower with one column y each, as bounds of it: row, column, coefficient; shapes (caps,)."""

    row: np.ndarray
    column: np.ndarray
    coefficient: Floats


class Pool:
    """Answers of a linear follower with integers; of any other one it keeps none, and bounds nothing."""

    def __init__(self, problem: BilevelProblem, responder: Responder) -> None:
        self.problem, self.responder = problem, responder
        n, rows = len(problem.leader), problem.follower_rows
        self.is_usable = problem.follower.is_integer.any() and not (
            problem.prices
            or np.any(problem.objective.quadratic.data)
            or np.any(problem.follower_objective.quadratic.data)
        )
        self.answers = np.zeros((0, len(problem.follower)))
        self._matrix = without_zeros(sp.csr_array(rows.matrix)[:, n:])
        self._linking = sp.csr_array(sp.csr_array(rows.matrix)[:, :n])
        self._cost = problem.follower_objective.linear[n:]
        single = np.flatnonzero(np.diff(self._matrix.indptr) == 1)
        at = self._matrix.indptr[single]
        self._caps = _Caps(single, self._matrix.indices[at], self._matrix.data[at])
        own = problem.rows.matrix[:, n:] if len(problem.rows) else sp.csr_array((0, len(problem.follower)))
        self._own = np.flatnonzero(abs(own).sum(axis=1) == 0.0)
        self._own_matrix = sp.csr_array(problem.rows.matrix)[self._own][:, :n] if len(self._own) else None
        self._opposed = opposition(problem)
        self._hot: HotProgram | None = None

    def keeps(self, x: Floats) -> bool:
        """Whether a commitment keeps the leader's rows in which nothing of the follower's stands."""
        if self._own_matrix is None:
            return True
        activity, rows = self._own_matrix @ x, self.problem.rows
        room = WHOLE * (1.0 + abs(self._own_matrix).sum(axis=1))
        return bool(
            np.all(activity >= rows.lower[self._own] - room) and np.all(activity <= rows.upper[self._own] + room)
        )

    def learn(self, answer: Floats | None) -> None:
        """Keep an answer of the follower's, shape (m,)."""
        if answer is None or not self.is_usable:
            return
        whole = np.where(self.problem.follower.is_integer, np.round(answer), answer)
        self.answers = np.vstack([whole, self.answers[: MOST - 1]])

    def bound(self, x: Floats) -> float:
        """The leader gets no less than this from a commitment, shape (n,); −inf where no answer says anything."""
        if not len(self.answers):
            return -math.inf
        lowered = self._lowered(x)
        fits = self._fits(x, lowered)
        if not fits.any():
            return -math.inf
        costs = np.where(fits, lowered @ self._cost, math.inf)
        best = int(costs.argmin())
        # What was of use stays longest.
        self.answers = np.vstack([self.answers[best], np.delete(self.answers, best, axis=0)])
        own = float(self.problem.objective.linear[: len(x)] @ x + self.problem.objective.constant)
        if self._opposed is not None:
            return own - self._opposed * float(costs[best])
        return self._least(x, float(costs[best]), own)

    def _lowered(self, x: Floats) -> Floats:
        """The answers with each column within what its bounds and the rows with that column alone leave it at x."""
        caps, rows, own = self._caps, self.problem.follower_rows, self.problem.follower
        given = (self._linking @ x)[caps.row]
        ends = np.array([rows.lower[caps.row] - given, rows.upper[caps.row] - given]) / caps.coefficient
        high, low = np.array(own.upper), np.array(own.lower)
        np.minimum.at(high, caps.column, ends.max(axis=0))
        np.maximum.at(low, caps.column, ends.min(axis=0))
        whole = own.is_integer
        high[whole], low[whole] = np.floor(high[whole] + WHOLE), np.ceil(low[whole] - WHOLE)
        return np.asarray(np.minimum(np.maximum(self.answers, low), high))

    def _fits(self, x: Floats, answers: Floats) -> np.ndarray:
        """Which answers the follower's rows and bounds allow at x, shape (answers,)."""
        rows, own = self.problem.follower_rows, self.problem.follower
        activity = (self._matrix @ answers.T).T + self._linking @ x
        room = WHOLE if own.is_integer.all() else REAL
        size = room * (1.0 + np.abs(activity))
        kept = np.all(activity >= rows.lower - size, axis=1) & np.all(activity <= rows.upper + size, axis=1)
        inside = np.all(answers >= own.lower, axis=1) & np.all(answers <= own.upper, axis=1)
        return np.asarray(kept & inside)

    def _least(self, x: Floats, cost: float, own: float) -> float:
        """The leader's least at x over both levels' rows and what costs the follower no more; by weak duality."""
        program = self.responder.program(x)
        rows = leader_rows(self.problem, x)
        # As much room as an answer that is asked for has at the leader's rows.
        room, give = 1e-9 * max(1.0, abs(cost)), rows.tolerance * (TOUCH / ROW)
        matrix = sp.csr_array(sp.vstack([rows.matrix, sp.csr_array(self._cost[None, :])]))
        found: LinearProgram = replace(
            with_rows(program, matrix, np.r_[rows.lower - give, -np.inf], np.r_[rows.upper + give, cost + room]),
            cost=self.problem.objective.linear[len(x) :],
            offset=own,
        )
        if self._hot is None:
            self._hot = precise(found)
        else:
            self._hot.exchange(found)
        if self._hot.optimise() is not SolveStatus.OPTIMAL:
            return -math.inf
        solved = self._hot.solution()
        return dual_bound(found, solved.dual, solved.reduced_cost)


def opposition(problem: BilevelProblem) -> float | None:
    """The k of a leader who loses k for every unit that the follower gains, whatever the rest; None without one."""
    gain, cost = (one.linear[len(problem.leader) :] for one in (problem.objective, problem.follower_objective))
    at = int(np.abs(cost).argmax())
    share = -gain[at] / cost[at] if cost[at] else 0.0
    return float(share) if share > 0.0 and np.array_equal(gain, -share * cost) else None
