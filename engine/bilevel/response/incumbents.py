"""The best bilevel-feasible point that a tree has met: a commitment on the way is answered, and walked on from.

Source: Bard and Moore (1990) for answering the commitments of a tree's nodes; :mod:`coercivity.engine.bilevel.response.ascent`
and :mod:`coercivity.engine.bilevel.response.beside` for what is done with each.
"""

from __future__ import annotations

import time

import numpy as np

from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.response.ascent import SAME, Ascent, Piece
from coercivity.engine.bilevel.response.beside import Beside
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.errors import InfeasibleProgram, SolverFailed

# However rarely, one in so many commitments is answered.
OFTEN = 40
# A tree that is finished with so few programs needs no neighbours.
FEW = 60
# Programs for neighbours of the best piece, as a share of a tree's own; after so many vain ones only half as large, and so on.
SHARE, PATIENCE = 2.0, 20


class Incumbents:
    """The best bilevel-feasible point so far, from the follower's answers to commitments met in a tree."""

    def __init__(self, problem: BilevelProblem) -> None:
        self.problem, self.responder = problem, Responder(problem)
        self._ascent = Ascent(problem, self.responder)
        self._beside = Beside(self._ascent)
        self._piece: Piece | None = None
        self._spent = 0.0
        self._calls = 0
        self._whole = np.flatnonzero(problem.leader.is_integer)
        self.value = np.inf
        self.point: Floats | None = None
        self.prices: Floats | None = None
        self.answers = 0
        self.seconds = 0.0

    def meet(self, z: Floats) -> None:
        """Let the follower answer the commitment in a node's point: at the first nodes, then ever more rarely."""
        self._calls += 1
        if self._calls & (self._calls - 1) == 0 or self._calls % OFTEN == 0:
            self.ask(z)

    def ask(self, z: Floats) -> None:
        """Let the follower answer the commitment in a point, and walk on from there while the leader gains."""
        x = self.rounded(z)[: len(self.problem.leader)]
        before = time.perf_counter()
        piece = self._ascent.climbed(x)
        self.seconds += time.perf_counter() - before
        if piece is None:
            self._answer(x)
        else:
            self._consider(piece)

    def look_beside(self, programs: int) -> None:
        """Try neighbours of the best piece, as long as they take no more than a share of the programs that a tree has solved."""
        while self._piece is not None and self._spent < programs - FEW:
            before, solved = time.perf_counter(), self._ascent.solves
            found = self._beside.better(self._piece)
            self.seconds += time.perf_counter() - before
            share = SHARE * PATIENCE / (PATIENCE + self._beside.vain)
            self._spent += max(1, self._ascent.solves - solved) / share
            if found is not None:
                self._consider(found)

    @property
    def programs(self) -> int:
        """Programs solved for points."""
        return self.answers + self._ascent.solves

    def _consider(self, piece: Piece) -> None:
        """Keep a piece that is the best so far; its value counts once the follower has answered."""
        if self._is_less(piece.value, self.value):
            self._answer(self.rounded(piece.point)[: len(self.problem.leader)])
        is_confirmed = self.value <= piece.value + 1e-6 * max(1.0, abs(piece.value))
        if is_confirmed and (self._piece is None or self._is_less(piece.value, self._piece.value)):
            self._piece = piece

    def _is_less(self, value: float, known: float) -> bool:
        return known == np.inf or value < known - SAME * max(1.0, abs(known))

    def rounded(self, z: Floats) -> Floats:
        """A point z with the leader's integers whole."""
        point = np.array(z[: self.problem.width])
        point[self._whole] = np.round(point[self._whole])
        return point

    def take(self, value: float, point: Floats, prices: Floats | None = None) -> None:
        """Keep a bilevel-feasible point, where it is worth less than the best so far."""
        if value < self.value:
            self.value, self.point, self.prices = value, point, prices

    def polish(self) -> None:
        """Let the follower answer the best commitment once more: its optimum is exact where a node's point is a solver's."""
        if self.point is not None:
            before, self.value = self.value, np.inf
            kept = self.point, self.prices
            self._answer(self.point[: len(self.problem.leader)])
            if self.value > before + 1e-7 * max(1.0, abs(before)):
                self.value = np.inf
                self.take(before, *kept)

    def _answer(self, x: Floats) -> None:
        before = time.perf_counter()
        self.answers += 1
        try:
            found = self.responder.incumbent(np.clip(x, self.problem.leader.lower, self.problem.leader.upper))
        except (InfeasibleProgram, SolverFailed):
            return
        finally:
            self.seconds += time.perf_counter() - before
        if found.point is not None:
            self.take(found.value, found.point, found.prices)
