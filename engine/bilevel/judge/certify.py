"""The judge of bilevel solutions: certifies a claim from the problem alone, without having seen the method.

The point is checked against every row, the follower is solved again from nothing, and the bound is attacked: on small
problems by a search of the judge's own, and where that is not finished by the responses to many commitments. A claim is OPTIMAL only where
its bound meets its value, rests on no assumption and survives.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from coercivity.engine.bilevel.judge.checks import (
    follower_checks,
    is_attained,
    leader_checks,
    limit_checks,
    row_check,
    value_at,
)
from coercivity.engine.bilevel.judge.probes import high_point_relaxation, is_listed, least_high_point, probes
from coercivity.engine.bilevel.judge.rivals import rival_checks
from coercivity.engine.bilevel.judge.search import search
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.pool import Pool
from coercivity.engine.bilevel.response.responder import FollowerInfeasible, FollowerUnbounded, Responder, Response
from coercivity.engine.bilevel.scaling import scaled
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.errors import CoercivityError, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, SolveStatus
from coercivity.engine.programs.mixed import feasibility
from coercivity.engine.proof.certificate import ProofLevel, all_ok, level
from coercivity.engine.proof.check import TOLERANCE, Check, at_most

# What refutes a bound must satisfy every row, and answer best, to within this.
STRICT = 1e-8


@dataclass(frozen=True)
class BilevelCertificate:
    """The judgement on one claim; figures in the sense of a minimisation, :meth:`shown` in the sense of the file.

    Attributes
    ----------
    name, method : the problem, and who claims
    status : why the method says that it stopped
    value, bound : as claimed; the bound is a lower one
    optimistic, pessimistic, violation : the leader's range over the best responses to the commitment, recomputed, and
        by how much the worst of them breaks a leader's row; None where there is no response to compute
    leader_checks, follower_checks, bound_checks : the recomputations
    assumptions : what the method says that its bound rests on
    attained : whether the value is reached, not only approached; the proof is then of the limit
    is_maximised : the sense of the file
    refutation : a bilevel-feasible point z that gives the leader less than the bound, or None
    refutation_value : its value, +inf without one
    is_confirmed : whether the judge itself has proved the bound, by trying all commitments or by a search of its own;
        where it has not, OPTIMAL also trusts that the method's search was what it says
    notes : what was found, a sentence each
    """

    name: str
    method: str
    status: Status
    value: float
    bound: float
    leader_checks: tuple[Check, ...]
    follower_checks: tuple[Check, ...]
    bound_checks: tuple[Check, ...]
    optimistic: float | None = None
    pessimistic: float | None = None
    violation: float | None = None
    assumptions: tuple[str, ...] = ()
    attained: bool = True
    is_maximised: bool = False
    refutation: Floats | None = None
    refutation_value: float = inf
    is_confirmed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks."""
        return self.leader_checks + self.follower_checks + self.bound_checks

    @property
    def settled(self) -> Status:
        """Why the search ended, in accord with what is proved: a claim that is not proved is none, whatever its method says."""
        if self.proof is ProofLevel.OPTIMAL and self.status is Status.LIMIT:
            return Status.OPTIMAL if self.attained else Status.NOT_ATTAINED
        if self.proof is ProofLevel.OPTIMAL or self.status is Status.LIMIT:
            return self.status
        is_bounded = level(self.leader_checks, self.follower_checks, self.bound_checks) is ProofLevel.OPTIMAL
        return Status.ASSUMED if self.assumptions and is_bounded else Status.UNPROVED

    @property
    def proof(self) -> ProofLevel:
        """The level that the checks support."""
        return level(self.leader_checks, self.follower_checks, () if self.assumptions else self.bound_checks)

    def shown(self, figure: float) -> float:
        """A figure of the leader in the sense of the file."""
        return -figure if self.is_maximised else figure


# The share of its time that the judge searches by itself, before commitments are tried.
SEARCHING = 0.75
OUT_OF_TIME = "the judge's time ran out"
SURVIVES = "no response is worth less than the bound"
ENDLESS = "some commitment lets the leader improve without limit"
PROVED = "the bound is the judge's own: the least over all commitments"


