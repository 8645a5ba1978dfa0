"""Followers of binaries whose objective multiplies them: every answer listed beside, by every method that takes them, and judged."""

from __future__ import annotations

import itertools
from math import inf

import numpy as np
import pytest

from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.written_out import has_products, refuses, written_out
from coercivity.engine.bilevel.response.responder import Responder, UnsupportedFollower
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables


def drawn(seed: int) -> BilevelProblem:
    """Two binaries of the leader and three of the follower's, all multiplied with one another, in rows of both; nothing is convex."""
    random = np.random.default_rng(seed)
    pairs = [(i, j, float(random.integers(-4, 5))) for i in range(5) for j in range(max(i, 2), 5)]
    return problem(
        variables("x", [(0.0, 1.0)] * 2, range(2)),
        variables("y", [(0.0, 1.0)] * 3, range(3)),
        objective([*random.integers(-5, 6, 5)], [(0, 2, 1.0), (3, 4, -2.0)] if seed % 2 else []),
        objective([0.0, 3.0, *random.integers(-4, 5, 3)], pairs),
        leader_rows=[([1.0, 0.0, 0.0, 1.0, 1.0], "<=", 2.0)] if seed % 3 else [],
        follower_rows=[([*random.integers(-1, 3, 5)], "<=", 3.0)],
    )


def least(drawing: BilevelProblem) -> float:
    """The optimistic optimum by listing every point."""
    points = [np.array(z, dtype=float) for z in itertools.product([0.0, 1.0], repeat=5)]
    best = inf
    for x in itertools.product([0.0, 1.0], repeat=2):
        under, over = drawing.follower_rows, drawing.rows
        answers = [z for z in points if tuple(z[:2]) == x and np.all(under.matrix @ z <= under.upper)]
        if not answers:
            continue
        phi = min(drawing.follower_objective.at(z) for z in answers)
        found = [
            z
            for z in answers
            if drawing.follower_objective.at(z) <= phi + 1e-9 and np.all(over.matrix @ z <= over.upper)
        ]
        best = min([best, *(drawing.objective.at(z) for z in found)])
    return best


@pytest.mark.parametrize("start", (0, 12))
def test_it_is_the_best_of_all_points(start: int) -> None:
    for seed in range(start, start + 6):
        drawing, right = drawn(seed), least(drawn(seed))
        assert has_products(drawing) and refuses(drawing) is None
        found = selection.solve(drawing).solution
        assert found.status is (Status.OPTIMAL if right < inf else Status.INFEASIBLE), seed
        assert found.value == pytest.approx(right), seed
        if right < inf:
            assert found.point is not None and found.point.shape == (5,)
            assert certify(drawing, found).proof is ProofLevel.OPTIMAL, seed
            if seed % 2 == 0:
                again = selection.solve(drawing, "value_function").solution
                assert again.value == pytest.approx(right), seed


def test_answers_are_the_problems_own() -> None:
    drawing = drawn(1)
    wide = written_out(drawing)
    assert wide.names[:5] == drawing.names and len(wide.follower) > 3
    for x in itertools.product([0.0, 1.0], repeat=2):
        responder = Responder(drawing)
        if np.all(drawing.follower_rows.matrix @ np.r_[x, 0.0, 0.0, 0.0] > 3.0):
            continue
        answer, response = responder.any_answer(np.array(x)), responder.respond(np.array(x))
        assert (answer.shape, response.point.shape) == ((3,), (5,))
        assert drawing.follower_objective.at(np.r_[x, answer]) == pytest.approx(response.value)


def test_products_of_other_integers_are_refused() -> None:
    drawing = problem(
        variables("x", [(0.0, 1.0)], [0]), variables("y", [(0.0, 2.0)], [0]), objective([1.0, 1.0]), objective([0.0, 1.0], [(1, 1, 1.0)])
    )  # fmt: skip
    assert "y1, which is no binary" in str(refuses(drawing))
    with pytest.raises(UnsupportedFollower, match="quadratic objective"):
        Responder(drawing)
