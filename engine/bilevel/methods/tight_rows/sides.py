"""What can stop a linear follower: the sides of its rows and bounds, and the directions that only some of them stop.

Let D be a direction of the follower's columns along which it pays less, d·D < 0. Where y is a best response, y + εD is no
answer for any ε > 0, so that some side i with (s_i)·D > 0 is tight: a row or a bound in the way. The set of these sides
does not depend on x, and so holds at every bilevel-feasible point.

Accepts: what :mod:`coercivity.engine.bilevel.methods.tight_rows.method` accepts.
Bound: none of its own; a set of sides is an implication of optimality, by the linear program that found D.
Source: Farkas' lemma, in the form of feasible directions: Zoutendijk (1960), *Methods of Feasible Directions*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.errors import InfeasibleProgram, SolverFailed
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

Bools = NDArray[np.bool_]
Positions = NDArray[np.intp]

# A side is in the way of a direction where it is approached by this share of the direction's length.
IN_THE_WAY = 1e-9
# A slack up to this, in units of the side's largest coefficients, is none.
TIGHT = 1e-9
# So few live sides in a set that is known are not improved on by another program.
FEW = 3
# So many sets are known at a time.
MOST = 2000
# A direction longer than this, where the cost falls by the length of its own gradient, says nothing that can be trusted.
LONGEST = 1e6
# Multipliers that explain so many times the follower's costs explain all of them.
MOST_EXPLAINED = 1e6
# An answer that costs the follower no more than this less, in units of its costs, is worth the same to it.
SAME = 1e-9


@dataclass(frozen=True)
class Sides:
    """The sides of the follower's rows and bounds that are inequalities, those of rows first.

    Attributes
    ----------
    rows : how many are of rows
    at : the follower's row, or the column y; shape (sides,)
    is_upper : whether the side is the greater one
    level : the side itself
    size : the Euclidean length of the side's coefficients of y; one for bounds
    """

    rows: int
    at: Positions
    is_upper: Bools
    level: Floats
    size: Floats

    def __len__(self) -> int:
        return len(self.at)


def sides_of(problem: BilevelProblem) -> Sides:
    """The sides of a problem's follower; rows without its columns have none."""
    rows, own = problem.follower_rows, problem.follower
    length = np.sqrt(np.asarray(sp.csr_array(_own(problem).multiply(_own(problem))).sum(axis=1))).ravel()
    found = []
    for lower, upper, size in ((rows.lower, rows.upper, length), (own.lower, own.upper, np.ones(len(own)))):
        is_range = (lower < upper) & (size > 0.0)
        low, high = np.flatnonzero(is_range & np.isfinite(lower)), np.flatnonzero(is_range & np.isfinite(upper))
        at = np.concatenate([low, high])
        is_upper = np.repeat([False, True], [len(low), len(high)])
        found.append((at, is_upper, np.concatenate([lower[low], upper[high]]), size[at]))
    at, is_upper, level, size = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Sides(len(found[0][0]), at, is_upper, level, size)


def _own(problem: BilevelProblem) -> sp.csr_array:
    """The follower's rows in its own columns."""
    return sp.csr_array(sp.csr_array(problem.follower_rows.matrix)[:, len(problem.leader) :])


def _shut(slack: Floats, held: Bools, idle: Bools) -> Bools:
    """Sides that a direction must not approach."""
    return np.asarray((held | (slack <= TIGHT)) & ~idle)


