"""The follower's answer to a fixed commitment, and what its ties are worth to the leader.

For a commitment x the follower's program is one in y alone. Its optimal points are described exactly, not by
"cost ≤ φ(x) + ε":

- linear: complementary slackness with any optimal multipliers (:mod:`coercivity.engine.programs.ties`);
- convex quadratic: besides, Q(y − y*) = 0: all optimal points share their gradient, and minimise it over the polyhedron;
- mixed-integer linear: d · y ≤ φ(x) + δ/2 where the cost moves in steps of δ (integer columns, commensurable costs), and
  elsewhere d · y ≤ φ(x) + 1e-7 to choose the integers, with the face of the linear program that they leave.

The multipliers form a face of their own. Over both the leader's objective is a quadratic, which
:mod:`coercivity.engine.bilevel.response.quadratic` minimises and maximises.

Source: Dempe, *Foundations of Bilevel Programming* (2002), chapters 3 and 5; Mangasarian, A simple characterization of
solution sets of convex programs (1988).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations import written_out as products
from coercivity.engine.bilevel.response.optimal_set import (
    Terms,
    around,
    continuous_face,
    integer_face,
    leader_rows,
    leader_terms,
    least_within,
    multiplier_face,
    product,
    step_of_cost,
    without_zeros,
    worst_violation,
)
from coercivity.engine.bilevel.response.quadratic import Least
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram, LinearSolution, SolveStatus
from coercivity.engine.programs.mixed import precise, solve_mixed, solved_anew, without_optimum
from coercivity.engine.programs.quadratic import is_convex, solve_quadratic
from coercivity.engine.programs.ties import optimal_face

Flags = NDArray[np.bool_]
# Seconds that an answer has at the least.
MOMENT = 0.2


class FollowerInfeasible(InfeasibleProgram):
    """No answer of the follower satisfies its constraints at this commitment."""


class FollowerUnbounded(InfeasibleProgram):
    """The follower can improve without limit at this commitment, and so has no best response."""


class UnsupportedFollower(UsageError):
    """The follower's program is of a class whose best responses cannot be described here."""


@dataclass(frozen=True)
class Response:
    """What a commitment is worth: values in the sense of a minimisation, points z = (x, y).

    Attributes
    ----------
    value : the follower's least value φ(x), with its terms in x
    point : with one best response
    optimistic : leader's least value over the best responses that satisfy all of the leader's rows; +inf where none
        does, −inf where there is no least one
    optimistic_point : that reaches it; None where it is infinite
    pessimistic : leader's greatest value over the best responses; +inf where one of them breaks a leader's row
    pessimistic_point : that reaches it, or None
    violation : by how much the worst best response breaks a leader's row, in the row's unit (+inf without limit)
    prices : multipliers of the follower's rows, as counted in the optimistic value; None where no price matters
    notes : what is not exact, a sentence each
    """

    value: float
    point: Floats
    optimistic: float
    optimistic_point: Floats | None
    pessimistic: float
    pessimistic_point: Floats | None
    violation: float
    prices: Floats | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incumbent:
    """The optimistic half of a response: the leader's value, the point that reaches it and the prices it counts.

    ``answer`` is one best response y, whether or not it keeps the leader's rows; ``bound`` lies below the value where branching
    over ties was cut short.
    """

    value: float
    point: Floats | None
    prices: Floats | None = None
    answer: Floats | None = None
    bound: float = inf


@dataclass(frozen=True)
class _Answer:
    """The follower's program at a commitment and one optimal point, with multipliers where it is continuous."""

    x: Floats
    program: LinearProgram
    value: float
    point: Floats
    solution: LinearSolution | None = None


