"""The value function for integer followers: known optima, enumeration, infima that are not attained, refusals."""

from __future__ import annotations

import itertools
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import big_m
from coercivity.engine.bilevel.methods.value_function.method import refuses, solve
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from tests.bilevel_problems import Row, bard_falk, jump, moore_bard, objective, price_maker, problem, variables


def mixed_follower() -> BilevelProblem:
    """Yue, Gao, Zeng and You (2019), toy example 3: the infimum −243.5 at x → (3, 8), y → (1/2, 0).

    At x = 3 itself the follower prefers (0, 1), worth 27 to (1/2, 0), worth 19.5; just beyond, yz = 1 is infeasible.
    """
    return problem(
        variables("x", [(0.0, inf)] * 2, [1]),
        variables("y", [(0.0, inf)] * 2, [1]),
        objective([20.0, -38.0, 1.0, 42.0]),
        objective([0.0, 0.0, -39.0, -27.0]),
        leader_rows=[([7.0, 5.0, 0.0, 7.0], "<=", 62.0), ([6.0, 9.0, 10.0, 2.0], "<=", 117.0)],
        follower_rows=[([8.0, 0.0, 2.0, 8.0], "<=", 53.0), ([9.0, 0.0, 2.0, 1.0], "<=", 28.0)],
    )


def interdiction() -> BilevelProblem:
    """A knapsack of weights 3, 4, 5 and values 5, 6, 7, room 8, and two items that may be taken away.

    Without the third the follower takes 5 + 6 = 11; without 1 and 3 it takes 6, without 2 and 3 only 5: the best.
    """
    worth: list[Row] = [([0.0, 0.0, 0.0, 3.0, 4.0, 5.0], "<=", 8.0)]
    taken: list[Row] = [([*np.eye(3)[k].tolist(), *np.eye(3)[k].tolist()], "<=", 1.0) for k in range(3)]
    return problem(
        variables("x", [(0.0, 1.0)] * 3, range(3)),
        variables("y", [(0.0, 1.0)] * 3, range(3)),
        objective([0.0, 0.0, 0.0, 5.0, 6.0, 7.0]),
        objective([0.0, 0.0, 0.0, -5.0, -6.0, -7.0]),
        leader_rows=[([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], "<=", 2.0)],
        follower_rows=worth + taken,
    )  # fmt: skip


def random_case(seed: int, leader: int, whole_x: bool, whole_y: list[int], width: int) -> BilevelProblem:
    draw = np.random.default_rng(seed)
    total = leader + width

    def row(count: int) -> list[float]:
        return draw.integers(-4, 5, count).astype(float).tolist()

    coupled = row(width) if seed % 2 else [0.0] * width
    return problem(
        variables("x", [(0.0, 4.0)] * leader, range(leader) if whole_x else []),
        variables("y", [(0.0, 4.0)] * width, whole_y),
        objective(row(total)),
        objective([0.0] * leader + row(width)),
        leader_rows=[([*row(leader), *coupled], "<=", float(draw.integers(2, 12)))],
        follower_rows=[(row(total), "<=", float(draw.integers(2, 12))) for _ in range(3)],
    )


def by_commitments(case: BilevelProblem) -> float:
    """The optimum over every integer x, the follower solved as a mixed-integer program at each."""
    n, best = len(case.leader), inf
    leader, own = case.rows.matrix.toarray(), case.follower_rows.matrix.toarray()
    cost, box = case.follower_objective.linear[n:], Bounds(case.follower.lower, case.follower.upper)
    whole = case.follower.is_integer.astype(int)
    for x in itertools.product(range(5), repeat=n):
        left = LinearConstraint(own[:, n:], -inf, case.follower_rows.upper - own[:, :n] @ x)
        answer = milp(cost, constraints=left, bounds=box, integrality=whole)
        if answer.status == 2:
            continue
        assert answer.status == 0
        rational = LinearConstraint(cost[None, :], -inf, answer.fun + 1e-7)
        wanted = LinearConstraint(leader[:, n:], -inf, case.rows.upper - leader[:, :n] @ x)
        found = milp(case.objective.linear[n:], constraints=[left, rational, wanted], bounds=box, integrality=whole)
        best = min(best, case.objective.linear[:n] @ x + found.fun) if found.status == 0 else best
    return float(best)


