"""Branch and bound on which of a linear follower's rows and bounds are tight, by programs over both players' columns alone.

A node's linear program holds some sides of the follower's tight and knows nothing of multipliers. At its point a direction that
would make the follower pay less is looked for; it names a set of sides of which one is tight wherever the follower answers
best, and none is at the point. Each side makes a child, and all children are solved at once, each until it is worth no less
than the best point known: the one with the greatest bound comes first, and those after it need not look at its side again. Where
there is no direction the point is bilevel feasible, and the node is done. Directions that few sides stop are preferred, and among
sides those that are far off and have raised bounds; a few directions are tried at a node, each of them shunning the sides that
have just been found to leave much. Points are looked for beside the tree, on pieces of the follower's answers next to the best one.

Where the leader counts no multipliers this takes a quarter to a seventeenth of the nodes of branching on complementarities, each of them
smaller: there "this multiplier is zero" never raises a bound.

Accepts: a linear leader, with integers and coupling rows; a linear follower without integers; a relaxation that has a bound.
Bound: the least bound of the open nodes, each by a linear program; rests on no assumption.
Source: Hansen, Jaumard and Savard (1992), *New branch-and-bound rules for linear bilevel programming*, SIAM J. Sci. Stat.
Comput. 13, for sets of rows of which one is tight; the directions that name them are Zoutendijk's (1960).
"""

from __future__ import annotations

import time

import numpy as np

from coercivity.engine.bilevel.methods.tight_rows.tree import Tree
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.incumbents import Incumbents
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import SolverFailed, UsageError
from coercivity.engine.programs.hot import SolveStatus
from coercivity.engine.programs.mixed import precise

METHOD = "tight_rows"
INSTEAD = "use complementarity"


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    if problem.follower.is_integer.any():
        return "the follower has integer variables, which no tight rows describe: use value_function"
    if np.any(problem.follower_objective.quadratic.data):
        return f"the follower's objective is quadratic: {INSTEAD}"
    if np.any(problem.objective.quadratic.data):
        return f"the leader's objective is quadratic: {INSTEAD}"
    if problem.prices:
        return f"the leader counts the follower's multipliers, which this method does not have: {INSTEAD}"
    if precise(high_point(problem)[0].program()).optimise() is SolveStatus.UNBOUNDED:
        return f"nothing but the follower's answer bounds the leader's objective: {INSTEAD}"
    return None


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    SolverFailed
        The solver gave up on the relaxation.
    """
    started = time.perf_counter()
    if reason := refuses(problem):
        raise UsageError(problem.name, reason)
    incumbents = Incumbents(problem)
    tree = Tree(problem, limits, started, incumbents)
    if (status := tree.root()) not in (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE):
        raise SolverFailed(problem.name, f"the relaxation: {status.value}", INSTEAD)
    tree.run()
    incumbents.polish()
    bound = min(tree.bound, incumbents.value)
    return BilevelSolution(
        point=incumbents.point,
        value=incumbents.value,
        bound=bound,
        status=_status(tree, incumbents.value, bound, limits),
        method=METHOD,
        seconds=time.perf_counter() - started,
        nodes=tree.nodes,
        programs=tree.solves + incumbents.programs,
        solver_seconds=tree.seconds + incumbents.seconds,
    )


def _status(tree: Tree, value: float, bound: float, limits: Limits) -> Status:
    if np.isinf(value):
        return Status.INFEASIBLE if tree.is_finished and np.isinf(bound) else Status.LIMIT
    return Status.OPTIMAL if limits.is_closed(value, bound) else Status.LIMIT
