"""Which method solves a bilevel program: the one asked for, or the first that accepts it, with the reason.

The order is measured. Branching on tight rows comes first wherever it applies, and next branching on complementarities, as it
takes every class of continuous followers and needs no bound on a multiplier; integers of the follower leave interdiction and
the value function. A leader who takes items from a knapsack needs no solver, and one with a short list of commitments has them
all answered, whatever the follower's size; where an integer follower keeps a clever method busy, so has one with a longer list,
as few of them have to be asked. What a method could not decide before its time is over is left to the next one.
The mixed-integer forms can be asked for by name, and serve as a second opinion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from coercivity.engine.bilevel.methods import big_m, commitments, interdiction, knapsack
from coercivity.engine.bilevel.methods.big_m import Declared
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.directions import method as directions
from coercivity.engine.bilevel.methods.interdiction_tree import method as interdiction_tree
from coercivity.engine.bilevel.methods.strong_duality import method as strong_duality
from coercivity.engine.bilevel.methods.tight_rows import method as tight_rows
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations import equilibrium
from coercivity.engine.bilevel.reformulations import written_out as products
from coercivity.engine.bilevel.scaling import scaled
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status
from coercivity.engine.errors import SolverFailed, UsageError, check_name
from coercivity.engine.protocols import LeaningMethod, Method

_ALL: tuple[Method, ...] = (
    complementarity,
    tight_rows,
    knapsack,
    interdiction_tree,
    interdiction,
    directions,
    value_function,
    strong_duality,
    big_m,
    commitments,
)
METHODS: Mapping[str, Method] = {method.METHOD: method for method in _ALL}
AUTO = "auto"
# What takes integers of the follower, the narrowest class first.
CLEVER: tuple[Method, ...] = (interdiction_tree, interdiction, directions, value_function)
# So few commitments are answered one by one before anything cleverer is tried.
FEW = 64
# Of so many, an integer follower's answers to some settle most others; that is tried once a cleverer method takes long.
SEVERAL = 2000
# A method that stopped before this share of its time had something else than the time to stop it.
EARLY = 0.9
# A limit of fewer seconds is left to one method.
SHORT = 4.0
# Those whose proof can lean on bounds that a user declares.
_LEANING: tuple[LeaningMethod, ...] = (big_m, strong_duality)
LEANING: Mapping[str, LeaningMethod] = {method.METHOD: method for method in _LEANING}


@dataclass(frozen=True)
class Solved:
    """A claim, and why its method was taken."""

    solution: BilevelSolution
    why: str


def solve(
    problem: BilevelProblem, method: str = AUTO, limits: Limits | None = None, declared: Declared | None = None
) -> Solved:
    """The claim of a method about a bilevel program.

    Parameters
    ----------
    method : a name among ``METHODS``, or ``auto``
    declared : bounds on multipliers and slacks that nobody derived, for the methods that use them

    Raises
    ------
    UsageError
        The method, or every method, refuses the problem; with each reason. Or bounds are declared that the method does not use.
    SolverFailed
        The solver gave up on a method, and no other one accepts the problem.
    """
    check_name("--method", method, [AUTO, *METHODS], "methods")
    if declared is not None:
        declared.check(problem)
    if problem.rivals is not None:
        return _of_rivals(problem, method, limits, declared)
    is_written_out = products.has_products(problem) and products.refuses(problem) is None
    units = scaled(products.written_out(problem) if is_written_out else problem)
    found = _solved(units.problem, method, limits or Limits(), declared)
    claim = units.out_of(found.solution)
    if is_written_out and claim.point is not None:
        # Columns of products are behind those of the problem.
        claim = replace(claim, point=claim.point[: problem.width])
    return replace(found, solution=claim)


def _of_rivals(problem: BilevelProblem, method: str, limits: Limits | None, declared: Declared | None) -> Solved:
    """Followers that meet, as a program of the usual kind whose first columns are the problem's."""
    found = solve(equilibrium.written(problem), method, limits, declared)
    claim = found.solution
    if claim.point is not None:
        claim = replace(claim, point=claim.point[: problem.width])
    return Solved(claim, f"{equilibrium.WHY}; {found.why}")


