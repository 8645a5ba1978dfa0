"""The follower's optimality conditions in one mixed-integer program, whose big-Ms are derived or declared.

A linear or convex-quadratic follower plays a best response y exactly if there are multipliers with

    ∇_y f(x, y) = S_y' λ,   λ ≥ 0,   S z ≥ level,   λ_k (S_k z − level_k) = 0  for every side k,

and the last is written with a binary b: λ_k ≤ M_k b_k and S_k z − level_k ≤ N_k (1 − b_k). With valid M and N one run of
the solver proves the optimum; with one that is too small it "proves" a wrong one, which no look at the result betrays.
So M and N come from ``coercivity.engine.bilevel.reformulations.bounds``, with a proof, or from the user with a reason, and then that reason is an assumption
of the solution, which is for this not proven optimal. After the run the binaries are fixed, the linear program is solved
without any M, and the follower is asked again: what a solver's integrality tolerance let through does not survive that.

Accepts: a linear leader, integers allowed, coupling rows allowed; a linear or convex-quadratic follower without integers.
Bound: the solver's bound of the mixed-integer program; rests on no assumption where every M is derived, else on the declared.
Source: Fortuny-Amat and McCarl (1981); Pineda and Morales (2019) on what a wrong M does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Assembly, Positions, high_point
from coercivity.engine.bilevel.reformulations.bounds import LARGEST, BigM, derive
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError, check_name
from coercivity.engine.programs.hot import Floats, SolveStatus
from coercivity.engine.programs.mixed import solve_mixed
from coercivity.engine.programs.quadratic import is_convex

METHOD = "big_m"
# How near its optimum a first commitment has to be, which is only looked at for the follower's answer.
ROUGH = 0.05


@dataclass(frozen=True)
class Declared:
    """Bounds that nobody derived, in the units of the follower's rows, and why they should hold.

    ``multipliers`` is one number for all, or one for each row or column of the follower by name; ``slacks`` likewise.
    """

    reason: str
    multipliers: Mapping[str, float] | float = field(default_factory=dict)
    slacks: Mapping[str, float] | float = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise UsageError("declared bounds", "no reason is given", "say why no multiplier can be larger")

    def check(self, problem: BilevelProblem) -> None:
        """Nothing, where every name is one of a row or column of the follower.

        Raises
        ------
        UsageError
            One is not.
        """
        known = [*problem.follower_rows.names, *problem.follower.names]
        for kind, said in (("multipliers", self.multipliers), ("slacks", self.slacks)):
            for name in said if isinstance(said, Mapping) else ():
                check_name(f"declared {kind}", name, known, "rows and columns of the follower")

    def complete(self, found: BigM) -> BigM:
        """The bounds found, and where none was, the declared ones with their assumptions."""
        sides, assumptions = found.sides, list(found.assumptions)
        slack, multiplier = found.slack.copy(), found.multiplier.copy()
        for k in np.flatnonzero(found.needed()):
            for what, value, said, unit, most in (
                ("multiplier", multiplier, self.multipliers, sides.scale[k] / sides.cost_scale, LARGEST),
                ("slack", slack, self.slacks, 1.0 / sides.scale[k], largest_slack(found)[k]),
            ):
                bound = said.get(sides.owners[k], math.inf) if isinstance(said, Mapping) else said
                if value[k] > most and math.isfinite(bound):
                    value[k] = bound * unit
                    assumptions.append(f"the {what} of {sides.names[k]} is at most {bound:g}: {self.reason}")
        return replace(found, slack=slack, multiplier=multiplier, assumptions=tuple(assumptions))


def largest_slack(found: BigM) -> Floats:
    """Beyond this a bound on a slack leaks through the tolerance on integrality, shape (sides,)."""
    return LARGEST * np.maximum(1.0, np.abs(found.sides.level))


def missing_bound(found: BigM) -> str | None:
    """Which sides have no usable bound, as a sentence; None where all have."""
    most = np.full(len(found.sides), LARGEST)
    for what, value, limit in (("multiplier", found.multiplier, most), ("slack", found.slack, largest_slack(found))):
        bad = np.flatnonzero(found.needed() & (value > limit))
        if len(bad):
            k = bad[0]
            how = f"no bound smaller than {value[k]:.3g}" if np.isfinite(value[k]) else "no bound"
            return f"{how} can be derived for the {what} of {found.sides.names[k]} ({len(bad)} such sides)"
    return None


@dataclass(frozen=True)
class Start:
    """What is known before the method begins: the best bilevel-feasible point seen, if any, and whether one can exist."""

    status: SolveStatus
    value: float = math.inf
    point: Floats | None = None

    @property
    def cutoff(self) -> float:
        """No optimum is above this."""
        return self.value + 1e-6 * (1.0 + abs(self.value)) if math.isfinite(self.value) else math.inf


def begin(problem: BilevelProblem, seconds: float = math.inf) -> Start:
    """The follower's answers to two points of the high-point relaxation: the leader's favourite and the follower's."""
    sheet, _ = high_point(problem)
    program, responder, best = sheet.program(problem.objective.constant), Responder(problem), Start(SolveStatus.OPTIMAL)
    for cost in (program.cost, problem.follower_objective.linear):
        found = solve_mixed(replace(program, cost=cost), sheet.is_integer, gap=ROUGH, seconds=seconds)
        if found.status is SolveStatus.INFEASIBLE:
            return Start(SolveStatus.INFEASIBLE)
        if found.status is SolveStatus.UNBOUNDED and cost is program.cost:
            best = replace(best, status=SolveStatus.UNBOUNDED)
        if found.point is not None and found.status is not SolveStatus.UNBOUNDED:
            best = answered(problem, responder, found.point, best)
    return best


