"""Programs that once drew a wrong claim from a method, or too much trust from the judge."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import big_m, commitments
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.strong_duality import method as strong_duality
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables


def called_infeasible() -> BilevelProblem:
    """The leader improves along y3 at x = (−1, −2); the solver's presolve said that the spelt program had no point."""
    return problem(
        variables("x", [(-1.0, 1.0), (-2.0, 1.0)], [0, 1]),
        variables("y", [(-5.0, 2.0), (-2.0, 7.0), (-inf, inf)]),
        objective([0.0, -2.0, 4.0, 3.0, -4.0], [(0, 0, 1.5), (0, 1, 1.0), (1, 2, 1.0)], -2.0),
        objective([0.0, 0.0, -4.0, -3.0, 0.0]),
        leader_rows=[([2.0, 0.0, 0.0, 0.0, 0.0], ">=", -2.0), ([-4.0, 3.0, 0.0, 0.0, 0.0], "<=", 0.0)],
        follower_rows=[
            ([0.0, 0.0, 4.0, -1.0, 4.0], ">=", -18.0),
            ([1.0, 2.0, 0.0, -3.0, 0.0], "<=", -4.0),
            ([0.0, -2.0, -1.0, 2.0, 0.0], "<=", 7.0),
        ],
    )


def free_for_the_leader() -> BilevelProblem:
    """The leader's own x2 falls without limit, whatever the follower does with x1; x1 alone it sees."""
    return problem(
        variables("x", [(0.0, 1.0), (-inf, 0.0)]),
        variables("y", [(0.0, 2.0)]),
        objective([0.0, 1.0, 1.0]),
        objective([0.0, 0.0, -1.0]),
        follower_rows=[([1.0, 0.0, 1.0], "<=", 2.0)],
    )


def seen_whole() -> BilevelProblem:
    """The follower sees whole x1 alone and answers y = 3 − x1: 3 everywhere, at x2 = 0, and attained."""
    return problem(
        variables("x", [(0.0, 2.0), (0.0, 1.0)], [0]),
        variables("y", [(0.0, 5.0)], [0]),
        objective([1.0, 1.0, 1.0]),
        objective([0.0, 0.0, -1.0]),
        follower_rows=[([1.0, 0.0, 1.0], "<=", 3.0)],
    )


@pytest.mark.parametrize("method", [complementarity, strong_duality, commitments])
def test_program_that_presolve_calls_infeasible_is_unbounded(method) -> None:
    claim = method.solve(called_infeasible())
    assert claim.status is Status.UNBOUNDED
    assert certify(called_infeasible(), claim).proof is ProofLevel.OPTIMAL


@pytest.mark.parametrize("method", [complementarity, big_m])
def test_unbounded_claim_has_no_point_and_is_judged_as_such(method) -> None:
    claim = method.solve(free_for_the_leader())
    assert (claim.status, claim.point, claim.value, claim.bound) == (Status.UNBOUNDED, None, -inf, -inf)
    assert certify(free_for_the_leader(), claim).proof is ProofLevel.OPTIMAL


def test_limit_just_below_an_optimum_is_refused_where_the_follower_sees_whole_columns_alone() -> None:
    claim = value_function.solve(seen_whole())
    assert claim.status is Status.OPTIMAL and claim.value == pytest.approx(3.0)
    below = replace(claim, status=Status.NOT_ATTAINED, attained=False, value=3.0 - 6e-5, bound=3.0 - 6e-5)
    assert certify(seen_whole(), claim).proof is ProofLevel.OPTIMAL
    assert certify(seen_whole(), below).proof < ProofLevel.OPTIMAL


def test_point_outside_the_leaders_bounds_is_judged_where_its_follower_has_no_answer() -> None:
    # y ≤ x, y ≥ 0 leaves nothing at x = −1e-3; at the bound x = 0 it leaves y = 0.
    small = problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, inf)]),
        objective([1.0, 0.0]),
        objective([0.0, 0.0], [(1, 1, 1.0)]),
        follower_rows=[([-1.0, 1.0], "<=", 0.0)],
    )
    claim = BilevelSolution(np.array([-1e-3, 0.0]), -1e-3, -1e-3, Status.OPTIMAL, "nobody")
    assert certify(small, claim).proof < ProofLevel.BILEVEL_FEASIBLE
