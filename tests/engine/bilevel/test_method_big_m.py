"""KKT with big-Ms: known optima, enumeration of all patterns, bounds beside true multipliers, refusals, declared bounds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import big_m
from coercivity.engine.bilevel.methods.big_m import Declared, refuses, solve
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.bounds import derive, is_totally_unimodular, sides_of, vertices
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import SolveStatus
from tests.bilevel_problems import Row, bard_falk, moore_bard, objective, price_maker, problem, variables


def backstop(cost: float = 30.0) -> BilevelProblem:
    """Demand 10 is met from x at 5, at most 4, and from a backstop without limit; the leader pays 1 a unit of x."""
    return problem(
        variables("x", [(0.0, 8.0)]),
        variables("y", [(0.0, inf), (0.0, inf)]),
        objective([1.0, 0.0, 2.0]),
        objective([0.0, 5.0, cost]),
        follower_rows=[([-1.0, 1.0, 0.0], "<=", 0.0), ([0.0, 1.0, 1.0], ">=", 10.0)],
    )


def thin_row(price: float, reach: float = inf) -> BilevelProblem:
    """Pineda and Morales (2019) in small: a row in which y hardly weighs, and so with a multiplier of ``price``.

    The follower maximises y ≤ price · (x − 1) ≤ price · 1: at x the leader gets x − y / price = 1, whatever x.
    """
    return problem(
        variables("x", [(1.0, 2.0)]),
        variables("y", [(0.0, reach)]),
        objective([1.0, -1.0 / price]),
        objective([0.0, -1.0]),
        follower_rows=[([-1.0, 1.0 / price], "<=", -1.0)],
    )


def lured(leader_rows: Sequence[Row] = (([0.0, -1.0, 200.0], "<=", 0.0),)) -> BilevelProblem:
    """The follower answers y1 = max(0, x − 100); the leader wants y2 = 1, which takes y1 ≥ 200, and so x ≥ 300: −1.

    No bound can be derived for the slack of y1 ≥ 0: x has none, and the leader's value does not depend on it.
    """
    return problem(
        variables("x", [(0.0, inf)]),
        variables("y", [(0.0, inf), (0.0, 1.0)]),
        objective([0.0, 0.0, -1.0]),
        objective([0.0, 1.0, 0.0]),
        leader_rows=leader_rows,
        follower_rows=[([-1.0, 1.0, 0.0], ">=", -100.0)],
    )


def small(seed: int, *, is_quadratic: bool = False) -> BilevelProblem:
    draw = np.random.default_rng(seed)

    def row(width: int) -> list[float]:
        return draw.integers(-4, 5, width).astype(float).tolist()

    terms = [(2, 2, 1.0), (2, 3, 1.0), (3, 3, 2.0), (0, 2, -1.0)] if is_quadratic else []
    coupled = [1.0, 1.0] if seed % 2 else [0.0, 0.0]
    return problem(
        variables("x", [(0.0, 5.0)] * 2, [0] if seed % 3 == 0 else []),
        variables("y", [(0.0, 5.0)] * 2),
        objective(row(4)),
        objective([0.0, 0.0, *row(2)], terms),
        leader_rows=[([*row(2), *coupled], "<=", 8.0)],
        follower_rows=[(row(4), "<=", 6.0)] if is_quadratic else [(row(4), "<=", 6.0), (row(4), "<=", 9.0)],
    )


def by_patterns(case: BilevelProblem) -> float:
    """The optimum by one program for each pattern of tight sides; no M anywhere."""
    sides, n, width = sides_of(case), len(case.leader), case.width
    k, matrix = len(sides), sides.matrix.toarray()
    stationary = np.hstack([sides.gradient.toarray(), -matrix[:, n:].T])
    leader = np.hstack([case.rows.matrix.toarray(), np.zeros((len(case.rows), k))])
    rest, best = np.hstack([matrix, np.zeros((k, k))]), inf
    whole = np.r_[case.leader.is_integer, np.zeros(width - n + k)].astype(int)
    for pattern in itertools.product([False, True], repeat=k):
        tight = np.array(pattern) | sides.is_equality
        found = milp(
            np.r_[case.objective.linear, np.zeros(k)],
            constraints=[
                LinearConstraint(stationary, -sides.constant, -sides.constant),
                LinearConstraint(rest, sides.level, np.where(tight, sides.level, np.inf)),
                LinearConstraint(leader, case.rows.lower, case.rows.upper),
            ],
            bounds=Bounds(
                np.r_[case.leader.lower, np.full(width - n, -inf), np.where(sides.is_equality, -inf, 0.0)],
                np.r_[case.leader.upper, np.full(width - n, inf), np.where(tight, inf, 0.0)],
            ),
            integrality=whole,
        )
        best = min(best, found.fun) if found.status == 0 else best
    return best


# -- known optima ----------------------------------------------------------------------------------------------------


def test_a_published_optimum_is_proved() -> None:
    found = solve(bard_falk())
    # Bard and Falk (1982), example 2.
    assert found.status is Status.OPTIMAL and found.assumptions == ()
    assert found.value == pytest.approx(-3.25, abs=1e-6) and found.bound == pytest.approx(-3.25, abs=1e-6)
    assert certify(bard_falk(), found).proof.name == "OPTIMAL"


def test_a_backstop_bounds_the_multiplier_of_its_row_by_its_price() -> None:
    big = derive(backstop(30.0))
    sides = big.sides
    demand = sides.owners.index("f2")
    # The row's multiplier is at most the cost of the backstop, 30 / 30 in scaled units.
    assert big.multiplier[demand] * sides.cost_scale / sides.scale[demand] == pytest.approx(30.0, rel=1e-5)
    # min x + 2 (10 − x) over 0 ≤ x ≤ 8.
    assert solve(backstop()).value == pytest.approx(12.0, abs=1e-6)


@pytest.mark.parametrize("price", [100.0, 1000.0])
def test_a_multiplier_that_trial_and_error_takes_for_one_is_found(price: float) -> None:
    found = solve(thin_row(price))
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(1.0, abs=1e-6)


def test_a_slack_that_a_large_m_would_leak_is_bounded_by_a_known_value() -> None:
    # PAO issue 86: y = min(10, x + 3), the leader minimises x + y over x ≥ 2 without a bound: 7, and y is not 1e-4.
    case = problem(
        variables("x", [(2.0, inf)]),
        variables("y", [(0.0, 10.0)]),
        objective([1.0, 1.0]),
        objective([0.0, -1.0]),
        follower_rows=[([-1.0, 1.0], "<=", 3.0)],
    )
    found = solve(case)
    assert found.status is Status.OPTIMAL
    np.testing.assert_allclose(found.point, [2.0, 5.0], atol=1e-6)


# -- theorems on random small cases ----------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.booleans())
def test_the_optimum_is_that_of_all_patterns(seed: int, is_quadratic: bool) -> None:
    case = small(seed, is_quadratic=is_quadratic)
    expected, found = by_patterns(case), solve(case)
    if expected == inf:
        assert found.status is Status.INFEASIBLE
    else:
        assert found.status is Status.OPTIMAL
        assert found.value == pytest.approx(expected, abs=1e-5)
        assert found.bound <= expected + 1e-6 * max(1.0, abs(expected))


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_true_multipliers_are_within_the_derived_bounds(seed: int) -> None:
    """At any x some multipliers that prove the follower's answer satisfy all bounds together."""
    case, n = small(seed), 2
    big = derive(case)
    sides, matrix = big.sides, big.sides.matrix.toarray()
    for x in ([0.0, 0.0], [5.0, 0.0], [2.0, 3.0], [5.0, 5.0]):
        right = sides.level - matrix[:, :n] @ np.array(x)
        answer = milp(
            sides.constant,
            constraints=LinearConstraint(matrix[:, n:], right, np.inf),
            bounds=Bounds(np.full(2, -inf), np.full(2, inf)),
        )
        if answer.status != 0 or np.any(case.rows.matrix @ np.r_[x, answer.x] > case.rows.upper):
            continue
        dual = milp(
            -right,
            constraints=LinearConstraint(matrix[:, n:].T, sides.constant, sides.constant),
            bounds=Bounds(np.zeros(len(sides)), big.multiplier),
        )
        assert dual.status == 0 and -dual.fun == pytest.approx(answer.fun, abs=1e-6)
        assert np.all(matrix[:, n:] @ answer.x - right <= big.slack + 1e-7)


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_scaling_rows_and_costs_changes_no_answer(seed: int) -> None:
    plain, scale = small(seed), 1000.0
    cost, own = plain.follower_objective, plain.follower_rows
    harder = replace(
        plain,
        follower_objective=replace(cost, linear=cost.linear * scale),
        follower_rows=replace(own, matrix=own.matrix / scale, upper=own.upper / scale),
    )
    one, other = solve(plain), solve(harder)
    assert one.status is other.status
    assert one.value == pytest.approx(other.value, abs=1e-4)


