"""The answer to a bilevel program in a file: solved by a method, judged without it, and told again from what was saved."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from coercivity.engine.bilevel.formats.neutral.reader import program_of
from coercivity.engine.bilevel.formats.neutral.writer import data_of, laid_out
from coercivity.engine.bilevel.judge import safe
from coercivity.engine.bilevel.judge.certify import ENDLESS, OUT_OF_TIME, SURVIVES, BilevelCertificate, certify
from coercivity.engine.bilevel.judge.guarantee import Guarantee, Guaranteed, guaranteed, is_whole
from coercivity.engine.bilevel.methods.big_m import Declared
from coercivity.engine.bilevel.problem import BilevelProblem, Variables
from coercivity.engine.bilevel.selection import AUTO, METHODS, Solved, solve
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status
from coercivity.engine.data.values import from_plain, to_plain
from coercivity.engine.desk import runs
from coercivity.engine.errors import AuditFailed, UsageError
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.engine.proof.check import Check
from coercivity.engine.proof.retelling import compared, holds, judged
from coercivity.models.program.values import Judgement, ProgramAnswer, ProgramVerification, Safety, Size

SCHEMA_VERSION = 1
AGAIN = "save it again with coercivity solve"
# Seconds that a judge has at the least, whatever the limit and the method took.
JUDGE = 2.0
# What only the run itself knows, in a result and in its manifest.
OF_THE_RUN = frozenset({"seconds", "solver_seconds", "nodes", "notes", "why", "method"})
MANIFEST_OF_THE_RUN = frozenset({"versions", "options", "started", "seconds", "seal"})


@dataclass(frozen=True)
class Question:
    """What is asked of a program: the method, the seconds it may take, the bounds declared, and whether its bound is to survive rounding."""

    method: str
    limit: float | None = None
    declared: Declared | None = None
    is_safe: bool = False

    def options(self) -> dict[str, Any]:
        """As plain data."""
        said = None if self.declared is None else vars(self.declared) | {}
        asked = {"method": self.method, "limit": self.limit, "declared": said}
        return asked | ({"safe": True} if self.is_safe else {})


def fingerprint(problem: BilevelProblem) -> str:
    """A hash of what the problem says, not of how its file is laid out."""
    return hashlib.sha256(laid_out(data_of(problem, problem.name)).encode()).hexdigest()


def answer(problem: BilevelProblem, question: Question) -> ProgramAnswer:
    """The solution of a program and its certificate.

    Raises
    ------
    UsageError
        The method refuses the problem, or every method does; or no bound of it is known that survives rounding.
    """
    if question.is_safe:
        check_safe(problem, question.method)
    limit, began = math.inf if question.limit is None else question.limit, time.perf_counter()
    solved = solve(problem, question.method, Limits(seconds=limit), question.declared)
    spent = time.perf_counter() - began
    # The judge has the method's own time again, and time enough to begin; that there is no optimum only the judge can
    # prove, and for that it has all that the limit leaves.
    left = limit - spent if solved.solution.point is None else 0.0
    certificate = certify(problem, solved.solution, max(left, spent, JUDGE))
    found = told(problem, solved, certificate)
    return _with_safety(found, safety(problem, solved.solution, certificate, limit)) if question.is_safe else found


def check_safe(problem: BilevelProblem, method: str) -> None:
    """Nothing, where a bound that survives rounding can be had.

    Raises
    ------
    UsageError
        It cannot, whatever is found.
    """
    why = safe.refuses(problem)
    knapsack = METHODS["knapsack"]
    if why is None or (method in (AUTO, "knapsack") and knapsack.refuses(problem) is None and is_whole(problem)):
        return
    fix = (
        "leave --safe out; bounds that survive rounding are known of linear leaders over linear followers without integers, whose "
        "costs do not move, and of a knapsack of whole numbers"
    )
    raise UsageError(f"{problem.name}: --safe", why, fix)


def safety(
    problem: BilevelProblem, claim: BilevelSolution, certificate: BilevelCertificate, limit: float = math.inf
) -> Safety:
    """How far a claim survives rounding; of one that is not proved nothing is."""
    if certificate.proof is ProofLevel.OPTIMAL:
        found = guaranteed(problem, replace(claim, status=certificate.settled), max(limit, JUDGE))
    else:
        found = Guaranteed(Guarantee.TOLERANCE, reason="the optimum itself is not proved")
    value = found.value if found.value is None or not problem.is_maximised else -found.value
    return Safety(
        level=found.level.name,
        says=str(found.level),
        bound=_figure(problem, found.bound),
        value=None if value is None else str(value),
        nodes=found.nodes,
        reason=found.reason,
    )


def _with_safety(found: ProgramAnswer, known: Safety) -> ProgramAnswer:
    return replace(found, certificate=replace(found.certificate, safe=known))


def told(problem: BilevelProblem, solved: Solved, certificate: BilevelCertificate) -> ProgramAnswer:
    """A claim and the judgement on it, in the sense of the file."""
    claim, width = solved.solution, len(problem.leader)
    x, y = (None, None) if claim.point is None else (claim.point[:width], claim.point[width:])
    return ProgramAnswer(
        schema_version=SCHEMA_VERSION,
        command="solve",
        program=described(problem),
        status=certificate.settled.name,
        says=str(certificate.settled),
        value=_figure(problem, claim.value) if claim.point is not None else None,
        optimistic=_figure(problem, certificate.optimistic),
        pessimistic=_figure(problem, certificate.pessimistic),
        attained=certificate.attained,
        leader=_named(problem.leader, x),
        follower=_named(problem.follower, y),
        prices=_prices(problem, claim),
        method=claim.method,
        why=solved.why,
        seconds=round(claim.seconds, 6),
        solver_seconds=round(claim.solver_seconds, 6) or None,
        nodes=claim.nodes,
        notes=tuple(claim.notes),
        certificate=judgement(problem, claim, certificate),
        manifest={
            "versions": runs.versions(),
            "effective_instance": laid_out(data_of(problem, problem.name)),
        },
    )


def described(problem: BilevelProblem) -> Size:
    """The size and the class of a program."""
    n = len(problem.leader)
    followers = sorted(set(problem.members)) or ["follower"]
    return Size(
        name=problem.name,
        hash=fingerprint(problem),
        sense="max" if problem.is_maximised else "min",
        leader_columns=n,
        leader_integers=int(problem.leader.is_integer.sum()),
        leader_rows=len(problem.rows),
        coupling_rows=int((abs(problem.rows.matrix[:, n:]).sum(axis=1) > 0).sum()) if len(problem.rows) else 0,
        followers=len(followers),
        follower_columns=len(problem.follower),
        follower_integers=int(problem.follower.is_integer.sum()),
        follower_rows=len(problem.follower_rows),
        quadratic=bool(np.any(problem.objective.quadratic.data)),
        follower_quadratic=bool(np.any(problem.follower_objective.quadratic.data)),
        prices=len(problem.prices),
    )


def judgement(problem: BilevelProblem, claim: BilevelSolution, found: BilevelCertificate) -> Judgement:
    """What a certificate says, its figures in the sense of the file."""
    gain = found.bound - found.refutation_value if found.refutation is not None else None
    gap = next((check for check in found.follower_checks if check.name.endswith("regret")), None)
    return Judgement(
        proof=found.proof.name,
        says=_says(claim, found),
        value=_figure(problem, found.value),
        bound=_figure(problem, found.bound),
        optimistic=_figure(problem, found.optimistic),
        pessimistic=_figure(problem, found.pessimistic),
        coupling_violation=found.violation if found.violation is None or math.isfinite(found.violation) else None,
        follower_gap=gap.gap / gap.scale if gap else None,
        best_deviation_gain=gain if gain is None or math.isfinite(gain) else None,
        attained=found.attained,
        confirmed=found.is_confirmed,
        assumptions=tuple(found.assumptions),
        refutation=None if found.refutation is None else dict(zip(problem.names, found.refutation.tolist(), strict=True)),
        # A claim that there is no optimum rests on one check for all levels.
        checks=tuple(dict.fromkeys(found.checks)),
        notes=tuple(found.notes),
    )  # fmt: skip


def _says(claim: BilevelSolution, found: BilevelCertificate) -> str:
    if found.proof < ProofLevel.OPTIMAL:
        return found.proof.sentence if claim.point is not None else "it is not proved that there is no optimum"
    if claim.status is Status.INFEASIBLE:
        return "no commitment has a best response that satisfies the leader's rows"
    if claim.status is Status.UNBOUNDED:
        return "some commitment lets the leader improve without limit"
    if not found.attained:
        return (
            "no commitment is worth more than the value, which is a limit: commitments come near it and none reaches it"
        )
    return "no commitment is worth more to the leader, and the bound rests on no assumption"


def verify(result: Mapping[str, Any]) -> ProgramVerification:
    """The checks that a saved answer passes and fails: the program in it is taken as given, its point judged anew.

    Raises
    ------
    AuditFailed
        The result carries no program, or its figures are not of it.
    """
    saved = from_plain(ProgramAnswer, result)
    try:
        text = saved.manifest["effective_instance"]
        problem = program_of(json.loads(text), "manifest.effective_instance", text)
        claim = _claim(problem, saved)
        # A judge who ran out of time is not told to have known more.
        in_time = not any(note.startswith(OUT_OF_TIME) for note in saved.certificate.notes)
        judged_again = certify(problem, claim, lifts=in_time)
        again = told(problem, Solved(claim, saved.why), judged_again)
        if (safety_then := saved.certificate.safe) is not None:
            # What guarantees nothing may have been stopped by a clock, and is told as it was.
            is_claimed = safety_then.level != Guarantee.TOLERANCE.name
            again = _with_safety(again, safety(problem, claim, judged_again) if is_claimed else safety_then)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AuditFailed("result", f"it does not carry a program and its answer ({error!r})", AGAIN) from None
    if not in_time:
        # A judge with time says more than one without; what it says of the attack is its own.
        known = [check for check in saved.certificate.checks if check.name == SURVIVES and check.ok]
        checks = tuple(
            known[0] if check.name == SURVIVES and check.ok and known else check for check in again.certificate.checks
        )
        certificate = replace(again.certificate, notes=saved.certificate.notes, confirmed=False, checks=checks)
        again = replace(again, certificate=certificate)
    everything = [*again.certificate.checks, *_told_again(result, again), *_run(saved)]
    if saved.certificate.safe is not None:
        is_sound = _is_sound(saved.certificate.safe, saved.program.sense)
        everything.append(holds("the bound that survives rounding is one of the exact value", is_sound))
    return ProgramVerification(
        schema_version=SCHEMA_VERSION,
        command="verify",
        instance={"name": problem.name},
        proof=again.certificate.proof,
        ok=all(check.ok for check in everything),
        checks=[judged(problem.name, check) for check in everything],
    )


def _is_sound(known: Safety, sense: str) -> bool:
    """Whether an exact value is no better than the bound beside it, without any tolerance."""
    if known.value is None or known.bound is None:
        return True
    value, bound = Fraction(known.value), Fraction(known.bound)
    return bound <= value if sense == "min" else value <= bound


def _told_again(result: Mapping[str, Any], again: ProgramAnswer) -> Iterator[Check]:
    """Every part of a result and of its manifest, beside what the judge makes of the same claim."""
    yield from compared(result, to_plain(again), "told again", OF_THE_RUN | {"manifest"})
    kept = {key: value for key, value in result["manifest"].items() if key not in MANIFEST_OF_THE_RUN}
    yield from compared(kept, {"effective_instance": again.manifest["effective_instance"]}, "manifest told again")


def _run(saved: ProgramAnswer) -> Iterator[Check]:
    """What a result says of the run that made it; whether it is true only the seal can tell."""
    yield holds("the method is one of ours", saved.method in METHODS)
    counts = (saved.seconds, saved.nodes, saved.solver_seconds or 0.0)
    yield holds("times and counts are none below zero", all(count >= 0.0 for count in counts))


def _claim(problem: BilevelProblem, saved: ProgramAnswer) -> BilevelSolution:
    sign = -1.0 if problem.is_maximised else 1.0
    status, certificate = _claimed(saved), saved.certificate
    point = None
    if saved.leader is not None:
        values = {**saved.leader, **(saved.follower or {})}
        point = np.array([values[name] for name in problem.names])
    none = {Status.INFEASIBLE: math.inf, Status.UNBOUNDED: -math.inf}.get(status, math.nan)
    value, bound = certificate.value, certificate.bound
    return BilevelSolution(
        point,
        none if value is None else sign * value,
        (none if point is None else -math.inf) if bound is None else sign * bound,
        status,
        saved.method,
        certificate.assumptions,
        certificate.attained,
        saved.seconds,
        saved.nodes,
        solver_seconds=saved.solver_seconds or 0.0,
        prices=None if saved.prices is None else np.array(list(saved.prices.values())),
        notes=saved.notes,
    )


def _claimed(saved: ProgramAnswer) -> Status:
    """What the method said of its search, where a judge said something else of it."""
    status = Status[saved.status]
    if status not in (Status.UNPROVED, Status.ASSUMED):
        return status
    if saved.leader is not None:
        return Status.OPTIMAL
    is_unbounded = any(check.name == ENDLESS for check in saved.certificate.checks)
    return Status.UNBOUNDED if is_unbounded else Status.INFEASIBLE


def _figure(problem: BilevelProblem, value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else problem.shown(value) + 0.0


def _named(columns: Variables, values: Any) -> dict[str, float] | None:
    return None if values is None else {n: float(v) + 0.0 for n, v in zip(columns.names, values, strict=True)}


def _prices(problem: BilevelProblem, claim: BilevelSolution) -> dict[str, float] | None:
    if claim.prices is None or claim.point is None:
        return None
    return {name: float(price) for name, price in zip(problem.follower_rows.names, claim.prices, strict=True)}
