"""The best commitment under a follower who breaks ties against the leader, as a bilevel program with ties broken for it.

Let the leader choose x and a number v, and let the follower be the worst one that spends no more than v:

    min over x, v of F(x, y)    where    y maximises F(x, y)  over  the follower's rows at x and  d·y ≤ v.

No v below the follower's least cost φ(x) leaves it an answer, at v = φ(x) it has its best responses, and a greater v leaves it
more; so the least over v is what x is worth against the worst best response, and v costs the leader nothing. Rows of
the leader with the follower's columns have to hold for every best response: each side is given a follower of its own that
breaks it as far as it can. Several followers that do not meet are one.

Whether ties can be told apart at all is decided first. A follower whose answer is unique has none, and neither has one of whom the
leader counts only what it pays, without rows of the leader on its columns: there the program is its own.

Where rows move with x and costs do not, the greatest F over the best responses of a linear follower is continuous in x (Walkup and
Wets 1969), so that the value is reached; an integer follower may leave it a limit, which the method that solves the program then says.

Accepts: a follower that is linear, with integers or without, whose costs do not move with x and are bounded by its own rows, or
strictly convex; no prices. Source: Zeng (2020), *A practical scheme to compute the pessimistic bilevel optimization problem*,
INFORMS J. Computing 32, with the number v in the place of a second answer.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, inf

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows, Variables
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise

ALLOWED = "allowed_cost"
# Of a program that is its own reading against the leader.
SAME = "ties make no difference: the best commitment is the same whoever breaks them"
FIX = "solve it with ties broken for the leader, and read what its commitment is worth against it"


def against(problem: BilevelProblem) -> BilevelProblem:
    """The program whose optimum is the best commitment under a follower who breaks ties against the leader.

    Its leader has the columns of the problem's and one more, ``allowed_cost``; its follower has the problem's columns, and those
    again for each side of a coupling row.

    Raises
    ------
    UsageError
        The problem is of a class of which that is not known here; the reason says why.
    """
    if problem.rivals is None and _has_no_ties(problem):
        return replace(problem, remarks=(*problem.remarks, SAME))
    _check(problem)
    n, m = len(problem.leader), len(problem.follower)
    cost = problem.follower_objective.linear[n:]
    low, high = _range(problem, cost)
    step = step_of_cost(cost, problem.follower.is_integer) if problem.follower.is_integer.all() else None
    unit = step or 1.0
    if step is not None:
        low, high = (ceil(low / unit - 1e-6), floor(high / unit + 1e-6) if high < inf else inf)
    name = _new_name(problem)
    leader = Variables(
        (*problem.leader.names, name),
        np.append(problem.leader.lower, low),
        np.append(problem.leader.upper, high),
        np.append(problem.leader.is_integer, step is not None),
    )
    worst = _worst(problem)
    copies = len(worst)
    columns = Variables(
        tuple(f"{one}{'' if k == 0 else f'_{k}'}" for k in range(copies) for one in problem.follower.names),
        np.tile(problem.follower.lower, copies),
        np.tile(problem.follower.upper, copies),
        np.tile(problem.follower.is_integer, copies),
    )
    return replace(
        problem,
        name=f"{problem.name} (ties against the leader)",
        leader=leader,
        follower=columns,
        objective=_wider(problem.objective, n, m, copies),
        rows=_leader_rows(problem, copies),
        follower_objective=_follower_objective(problem, worst),
        follower_rows=_follower_rows(problem, cost, unit, copies),
        is_follower_maximised=False,
        members=(),
    )


def _has_no_ties(problem: BilevelProblem) -> bool:
    """Whether no best response is worth more or less to the leader than another."""
    n = len(problem.leader)
    curvature = sp.csr_array(problem.follower_objective.quadratic)[n:, n:]
    if not problem.follower.is_integer.any() and not problem.prices and curvature.nnz:
        least = float(np.linalg.eigvalsh(curvature.toarray()).min())
        if least > 1e-9 * float(np.abs(curvature.data).max()):
            return True
    is_coupled = len(problem.rows) and np.any(problem.rows.matrix[:, n:].data)
    if is_coupled or problem.prices or sp.csr_array(problem.objective.quadratic)[n:].nnz:
        return False
    gain, cost = (one.linear[n:] for one in (problem.objective, problem.follower_objective))
    if sp.csr_array(problem.follower_objective.quadratic)[n:].nnz:
        return not gain.any()
    at = int(np.abs(cost).argmax()) if len(cost) else 0
    share = gain[at] / cost[at] if len(cost) and cost[at] else 0.0
    return bool(np.array_equal(gain, share * cost))


def _check(problem: BilevelProblem) -> None:
    n = len(problem.leader)
    what = None
    if problem.rivals is not None:
        what = "followers that meet may have many equilibria, of which the worst for the leader is not described here"
    elif problem.prices:
        what = "the leader counts prices, of which the worst for it are not described here"
    elif sp.csr_array(problem.follower_objective.quadratic)[n:].nnz:
        what = (
            "the follower's costs move with the leader's choice, so that its best responses may jump, or it is quadratic and may "
            "be indifferent; what commitments approach against it is not described here"
        )
    if what:
        raise UsageError(f"{problem.name}: ties against the leader", what, FIX)


def _range(problem: BilevelProblem, cost: Floats) -> tuple[float, float]:
    """The least and the greatest that the follower may pay for what its own rows allow, whatever x is."""
    rows, n = problem.follower_rows, len(problem.leader)
    x, y = problem.leader, problem.follower
    program = LinearProgram(
        cost=np.r_[np.zeros(n), cost],
        matrix=sp.csr_array(rows.matrix),
        row_lower=rows.lower,
        row_upper=rows.upper,
        col_lower=np.r_[x.lower, y.lower],
        col_upper=np.r_[x.upper, y.upper],
    )
    ends = []
    for sign in (1.0, -1.0):
        hot = precise(replace(program, cost=sign * program.cost))
        status = hot.decide("what the follower may pay")
        if status is SolveStatus.INFEASIBLE:
            return 0.0, 0.0
        ends.append(sign * hot.objective if status is SolveStatus.OPTIMAL else -sign * inf)
    if ends[0] == -inf:
        what = "nothing bounds what the follower may gain, so that some commitments may have no best response"
        raise UsageError(f"{problem.name}: ties against the leader", what, "bound the follower's columns")
    return ends[0], ends[1]


def _new_name(problem: BilevelProblem) -> str:
    name = ALLOWED
    while name in problem.names:
        name += "_"
    return name


def _worst(problem: BilevelProblem) -> list[Floats | None]:
    """What each copy of the follower maximises in its columns: the leader's objective (None), then each side of a coupling row."""
    n, rows = len(problem.leader), problem.rows
    found: list[Floats | None] = [None]
    for row in range(len(rows)):
        line = rows.matrix[[row]].toarray().ravel()[n:]
        if line.any():
            found += [
                sign * line for sign, side in ((1.0, rows.upper[row]), (-1.0, rows.lower[row])) if np.isfinite(side)
            ]
    return found