def commitment(problem: BilevelProblem, point: Floats) -> Floats:
    """The leader's part of a solver's point, integers rounded and within bounds."""
    x = np.clip(point[: len(problem.leader)], problem.leader.lower, problem.leader.upper)
    return np.where(problem.leader.is_integer, np.round(x), x)


def answered(problem: BilevelProblem, responder: Responder, point: Floats, best: Start) -> Start:
    """The better of the best point so far and the follower's answer to a point's x that suits the leader best."""
    try:
        found = responder.incumbent(commitment(problem, point))
    except (InfeasibleProgram, SolverFailed):
        # At the edge of the relaxation a tolerance can leave the follower without an answer; so can an unbounded follower.
        return best
    is_better = found.point is not None and found.value < best.value
    return replace(best, value=found.value, point=found.point) if is_better else best


def refuses_class(problem: BilevelProblem) -> str | None:
    """Why the class of the problem is not accepted, whatever the bounds; None where it is."""
    if problem.follower.is_integer.any():
        return "the follower has integer variables, which have no multipliers: use value_function"
    n = len(problem.leader)
    if not is_convex(sp.csr_array(problem.follower_objective.quadratic)[n:, n:]):
        return "the follower is not convex, so that its optimality conditions do not suffice; no method here accepts it"
    if problem.prices:
        return "the leader's value depends on the follower's multipliers: use complementarity"
    if problem.objective.quadratic.nnz and np.any(problem.objective.quadratic.data):
        return "the leader's objective is quadratic, and no mixed-integer quadratic solver is here: use complementarity"
    return None


def refuses(problem: BilevelProblem, declared: Declared | None = None) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    reason = refuses_class(problem)
    if reason:
        return reason
    start = begin(problem)
    return None if start.status is SolveStatus.INFEASIBLE else _bounds(problem, start, declared)[1]


def _bounds(problem: BilevelProblem, start: Start, declared: Declared | None) -> tuple[BigM, str | None]:
    found = derive(problem, start.cutoff - problem.objective.constant)
    found = declared.complete(found) if declared else found
    missing = missing_bound(found)
    return found, f"{missing}; declare one with a reason, or use complementarity" if missing else None


@dataclass(frozen=True)
class Conditions:
    """The high-point relaxation with the follower's optimality conditions, and where its columns are.

    ``choice`` holds the sides that have a binary, ``binary`` their columns; ``tie`` the rows with an M.
    """

    sheet: Assembly
    z: Positions
    multiplier: Positions
    choice: Positions
    binary: Positions
    tie: Positions


def conditions(problem: BilevelProblem, big: BigM) -> Conditions:
    """Both players' rows, stationarity, and complementarity by binaries."""
    n, sides = len(problem.leader), big.sides
    sheet, z = high_point(problem)
    can_price = big.multiplier > 0.0
    most = np.where(can_price, big.multiplier, 0.0)
    multiplier = sheet.columns(np.where(sides.is_equality, -most, 0.0), most)
    sheet.rows([(z, sides.gradient), (multiplier, -sides.matrix[:, n:].T)], -sides.constant, -sides.constant)
    choice = np.flatnonzero(big.needed())
    count = len(choice)
    binary = sheet.columns(np.zeros(count), np.ones(count), is_integer=True)
    nothing, unbounded, one = np.zeros(count), np.full(count, -np.inf), sp.eye_array(count)
    priced = sheet.rows([(multiplier[choice], one), (binary, -sp.diags_array(most[choice]))], unbounded, nothing)
    slack, level = big.slack[choice], sides.level[choice]
    loose = sheet.rows([(z, sides.matrix[choice]), (binary, sp.diags_array(slack))], unbounded, level + slack)
    return Conditions(sheet, z, multiplier, choice, binary, np.concatenate([priced, loose]))


