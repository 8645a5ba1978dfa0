"""Time: periods, what falls into them, names, the tree of breakdowns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.models.licensing.data.instance import Calendar
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.market.investment import investment
from coercivity.models.licensing.market.periods import fishbone, grid_of, phase_bounds, tree_of
from tests.rich_instance import loaded, rich

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
calendars = st.builds(
    Calendar, start=st.just("2025-04"), months=st.integers(1, 9), quarters=st.integers(0, 3), years=st.integers(0, 3)
)


@few
@given(calendars, st.floats(-30, 80), st.floats(0, 80))
def test_an_interval_is_divided_over_the_periods_without_loss(calendar: Calendar, begins: float, months: float) -> None:
    grid = grid_of(calendar)
    first, last = float(grid.start[0]), float(grid.end[-1])
    parts = grid.overlap(first + begins, first + begins + months)
    inside = max(0.0, min(last, first + begins + months) - max(first, first + begins))
    assert parts.sum() == pytest.approx(inside, abs=1e-9)
    assert (parts >= 0).all()
    assert (parts <= grid.length + 1e-9).all()


@few
@given(calendars, st.integers(0, 20), st.floats(0, 40))
def test_an_order_serves_from_its_arrival_to_the_end(calendar: Calendar, order: int, lead: float) -> None:
    grid = grid_of(calendar)
    order %= len(grid)
    served = grid.served(order, lead)
    assert (served * grid.length).sum() == pytest.approx(max(0.0, grid.end[-1] - grid.start[order] - lead), abs=1e-9)
    assert (np.diff(served) >= -1e-12).all()
    assert not served[:order].any()


@few
@given(calendars, st.floats(0, 30), st.lists(st.floats(0, 5), min_size=15, max_size=15))
def test_lagged_weights_on_cumulative_orders_are_the_orders_in_service(
    calendar: Calendar, lead: float, orders: list[float]
) -> None:
    grid = grid_of(calendar)
    order = investment(grid, lead, 1.0, int(grid.start[0]))
    made = np.array(orders[: len(grid)])
    for period in range(len(grid)):
        total = sum(weight * made[: m + 1].sum() for m, weight in order.lags(period))
        assert total == pytest.approx((made * order.served[: len(grid), period])[: period + 1].sum(), abs=1e-9)


def test_orders_open_late_and_end_when_they_would_arrive_too_late() -> None:
    grid = grid_of(Calendar(start="2025-01", months=6, quarters=2, years=0))
    order = investment(grid, 7.0, 1.0, month_index("2025-03"))
    assert order.possible.tolist() == [False, False, True, True, True, False, False, False]
    assert order.arrival[2] == month_index("2025-10")


def test_names_and_beginnings_of_periods() -> None:
    grid = grid_of(Calendar(start="2025-07", months=3, quarters=1, years=2))
    assert grid.names() == ["2025-07", "2025-08", "2025-09", "2025Q4", "2026", "2027"]
    assert [grid.period_of(month) for month in ("2025-07", "2025-10", "2027-01")] == [0, 3, 5]
    assert grid.middle.tolist() == pytest.approx([1 / 24, 3 / 24, 5 / 24, 4.5 / 12, 1.0, 2.0])
    assert grid.discount(0.1)[4:].tolist() == pytest.approx([1 / 1.1, 1 / 1.21])
    for month in ("2025-11", "2025-06", "2028-01"):
        with pytest.raises(ValueError, match=month):
            grid.period_of(month)


@pytest.mark.parametrize("text", ["2025-13", "2025-00", "25-01", "2025-1", "2025-01-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        month_index(text)


def test_months_are_counted_over_the_turn_of_a_year() -> None:
    assert month_index("2026-01") - month_index("2025-12") == 1
    assert [month_name(month_index("2025-12") + step) for step in (-12, 0, 1, 13)] == [
        "2024-12",
        "2025-12",
        "2026-01",
        "2027-01",
    ]


trees = st.integers(1, 9).flatmap(
    lambda periods: st.tuples(
        st.just(periods), st.lists(st.integers(0, periods - 1), max_size=3, unique=True).map(sorted).map(tuple)
    )
)


@few
@given(trees, st.lists(st.floats(0.001, 0.9), min_size=3, max_size=3))
def test_a_tree_of_breakdowns(shape: tuple[int, tuple[int, ...]], hazards: list[float]) -> None:
    periods, strikes = shape
    tree = tree_of(periods, strikes)
    assert len(tree) == periods + sum(periods - strike for strike in strikes)
    assert tree.scenarios == len(strikes) + 1
    weight = tree.weights(np.array(hazards[: len(strikes)]))
    for period in range(periods):
        assert weight[tree.period == period].sum() == pytest.approx(1.0)
    for scenario in range(tree.scenarios):
        path = tree.path(scenario)
        assert tree.period[path].tolist() == list(range(periods))
        assert tree.parent[path].tolist() == [-1, *path[:-1].tolist()]
        assert path[-1] == tree.leaves()[scenario]
        for node in path:
            assert [tree.ancestor(int(node), period) for period in range(tree.period[node] + 1)] == path[
                : tree.period[node] + 1
            ].tolist()
        if scenario:
            strike = strikes[scenario - 1]
            assert (path[:strike] == np.arange(strike)).all()
            assert (tree.branch[path[strike:]] == scenario).all()
            broke = hazards[scenario - 1] * np.prod([1 - hazard for hazard in hazards[: scenario - 1]])
            assert weight[path[-1]] == pytest.approx(broke)


def test_phases_and_strikes_of_an_instance() -> None:
    instance = loaded(rich())
    grid = grid_of(instance.calendar)
    assert phase_bounds(instance, grid) == [(0, 6), (6, 8)]
    assert fishbone(instance, grid).strikes == (2, 6)
