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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

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
# Sets of sides that are tried at a node at the most, each knowing what the sides of those before it have come to.
SETS = 4
# A child whose bound rises by a share s of what is left to the best value counts exp(−STEEP · s): so much is left below it.
STEEP = 5.0
# A side that is known to leave a child is shunned so many times as much as one of which nothing is known here.
KNOWN = 3.0


@dataclass(order=True)
class Node:
    """A solved node: its bound, its point and basis, the sides held, and the leader's bounds.

    ``floor`` is what is known, for each side, of the node's points at which it is tight: they cost the leader no less. It is
    +inf where such points are looked for elsewhere. ``explained`` is the basis from which its directions are looked for.
    """

    bound: float
    order: int
    point: Floats = field(compare=False)
    basis: Any = field(compare=False)
    held: Bools = field(compare=False)
    floor: Floats = field(compare=False)
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)
    explained: Any = field(default=None, compare=False)


class _Bounds(NamedTuple):
    """Those of a node's program."""

    col_lower: Floats
    col_upper: Floats
    row_lower: Floats
    row_upper: Floats


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

    @property
    def solves(self) -> int:
        """Programs solved for the bound."""
        return self.program.solves + self.directions.solves

    def root(self) -> SolveStatus:
        """Solve the root and say what it has."""
        n, count, base = len(self.problem.leader), len(self.sides), self._base
        bounds = _Bounds(base.col_lower, base.col_upper, base.row_lower, base.row_upper)
        status = self._optimised(bounds, None)
        if status is SolveStatus.OPTIMAL:
            held, floor = np.zeros(count, dtype=bool), np.full(count, -np.inf)
            heapq.heappush(self._open, self._node(-np.inf, held, floor, base.col_lower[:n], base.col_upper[:n]))
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
            self._incumbents.look_beside(self.solves)
        self.is_finished = True

    def _cutoff(self) -> float:
        return self.value - SMALL * max(1.0, abs(self.value)) if np.isfinite(self.value) else np.inf

    def _is_hopeless(self, bound: float) -> bool:
        if bound < self._cutoff():
            return False
        self._closed = min(self._closed, bound)
        return True

    def _idle(self, floor: Floats) -> Bools:
        """Sides that need not be looked at."""
        idle = floor >= self._cutoff()
        # What is found elsewhere has a bound of its own; what is worth too much counts as closed.
        self._closed = min(self._closed, float(floor[idle & np.isfinite(floor)].min(initial=np.inf)))
        return np.asarray(idle)

    def _bounds(self, node: Node) -> _Bounds:
        """Of a node's program."""
        n, base = len(node.lower), self._base
        columns = np.concatenate([node.lower, base.col_lower[n:]]), np.concatenate([node.upper, base.col_upper[n:]])
        bounds = _Bounds(*columns, base.row_lower.copy(), base.row_upper.copy())
        for side in np.flatnonzero(node.held):
            self._hold(bounds, int(side))
        return bounds

    def _hold(self, bounds: _Bounds, side: int) -> bool:
        """Hold a side tight by moving the other one to it, so that both of a row's leave nothing; whether anything is left."""
        sides, at = self.sides, int(self.sides.at[side])
        is_row = side < sides.rows
        lower, upper = (bounds.row_lower, bounds.row_upper) if is_row else (bounds.col_lower, bounds.col_upper)
        at += self._leader_rows if is_row else len(self.problem.leader)
        (lower if sides.is_upper[side] else upper)[at] = sides.level[side]
        return bool(lower[at] <= upper[at])

    def _optimised(self, bounds: _Bounds, basis: Any) -> SolveStatus:
        """A node's program solved from a basis, until nothing is left below the best value."""
        self.program.set_bounds(bounds.col_lower, bounds.col_upper)
        self.program.set_row_bounds(bounds.row_lower, bounds.row_upper)
        self.program.stop_at(self._cutoff())
        if basis is not None:
            self.program.start_from(basis)
        before = time.perf_counter()
        status = self.program.optimise()
        self.seconds += time.perf_counter() - before
        return status

    def _node(self, least: float, held: Bools, floor: Floats, lower: Floats, upper: Floats) -> Node:
        """The node whose program was solved last."""
        bound, point = max(least, self.program.objective), self.program.primal()
        return Node(bound, next(self._order), point, self.program.basis(), held, floor, lower, upper)

    def _child(self, node: Node, status: SolveStatus, held: Bools, lower: Floats, upper: Floats) -> Node | None:
        """What the last program leaves of a part of a node; None where that is nothing, or could not be told."""
        if status is SolveStatus.OPTIMAL:
            child = self._node(node.bound, held, node.floor, lower, upper)
            return None if self._is_hopeless(child.bound) else child
        if status is SolveStatus.BEYOND:
            self._is_hopeless(self._cutoff())
        elif status is not SolveStatus.INFEASIBLE:
            # Nothing is known of this part but what is known of the node.
            self._closed = min(self._closed, node.bound)
        return None

    def _expand(self, node: Node) -> Node | None:
        """Branch on a node; its child with the least bound, which is not among the open ones yet."""
        self.nodes += 1
        whole = node.point[self._integers]
        off = np.abs(whole - np.round(whole))
        if off.max(initial=0.0) > WHOLE:
            return self._on_integer(node, int(self._integers[int(off.argmax())]))
        if node.explained is not None:
            self.directions.start_from(node.explained)
        try:
            stops = self.directions.stopping(node.point, node.held, self._idle(node.floor), self._weight)
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
        return None if self._is_hopeless(node.bound) else self._branch(node, stops)

    def _weight(self, slack: Floats) -> Floats:
        """Sides that raise bounds, and are far off, come first."""
        usual = float(self._rise.sum() / max(1.0, self._seen.sum())) or 1.0
        mean = (self._rise + usual) / (self._seen + 1.0)
        return np.asarray(np.clip(usual / np.maximum(mean, 1e-9 * usual) / np.maximum(slack, 1e-6), 1e-4, 1e4))

    def _branch(self, node: Node, stops: Bools) -> Node | None:
        """One child for each side that may be tight, of the set of which least is left; each leaves to the earlier ones what those have."""
        floor, bounds = node.floor.copy(), self._bounds(node)
        children: dict[int, Node] = {}
        seen = np.zeros(len(floor), dtype=bool)
        least, best = np.inf, np.zeros(0, dtype=np.intp)
        for _ in range(SETS):
            fresh = np.flatnonzero(stops & ~seen & ~self._idle(floor))
            seen[fresh] = True
            for side in fresh:
                child = self._held(node, bounds, int(side), floor)
                if child is not None:
                    children[int(side)] = child
            idle = self._idle(floor)
            live = np.flatnonzero(stops & ~idle)
            left = {side: self._left(node, child.bound) for side, child in children.items()}
            total = sum(left[int(side)] for side in live)
            if total < least:
                least, best = total, live
            if len(live) <= 1 or not len(fresh):
                break
            other = self.directions.other(node.point, node.held, idle, self._knowing(left))
            if other is None:
                break
            stops = other
        kept, explained = [(int(side), children[int(side)]) for side in best], self.directions.basis()
        for at, child in sorted(kept, key=lambda one: -one[1].bound):
            child.floor, child.explained = floor, explained
            floor = floor.copy()
            floor[at] = np.inf
        return self._opened([child for _, child in kept])

    def _held(self, node: Node, bounds: _Bounds, side: int, floor: Floats) -> Node | None:
        """The child with a side held, whose floor learns what came of it; None where nothing is left of it."""
        held, own = node.held.copy(), _Bounds(*(part.copy() for part in bounds))
        held[side] = True
        status = self._optimised(own, node.basis) if self._hold(own, side) else SolveStatus.INFEASIBLE
        child = self._child(node, status, held, node.lower, node.upper)
        bound = np.inf if child is None else child.bound
        if child is None and status in (SolveStatus.OPTIMAL, SolveStatus.BEYOND):
            bound = self._cutoff()
        floor[side] = max(floor[side], bound)
        ceiling = self._cutoff() if np.isfinite(self.value) else node.bound + 10.0 * max(1.0, abs(node.bound))
        self._rise[side] += max(0.0, min(bound, ceiling) - node.bound)
        self._seen[side] += 1.0
        return child

    def _left(self, node: Node, bound: float) -> float:
        """How much of a node a child leaves: one where its bound does not rise."""
        gap = self._cutoff() - node.bound if np.isfinite(self.value) else max(1.0, abs(node.bound))
        return float(np.exp(-STEEP * (bound - node.bound) / gap))

    def _knowing(self, left: Mapping[int, float]) -> Callable[[Floats], Floats]:
        """Weights where some sides are known to leave so much."""

        def weigh(slack: Floats) -> Floats:
            weight = self._weight(slack)
            for side, share in left.items():
                weight[side] = KNOWN * share / max(slack[side], 1e-6)
            return np.asarray(np.clip(weight, 1e-4, 1e4))

        return weigh

    def _opened(self, children: list[Node]) -> Node | None:
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
            if low <= high:
                part = replace(node, lower=lower, upper=upper)
                status = self._optimised(self._bounds(part), node.basis)
                kept.append(self._child(node, status, node.held, lower, upper))
        return self._opened([child for child in kept if child is not None])
