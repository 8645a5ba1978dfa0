"""The follower's value function, one integer answer at a time, for followers with integer variables.

An answer y is rational if and only if it costs no more than the best one with any other integer part w. With the
integers at w the rest of the follower is a linear program, whose least cost, by duality, is the greatest of finitely many
linear functions of x, one for each vertex v of its dual polyhedron; and it has no answer where some ray ρ of that
polyhedron says so. For every w this is a disjunction without a multiplier in it:

    f(y) ≤ d_w w + v·r_w(x)  for some vertex v,   or   ρ·r_w(x) > 0  for some ray ρ,

where r_w(x) are the right-hand sides left by x and w. The master program starts from the high-point relaxation and takes
in the disjunction of the follower's answer to each x that it proposes, so each of its bounds is valid, and as there are
finitely many w it ends. All big-Ms are primal, from linear programs over the relaxation.

The strict inequality is exact where ρ·r_w(x) moves in steps, that is where integer variables of the leader with
commensurable coefficients stand in it. Where a continuous one stands there the master relaxes it to ≥. Its optimum is
then the limit of commitments if the choices made in it leave a point at a distance t > 0 from equality, by convexity; if
they leave none, they are cut off. The infimum so proven is not attained where no point that reaches it has t > 0.

Accepts: a linear leader with integers and coupling rows; a linear follower with integers (bounded), or without.
Bound: the master's; rests on no assumption, all big-Ms being derived.
Source: Lozano and Smith (2017); Yue, Gao, Zeng and You (2019) for the continuous part of the follower.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.big_m import begin, commitment
from coercivity.engine.bilevel.methods.value_function.pieces import Pieces, pieces_of
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.reformulations.bounds import least, units
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import MixedSolution, solve_mixed

METHOD = "value_function"
# Distances from equality: the greatest asked for, where commitments near an infimum are looked for, and what counts as none.
FARTHEST = 1e-3
NEAR = 1e-5
NONE = 1e-7


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    reason = _refuses_class(problem)
    return reason or Search(problem, Limits()).refuses()


def _refuses_class(problem: BilevelProblem) -> str | None:
    whole = problem.follower.is_integer
    if np.any(problem.follower_objective.quadratic.data):
        return "the follower's objective is quadratic: use complementarity, which takes followers without integers"
    if problem.prices:
        return "the leader's value depends on the follower's multipliers: use complementarity"
    if np.any(problem.objective.quadratic.data):
        return "the leader's objective is quadratic, and no mixed-integer quadratic solver is here: use complementarity"
    sheet, unit = high_point(problem)[0], units(len(problem.leader) + np.flatnonzero(whole), problem.width)
    if np.any(least(sheet, sp.csr_array(sp.vstack([unit, -unit]))) == -np.inf):
        return "an integer variable of the follower has no bound, so that its answers are not finite: bound it"
    return None


class Master:
    """The high-point relaxation with the disjunctions of the answers taken in so far, at a distance t from equality.

    Parameters
    ----------
    cutoff : no optimum is above this value of the leader's linear costs
    """

    def __init__(self, problem: BilevelProblem, pieces: Pieces, cutoff: float) -> None:
        self.problem, self.pieces = problem, pieces
        n = len(problem.leader)
        self.sheet, self.z = high_point(problem)
        if math.isfinite(cutoff):
            self.sheet.rows([(self.z, problem.objective.linear[None, :])], np.array([-np.inf]), np.array([cutoff]))
        on_x = sp.csr_array(pieces.sides.matrix[:, :n]).toarray()
        own = np.r_[np.zeros(n), problem.follower_objective.linear[n:]]
        # f(y) − v·r(x) and ρ·r(x), but for their constants.
        self._prices = np.pad(pieces.vertex @ on_x, ((0, 0), (0, problem.width - n))) + own
        self._refutes = -np.pad(pieces.ray @ on_x, ((0, 0), (0, problem.width - n)))
        self._refutes[np.abs(self._refutes) < 1e-9] = 0.0
        self.highest = -least(self.sheet, sp.csr_array(-self._prices))
        self.least = least(self.sheet, sp.csr_array(self._refutes))
        self.most = -least(self.sheet, sp.csr_array(-self._refutes))
        self.distance = int(self.sheet.columns(np.zeros(1), np.zeros(1))[0])
        self.binaries: dict[tuple[int, float], int] = {}
        self.beside: dict[tuple[int, float, float], int] = {}
        self.answers: set[tuple[float, ...]] = set()

    def program(self) -> LinearProgram:
        """The program at no distance."""
        return self.sheet.program(self.problem.objective.constant)

    def farthest(self, fixed: Mapping[int, float], value: float = math.inf) -> LinearProgram:
        """The program for the greatest distance with some columns fixed, where the leader still reaches a value."""
        found, cost = self.program(), np.zeros(self.sheet.width)
        cost[self.distance], found.col_upper[self.distance] = -1.0, FARTHEST
        for column, held in fixed.items():
            found.col_lower[column] = found.col_upper[column] = held
        if math.isfinite(value):
            limit = value - found.offset + 1e-9 * (1.0 + abs(value))
            matrix = sp.csr_array(sp.vstack([found.matrix, sp.csr_array(found.cost[None, :])]))
            lower, upper = np.r_[found.row_lower, -np.inf], np.r_[found.row_upper, limit]
            found = replace(found, matrix=matrix, row_lower=lower, row_upper=upper)
        return replace(found, cost=cost, offset=0.0)

    def near(self, fixed: Mapping[int, float], distance: float) -> LinearProgram:
        """The program at a distance, with some columns fixed."""
        found = self.program()
        for column, held in {**fixed, self.distance: distance}.items():
            found.col_lower[column] = found.col_upper[column] = held
        return found

    def exclude(self, fixed: Mapping[int, float]) -> bool:
        """Cut off that all of these integer columns are at these values together; False where one has no bound."""
        terms = []
        for column, value in fixed.items():
            if column >= len(self.z):
                terms.append((column, -1.0))
                continue
            for sign in (1.0, -1.0):
                # At 1 the column is below the value (sign 1) or above it (sign −1).
                key, unit = (column, value, sign), sign * units(np.array([column]), self.sheet.width)
                most = -float(least(self.sheet, sp.csr_array(-unit))[0])
                if not math.isfinite(most):
                    return False
                if key not in self.beside:
                    weights = unit.toarray()[0, : len(self.z)]
                    self.beside[key] = self._binary(weights, -np.inf, most, most - sign * value + 1.0)
                terms.append((self.beside[key], 1.0))
        where, by = (np.array(part) for part in zip(*terms, strict=True))
        self.sheet.rows([(where, by[None, :])], np.array([1.0 + by[by < 0.0].sum()]), np.array([np.inf]))
        return True

    def is_new(self, point: Floats) -> bool:
        """Take in the disjunction of the follower's answer at a point z; whether it was not there before."""
        n = len(self.problem.leader)
        answer = point[n:][self.pieces.integer]
        whole = self.problem.follower.is_integer[self.pieces.integer]
        answer = np.where(whole, np.round(answer), answer)
        key = tuple(np.round(answer, 7).tolist())
        if key in self.answers:
            return False
        self.answers.add(key)
        self._take_in(answer)
        return True

    def _take_in(self, answer: Floats) -> None:
        n, pieces = len(self.problem.leader), self.pieces
        held = n + np.flatnonzero(pieces.integer)
        left = pieces.sides.level - pieces.sides.matrix[:, held] @ answer
        price = float(self.problem.follower_objective.linear[held] @ answer)
        found = []
        for k, multiplier in enumerate(pieces.ray):
            threshold, step = self._threshold(k, float(multiplier @ left)), pieces.step[k]
            if self.least[k] > threshold + 1e-9:
                return
            if self.most[k] < threshold + (1e-9 if step == 0.0 else -1e-9):
                continue
            key = (k, round(threshold, 9))
            if key not in self.binaries:
                self.binaries[key] = self._refuted(k, threshold)
            found.append(self.binaries[key])
        for v, multiplier in enumerate(pieces.vertex):
            top = price + float(multiplier @ left)
            room = self.highest[v] - top + 1e-7 * (1.0 + abs(top))
            if room <= 0.0:
                return
            found.append(self._binary(self._prices[v], -np.inf, top + room, room))
        where = np.array(found, dtype=np.intp)
        self.sheet.rows([(where, np.ones((1, len(where))))], np.array([1.0]), np.array([np.inf]))

    def _threshold(self, k: int, constant: float) -> float:
        """How large the ray's part in x must be for its right-hand side to be above zero, or at zero without steps."""
        step = float(self.pieces.step[k])
        return -constant if step == 0.0 else step * (math.floor(-constant / step + 1e-6) + 1)

    def _refuted(self, k: int, threshold: float) -> int:
        """A binary that, at 1, holds the ray's part in x above the threshold, by the distance where it has no steps."""
        size = float(np.abs(self._refutes[k]).max()) if self.pieces.step[k] == 0.0 else 0.0
        room = self.least[k] - threshold - size * FARTHEST - 1e-7 * (1.0 + abs(threshold))
        return self._binary(self._refutes[k], threshold + room, np.inf, room, -size)

    def _binary(self, weights: Floats, lower: float, upper: float, room: float, on_distance: float = 0.0) -> int:
        column = self.sheet.columns(np.zeros(1), np.ones(1), is_integer=True)
        last = np.r_[column, self.distance].astype(np.intp)
        self.sheet.rows(
            [(self.z, weights[None, :]), (last, np.array([[room, on_distance]]))], np.array([lower]), np.array([upper])
        )
        return int(column[0])


