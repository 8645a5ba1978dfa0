"""What survives rounding: bounds by a search that believes no solver, points in fractions, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest

from benchmarks.draws import knapsack, random_program
from coercivity.engine.bilevel.judge import safe
from coercivity.engine.bilevel.judge.exact_point import exact_value
from coercivity.engine.bilevel.judge.guarantee import Guarantee, guaranteed
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.selection import solve
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.errors import UsageError
from coercivity.models.program.answer import Question, answer
from tests.bilevel_problems import bard_falk, moore_bard, objective, price_maker, problem, variables
from tests.engine.bilevel.test_method_tight_rows import drawn


@pytest.mark.parametrize("start", range(0, 48, 12))
def test_the_bound_is_below_the_exact_value_and_meets_it(start: int) -> None:
    for seed in range(start, start + 12):
        given = drawn(seed)
        claim = complementarity.solve(given)
        found = guaranteed(given, claim)
        if claim.status is Status.INFEASIBLE:
            assert (found.level, found.bound) == (Guarantee.EXACT, inf), seed
            continue
        assert found.level is Guarantee.EXACT, (seed, found.reason)
        assert found.value is not None
        assert Fraction(found.bound) <= found.value
        assert found.bound == pytest.approx(claim.value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_larger_programs_are_bounded_too(seed: int) -> None:
    given = random_program(seed, 14, 14, 10.0, is_integer=False)
    found = guaranteed(given, solve(given).solution)
    assert found.level is Guarantee.EXACT, found.reason


@pytest.mark.parametrize("seed", range(0, 24, 3))
def test_more_than_the_value_is_proved_of_no_program(seed: int) -> None:
    given = drawn(seed)
    claim = complementarity.solve(given)
    if claim.status is not Status.OPTIMAL:
        return
    found = safe.safe_search(given, claim.value + 1e-3 * max(1.0, abs(claim.value)))
    assert found.bound <= claim.value + 1e-6 * max(1.0, abs(claim.value))


def test_what_stops_a_direction_is_told_exactly() -> None:
    given = problem(
        variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0), (0.0, 1.0), (1.0, 1.0)]), objective([0.0, 1.0, 0.0, 0.0]),
        objective([0.0, -1.0, 0.0, 0.0]), follower_rows=[([0.0, 1.0, 3.0, 0.0], "==", 1.0), ([1.0, 1.0, 1e-9, 0.0], "<=", 2.0)],
    )  # fmt: skip
    sides = safe.sides_of(given)
    stoppers = safe.Stoppers(given, sides)
    found = stoppers.stopping([Fraction(1), Fraction(-1, 3), Fraction(0)])
    assert found is not None
    stopped = {(bool(k < sides.rows), int(sides.at[k]), bool(sides.is_upper[k])) for k in np.flatnonzero(found)}
    assert stopped == {(True, 1, True), (False, 0, True), (False, 1, False)}
    # A third in floating point leaves the equation, a column with one value does not move, and paying more is no direction.
    assert stoppers.stopping([Fraction(1), Fraction(-1.0 / 3.0), Fraction(0)]) is None
    assert stoppers.stopping([Fraction(1), Fraction(-1, 3), Fraction(1)]) is None
    assert stoppers.stopping([Fraction(-1), Fraction(1, 3), Fraction(0)]) is None


def test_the_bound_is_in_the_units_of_the_problem() -> None:
    given = bard_falk()
    tiny = replace(given, objective=replace(given.objective, linear=given.objective.linear * 2.0**-40, constant=7.0))
    one, other = (guaranteed(each, solve(each).solution) for each in (given, tiny))
    assert (one.level, other.level) == (Guarantee.EXACT, Guarantee.EXACT)
    assert one.value is not None and other.value == one.value * Fraction(2) ** -40 + 7
    assert Fraction(other.bound) <= other.value


def test_what_only_the_follower_bounds_is_bounded() -> None:
    # The relaxation has no least value: y may be anything up to what x leaves, and the follower takes all of it.
    given = problem(
        variables("x", [(0.0, 4.0)]), variables("y", [(0.0, inf)]), objective([0.0, -1.0]), objective([0.0, 1.0]),
        follower_rows=[([1.0, 1.0], ">=", 6.0)],
    )  # fmt: skip
    found = guaranteed(given, complementarity.solve(given))
    assert (found.level, found.value) == (Guarantee.EXACT, Fraction(-6))


def test_a_point_is_exact_as_it_stands_or_not_at_all() -> None:
    given = bard_falk()
    point = solve(given).solution.point
    assert point is not None
    right = exact_value(given, point)
    assert right == Fraction(-13, 4)
    # Rounding reaches it again from nearby, and reaches nothing from further off or from an answer that is not the best.
    assert exact_value(given, point + 1e-9) == right
    assert exact_value(given, point + 1e-3) is None


def test_an_answer_that_is_not_the_best_is_not_exact() -> None:
    given = problem(
        variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([0.0, 1.0]), objective([0.0, -1.0])
    )
    assert exact_value(given, np.array([0.0, 1.0])) == 1
    assert exact_value(given, np.array([0.0, 0.0])) is None


def test_vertices_of_many_digits_are_solved_for() -> None:
    given = random_program(5, 8, 8, 10.0, is_integer=False)
    claim = complementarity.solve(given)
    assert claim.point is not None
    value = exact_value(given, claim.point)
    assert value is not None and value.denominator > 10**6


@pytest.mark.parametrize("seed", range(3))
def test_a_knapsack_of_whole_numbers_is_counted(seed: int) -> None:
    found = answer(knapsack(12, seed), Question("auto", is_safe=True))
    known = found.certificate.safe
    assert known is not None and known.level == "EXACT" and found.value is not None
    assert Fraction(known.value or "0") == Fraction(found.value) and known.bound == found.value


@pytest.mark.parametrize(
    ("given", "says"),
    [(moore_bard(), "has integers"), (price_maker(), "multipliers")],
)
def test_classes_without_such_a_bound_are_refused(given: BilevelProblem, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        answer(given, Question("auto", is_safe=True))


def test_a_quadratic_follower_or_leader_is_refused() -> None:
    curved = problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 1.0)]),
        objective([1.0, 1.0]),
        objective([0.0, 0.0], [(0, 1, 1.0)]),
    )
    assert "costs are quadratic" in (safe.refuses(curved) or "")
    bent = replace(curved, objective=objective([0.0, 0.0], [(0, 0, 1.0)]), follower_objective=objective([0.0, 1.0]))
    assert "leader's objective is quadratic" in (safe.refuses(bent) or "")


def test_columns_without_range_may_leave_no_bound_and_say_so() -> None:
    given = problem(
        variables("x", [(-inf, inf)]), variables("y", [(-inf, inf)]), objective([1.0, 0.1]), objective([0.0, 1.0]),
        follower_rows=[([1.0, 1.0], ">=", 0.3), ([-0.7, 0.3], ">=", 0.1)],
    )  # fmt: skip
    found = safe.safe_search(given, -1e6)
    assert found.bound == -inf and found.reason is not None
