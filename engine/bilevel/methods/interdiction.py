"""Cuts for a leader who takes options away from a follower, where doing without an option is always possible.

Binary variables x_j of the leader block variables y_i ≥ 0 of the follower, and nothing else of the follower's constraints
gets harder when some y_i is lowered to zero. Then any answer w of the follower, with what is blocked taken out of it,
is an answer to every x, and so the best one costs no more:

    f(y) ≤ f(w) − Σ_i d_i w_i Σ_{j blocks i} x_j      for every w,

d_i ≤ 0 being the cost of y_i. One row for each w, linear, without a big-M and without a binary of its own. The master starts
from the high-point relaxation and takes in the row of the follower's answer to each x that it proposes; at that x the row
is tight, so that no x is proposed twice, and each bound of the master is valid.

Accepts: a linear leader, integers and coupling rows allowed, whose only columns in the follower's rows are binaries that
block; a linear follower, with integers or without, that may always do less.
Bound: the master's; rests on no assumption.
Source: Fischetti, Ljubić, Monaci and Sinnl (2019), *Interdiction games and monotonicity*, INFORMS J. Computing 31.
"""

from __future__ import annotations

import math
import time

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.big_m import commitment
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, SolveStatus
from coercivity.engine.programs.mixed import solve_mixed

METHOD = "interdiction"


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    if np.any(problem.objective.quadratic.data) or np.any(problem.follower_objective.quadratic.data):
        return "an objective is quadratic: use complementarity"
    if problem.prices:
        return "the leader's value depends on the follower's multipliers: use complementarity"
    reason = _blocks(problem)
    return f"{reason}: use value_function" if isinstance(reason, str) else None


def _blocks(problem: BilevelProblem) -> Floats | str:
    """What x_j takes off the follower's gain where it blocks y_i, −d_i, shape (m, n); or why nothing of the kind is there."""
    n, m, rows, own = len(problem.leader), len(problem.follower), problem.follower_rows, problem.follower
    cost, found = problem.follower_objective.linear[n:], np.zeros((m, n))
    if np.any(own.lower != 0.0):
        return "a variable of the follower cannot be zero, or can be negative"
    is_binary = problem.leader.is_integer & (problem.leader.lower >= 0.0) & (problem.leader.upper <= 1.0)
    for sign, sides in ((1.0, rows.upper), (-1.0, -rows.lower)):
        matrix = sp.csr_array(rows.matrix) * sign
        for row in np.flatnonzero(np.isfinite(sides)):
            line, side = matrix[[row]].toarray().ravel(), float(sides[row])
            on_x, on_y = np.flatnonzero(line[:n]), np.flatnonzero(line[n:])
            if np.any(line[n:] < 0.0):
                return f"row {rows.names[row]} of the follower can be broken by doing less"
            if not len(on_x):
                continue
            if (
                len(on_x) > 1
                or len(on_y) > 1
                or not is_binary[on_x].all()
                or abs(line[on_x[0]] - side) > 1e-12 * abs(side)
            ):
                return f"row {rows.names[row]} of the follower is no block of one variable by one binary of the leader"
            if len(on_y) and cost[on_y[0]] > 0.0:
                return f"{own.names[on_y[0]]} costs the follower something, so that nothing is lost where it is blocked"
            found[on_y, on_x] = -cost[on_y]
    return found if found.any() else "no binary of the leader blocks anything that the follower wants"


def losses_of(problem: BilevelProblem) -> Floats:
    """What each binary takes off the follower's gain where it blocks a column, shape (m, n), of a problem that is accepted."""
    losses = _blocks(problem)
    assert not isinstance(losses, str)
    return losses


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    """
    started = time.perf_counter()
    if reason := refuses(problem):
        raise UsageError(problem.name, reason)
    losses, n, (sheet, z) = losses_of(problem), len(problem.leader), high_point(problem)
    own = problem.follower_objective.linear[n:]
    responder, value, point, bound, rounds = Responder(problem), math.inf, None, -math.inf, 0
    status, responder.until = Status.LIMIT, started + limits.seconds
    seen: set[tuple[float, ...]] = set()
    while rounds < limits.nodes and (left := limits.seconds - (time.perf_counter() - started)) > 0.0:
        rounds += 1
        program = sheet.program(problem.objective.constant)
        found = solve_mixed(program, sheet.is_integer, gap=limits.gap / 10, seconds=max(left, 0.1))
        if found.status is SolveStatus.INFEASIBLE:
            bound, status = math.inf, Status.INFEASIBLE if point is None else Status.LIMIT
            break
        bound = max(bound, found.bound)
        if found.point is None:
            break
        x = commitment(problem, found.point)
        answer, worth, at = _answered(responder, x)
        if at is not None and worth < value:
            value, point = worth, at
        if limits.is_closed(value, bound):
            status = Status.OPTIMAL
            break
        if answer is None or tuple(answer) in seen:
            break
        seen.add(tuple(answer))
        row = np.r_[-(answer @ losses), own]
        sheet.rows([(z, row[None, :])], np.array([-np.inf]), np.array([float(own @ answer)]))
    return BilevelSolution(
        point,
        value,
        min(bound, value),
        status,
        METHOD,
        seconds=time.perf_counter() - started,
        nodes=rounds,
        programs=2 * rounds,
    )


def _answered(responder: Responder, x: Floats) -> tuple[Floats | None, float, Floats | None]:
    """The follower's answer to x, and what the leader is worth there with the point, if the leader's rows are kept."""
    try:
        found = responder.incumbent(x)
        point = responder.respond(x).point if found.point is None else found.point
    except (InfeasibleProgram, SolverFailed):
        return None, math.inf, None
    return point[len(x) :], found.value, found.point
