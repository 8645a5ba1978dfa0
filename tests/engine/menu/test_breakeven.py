"""Break-evens of functions whose zeros are known: straight, broken, jumping, of whole numbers, within a budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.engine.menu.breakeven import Bracket, Kind, brackets, enclose, halve, is_line, turns

few = settings(max_examples=80, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
SCAN = [0.0, 1.0, 2.0, 4.0]


@few
@given(st.floats(0.05, 3.95), st.floats(0.1, 100.0), st.booleans())
def test_a_straight_line_is_solved_in_closed_form(zero: float, slope: float, falls: bool) -> None:
    sign = -1.0 if falls else 1.0
    (found,) = turns(lambda x: sign * slope * (x - zero), SCAN, negligible=1e-9)
    assert found.value == pytest.approx(zero, rel=1e-6)
    assert found.low <= zero <= found.high
    assert found.kind is Kind.AFFINE or zero in SCAN
    assert found.rises is not falls
    assert found.evaluations <= 4
    assert abs(found.residual) <= 1e-6 * slope * 4


@few
@given(st.floats(0.1, 3.9), st.floats(0.01, 100.0), st.floats(0.01, 100.0))
def test_a_broken_line_is_enclosed(zero: float, left: float, right: float) -> None:
    (found,) = turns(lambda x: (left if x < zero else right) * (x - zero), SCAN, most=60, negligible=1e-12)
    assert found.low <= zero <= found.high
    assert found.high - found.low <= 4e-6
    assert found.value == pytest.approx(zero, abs=4e-6)
    assert found.kind in (Kind.CROSSING, Kind.AFFINE)


@pytest.mark.parametrize(
    ("function", "zeros"),
    [
        (lambda x: x * x - 2.0, [math.sqrt(2.0)]),
        (lambda x: abs(x - 2.0) - 1.0, [1.0, 3.0]),
        (lambda x: math.exp(x) - 7.0, [math.log(7.0)]),
        (lambda x: max(-1.0, min(5.0, 10.0 * (x - 0.333))), [0.333]),
        (lambda x: (x - 1.0) ** 3, [1.0]),
        (lambda x: 1.0 + x, []),
    ],
)
def test_all_zeros_that_the_scan_separates_are_found(function: Callable[[float], float], zeros: list[float]) -> None:
    found = turns(function, [0.0, 0.7, 2.0, 4.0], most=80)
    assert [turn.value for turn in found] == pytest.approx(zeros, rel=1e-4)
    for turn in found:
        assert function(turn.low) * function(turn.high) <= 0
        assert turn.residual == function(turn.value)


def test_a_jump_is_called_one() -> None:
    (found,) = turns(lambda x: -1.0 if x < 1.234567 else 3.0, SCAN)
    assert found.kind is Kind.JUMP
    assert found.low < 1.234567 <= found.high
    assert found.high - found.low <= 2e-6
    assert found.value in (found.low, found.high)


def test_a_small_budget_leaves_a_wide_bracket_and_says_so() -> None:
    calls = []

    def steep(x: float) -> float:
        calls.append(x)
        return (x - 1.5) if x < 1.5 else 1000.0 * (x - 1.5)

    found = enclose(steep, Bracket(0.0, 4.0, -1.5, 2500.0), 1e-6, most=4)
    assert found.kind is Kind.WIDE
    assert len(calls) == found.evaluations == 4
    assert found.low <= 1.5 <= found.high


def test_what_is_flat_within_the_tolerance_is_equal_and_not_enclosed_for_ever() -> None:
    def flat(x: float) -> float:
        return 0.0 if 1.4 < x < 1.6 else math.copysign(1.0, x - 1.5) + 1e-3 * x

    found = enclose(flat, Bracket(0.0, 3.0, -1.0, 1.003), 1e-6)
    assert found.kind is Kind.EQUAL
    assert found.residual == 0.0
    assert 1.4 < found.value < 1.6
    assert found.evaluations <= 4


@few
@given(st.integers(0, 10**6))
def test_brackets_hold_every_change_of_sign_of_a_scan(seed: int) -> None:
    values = np.random.default_rng(seed).integers(-2, 3, 12).astype(float)
    found = brackets(range(12), values.tolist())
    signs = [np.sign(value) for value in values if value]
    assert len(found) == sum(a != b for a, b in itertools.pairwise(signs))
    assert all(one.at_low * one.at_high < 0 for one in found)


def test_whole_numbers_are_halved_to_neighbours() -> None:
    found = halve(lambda x: x - 6.5, Bracket(1.0, 26.0, -5.5, 19.5))
    assert (found.low, found.high, found.kind) == (6.0, 7.0, Kind.BETWEEN)
    assert found.evaluations <= 5
    exact = halve(lambda x: x - 7.0, Bracket(1.0, 13.0, -6.0, 6.0))
    assert (exact.value, exact.residual, exact.kind) == (7.0, 0.0, Kind.TOUCH)


def test_three_points_make_a_line_and_two_do_not() -> None:
    assert is_line([0.0, 1.0, 5.0], [2.0, 4.0, 12.0])
    assert not is_line([0.0, 1.0, 5.0], [2.0, 4.0, 12.1])
    assert not is_line([0.0, 1.0], [2.0, 4.0])
    assert not is_line([1.0, 1.0, 1.0], [2.0, 4.0, 5.0])
