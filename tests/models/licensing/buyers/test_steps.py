"""Rivals with a supply curve: each step sells, is ordered and is paid for by itself."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.reading.accounts import public_money
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.models.licensing.announcement.test_reactions import game, played
from tests.models.licensing.buyers.test_rivals import trunk, years
from tests.rich_instance import loaded

# -- cost steps ------------------------------------------------------------------------------------------------------


def stepped(*steps: tuple[str, float, float], **changes: Any) -> dict[str, Any]:
    """The toy in two phases with a mine of several steps: share, unit cost, price of capacity."""
    data = game(**changes)
    del data["rivals"]["mine"]["unit_cost"], data["rivals"]["mine"]["expansion"]["capex"]
    data["rivals"]["mine"]["steps"] = [
        {"share": share, "unit_cost": f"{cost} USD/kg", "capex": f"{capex} USD/(kg/yr)"} for share, cost, capex in steps
    ]
    return data


@pytest.mark.parametrize("steps", [(("100 %", 45, 250),), (("30 %", 45, 250), ("70 %", 45, 250))])
def test_steps_of_one_cost_are_the_rival_of_one_cost(steps: tuple[tuple[str, float, float], ...]) -> None:
    changes = {"rivals__mine__standing_cost": "4 USD/kg", "rivals__mine__committed": [{"begins": "2025-04", "capacity": "60 t/yr"}],
               "rivals__mine__slip": {"share": "30 %", "by": "3 month"},
               "rivals__mine__support": {"begins": "2025-02", "capital": "20 %", "floor": "60 USD/kg"}}  # fmt: skip
    for strategy in ("open", "half"):
        one, several = played(game(**changes), strategy), played(stepped(*steps, **changes), strategy)
        assert several.response.cost == pytest.approx(one.response.cost, rel=1e-9)
        assert several.optimistic == pytest.approx(one.optimistic, rel=1e-7)


def test_the_cheap_step_sells_first_and_each_has_its_own_rent() -> None:
    found = played(stepped(("25 %", 30, 250), ("50 %", 45, 250), ("25 %", 70, 250)), "open").response
    made = trunk(found, "step_sales")[-1]
    assert made == pytest.approx([30.0, 60.0, 0.0], abs=1e-6)
    # The leader's price is the market's, at 50.
    assert found.price("rival_capacity")[found.market.tree.periods - 1] == pytest.approx([20.0, 5.0, 0.0], abs=1e-6)


def test_a_cost_between_the_steps_bounds_what_they_cost() -> None:
    """The same mean cost: with steps the dear part stands aside, so buyers pay no more."""
    one, several = (
        played(game(), "open").response,
        played(stepped(("50 %", 38, 250), ("50 %", 52, 250)), "open").response,
    )
    assert several.cost < one.cost


def test_steps_order_the_cheapest_capacity_first_and_each_within_its_potential() -> None:
    found = played(stepped(("50 %", 45, 400), ("50 %", 45, 100)), "half").response
    ordered = trunk(found, "ordered")[-1]
    assert ordered[1] >= ordered[0]
    assert (ordered <= 300.0 + 1e-6).all()
    assert ordered[1] > 1.0


def test_a_price_rise_is_met_step_by_step_and_not_all_at_once() -> None:
    """A tax lifts rivals' sales by the steps that it passes: no edge at one price."""

    def at_half(*steps: tuple[str, float, float]) -> list[float]:
        sold_at = []
        for price in (50, 54, 58):
            data = stepped(*steps, postures__open__hazard=0)
            data["leader"]["price"]["magnets"] = f"{price} USD/kg"
            data["segments"]["toys"]["value"] = "90 USD/kg"
            found = played(data, "open").response
            sold_at.append(float(trunk(found, "rival_sales")[-1].sum()))
        return sold_at

    assert at_half(("100 %", 51, 400)) == pytest.approx([0.0, 120.0, 120.0], abs=1e-6)
    assert at_half(("50 %", 51, 400), ("50 %", 56, 400)) == pytest.approx([0.0, 60.0, 120.0], abs=1e-6)


def test_public_money_for_sales_is_counted_by_line() -> None:
    changes = {"rivals__mine__support": {"begins": "2025-01", "capital": 0, "floor": "57 USD/kg"}}
    one, several = (
        played(data, "open") for data in (game(**changes), stepped(("40 %", 45, 250), ("60 %", 45, 250), **changes))
    )
    spent = [public_money(found.response.market, found.response) for found in (one, several)]
    assert spent[0] == pytest.approx(7.0 * 120.0 * years(one.response), rel=1e-6)
    assert spent[1] == pytest.approx(spent[0], rel=1e-6)


def test_steps_hold_in_a_cut_off_too() -> None:
    leverage = {"lengths": ["3 month"], "until": "2026-12", "recovery": "6 month"}
    losses = []
    for steps in ((("100 %", 45, 250),), (("50 %", 45, 250), ("50 %", 45, 250))):
        found = Game(loaded(stepped(*steps) | {"leverage": leverage}))
        state = state_after(found.followers.respond_named("half"), 6)
        losses.append(CutOff(found.instance, found.market).losses(state, [(0,)])[0][0, 0])
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit_cost": "45 USD/kg"}, "a unit_cost beside steps"),
        ({"steps": []}, "the steps' shares add up to 0, not 1"),
        ({"steps": None}, "nothing says what it costs"),
        ({"expansion": {"potential": "9 t/yr", "lead_time": "1 month", "life": "1 yr", "capex": "9 USD/(kg/yr)"}}, "a capex beside steps"),
        ({"expansion": None}, "nothing can be ordered"),
        ({"steps": [{"share": "100 %", "unit_cost": "45 USD/kg"}]}, "nothing says what its capacity costs"),
        ({"steps": [{"share": "90 %", "unit_cost": "45 USD/kg", "capex": "9 USD/(kg/yr)"}]}, "add up to 0.9, not 1"),
        ({"steps": [{"share": "100 %", "unit_cost": "2000 USD/kg", "capex": "9 USD/(kg/yr)"}]}, "it would never run"),
        ({"steps": None, "unit_cost": "45 USD/kg"}, "nothing says what capacity costs"),
    ],
)  # fmt: skip
def test_costs_written_twice_or_not_at_all_are_refused(change: dict[str, Any], said: str) -> None:
    data = stepped(("50 %", 40, 250), ("50 %", 45, 250))
    mine = data["rivals"]["mine"] | change
    data["rivals"]["mine"] = {key: value for key, value in mine.items() if value is not None}
    with pytest.raises(InvalidInstance, match=said):
        loaded(data)
