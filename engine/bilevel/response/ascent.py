"""From one commitment to the best that shares its piece: the rows that bind a linear follower there are held, and the leader moves on.

Where the follower's multipliers at x are not zero for some rows and bounds, every (x', y') that keeps both levels' rows and
has those rows and bounds tight is a best response: the same multipliers prove it, as the follower's costs do not move
with x. So one linear program finds the leader's best point of the piece, and the follower's other answers there lead on to another.

Source: Dempe, *Foundations of Bilevel Programming* (2002), chapter 3, on the descent from one region of stability to the next.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.programs.hot import HotProgram, LinearProgram, LinearSolution, SolveStatus
from coercivity.engine.programs.mixed import precise

# A multiplier is zero up to this, against the greatest of its kind and one.
ZERO = 1e-7


class Ascent:
    """Pieces of a leader with linear costs over a linear follower without integers; of others there are none."""

    def __init__(self, problem: BilevelProblem, responder: Responder) -> None:
        self.problem, self.responder = problem, responder
        quadratic = (problem.objective.quadratic.data, problem.follower_objective.quadratic.data)
        self.is_usable = not (any(np.any(part) for part in quadratic) or problem.prices)
        self.is_usable = self.is_usable and not problem.follower.is_integer.any()
        self._whole = high_point(problem)[0].program(problem.objective.constant)
        self._under: HotProgram | None = None
        self._over: HotProgram | None = None

    def step(self, x: Floats) -> Floats | None:
        """The commitment of the best point of the piece of x, shape (n,); None where no program says."""
        if not self.is_usable:
            return None
        self._under, answered = _optimum(self._under, self.responder.program(x))
        if answered is None:
            return None
        self._over, found = _optimum(self._over, self._piece(x, answered))
        return None if found is None else found.primal[: len(x)]

    def _piece(self, x: Floats, answered: LinearSolution) -> LinearProgram:
        """The relaxation with what binds the follower held tight, and the leader's integers where they are."""
        n, rows = len(x), len(self.problem.rows)
        program = self._whole
        row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
        col_lower, col_upper = program.col_lower.copy(), program.col_upper.copy()
        whole = np.flatnonzero(self.problem.leader.is_integer)
        col_lower[whole] = col_upper[whole] = x[whole]
        for lower, upper, multiplier in (
            (row_lower[rows:], row_upper[rows:], answered.dual),
            (col_lower[n:], col_upper[n:], answered.reduced_cost),
        ):
            size = ZERO * max(1.0, float(np.abs(multiplier).max(initial=0.0)))
            at_lower, at_upper = multiplier > size, multiplier < -size
            upper[at_lower], lower[at_upper] = lower[at_lower], upper[at_upper]
        return replace(program, row_lower=row_lower, row_upper=row_upper, col_lower=col_lower, col_upper=col_upper)


def _optimum(hot: HotProgram | None, program: LinearProgram) -> tuple[HotProgram, LinearSolution | None]:
    """The solution of a program from the last one's basis; None without one."""
    if hot is None:
        hot = precise(program)
    else:
        hot.exchange(program)
    return hot, hot.solution() if hot.optimise() is SolveStatus.OPTIMAL else None
