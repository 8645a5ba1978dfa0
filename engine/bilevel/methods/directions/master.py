"""The master of improving directions: the high-point relaxation with a choice of sides for each direction.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: the solver's bound of the master, whose big-Ms are the ranges of rows.
Source: as of :mod:`coercivity.engine.bilevel.methods.directions.method`.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import numpy as np

from coercivity.engine.bilevel.methods.big_m import answered, begin
from coercivity.engine.bilevel.methods.directions.nearby import SLACK, Nearby
from coercivity.engine.bilevel.methods.directions.sides import Finder, Sides
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Positions, high_point
from coercivity.engine.bilevel.response.pool import Pool
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import SolverFailed
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import Halt, MixedSolution, solve_mixed

# The share of the time that goes into asking the follower what a proposed commitment is worth.
ASKING = 0.2
# The share of the limit that each of the first two points may take.
BEGINNING = 0.01
# The share of it that goes into commitments near the continuous optimum.
NEAR = 0.08
# A best point within this share of the continuous optimum is near enough.
ALIKE = 1e-2


class Master:
    """One run: the master, the follower, the best point so far, and the limits."""

    def __init__(self, problem: BilevelProblem, sides: Sides, limits: Limits) -> None:
        self.problem, self.sides, self.limits, self.began = problem, sides, limits, time.perf_counter()
        self.until = self.began + limits.seconds
        self.finder, self.responder = Finder(problem, sides), Responder(problem)
        self.best, self.bound, self.rounds, self.asked = begin(problem, BEGINNING * limits.seconds), -math.inf, 0, 0.0
        self.sheet, self.z = high_point(problem)
        self.binaries: dict[tuple[int, float], int] = {}
        self.pool = Pool(problem, self.responder)
        self.around: tuple[Floats, Iterator[tuple[int, float]]] | None = None
        self.notes: tuple[str, ...] = ()
        # Whether another round would be no use.
        self.is_stuck = False
        self._thread: Thread | None = None
        self._halt = Halt()
        self._found: list[MixedSolution | BaseException] = []

    def left(self) -> float:
        """Seconds left."""
        return self.until - time.perf_counter()

    def run(self, until: float) -> Status:
        """Ask the master and shut the directions that are open at its point, until none is or the clock passes ``until``."""
        self.until = until
        status = Status.LIMIT
        while status is Status.LIMIT and self.propose() and time.perf_counter() < until:
            self.wait(math.inf)
            status = self.take()
        return status

    def propose(self) -> bool:
        """Let the master be solved in a thread of its own, unless it is; False where that is of no more use."""
        if self.is_stuck or self.rounds >= self.limits.nodes:
            return False
        if self._thread is None:
            if not self.rounds:
                self._cut_off()
            self.rounds += 1
            program, flags = self.sheet.program(self.problem.objective.constant), self.sheet.is_integer
            gap, seconds = self.limits.gap / 10, max(self.left(), 0.1)
            self._halt, self._found = Halt(), []
            self._thread = Thread(
                target=_solve, args=(self._found, program, flags, gap, seconds, self._halt), daemon=True
            )
            self._thread.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Whether the master has a point, or ended, within so many seconds."""
        if self._thread is None:
            return False
        self._thread.join(seconds if seconds < math.inf else None)
        return not self._thread.is_alive()

    def halt(self) -> None:
        """End what the master is doing."""
        if self._thread is not None:
            self._halt.set()
            self._thread.join()
            self._thread = None

    def take(self) -> Status:
        """Take in what the master proposed: it is the optimum, or the directions that are open there are shut."""
        self._thread, self.is_stuck = None, True
        found = self._found[0]
        if isinstance(found, SolverFailed):
            self.notes = (f"{found.where}: {found.what}",)
            return Status.LIMIT
        if not isinstance(found, MixedSolution):
            raise found
        if found.status is SolveStatus.INFEASIBLE:
            # The cutoff keeps the best point in, so there is none.
            return self._nothing()
        self.bound = max(self.bound, found.bound)
        if found.point is None or found.status is SolveStatus.UNBOUNDED:
            return Status.LIMIT
        return self._at(found.point[: len(self.z)], found.status)

    def _at(self, z: Floats, proved: SolveStatus) -> Status:
        """What a point of the master says."""
        if self.may_ask():
            self.ask(z)
        self.look_around()
        if self.limits.is_closed(self.best.value, self.bound):
            return Status.OPTIMAL
        known = self.finder.known_at(z)
        status, way = (SolveStatus.OPTIMAL, None) if len(known) else self.finder.open_at(z, max(self.left(), 0.1))
        ways = known if way is None else way[None, :]
        if len(ways):
            self.is_stuck = False
            return Status.LIMIT if all(self._shut(way) for way in ways) else self._nothing()
        if status is SolveStatus.INFEASIBLE:
            # No direction is open: the follower answers best, which it is asked all the same.
            self.ask(z)
            if self.limits.is_closed(self.best.value, self.bound):
                return Status.OPTIMAL
            if proved is SolveStatus.OPTIMAL:
                self.notes = ("a point without an improving direction was not confirmed by the follower",)
        return Status.LIMIT

    def begin_near(self) -> None:
        """Let the follower answer commitments near the continuous optimum, until one of them is worth about as much."""
        seconds = NEAR * self.limits.seconds
        nearby = Nearby(self.problem, seconds / 2.0)
        until = time.perf_counter() + seconds
        for x in nearby.roundings(seconds / 2.0):
            if time.perf_counter() > until:
                break
            self._try(x)
        for slack in SLACK:
            if self.best.value - nearby.value <= ALIKE * abs(nearby.value) or self.left() <= 0.0:
                return
            if (found := nearby.on_piece(slack, min(seconds, self.left()))) is not None:
                self._try(found)

    def _try(self, x: Floats) -> None:
        """Ask for a commitment, unless it is known to be worth no less than the best."""
        if self.pool.keeps(x) and self.pool.bound(x) < self.best.value:
            self.ask(np.r_[x, np.zeros(len(self.problem.follower))])

    def may_ask(self) -> bool:
        """Whether the follower has had less than its share of the time."""
        return self.asked <= ASKING * (time.perf_counter() - self.began)

    def look_around(self) -> None:
        """Ask for commitments one step of one column away from the best one, while there is time for asking."""
        leader = self.problem.leader
        while self.best.point is not None and self.may_ask():
            x = self.best.point[: len(leader)]
            if self.around is None or not np.array_equal(self.around[0], x):
                columns = np.flatnonzero(leader.is_integer)
                self.around = (x, itertools.product(columns.tolist(), (1.0, -1.0)))
            column, step = next(self.around[1], (-1, 0.0))
            if column < 0:
                return
            moved = x.copy()
            moved[column] += step
            if not leader.lower[column] <= moved[column] <= leader.upper[column] or not self.pool.keeps(moved):
                continue
            if self.pool.bound(moved) < self.best.value:
                self.ask(moved)

    def _nothing(self) -> Status:
        """What follows where nothing can stand in the way of a direction: no point is bilevel feasible."""
        self.bound = math.inf
        return Status.INFEASIBLE if self.best.point is None else Status.LIMIT

    def ask(self, z: Floats) -> None:
        """Let the follower answer the commitment of a point."""
        started, before, self.responder.until = time.perf_counter(), self.best.value, self.until
        self.best = answered(self.problem, self.responder, z, self.best)
        if self.best.value < before and self.best.point is not None:
            self.pool.learn(self.best.point[len(self.problem.leader) :])
        self.asked += time.perf_counter() - started
        if self.best.value < before:
            self._cut_off()

    def _cut_off(self) -> None:
        """No optimum is above the best value."""
        if math.isfinite(self.best.cutoff):
            cost = self.problem.objective
            self.sheet.rows(
                [(self.z, cost.linear[None, :])], np.array([-np.inf]), np.array([self.best.cutoff - cost.constant])
            )

    def _shut(self, way: Floats) -> bool:
        """Take in that some side stands in the way of a direction; whether any can."""
        where = np.array([self._reached(int(k), float(way[k])) for k in np.flatnonzero(way > 0.0)], dtype=np.intp)
        if not len(where):
            return False
        self.sheet.rows([(where, np.ones((1, len(where))))], np.array([1.0]), np.array([np.inf]))
        return True

    def _reached(self, side: int, way: float) -> int:
        """A binary that, at 1, holds a side so near its level that a step of this size is too much for it."""
        threshold = float(self.sides.level[side]) + 1.0 - way
        key = (side, threshold)
        if key not in self.binaries:
            room = max(threshold - float(self.sides.least[side]), 0.0)
            column: Positions = self.sheet.columns(np.zeros(1), np.ones(1), is_integer=True)
            terms = [(self.z, self.sides.matrix[[side]]), (column, np.array([[-room]]))]
            self.sheet.rows(terms, np.array([threshold - room]), np.array([np.inf]))
            self.binaries[key] = int(column[0])
        return self.binaries[key]


def _solve(found: list[Any], program: LinearProgram, is_integer: Any, gap: float, seconds: float, halt: Halt) -> None:
    """Put the solution of a program, or why there is none, in a list."""
    try:
        found.append(solve_mixed(program, is_integer, gap=gap, seconds=seconds, halt=halt))
    except BaseException as failure:  # for whoever takes it
        found.append(failure)