def _solved(problem: BilevelProblem, method: str, limits: Limits, declared: Declared | None) -> Solved:
    if declared is not None and method not in LEANING:
        what = f"method {method} rests on no declared bound"
        raise UsageError("declared bounds", what, f"name a method that uses them: {' or '.join(LEANING)}")
    if method == AUTO and knapsack.refuses(problem) is None:
        return Solved(knapsack.solve(problem, limits), "the leader takes items away from the follower's knapsack")
    if method == AUTO and commitments.refuses(problem) is None and commitments.few(problem, FEW):
        return Solved(
            commitments.solve(problem, limits), f"the leader has no more than {FEW} commitments, and each is answered"
        )
    if method != AUTO:
        leaning = None if declared is None else LEANING[method]
        claim = (
            METHODS[method].solve(problem, limits)
            if leaning is None
            else leaning.solve(problem, limits, declared=declared)
        )
        if declared is not None and not claim.assumptions:
            claim = replace(claim, notes=(*claim.notes, "no declared bound was needed: all were derived"))
        return Solved(claim, "it was asked for")
    began = time.perf_counter()
    soon = _answered_soon(problem, limits) if problem.follower.is_integer.any() else []
    if soon and soon[-1].solution.status is not Status.LIMIT:
        return soon[-1]
    refusals: dict[str, str] = {}
    failed = False
    for name, solver in _in_order(problem).items():
        left = replace(limits, seconds=max(0.0, limits.seconds - (time.perf_counter() - began)))
        try:
            found = Solved(solver(problem, left), _why(problem, name, refusals))
        except (UsageError, SolverFailed) as refusal:
            refusals[name] = refusal.what
            failed = failed or isinstance(refusal, SolverFailed)
            continue
        soon.append(found)
        if found.solution.status is not Status.LIMIT or not _gave_up(found.solution, left):
            break
    if soon:
        return _better(soon[-1], soon[:-1])
    # Advice to use another method would send the reader in a circle, where all of them refuse.
    reasons = "; ".join(f"{name}: {what.split(': use ')[0]}" for name, what in refusals.items())
    if failed:
        raise SolverFailed(problem.name, f"no method came to an answer. {reasons}", "scale its data")
    raise UsageError(problem.name, f"no method accepts it. {reasons}", _remedy(problem))


def _answered_soon(problem: BilevelProblem, limits: Limits) -> list[Solved]:
    """What was claimed of an integer follower of a leader with several commitments; the last claim, if any, is finished or all are stopped.

    A clever method has a moment, and then the commitments are answered for a while.
    """
    if limits.seconds < SHORT or commitments.refuses(problem) is not None or not commitments.few(problem, SEVERAL):
        return []
    clever = next((m for m in CLEVER if m.refuses(problem) is None), commitments)
    found = []
    for method, share in ((clever, min(0.5, limits.seconds / 10.0)), (commitments, min(20.0, limits.seconds / 2.0))):
        claim = method.solve(problem, replace(limits, seconds=share))
        why = f"the leader has no more than {SEVERAL:,} commitments, and {method.METHOD} was first to finish"
        found.append(Solved(claim, why))
        if claim.status is not Status.LIMIT:
            break
    return found


def _gave_up(claim: BilevelSolution, limits: Limits) -> bool:
    """Whether a stopped method had time and nodes left, so that what it could not decide is left to the next one."""
    return claim.seconds < EARLY * limits.seconds and claim.nodes < limits.nodes


def _better(solved: Solved, earlier: list[Solved]) -> Solved:
    """A claim with the best point and the best bound of all, where it was stopped."""
    claim = solved.solution
    if claim.status is not Status.LIMIT or not earlier:
        return solved
    claims = [claim, *(one.solution for one in earlier)]
    best, bound = min(claims, key=lambda one: one.value), max(one.bound for one in claims)
    return replace(solved, solution=replace(claim, point=best.point, value=best.value, bound=min(bound, best.value)))


def _remedy(problem: BilevelProblem) -> str:
    """What would bring a problem that every method refuses into a class that one accepts."""
    if not problem.follower.is_integer.any():
        return "state a convex follower, and bound the variables in which the leader's objective is concave"
    quadratic = bool(np.any(problem.follower_objective.quadratic.data))
    if quadratic:
        return "linearise the follower's objective, or relax its integers: with both no best response is described here"
    return (
        "let the leader's variables that the follower meets be bounded integers, few enough to be tried one by one (commitments), "
        "or make the leader's objective linear (value_function), or relax the follower's integers (complementarity)"
    )


def _in_order(problem: BilevelProblem) -> dict[str, Callable[[BilevelProblem, Limits], BilevelSolution]]:
    names = [tight_rows.METHOD, *(name for name in METHODS if name != tight_rows.METHOD)]
    if problem.follower.is_integer.any():
        # Nothing else takes integers of the follower; the refusals of the others would only hide their reasons.
        names = [*(method.METHOD for method in CLEVER), commitments.METHOD]
    return {name: METHODS[name].solve for name in names}


def _why(problem: BilevelProblem, name: str, refusals: Mapping[str, str]) -> str:
    if problem.follower.is_integer.any():
        return "the follower has integers, so that its best responses have no optimality conditions to branch on"
    if name == tight_rows.METHOD:
        return "the follower is linear and the leader counts none of its multipliers; which rows are tight is all there is to branch on"
    # Of a class of its own nobody needs to be told that a quicker method for another is not for it.
    before = {key: what for key, what in refusals.items() if key != tight_rows.METHOD}
    if before:
        return "the methods before it refuse: " + "; ".join(f"{key}: {what}" for key, what in before.items())
    return "the follower is continuous and convex; branching on its complementarities needs no bound on any multiplier"