class Responder:
    """A follower that stays in the solver and answers commitments; each answer begins where the last one ended.

    Bounds and integrality of the leader's own columns are not looked at; all of the leader's rows are. Products of an integer
    follower's binaries are columns of their own while it answers, and left out of what it says.

    Attributes
    ----------
    until : on the clock of :func:`time.perf_counter`; an integer follower that has no answer by then has none, a moment apart

    Raises
    ------
    UnsupportedFollower
        The follower's objective is not convex, or multiplies integer columns that are no binaries; or prices of a follower with
        integer columns, which have no multipliers, enter the leader's objective.
    """

    def __init__(self, problem: BilevelProblem) -> None:
        self._width, self.until = problem.width, inf
        if products.has_products(problem):
            if what := products.refuses(problem):
                fix = "linearise the follower's objective, bound its integers, or relax their integrality"
                raise UnsupportedFollower(problem.name, what, fix)
            problem = products.written_out(problem)
        self.problem = problem
        self._leader = leader = len(problem.leader)
        hessian = sp.csr_array(problem.follower_objective.quadratic)
        self._curvature = without_zeros(hessian[leader:, leader:])
        self._crossed = without_zeros(hessian[leader:, :leader])
        self._is_integer = problem.follower.is_integer
        self._refuse()
        matrix = sp.csr_array(problem.follower_rows.matrix)
        self._matrix, self._linking = without_zeros(matrix[:, leader:]), sp.csr_array(matrix[:, :leader])
        self._hot: HotProgram | None = None

    def _refuse(self) -> None:
        if self.problem.rivals is not None:
            what = "followers that meet have no one answer, but equilibria"
            raise UnsupportedFollower(self.problem.name, what, "solve it with coercivity.engine.bilevel.selection")
        if not is_convex(self._curvature):
            fix = "state it as a convex one; no method here accepts a nonconvex follower"
            raise UnsupportedFollower(self.problem.name, "the follower's objective is not convex", fix)
        if self._is_integer.any() and self.problem.prices:
            what = "prices of an integer follower's rows, which have no multipliers"
            raise UnsupportedFollower(self.problem.name, what, "take the prices out of the leader's objective")

    def program(self, x: Floats) -> LinearProgram:
        """The linear part of the follower's program at a commitment, over y; its offset holds the terms in x alone."""
        objective, rows, leader = self.problem.follower_objective, self.problem.follower_rows, self._leader
        fixed = np.concatenate([x, np.zeros(len(self.problem.follower))])
        given = self._linking @ x
        return LinearProgram(
            cost=objective.linear[leader:] + self._crossed @ x,
            matrix=self._matrix,
            row_lower=rows.lower - given,
            row_upper=rows.upper - given,
            col_lower=self.problem.follower.lower,
            col_upper=self.problem.follower.upper,
            offset=objective.at(fixed),
        )

    def value(self, x: Floats) -> float:
        """The follower's least value φ(x).

        Raises
        ------
        FollowerInfeasible, FollowerUnbounded
            There is none.
        """
        return self._answer(np.asarray(x, dtype=float)).value

    def any_answer(self, x: Floats) -> Floats:
        """One best response y, shape (m,), whatever it is worth to the leader; raises as :meth:`value`."""
        return self._answer(np.asarray(x, dtype=float)).point[: self._width - self._leader]

    def incumbent(self, x: Floats) -> Incumbent:
        """The optimistic value alone, without the ranges that :meth:`respond` computes.

        Raises
        ------
        FollowerInfeasible, FollowerUnbounded
            There is no best response.
        SolverFailed
            The solver gave up, so that none is known.
        """
        answer = self._answer(np.asarray(x, dtype=float))
        return self._incumbent(answer, self._least(answer, self._face(answer)))

    def respond(self, x: Floats) -> Response:
        """Best responses to a commitment, shape (n,), and the leader's values over them.

        Raises
        ------
        FollowerInfeasible, FollowerUnbounded
            There is no best response.
        """
        answer = self._answer(np.asarray(x, dtype=float))
        face = self._face(answer)
        least = self._least(answer, face)
        best = self._incumbent(answer, least)
        violation, is_broken = worst_violation(face, leader_rows(self.problem, answer.x), self._marks(face))
        worst = Least(-inf, None, -inf) if is_broken else self._least(answer, face, is_worst=True)
        cut = [name for name, found in (("optimistic", least), ("pessimistic", worst)) if not found.is_exact]
        return Response(
            value=answer.value,
            point=np.concatenate([answer.x, answer.point])[: self._width],
            optimistic=best.value,
            optimistic_point=best.point,
            pessimistic=-worst.bound,
            pessimistic_point=self._joined(answer, worst.point),
            violation=violation,
            prices=best.prices,
            notes=tuple(f"the {name} value is only an upper bound: branching over ties was cut short" for name in cut),
        )

    def _answer(self, x: Floats) -> _Answer:
        """One best response; a commitment known to 1e-9 may miss the follower's last point by as much."""
        program = self.program(x)
        try:
            return self._solved(x, program)
        except FollowerInfeasible:
            everything = np.arange(program.shape[0], dtype=np.int32)
            loose = HotProgram(replace(program, cost=np.zeros_like(program.cost)), rows_to_keep=everything)
            if self._is_integer.any() or loose.decide(self.problem.name) is not SolveStatus.OPTIMAL:
                raise
            return self._solved(x, around(program, loose.primal()))

    def _solved(self, x: Floats, program: LinearProgram) -> _Answer:
        """One best response, with the multipliers of a continuous follower scaled to costs of at least 1."""
        if self._is_integer.any():
            mixed = solve_mixed(program, self._is_integer, seconds=max(MOMENT, self.until - time.perf_counter()))
            self._require(mixed.status)
            assert mixed.point is not None
            return _Answer(x, around(program, mixed.point), mixed.value, mixed.point)
        if not self._curvature.nnz:
            unit = min(1.0, float(np.abs(program.cost).max(initial=0.0)) or 1.0)
            solution = self._linear(replace(program, cost=program.cost / unit, offset=0.0))
            value = float(program.cost @ solution.primal + program.offset)
            return _Answer(x, around(program, solution.primal), value, solution.primal, solution)
        convex = solve_quadratic(program, self._curvature, is_known_convex=True)
        self._require(convex.status)
        point = convex.primal
        unit = min(1.0, float(np.abs(program.cost + self._curvature @ point).max(initial=0.0)) or 1.0)
        solution = LinearSolution(
            convex.status, 0.0, point, program.matrix @ point, convex.dual / unit, convex.reduced_cost / unit, 0
        )
        return _Answer(x, around(program, point), convex.value, point, solution)

    def _linear(self, program: LinearProgram) -> LinearSolution:
        """The follower's linear program, from the last basis."""
        if self._hot is None:
            self._hot = precise(program)
        else:
            self._hot.exchange(program)
        status = self._hot.optimise()
        if status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
            status = without_optimum(program)
            if status is SolveStatus.OPTIMAL:
                # A point and no ray: the solver contradicted itself.
                if (anew := solved_anew(program)) is not None:
                    return anew
                status = SolveStatus.FAILED
        self._require(status)
        return self._hot.solution()

    def _require(self, status: SolveStatus) -> None:
        if status is SolveStatus.INFEASIBLE:
            what = "the follower has no feasible answer to this commitment"
            raise FollowerInfeasible(self.problem.name, what, "check the follower's rows and bounds")
        if status is SolveStatus.UNBOUNDED:
            what = "the follower can improve without limit at this commitment"
            raise FollowerUnbounded(self.problem.name, what, "bound the follower's columns")
        if status is not SolveStatus.OPTIMAL:
            raise SolverFailed(self.problem.name, f"the follower's program: {status.value}", "scale its data")

    def _face(self, answer: _Answer) -> LinearProgram:
        """The optimal points at a commitment, with the optimal multipliers beside them where prices matter."""
        if answer.solution is None:
            return integer_face(answer.program, answer.value, self._is_integer)
        points = continuous_face(answer.program, self._curvature, answer.solution)
        if not self.problem.prices:
            return points
        gradient = answer.program.cost + self._curvature @ answer.point
        return product(points, multiplier_face(answer.program, gradient, answer.point))

    def _marks(self, face: LinearProgram) -> Flags:
        """Which columns of a face are integer: prices never are."""
        return np.concatenate([self._is_integer, np.zeros(face.shape[1] - len(self._is_integer), dtype=bool)])

    def _least(self, answer: _Answer, face: LinearProgram, *, is_worst: bool = False) -> Least:
        """The leader's least value over a face and its own rows, or minus the greatest over the face alone."""
        terms, rows = leader_terms(self.problem, answer.x), leader_rows(self.problem, answer.x)
        if is_worst:
            terms, rows = Terms(-terms.cost, -terms.quadratic, -terms.offset), rows.none()
        # The follower's own answer is a point of the face, and refutes a solver that finds none there.
        start = answer.point if face.shape[1] == len(self._is_integer) and self._is_integer.any() else None
        least = least_within(face, terms, rows, self._marks(face), start)
        is_mixed = self._is_integer.any() and not self._is_integer.all()
        if least.point is None or not is_mixed or step_of_cost(answer.program.cost, self._is_integer) is not None:
            return least
        whole = np.where(self._is_integer, least.point, np.nan)
        held = replace(
            answer.program,
            col_lower=np.where(self._is_integer, whole, answer.program.col_lower),
            col_upper=np.where(self._is_integer, whole, answer.program.col_upper),
        )
        exact = optimal_face(held, precise(held).solve("follower with its integers held"))
        return least_within(exact, terms, rows, self._marks(exact))

    def _joined(self, answer: _Answer, point: Floats | None) -> Floats | None:
        return None if point is None else np.concatenate([answer.x, point[: len(self._is_integer)]])[: self._width]

    def _incumbent(self, answer: _Answer, least: Least) -> Incumbent:
        prices = least.point[len(self._is_integer) :] if self.problem.prices and least.point is not None else None
        own = answer.point[: self._width - self._leader]
        return Incumbent(least.value, self._joined(answer, least.point), prices, own, least.bound)
