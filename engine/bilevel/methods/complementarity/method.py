"""Branch and bound on the follower's complementarities, without any big-M.

The follower's optimality conditions make one level of two, but for the pairs of which one half must be zero. A node has
some halves held at zero and ignores the other pairs; its linear program, solved from its parent's basis, is a bound, and
its first half held at zero or its second makes two children. Multipliers need no bound anywhere. A leader's commitment met
on the way is answered by the follower, so that an incumbent exists from the first node on.

Accepts: a leader that is linear or quadratic, with integers, coupling rows and prices; a follower that is linear or convex
quadratic. What stays concave in the leader's objective must have a finite range, which linear programs derive.
Bound: the least bound of the open nodes, each by a linear program; rests on no assumption.
Source: Bard and Moore (1990), *A branch and bound algorithm for the bilevel programming problem*, SIAM J. Sci. Stat.
Comput. 11; Hansen, Jaumard and Savard (1992), *New branch-and-bound rules for linear bilevel programming*, ibid. 13;
for a quadratic follower Bard (1988), *Convex two-level optimization*, Math. Programming 40.
"""

from __future__ import annotations

import time

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.complementarity.tree import Tree
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.kkt import kkt_of
from coercivity.engine.bilevel.reformulations.presolve import Relaxation, prepared
from coercivity.engine.bilevel.response.incumbents import Incumbents
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats
from coercivity.engine.programs.quadratic import is_convex

METHOD = "complementarity"


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    try:
        _relaxation(problem)
    except UsageError as refusal:
        return f"{refusal.what}: {refusal.fix}"
    return None


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Parameters
    ----------
    problem : whose follower is convex and has no integers
    limits : of time, nodes and gap

    Raises
    ------
    UsageError
        The method refuses the problem; with the reason.
    """
    started = time.perf_counter()
    relaxation = _relaxation(problem)
    incumbents = _Incumbents(problem, relaxation)
    tree = Tree(relaxation, limits, started, incumbents)
    tree.run()
    incumbents.polish()
    return BilevelSolution(
        point=None if tree.is_unbounded else incumbents.point,
        value=-np.inf if tree.is_unbounded else incumbents.value,
        bound=tree.bound,
        status=_status(tree, incumbents.value, limits),
        method=METHOD,
        seconds=time.perf_counter() - started,
        nodes=tree.nodes,
        programs=tree.solver.program.solves + incumbents.programs,
        solver_seconds=tree.solver.seconds + incumbents.seconds,
        prices=incumbents.prices,
    )


def _relaxation(problem: BilevelProblem) -> Relaxation:
    n = len(problem.leader)
    if problem.follower.is_integer.any():
        what = "the follower has integer variables, whose best responses have no optimality conditions"
        raise UsageError(problem.name, what, "use value_function")
    if not is_convex(sp.csr_array(sp.csr_array(problem.follower_objective.quadratic)[n:, n:])):
        what = (
            "the follower's objective is not convex in its variables, so that its optimality conditions do not suffice"
        )
        raise UsageError(problem.name, what, "state a convex follower; no method here accepts another")
    return prepared(kkt_of(problem))


def _status(tree: Tree, value: float, limits: Limits) -> Status:
    if tree.is_unbounded:
        return Status.UNBOUNDED
    if np.isinf(value):
        return Status.INFEASIBLE if tree.is_finished and np.isinf(tree.bound) else Status.LIMIT
    return Status.OPTIMAL if limits.is_closed(value, tree.bound) else Status.LIMIT


class _Incumbents(Incumbents):
    """Those of a tree on complementarities, whose closed nodes state multipliers."""

    def __init__(self, problem: BilevelProblem, relaxation: Relaxation) -> None:
        super().__init__(problem)
        self._kkt = relaxation.kkt

    def __call__(self, v: Floats, is_complementary: bool | None) -> float:
        """The best value so far, once the commitment in a node's point was tried.

        A point that complements is one of the follower's best responses as it stands; others are answered by the
        follower.
        """
        if is_complementary:
            self._take_node(v)
        elif is_complementary is None:
            self.ask(v)
        else:
            self.meet(v)
        return self.value

    def _take_node(self, v: Floats) -> None:
        point = self.rounded(v)
        prices = self._kkt.prices @ v[: self._kkt.program.shape[1]] if self.problem.prices else None
        value = self.problem.objective.at(point)
        if prices is not None:
            terms = self.problem.prices
            value += sum(t.coefficient * prices[t.row] * (1.0 if t.column is None else point[t.column]) for t in terms)
        self.take(float(value), point, prices)
