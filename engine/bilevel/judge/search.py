"""The judge's own search on small problems for a point with a best response that gives the leader less than a bound.

The follower's optimality conditions are linear but for "this side is active or its multiplier is zero". Branching on
these with linear or convex programs needs no bound on any multiplier, and a node that cannot fall below the bound is
closed. What remains open is found to refute the bound, or the search says that it is not complete.

Source: Bard and Moore, A branch and bound algorithm for the bilevel programming problem (1990).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.judge.checks import row_check
from coercivity.engine.bilevel.judge.probes import high_point_relaxation
from coercivity.engine.bilevel.judge.rivals import is_equilibrium
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.optimal_set import wider, with_rows
from coercivity.engine.bilevel.response.quadratic import least_over
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.errors import CoercivityError, SolverFailed
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise, solve_mixed
from coercivity.engine.programs.nodes import NodeProgram
from coercivity.engine.programs.quadratic import is_convex, solve_quadratic

# Programs solved before the search is given up: linear, convex quadratic, and nonconvex ones.
MOST_LINEAR, MOST_CONVEX, MOST_NONCONVEX = 4000, 1000, 100
# Of linear ones with many sides, each of which takes longer, no more than this divided by their number.
MOST_TOGETHER = 200_000
# A program with more sides is not searched at all.
MOST_SIDES = 200
WHOLE = 1e-7
# The commitment of one node in so many is answered, and of each whose point leaves nothing to branch on.
OFTEN = 16


@dataclass(frozen=True)
class Search:
    """What a search found: ``is_complete`` without a ``point`` proves the bound; ``point`` z refutes it.

    The value is −inf where the leader can improve without limit from the point on. ``failures`` counts what the solver
    had no answer to.
    """

    is_complete: bool
    point: Floats | None = None
    value: float = inf
    programs: int = 0
    failures: int = 0


@dataclass(frozen=True)
class _Conditions:
    """Both levels' rows with the follower's stationarity, over (x, y, multipliers ≥ 0 of sides, others).

    Each side is a row or a column of the program at its lower or upper side, with the column of its multiplier.
    """

    program: LinearProgram
    quadratic: sp.csr_array
    is_integer: NDArray[np.bool_]
    is_row: NDArray[np.bool_]
    is_upper: NDArray[np.bool_]
    index: NDArray[np.int_]
    multiplier: NDArray[np.int_]

    def slack(self, point: Floats) -> Floats:
        """How far each side is from being active."""
        activity = self.program.matrix @ point
        slack = np.empty(len(self.index))
        for kind, value, lower, upper in (
            (True, activity, self.program.row_lower, self.program.row_upper),
            (False, point, self.program.col_lower, self.program.col_upper),
        ):
            at = self.is_row == kind
            where = self.index[at]
            slack[at] = np.where(self.is_upper[at], upper[where] - value[where], value[where] - lower[where])
        return np.maximum(slack, 0.0)


@dataclass(frozen=True)
class _Node:
    """Sides held active, sides whose multiplier is zero, and bounds of the columns tightened for integrality."""

    active: frozenset[int] = frozenset()
    idle: frozenset[int] = frozenset()
    lower: tuple[tuple[int, float], ...] = ()
    upper: tuple[tuple[int, float], ...] = ()


def search(problem: BilevelProblem, below: float, until: float = inf) -> Search:
    """Whether a bilevel-feasible point gives the leader less than ``below``; −inf asks whether there is no least value.

    Problems with integer followers or prices, or with too many sides, are not searched: the answer is not complete; nor is
    it where the clock of :func:`time.perf_counter` has passed ``until``.
    """
    if problem.prices or problem.follower.is_integer.any():
        return Search(False)
    conditions = _conditions(problem)
    if len(conditions.index) > MOST_SIDES:
        return Search(False)
    return _Searcher(problem, conditions, below, until).run()


def _conditions(problem: BilevelProblem) -> _Conditions:
    """The follower's optimality conditions beside the rows of both levels."""
    width, leader = problem.width, len(problem.leader)
    rows, base = len(problem.rows), high_point_relaxation(problem)
    matrix = sp.csr_array(problem.follower_rows.matrix)[:, leader:]
    count = matrix.shape[0]
    own, row = np.arange(leader, width), np.arange(count)
    lower = np.concatenate([problem.follower_rows.lower, problem.follower.lower])
    upper = np.concatenate([problem.follower_rows.upper, problem.follower.upper])
    # A row or column with equal sides has one free multiplier; every other finite side has its own, at least zero.
    is_equal = lower == upper
    parts = [(np.flatnonzero(is_equal), False, False), (np.flatnonzero(~is_equal & np.isfinite(lower)), False, True)]
    parts.append((np.flatnonzero(~is_equal & np.isfinite(upper)), True, True))
    source = np.concatenate([part for part, _, _ in parts])
    is_upper = np.concatenate([np.full(len(part), upper_side) for part, upper_side, _ in parts])
    is_side = np.concatenate([np.full(len(part), side) for part, _, side in parts])
    gradients = sp.csr_array(sp.vstack([_seen(problem, matrix), sp.eye_array(len(own))]))[source]
    signs = np.where(is_upper, 1.0, -1.0)
    hessian, costs = (
        sp.csr_array(problem.follower_objective.quadratic)[leader:],
        problem.follower_objective.linear[leader:],
    )
    if problem.rivals is not None:
        hessian, costs = problem.rivals.gradient, problem.rivals.linear
    stationarity = sp.csr_array(sp.hstack([hessian, (gradients.T * signs[None, :])]))
    total = width + len(source)
    program = LinearProgram(
        cost=np.concatenate([base.cost, np.zeros(len(source))]),
        matrix=wider(base.matrix, rows + count, total),
        row_lower=base.row_lower,
        row_upper=base.row_upper,
        col_lower=np.concatenate([base.col_lower, np.where(is_side, 0.0, -inf)]),
        col_upper=np.concatenate([base.col_upper, np.full(len(source), inf)]),
        offset=base.offset,
    )
    linear = -costs
    at = np.flatnonzero(is_side)
    place = np.concatenate([rows + row, own])
    return _Conditions(
        program=with_rows(program, stationarity, linear, linear),
        quadratic=wider(sp.csr_array(problem.objective.quadratic), total, total),
        is_integer=np.concatenate([problem.leader.is_integer, np.zeros(total - leader, dtype=bool)]),
        is_row=source[at] < count,
        is_upper=is_upper[at],
        index=place[source[at]],
        multiplier=width + at,
    )