def without_m(problem: BilevelProblem, big: BigM, is_tight: Floats) -> tuple[Assembly, Positions]:
    """The linear program in which each side is tight or has no multiplier, as chosen, and no M stands."""
    n, sides = len(problem.leader), big.sides
    sheet, z = high_point(problem)
    tight = sides.is_equality | (big.slack <= 0.0)
    free = tight.copy()
    chosen = np.flatnonzero(big.needed())
    tight[chosen] = free[chosen] = is_tight > 0.5
    top = np.where(free, np.inf, 0.0)
    multiplier = sheet.columns(np.where(sides.is_equality, -np.inf, 0.0), top)
    sheet.rows([(z, sides.gradient), (multiplier, -sides.matrix[:, n:].T)], -sides.constant, -sides.constant)
    sheet.rows([(z, sides.matrix)], np.full(len(sides), -np.inf), np.where(tight, sides.level, np.inf))
    return sheet, z


def solve(problem: BilevelProblem, limits: Limits = DEFAULT, *, declared: Declared | None = None) -> BilevelSolution:
    """The optimistic optimum by one mixed-integer program.

    Parameters
    ----------
    declared : bounds for sides of which none can be derived; used only there, and then an assumption

    Raises
    ------
    UsageError
        The problem is not accepted; the message names a method that does.
    """
    began = time.perf_counter()
    if reason := refuses_class(problem):
        raise UsageError(problem.name, reason)
    start = begin(problem, limits.seconds)
    if start.status is SolveStatus.INFEASIBLE:
        return BilevelSolution(None, math.inf, math.inf, Status.INFEASIBLE, METHOD)
    big, reason = _bounds(problem, start, declared)
    if reason:
        raise UsageError(problem.name, reason)
    model = conditions(problem, big)
    program = model.sheet.program(problem.objective.constant)
    left = limits.seconds - (time.perf_counter() - began)
    found = solve_mixed(program, model.sheet.is_integer, gap=limits.gap, seconds=max(left, 0.1))
    if found.point is not None:
        sheet, z = without_m(problem, big, found.point[model.binary])
        exact = solve_mixed(
            sheet.program(problem.objective.constant), sheet.is_integer, gap=limits.gap, seconds=max(left, 0.1)
        )
        point = found.point[model.z] if exact.point is None else exact.point[z]
        start = answered(problem, Responder(problem), point, start)
    return concluded(METHOD, start, found.status, found.bound, big.assumptions, limits, time.perf_counter() - began)


def concluded(
    method: str,
    best: Start,
    status: SolveStatus,
    bound: float,
    assumptions: tuple[str, ...],
    limits: Limits,
    seconds: float,
) -> BilevelSolution:
    """The claim that a run of the solver and the best point seen support."""
    notes: tuple[str, ...] = ()
    is_refuted = best.point is not None and best.value < bound - 1e-4 * max(1.0, abs(best.value))
    if status is SolveStatus.UNBOUNDED:
        # A point would only be one of those that the leader improves on.
        claim, bound, best = Status.UNBOUNDED, -math.inf, Start(SolveStatus.UNBOUNDED, -math.inf)
    elif status is SolveStatus.INFEASIBLE and best.point is None and not assumptions:
        claim, bound = Status.INFEASIBLE, math.inf
    elif status is SolveStatus.INFEASIBLE or is_refuted:
        claim, bound = Status.LIMIT, -math.inf
        why = "the program leaves out a point that is known" if is_refuted else "the program has no point"
        notes = (f"{why}: {'a declared bound is too small' if assumptions else 'the data are badly scaled'}",)
    else:
        is_closed = best.point is not None and limits.is_closed(best.value, bound)
        claim = Status.OPTIMAL if is_closed else Status.LIMIT
        if status is SolveStatus.OPTIMAL and not is_closed:
            notes = ("the solver's point did not survive the follower's own answer; the bound stands",)
    return BilevelSolution(
        best.point, best.value, min(bound, best.value), claim, method, assumptions, seconds=seconds, notes=notes
    )
