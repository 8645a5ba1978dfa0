"""Every commitment of a leader who has finitely many, each answered by the follower.

The plainest method, and a yardstick for the others: it uses nothing of the follower but its answers, so that it takes any
follower whose best responses can be described, with integers or without. What the leader's own rows exclude is not asked,
nor what earlier answers already show to be no better than the best so far.

Accepts: a leader whose variables that the follower meets are all bounded integers, with no more than 20,000 combinations; any
convex follower, or one with integers; quadratic objectives, coupling rows, and prices where the leader has no other variables.
Bound: the least value over all commitments; rests on no assumption. None while some are left.
Source: von Stackelberg (1934); Bard, *Practical Bilevel Optimization* (1998), chapter 6, on implicit enumeration.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator

import numpy as np

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.handed_over import back, handed_over
from coercivity.engine.bilevel.response.pool import Pool
from coercivity.engine.bilevel.response.responder import Responder, UnsupportedFollower
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats

METHOD = "commitments"
MOST = 20_000
# A row of the leader's own that is kept to within this, against its entries, is kept.
KEPT = 1e-9
# What is worth less than the best by no more than this, against its size, is worth the same.
SAME = 1e-9
# What a value may lie above its own bound, against its size, and still be the least.
CUT = 2e-8


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    problem = handed_over(problem)[0]
    leader = problem.leader
    if not leader.is_integer.all():
        return (
            "the leader has continuous variables that the follower meets, and so no list of commitments: "
            "use complementarity or value_function"
        )
    if not np.isfinite(np.r_[leader.lower, leader.upper]).all():
        return "an integer variable of the leader has no bound: use complementarity or value_function"
    if (count := math.prod(len(values) for values in _values(problem))) > MOST:
        return f"{count:.3g} commitments, more than {MOST:,}: use complementarity or value_function"
    try:
        Responder(problem)
    except UnsupportedFollower as refusal:
        return f"{refusal.what}: {refusal.fix}"
    return None


def count(problem: BilevelProblem) -> int:
    """How many commitments keep the leader's own rows; of a problem that is not refused."""
    return sum(1 for _ in _commitments(handed_over(problem)[0]))


def few(problem: BilevelProblem, most: int) -> bool:
    """Whether no more commitments than this keep the leader's own rows; of a problem that is not refused."""
    return sum(1 for _ in itertools.islice(_commitments(handed_over(problem)[0]), most + 1)) <= most


def _values(problem: BilevelProblem) -> list[Floats]:
    ends = zip(np.ceil(problem.leader.lower - KEPT), np.floor(problem.leader.upper + KEPT), strict=True)
    return [np.arange(low, high + 1.0) for low, high in ends]


def _commitments(problem: BilevelProblem) -> Iterator[Floats]:
    """Those that keep the rows in which nothing of the follower's stands."""
    n, rows = len(problem.leader), problem.rows
    own = np.flatnonzero(abs(rows.matrix[:, n:]).sum(axis=1) == 0) if len(rows) else np.zeros(0, dtype=np.intp)
    matrix = rows.matrix[own, :n].toarray() if len(own) else np.zeros((0, n))
    room = KEPT * (1.0 + np.abs(matrix).sum(axis=1))
    for values in itertools.product(*_values(problem)):
        x = np.array(values, dtype=float)
        activity = matrix @ x
        if np.all(activity >= rows.lower[own] - room) and np.all(activity <= rows.upper[own] + room):
            yield x


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Raises
    ------
    UsageError
        The method refuses the problem; with the reason.
    """
    started = time.perf_counter()
    if reason := refuses(problem):
        raise UsageError(problem.name, reason)
    problem, order = handed_over(problem)
    pool, best, tried, is_finished = Pool(problem, Responder(problem)), None, 0, True
    # Where branching over ties was cut short, a commitment may be worth less than was found.
    value, least, asked = math.inf, math.inf, 0
    for x in _commitments(problem):
        if time.perf_counter() - started > limits.seconds or tried >= limits.nodes:
            is_finished = False
            break
        tried += 1
        if pool.bound(x) >= value - SAME * max(1.0, abs(value)):
            continue
        asked += 1
        try:
            found = pool.responder.incumbent(x)
            pool.learn(found.answer)
        except InfeasibleProgram:
            continue
        except SolverFailed:
            # What this commitment is worth is not known, and so no bound either.
            is_finished = False
            continue
        least = min(least, found.bound)
        if found.value < value:
            value, best = found.value, found
        if value == -math.inf:
            break
    point = None if best is None or best.point is None else back(best.point, order)
    bound = min(value, least) if is_finished else -math.inf
    is_finished = is_finished and (bound == value or bound >= value - CUT * max(1.0, abs(value)))
    return BilevelSolution(
        point, value, bound, _status(value, is_finished), METHOD,
        seconds=time.perf_counter() - started, nodes=tried, programs=asked, prices=best.prices if best else None,
    )  # fmt: skip


def _status(value: float, is_finished: bool) -> Status:
    if value == -math.inf:
        return Status.UNBOUNDED
    if not is_finished:
        return Status.LIMIT
    return Status.INFEASIBLE if value == math.inf else Status.OPTIMAL