def certify(
    problem: BilevelProblem, solution: BilevelSolution, seconds: float = inf, *, lifts: bool = True
) -> BilevelCertificate:
    """What a claim is worth.

    Parameters
    ----------
    problem : as it was stated; nothing that a method made of it
    solution : the claim
    seconds : how long the attack on the bound may take; where it ends before its time a note says how far it came
    lifts : whether a bound that the judge knows to be higher takes the place of the one claimed
    """
    units = scaled(problem, is_judged=True)
    found = _judged(units.problem, units.into(solution), time.perf_counter() + seconds, lifts)
    if (units.factor, units.shift) == (1.0, 0.0):
        return found
    return replace(
        found,
        value=solution.value,
        bound=solution.bound if PROVED not in found.notes else units.figure(found.bound),
        optimistic=None if found.optimistic is None else units.figure(found.optimistic),
        pessimistic=None if found.pessimistic is None else units.figure(found.pessimistic),
        refutation_value=units.figure(found.refutation_value),
        notes=found.notes + units.note,
    )


def _judged(problem: BilevelProblem, solution: BilevelSolution, until: float, lifts: bool) -> BilevelCertificate:
    if solution.point is None:
        return _without_point(problem, solution, until)
    point = np.asarray(solution.point, dtype=float)
    if point.shape != (problem.width,) or not np.isfinite(point).all():
        broken = (Check(f"the point has {problem.width} finite entries", inf, 1.0),)
        return _certificate(problem, solution, broken, (), ())
    leader = leader_checks(problem, solution, point)
    if problem.rivals is None:
        response, trouble = _response(problem, point)
        follower = follower_checks(problem, solution, point, response)
    else:
        response, trouble, follower = None, None, rival_checks(problem, point)
    notes: tuple[str, ...] = () if trouble is None else (trouble,)
    if not all_ok(leader) or not all_ok(follower):
        return _certificate(problem, solution, leader, follower, (), response, notes=notes)
    claimed = min(solution.bound, solution.value)
    attack = _attack(problem, claimed, point[: len(problem.leader)], until, solution.value)
    if lifts and attack.point is None and attack.least >= claimed and attack.least > -inf:
        # Whoever has looked at every commitment knows the bound, whatever a method came to.
        solution = replace(solution, bound=attack.least)
        notes += (PROVED,)
    bound = _bound_checks(problem, solution, attack)
    return _certificate(problem, solution, leader, follower, bound, response, attack, notes + attack.notes)


def _certificate(
    problem: BilevelProblem,
    solution: BilevelSolution,
    leader: tuple[Check, ...],
    follower: tuple[Check, ...],
    bound: tuple[Check, ...],
    response: Response | None = None,
    attack: _Attack | None = None,
    notes: tuple[str, ...] = (),
) -> BilevelCertificate:
    return BilevelCertificate(
        name=problem.name,
        method=solution.method,
        status=solution.status,
        value=solution.value,
        bound=solution.bound,
        leader_checks=leader,
        follower_checks=follower,
        bound_checks=bound,
        optimistic=None if response is None else response.optimistic,
        pessimistic=None if response is None else response.pessimistic,
        violation=None if response is None else response.violation,
        assumptions=solution.assumptions,
        attained=is_attained(solution),
        is_maximised=problem.is_maximised,
        refutation=None if attack is None else attack.point,
        refutation_value=inf if attack is None else attack.value,
        is_confirmed=attack is not None and attack.is_exhaustive and attack.point is None,
        notes=notes + (() if response is None else response.notes),
    )


def _response(problem: BilevelProblem, point: Floats) -> tuple[Response | None, str | None]:
    """The responses to the commitment of a point, or why there are none."""
    leader = problem.leader
    x = np.clip(point[: len(leader)], leader.lower, leader.upper)
    try:
        return Responder(problem).respond(np.where(leader.is_integer, np.round(x), x)), None
    except CoercivityError as error:
        return None, f"no response to the commitment was found: {error.what}"


