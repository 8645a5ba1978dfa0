"""Strong duality: integer leaders, grids and prices beside enumeration; refusals and assumptions."""

from __future__ import annotations

import itertools
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import big_m
from coercivity.engine.bilevel.methods.strong_duality.method import refuses, solve, with_price_caps
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.errors import InfeasibleProgram, UsageError
from tests.bilevel_problems import Row, bard_falk, moore_bard, objective, price_maker, problem, variables


def integer_leader(seed: int) -> BilevelProblem:
    """Integer x in the follower's rows, in its costs and in products of the leader's objective."""
    draw = np.random.default_rng(seed)

    def row(count: int) -> list[float]:
        return draw.integers(-4, 5, count).astype(float).tolist()

    products = [(0, 2, row(1)[0]), (0, 1, row(1)[0]), (1, 1, row(1)[0])] if seed % 2 else []
    priced = [(1, 3, row(1)[0]), (0, 2, row(1)[0])] if seed % 3 else []
    return problem(
        variables("x", [(-1.0, 3.0), (0.0, 1.0)], [0, 1]),
        variables("y", [(0.0, 4.0)] * 2),
        objective(row(4), products),
        objective([0.0, 0.0, *row(2)], priced),
        leader_rows=[([*row(2), *(row(2) if seed % 5 else [0.0, 0.0])], "<=", 6.0)],
        follower_rows=[(row(4), "<=", 5.0), (row(4), "<=", 7.0)],
    )


def by_commitments(case: BilevelProblem, values: list[list[float]]) -> float:
    """The least optimistic value over a menu."""
    responder, best = Responder(case), inf
    for x in itertools.product(*values):
        try:
            best = min(best, responder.incumbent(np.array(x, dtype=float)).value)
        except InfeasibleProgram:
            continue
    return best


def tolls(lengths: list[list[float]], top: float = inf) -> BilevelProblem:
    """Travellers who each choose the cheapest of some roads; the first road of each has a toll, shared by all.

    Costs ``lengths`` of the roads, one list for each traveller; the leader earns the toll from each that takes it.
    """
    count, width = len(lengths), len(lengths[0])
    columns = 1 + count * width
    choose: list[Row] = []
    for k in range(count):
        row = np.zeros(columns)
        row[1 + k * width : 1 + (k + 1) * width] = 1.0
        choose.append((row.tolist(), "==", 1.0))
    return problem(
        variables("x", [(0.0, top)]),
        variables("y", [(0.0, inf)] * (count * width)),
        objective([0.0] * columns, [(0, 1 + k * width, -1.0) for k in range(count)]),
        objective([0.0, *itertools.chain(*lengths)], [(0, 1 + k * width, 1.0) for k in range(count)]),
        follower_rows=choose,
    )


# -- known optima ----------------------------------------------------------------------------------------------------


def test_an_integer_leader_of_a_continuous_follower() -> None:
    # Moore and Bard (1990), example 1 with a continuous follower: −18 at (8, 1).
    whole = moore_bard()
    case = problem(
        whole.leader,
        variables("y", [(0.0, 10.0)]),
        objective([-1.0, -10.0]),
        objective([0.0, 1.0]),
        follower_rows=[
            ([-25.0, 20.0], "<=", 30.0), ([1.0, 2.0], "<=", 10.0), ([2.0, -1.0], "<=", 15.0), ([2.0, 10.0], ">=", 15.0),
        ],
    )  # fmt: skip
    found = solve(case)
    assert found.status is Status.OPTIMAL and found.assumptions == ()
    np.testing.assert_allclose(found.point, [8.0, 1.0], atol=1e-6)
    assert found.bound == pytest.approx(-18.0, abs=1e-5)
    assert certify(case, found).proof.name == "OPTIMAL"


def test_a_toll_without_a_bound_gets_one_that_is_proved() -> None:
    # One traveller, 2 with the toll or 9 without: the toll 7, taken by a traveller who does not mind.
    case = tolls([[2.0, 9.0]])
    capped = with_price_caps(case)
    assert 7.0 <= capped.leader.upper[0] < 7.1
    found = solve(case)
    assert found.status is Status.OPTIMAL and found.assumptions == ()
    assert found.value == pytest.approx(-7.0, abs=1e-6)
    assert certify(case, found).proof.name == "OPTIMAL"