def _seen(problem: BilevelProblem, matrix: sp.csr_array) -> sp.csr_array:
    """The follower's rows in the columns of whoever counts them: of followers that meet, each sees its own alone."""
    if problem.rivals is None:
        return matrix
    is_own = np.array(problem.rivals.owners)[:, None] == np.array(problem.members)[None, :]
    return sp.csr_array(matrix.multiply(is_own))


class _Searcher:
    """A depth-first search that keeps its linear programs hot."""

    def __init__(self, problem: BilevelProblem, conditions: _Conditions, below: float, until: float) -> None:
        self.problem, self.conditions, self.below, self.until = problem, conditions, below, until
        self.responder = None if problem.rivals is not None else Responder(problem)
        self.hot = NodeProgram(conditions.program)
        if np.isfinite(below):
            self.hot.stop_at(below)
        is_linear = abs(conditions.quadratic).sum() == 0.0
        self.is_convex = not is_linear and is_convex(conditions.quadratic)
        most = min(MOST_LINEAR, MOST_TOGETHER // max(1, len(conditions.index)))
        self.most = most if is_linear else MOST_CONVEX if self.is_convex else MOST_NONCONVEX
        self.is_linear = is_linear

    def run(self) -> Search:
        """The search."""
        stack, programs, is_complete = [_Node()], 0, True
        while stack:
            if programs >= self.most or time.perf_counter() > self.until:
                return Search(False, programs=programs)
            node = stack.pop()
            programs += 1
            try:
                bound, point = self._relaxed(node)
            except CoercivityError as error:
                return Search(False, programs=programs, failures=int(isinstance(error, SolverFailed)))
            if bound >= self.below and bound > -inf:
                continue
            refuting = self._refuting(point) if point is not None and self._is_worth(point, programs) else None
            if refuting is not None:
                return Search(True, *refuting, programs=programs)
            children = self._children(node, point)
            if not children and point is None:
                start = self._start(node)
                if start is not None:
                    return Search(True, start, -inf, programs)
            is_complete &= bool(children)
            stack.extend(children)
        return Search(is_complete, programs=programs)

    def _is_worth(self, point: Floats, programs: int) -> bool:
        """Whether a point's commitment is answered: of the first nodes, now and then, and where the point complements."""
        if programs & (programs - 1) == 0 or programs % OFTEN == 0:
            return True
        gaps = np.minimum(self.conditions.slack(point), point[self.conditions.multiplier])
        return float(gaps.max(initial=0.0)) <= WHOLE

    def _refuting(self, point: Floats) -> tuple[Floats, float] | None:
        """A bilevel-feasible point below the bound, where the commitment of a relaxed point has one."""
        leader = self.problem.leader
        if self.responder is None:
            z = np.asarray(point[: self.problem.width])
            value = self.problem.objective.at(z)
            is_kept = row_check("rows", self.problem.rows, z).ok and not np.any(
                np.abs(z - np.round(z))[: len(leader)][leader.is_integer] > WHOLE
            )
            return (z, value) if value < self.below and is_kept and is_equilibrium(self.problem, z) else None
        x = np.where(leader.is_integer, np.round(point[: len(leader)]), point[: len(leader)])
        try:
            found = self.responder.incumbent(np.clip(x, leader.lower, leader.upper))
        except CoercivityError:
            return None
        return (found.point, found.value) if found.point is not None and found.value < self.below else None

    def _start(self, node: _Node) -> Floats | None:
        """A bilevel-feasible point z of a node where everything is decided and the leader's value has no bound."""
        if self.problem.leader.is_integer.any():
            return None
        program = self._program(node)
        hot = precise(replace(program, cost=np.zeros_like(program.cost)))
        return hot.primal()[: self.problem.width] if hot.optimise() is SolveStatus.OPTIMAL else None

    def _children(self, node: _Node, point: Floats | None) -> list[_Node]:
        """Two parts of a node; none where everything is decided."""
        conditions = self.conditions
        is_open = np.ones(len(conditions.index), dtype=bool)
        is_open[list(node.active | node.idle)] = False
        open_sides = np.flatnonzero(is_open)
        if point is None:
            return self._sides(node, int(open_sides[0])) if len(open_sides) else []
        fraction = np.where(conditions.is_integer, np.abs(point - np.round(point)), 0.0)
        if fraction.max(initial=0.0) > WHOLE:
            column = int(fraction.argmax())
            down, up = float(np.floor(point[column])), float(np.ceil(point[column]))
            return [
                replace(node, upper=(*node.upper, (column, down))),
                replace(node, lower=(*node.lower, (column, up))),
            ]
        if not len(open_sides):
            return []
        gaps = (conditions.slack(point) * np.maximum(point[conditions.multiplier], 0.0))[open_sides]
        return self._sides(node, int(open_sides[gaps.argmax()]))

    def _sides(self, node: _Node, side: int) -> list[_Node]:
        return [replace(node, idle=node.idle | {side}), replace(node, active=node.active | {side})]

    def _relaxed(self, node: _Node) -> tuple[float, Floats | None]:
        """Bound and point of a node: +inf where it has no point, −inf without a point where it has no bound."""
        program = self._program(node)
        if np.any(program.col_lower > program.col_upper):
            return inf, None
        if self.is_linear:
            hot = self.hot
            hot.set_bounds(program.col_lower, program.col_upper)
            hot.set_row_bounds(program.row_lower, program.row_upper)
            status = hot.optimise()
            if status is SolveStatus.OPTIMAL:
                return hot.objective, hot.primal()
            # Of both the solver's multipliers are proof.
            if status is SolveStatus.BEYOND:
                return self.below, None
            if status in (SolveStatus.FAILED, SolveStatus.LIMIT):
                # Asked once more from nothing, and where the solver then contradicts itself at a looser tolerance.
                anew = solve_mixed(program, np.zeros(program.shape[1], dtype=bool))
                if anew.status is SolveStatus.OPTIMAL:
                    return anew.value, anew.point
                status = anew.status
            status = status.known("a node of the judge's search")
            return (inf, None) if status is SolveStatus.INFEASIBLE else (-inf, None)
        if self.is_convex:
            seconds = max(0.0, self.until - time.perf_counter())
            convex = solve_quadratic(program, self.conditions.quadratic, seconds=seconds, is_known_convex=True)
            if convex.status.known("a node of the judge's search") is SolveStatus.OPTIMAL:
                return convex.value, convex.primal
            return (inf, None) if convex.status is SolveStatus.INFEASIBLE else (-inf, None)
        nothing = np.zeros(program.shape[1], dtype=bool)
        least = least_over(program, self.conditions.quadratic, nothing, until=self.until)
        return least.bound, least.point

    def _program(self, node: _Node) -> LinearProgram:
        conditions, program = self.conditions, self.conditions.program
        row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
        col_lower, col_upper = program.col_lower.copy(), program.col_upper.copy()
        for column, bound in node.lower:
            col_lower[column] = max(col_lower[column], bound)
        for column, bound in node.upper:
            col_upper[column] = min(col_upper[column], bound)
        for side in node.active:
            lower, upper = (row_lower, row_upper) if conditions.is_row[side] else (col_lower, col_upper)
            at = conditions.index[side]
            if conditions.is_upper[side]:
                lower[at] = upper[at]
            else:
                upper[at] = lower[at]
        col_upper[conditions.multiplier[list(node.idle)]] = 0.0
        return replace(program, row_lower=row_lower, row_upper=row_upper, col_lower=col_lower, col_upper=col_upper)
