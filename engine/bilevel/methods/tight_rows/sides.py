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
# A direction longer than this, where the cost falls by the length of its own gradient, says nothing that can be trusted.
LONGEST = 1e6
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


class Directions:
    """Finds sets of sides of which one is tight at every best response, each for a point that is none.

    The linear program has the columns (p, q, t): D = p − q, and t_i at least what D approaches side i of a row by; p and q
    do the same for bounds. It minimises a weighted sum of what is approached, where d·D = −1.
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
        equations = own[np.flatnonzero(rows.lower == rows.upper)]
        cost = problem.follower_objective.linear[n:]
        self.cost = cost / (float(np.linalg.norm(cost)) or 1.0)
        # Where each side's cost and bound stand among the columns (p, q, t).
        self._column = np.concatenate(
            [2 * m + np.arange(sides.rows), of_bounds + np.where(sides.is_upper[sides.rows :], 0, m)]
        )
        self._columns = 2 * m + sides.rows
        split = sp.csr_array(sp.hstack([sp.eye_array(m), -sp.eye_array(m)]))
        matrix = sp.block_array(
            [
                [self._matrix @ split, -sp.eye_array(sides.rows) if sides.rows else None],
                [sp.csr_array(equations @ split), sp.csr_array((equations.shape[0], sides.rows))],
                [sp.csr_array(self.cost[None, :] @ split), sp.csr_array((1, sides.rows))],
            ],
            format="csr",
        )
        none, still = np.zeros(equations.shape[0]), problem.follower.lower == problem.follower.upper
        self._upper = np.full(self._columns, np.inf)
        self._upper[: 2 * m][np.concatenate([still, still])] = 0.0
        self._lower = np.zeros(self._columns)
        self._program = NodeProgram(
            LinearProgram(
                np.zeros(self._columns),
                sp.csr_array(matrix),
                np.concatenate([np.full(sides.rows, -np.inf), none, [-1.0]]),
                np.concatenate([np.zeros(sides.rows), none, [-1.0]]),
                self._lower,
                self._upper,
            )
        )
        self._known = np.zeros((0, len(sides)), dtype=bool)
        self.solves = 0

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
        shut = (held | (slack <= TIGHT)) & ~idle
        known = self._reused(shut, idle)
        if known is not None:
            return known
        direction = self._least_stopped(shut, idle, weigh(slack))
        if direction is None:
            direction = self._towards_answer(z)
            if direction is None:
                return None
            shut = np.zeros_like(shut)
        own = direction[self.sides.at[self.sides.rows :]] * self._sign[self.sides.rows :]
        approached = np.concatenate([self._matrix @ direction, own])
        stops = (approached > IN_THE_WAY * max(1.0, float(np.abs(direction).max()))) & ~shut
        if (stops & held).any() or (stops & ~idle & (slack <= TIGHT)).any():
            raise SolverFailed(self.problem.name, "a point answers best to one tolerance and not to another", "")
        if not (self._known == stops).all(axis=1).any():
            self._known = np.vstack([self._known, stops])
        return stops

    def _reused(self, shut: Bools, idle: Bools) -> Bools | None:
        """A set that is known and has few live sides."""
        if not len(self._known):
            return None
        fits = ~(self._known[:, shut].any(axis=1))
        live = np.where(fits, self._known[:, ~idle].sum(axis=1), len(self.sides) + 1)
        best = int(live.argmin())
        return np.asarray(self._known[best]) if live[best] <= FEW else None

    def _least_stopped(self, shut: Bools, idle: Bools, weight: Floats) -> Floats | None:
        """The direction that approaches least and no shut side at all, d·D = −1 in units of d; None where none is found."""
        m, cost, upper = len(self.problem.follower), np.zeros(self._columns), self._upper.copy()
        cost[self._column] = np.where(idle, 0.0, weight)
        upper[self._column[shut]] = 0.0
        self._program.set_cost(cost)
        self._program.set_bounds(self._lower, upper)
        self.solves += 1
        if self._program.optimise() is not SolveStatus.OPTIMAL:
            return None
        found = self._program.primal()
        direction = np.asarray(found[:m] - found[m : 2 * m])
        is_improving = float(self.cost @ direction) < -0.5
        return direction if is_improving and float(np.abs(direction).max(initial=0.0)) <= LONGEST else None

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