def test_vertices_and_unimodularity() -> None:
    # w1 + w2 = 2 and w2 + w3 = 1: bases {1, 2}, {1, 3}, {2, 3}; the last has w2 = 2, w3 = −1 and is no vertex.
    found = vertices(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), np.array([2.0, 1.0]))
    assert found is not None
    np.testing.assert_allclose(found, [[1.0, 1.0, 0.0], [2.0, 0.0, 1.0]])
    assert vertices(np.ones((10, 40)) + np.eye(10, 40), np.ones(10)) is None
    assert is_totally_unimodular(np.array([[1.0, 0.0, -1.0], [-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]]))
    assert not is_totally_unimodular(np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert not is_totally_unimodular(np.array([[2.0]]))


# -- what has no answer ----------------------------------------------------------------------------------------------


def test_an_infeasible_problem_is_said_to_be_one() -> None:
    case = problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 1.0)]),
        objective([1.0, 0.0]),
        objective([0.0, -1.0]),
        leader_rows=[([0.0, 1.0], "<=", 0.5)],
    )
    assert solve(case).status is Status.INFEASIBLE


def test_an_unbounded_leader_is_said_to_be_one() -> None:
    case = problem(
        variables("x", [(-inf, inf)]), variables("y", [(0.0, 1.0)]), objective([1.0, 1.0]), objective([0.0, 1.0])
    )
    found = solve(case)
    assert found.status is Status.UNBOUNDED and found.bound == -inf


