"""How a node of the tree is divided: by a direction that is open at its point, or at a column that is not whole.

What is chosen is what leaves the fewest nodes to expect, a child counting the less the more its program's value rises. How fast it rises
at the least the next exchange of the dual simplex method says, for every column and side at once; the same speeds leave out of a
node what is worth no less than the best point known.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: none of its own; what is left out is worth no less than the best point.
Source: Driebeek (1966), *An algorithm for the solution of mixed integer programming problems*, Management Science 12, for what an exchange says
of a branch; Le Bodic and Nemhauser (2017), *An abstract model for branching and its application to mixed integer programming*,
Mathematical Programming 166, for the trees that rises leave to expect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.methods.directions.batch import Nodes
from coercivity.engine.bilevel.methods.directions.sides import Sides
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.programs.hot import Floats, LinearProgram

Whole = NDArray[np.intp]
Bools = NDArray[np.bool_]

WHOLE = 1e-6
# The share of the gap that a program's value has to rise by for a child to count e times less.
RISE = 0.05
# A direction is taken where no more than so many times the nodes are expected as of a column: it rids all nodes of what is not the follower's.
PREFERRED = 3.0


@dataclass(frozen=True)
class Children:
    """Nodes to be: the position of each one's parent, and its bounds."""

    parent: list[int] = field(default_factory=list)
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)

    def add(self, parent: int, lower: Floats, upper: Floats) -> None:
        """One more."""
        self.parent.append(parent)
        self.lower.append(lower)
        self.upper.append(upper)


class Branching:
    """The tree's linear program, and what its nodes are divided by.

    Attributes
    ----------
    program : rows are the leader's, those of the follower without its columns, and the sides', each once
    at, sign : where each side's activity is among columns and rows, and with which sign; shapes (sides,)
    integers : columns that are whole
    """

    def __init__(self, problem: BilevelProblem, sides: Sides) -> None:
        self.sides, self._n = sides, len(problem.leader)
        self.at, self.sign, self.program = _relaxation(problem, sides)
        self.integers = np.flatnonzero(np.r_[problem.leader.is_integer, problem.follower.is_integer])
        self._wholes = np.union1d(self.integers, self.at)

    def tightened(self, nodes: Nodes, up: Floats, down: Floats, room: Floats) -> Nodes:
        """Nodes without what would make their programs' values rise by more than a room, shape (nodes,)."""
        with np.errstate(divide="ignore"):
            high, low = nodes.point + room[:, None] / up, nodes.point - room[:, None] / down
        whole = self._wholes
        high[:, whole], low[:, whole] = np.floor(high[:, whole] + WHOLE), np.ceil(low[:, whole] - WHOLE)
        return replace(nodes, lower=np.maximum(nodes.lower, low), upper=np.minimum(nodes.upper, high))

    def live(self, nodes: Nodes, k: Whole, ways: Floats) -> Bools:
        """Which sides can still stand in the way of directions in the nodes at k, shape of ``ways``."""
        most = np.where(self.sign > 0.0, nodes.upper[k][:, self.at], -nodes.lower[k][:, self.at])
        return np.asarray((ways > 0.0) & (most >= self.sides.level + 1.0 - ways - WHOLE))

    def column(self, nodes: Nodes, up: Floats, down: Floats, gap: Floats, deep: int) -> tuple[Whole, Floats]:
        """The column to branch each node on, were it not for directions, −1 where all are whole; and the nodes to expect, +inf there.

        Parameters
        ----------
        gap : how far each node's bound is from what would close it, shape (nodes,)
        deep : in so many of the first nodes the leader's columns come first, so that the follower can be asked
        """
        columns, scale = self.integers, RISE * gap[:, None]
        point = nodes.point[:, columns]
        off = point - np.floor(point)
        is_off = np.minimum(off, 1.0 - off) > WHOLE
        fall, rise = np.maximum(off, WHOLE) * down[:, columns], np.maximum(1.0 - off, WHOLE) * up[:, columns]
        # Where the speeds say nothing, what is farthest from whole.
        count = np.exp(-fall / scale) + np.exp(-rise / scale) - 1e-3 * np.minimum(off, 1.0 - off)
        count[:deep] += 2.0 * (columns >= self._n)
        count[~is_off] = math.inf
        return np.where(is_off.any(axis=1), columns[count.argmin(axis=1)], -1), count.min(axis=1)

    def direction(
        self, nodes: Nodes, is_open: Bools, ways: Floats, up: Floats, down: Floats, gap: Floats, other: Floats
    ) -> Whole:
        """Which of the directions that are open at each node divides it best; −1 where there is none, or a column does far better.

        Parameters
        ----------
        other : the nodes to expect of a column
        """
        found = np.full(len(nodes), -1, dtype=np.intp)
        k, d = np.nonzero(is_open)
        if not len(k):
            return found
        asked = ways[d]
        missing = self.sides.level + 1.0 - asked - self.sign * nodes.point[k][:, self.at]
        speed = np.where(self.sign > 0.0, up[k][:, self.at], down[k][:, self.at])
        left = np.exp(-np.maximum(missing, WHOLE) * speed / (RISE * gap[k][:, None]))
        expected = np.where(self.live(nodes, k, asked), left, 0.0).sum(axis=1)
        order = np.lexsort((expected, k))
        k, d, expected = k[order], d[order], expected[order]
        is_taken = np.r_[True, k[1:] != k[:-1]] & (expected <= PREFERRED * other[k])
        found[k[is_taken]] = d[is_taken]
        return found

    def split(self, nodes: Nodes, k: int, way: Floats, children: Children) -> None:
        """One child for each side that can be in a direction's way; those before it are not."""
        low, high = nodes.lower[k], nodes.upper[k]
        for side in np.flatnonzero(self.live(nodes, np.array([k]), way[None, :])[0]):
            at, level = self.at[side], self.sides.level[side]
            least, most = level + 1.0 - way[side], level - way[side]
            # The child, and what is left for those after it.
            lower, upper = low.copy(), high.copy()
            low, high = low.copy(), high.copy()
            if self.sign[side] > 0.0:
                lower[at], high[at] = max(lower[at], least), min(high[at], most)
            else:
                upper[at], low[at] = min(upper[at], -least), max(low[at], -most)
            if lower[at] <= upper[at]:
                children.add(k, lower, upper)
            if low[at] > high[at]:
                return

    def branch(self, nodes: Nodes, k: int, column: int, children: Children) -> None:
        """Two children, in which a column is on either side of its value."""
        below = float(np.floor(nodes.point[k, column]))
        lower, upper = nodes.lower[k].copy(), nodes.upper[k].copy()
        upper[column], lower[column] = below, below + 1.0
        children.add(k, nodes.lower[k], upper)
        children.add(k, lower, nodes.upper[k])


