"""Followers of binaries whose objective multiplies them: every answer listed beside, by every method that takes them, and judged."""

from __future__ import annotations

import itertools
from dataclasses import replace
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


def test_products_with_more_than_so_many_values_are_refused() -> None:
    drawing = problem(
        variables("x", [(0.0, 1.0)], [0]), variables("y", [(0.0, 2000.0)], [0]), objective([1.0, 1.0]), objective([0.0, 1.0], [(1, 1, 1.0)])
    )  # fmt: skip
    assert "y1, which may have more than 1000 values" in str(refuses(drawing))
    with pytest.raises(UnsupportedFollower, match="quadratic objective"):
        Responder(drawing)


def wide(seed: int) -> BilevelProblem:
    """A leader's integer over two integers of the follower's and a binary, all multiplied; one begins below zero, nothing is convex."""
    random = np.random.default_rng(seed)
    pairs = [(i, j, float(random.integers(-3, 4))) for i in range(4) for j in range(max(i, 1), 4)]
    return problem(
        variables("x", [(0.0, 2.0)], [0]), variables("y", [(-2.0, 3.0), (1.0, 5.0), (0.0, 1.0)], range(3)),
        objective([float(v) for v in random.integers(-5, 6, 4)]), objective([float(v) for v in random.integers(-5, 6, 4)], pairs),
        follower_rows=[([float(v) for v in random.integers(-2, 3, 4)], "<=", 6.0)],
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_other_integers_with_bounds_are_written_in_binaries(seed: int) -> None:
    given, best = wide(seed), inf
    ranges = [
        range(int(low), int(high) + 1)
        for part in (given.leader, given.follower)
        for low, high in zip(part.lower, part.upper, strict=True)
    ]
    points = [np.array(z, dtype=float) for z in itertools.product(*ranges)]
    for x in ranges[0]:
        answers = [
            z for z in points if z[0] == x and np.all(given.follower_rows.matrix @ z <= given.follower_rows.upper)
        ]
        phi = min((given.follower_objective.at(z) for z in answers), default=inf)
        best = min([best, *(given.objective.at(z) for z in answers if given.follower_objective.at(z) <= phi + 1e-9)])
    assert refuses(given) is None
    found = selection.solve(given).solution
    assert found.value == pytest.approx(best)
    proved = certify(given, found)
    assert proved.proof is ProofLevel.OPTIMAL
    assert found.point is not None and found.point.shape == (given.width,)


def test_a_continuous_or_endless_factor_is_refused() -> None:
    given = wide(0)
    loose = replace(given, follower=replace(given.follower, is_integer=np.array([False, True, True])))
    assert "y1, which is continuous" in (refuses(loose) or "")
    endless = replace(given, follower=replace(given.follower, upper=np.array([inf, 5.0, 1.0])))
    assert "y1, which may have more than 1000 values" in (refuses(endless) or "")
