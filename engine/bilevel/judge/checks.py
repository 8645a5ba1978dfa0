"""What the judge recomputes of a claimed point: the leader's rows and value, and the follower's regret."""

from __future__ import annotations

from math import inf

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Rows, Variables
from coercivity.engine.bilevel.response.optimal_set import around
from coercivity.engine.bilevel.response.responder import Responder, Response
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.errors import CoercivityError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise, solve_mixed
from coercivity.engine.programs.weak_duality import dual_bound
from coercivity.engine.proof.check import Check, at_most, compare

# How near its limit the best point known must be where the value is not attained.
APPROACH = 1e-4


def leader_checks(problem: BilevelProblem, solution: BilevelSolution, point: Floats) -> tuple[Check, ...]:
    """The leader's own columns and rows, and the value it claims."""
    own = point[: len(problem.leader)]
    checks = [
        _bounds("bounds of the leader's columns", problem.leader, own),
        _integrality("integrality of the leader's columns", problem.leader, own),
        row_check("the leader's rows", problem.rows, point),
    ]
    value = value_at(problem, solution, point)
    if is_attained(solution):
        return (*checks, compare("value claimed is the leader's objective at the point", solution.value, value))
    return (*checks, at_most("the limit claimed is not above the point's value", solution.value, value))


def is_attained(solution: BilevelSolution) -> bool:
    """Whether a claim says that its value is reached."""
    return solution.attained and solution.status is not Status.NOT_ATTAINED


def limit_checks(problem: BilevelProblem, solution: BilevelSolution, nearest: float) -> tuple[Check, ...]:
    """Whether a limit can be one: it is approached, and by a follower whose best responses can jump.

    Best responses of a continuous follower make finitely many polyhedra with the commitments, on which a quadratic that
    is bounded below is attained (Frank and Wolfe 1956). So they do where what the follower sees of the leader is whole
    and bounded: each of finitely many answers is then best on a polyhedron of its own.

    Parameters
    ----------
    nearest : the least value known of a commitment
    """
    if is_attained(solution):
        return ()
    jumps = bool(problem.follower.is_integer.any())
    return (
        compare("commitments approach the limit claimed", solution.value, nearest, tolerance=APPROACH),
        Check("only an integer follower leaves a limit that is not attained", 0.0 if jumps else inf, 1.0),
        Check("the follower sees what can come near a limit", 0.0 if _is_approachable(problem) else inf, 1.0),
    )


def _is_approachable(problem: BilevelProblem) -> bool:
    """Whether a column of the leader that the follower sees has more than finitely many values."""
    n, leader = len(problem.leader), problem.leader
    in_rows = abs(sp.csr_array(problem.follower_rows.matrix)[:, :n]).sum(axis=0)
    in_costs = abs(sp.csr_array(problem.follower_objective.quadratic)[n:, :n]).sum(axis=0)
    is_menu = leader.is_integer & np.isfinite(leader.lower) & np.isfinite(leader.upper)
    return bool(np.any(~is_menu & (in_rows + in_costs > 0.0)))


def value_at(problem: BilevelProblem, solution: BilevelSolution, point: Floats) -> float:
    """The leader's objective at a point z with the prices that a claim counts; nan where it tells none."""
    value = problem.objective.at(point)
    if not problem.prices:
        return value
    prices = _prices(problem, solution)
    if prices is None:
        return float("nan")
    factors = [1.0 if term.column is None else point[term.column] for term in problem.prices]
    return value + sum(
        term.coefficient * float(factor) * float(prices[term.row])
        for term, factor in zip(problem.prices, factors, strict=True)
    )


def _prices(problem: BilevelProblem, solution: BilevelSolution) -> Floats | None:
    """The prices that a claim counts, one for each of the follower's rows; None where it does not tell them."""
    if solution.prices is None or np.shape(solution.prices) != (len(problem.follower_rows),):
        return None
    return np.asarray(solution.prices, dtype=float)


def _bounds(name: str, columns: Variables, own: Floats) -> Check:
    excess = np.maximum(columns.lower - own, own - columns.upper)
    return Check(name, *_worst(excess, columns.lower, columns.upper))


def row_check(name: str, rows: Rows, point: Floats) -> Check:
    """By how much a point z breaks rows, beside the size of their sides."""
    activity = rows.matrix @ point
    return Check(name, *_worst(np.maximum(rows.lower - activity, activity - rows.upper), rows.lower, rows.upper))


