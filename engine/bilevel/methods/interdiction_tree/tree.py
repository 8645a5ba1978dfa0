"""The tree over the leader's columns and t, what the follower gains: one hot linear program, cuts that hold everywhere.

Accepts: what :mod:`coercivity.engine.bilevel.methods.interdiction_tree.method` accepts.
Bound: the least linear program of the open nodes, rounded up where values come in steps.
Source: as :mod:`coercivity.engine.bilevel.methods.interdiction_tree.cuts`; Land and Doig (1960) for the tree.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.interdiction_tree.cuts import Bools, Packing
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

WHOLE = 1e-6
# A cut is added where it lifts t by this share of its size.
DEEP = 1e-6
# Rounds of cuts at the root and at another node that is not whole.
ROUNDS, FEW = 60, 6
# Cuts in the program; beyond this those that are slack are put aside.
MOST, KEPT = 400, 150
# Neighbours that are asked before a walk ends where it is, and its share of the time so far.
MOST_ASKED, WALKING = 12, 0.1


@dataclass(order=True)
class Node:
    """An open node: a bound, the leader's bounds, and a basis to start from."""

    bound: float
    order: int
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)
    basis: Any = field(compare=False, default=None)


class Tree:
    """A search in depth from the open node with the best bound.

    Parameters
    ----------
    problem : whose leader pays c·x and loses ``share`` of each unit that the follower gains
    step : what all values are multiples of, but for the objective's constant; 0 where there is none
    """

    def __init__(self, problem: BilevelProblem, packing: Packing, share: float, step: float, limits: Limits) -> None:
        self.problem, self.packing, self.share, self.step = problem, packing, share, step
        self.limits, self._began = limits, time.perf_counter()
        n, leader = len(problem.leader), problem.leader
        self._cost = problem.objective.linear[:n]
        rows = sp.csr_array(problem.rows.matrix)[:, :n]
        self._base = LinearProgram(
            cost=np.append(self._cost, share),
            matrix=sp.csr_array(sp.hstack([rows, sp.csr_array((len(problem.rows), 1))])),
            row_lower=problem.rows.lower,
            row_upper=problem.rows.upper,
            col_lower=np.append(leader.lower, 0.0),
            col_upper=np.append(leader.upper, np.inf),
        )
        self.program = NodeProgram(self._base)
        self._cuts = np.zeros((0, n + 1))
        self._integers = np.flatnonzero(leader.is_integer)
        self._weight = 1.0 + packing.gain @ packing.blocked_by + np.abs(self._cost)
        self._open: list[Node] = []
        self._order = itertools.count()
        self._closed = math.inf
        self._answers: dict[bytes, Bools] = {}
        self.value, self.best, self._is_new = math.inf, np.zeros(0), False
        self.nodes, self.asked = 0, 0
        self.is_finished, self.is_unbounded = False, False

    @property
    def bound(self) -> float:
        """No commitment is worth less, the objective's constant left out."""
        return min([self.value, self._closed, *(node.bound for node in self._open[:1])])

    def run(self) -> None:
        """Search until the bound meets the value or a limit is reached."""
        leader = self.problem.leader
        heapq.heappush(self._open, Node(-math.inf, next(self._order), leader.lower.copy(), leader.upper.copy()))
        dive: Node | None = None
        while self._open or dive is not None:
            node = heapq.heappop(self._open) if dive is None else dive
            if self.nodes >= self.limits.nodes or self._left() <= 0.0:
                heapq.heappush(self._open, node)
                return
            dive = None if self._is_hopeless(node.bound) else self._expand(node)
            if self.is_unbounded:
                return
            if self._is_new:
                self._walk()
        self.is_finished = True

    def _left(self) -> float:
        return self.limits.seconds - (time.perf_counter() - self._began)

    def _is_hopeless(self, bound: float) -> bool:
        if self.value < math.inf:
            room = self.limits.gap / 10.0 * max(1.0, abs(self.value + self.problem.objective.constant))
            if self.value - bound <= room:
                self._closed = min(self._closed, bound)
                return True
        return False

    def _rounded(self, bound: float) -> float:
        return bound if self.step == 0.0 else self.step * math.ceil(bound / self.step - 1e-5)

    def _expand(self, node: Node) -> Node | None:
        """Cut a node's points off until one is bilevel feasible or has to be branched on; the child to dive into."""
        self.nodes += 1
        lower, upper = np.append(node.lower, 0.0), np.append(node.upper, math.inf)
        self.program.set_bounds(lower, upper)
        if node.basis is not None:
            self.program.start_from(node.basis)
        rounds = ROUNDS if self.nodes == 1 else FEW
        for count in itertools.count():
            status = self.program.optimise()
            if status is SolveStatus.UNBOUNDED:
                self.is_unbounded = True
                return None
            if status is not SolveStatus.OPTIMAL:
                if status is not SolveStatus.INFEASIBLE:
                    self._closed = min(self._closed, node.bound)
                return None
            node.bound = max(node.bound, self._rounded(self.program.objective))
            if self._is_hopeless(node.bound):
                return None
            point = self.program.primal()
            if self._left() <= 0.0:
                heapq.heappush(self._open, node)
                return None
            part = np.abs(point[self._integers] - np.round(point[self._integers]))
            is_whole = bool(part.max(initial=0.0) <= WHOLE)
            if (count < rounds or is_whole) and self._separate(point, is_whole):
                continue
            return None if is_whole else self._branch(node, point, part)
        raise AssertionError("a node ends by itself")

    def _separate(self, point: Floats, is_whole: bool) -> bool:
        """Whether a cut takes a point off; a whole one that none does is worth what it says, or stays open in the bound."""
        x, t = point[:-1], float(point[-1])
        worth = self.packing.left(x)
        if self._add(self.packing.greedy(worth), x, t):
            return True
        if not is_whole:
            self._try(x, worth)
            return False
        x = x.copy()
        x[self._integers] = np.round(x[self._integers])
        gain, packing = self._answer(x)
        if packing is not None and self._add(packing, x, t):
            return True
        if packing is None or gain > t + DEEP * max(1.0, abs(gain)):
            # What the follower gains there is not known, or not to within the cut: t is all that is proved.
            self._closed = min(self._closed, float(self._cost @ x) + self.share * t)
        return False

    def _answer(self, x: Floats) -> tuple[float, Bools | None]:
        """What the follower gains at a whole x, at the most, and the packing that is best; both noted."""
        key = np.asarray(self.packing.blocked_by @ x > 0.5).tobytes()
        packing = self._answers.get(key)
        if packing is None:
            self.asked += 1
            packing = self.packing.best(x, self._left())
            if packing is None:
                return math.inf, None
            self._answers[key] = packing
        gain = float(self.packing.left(x) @ packing)
        value = float(self._cost @ x) + self.share * gain
        if value < self.value:
            self.value, self.best, self._is_new = value, x, True
        return gain, self.packing.maximal(packing)

    def _walk(self) -> None:
        """From the best commitment to its neighbours, one binary moved or two exchanged, as long as that is worth something.

        The cuts say of most of them that they are worth no less; the others are asked, those first of which they say least.
        """
        until = time.perf_counter() + WALKING * max(1.0, min(self.limits.seconds, time.perf_counter() - self._began))
        while self._is_new and len(self.best):
            self._is_new = False
            near = self._neighbours(self.best)
            for _ in range(MOST_ASKED):
                if not len(near) or time.perf_counter() > until or self._is_new:
                    break
                gain = (self._cuts[:, -1] - near @ self._cuts[:, :-1].T).max(axis=1, initial=0.0)
                least = near @ self._cost + self.share * gain
                at = int(least.argmin())
                if least[at] >= self.value - 1e-9 * max(1.0, abs(self.value)):
                    break
                packing = self._answer(near[at])[1]
                if packing is not None:
                    self._add(packing, near[at], 0.0)
                near = np.delete(near, at, axis=0)

    def _neighbours(self, x: Floats) -> Floats:
        """Whole commitments that keep the leader's rows and differ from x in one binary, or in two that change places."""
        leader, rows = self.problem.leader, self.problem.rows
        free = np.flatnonzero(self.packing.blocked_by.any(axis=0) & (leader.lower < leader.upper))
        one, zero = free[x[free] > 0.5], free[x[free] < 0.5]
        moves = [(j,) for j in free] + [(i, j) for i in one for j in zero]
        near = np.repeat(x[None, :], len(moves), axis=0)
        for k, move in enumerate(moves):
            near[k, list(move)] = 1.0 - near[k, list(move)]
        activity, room = near @ self._base.matrix[:, :-1].toarray().T, 1e-9
        kept = np.all((activity >= rows.lower - room) & (activity <= rows.upper + room), axis=1)
        return np.asarray(near[kept])

    def _try(self, x: Floats, worth: Floats) -> None:
        """Round what is not whole to a commitment that keeps the leader's rows, and ask it if it looks better than the best."""
        rounded = self._kept(x)
        if rounded is None:
            return
        gain = float(self.packing.left(rounded) @ self.packing.greedy(self.packing.left(rounded)))
        if float(self._cost @ rounded) + self.share * gain < self.value - 1e-9 * max(1.0, abs(self.value)):
            self._answer(rounded)

    def _kept(self, x: Floats) -> Floats | None:
        """A whole commitment near x within the leader's rows: binaries are set from the greatest on, as long as rows allow."""
        rows, leader = self.problem.rows, self.problem.leader
        if not leader.is_integer.all():
            return None
        matrix = self._base.matrix[:, :-1].toarray()
        low = np.ceil(leader.lower - WHOLE)
        found, activity = low.copy(), matrix @ low
        for j in np.argsort(-(x - low)):
            if x[j] - low[j] < 0.05:
                break
            reach = min(np.round(x[j] + 0.45), np.floor(leader.upper[j] + WHOLE)) - low[j]
            moved = activity + reach * matrix[:, j]
            if reach > 0.0 and np.all(moved <= rows.upper + 1e-9):
                found[j], activity = low[j] + reach, moved
        return found if np.all(activity >= rows.lower - 1e-9) and np.all(activity <= rows.upper + 1e-9) else None

    def _add(self, packing: Bools, x: Floats, t: float) -> bool:
        """Add the cut of a packing, where it takes the point off."""
        coefficients, constant = self.packing.cut(packing, x)
        if t + float(coefficients @ x) >= constant - DEEP * max(1.0, abs(constant)):
            return False
        if self.program.height - self._base.shape[0] > MOST:
            slack = self._cuts[:, :-1] @ x + t - self._cuts[:, -1]
            self._cuts = self._cuts[np.argsort(slack, kind="stable")[:KEPT]]
            self.program.drop_rows(self._base.shape[0])
            self._append(self._cuts)
        new = np.append(coefficients, constant)[None, :]
        self._cuts = np.vstack([self._cuts, new])
        self._append(new)
        return True

    def _append(self, cuts: Floats) -> None:
        matrix = sp.csr_array(np.hstack([cuts[:, :-1], np.ones((len(cuts), 1))]))
        self.program.add_rows(matrix, cuts[:, -1].copy(), np.full(len(cuts), np.inf))

    def _branch(self, node: Node, point: Floats, part: Floats) -> Node:
        k = int(self._integers[int((part * self._weight[self._integers]).argmax())])
        below, basis = float(np.floor(point[k])), self.program.basis()
        down = Node(node.bound, next(self._order), node.lower, node.upper.copy(), basis)
        up = Node(node.bound, next(self._order), node.lower.copy(), node.upper, basis)
        down.upper[k], up.lower[k] = below, below + 1.0
        first, second = (up, down) if point[k] - below >= 0.5 else (down, up)
        heapq.heappush(self._open, second)
        return first
