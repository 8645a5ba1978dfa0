"""Status, proof, page and exit code of an answer say the same, whatever its method claimed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coercivity import cli
from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.big_m import Declared
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.selection import Solved, solve
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.data.values import to_plain
from coercivity.models.program import answer as answers
from coercivity.models.program.answer import Question, answer, told, verify
from coercivity.models.program.values import ProgramAnswer
from tests.bilevel_problems import indifferent, objective, problem, variables

LITERATURE = Path(__file__).parents[3] / "instances" / "literature"


def judged(drawing: BilevelProblem, claim: BilevelSolution, seconds: float = math.inf) -> ProgramAnswer:
    found = told(drawing, Solved(claim, "it was asked for"), certify(drawing, claim, seconds))
    again = verify(json.loads(json.dumps(to_plain(found))))
    assert [check for check in again.checks if not check.ok and check.name.startswith("told again")] == []
    return found


def test_what_a_judge_proves_is_no_longer_at_a_limit() -> None:
    drawing = read(LITERATURE / "pairs" / "knapsack_interdiction.mps")
    claim = replace(solve(drawing).solution, bound=100.0, status=Status.LIMIT)
    found = judged(drawing, claim)
    assert (found.status, found.certificate.proof) == ("OPTIMAL", "OPTIMAL")
    # With no time the judge lifts nothing, nor does its second look at what was saved.
    stopped = judged(drawing, claim, 0.0)
    assert (stopped.status, stopped.certificate.proof) == ("LIMIT", "BILEVEL_FEASIBLE")


def test_a_claim_that_is_refuted_is_not_optimal() -> None:
    drawing = indifferent(objective([-1.0, 2.0, 0.0]))
    right = solve(drawing).solution
    wrong = replace(right, point=right.point * 0.5, value=-2.0, bound=-2.0)
    found = judged(drawing, wrong)
    assert (found.status, found.certificate.proof) == ("UNPROVED", "BILEVEL_FEASIBLE")
    assert "could not be proved" in found.says


def test_a_claim_that_rests_on_something_says_so() -> None:
    drawing = read(LITERATURE / "pineda_morales2018.json")
    found = answer(drawing, Question("big_m", None, Declared("a backstop", {}, 1000.0)))
    claim = replace(solve(drawing).solution, assumptions=("no slack is above 1000",))
    assert judged(drawing, claim).status == "ASSUMED"
    assert found.status in ("ASSUMED", "OPTIMAL")


@pytest.mark.parametrize("status", [Status.INFEASIBLE, Status.UNBOUNDED])
def test_that_there_is_no_optimum_has_to_be_proved(status: Status) -> None:
    drawing = problem(
        variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]), objective([0.0, 1.0])
    )
    end = math.inf if status is Status.INFEASIBLE else -math.inf
    found = judged(drawing, BilevelSolution(None, end, end, status, "commitments"))
    assert (found.status, found.value) == ("UNPROVED", None)


def run(monkeypatch: pytest.MonkeyPatch, claim: BilevelSolution) -> Result:
    monkeypatch.setattr(answers, "solve", lambda *_: Solved(claim, "it was asked for"))
    return CliRunner().invoke(cli.main_group, ["solve", "moore_bard1990_ex1", "--no-save"])


def test_the_exit_code_and_the_page_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    right = solve(read(LITERATURE / "moore_bard1990_ex1.json")).solution
    lifted = run(monkeypatch, replace(right, bound=-40.0, status=Status.LIMIT))
    assert (lifted.exit_code, "Proof: OPTIMAL" in lifted.stdout) == (0, True)
    refuted = run(monkeypatch, replace(right, point=right.point * 0 + [8.0, 1.0], value=-18.0, bound=-18.0))
    assert (refuted.exit_code, "refuted" in refuted.stdout) == (5, True)
    assert "could not be proved" in refuted.stderr
    nothing = run(monkeypatch, BilevelSolution(None, math.inf, math.inf, Status.INFEASIBLE, "commitments"))
    assert (nothing.exit_code, "No optimum was found" in nothing.stdout) == (5, True)
