"""For followers of integers alone: whoever is answering best leaves no improving direction open.

Let D be a whole step of the follower's columns that costs it less, d·D < 0. Where y is a best response, y + D is none of its
answers, so that some row or bound i with (G D)_i > 0 stands in the way: with whole numbers in it,

    G_i z  ≥  b_i + 1 − (G D)_i      for some i with (G D)_i > 0.

This holds at every bilevel-feasible z, whatever x, and has no cost in it. The master starts from the high-point relaxation and
takes in such a choice of rows for each D that is open at the point it proposes; the D taken is the one with the fewest
rows in its way, found by a small mixed-integer program in D. Where that has no solution y is a best response, the point is
bilevel feasible, and the master's bound is met. All big-Ms are the rows' own ranges, from linear programs.

Accepts: a linear leader, whose columns in the follower's rows are integer; coupling rows; a linear follower, all of it bounded
integers, with rows and costs that are multiples of a common step.
Bound: the master's; rests on no assumption, all big-Ms being derived.
Source: Wang and Xu (2017), *The watermelon algorithm for the bilevel integer linear programming problem*, SIAM J.
Optimization 27; Fischetti, Ljubić, Monaci and Sinnl (2018), *On the use of intersection cuts for bilevel optimization*,
Mathematical Programming 172, for improving directions.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.big_m import answered, begin
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Positions, high_point
from coercivity.engine.bilevel.reformulations.bounds import least, units
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.bilevel.response.pool import Pool
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import solve_mixed

METHOD = "directions"
INSTEAD = "use value_function"
# The share of the time that goes into asking the follower what a proposed commitment is worth.
ASKING = 0.2
# The share of the limit that each of the first two points may take.
BEGINNING = 0.05
# A range beyond this is no big-M that a solver's integrality tolerance can bear.
WIDEST = 1e7


@dataclass(frozen=True)
class Sides:
    """The follower's rows and bounds as matrix · z ≤ level, in whole numbers.

    Attributes
    ----------
    matrix, level : shapes (sides, n + m) and (sides,)
    least : what the relaxation leaves of matrix · z at the least
    step : the step of the follower's costs
    box : how far each column y may move, shape (m,)
    """

    matrix: Floats
    level: Floats
    least: Floats
    step: float
    box: Floats


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    found = _sides(problem)
    return f"{found}: {INSTEAD}" if isinstance(found, str) else None


def _sides(problem: BilevelProblem) -> Sides | str:
    """What may stand in a direction's way; or why the problem is not accepted."""
    n, own = len(problem.leader), problem.follower
    quadratic = (problem.objective.quadratic.data, problem.follower_objective.quadratic.data)
    if any(np.any(part) for part in quadratic) or problem.prices:
        return "an objective is quadratic or counts the follower's multipliers"
    if not own.is_integer.all():
        return "the follower has continuous variables"
    cost = problem.follower_objective.linear[n:]
    step = step_of_cost(cost, own.is_integer) if cost.any() else 1.0
    if step is None:
        return "the follower's costs have no common step"
    found = _whole_rows(problem)
    if isinstance(found, str):
        return found
    # The follower goes where its own rows let it; rows of the leader's are none of its business.
    alone = replace(
        problem,
        rows=replace(
            problem.rows, names=(), matrix=sp.csr_array((0, problem.width)), lower=np.zeros(0), upper=np.zeros(0)
        ),
    )
    unit = units(n + np.arange(len(own)), problem.width)
    low, high = least(high_point(alone)[0], unit), -least(high_point(alone)[0], sp.csr_array(-unit))
    if np.any(np.isinf(low)) or np.any(np.isinf(high)):
        return "an integer variable of the follower has no bound"
    bounds = [
        (sign * unit.toarray()[np.isfinite(end)], sign * end[np.isfinite(end)])
        for sign, end in ((1.0, own.upper), (-1.0, own.lower))
    ]
    matrix = np.vstack([found[0], *(part for part, _ in bounds)])
    level = np.floor(np.concatenate([found[1], *(end for _, end in bounds)]) + 1e-9)
    ranges = least(high_point(problem)[0], sp.csr_array(matrix))
    if np.any(level - ranges > WIDEST):
        return "a row of the follower has no range in which a big-M is safe"
    return Sides(matrix, level, np.floor(ranges + 1e-6), step, np.ceil(high - low))


def _whole_rows(problem: BilevelProblem) -> tuple[Floats, Floats] | str:
    """The follower's rows, one-sided and with whole numbers."""
    rows, is_integer = problem.follower_rows, np.r_[problem.leader.is_integer, problem.follower.is_integer]
    lines, level = [np.zeros((0, problem.width))], [0.0][:0]
    for row in range(len(rows)):
        line = rows.matrix[[row]].toarray().ravel()
        if not line[len(problem.leader) :].any():
            continue
        step = step_of_cost(line, is_integer)
        if step is None:
            return f"row {rows.names[row]} of the follower has no common step, or a continuous variable of the leader in it"
        for sign, side in ((1.0, rows.upper[row]), (-1.0, -rows.lower[row])):
            if np.isfinite(side):
                lines.append(sign * np.round(line / step)[None, :])
                level.append(side / step)
    return np.vstack(lines), np.array(level)


