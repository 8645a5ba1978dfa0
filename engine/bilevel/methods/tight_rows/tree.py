"""The tree on tight rows: a node holds some of the follower's sides tight, and its linear program is over (x, y) alone.

Accepts: what :mod:`coercivity.engine.bilevel.methods.tight_rows.method` accepts.
Bound: the least linear program of the open nodes, and of what the solver could not decide.
Source: Hansen, Jaumard and Savard (1992), *New branch-and-bound rules for linear bilevel programming*, SIAM J. Sci. Stat.
Comput. 13, for branching on sets of rows of which one is tight.
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from coercivity.engine.bilevel.methods.tight_rows.sides import Bools, Directions, sides_of
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.incumbents import Incumbents
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.errors import SolverFailed
from coercivity.engine.programs.hot import Floats, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

WHOLE = 1e-7
# Nodes that cannot gain more than this, relatively, are not looked at.
SMALL = 1e-8
# After so many nodes one is followed down to a bilevel-feasible point.
OFTEN = 20


@dataclass(order=True)
class Node:
    """A solved node: its bound, its point and basis, sides held and idle, and the leader's bounds."""

    bound: float
    order: int
    point: Floats = field(compare=False)
    basis: Any = field(compare=False)
    held: Bools = field(compare=False)
    idle: Bools = field(compare=False)
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)


