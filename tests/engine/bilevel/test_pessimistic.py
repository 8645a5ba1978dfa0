"""The best commitment under a follower who breaks ties against the leader: every commitment answered beside it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.pessimistic import SAME, against
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import Row, indifferent, moore_bard, objective, price_maker, problem, variables


def drawn(seed: int) -> BilevelProblem:
    """Few whole commitments and a follower with ties: costs of 0 and 1, some with a coupling row, some whole, some with a quadratic leader."""
    random = np.random.default_rng(seed)
    n, m = 2, 3
    rows: list[Row] = [
        ([*random.integers(-2, 3, n), *random.integers(0, 4, m)], "<=", float(random.integers(2, 9))) for _ in range(2)
    ]
    rows += [([*random.integers(-1, 2, n), *random.integers(0, 3, m)], ">=", float(random.integers(0, 3)))]
    coupling: list[Row] = [([0.0] * n + [1.0, -1.0, float(random.integers(-1, 2))], "<=", float(random.integers(0, 3)))]
    products = [(2, 2, -1.0), (0, 3, 1.0)] if seed % 5 == 4 and seed % 3 else []
    return problem(
        variables("x", [(0.0, 2.0)] * n, range(n)),
        variables("y", [(0.0, 3.0)] * m, range(m) if seed % 3 == 0 else []),
        objective([*random.integers(-2, 3, n), *random.integers(-4, 5, m)], products, 1.0),
        objective([0.0] * n + list(random.integers(0, 2, m).astype(float))),
        leader_rows=coupling if seed % 4 == 1 else [],
        follower_rows=rows,
    )


def least_against(drawing: BilevelProblem) -> float:
    """The least that any commitment is worth against the worst best response, each asked."""
    responder, best = Responder(drawing), inf
    for x in np.ndindex(3, 3):
        try:
            best = min(best, responder.respond(np.array(x, dtype=float)).pessimistic)
        except CoercivityError:
            continue
    return best


@pytest.mark.parametrize("start", (0, 24))
def test_it_is_the_best_of_all_commitments(start: int) -> None:
    for seed in range(start, start + 12):
        drawing = drawn(seed)
        right = least_against(drawing)
        found = selection.solve(against(drawing)).solution
        if right == inf:
            assert found.status is Status.INFEASIBLE, seed
            continue
        assert found.status is Status.OPTIMAL, seed
        assert found.value == pytest.approx(right, abs=1e-6), seed
        # The commitment itself is worth that in the problem as it was stated.
        assert found.point is not None
        assert Responder(drawing).respond(found.point[:2]).pessimistic == pytest.approx(right, abs=1e-6)
    assert any(
        least_against(drawn(seed)) > commitments.solve(drawn(seed)).value + 0.1 for seed in range(start, start + 12)
    )


def test_a_continuous_leader_is_answered_and_proved() -> None:
    # The follower splits x as the leader likes least: −x + 2x against −x; nothing is worth more than x = 0.
    drawing = against(indifferent(objective([-1.0, 0.0, 2.0])))
    found = selection.solve(drawing).solution
    assert (found.value, found.status) == (pytest.approx(0.0), Status.OPTIMAL)
    assert certify(drawing, found).proof is ProofLevel.OPTIMAL
    # With a gain of 3 for each unit the worst split leaves 1 of each: x = 4.
    assert selection.solve(against(indifferent(objective([-3.0, 0.0, 2.0])))).solution.value == pytest.approx(-4.0)


def test_a_leaders_row_has_to_hold_for_every_best_response() -> None:
    drawing = indifferent(objective([-1.0, 0.0, 0.0]), [([0.0, 1.0, 0.0], "<=", 1.0)])
    assert selection.solve(drawing).solution.value == pytest.approx(-4.0)
    assert selection.solve(against(drawing)).solution.value == pytest.approx(-1.0)


def test_without_ties_the_program_is_its_own() -> None:
    unique = problem(
        variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, -2.0]), objective([0.0, 0.0], [(1, 1, 1.0), (0, 1, -1.0)])
    )  # fmt: skip
    opposed = replace(moore_bard(), objective=objective([-1.0, -10.0]))
    for drawing in (unique, opposed):
        found = against(drawing)
        assert (found.leader, found.remarks) == (drawing.leader, (SAME,))


@pytest.mark.parametrize(
    ("drawing", "says"),
    [
        (price_maker(), "prices"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)] * 2), objective([1.0, -2.0, 1.0]),
                 objective([0.0, 0.0, 1.0], [(0, 1, 1.0)])), "move with the leader's choice"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(-inf, inf)] * 2), objective([1.0, -2.0, 1.0]),
                 objective([0.0, 0.0, 1.0])), "nothing bounds what the follower may gain"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(drawing: BilevelProblem, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        against(drawing)
