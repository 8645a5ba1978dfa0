"""A tree on what the leader blocks, for a follower who packs whole items and whose gain is the leader's loss.

The linear program of a node has the leader's columns and t, what the follower gains; packings give cuts that hold at every x, so that
they are kept from node to node. Where x is not whole a greedy packing is looked for at what the items are worth there, and only
a whole x that no greedy packing takes off is put to the follower, as a mixed-integer program of its own. All cuts are of maximal packings
and lifted by swaps.

Accepts: a leader whose only columns in the follower's rows are binaries that block; rows of the leader without the follower's columns;
opposed linear objectives, the leader's own costs apart; a follower of zero-or-one columns in rows that are broken by doing more.
Bound: the least bound of the open nodes; rests on no assumption.
Source: Fischetti, Ljubić, Monaci and Sinnl (2019), *Interdiction games and monotonicity, with application to knapsack problems*,
INFORMS J. Computing 31.
"""

from __future__ import annotations

import math
import time

import numpy as np

from coercivity.engine.bilevel.methods import interdiction
from coercivity.engine.bilevel.methods.interdiction_tree.cuts import Packing, packing_of
from coercivity.engine.bilevel.methods.interdiction_tree.tree import Tree
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.bilevel.response.pool import opposition
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError

METHOD = "interdiction_tree"
INSTEAD = "use interdiction"


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    found = _class(problem)
    return found if isinstance(found, str) else None


def _class(problem: BilevelProblem) -> tuple[Packing, float] | str:
    """What the follower packs, and what the leader loses for each unit that it gains."""
    if reason := interdiction.refuses(problem):
        return reason
    n = len(problem.leader)
    share = opposition(problem)
    if share is None:
        return f"the leader does not lose what the follower gains: {INSTEAD}"
    if len(problem.rows) and np.any(problem.rows.matrix[:, n:].data):
        return f"a row of the leader has the follower's columns in it: {INSTEAD}"
    losses = interdiction.losses_of(problem)
    packing = packing_of(problem, losses)
    return f"{packing}: {INSTEAD}" if isinstance(packing, str) else (packing, share)


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimum; of opposed objectives the optimistic is the pessimistic.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    """
    started = time.perf_counter()
    found = _class(problem)
    if isinstance(found, str):
        raise UsageError(problem.name, found)
    packing, share = found
    tree = Tree(problem, packing, share, _step(problem, packing, share), limits)
    tree.run()
    constant, point, value = problem.objective.constant, None, math.inf
    if tree.is_unbounded:
        raise UsageError(problem.name, f"nothing but the follower's answer bounds the leader's objective: {INSTEAD}")
    if len(tree.best):
        try:
            best = Responder(problem).incumbent(tree.best)
            point, value = best.point, best.value
        except (InfeasibleProgram, SolverFailed):
            # The tree's own bound stands; the point is another's to find.
            point, value = None, math.inf
    bound = min(tree.bound + constant, value)
    if value == math.inf:
        status = Status.INFEASIBLE if tree.is_finished and bound == math.inf else Status.LIMIT
    else:
        status = Status.OPTIMAL if limits.is_closed(value, bound) else Status.LIMIT
    return BilevelSolution(
        point, value, bound, status, METHOD, seconds=time.perf_counter() - started, nodes=tree.nodes,
        programs=tree.program.solves + tree.asked,
    )  # fmt: skip


def _step(problem: BilevelProblem, packing: Packing, share: float) -> float:
    """What every value of the leader is a multiple of, its constant left out; 0 where there is no such step."""
    n = len(problem.leader)
    cost = np.concatenate([problem.objective.linear[:n], share * packing.gain])
    return (
        step_of_cost(cost, np.concatenate([problem.leader.is_integer, np.ones(len(packing.gain), dtype=bool)])) or 0.0
    )