class Directions:
    """Finds sets of sides of which one is tight at every best response, each for a point that is none.

    What is wanted is a direction D with d·D = −1 that approaches sides little in a weighted sum. Its linear program is solved
    by the dual one: a multiplier for each side, no greater than the side's weight, which together explain as much as they can of
    the follower's costs. From node to node only bounds of its columns move, so that each basis serves the next; and D is
    what its rows cost.
    """

    def __init__(self, problem: BilevelProblem, sides: Sides, responder: Responder) -> None:
        self.problem, self.sides, self._responder = problem, sides, responder
        n, m = len(problem.leader), len(problem.follower)
        rows, own = problem.follower_rows, _own(problem)
        self._sign = np.where(sides.is_upper, 1.0, -1.0)
        of_rows, of_bounds = sides.at[: sides.rows], sides.at[sides.rows :]
        scale = self._sign[: sides.rows] / sides.size[: sides.rows]
        self._matrix = sp.csr_array(sp.diags_array(scale) @ own[of_rows]) if sides.rows else sp.csr_array((0, m))
        self._whole = sp.csr_array(problem.follower_rows.matrix)
        cost = problem.follower_objective.linear[n:]
        self.cost = cost / (float(np.linalg.norm(cost)) or 1.0)
        # Equations, and columns that cannot move, may be leant on as much as one likes.
        equations = own[np.flatnonzero(rows.lower == rows.upper)]
        still = sp.eye_array(m, format="csr")[np.flatnonzero(problem.follower.lower == problem.follower.upper)]
        bounds = sp.diags_array(self._sign[sides.rows :]) @ sp.eye_array(m, format="csr")[of_bounds]
        costs = sp.csr_array(self.cost[None, :])
        matrix = sp.csr_array(sp.vstack([self._matrix, bounds, costs, equations, still]).T)
        count, width = len(sides), matrix.shape[1]
        self._lower, self._upper = np.full(width, -np.inf), np.full(width, np.inf)
        self._lower[: count + 1], self._upper[count] = 0.0, MOST_EXPLAINED
        explained = np.zeros(width)
        explained[count] = -1.0
        level = np.zeros(m)
        self._program = NodeProgram(LinearProgram(explained, matrix, level, level, self._lower, self._upper))
        self._known = np.zeros((MOST, len(sides)), dtype=bool)
        self._kept: set[bytes] = set()
        self.solves = 0

    def basis(self) -> Any:
        """The basis of the last direction, for :meth:`start_from`."""
        return self._program.basis()

    def start_from(self, basis: Any) -> None:
        """Look for the next direction from the basis of a similar one."""
        self._program.start_from(basis)

    def slack(self, z: Floats) -> Floats:
        """How far each side is from being tight at a point, in units of its coefficients."""
        n, sides = len(self.problem.leader), self.sides
        activity = self._whole @ z
        value = np.concatenate([activity[sides.at[: sides.rows]], z[n:][sides.at[sides.rows :]]])
        return np.asarray(np.maximum(self._sign * (sides.level - value), 0.0) / sides.size)

    def stopping(self, z: Floats, held: Bools, idle: Bools, weigh: Callable[[Floats], Floats]) -> Bools | None:
        """A set of sides of which one is tight at each best response, idle ones included, and none is at z; None where z is one.

        What says that there is no such set is not the solver's word on a direction but the follower's own answer to x; where
        that costs less than z it gives a direction itself.

        Parameters
        ----------
        z : a point of both levels' rows
        held, idle : sides that are tight, and that need not be looked at, throughout a node
        weigh : from the sides' slacks their weights; sides with less are preferred

        Raises
        ------
        SolverFailed
            Neither says anything.
        """
        slack = self.slack(z)
        shut = _shut(slack, held, idle)
        known = self._reused(shut, idle)
        if known is not None:
            return known
        direction = self._least_stopped(shut, idle, weigh(slack))
        if direction is None:
            direction = self._towards_answer(z)
            if direction is None:
                return None
            shut = np.zeros_like(shut)
        stops = self._stops(direction, shut)
        if (stops & held).any() or (stops & ~idle & (slack <= TIGHT)).any():
            raise SolverFailed(self.problem.name, "a point answers best to one tolerance and not to another", "")
        self._keep(stops)
        return stops

    def other(self, z: Floats, held: Bools, idle: Bools, weigh: Callable[[Floats], Floats]) -> Bools | None:
        """Such a set by other weights, where a direction gives one."""
        slack = self.slack(z)
        shut = _shut(slack, held, idle)
        direction = self._least_stopped(shut, idle, weigh(slack))
        if direction is None:
            return None
        stops = self._stops(direction, shut)
        if (stops & held).any() or (stops & ~idle & (slack <= TIGHT)).any():
            return None
        self._keep(stops)
        return stops

    def _stops(self, direction: Floats, shut: Bools) -> Bools:
        """The sides in the way of a direction, but for those that its program has shut."""
        own = direction[self.sides.at[self.sides.rows :]] * self._sign[self.sides.rows :]
        approached = np.concatenate([self._matrix @ direction, own])
        return np.asarray((approached > IN_THE_WAY * max(1.0, float(np.abs(direction).max()))) & ~shut)

    def _keep(self, stops: Bools) -> None:
        """Keep a set in the place of the oldest one."""
        key = stops.tobytes()
        if key not in self._kept:
            self._known[len(self._kept) % MOST] = stops
            self._kept.add(key)

    def _reused(self, shut: Bools, idle: Bools) -> Bools | None:
        """A set that is known and has few live sides."""
        known = self._known[: len(self._kept)]
        if not len(known):
            return None
        fits = ~known[:, shut].any(axis=1)
        live = np.where(fits, known[:, ~idle].sum(axis=1), len(self.sides) + 1)
        best = int(live.argmin())
        return known[best].copy() if live[best] <= FEW else None

    def _least_stopped(self, shut: Bools, idle: Bools, weight: Floats) -> Floats | None:
        """The direction that approaches least and no shut side at all, d·D = −1 in units of d; None where none is found."""
        upper = self._upper.copy()
        upper[: len(shut)] = np.where(shut, np.inf, np.where(idle, 0.0, weight))
        self._program.set_bounds(self._lower, upper)
        self.solves += 1
        if self._program.optimise() is not SolveStatus.OPTIMAL:
            return None
        direction = self._program.dual()
        fall = float(self.cost @ direction)
        # Where everything can be explained there is no direction, and what rows cost is nothing.
        if abs(fall) < 0.5:
            return None
        direction = -direction / fall
        return direction if float(np.abs(direction).max(initial=0.0)) <= LONGEST else None

    def _towards_answer(self, z: Floats) -> Floats | None:
        """From z to the follower's own answer, of length one; None where that costs no less."""
        n, problem = len(self.problem.leader), self.problem
        try:
            answer = self._responder.any_answer(z[:n])
        except InfeasibleProgram as none:
            raise SolverFailed(problem.name, none.what, none.fix) from None
        gain = float(self.cost @ (z[n:] - answer))
        away = answer - z[n:]
        if gain <= SAME * max(1.0, float(np.abs(self.cost) @ np.abs(answer))):
            return None
        return np.asarray(away / float(np.abs(away).max()))
