"""Pieces beside the best one: some of the sides that hold the follower there are let go, and the leader climbs again from where that leads.

A piece is left for a neighbour by a side of the follower's that is no longer tight. Which one pays is not known, but what each
costs the leader at the piece's best point is. Each of them is let go alone, the dearest first, until that leads to a better
piece; where none does, a few are let go together, and the search goes on from wherever that leads, better or not. Around
pieces that are not the best one only the dearest sides are tried. The leader's own integers stay where they are.

Source: Lourenço, Martin and Stützle (2003), *Iterated local search*, in the Handbook of Metaheuristics.
"""

from __future__ import annotations

import numpy as np

from coercivity.engine.bilevel.response.ascent import SAME, Ascent, Piece

SEED = 20_261_130
# As many sides are let go together at the most.
TOGETHER = 8
# As many are tried alone around a piece that is not the best one.
DEAREST = 5
# How often one goes back to the best piece before sides are let go together.
HOME = 0.3


class Beside:
    """Tries one neighbour at a call; the same ones each time.

    Attributes
    ----------
    vain : how many were tried since something better than the best was found
    """

    def __init__(self, ascent: Ascent) -> None:
        self._ascent = ascent
        self._random = np.random.default_rng(SEED)
        self._best: Piece | None = None
        self._at: Piece | None = None
        self._alone: list[int] = []
        self.vain = 0

    def better(self, best: Piece) -> Piece | None:
        """A better piece than the best one, if the next neighbour leads to one."""
        if best is not self._best or self._at is None:
            self._best, self._at, self.vain = best, best, 0
            self._alone = _paying(best)[::-1]
        self.vain += 1
        if self._alone:
            found = self._without(self._at, [self._alone.pop()])
            is_next = found is not None and _is_less(found, self._at)
        else:
            base = best if self._random.uniform() < HOME or len(_paying(self._at)) < 2 else self._at
            found = self._beyond(base)
            is_next = found is not None
        if found is None or not is_next:
            return None
        self._at, self._alone = found, _paying(found)[:DEAREST][::-1]
        return found if _is_less(found, best) else None

    def _beyond(self, base: Piece) -> Piece | None:
        """Where letting a few sides go together leads."""
        paying = _paying(base)
        if len(paying) < 2:
            return None
        count = min(len(paying), int(self._random.integers(2, TOGETHER + 1)))
        return self._without(base, [int(side) for side in self._random.choice(paying, count, replace=False)])

    def _without(self, base: Piece, gone: list[int]) -> Piece | None:
        """Where letting sides of a piece go leads."""
        held, n = base.held.copy(), len(self._ascent.problem.leader)
        held[gone] = 0.0
        relaxed = self._ascent.piece(held, base.point[:n])
        return None if relaxed is None else self._ascent.climbed(relaxed.point[:n])


def _paying(piece: Piece) -> list[int]:
    """The held sides that cost the leader something, the dearest first."""
    order = np.argsort(-piece.gain, kind="stable")
    return [int(side) for side in order if piece.gain[side] > SAME * max(1.0, abs(piece.value))]


def _is_less(found: Piece, known: Piece) -> bool:
    return found.value < known.value - SAME * max(1.0, abs(known.value))