class Tree:
    """A search by best bound.

    Parameters
    ----------
    problem : with a linear leader and a linear follower
    limits : of time, nodes and gap
    started : time on the clock when the method began
    incumbents : the best bilevel-feasible point so far
    """

    def __init__(self, problem: BilevelProblem, limits: Limits, started: float, incumbents: Incumbents) -> None:
        self.problem, self.limits = problem, limits
        self._started, self._incumbents = started, incumbents
        self._base = high_point(problem)[0].program(problem.objective.constant)
        self.program = NodeProgram(self._base)
        self.sides = sides_of(problem)
        self.directions = Directions(problem, self.sides, incumbents.responder)
        self._leader_rows = len(problem.rows)
        self._integers = np.flatnonzero(problem.leader.is_integer)
        self._order = itertools.count()
        self._open: list[Node] = []
        self._closed = np.inf
        self._rise, self._seen = np.zeros(len(self.sides)), np.zeros(len(self.sides))
        self.nodes, self.seconds = 0, 0.0
        self.is_finished = False

    @property
    def value(self) -> float:
        """The best value so far."""
        return self._incumbents.value

    @property
    def bound(self) -> float:
        """No bilevel-feasible point costs less; told between dives."""
        return min([self.value, self._closed, *(node.bound for node in self._open[:1])])

    def root(self) -> SolveStatus:
        """Solve the root and say what it has."""
        n, none = len(self.problem.leader), np.zeros(len(self.sides), dtype=bool)
        status, node = self._solved(None, -np.inf, none, none, self._base.col_lower[:n], self._base.col_upper[:n])
        if node is not None:
            heapq.heappush(self._open, node)
        return status

    def run(self) -> None:
        """Search until the bound meets the value or a limit is reached."""
        dive: Node | None = None
        while self._open or dive is not None:
            if dive is None and np.isfinite(self.value) and self.limits.is_closed(self.value, self.bound):
                break
            node = heapq.heappop(self._open) if dive is None else dive
            if self.nodes >= self.limits.nodes or time.perf_counter() - self._started > self.limits.seconds:
                heapq.heappush(self._open, node)
                return
            is_deep = dive is not None or self.nodes % OFTEN == 0
            child = None if self._is_hopeless(node.bound) else self._expand(node)
            dive = child if is_deep else None
            if child is not None and not is_deep:
                heapq.heappush(self._open, child)
        self.is_finished = True

    def _cutoff(self) -> float:
        return self.value - SMALL * max(1.0, abs(self.value)) if np.isfinite(self.value) else np.inf

    def _is_hopeless(self, bound: float) -> bool:
        if bound < self._cutoff():
            return False
        self._closed = min(self._closed, bound)
        return True

    def _solved(
        self, basis: Any, floor: float, held: Bools, idle: Bools, lower: Floats, upper: Floats
    ) -> tuple[SolveStatus, Node | None]:
        """A node's program from a basis; the node where it has a point."""
        n, sides, base = len(self.problem.leader), self.sides, self._base
        col_lower, col_upper = base.col_lower.copy(), base.col_upper.copy()
        row_lower, row_upper = base.row_lower.copy(), base.row_upper.copy()
        col_lower[:n], col_upper[:n] = lower, upper
        for is_upper in (False, True):
            which = np.flatnonzero(held & (sides.is_upper == is_upper))
            rows, bounds = which[which < sides.rows], which[which >= sides.rows]
            # A side is held by the other one, so that both of a row's leave nothing.
            of_rows, of_columns = (row_lower, col_lower) if is_upper else (row_upper, col_upper)
            of_rows[self._leader_rows + sides.at[rows]] = sides.level[rows]
            of_columns[n + sides.at[bounds]] = sides.level[bounds]
        if np.any(row_lower > row_upper) or np.any(col_lower > col_upper):
            return SolveStatus.INFEASIBLE, None
        self.program.set_bounds(col_lower, col_upper)
        self.program.set_row_bounds(row_lower, row_upper)
        if basis is not None:
            self.program.start_from(basis)
        before = time.perf_counter()
        status = self.program.optimise()
        self.seconds += time.perf_counter() - before
        if status is not SolveStatus.OPTIMAL:
            return status, None
        bound, point = max(floor, self.program.objective), self.program.primal()
        return status, Node(bound, next(self._order), point, self.program.basis(), held, idle, lower, upper)

    def _expand(self, node: Node) -> Node | None:
        """Branch on a node; its child with the least bound, which is not among the open ones yet."""
        self.nodes += 1
        whole = node.point[self._integers]
        off = np.abs(whole - np.round(whole))
        if off.max(initial=0.0) > WHOLE:
            return self._on_integer(node, int(self._integers[int(off.argmax())]))
        try:
            stops = self.directions.stopping(node.point, node.held, node.idle, self._weight)
        except SolverFailed:
            # What could not be decided stays open in the bound.
            self._closed = min(self._closed, node.bound)
            return None
        if stops is None:
            # No direction is left to the follower: the node's point is its best, for both.
            point = self._incumbents.rounded(node.point)
            self._incumbents.take(self.problem.objective.at(point), point)
            self._incumbents.ask(node.point)
            self._closed = min(self._closed, node.bound)
            return None
        self._incumbents.meet(node.point)
        return None if self._is_hopeless(node.bound) else self._branch(node, np.flatnonzero(stops & ~node.idle))

    def _weight(self, slack: Floats) -> Floats:
        """Sides that raise bounds, and are far off, come first."""
        usual = float(self._rise.sum() / max(1.0, self._seen.sum())) or 1.0
        mean = (self._rise + usual) / (self._seen + 1.0)
        return np.asarray(np.clip(usual / np.maximum(mean, 1e-9 * usual) / np.maximum(slack, 1e-6), 1e-4, 1e4))

    def _branch(self, node: Node, live: Any) -> Node | None:
        """One child for each side that may be tight; each leaves to the earlier ones what those have."""
        children: list[tuple[float, int, Node | None]] = []
        for side in live:
            held = node.held.copy()
            held[side] = True
            status, child = self._solved(node.basis, node.bound, held, node.idle, node.lower, node.upper)
            bound = np.inf if child is None else child.bound
            if child is None and status is not SolveStatus.INFEASIBLE:
                self._closed = min(self._closed, node.bound)
            ceiling = self._cutoff() if np.isfinite(self.value) else node.bound + 10.0 * max(1.0, abs(node.bound))
            self._rise[side] += max(0.0, min(bound, ceiling) - node.bound)
            self._seen[side] += 1.0
            children.append((bound, int(side), child))
        children.sort(key=lambda one: -one[0])
        idle, kept = node.idle, []
        for bound, side, child in children:
            if child is not None and not self._is_hopeless(bound):
                child.idle = idle
                kept.append(child)
            idle = idle.copy()
            idle[side] = True
        return self._set_aside(kept)

    def _set_aside(self, children: list[Node]) -> Node | None:
        """The child with the least bound, the others being open from now on."""
        best = min(children, default=None)
        for child in children:
            if child is not best:
                heapq.heappush(self._open, child)
        return best

    def _on_integer(self, node: Node, k: int) -> Node | None:
        kept, below = [], float(np.floor(node.point[k]))
        for low, high in ((node.lower[k], below), (below + 1.0, node.upper[k])):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[k], upper[k] = low, high
            if low > high:
                continue
            status, child = self._solved(node.basis, node.bound, node.held, node.idle, lower, upper)
            if child is None and status is not SolveStatus.INFEASIBLE:
                self._closed = min(self._closed, node.bound)
            if child is not None and not self._is_hopeless(child.bound):
                kept.append(child)
        return self._set_aside(kept)