def _worst(excess: Floats, lower: Floats, upper: Floats) -> tuple[float, float]:
    """The largest excess in comparison with its side, and that side's size, at least 1."""
    if not len(excess):
        return 0.0, 1.0
    finite = [np.where(np.isfinite(side), np.abs(side), 0.0) for side in (lower, upper)]
    scale = np.maximum(1.0, np.maximum(*finite))
    at = int((excess / scale).argmax())
    return max(0.0, float(excess[at])), float(scale[at])


def _integrality(name: str, columns: Variables, own: Floats) -> Check:
    return Check(name, float(np.abs(own - np.round(own))[columns.is_integer].max(initial=0.0)), 1.0)


def follower_checks(
    problem: BilevelProblem, solution: BilevelSolution, point: Floats, response: Response | None
) -> tuple[Check, ...]:
    """Whether the answer is one of the best: feasible, no regret, and worth what the best responses are worth."""
    own = point[len(problem.leader) :]
    feasible = (
        _bounds("bounds of the follower's columns", problem.follower, own),
        _integrality("integrality of the follower's columns", problem.follower, own),
        row_check("the follower's rows", problem.follower_rows, point),
    )
    if response is None:
        return (*feasible, Check("the follower has a best response", inf, 1.0))
    value = value_at(problem, solution, point)
    checks = [
        *feasible,
        _regret(problem, point),
        at_most("the value is not below the optimistic one", response.optimistic, value),
        at_most("the value is not above the pessimistic one", value, response.pessimistic)
        if response.pessimistic < inf
        else Check("the value is not above the pessimistic one", 0.0, 1.0),
    ]
    return (*checks, _price_check(problem, solution, point)) if problem.prices else tuple(checks)


def _answering(problem: BilevelProblem, point: Floats) -> LinearProgram:
    """The follower's program over z with the commitment held; the objective is its gradient at the point.

    For a linear follower that is its own cost. For a convex one the least value is reached by every optimal answer,
    and by no other answer once the point is optimal.
    """
    leader, objective = len(problem.leader), problem.follower_objective
    is_own = np.arange(problem.width) >= leader
    held = np.where(problem.leader.is_integer, np.round(point[:leader]), point[:leader])
    cost = np.where(is_own, objective.linear + objective.quadratic @ point, 0.0)
    return LinearProgram(
        cost=cost,
        matrix=sp.csr_array(problem.follower_rows.matrix),
        row_lower=problem.follower_rows.lower,
        row_upper=problem.follower_rows.upper,
        col_lower=np.concatenate([held, problem.follower.lower]),
        col_upper=np.concatenate([held, problem.follower.upper]),
    )


def _regret(problem: BilevelProblem, point: Floats) -> Check:
    """How much better the follower could do; of a linear one proved by multipliers, and not by the solver's word."""
    name = "the follower's regret"
    leader, objective = len(problem.leader), problem.follower_objective
    curvature = sp.csr_array(objective.quadratic)[leader:, leader:]
    program = around(_answering(problem, point), point)
    claimed = float(program.cost @ point)
    unit = min(1.0, float(np.abs(program.cost).max(initial=0.0)) or 1.0)
    if abs(curvature).sum():
        x = np.where(problem.leader.is_integer, np.round(point[:leader]), point[:leader])
        try:
            least = Responder(problem).value(x)
        except CoercivityError:
            # The commitment as it stands, outside its bounds by a tolerance or more, may have no answer at all.
            return Check(name, inf, 1.0)
        return at_most(name, objective.at(point), least, unit)
    if problem.follower.is_integer.any():
        marks = np.concatenate([np.zeros(leader, dtype=bool), problem.follower.is_integer])
        return at_most(name, claimed, solve_mixed(program, marks).bound, unit)
    hot = precise(program)
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return Check(name, inf, 1.0)
    found = hot.solution()
    return at_most(name, claimed, dual_bound(program, found.dual, found.reduced_cost), unit)


def _price_check(problem: BilevelProblem, solution: BilevelSolution, point: Floats) -> Check:
    """Whether the prices are optimal multipliers: they alone must prove that the follower cannot do better."""
    name = "the prices are multipliers of the follower's optimum"
    prices = _prices(problem, solution)
    if prices is None or not np.isfinite(prices).all():
        return Check(name, inf, 1.0)
    program = _answering(problem, point)
    # What the held columns of the leader would cost belongs to the multipliers of holding them.
    return at_most(name, float(program.cost @ point), dual_bound(program, prices, program.cost))
