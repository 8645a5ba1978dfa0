"""From one commitment to the best that shares its piece: the rows that bind a linear follower there are held, and the leader moves on.

Where the follower's multipliers at x are not zero for some rows and bounds, every (x', y') that keeps both levels' rows and
has those rows and bounds tight is a best response: the same multipliers prove it, as the follower's costs do not move
with x. So one linear program finds the leader's best point of the piece, and the follower's other answers there lead on to another.

Source: Dempe, *Foundations of Bilevel Programming* (2002), chapter 3, on the descent from one region of stability to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.programs.hot import LinearProgram, LinearSolution, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

# A multiplier is zero up to this, against the greatest of its kind and one.
ZERO = 1e-7
# Pieces that are gone through from one commitment at the most.
MOST_STEPS = 20
# A piece that is better by no more than this, relatively, is not gone on from.
SAME = 1e-9
# What a commitment that is known to the solver's tolerance may miss the follower's last point by, against max(1, |side|).
ROOM = 1e-8


@dataclass(frozen=True)
class Piece:
    """Commitments and answers that the same multipliers of the follower prove, and the leader's best among them.

    Attributes
    ----------
    value, point : of the best, z; claimed by a linear program
    held : of each of the follower's rows and then columns, 1 where it is held at its lower side, −1 at its upper, else 0
    gain : what each held side costs the leader at the point; letting one go gains nothing where this is not positive
    """

    value: float
    point: Floats
    held: Floats
    gain: Floats


class Ascent:
    """Pieces of a leader with linear costs over a linear follower without integers; of others there are none."""

    def __init__(self, problem: BilevelProblem, responder: Responder) -> None:
        self.problem, self.responder = problem, responder
        quadratic = (problem.objective.quadratic.data, problem.follower_objective.quadratic.data)
        self.is_usable = not (any(np.any(part) for part in quadratic) or problem.prices)
        self.is_usable = self.is_usable and not problem.follower.is_integer.any()
        self._whole = np.flatnonzero(problem.leader.is_integer)
        self.solves = 0

    @cached_property
    def _both(self) -> LinearProgram:
        return high_point(self.problem)[0].program(self.problem.objective.constant)

    @cached_property
    def _over(self) -> NodeProgram:
        return NodeProgram(self._both)

    @cached_property
    def _under(self) -> NodeProgram:
        return NodeProgram(self.responder.program(np.zeros(len(self.problem.leader))))

    def climbed(self, x: Floats) -> Piece | None:
        """The last of the pieces that lead on from the one of a commitment, each better than the one before; None where no program says."""
        best: Piece | None = None
        for _ in range(MOST_STEPS):
            piece = self.step(x if best is None else best.point[: len(x)])
            if piece is None or (best is not None and piece.value >= best.value - SAME * max(1.0, abs(best.value))):
                break
            best = piece
        return best

    def step(self, x: Floats) -> Piece | None:
        """The piece of a commitment, shape (n,); None where no program says."""
        if not self.is_usable:
            return None
        answered = self._answered(x)
        return None if answered is None else self.piece(_binding(answered), x)

    def piece(self, held: Floats, x: Floats) -> Piece | None:
        """The leader's best point with sides of the follower's held, and its own integers where they are at x.

        Points of it are best responses only where multipliers of the follower's need no other side.
        """
        n, rows, both = len(x), len(self.problem.rows), self._both
        row_lower, row_upper = both.row_lower.copy(), both.row_upper.copy()
        col_lower, col_upper = both.col_lower.copy(), both.col_upper.copy()
        col_lower[self._whole] = col_upper[self._whole] = x[self._whole]
        count = len(row_lower) - rows
        for lower, upper, side in (
            (row_lower[rows:], row_upper[rows:], held[:count]),
            (col_lower[n:], col_upper[n:], held[count:]),
        ):
            upper[side > 0.0], lower[side < 0.0] = lower[side > 0.0], upper[side < 0.0]
        self._over.set_bounds(col_lower, col_upper)
        self._over.set_row_bounds(row_lower, row_upper)
        self.solves += 1
        if self._over.optimise() is not SolveStatus.OPTIMAL:
            return None
        found = self._over.solution()
        price = np.concatenate([found.dual[rows:], found.reduced_cost[n:]])
        return Piece(found.objective, found.primal, held, -held * price)

    def _answered(self, x: Floats) -> LinearSolution | None:
        """The follower's answer; rows that a commitment misses by a rounding error are given that much room."""
        program, under = self.responder.program(x), self._under
        for room in (0.0, ROOM):
            give = room * np.maximum(1.0, np.abs(np.where(np.isfinite(program.row_upper), program.row_upper, 0.0)))
            under.set_row_bounds(program.row_lower - give, program.row_upper + give)
            self.solves += 1
            status = under.optimise()
            if status is not SolveStatus.INFEASIBLE:
                break
        return under.solution() if status is SolveStatus.OPTIMAL else None


def _binding(answered: LinearSolution) -> Floats:
    """The sides whose multipliers are not zero, as in a piece."""
    found = []
    for multiplier in (answered.dual, answered.reduced_cost):
        size = ZERO * max(1.0, float(np.abs(multiplier).max(initial=0.0)))
        found.append(np.where(np.abs(multiplier) > size, np.sign(multiplier), 0.0))
    return np.concatenate(found)