class Search:
    """One run: the master, the follower, the best point so far, and the limits."""

    def __init__(self, problem: BilevelProblem, limits: Limits) -> None:
        self.problem, self.limits, self.began = problem, limits, time.perf_counter()
        self.responder, self.best, self.bound = Responder(problem), begin(problem, limits.seconds), -math.inf
        # Whether the best point was found at a distance from the limit, and so does not reach it.
        self.rounds, self.is_near = 0, False
        self.notes: tuple[str, ...] = ()

    def left(self) -> float:
        """Seconds left."""
        return self.limits.seconds - (time.perf_counter() - self.began)

    def refuses(self) -> str | None:
        """Why the master cannot be built; None where it is."""
        if self.best.status is SolveStatus.INFEASIBLE:
            return None
        pieces = pieces_of(self.problem)
        if pieces is None:
            return "the continuous part of the follower has too many dual vertices to list: use complementarity"
        self.master = Master(self.problem, pieces, self.best.cutoff - self.problem.objective.constant)
        if not np.all(np.isfinite(np.r_[self.master.highest, self.master.least])):
            return "the relaxation does not bound the follower's costs, so that no big-M can be derived: use complementarity"
        return None

    def run(self) -> Status:
        """Ask the master, then the follower, until the two agree."""
        if self.best.status is SolveStatus.INFEASIBLE or not len(self.master.pieces.vertex):
            # Without a dual vertex the follower has no best response to anything.
            self.bound = math.inf
            return Status.INFEASIBLE
        while self.rounds < self.limits.nodes and self.left() > 0.0:
            try:
                status = self._round(self.master)
            except SolverFailed as failure:
                # The bounds so far stand; what the follower would have answered is not known.
                return self._stuck(f"{failure.where}: {failure.what}")
            if status is not None:
                return status
        return Status.LIMIT

    def _round(self, master: Master) -> Status | None:
        found = self._ask(master, master.program())
        if found.status is SolveStatus.INFEASIBLE:
            # The cutoff keeps the best point in, so there is none.
            self.bound = math.inf
            return Status.INFEASIBLE if self.best.point is None else Status.LIMIT
        self.bound = max(self.bound, found.bound)
        if found.point is None:
            return Status.LIMIT
        is_new = self._answer(master, found.point)
        if self._is_closed() and not self.is_near:
            return Status.OPTIMAL
        return None if is_new else self._at_the_limit(master, found.point)

    def _at_the_limit(self, master: Master, point: Floats) -> Status | None:
        """What to say where the master's point is no commitment of the follower's, but may be the limit of some."""
        whole = np.flatnonzero(master.sheet.is_integer & ((np.arange(len(point)) < len(master.z)) | (point > 0.5)))
        chosen = {int(column): float(np.round(point[column])) for column in whole}
        reach = self._distance(master, chosen)
        if reach <= NONE:
            for column in list(chosen):
                rest = {other: value for other, value in chosen.items() if other != column}
                chosen = rest if rest and self._distance(master, rest) <= NONE else chosen
            return None if master.exclude(chosen) else self._stuck("an integer of the leader without a bound decides")
        near, before = self._ask(master, master.near(chosen, min(NEAR, reach / 2.0))), self.best.value
        is_new = near.point is not None and self._answer(master, near.point)
        self.is_near = self.is_near or self.best.value < before
        return None if is_new else self._reached(master)

    def _distance(self, master: Master, fixed: Mapping[int, float]) -> float:
        """No point with these columns fixed is farther from equality than this; −inf where there is none."""
        return -self._ask(master, master.farthest(fixed)).bound

    def _reached(self, master: Master) -> Status | None:
        """Whether a limit is attained: some point that reaches it satisfies every strict inequality."""
        if not self.best.value - self.bound <= 1e-3 * max(1.0, abs(self.bound)):
            return self._stuck("no commitment was found near the bound")
        far = self._ask(master, master.farthest({}, self.bound))
        if far.point is None or far.point[master.distance] <= NEAR / 10.0:
            return Status.LIMIT if far.status is SolveStatus.LIMIT else Status.NOT_ATTAINED
        self.is_near = False
        if self._answer(master, far.point):
            return None
        return Status.OPTIMAL if self._is_closed() else self._stuck("no commitment was found that reaches the bound")

    def _stuck(self, why: str) -> Status:
        self.notes = (why,)
        return Status.LIMIT

    def _is_closed(self) -> bool:
        return self.best.point is not None and self.limits.is_closed(self.best.value, self.bound)

    def _ask(self, master: Master, program: LinearProgram) -> MixedSolution:
        self.rounds += 1
        return solve_mixed(program, master.sheet.is_integer, gap=self.limits.gap / 10, seconds=max(self.left(), 0.1))

    def _answer(self, master: Master, point: Floats) -> bool:
        """Let the follower answer x; whether the master did not know the answer."""
        x = commitment(self.problem, point)
        try:
            found = self.responder.incumbent(x)
            answer = self.responder.respond(x).point if found.point is None else found.point
        except InfeasibleProgram:
            return False
        if found.point is not None and found.value < self.best.value:
            self.best = replace(self.best, value=found.value, point=found.point)
        return master.is_new(answer)


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The optimistic optimum, or the infimum where it is not attained.

    Raises
    ------
    UsageError
        The problem is not accepted; the message names a method that does.
    """
    if reason := _refuses_class(problem):
        raise UsageError(problem.name, reason)
    search = Search(problem, limits)
    if reason := search.refuses():
        raise UsageError(problem.name, reason)
    status = search.run()
    best, is_attained = search.best, status is not Status.NOT_ATTAINED
    return BilevelSolution(
        best.point, best.value if is_attained else search.bound, min(search.bound, best.value), status, METHOD,
        attained=is_attained, seconds=time.perf_counter() - search.began, nodes=search.rounds, notes=search.notes,
    )  # fmt: skip
