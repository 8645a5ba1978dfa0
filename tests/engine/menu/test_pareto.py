"""Pareto sets against brute force and known fronts; weights that really make their member best; known hulls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.engine.menu.pareto import (
    dominators,
    exchange_rates,
    ladder,
    nondominated,
    ranges,
    shortfall,
    support,
    tolerances,
)

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
clouds = st.tuples(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 4), st.integers(2, 30))


def cloud(seed: int, count: int, objectives: int, levels: int) -> np.ndarray:
    """Points on a grid, so that ties and equal points occur."""
    return np.random.default_rng(seed).integers(0, levels, (count, objectives)).astype(float)


def beats(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one >= other).all() and (one > other).any())


@few
@given(clouds)
def test_the_set_is_that_of_brute_force(shape: tuple[int, int, int, int]) -> None:
    points = cloud(*shape)
    found = nondominated(points)
    wanted = {tuple(p) for p in points if not any(beats(q, p) for q in points)}
    assert {tuple(points[at]) for at in found} == wanted
    assert len(found) == len(wanted), "equal points are one member"
    first = [next(at for at, p in enumerate(points) if (p == points[member]).all()) for member in found]
    assert first == found.tolist(), "the first of equals stands for them"


@few
@given(clouds)
def test_what_dominates_a_point_is_found_and_its_shortfall_told(shape: tuple[int, int, int, int]) -> None:
    points = cloud(*shape)
    tolerance = tolerances(points)
    members = points[nondominated(points)]
    scale = ranges(points)
    for point in points:
        found = dominators(points, point, tolerance)
        assert found.tolist() == [at for at, q in enumerate(points) if beats(q, point)]
        distance = shortfall(members, point, scale)
        assert distance >= 0
        raised = point + (distance + 1e-9) * scale
        assert not any((q > raised).all() for q in points), "once raised, nothing exceeds it in everything"
        if distance > 0:
            assert any((q > point + 0.99 * distance * scale).all() for q in points)


@few
@given(st.integers(0, 10**6), st.floats(0.01, 3.0))
def test_a_tolerance_drops_only_what_a_member_nearly_equals(seed: int, width: float) -> None:
    points = np.random.default_rng(seed).random((50, 3)) * 10
    tolerance = np.full(3, width)
    members = points[nondominated(points, tolerance)]
    assert all((members >= point - width).all(axis=1).any() for point in points)
    for member in members:
        assert not any((q >= member).all() and (q > member + width).any() for q in points)


def test_a_known_front_of_many_points() -> None:
    draw = np.random.default_rng(1)
    angle = draw.random(300) * np.pi / 2
    arc = np.column_stack([np.cos(angle), np.sin(angle), np.full(300, 0.5)])
    inside = arc[draw.integers(0, 300, 19_700)] * draw.uniform(0.1, 0.99, (19_700, 1))
    points = np.concatenate([arc, inside])
    assert nondominated(points).tolist() == list(range(300))
    assert nondominated(np.zeros((0, 2))).tolist() == []


@few
@given(clouds)
def test_the_inner_weights_make_their_member_best(shape: tuple[int, int, int, int]) -> None:
    points = cloud(*shape)
    members = points[nondominated(points)]
    scale = ranges(members)
    grid = np.random.default_rng(0).dirichlet(np.ones(members.shape[1]), 200)
    for at in range(len(members)):
        found = support(members, at, scale)
        assert found.weights.sum() == pytest.approx(1.0)
        worth = (members / scale) @ found.weights
        if found.is_supported:
            assert worth[at] >= worth.max() - 1e-7
        else:
            assert all(((members / scale) @ w)[at] < ((members / scale) @ w).max() for w in grid)


HULL = np.array([[10.0, 0.0], [8.0, 4.0], [7.0, 4.4], [0.0, 8.0]])


def test_weights_of_a_known_hull() -> None:
    rates = [exchange_rates(HULL, at, 1) for at in range(4)]
    assert rates[0] == pytest.approx((0.0, 0.5))
    assert rates[1] == pytest.approx((0.5, 2.0))
    assert rates[2] is None
    assert rates[3] == pytest.approx((2.0, np.inf))
    assert [support(HULL, at, np.ones(2)).is_supported for at in range(4)] == [True, True, False, True]
    assert support(HULL[:1], 0, np.ones(2)).is_supported
    assert exchange_rates(HULL[:1], 0, 1) == (0.0, np.inf)
    assert exchange_rates(HULL, 0, 0) == (1.0, 1.0)


def test_a_tie_in_one_objective_supports_nothing() -> None:
    # The second is as good in the last objective, and nowhere better than on the line between its neighbours.
    points = np.array([[4.0, 0.0, 5.0], [1.0, 1.0, 5.0], [0.0, 4.0, 5.0]])
    assert [support(points, at, ranges(points)).is_supported for at in range(3)] == [True, False, True]


@few
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_the_ladder_is_what_maximises_at_every_rate(seed: int, count: int) -> None:
    points = np.random.default_rng(seed).integers(0, 20, (count, 2)).astype(float)
    rungs = ladder(points[:, 0], points[:, 1])
    assert rungs[0].low == 0.0
    assert rungs[-1].high == np.inf
    for rung in rungs:
        middle = rung.low + 1.0 if np.isinf(rung.high) else 0.5 * (rung.low + rung.high)
        for rate in (rung.low, middle, min(rung.high, 1e6)):
            worth = points[:, 0] + rate * points[:, 1]
            assert worth[rung.position] >= worth.max() - 1e-6 * (1 + rate)
    assert [one.high for one in rungs[:-1]] == [other.low for other in rungs[1:]]


def test_a_step_within_the_tolerance_is_no_rung() -> None:
    assert [rung.position for rung in ladder([5.0, 4.0], [1.0, 1.0 + 1e-9])] == [0, 1]
    assert [rung.position for rung in ladder([5.0, 4.0], [1.0, 1.0 + 1e-9], 1e-6)] == [0]
