"""Knapsack interdiction: enumeration, the coarse and the exact tables, the public files' recipe, refusals and limits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import knapsack
from coercivity.engine.bilevel.methods.knapsack import refuses, solve
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables

PAIRS = Path(__file__).parents[3] / "instances" / "literature" / "pairs"
Draw = np.random.Generator


def attack(
    gain: object, weight: object, size: object, room: float, budget: float, price: object = 0.0
) -> BilevelProblem:
    """A leader who blocks items of these gains and weights for a follower with so much room."""
    gains, count = np.asarray(gain, dtype=float), len(np.asarray(gain))
    zero, blocks = [0.0] * count, np.hstack([np.eye(count)] * 2).tolist()
    return problem(
        variables("x", [(0.0, 1.0)] * count, range(count)),
        variables("y", [(0.0, 1.0)] * count, range(count)),
        objective([*np.broadcast_to(price, count).tolist(), *gains.tolist()]),
        objective([*zero, *(-gains).tolist()]),
        leader_rows=[([*np.asarray(size).tolist(), *zero], "<=", budget)],
        follower_rows=[([*zero, *np.asarray(weight).tolist()], "<=", room), *((row, "<=", 1.0) for row in blocks)],
    )


def published(count: int, seed: int, share: int) -> BilevelProblem:
    """After the recipe of Caprara et al. (2016): numbers up to 100, the follower's room a share of eleven of all weights."""
    random = np.random.default_rng(seed)
    gain, weight, size = (random.integers(1, 101, count) for _ in range(3))
    room = int(np.ceil(share / 11 * weight.sum()))
    return attack(gain, weight, size, room, int(random.integers(max(1, room - 10), room + 11)))


def drawn(seed: int) -> BilevelProblem:
    """Of every kind that is accepted: numbers of zero, real gains and sizes, prices, further rows, columns held by bounds."""
    random = np.random.default_rng(seed)
    count, most = int(random.integers(3, 8)), int(random.choice([3, 10, 40]))
    gain, weight, size = (random.integers(seed % 3 == 0, most + 1, count).astype(float) for _ in range(3))
    gain = gain * (0.37 if seed % 7 == 0 else 1.0)
    gain[0] = max(gain[0], 1.0)
    size = size * (0.7 if seed % 11 == 0 else 1.0)
    budget = random.uniform(0.0, size.sum()) if seed % 11 == 0 else float(random.integers(0, int(size.sum()) + 1))
    price = random.integers(-4, 8, count) if seed % 6 == 1 else 0.0
    found = attack(gain, weight, size, float(random.integers(0, int(weight.sum()) + 1)), budget, price)
    if seed % 8 == 3:
        more = np.array([np.r_[random.integers(-2, 3, count), np.zeros(count)], np.r_[np.ones(count), np.zeros(count)]])
        matrix = sp.csr_array(np.vstack([found.rows.matrix.toarray(), more]))
        sides = np.r_[-np.inf, -1.0, 1.0], np.r_[found.rows.upper, 3.0, np.inf]
        found = replace(found, rows=Rows(("a", "b", "c"), matrix, *sides))
    if seed % 10 == 2:
        found = replace(found, leader=replace(found.leader, lower=np.r_[1.0, np.zeros(count - 1)]))
    if seed % 10 == 4:
        found = replace(found, leader=replace(found.leader, upper=np.r_[np.ones(count - 1), 0.0]))
    return found


def enumerated(drawing: BilevelProblem) -> float:
    """The optimum by trying every attack with every packing."""
    n = len(drawing.leader)
    all_of_it = np.array(list(itertools.product([0.0, 1.0], repeat=n)))
    fits = all_of_it[all_of_it @ drawing.follower_rows.matrix.toarray()[0, n:] <= drawing.follower_rows.upper[0]]
    worth, own, best = fits @ drawing.objective.linear[n:], drawing.rows.matrix.toarray()[:, :n], math.inf
    for x in all_of_it:
        is_kept = np.all(own @ x <= drawing.rows.upper + 1e-9) and np.all(own @ x >= drawing.rows.lower - 1e-9)
        if is_kept and np.all(x >= drawing.leader.lower) and np.all(x <= drawing.leader.upper):
            best = min(best, float(drawing.objective.linear[:n] @ x + worth[fits @ x == 0.0].max()))
    return best


@pytest.mark.parametrize("cells", [1e7, 200.0, 20.0], ids=["exact", "coarse", "coarsest"])
@pytest.mark.parametrize("first", range(0, 120, 20))
def test_it_agrees_with_enumeration(first: int, cells: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knapsack.Tables.__init__, "__defaults__", (cells,))
    for seed in range(first, first + 20):
        drawing, right = drawn(seed), enumerated(drawn(seed))
        found = solve(drawing)
        assert found.status is (Status.OPTIMAL if right < math.inf else Status.INFEASIBLE), seed
        assert found.value == (pytest.approx(right, abs=1e-9) if right < math.inf else math.inf), seed
        stopped = solve(drawing, Limits(nodes=3))
        assert stopped.bound <= right + 1e-9, seed
        assert stopped.value >= right - 1e-9, seed