def _spread(matrix: sp.csr_array, n: int, copies: int, copy: int) -> sp.csr_array:
    """Rows over (x, y) as rows over (x, v, all copies of y), with this copy."""
    m = matrix.shape[1] - n
    own = [matrix[:, n:] if k == copy else sp.csr_array((matrix.shape[0], m)) for k in range(copies)]
    return sp.csr_array(sp.hstack([matrix[:, :n], sp.csr_array((matrix.shape[0], 1)), *own]))


def _wider(objective: Objective, n: int, m: int, copies: int) -> Objective:
    """The leader's objective over (x, v, all copies), of the first copy."""
    place = np.r_[np.arange(n), n + 1 + np.arange(m)]
    width = n + 1 + m * copies
    linear = np.zeros(width)
    linear[place] = objective.linear
    entries = sp.coo_array(objective.quadratic)
    quadratic = sp.csr_array(
        sp.coo_array((entries.data, (place[entries.coords[0]], place[entries.coords[1]])), shape=(width, width))
    )
    return Objective(linear, quadratic, objective.constant)


def _follower_objective(problem: BilevelProblem, worst: list[Floats | None]) -> Objective:
    n, m = len(problem.leader), len(problem.follower)
    wide = _wider(problem.objective, n, m, len(worst))
    is_own = np.arange(len(wide.linear)) > n
    # Terms in x alone change nothing that it does.
    quadratic = sp.csr_array(wide.quadratic).tolil()
    quadratic[:n, :n] = 0.0
    linear = np.where(is_own, -wide.linear, 0.0)
    for k, line in enumerate(worst):
        if line is not None:
            linear[n + 1 + m * k : n + 1 + m * (k + 1)] = -line
    return Objective(linear, sp.csr_array(-sp.csr_array(quadratic)))


def _leader_rows(problem: BilevelProblem, copies: int) -> Rows:
    """The leader's rows, each side of a coupling row over the copy that breaks it as far as it can."""
    n, rows = len(problem.leader), problem.rows
    parts, names, lower, upper = [sp.csr_array((0, n + 1 + len(problem.follower) * copies))], [], [], []
    copy = 0
    for row in range(len(rows)):
        line = sp.csr_array(rows.matrix[[row]])
        if not np.any(line[:, n:].data):
            parts.append(_spread(line, n, copies, 0))
            names.append(rows.names[row])
            lower.append(rows.lower[row])
            upper.append(rows.upper[row])
            continue
        for is_upper, side in ((True, rows.upper[row]), (False, rows.lower[row])):
            if np.isfinite(side):
                copy += 1
                parts.append(_spread(line, n, copies, copy))
                names.append(f"{rows.names[row]}_{copy}")
                lower.append(-inf if is_upper else side)
                upper.append(side if is_upper else inf)
    return Rows(
        tuple(names), sp.csr_array(sp.vstack(parts)), np.array(lower, dtype=float), np.array(upper, dtype=float)
    )


def _follower_rows(problem: BilevelProblem, cost: Floats, unit: float, copies: int) -> Rows:
    """The follower's rows for each copy, and that none pays more than is allowed."""
    n, rows = len(problem.leader), problem.follower_rows
    paid = sp.csr_array(np.r_[np.zeros(n), cost / unit][None, :])
    parts, names = [], []
    for k in range(copies):
        end = "" if k == 0 else f"_{k}"
        spread = _spread(paid, n, copies, k).tolil()
        spread[0, n] = -1.0
        parts += [_spread(sp.csr_array(rows.matrix), n, copies, k), sp.csr_array(spread)]
        names += [*(f"{name}{end}" for name in rows.names), f"allowed{end}"]
    return Rows(
        tuple(names),
        sp.csr_array(sp.vstack(parts)),
        np.tile(np.append(rows.lower, -inf), copies),
        np.tile(np.append(rows.upper, 0.0), copies),
    )
