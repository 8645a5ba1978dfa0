"""The best bilevel-feasible point that a tree has met: a commitment on the way is answered, and walked on from.

Source: Bard and Moore (1990) for answering the commitments of a tree's nodes; :mod:`coercivity.engine.bilevel.response.ascent`.
"""

from __future__ import annotations

import time

import numpy as np

from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.response.ascent import Ascent
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.errors import InfeasibleProgram, SolverFailed

# Pieces that are gone through from one commitment at the most.
MOST_STEPS = 20
# However rarely, one in so many commitments is answered.
OFTEN = 40


class Incumbents:
    """The best bilevel-feasible point so far, from the follower's answers to commitments met in a tree."""

    def __init__(self, problem: BilevelProblem) -> None:
        self.problem, self.responder = problem, Responder(problem)
        self._ascent = Ascent(problem, self.responder)
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
        """Let the follower answer the commitment in a point, and walk on from there."""
        x = self.rounded(z)[: len(self.problem.leader)]
        self._answer(x)
        self._ascend(x)

    def rounded(self, z: Floats) -> Floats:
        """A point z with the leader's integers whole."""
        point = np.array(z[: self.problem.width])
        point[self._whole] = np.round(point[self._whole])
        return point

    def _ascend(self, x: Floats) -> None:
        """Go from piece to piece while the leader gains; what it gains only counts once the follower has answered."""
        for _ in range(MOST_STEPS):
            before, started = self.value, time.perf_counter()
            onward = self._ascent.step(x)
            self.seconds += time.perf_counter() - started
            if onward is None:
                return
            x = onward
            x[self._whole] = np.round(x[self._whole])
            self._answer(x)
            if not self.value < before:
                return

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
