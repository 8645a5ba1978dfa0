"""The solver made to give up, at each of its calls in turn: the answer is then right, or says less, and never more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from highspy._core import _Highs

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.selection import METHODS
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.finite import commitment
from coercivity.engine.finite.game import CONITZER_SANDHOLM, game_of, read_finite
from coercivity.engine.finite.judge import certify as certify_mixture
from coercivity.engine.proof.certificate import ProofLevel

INSTANCES = Path(__file__).parents[3] / "instances"
PROBLEMS = ("moore_bard1990_ex1", "dempe2002_ex3_2", "mibs_general_example", "bolib_TollSettingP1")
# As many calls as are made to fail in turn; where there are more, every so many. ``make failures`` takes them all.
MOST = int(os.environ.get("COERCIVITY_FAILURES", "2"))


class Failing:
    """HiGHS that gives up at some calls; ``calls`` counts them all."""

    def __init__(self, fails: Callable[[int], bool]) -> None:
        self.fails, self.calls = fails, 0

    def __call__(self, highs: Any) -> Any:
        self.calls += 1
        if self.fails(self.calls):
            # The solver leaves without a word: no status, no point.
            highs.clearSolver()
            return None
        return RUN(highs)


RUN = _Highs.run


@contextmanager
def failing(fails: Callable[[int], bool]) -> Iterator[Failing]:
    found = Failing(fails)
    # A plain function is bound to its object when it is called; an object with a call is not.
    _Highs.run = lambda highs: found(highs)  # noqa: PLW0108
    try:
        yield found
    finally:
        _Highs.run = RUN


def kinds(calls: int) -> list[tuple[str, Callable[[int], bool]]]:
    """Failures of one call, of one and the next few (so that no second attempt helps), and of all from one on."""
    step = max(1, calls // MOST)
    found: list[tuple[str, Callable[[int], bool]]] = []
    for at in range(1, calls + 1, step):
        found.append((f"call {at}", lambda call, at=at: call == at))
        found.append((f"calls {at} to {at + 5}", lambda call, at=at: at <= call <= at + 5))
        found.append((f"all calls from {at} on", lambda call, at=at: call >= at))
    return found


def judged(problem: Any, claim: BilevelSolution, right: BilevelSolution) -> bool:
    """Whether a claim made or judged with failures is right, or is not certified."""
    proof = certify(problem, claim).proof
    is_right = claim.value == pytest.approx(right.value, rel=1e-6, abs=1e-9)
    return is_right or proof < ProofLevel.OPTIMAL


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("method", METHODS)
def test_no_method_turns_a_failure_into_an_answer(name: str, method: str) -> None:
    problem = read(str(INSTANCES / "literature" / f"{name}.json"), None)
    module = METHODS[method]
    if module.refuses(problem) is not None:
        pytest.skip(f"{method} refuses {name}")
    with failing(lambda call: False) as counted:
        right = module.solve(problem, Limits(seconds=60))
    wrong = []
    for what, fails in kinds(counted.calls):
        try:
            with failing(fails):
                claim = module.solve(problem, Limits(seconds=60))
        except (SolverFailed, UsageError):
            continue
        if not judged(problem, claim, right):
            wrong.append((what, claim.status, claim.value))
    assert wrong == []


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_judge_certifies_no_false_claim_because_the_solver_failed(name: str) -> None:
    problem = read(str(INSTANCES / "literature" / f"{name}.json"), None)
    right = next(m.solve(problem) for m in METHODS.values() if m.refuses(problem) is None)
    size = max(1.0, abs(right.value))
    false = [
        BilevelSolution(right.point, right.value - size, right.value - size, Status.OPTIMAL, "made up"),
        BilevelSolution(right.point, right.value, right.value, Status.OPTIMAL, "no bound behind it", prices=None),
        BilevelSolution(None, float("inf"), float("inf"), Status.INFEASIBLE, "made up"),
        BilevelSolution(None, -float("inf"), -float("inf"), Status.UNBOUNDED, "made up"),
    ]
    for claim in false:
        with failing(lambda call: False) as counted:
            before = certify(problem, claim).proof
        for what, fails in kinds(counted.calls):
            with failing(fails):
                proof = certify(problem, claim).proof
            assert proof <= before, (claim.method, claim.status, what)


@pytest.mark.parametrize("is_pessimistic", [False, True])
@pytest.mark.parametrize("method", ["programs", "mixed_integer"])
@pytest.mark.parametrize("name", ["conitzer_sandholm2006", "two_types", "bagwell1995"])
def test_finite_games_survive_failures_of_the_solver(name: str, method: str, is_pessimistic: bool) -> None:
    game = read_finite(INSTANCES / "finite" / f"{name}.json")
    if is_pessimistic and method == "mixed_integer":
        pytest.skip("against the leader there are only programs")
    with failing(lambda call: False) as counted:
        right = commitment.solve(game, is_pessimistic=is_pessimistic, method=method)
        certify_mixture(game, right)
    for what, fails in kinds(counted.calls):
        with failing(fails):
            try:
                claim = commitment.solve(game, is_pessimistic=is_pessimistic, method=method)
            except SolverFailed:
                continue
            proof = certify_mixture(game, claim).proof
        is_right = (claim.value, claim.attained) == (pytest.approx(right.value), right.attained)
        assert is_right or proof < ProofLevel.OPTIMAL, what


def test_a_made_up_claim_in_a_finite_game_is_refuted_whatever_the_solver_does() -> None:
    # A judge that read failures as "no mixture" once certified 2 where 11/3 is right.
    game = game_of(CONITZER_SANDHOLM, "example")
    right = commitment.solve(game)
    made_up = type(right)(**(vars(right) | {"mixture": [1.0, 0.0], "value": 2.0, "bound": 2.0, "answers": (0,)}))
    with failing(lambda call: True):
        assert certify_mixture(game, made_up).proof < ProofLevel.OPTIMAL


def test_failure_is_not_infeasibility() -> None:
    assert not issubclass(SolverFailed, InfeasibleProgram)
    from coercivity.engine.programs.hot import HotProgram
    from tests.engine.programs.test_solver import random_program

    with failing(lambda call: True), pytest.raises(SolverFailed):
        HotProgram(random_program(3)).solve()


@pytest.mark.parametrize("strategy", ["half", None])
def test_a_game_is_answered_rightly_or_not_at_all(strategy: str | None) -> None:
    from coercivity.models.licensing.answers.commands import solve
    from coercivity.models.licensing.data.load import load_text

    instance = load_text((INSTANCES / "toy" / "one-buyer.yaml").read_text("utf-8"))
    with failing(lambda call: False) as counted:
        right = solve(instance, strategy)
    for what, fails in kinds(counted.calls):
        try:
            with failing(fails):
                found = solve(instance, strategy)
        except SolverFailed:
            continue
        proof = ProofLevel[found.certificate.proof]
        is_right = found.leader.value_musd == pytest.approx(right.leader.value_musd, rel=1e-6)
        assert is_right or proof < ProofLevel.BILEVEL_FEASIBLE, what
        assert found.strategy.path == right.strategy.path, what


def test_a_point_of_a_study_at_which_the_solver_gave_up_has_failed_and_is_no_infeasible_one() -> None:
    from coercivity.engine.programs.hot import HotProgram
    from coercivity.engine.study.memory.outcome import Status as Outcome
    from coercivity.engine.study.work.executors import attempt
    from tests.engine.programs.test_solver import random_program

    def work(_: Any) -> dict[str, Any]:
        return {"objective": HotProgram(random_program(3)).solve().objective}

    with failing(lambda call: True):
        assert attempt(work, None).status is Outcome.FAILED
    assert attempt(work, None).status is Outcome.DONE
