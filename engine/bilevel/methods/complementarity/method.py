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
from coercivity.engine.bilevel.response.ascent import Ascent
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats
from coercivity.engine.programs.quadratic import is_convex

METHOD = "complementarity"
# Pieces that are gone through from one commitment at the most.
MOST_STEPS = 20
# However rarely, one in so many commitments is answered.
OFTEN = 40


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
    commitments = Commitments(problem, relaxation)
    tree = Tree(relaxation, limits, started, commitments)
    tree.run()
    commitments.polish()
    return BilevelSolution(
        point=None if tree.is_unbounded else commitments.point,
        value=-np.inf if tree.is_unbounded else commitments.value,
        bound=tree.bound,
        status=_status(tree, commitments.value, limits),
        method=METHOD,
        seconds=time.perf_counter() - started,
        nodes=tree.nodes,
        programs=tree.solver.program.solves + commitments.answers,
        solver_seconds=tree.solver.seconds + commitments.seconds,
        prices=commitments.prices,
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


class Commitments:
    """The best bilevel-feasible point so far, from the follower's answers to commitments met in the tree."""

    def __init__(self, problem: BilevelProblem, relaxation: Relaxation) -> None:
        self._problem, self._kkt = problem, relaxation.kkt
        self._responder = Responder(problem)
        self._ascent = Ascent(problem, self._responder)
        self._calls = 0
        self._whole = np.flatnonzero(problem.leader.is_integer)
        self.value = np.inf
        self.point: Floats | None = None
        self.prices: Floats | None = None
        self.answers = 0
        self.seconds = 0.0

    def __call__(self, v: Floats, is_complementary: bool | None) -> float:
        """The best value so far, once the commitment in a node's point was tried.

        A point that complements is one of the follower's best responses as it stands; others are answered by the
        follower at the first nodes, then ever more rarely, and from there one walks on.
        """
        if is_complementary:
            self._take_node(v)
            return self.value
        self._calls += is_complementary is False
        if is_complementary is None or self._calls & (self._calls - 1) == 0 or self._calls % OFTEN == 0:
            x = v[: len(self._problem.leader)].copy()
            x[self._whole] = np.round(x[self._whole])
            self._answer(x)
            self._ascend(x)
        return self.value

    def _ascend(self, x: Floats) -> None:
        """Go from piece to piece while the leader gains; what it gains only counts once the follower has answered."""
        for _ in range(MOST_STEPS):
            before, started = self.value, time.perf_counter()
            onward = self._ascent.step(x)
            self.seconds += time.perf_counter() - started
            if onward is None:
                return
            x = onward
            x[self._whole] = np.round(x[self._whole])
            self._answer(x)
            if not self.value < before:
                return

    def _take_node(self, v: Floats) -> None:
        point = v[: self._problem.width].copy()
        point[self._whole] = np.round(point[self._whole])
        prices = self._kkt.prices @ v[: self._kkt.program.shape[1]] if self._problem.prices else None
        value = self._problem.objective.at(point)
        if prices is not None:
            terms = self._problem.prices
            value += sum(t.coefficient * prices[t.row] * (1.0 if t.column is None else point[t.column]) for t in terms)
        if value < self.value:
            self._take(float(value), point, prices)

    def polish(self) -> None:
        """Let the follower answer the best commitment once more: its optimum is exact where a node's point is a solver's."""
        if self.point is not None:
            before, self.value = self.value, np.inf
            kept = self.point, self.prices
            self._answer(self.point[: len(self._problem.leader)])
            if self.value > before + 1e-7 * max(1.0, abs(before)):
                self._take(before, *kept)

    def _answer(self, x: Floats) -> None:
        before = time.perf_counter()
        self.answers += 1
        try:
            found = self._responder.incumbent(np.clip(x, self._problem.leader.lower, self._problem.leader.upper))
        except (InfeasibleProgram, SolverFailed):
            return
        finally:
            self.seconds += time.perf_counter() - before
        if found.point is not None and found.value < self.value:
            self._take(found.value, found.point, found.prices)

    def _take(self, value: float, point: Floats, prices: Floats | None) -> None:
        self.value, self.point, self.prices = value, point, prices
