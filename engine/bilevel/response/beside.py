"""Pieces beside the best one: some of the sides that hold the follower there are let go, and the leader climbs again from where that leads.

A piece is left for a neighbour by a side of the follower's that is no longer tight. Which one pays is not known, but what each
costs the leader at the piece's best point is; first each of them is let go alone, the dearest first, and then a few at a time.
The leader's own integers stay where they are.

Source: Hansen and Mladenović (2001), *Variable neighborhood search: principles and applications*, European Journal of
Operational Research 130, for going ever further from the best and starting anew where something better is found.
"""

from __future__ import annotations

import numpy as np

from coercivity.engine.bilevel.response.ascent import SAME, Ascent, Piece

SEED = 20_261_130
# As many sides are let go together at the most.
TOGETHER = 5


class Beside:
    """Tries neighbours of a piece, one at a call; the same ones each time.

    Attributes
    ----------
    vain : how many were tried since something better was found
    """

    def __init__(self, ascent: Ascent) -> None:
        self._ascent = ascent
        self._random = np.random.default_rng(SEED)
        self._around: Piece | None = None
        self._alone: list[int] = []
        self._paying = np.zeros(0, dtype=np.intp)
        self.vain = 0

    def better(self, best: Piece) -> Piece | None:
        """A better piece beside the best one, if the next neighbour leads to one."""
        if best is not self._around:
            self._around, self.vain = best, 0
            order = np.argsort(-best.gain, kind="stable")
            self._paying = order[best.gain[order] > SAME * max(1.0, abs(best.value))]
            self._alone = self._paying.tolist()[::-1]
        self.vain += 1
        gone = self._next()
        if gone is None:
            return None
        held = best.held.copy()
        held[gone] = 0.0
        n = len(self._ascent.problem.leader)
        beyond = self._ascent.piece(held, best.point[:n])
        found = None if beyond is None else self._ascent.climbed(beyond.point[:n])
        is_better = found is not None and found.value < best.value - SAME * max(1.0, abs(best.value))
        return found if is_better else None

    def _next(self) -> list[int] | None:
        """Sides to be let go; None where there is nothing left that was not tried."""
        if self._alone:
            return [self._alone.pop()]
        if len(self._paying) < 2:
            return None
        count = min(len(self._paying), int(self._random.integers(2, TOGETHER + 1)))
        return [int(side) for side in self._random.choice(self._paying, count, replace=False)]
