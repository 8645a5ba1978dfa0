"""Repeated play: the least discount factor against simulated sums, its limits, and what is refused."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from coercivity.engine.errors import CoercivityError
from coercivity.engine.menu.repeated import LAGS, InvalidPayoffs, critical_discount

many = settings(
    max_examples=200, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
gains = st.floats(0.01, 100.0)


def discounted(cheating: float, discretion: float, lag: int, discount: float) -> float:
    """The average of breaking the promise today, summed period by period until nothing is left to add."""
    horizon = math.ceil(math.log(1e-13) / math.log(discount))
    return (1.0 - discount) * math.fsum(
        discount**period * (cheating if period < lag else discretion) for period in range(horizon)
    )


@pytest.mark.parametrize(("lag", "known"), [(1, 0.529412), (2, 0.727607), (3, 0.808968), (4, 0.852999), (5, 0.880560)])
def test_known_values(lag: int, known: float) -> None:
    # Dominant firm with a fringe that builds first, a = 100 and b = k = 1; ρ = 9/8.
    found = critical_discount(1406.25, 1250.0, 10000.0 / 9.0, lag)
    assert found.value == pytest.approx(known, abs=5e-7)
    assert found.is_enforceable
    assert found.by_lag()[lag] == found.value


@many
@given(st.floats(-100.0, 100.0), gains, gains, st.integers(1, 8))
def test_simulated_play_turns_at_the_critical_discount(discretion: float, loss: float, gain: float, lag: int) -> None:
    commitment, cheating = discretion + loss, discretion + loss + gain
    found = critical_discount(cheating, commitment, discretion, lag)
    assert found.value is not None
    assume(0.01 < found.value < 0.995)
    scale = gain + loss + abs(discretion)
    at, less, more = (
        discounted(cheating, discretion, lag, value)
        for value in (found.value, found.value * 0.99, found.value + 0.01 * (1.0 - found.value))
    )
    assert at == pytest.approx(commitment, abs=1e-9 * scale)
    assert less > commitment > more
    assert found.upholds(found.value)
    assert not found.upholds(found.value * 0.99)


@many
@given(gains, gains, st.floats(0.1, 10.0), st.floats(-50.0, 50.0), st.floats(0.01, 100.0))
def test_it_lies_between_0_and_1_rises_with_the_lag_and_knows_no_unit(
    loss: float, gain: float, lag: float, shift: float, unit: float
) -> None:
    found = critical_discount(loss + gain, loss, 0.0, lag)
    assert found.value is not None
    assert 0.0 <= found.value < 1.0
    moved = critical_discount(unit * (loss + gain) + shift, unit * loss + shift, shift, lag)
    assert moved.value == pytest.approx(found.value, rel=1e-6, abs=1e-9)
    steps = [value for value in found.by_lag(LAGS).values() if value is not None]
    assert len(steps) == len(LAGS)
    assert all(one < other for one, other in itertools.pairwise(steps))


@many
@given(gains, gains, st.floats(1.01, 3.0))
def test_more_temptation_takes_more_patience_and_more_to_lose_takes_less(
    loss: float, gain: float, factor: float
) -> None:
    least, tempted, bound = (
        critical_discount(loss * more + gain * tempting, loss * more, 0.0).value
        for more, tempting in ((1.0, 1.0), (1.0, factor), (factor, 1.0))
    )
    assert least is not None and tempted is not None and bound is not None
    assert bound < least < tempted


@pytest.mark.parametrize(("cheating", "discretion"), [(1.0, 0.0), (0.5, 0.0), (1.0, 1.0), (1.0, 2.0)])
def test_no_temptation_takes_no_patience(cheating: float, discretion: float) -> None:
    found = critical_discount(cheating, 1.0, discretion, 3.0)
    assert found.value == 0.0
    assert found.upholds(0.0)
    assert "does not pay more" in found.sentence


@pytest.mark.parametrize("discretion", [1.0, 1.5, 2.0, 9.0])
def test_nothing_to_lose_is_never_enforceable(discretion: float) -> None:
    found = critical_discount(2.0, 1.0, discretion)
    assert found.value is None
    assert not found.is_enforceable
    assert not found.upholds(0.999999)
    assert set(found.by_lag().values()) == {None}


def test_differences_survive_close_and_huge_payoffs() -> None:
    close = critical_discount(1.0 + 2 * math.ulp(1.0), 1.0 + math.ulp(1.0), 1.0)
    assert close.value == 0.5
    huge = critical_discount(1.5e308, 0.0, -1.5e308)
    assert huge.value == 0.5


def test_what_cannot_be_told_from_1_is_not_called_enforceable() -> None:
    found = critical_discount(1e20, 1.0, 0.0)
    assert found.value is None
    assert "told from 1" in found.sentence
    assert critical_discount(2.0, 1.0, 0.0, 1e18).value is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "3", None, True, 10**400])
@pytest.mark.parametrize("name", ["cheating", "commitment", "discretion", "lag"])
def test_what_is_no_number_is_refused(name: str, bad: object) -> None:
    given_numbers = {"cheating": 3.0, "commitment": 2.0, "discretion": 1.0, "lag": 1.0}
    with pytest.raises(ValueError, match=rf"^{name}: (.|\n)* is not a finite number\n  fix: "):
        critical_discount(**(given_numbers | {name: bad}))  # type: ignore[arg-type]


@pytest.mark.parametrize("lag", [0.0, -1.0, -1e-300])
def test_a_lag_that_is_not_positive_is_refused(lag: float) -> None:
    with pytest.raises(InvalidPayoffs, match=r"^lag: .* is not positive\n  fix: give the periods") as refused:
        critical_discount(3.0, 2.0, 1.0, lag)
    assert isinstance(refused.value, ValueError | CoercivityError)


@pytest.mark.parametrize("discount", [1.0, -0.1, 2.0, math.nan])
def test_a_discount_factor_outside_its_range_is_refused(discount: float) -> None:
    with pytest.raises(InvalidPayoffs, match=r"^discount: "):
        critical_discount(3.0, 2.0, 1.0).upholds(discount)
