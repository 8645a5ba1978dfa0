"""The tree of improving directions: a node bounds columns and sides, and its linear program is one matrix throughout.

A direction D that is open at a node's point splits it: one child for each side in D's way, in which that side is so near its level that D
is too much for it, and the sides before it are not. Directions are kept; where none that is known is open, a column that is not
whole is branched on, the leader's first, and at a whole point another direction is looked for. Where there is none, the point is
bilevel feasible and the node is done. Nodes are expanded many at a time, those with the least bounds and a few in depth, where
points are found; their children's programs are solved together.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: the least linear program of the open nodes, rounded up where values come in steps; rests on no assumption.
Source: as of :mod:`coercivity.engine.bilevel.methods.directions.method`, without its intersection cuts: a split does their work.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.bilevel.methods.big_m import Start
from coercivity.engine.bilevel.methods.directions.batch import BatchProgram, Nodes
from coercivity.engine.bilevel.methods.directions.branching import Branching, Children
from coercivity.engine.bilevel.methods.directions.queue import Queue
from coercivity.engine.bilevel.methods.directions.sides import Finder, Sides
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.programs.hot import Floats, SolveStatus

# Nodes that are followed in depth, and commitments among a round's nodes that the follower is asked for.
DIVES, PROPOSALS = 8, 8
# Directions that are looked for beside one that was found, each without another of its sides, and the seconds for each.
MORE, MOMENT = 2, 0.2
# Bytes that the open nodes may take.
MEMORY = 6e8


class Tree:
    """A search from the open nodes with the least bounds, which may be interrupted and gone on with.

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
        self.problem, self.finder, self.limits = problem, finder, limits
        self._best, self._ask = best, ask
        self._branching = Branching(problem, sides)
        self.program = BatchProgram(self._branching.program)
        is_whole = np.r_[problem.leader.is_integer, problem.follower.is_integer]
        self._step = step_of_cost(problem.objective.linear, is_whole) or 0.0
        self._queue = Queue()
        # Nodes in depth, that lead to points; the queue has the others.
        self._deep: Nodes | None = None
        self._closed, self._until = math.inf, math.inf
        self._proposed: set[bytes] = set()
        self.nodes, self.is_begun, self.is_finished, self.is_unbounded = 0, False, False, False

    @property
    def bound(self) -> float:
        """No bilevel-feasible point costs less."""
        if self.is_unbounded or not self.is_begun:
            return -math.inf
        return min(self._best().value, self._closed, self._least())

    @property
    def is_stuck(self) -> bool:
        """Whether it goes no further: it is finished, or there is no bound, no node or no memory left."""
        is_full = self._queue.bytes > MEMORY
        return self.is_finished or self.is_unbounded or is_full or self.nodes >= self.limits.nodes

    def run(self, until: float) -> None:
        """Search until the bound meets the value, the clock passes ``until``, or the nodes are used up."""
        self._until = until
        if not self.is_begun:
            self._begin()
        while not self.is_stuck and self._least() < math.inf:
            if time.perf_counter() > until:
                return
            if self._is_hopeless(self._least()):
                self._closed = min(self._closed, self._least())
                self._queue, self._deep = Queue(), None
                break
            self._expand(self._taken())
        self.is_finished = not self.is_unbounded and self._least() == math.inf

    def _begin(self) -> None:
        status, root = self.program.first()
        self.is_begun, self.is_unbounded = True, status is SolveStatus.UNBOUNDED
        if root is not None:
            self._queue.add(self._kept(root)[0])
        elif status not in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
            self._closed = -math.inf

    def _least(self) -> float:
        """The least bound of the open nodes."""
        deep = math.inf if self._deep is None else float(self._deep.bound.min(initial=math.inf))
        return min(self._queue.least, deep)

    def _taken(self) -> Nodes:
        """The nodes to expand next: those in depth, and of the others the ones with the least bounds."""
        count = min(self.program.most, self.limits.nodes - self.nodes)
        deep, self._deep = self._deep, None
        if deep is None:
            return self._queue.taken(count)
        if len(deep) > count:
            self._queue.add(deep.at(slice(count, None)))
            deep = deep.at(slice(0, count))
        return Nodes.joined([deep, self._queue.taken(count - len(deep))]) if len(self._queue) else deep

    def _room(self) -> float:
        """How near the best value a bound has to come to close a node."""
        return self.limits.gap / 10.0 * max(1.0, abs(self._best().value))

    def _is_hopeless(self, bound: float) -> bool:
        value = self._best().value
        return value < math.inf and value - bound <= self._room()

    def _cutoff(self) -> float:
        """What no program's value has to pass, if its node is to be closed; before it is rounded up."""
        value = self._best().value
        return value - max(self._room(), self._step * (1.0 - 1e-4)) if value < math.inf else math.inf

    def _kept(self, nodes: Nodes) -> tuple[Nodes, NDArray[np.bool_]]:
        """Of solved nodes, which stay open, their bounds rounded up; those that the solver gave up on stay in the bound."""
        bound = nodes.bound
        if self._step > 0.0:
            constant = self.problem.objective.constant
            finite = np.where(np.isfinite(bound), bound, 0.0)
            up = self._step * np.ceil((finite - constant) / self._step - 1e-5) + constant
            bound = np.where(np.isfinite(bound), np.maximum(bound, up), bound)
        value = self._best().value
        is_hopeless = (value - bound <= self._room()) if value < math.inf else np.isposinf(bound)
        is_kept = nodes.is_solved & ~is_hopeless
        self._closed = min(self._closed, float(bound[~is_kept].min(initial=math.inf)))
        return replace(nodes, bound=bound).at(is_kept), is_kept

    def _expand(self, nodes: Nodes) -> None:
        """Divide nodes, or close them."""
        self.nodes += len(nodes)
        branching, children = self._branching, Children()
        up, down = self.program.rises(nodes)
        nodes = self._tightened(nodes, up, down)
        gap = self._gap(nodes)
        column, other = branching.column(nodes, up, down, gap, DIVES)
        points = nodes.point[:, : self.problem.width]
        way = branching.direction(nodes, self.finder.open_ways(points), self.finder.ways, up, down, gap, other)
        self._propose(points)
        for k in range(len(nodes)):
            if way[k] >= 0:
                branching.split(nodes, k, self.finder.ways[way[k]], children)
            elif column[k] >= 0:
                branching.branch(nodes, k, int(column[k]), children)
            else:
                self._at_whole(nodes, k, children)
        self._bear(nodes, children)

    def _tightened(self, nodes: Nodes, up: Floats, down: Floats) -> Nodes:
        """Nodes without what is worth no less than the best point."""
        cutoff = self._cutoff()
        if cutoff == math.inf:
            return nodes
        value, room = self._best().value, self._room()
        self._closed = min(self._closed, value if self._step * (1.0 - 1e-4) > room else cutoff)
        worth = nodes.point @ self.program.cost + self.program.program.offset
        return self._branching.tightened(
            nodes, up, down, np.maximum(cutoff - worth, 0.0) + 1e-7 * max(1.0, abs(cutoff))
        )

    def _gap(self, nodes: Nodes) -> Floats:
        """How far the bounds of nodes are from the best value, or from what one may hope for; shape (nodes,)."""
        value = self._best().value
        gap = value - nodes.bound if value < math.inf else np.abs(nodes.bound) / 4.0
        return np.maximum(gap, 1e-9)

    def _bear(self, nodes: Nodes, children: Children) -> None:
        """Solve children; the best one of each of the first parents goes on in depth, and the others wait."""
        if not children.parent:
            return
        parent = np.array(children.parent)
        made = replace(nodes.at(parent), lower=np.array(children.lower), upper=np.array(children.upper))
        parts, kept = [], []
        for first in range(0, len(made), self.program.most):
            chunk = slice(first, first + self.program.most)
            part, is_kept = self._kept(self.program.solve(made.at(chunk), self._cutoff()))
            parts.append(part)
            kept.append(is_kept)
        born, parent = Nodes.joined(parts), parent[np.concatenate(kept)]
        order = np.lexsort((born.bound, parent))
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = parent[order][1:] != parent[order][:-1]
        is_deep = np.zeros(len(born), dtype=bool)
        is_deep[order[is_first][:DIVES]] = True
        self._deep = born.at(is_deep) if is_deep.any() else None
        self._queue.add(born.at(~is_deep))

    def _propose(self, points: Floats) -> None:
        """Let the follower answer commitments that are whole, and the nearest to the first point, unless it has."""
        leader = self.problem.leader
        x = points[:, : len(leader)]
        off = np.where(leader.is_integer, np.abs(x - np.round(x)), 0.0).max(axis=1, initial=0.0)
        for k in (*np.flatnonzero(off <= 1e-6)[:PROPOSALS], 0):
            if (key := np.round(x[k]).tobytes()) not in self._proposed:
                self._proposed.add(key)
                self._ask(points[k], False)

    def _at_whole(self, nodes: Nodes, k: int, children: Children) -> None:
        """Split a node at a whole point by a direction that is new, or close it; out of time, leave it open."""
        whole, integers = nodes.point[k, : self.problem.width].copy(), self._branching.integers
        whole[integers] = np.round(whole[integers])
        bound = float(nodes.bound[k])
        known = self.finder.known_at(whole)
        if len(known):
            # It was found a moment ago, for another node.
            self._branching.split(nodes, k, known[0], children)
            return
        if time.perf_counter() > self._until:
            self._queue.add(nodes.at([k]))
            return
        self._ask(whole, False)
        if self._is_hopeless(bound):
            self._closed = min(self._closed, bound)
            return
        status, way = self.finder.open_at(whole, max(0.1, self._until - time.perf_counter()))
        if way is not None:
            for side in np.flatnonzero(way > 0.0)[:MORE]:
                self.finder.open_at(whole, MOMENT, int(side))
            self._branching.split(nodes, k, way, children)
            return
        if status is SolveStatus.INFEASIBLE:
            # No direction is open: the point is bilevel feasible, and the follower is asked for it all the same.
            self._ask(whole, True)
        self._closed = min(self._closed, bound)