@dataclass(frozen=True)
class _Attack:
    """The best point found below a bound, and how hard it was looked for.

    ``failures`` counts the questions to which the solver had no answer: what it did not say could have refuted the bound.
    ``least`` is what every commitment was found to be worth at the least; −inf where not all of them were looked at.
    """

    point: Floats | None
    value: float
    best: float
    notes: tuple[str, ...]
    is_exhaustive: bool
    failures: int = 0
    least: float = -inf


@dataclass
class _Tally:
    """What trying commitments has come to so far; ``best`` is the least value met, ``point`` what refutes the bound.

    ``done`` are all that were looked at, ``asked`` those of them to which the follower had to answer; ``loose`` is the least
    value met at points that keep the leader's rows only within a tolerance.
    """

    is_exhaustive: bool
    point: Floats | None = None
    value: float = inf
    best: float = inf
    failures: int = 0
    done: int = 0
    asked: int = 0
    loose: float = inf

    def settles(self, pool: Pool, x: Floats, aim: float) -> bool:
        """Whether a commitment is worth no less than ``aim``, or breaks the leader's rows, by what is known without asking."""
        self.done += 1
        return not pool.keeps(x) or (np.isfinite(aim) and pool.bound(x) >= aim)

    def take(self, problem: BilevelProblem, pool: Pool, x: Floats, below: float) -> None:
        """Let the follower answer a commitment, and note what that is worth."""
        self.asked += 1
        responder = pool.responder
        try:
            found = responder.incumbent(x)
            pool.learn(found.answer)
            response = responder.respond(x).point if found.point is None and found.value == -inf else found.point
        except (FollowerInfeasible, FollowerUnbounded):
            return
        except CoercivityError as error:
            self.is_exhaustive = False
            self.failures += isinstance(error, SolverFailed)
            return
        if found.value >= self.best:
            return
        if found.point is not None and not _is_strict(problem, found.point):
            # What keeps the rows only within a tolerance neither refutes a bound nor may be passed over.
            self.is_exhaustive = self.is_exhaustive and found.value >= below
            self.loose = min(self.loose, found.value)
            return
        self.best = found.value
        if self.best < below or below == -inf == self.best:
            self.point, self.value = response, self.best


def _attack(problem: BilevelProblem, bound: float, near: Floats | None, until: float, value: float = -inf) -> _Attack:
    """Look for a bilevel-feasible point that gives the leader less than a bound; any at all where that is +inf.

    Where all commitments are looked at, it is found out as well whether any is worth less than ``value``.
    """
    below, aim = (
        figure - TOLERANCE * max(1.0, abs(figure)) if np.isfinite(figure) else figure for figure in (bound, value)
    )
    if problem.rivals is not None:
        return _searched(problem, below, until)
    searched = _Attack(None, inf, inf, (), False)
    if not is_listed(problem):
        now = time.perf_counter()
        searched = _searched(problem, below, now + SEARCHING * (until - now))
    if searched.is_exhaustive or searched.point is not None:
        # Where the judge's own search is finished, commitments tried one by one have nothing to add.
        return searched
    try:
        tried = probes(problem, near)
    except SolverFailed as failure:
        notes = [*searched.notes, f"no commitments could be tried: {failure.what}"]
        return _Attack(None, inf, inf, tuple(notes), False, 1 + searched.failures)
    tally = _Tally(tried.is_exhaustive, failures=searched.failures)
    pool = Pool(problem, Responder(problem))
    aim = max(below, aim) if tried.is_exhaustive else below
    for x in tried.commitments:
        if time.perf_counter() > until:
            tally.is_exhaustive = False
            break
        if not tally.settles(pool, x, aim):
            tally.take(problem, pool, x, below)
    least = min(value, tally.best, tally.loose) if tried.is_exhaustive and tally.is_exhaustive else -inf
    notes = [f"{tally.done} commitments were tried" + (", all there are" if tried.is_exhaustive else "")]
    if tally.asked < tally.done:
        notes = [f"{notes[0]}; {tally.asked} of them were put to the follower"]
    if tally.done < len(tried.commitments):
        notes = [f"{OUT_OF_TIME} after {tally.done} of {len(tried.commitments)} commitments"]
    if tally.failures:
        notes.append(f"to {tally.failures} of the judge's questions the solver had no answer")
    notes = [*notes, *searched.notes]
    return _Attack(tally.point, tally.value, tally.best, tuple(notes), tally.is_exhaustive, tally.failures, least)