def infimum(case: BilevelProblem) -> tuple[float, bool]:
    """The infimum over one continuous x in [0, 4] and integer y, and whether it is attained.

    Which integer answers are feasible changes at the ends of intervals of x only, so the ends and the open intervals
    between them decide.
    """
    own, leader, cost = case.follower_rows.matrix.toarray(), case.rows.matrix.toarray(), case.objective.linear
    answers = [np.array(y, dtype=float) for y in itertools.product(range(5), repeat=len(case.follower))]

    def interval(matrix: np.ndarray, upper: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        low, high = 0.0, 4.0
        for row, side in zip(matrix, upper - matrix[:, 1:] @ y, strict=True):
            if row[0] == 0.0 and side < -1e-9:
                return 1.0, 0.0
            low = max(low, side / row[0]) if row[0] < 0.0 else low
            high = min(high, side / row[0]) if row[0] > 0.0 else high
        return low, high

    may = [interval(own, case.follower_rows.upper, y) for y in answers]
    can = [interval(leader, case.rows.upper, y) for y in answers]
    ends = sorted({0.0, 4.0} | {end for low, high in may + can if low <= high for end in (low, high)})
    ends = [end for at, end in enumerate(ends) if at == 0 or end - ends[at - 1] > 1e-9]

    def rational(x: float) -> list[np.ndarray]:
        open_to = [k for k, (low, high) in enumerate(may) if low - 1e-9 <= x <= high + 1e-9]
        least = min((case.follower_objective.linear[1:] @ answers[k] for k in open_to), default=inf)
        best = [k for k in open_to if case.follower_objective.linear[1:] @ answers[k] <= least + 1e-9]
        return [answers[k] for k in best if can[k][0] - 1e-9 <= x <= can[k][1] + 1e-9]

    values = [(cost[0] * x + cost[1:] @ y, True) for x in ends for y in rational(x)]
    for low, high in itertools.pairwise(ends):
        values += [
            (cost[0] * x + cost[1:] @ y, cost[0] == 0.0) for y in rational((low + high) / 2) for x in (low, high)
        ]
    best = min((value for value, _ in values), default=inf)
    return best, any(attained for value, attained in values if value <= best + 1e-9)


# -- known optima ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "value", "point"),
    [(moore_bard(), -22.0, [2.0, 2.0]), (interdiction(), 5.0, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0])],
)
def test_published_optima_are_proved(case: BilevelProblem, value: float, point: list[float]) -> None:
    found = solve(case)
    assert found.status is Status.OPTIMAL and found.assumptions == ()
    assert found.value == pytest.approx(value) and found.bound == pytest.approx(value)
    np.testing.assert_allclose(found.point, point, atol=1e-6)
    assert certify(case, found).proof.name == "OPTIMAL"


def test_an_infimum_that_is_not_attained_is_said_to_be_one() -> None:
    found = solve(mixed_follower())
    assert found.status is Status.NOT_ATTAINED and not found.attained
    assert found.value == pytest.approx(-243.5, abs=1e-5) and found.bound == pytest.approx(-243.5, abs=1e-5)
    # The point is a commitment near it, worth a little more.
    assert found.point is not None
    near = mixed_follower().objective.at(found.point)
    assert -243.5 + 1e-6 < near < -243.4


def test_a_jump_at_the_leaders_optimum() -> None:
    found = solve(jump())
    assert found.status is Status.NOT_ATTAINED and found.value == pytest.approx(0.0, abs=1e-6)


# -- theorems on random small cases ----------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([[0, 1], [0], []]))
def test_the_optimum_is_that_of_all_commitments(seed: int, whole: list[int]) -> None:
    case = random_case(seed, 2, True, whole, 2)
    expected, found = by_commitments(case), solve(case)
    if expected == inf:
        assert found.status is Status.INFEASIBLE
    else:
        assert found.status is Status.OPTIMAL
        assert found.value == pytest.approx(expected, abs=1e-5)
        assert found.bound <= expected + 1e-6 * max(1.0, abs(expected))


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_an_infimum_and_whether_it_is_attained(seed: int) -> None:
    case = random_case(seed, 1, False, [0, 1], 2)
    (expected, attained), found = infimum(case), solve(case)
    if expected == inf:
        assert found.status is Status.INFEASIBLE
    else:
        assert found.value == pytest.approx(expected, abs=1e-5)
        assert found.status is (Status.OPTIMAL if attained else Status.NOT_ATTAINED)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_linear_followers_agree_with_their_optimality_conditions(seed: int) -> None:
    case = random_case(seed, 2, bool(seed % 3), [], 2)
    one, other = solve(case), big_m.solve(case)
    assert one.status is other.status
    assert one.value == pytest.approx(other.value, abs=1e-5)


# -- what has no answer, limits, refusals ----------------------------------------------------------------------------


def test_infeasible_and_unbounded_followers_leave_no_commitment() -> None:
    blocked = problem(
        variables("x", [(0.0, 2.0)], [0]),
        variables("y", [(0.0, 3.0)], [0]),
        objective([1.0, 1.0]),
        objective([0.0, -1.0]),
        leader_rows=[([0.0, 1.0], "<=", 2.0)],
    )
    assert solve(blocked).status is Status.INFEASIBLE
    endless = problem(
        variables("x", [(0.0, 2.0)], [0]),
        variables("y", [(0.0, 3.0), (0.0, inf)], [0]),
        objective([1.0, 1.0, 0.0]),
        objective([0.0, 1.0, -1.0]),
    )
    assert solve(endless).status is Status.INFEASIBLE


def test_a_limit_leaves_a_valid_bound() -> None:
    found = solve(moore_bard(), Limits(nodes=1))
    assert found.status is Status.LIMIT
    # The high-point relaxation's optimum is −42 at (2, 4).
    assert found.bound <= -22.0 and found.bound == pytest.approx(-42.0)
    assert found.value >= -22.0


@pytest.mark.parametrize(
    ("case", "word"),
    [
        (price_maker(), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]),
                 objective([0.0, 1.0], [(1, 1, 1.0)])), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0], [(0, 0, 1.0)]),
                 objective([0.0, 1.0])), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, inf)], [0]), objective([1.0, 0.0]),
                 objective([0.0, 1.0])), "no bound"),
        (problem(variables("x", [(0.0, inf)]), variables("y", [(0.0, inf)]), objective([0.0, 0.0]),
                 objective([0.0, 1.0]), follower_rows=[([-1.0, 1.0], ">=", -9.0)]), "complementarity"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_a_reason(case: BilevelProblem, word: str) -> None:
    assert word in (refuses(case) or "")
    with pytest.raises(UsageError, match=word):
        solve(case)


def test_what_is_accepted_is_not_refused() -> None:
    assert [refuses(case) for case in (moore_bard(), bard_falk(), mixed_follower(), interdiction())] == [None] * 4