def test_a_toll_that_cannot_be_avoided_has_no_bound() -> None:
    case = tolls([[2.0]])
    assert with_price_caps(case).leader.upper[0] == inf
    assert solve(case).status is Status.UNBOUNDED


# -- theorems on random small cases ----------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_the_optimum_is_that_of_all_commitments(seed: int) -> None:
    case = integer_leader(seed)
    expected, found = by_commitments(case, [[-1.0, 0.0, 1.0, 2.0, 3.0], [0.0, 1.0]]), solve(case)
    if expected == inf:
        assert found.status is Status.INFEASIBLE
    else:
        assert found.status is Status.OPTIMAL
        assert found.value == pytest.approx(expected, abs=1e-5)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=3))
def test_tolls_earn_what_the_best_threshold_earns(roads: list[tuple[int, int, int]]) -> None:
    # Each traveller pays up to the difference to its next best road, so the best toll is one of the differences.
    lengths = [[float(length) for length in traveller] for traveller in roads]
    limits = [min(rest) - first for first, *rest in lengths]
    expected = max([0.0, *(limit * sum(other >= limit for other in limits) for limit in limits)])
    found = solve(tolls(lengths))
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(-expected, abs=1e-5)


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_a_grid_is_exact_for_itself_and_no_more(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = [[0.0, 0.7, 1.9, 3.0], [0.25, 2.0]]
    rows: list[Row] = [(draw.integers(-4, 5, 4).astype(float).tolist(), "<=", 6.0) for _ in range(2)]
    case = problem(
        variables("x", [(0.0, 3.0)] * 2),
        variables("y", [(0.0, 4.0)] * 2),
        objective(draw.integers(-4, 5, 4).astype(float).tolist()),
        objective([0.0, 0.0, *draw.integers(-4, 5, 2).astype(float).tolist()]),
        follower_rows=rows,
    )
    found = solve(case, grid={"x1": values[0], "x2": values[1]})
    expected = by_commitments(case, values)
    assert found.value == pytest.approx(expected, abs=1e-5) or (expected == inf and found.point is None)
    assert len(found.assumptions) == 2
    assert certify(case, found).proof.name != "OPTIMAL"
    assert big_m.solve(case).value <= found.value + 1e-6


def test_strong_duality_of_a_price_is_an_identity() -> None:
    # At the optimum x'Qy = Σ λ level − d·y: the earnings 7 are 9 − 2, the dual objective less the traveller's own costs.
    found = solve(tolls([[2.0, 9.0]]))
    assert found.point is not None
    toll, taken, free = found.point
    dual = linprog([-1.0], A_ub=[[1.0], [1.0]], b_ub=[2.0 + toll, 9.0], bounds=[(None, None)])
    assert toll * taken == pytest.approx(-dual.fun - (2.0 * taken + 9.0 * free), abs=1e-6)


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "word"),
    [
        (bard_falk(), "grid"),
        (moore_bard(), "value_function"),
        (price_maker(), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]),
                 objective([0.0, 1.0], [(1, 1, 1.0)])), "big_m"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0], [(1, 1, 1.0)]),
                 objective([0.0, 1.0])), "complementarity"),
        (problem(variables("x", [(0.0, 1e9)], [0]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]),
                 objective([0.0, 1.0]), follower_rows=[([1.0, 1.0], ">=", 1.0)]), "too widely"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 1.0]),
                 objective([0.0, 1.0], [(0, 1, -2.0)])), "big_m"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_a_reason(case: BilevelProblem, word: str) -> None:
    assert word in (refuses(case) or "")
    with pytest.raises(UsageError, match=word):
        solve(case)


@pytest.mark.parametrize("grid", [{"nobody": [1.0]}, {"x1": []}, {"x1": [-1.0]}])
def test_a_grid_of_values_that_cannot_be_taken_is_refused(grid: dict[str, list[float]]) -> None:
    with pytest.raises(UsageError, match="grid of"):
        solve(bard_falk(), grid=grid)