def _searched(problem: BilevelProblem, below: float, until: float) -> _Attack:
    """What a search of the judge's own comes to, and what it says of itself."""
    own = search(problem, below, until)
    if own.point is not None and _is_strict(problem, own.point):
        return _Attack(own.point, own.value, own.value, (), own.is_complete, own.failures)
    notes: tuple[str, ...] = ()
    if own.is_complete and own.point is None:
        notes = (f"a search of the judge's own was finished with {own.programs} programs and found none below",)
    elif time.perf_counter() > until:
        notes = (f"{OUT_OF_TIME} after {own.programs} programs of a search of its own",)
    return _Attack(None, inf, inf, notes, own.is_complete and own.point is None, own.failures)


def _is_strict(problem: BilevelProblem, point: Floats) -> bool:
    """Whether a point keeps every row of the leader to a tolerance that its value cannot live on."""
    check = row_check("rows", problem.rows, point)
    return check.gap <= STRICT * check.scale


def _bound_checks(problem: BilevelProblem, solution: BilevelSolution, attack: _Attack) -> tuple[Check, ...]:
    """Whether the bound meets the value and has survived."""
    relaxed = least_high_point(problem)
    checks = [
        at_most("the bound is not above the value", solution.bound, solution.value),
        at_most("the bound meets the value", solution.value, solution.bound),
        at_most(SURVIVES, solution.bound, attack.best) if attack.best < inf else Check(SURVIVES, 0.0, 1.0),
        Check("no point refutes the bound", 0.0 if attack.point is None else inf, 1.0),
        Check("the solver answered what could have refuted it", float(attack.failures), 1.0, 0.5),
    ]
    point = np.asarray(solution.point, dtype=float)
    checks.extend(limit_checks(problem, solution, min(attack.best, value_at(problem, solution, point))))
    if relaxed > -inf:
        checks.append(at_most("the high-point relaxation is not above the value", relaxed, solution.value))
    return tuple(checks)


def _without_point(problem: BilevelProblem, solution: BilevelSolution, until: float) -> BilevelCertificate:
    """The judgement on a claim that there is no solution, which counts only where the judge can confirm it."""
    if solution.status is Status.INFEASIBLE:
        return _infeasible(problem, solution, until)
    if solution.status is Status.UNBOUNDED:
        return _unbounded(problem, solution, until)
    return _certificate(problem, solution, (), (), (), notes=("there is no point to be judged",))


def _infeasible(problem: BilevelProblem, solution: BilevelSolution, until: float) -> BilevelCertificate:
    name = "no commitment has a response that satisfies the leader's rows"
    if feasibility(high_point_relaxation(problem)) is SolveStatus.INFEASIBLE:
        checks = (Check(name, 0.0, 1.0),)
        note = ("the rows of both levels contradict one another",)
        return _certificate(problem, solution, checks, checks, checks, notes=note)
    try:
        attack = _attack(problem, inf, None, until)
    except UsageError as error:
        return _certificate(problem, solution, (), (), (), notes=(error.what,))
    is_confirmed = attack.point is None and attack.is_exhaustive
    checks = (Check(name, 0.0 if is_confirmed else inf, 1.0),)
    return _certificate(problem, solution, checks, checks, checks, None, attack, attack.notes)


def _unbounded(problem: BilevelProblem, solution: BilevelSolution, until: float) -> BilevelCertificate:
    try:
        attack = _attack(problem, -inf, None, until)
    except UsageError as error:
        return _certificate(problem, solution, (), (), (), notes=(error.what,))
    checks = (Check(ENDLESS, 0.0 if attack.best == -inf else inf, 1.0),)
    return _certificate(problem, solution, checks, checks, checks, notes=attack.notes)
