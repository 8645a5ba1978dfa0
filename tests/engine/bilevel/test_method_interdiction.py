"""Interdiction cuts: a published problem, agreement with other methods on random ones, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.interdiction import refuses, solve
from coercivity.engine.bilevel.problem import BilevelProblem, PriceTerm
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import moore_bard, objective, problem, variables

PAIRS = Path(__file__).parents[3] / "instances" / "literature" / "pairs"


def knapsack(seed: int, *, is_integer: bool = True, count: int = 4) -> BilevelProblem:
    """A leader who takes items off a follower's knapsack, with a price for each that is taken and a gain of its own."""
    random = np.random.default_rng(seed)
    gain, weight, price = (random.integers(1, 9, count).astype(float).tolist() for _ in range(3))
    own = random.integers(-6, 7, count).astype(float).tolist()
    blocks = [([float(k == i) for k in range(count)] * 2, "<=", 1.0) for i in range(count)]
    return problem(
        variables("x", [(0.0, 1.0)] * count, range(count)),
        variables("y", [(0.0, 1.0)] * count, range(count) if is_integer else []),
        objective([*price, *own]),
        objective([*[0.0] * count, *[-value for value in gain]]),
        leader_rows=[([*[1.0] * count, *[0.0] * count], "<=", 2.0)],
        follower_rows=[([*[0.0] * count, *weight], "<=", float(np.ceil(sum(weight) / 2))), *blocks],
    )


def test_a_published_knapsack_is_solved_in_a_few_rounds() -> None:
    # F5010W01 of MibS: 115 by enumeration of all 1024 attacks; the value function takes 264 rounds.
    found = solve(read(PAIRS / "knapsack_interdiction.mps"))
    assert (found.value, found.status) == (pytest.approx(115.0), Status.OPTIMAL)
    assert found.nodes < 20


@pytest.mark.parametrize("seed", range(15))
def test_it_agrees_with_every_commitment_answered(seed: int) -> None:
    drawing = knapsack(seed)
    found = solve(drawing)
    assert found.value == pytest.approx(commitments.solve(drawing).value)
    assert certify(drawing, found).proof is ProofLevel.OPTIMAL


@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_on_a_continuous_follower(seed: int) -> None:
    drawing = knapsack(seed, is_integer=False)
    assert solve(drawing).value == pytest.approx(complementarity.solve(drawing).value, abs=1e-6)


def test_a_cut_that_lost_its_terms_in_x_would_be_wrong() -> None:
    # With y priced by the leader the answers matter: all of them are needed at some attack, so that a constant in place
    # of f(w) − Σ d w x would forbid attacks that are best. The seed is one where the best attack blocks a wanted item.
    found = solve(knapsack(3))
    assert found.point is not None
    assert found.point[:4].sum() > 0.0


def test_limits_and_rows_that_nothing_keeps() -> None:
    stopped = solve(knapsack(1), Limits(nodes=1))
    assert stopped.status in (Status.LIMIT, Status.OPTIMAL)
    drawing = knapsack(1)
    stuck = replace(drawing, rows=replace(drawing.rows, upper=np.array([-1.0])))
    assert solve(stuck).status is Status.INFEASIBLE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: moore_bard(), "of the follower"),
        (lambda p: replace(p, follower=replace(p.follower, lower=np.full(4, -1.0))), "cannot be zero"),
        (lambda p: replace(p, prices=(PriceTerm(0, None, 1.0),)), "multipliers"),
        (lambda p: replace(p, leader=replace(p.leader, upper=np.full(4, 2.0))), "no block"),
        (lambda p: replace(p, follower_rows=replace(p.follower_rows, upper=p.follower_rows.upper + 0.5)), "no block"),
        (
            lambda p: replace(
                p, follower_objective=replace(p.follower_objective, linear=np.r_[np.zeros(4), np.ones(4)])
            ),
            "costs the follower",
        ),
    ],
)
def test_what_is_no_interdiction_is_refused(change: object, says: str) -> None:
    odd = change(knapsack(0))  # type: ignore[operator]
    assert says in str(refuses(odd))
    with pytest.raises(UsageError, match=says):
        solve(odd)