@pytest.mark.parametrize("size", [2.5e3, 2.5e4, 8e8, 1e12])
def test_no_sum_of_gains_overflows(size: float) -> None:
    for seed in range(12):
        gains = np.floor(np.random.default_rng(seed).uniform(0.5, 1.0, 6) * size)
        drawing = attack(gains, [3, 2, 4, 3, 2, 5], [2, 3, 1, 4, 2, 2], 11.0, 4.0)
        drawing = replace(drawing, leader=replace(drawing.leader, lower=np.r_[np.zeros(5), float(seed % 2)]))
        assert solve(drawing).value == pytest.approx(enumerated(drawing), rel=1e-12)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_the_judge_confirms_it(seed: int) -> None:
    drawing = drawn(seed)
    found = certify(drawing, solve(drawing))
    assert found.proof is ProofLevel.OPTIMAL
    assert found.is_confirmed or found.status is Status.INFEASIBLE


def test_finer_tables_in_the_middle_of_a_search_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2^40 attacks; at two grids the bounds differ and the optima do not.
    drawing = published(40, 3, 4)
    right = solve(drawing)
    monkeypatch.setattr(knapsack.Tables.__init__, "__defaults__", (2e4,))
    rough = solve(drawing)
    monkeypatch.setattr(knapsack, "PATIENCE", 20)
    other = solve(drawing)
    assert right.status is other.status is rough.status is Status.OPTIMAL
    assert right.value == other.value == right.bound == rough.bound
    assert rough.nodes > other.nodes


def test_fifty_five_items_are_a_matter_of_moments() -> None:
    # F5010W01 of MibS is 115 by enumeration of all 1024 attacks.
    assert solve(read(PAIRS / "knapsack_interdiction.mps")).value == pytest.approx(115.0)
    for seed in range(3):
        found = selection.solve(published(55, seed, seed + 3)).solution
        assert (found.method, found.status) == ("knapsack", Status.OPTIMAL)
        assert found.seconds < 2.0  # 0.05 s on a machine with nothing else to do
        assert found.value == found.bound


def test_a_limit_leaves_a_bound_below_and_a_point_above() -> None:
    found = solve(published(60, 3, 4), Limits(nodes=70))
    right = solve(published(60, 3, 4))
    assert found.status is Status.LIMIT
    assert found.bound <= right.value <= found.value < math.inf


def _with(change: Callable[[BilevelProblem], BilevelProblem]) -> BilevelProblem:
    return change(attack([4, 3, 5], [2, 3, 4], [1, 1, 1], 6, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: replace(p, follower=replace(p.follower, is_integer=np.zeros(3, dtype=bool))), "in part"),
        (lambda p: replace(p, objective=Objective(np.arange(6.0), p.objective.quadratic)), "not what the leader loses"),
        (lambda p: replace(p, follower_rows=replace(p.follower_rows, matrix=p.follower_rows.matrix * 0.5)), "no block"),
        (lambda p: _rows(p, [0, 1, 2, 3, 0]), "2 packing rows"),
        (lambda p: _rows(p, [0, 1, 2]), "blocks nothing"),
        (lambda p: _rows(p, [0, 1, 2, 3, 3]), "blocks two items"),
        (lambda p: _weights(p, 0.5), "whole numbers"),
        (lambda p: _weights(p, 1e6 + 1.0), "capacity is above"),
        (lambda p: replace(p, rows=replace(p.rows, matrix=sp.csr_array(np.ones((1, 6))))), "counts what the follower"),
    ],
)
def test_what_is_no_knapsack_is_refused(change: Callable[[BilevelProblem], BilevelProblem], says: str) -> None:
    odd = _with(change)
    assert says in str(refuses(odd))
    with pytest.raises(UsageError, match=says):
        solve(odd)


def _rows(drawing: BilevelProblem, chosen: list[int]) -> BilevelProblem:
    kept = drawing.follower_rows
    names = tuple(f"f{k}" for k in range(len(chosen)))
    return replace(drawing, follower_rows=Rows(names, kept.matrix[chosen], kept.lower[chosen], kept.upper[chosen]))


def _weights(drawing: BilevelProblem, factor: float) -> BilevelProblem:
    rows = drawing.follower_rows
    matrix, upper = rows.matrix.toarray(), rows.upper.copy()
    matrix[0] = matrix[0] * factor + (factor > 1.0) * np.r_[np.zeros(3), 0.0, 0.0, 1.0]
    upper[0] *= factor
    return replace(drawing, follower_rows=replace(rows, matrix=sp.csr_array(matrix), upper=upper))