def _relaxation(problem: BilevelProblem, sides: Sides) -> tuple[Whole, Floats, LinearProgram]:
    """Where sides are, with which sign, and the program; a side of one column is a bound of it."""
    n, width = len(problem.leader), problem.width
    under = sp.csr_array(problem.follower_rows.matrix)
    plain = np.flatnonzero(np.asarray(abs(under[:, n:]).sum(axis=1)).ravel() == 0.0)
    lines: dict[bytes, int] = {}
    place, signs = np.zeros(len(sides.level), dtype=np.intp), np.ones(len(sides.level))
    first, rows = width + len(problem.rows) + len(plain), [np.zeros((0, width))]
    for side, line in enumerate(sides.matrix):
        used = np.flatnonzero(line)
        signs[side] = np.sign(line[used[0]])
        if len(used) == 1 and abs(line[used[0]]) == 1.0:
            place[side] = used[0]
            continue
        # Plus zero, lest there be two of it.
        key = (signs[side] * line + 0.0).tobytes()
        if key not in lines:
            lines[key] = len(lines)
            rows.append(signs[side] * line[None, :])
        place[side] = first + lines[key]
    nothing = np.full(len(lines), math.inf)
    lower = np.r_[
        problem.leader.lower, problem.follower.lower, problem.rows.lower, problem.follower_rows.lower[plain], -nothing
    ]
    upper = np.r_[
        problem.leader.upper, problem.follower.upper, problem.rows.upper, problem.follower_rows.upper[plain], nothing
    ]
    for at, sign, level in zip(place, signs, sides.level, strict=True):
        if sign > 0.0:
            upper[at] = min(upper[at], level)
        else:
            lower[at] = max(lower[at], -level)
    program = LinearProgram(
        cost=problem.objective.linear,
        matrix=sp.csr_array(
            sp.vstack([sp.csr_array(problem.rows.matrix), under[plain], sp.csr_array(np.vstack(rows))])
        ),
        row_lower=lower[width:],
        row_upper=upper[width:],
        col_lower=lower[:width],
        col_upper=upper[:width],
        offset=problem.objective.constant,
    )
    return place, signs, program
