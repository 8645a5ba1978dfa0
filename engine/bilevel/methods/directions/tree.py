"""The tree of improving directions: a node bounds columns and sides, and its linear program is one matrix throughout.

A direction D that is open at a node's point splits it: one child for each side in D's way, in which that side is so near its level that D
is too much for it, and the sides before it are not. Directions are kept; where none that is known is open, a column that is not
whole is branched on, the leader's first, and at a whole point another direction is looked for. Where there is none, the point is
bilevel feasible and the node is done.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: the least linear program of the open nodes, rounded up where values come in steps; rests on no assumption.
Source: as of :mod:`coercivity.engine.bilevel.methods.directions.method`, without its intersection cuts: a split does their work.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.big_m import Start
from coercivity.engine.bilevel.methods.directions.sides import Finder, Sides
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

WHOLE = 1e-6
# One in so many nodes proposes its commitment to the follower, though it is not whole.
OFTEN = 25


@dataclass(order=True)
class Node:
    """A solved node: its bound, its point and basis, and bounds of the sides' activities and of all columns."""

    bound: float
    order: int
    point: Floats = field(compare=False)
    basis: Any = field(compare=False)
    low: Floats = field(compare=False)
    high: Floats = field(compare=False)
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)


class Tree:
    """A search in depth from the open node with the best bound, which may be interrupted and gone on with.

    Parameters
    ----------
    best : tells the best bilevel-feasible point so far
    ask : lets the follower answer the commitment of a point, now (True) or only where there is time for it
    """

    def __init__(
        self,
        problem: BilevelProblem,
        sides: Sides,
        finder: Finder,
        limits: Limits,
        best: Callable[[], Start],
        ask: Callable[[Floats, bool], None],
    ) -> None:
        self.problem, self.sides, self.finder, self.limits = problem, sides, finder, limits
        self._best, self._ask = best, ask
        self._base, self._first = self._relaxation()
        self.program = NodeProgram(self._base)
        self._integers = np.flatnonzero(np.r_[problem.leader.is_integer, problem.follower.is_integer])
        is_whole = np.r_[problem.leader.is_integer, problem.follower.is_integer]
        self._step = step_of_cost(problem.objective.linear, is_whole) or 0.0
        self._order = itertools.count()
        self._open: list[Node] = []
        self._dive: Node | None = None
        self._closed, self._until = math.inf, math.inf
        self._proposed: set[bytes] = set()
        self.nodes, self.is_begun, self.is_finished, self.is_unbounded = 0, False, False, False

    def _relaxation(self) -> tuple[LinearProgram, int]:
        """Rows of the leader, those of the follower without its columns, and all sides, the first of them at a position."""
        problem, sides, n = self.problem, self.sides, len(self.problem.leader)
        under = sp.csr_array(problem.follower_rows.matrix)
        plain = np.flatnonzero(np.asarray(abs(under[:, n:]).sum(axis=1)).ravel() == 0.0)
        matrix = sp.vstack([sp.csr_array(problem.rows.matrix), under[plain], sp.csr_array(sides.matrix)])
        program = LinearProgram(
            cost=problem.objective.linear,
            matrix=sp.csr_array(matrix),
            row_lower=np.r_[problem.rows.lower, problem.follower_rows.lower[plain], np.full(len(sides.level), -np.inf)],
            row_upper=np.r_[problem.rows.upper, problem.follower_rows.upper[plain], sides.level],
            col_lower=np.r_[problem.leader.lower, problem.follower.lower],
            col_upper=np.r_[problem.leader.upper, problem.follower.upper],
            offset=problem.objective.constant,
        )
        return program, len(problem.rows) + len(plain)

    @property
    def bound(self) -> float:
        """No bilevel-feasible point costs less."""
        if self.is_unbounded or not self.is_begun:
            return -math.inf
        waiting = [node.bound for node in (*self._open[:1], *([self._dive] if self._dive else []))]
        return min([self._best().value, self._closed, *waiting])

    def run(self, until: float) -> None:
        """Search until the bound meets the value, the clock passes ``until``, or the nodes are used up."""
        self._until = until
        if not self.is_begun:
            base, count = self._base, len(self.sides.level)
            root = self._solved(
                None, -math.inf, np.full(count, -np.inf), self.sides.level, base.col_lower, base.col_upper
            )
            self.is_begun = True
            if root is not None:
                heapq.heappush(self._open, root)
        while (self._open or self._dive is not None) and not self.is_unbounded:
            if self.nodes >= self.limits.nodes or time.perf_counter() > until:
                return
            node = heapq.heappop(self._open) if self._dive is None else self._dive
            self._dive = None if self._is_hopeless(node.bound) else self._expand(node)
        self.is_finished = not self.is_unbounded

    def _is_hopeless(self, bound: float) -> bool:
        value = self._best().value
        if value < math.inf and value - bound <= self.limits.gap / 10.0 * max(1.0, abs(value)):
            self._closed = min(self._closed, bound)
            return True
        return False

    def _rounded(self, bound: float) -> float:
        if self._step == 0.0:
            return bound
        constant = self.problem.objective.constant
        return self._step * math.ceil((bound - constant) / self._step - 1e-5) + constant

    def _solved(self, basis: Any, floor: float, low: Floats, high: Floats, lower: Floats, upper: Floats) -> Node | None:
        """A node's program from a basis; None without a point, or where the solver gave up and its parent stays in the bound."""
        if np.any(low > high) or np.any(lower > upper):
            return None
        row_lower, row_upper = self._base.row_lower.copy(), self._base.row_upper.copy()
        row_lower[self._first :], row_upper[self._first :] = low, high
        self.program.set_bounds(lower, upper)
        self.program.set_row_bounds(row_lower, row_upper)
        if basis is not None:
            self.program.start_from(basis)
        status = self.program.optimise()
        if status is SolveStatus.OPTIMAL:
            bound = max(floor, self._rounded(self.program.objective))
            return Node(bound, next(self._order), self.program.primal(), self.program.basis(), low, high, lower, upper)
        if status is SolveStatus.UNBOUNDED and not self.is_begun:
            self.is_unbounded = True
        elif status is not SolveStatus.INFEASIBLE:
            self._closed = min(self._closed, floor)
        return None

    def _expand(self, node: Node) -> Node | None:
        """Split a node, or close it; its child with the least bound, which is not among the open ones yet."""
        self.nodes += 1
        known = self._open_direction(node)
        if known is not None:
            return self._split(node, known)
        n, z = len(self.problem.leader), node.point
        part = np.abs(z[self._integers] - np.round(z[self._integers]))
        is_off = part > WHOLE
        if is_off.any():
            is_leaders = self._integers < n
            if not (is_off & is_leaders).any() or self.nodes % OFTEN == 1:
                self._propose(z)
            where = is_off & is_leaders if (is_off & is_leaders).any() else is_off
            return self._branch(node, int(self._integers[int(np.where(where, part, -1.0).argmax())]))
        whole = z.copy()
        whole[self._integers] = np.round(z[self._integers])
        self._ask(whole, False)
        if self._is_hopeless(node.bound):
            return None
        status, way = self.finder.open_at(whole, max(0.1, self._until - time.perf_counter()))
        if way is None:
            if status is SolveStatus.INFEASIBLE:
                # No direction is open: the point is bilevel feasible, and the follower is asked for it all the same.
                self._ask(whole, True)
            self._closed = min(self._closed, node.bound)
            return None
        return self._split(node, way)

    def _propose(self, z: Floats) -> None:
        """Let the follower answer the commitment that is nearest to a point, unless it has."""
        x = np.round(z[: len(self.problem.leader)])
        if (key := x.tobytes()) not in self._proposed:
            self._proposed.add(key)
            self._ask(z, False)

    def _live(self, node: Node, ways: Floats) -> Any:
        """Which sides can still stand in the way of directions, shape of ``ways``."""
        return (ways > 0.0) & (node.high >= self.sides.level + 1.0 - ways - WHOLE)

    def _open_direction(self, node: Node) -> Floats | None:
        """What a known direction that is open at a node's point asks of each side; that with the fewest live sides."""
        known = self.finder.known_at(node.point)
        return np.asarray(known[int(self._live(node, known).sum(axis=1).argmin())]) if len(known) else None

    def _split(self, node: Node, way: Floats) -> Node | None:
        """One child for each side that can be in the way; those before it are not."""
        kept, high = [], node.high
        for side in np.flatnonzero(self._live(node, way)):
            low = node.low.copy()
            low[side] = max(low[side], self.sides.level[side] + 1.0 - way[side])
            child = self._solved(node.basis, node.bound, low, high, node.lower, node.upper)
            if child is not None and not self._is_hopeless(child.bound):
                kept.append(child)
            high = high.copy()
            high[side] = min(high[side], self.sides.level[side] - way[side])
        return self._set_aside(kept)

    def _branch(self, node: Node, k: int) -> Node | None:
        kept, below = [], float(np.floor(node.point[k]))
        for low, high in ((node.lower[k], below), (below + 1.0, node.upper[k])):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[k], upper[k] = low, high
            child = self._solved(node.basis, node.bound, node.low, node.high, lower, upper)
            if child is not None and not self._is_hopeless(child.bound):
                kept.append(child)
        return self._set_aside(kept)

    def _set_aside(self, children: list[Node]) -> Node | None:
        """The child with the least bound, the others being open from now on."""
        best = min(children, default=None)
        for child in children:
            if child is not best:
                heapq.heappush(self._open, child)
        return best