# -- refusals and declared bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "word"),
    [
        (moore_bard(), "value_function"),
        (price_maker(), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([0.0, 0.0], [(0, 0, 1.0)]),
                 objective([0.0, 1.0])), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]),
                 objective([0.0, 1.0], [(1, 1, -1.0)])), "not convex"),
        (lured(), "complementarity"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_a_reason(case: BilevelProblem, word: str) -> None:
    assert word in (refuses(case) or "")
    with pytest.raises(UsageError, match=word):
        solve(case)


def test_what_is_accepted_is_not_refused() -> None:
    assert refuses(bard_falk()) is None
    assert refuses(backstop()) is None
    assert refuses(lured(), Declared("nobody goes beyond 500", slacks=500.0)) is None


def test_a_declared_bound_is_an_assumption_and_no_proof() -> None:
    found = solve(lured(), declared=Declared("nobody goes beyond 500", slacks={"y1": 500.0, "f1": 500.0}))
    assert found.value == pytest.approx(-1.0, abs=1e-6)
    assert [line for line in found.assumptions if "y1 ≥ 0" in line and "nobody goes beyond 500" in line]
    assert certify(lured(), found).proof.name != "OPTIMAL"


def test_a_wrong_declared_bound_never_yields_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    # 200 y2 ≤ 140 − 1.4 x where y1 = 0, x ≤ 100, and 0.6 x − 60 where y1 = x − 100: −0.7 at x = 0, and −1 from x = 434 on.
    case = lured([([1.4, -2.0, 200.0], "<=", 140.0)])
    guess = Declared("a guess", slacks={"y1": 50.0, "f1": 100.0})
    monkeypatch.setattr(big_m, "begin", lambda *_: big_m.Start(SolveStatus.OPTIMAL))
    found = solve(case, declared=guess)
    # The method cannot know that more is to be had, and so may not claim a proof.
    assert found.value == pytest.approx(-0.7, abs=1e-5) and found.assumptions
    assert certify(case, found).proof.name != "OPTIMAL"


def test_a_declared_bound_that_a_known_point_refutes_bounds_nothing() -> None:
    # y1 ≤ 50 leaves y2 ≤ 1/4 to the program, but without any M the same pattern reaches −1.
    found = solve(lured(), declared=Declared("a guess", slacks=50.0))
    assert found.value == pytest.approx(-1.0, abs=1e-6)
    assert found.status is Status.LIMIT and found.bound == -inf and "too small" in found.notes[0]


def test_declared_bounds_that_leave_no_point_prove_no_infeasibility() -> None:
    start, nothing = big_m.Start(SolveStatus.OPTIMAL), SolveStatus.INFEASIBLE
    derived = big_m.concluded("big_m", start, nothing, inf, (), Limits(), 0.0)
    declared = big_m.concluded("big_m", start, nothing, inf, ("a guess",), Limits(), 0.0)
    assert derived.status is Status.INFEASIBLE
    assert declared.status is Status.LIMIT and declared.bound == -inf and "too small" in declared.notes[0]


def test_a_declared_bound_never_replaces_a_derived_one() -> None:
    found = solve(bard_falk(), declared=Declared("too small on purpose", multipliers=1e-3, slacks=1e-3))
    assert found.assumptions == () and found.value == pytest.approx(-3.25, abs=1e-6)


def test_a_declared_bound_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="no reason"):
        Declared(" ", multipliers=1.0)