class _Finder:
    """Looks for the improving direction with the fewest sides in its way."""

    def __init__(self, problem: BilevelProblem, sides: Sides) -> None:
        self.sides, self.n = sides, len(problem.leader)
        self.on_y = sides.matrix[:, self.n :]
        cost = problem.follower_objective.linear[self.n :]
        self.cost = np.round(cost / sides.step)

    def open_at(self, z: Floats, seconds: float) -> tuple[SolveStatus, Floats | None]:
        """A direction D open at a whole point z; INFEASIBLE where the follower answers best there."""
        sides, (count, m) = self.sides, self.on_y.shape
        slack = np.maximum(np.round(sides.level - sides.matrix @ z), 0.0)
        # G D ≤ s t: a side without slack, or without its t, may not be approached.
        matrix = sp.block_array(
            [[sp.csr_array(self.on_y), sp.diags_array(-slack)], [sp.csr_array(self.cost[None, :]), None]], format="csr"
        )
        program = LinearProgram(
            cost=np.r_[np.zeros(m), np.ones(count)],
            matrix=sp.csr_array(matrix),
            row_lower=np.full(count + 1, -np.inf),
            row_upper=np.r_[np.zeros(count), -1.0],
            col_lower=np.r_[-sides.box, np.zeros(count)],
            col_upper=np.r_[sides.box, np.where(slack > 0.0, 1.0, 0.0)],
        )
        found = solve_mixed(program, np.ones(m + count, dtype=bool), seconds=seconds)
        if found.point is None:
            return found.status, None
        direction = np.round(found.point[:m])
        is_open = self.cost @ direction <= -1.0 and np.all(self.on_y @ direction <= slack)
        return (SolveStatus.OPTIMAL, direction) if is_open else (SolveStatus.FAILED, None)


class _Search:
    """One run: the master, the follower, the best point so far, and the limits."""

    def __init__(self, problem: BilevelProblem, sides: Sides, limits: Limits) -> None:
        self.problem, self.sides, self.limits, self.began = problem, sides, limits, time.perf_counter()
        self.finder, self.responder = _Finder(problem, sides), Responder(problem)
        self.best, self.bound, self.rounds, self.asked = begin(problem, BEGINNING * limits.seconds), -math.inf, 0, 0.0
        self.sheet, self.z = high_point(problem)
        self.binaries: dict[tuple[int, float], int] = {}
        self.pool = Pool(problem, self.responder)
        self.around: tuple[Floats, Iterator[tuple[int, float]]] | None = None
        self.notes: tuple[str, ...] = ()

    def left(self) -> float:
        """Seconds left."""
        return self.limits.seconds - (time.perf_counter() - self.began)

    def run(self) -> Status:
        """Ask the master and shut the directions that are open at its point, until none is."""
        if self.best.status is SolveStatus.INFEASIBLE:
            self.bound = math.inf
            return Status.INFEASIBLE
        self._cut_off()
        while self.rounds < self.limits.nodes and self.left() > 0.0:
            self.rounds += 1
            try:
                status = self._round()
            except SolverFailed as failure:
                self.notes = (f"{failure.where}: {failure.what}",)
                return Status.LIMIT
            if status is not None:
                return status
        return Status.LIMIT

    def _round(self) -> Status | None:
        program = self.sheet.program(self.problem.objective.constant)
        found = solve_mixed(program, self.sheet.is_integer, gap=self.limits.gap / 10, seconds=max(self.left(), 0.1))
        if found.status is SolveStatus.INFEASIBLE:
            # The cutoff keeps the best point in, so there is none.
            self.bound = math.inf
            return Status.INFEASIBLE if self.best.point is None else Status.LIMIT
        self.bound = max(self.bound, found.bound)
        if found.point is None or found.status is SolveStatus.UNBOUNDED:
            return Status.LIMIT
        z = found.point[: len(self.z)]
        if self._may_ask():
            self._ask(z)
        self._look_around()
        if self.limits.is_closed(self.best.value, self.bound):
            return Status.OPTIMAL
        status, direction = self.finder.open_at(z, max(self.left(), 0.1))
        if direction is not None:
            return None if self._shut(direction) else self._nothing()
        if status is SolveStatus.INFEASIBLE:
            # No direction is open: the follower answers best, which it is asked all the same.
            self._ask(z)
            if self.limits.is_closed(self.best.value, self.bound):
                return Status.OPTIMAL
            if found.status is SolveStatus.OPTIMAL:
                self.notes = ("a point without an improving direction was not confirmed by the follower",)
        return Status.LIMIT

    def _may_ask(self) -> bool:
        return self.asked <= ASKING * (time.perf_counter() - self.began)

    def _look_around(self) -> None:
        """Ask for commitments one step of one column away from the best one, while there is time for asking."""
        leader = self.problem.leader
        while self.best.point is not None and self._may_ask():
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
                self._ask(moved)

    def _nothing(self) -> Status:
        """What follows where nothing can stand in the way of a direction: no point is bilevel feasible."""
        self.bound = math.inf
        return Status.INFEASIBLE if self.best.point is None else Status.LIMIT

    def _ask(self, z: Floats) -> None:
        """Let the follower answer the commitment of a point."""
        started, before = time.perf_counter(), self.best.value
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

    def _shut(self, direction: Floats) -> bool:
        """Take in that some side stands in a direction's way; whether any can."""
        way = self.finder.on_y @ direction
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


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    """
    started = time.perf_counter()
    sides = _sides(problem)
    if isinstance(sides, str):
        raise UsageError(problem.name, f"{sides}: {INSTEAD}")
    search = _Search(problem, sides, limits)
    status = search.run()
    return BilevelSolution(
        search.best.point, search.best.value, min(search.bound, search.best.value), status, METHOD,
        seconds=time.perf_counter() - started, nodes=search.rounds, programs=2 * search.rounds, notes=search.notes,
    )  # fmt: skip
