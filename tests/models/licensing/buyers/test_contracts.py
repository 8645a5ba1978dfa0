"""What ties rivals: contracts that bind tonnes or prices to a bloc, and by-products that follow their main product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.reading.accounts import accounts_of
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.models.licensing.announcement.test_reactions import game, played
from tests.models.licensing.buyers.test_rivals import agrees, trunk
from tests.rich_instance import loaded

# -- contracts -------------------------------------------------------------------------------------------------------


def two_blocs(share: str | None = None, other: str | None = None) -> dict[str, Any]:
    """Two blocs alike and one mine of 120 t/yr, a little nearer to the west."""
    data = game()
    data["groups"]["far"] = {"title": "Far"}
    data["menu"]["bundles"] = [["all", "far"]]
    data["blocs"]["east"] = data["blocs"]["west"] | {"title": "East", "group": "far"}
    data["leader"]["capacity"] = "6000 t/yr"
    data["rivals"]["mine"]["serves"] = {"west": "0 USD/kg", "east": "0.1 USD/kg"}
    del data["rivals"]["mine"]["expansion"]
    ties = {name: {"share": part} for name, part in (("west", share), ("east", other)) if part is not None}
    if ties:
        data["rivals"]["mine"]["contract"] = ties
    return data


def test_a_dime_of_freight_decides_where_free_output_goes_and_a_contract_where_the_rest_does() -> None:
    free, all_, tied = (played(two_blocs(share), "open") for share in (None, "100 %", "39 %"))
    assert all_.response.cost == pytest.approx(free.response.cost, rel=1e-9)
    parts = [trunk(found.response, "rival_sales")[:, 0].sum(axis=(0, 2)) for found in (free, tied)]
    assert parts[0][1] == pytest.approx(0.0, abs=1e-6)
    assert parts[1][0] == pytest.approx(0.39 * parts[1].sum())
    assert parts[1].sum() == pytest.approx(parts[0].sum())
    # What the west loses it buys from the leader.
    west = [trunk(found.response, "imports")[:, 0].sum() for found in (free, tied)]
    assert west[1] - west[0] == pytest.approx(parts[0][0] - parts[1][0])


def test_shares_of_all_blocs_that_add_up_to_one_are_what_each_gets() -> None:
    found = played(two_blocs("30 %", "70 %"), "half").response
    sales = found.plan["rival_sales"][:, 0].sum(axis=2)
    assert sales.sum() > 100.0
    assert sales[:, 0] == pytest.approx(0.3 * sales.sum(axis=1), abs=1e-6)


def test_the_multiplier_of_a_contract_is_the_premium_for_a_diverted_tonne() -> None:
    """In the open the nearer bloc saves a tenth of a dollar on a tonne that is sent to it; unbound, it would pay nothing."""
    found = played(two_blocs("39 %"), "open").response
    assert found.price("contract_share")[:, 0, 0] == pytest.approx(0.1, abs=1e-6)
    assert not played(two_blocs("100 %"), "open").response.layout.rows["contract_share"][1].size


def test_a_tighter_contract_costs_buyers_more() -> None:
    costs = [played(two_blocs(share), "half").response.cost for share in ("100 %", "60 %", "30 %", "0 %")]
    assert costs == sorted(costs)
    assert costs[-1] > costs[0]


def test_a_contract_holds_in_a_cut_off_too() -> None:
    """From the same state: the mine's three months go to the other bloc, which is not cut off."""
    leverage = {"lengths": ["3 month"], "until": "2026-12", "recovery": "6 month"}
    games = [Game(loaded(two_blocs(share) | {"leverage": leverage})) for share in ("100 %", "0 %")]
    state = state_after(games[0].followers.respond_named("open"), 5)
    losses = [CutOff(found.instance, found.market).losses(state, [(0,)])[0][0, 0] for found in games]
    assert losses[1] - losses[0] == pytest.approx(30.0 * 0.95, rel=0.1)


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ({"wset": {"share": "10 %"}}, "unknown bloc 'wset'"),
        ({"south": {"share": "10 %"}}, "unknown bloc 'south'"),
        ({"west": {"share": "30 %"}, "east": {"share": "60 %"}}, "add up to 0.9: nothing could be sold"),
        ({}, "no contract in it"),
        ({"west": {}}, "the contract says nothing"),
        ({"west": {"share": "130 %"}}, "above 100 %"),
    ],
)
def test_contracts_that_cannot_be_kept_are_refused(contract: dict[str, Any], said: str) -> None:
    data = two_blocs()
    data["rivals"]["mine"]["contract"] = contract
    with pytest.raises(InvalidInstance, match=said):
        loaded(data)


def test_a_contract_with_a_bloc_that_is_not_served_is_refused() -> None:
    data = two_blocs("50 %")
    del data["rivals"]["mine"]["serves"]["west"]
    with pytest.raises(InvalidInstance, match="'mine' does not serve 'west'"):
        loaded(data)


def split(premium: str | None, **mine: Any) -> np.ndarray:
    """Who bears what under a squeeze, where outsiders own the mine: west, east, outside; thousand USD."""
    data = two_blocs()
    data["rivals"]["mine"] |= {"owner": "outside"} | mine
    if premium is not None:
        data["rivals"]["mine"]["contract"] = {"west": {"premium": premium}}
    found = Game(loaded(data))
    response = found.followers.respond_named("half")
    accounts = accounts_of(found.instance, found.market, response)
    assert accounts.total == pytest.approx(response.cost, rel=1e-8)
    return np.array([*accounts.blocs, accounts.outside])


def test_the_rent_beyond_a_contract_s_price_is_the_buyer_s() -> None:
    """The mine at 45 sells 120 t/yr to the west; bound at 50 and a premium it keeps 5 and that of what scarcity pays."""
    free, bound, dear = (split(premium) for premium in (None, "10 USD/kg", "5000 USD/kg"))
    assert dear == pytest.approx(free)
    moved = bound - free
    assert moved[0] < -1000.0
    assert moved[1] == pytest.approx(0.0, abs=1e-6)
    assert moved.sum() == pytest.approx(0.0, abs=1e-6)
    # What is left is at most 15 USD/kg on what it sells in the three years.
    assert 0.0 < -bound[2] <= 15.0 * 120.0 * 3.0


def test_a_lower_premium_leaves_the_owner_less() -> None:
    kept = [-split(f"{premium} USD/kg")[2] for premium in (0, 10, 100)]
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


def test_what_was_ordered_since_is_under_no_contract() -> None:
    order = {"potential": "600 t/yr", "lead_time": "2 month", "capex": "100 USD/(kg/yr)", "life": "10 yr"}
    free, bound = (split(premium, capacity="0 t/yr", expansion=order) for premium in (None, "0 USD/kg"))
    assert bound == pytest.approx(free)


def test_a_premium_moves_no_decision() -> None:
    data = two_blocs()
    free = played(data, "half")
    data["rivals"]["mine"]["contract"] = {"west": {"premium": "10 USD/kg"}}
    bound = played(data, "half")
    assert bound.response.cost == free.response.cost
    assert bound.optimistic == free.optimistic


# -- by-products -----------------------------------------------------------------------------------------------------


def beside(ratio: float | None, **changes: Any) -> dict[str, Any]:
    """The toy with a second source of the same product that comes with the mine."""
    data = game(**changes)
    data["rivals"]["beside"] = {
        "title": "Beside", "owner": "outside", "product": "magnets", "serves": {"west": "0 USD/kg"}, "capacity": "90 t/yr",
        "unit_cost": "3 USD/kg",
    }  # fmt: skip
    if ratio is not None:
        data["rivals"]["beside"]["by_product"] = {"of": "mine", "ratio": ratio}
    return data


def test_a_by_product_is_no_more_than_comes_with_its_main_product() -> None:
    free, plenty, short, none = (played(beside(ratio), "half").response for ratio in (None, 100.0, 0.25, 0.0))
    assert plenty.cost == pytest.approx(free.cost, rel=1e-9)
    assert free.cost < short.cost < none.cost
    sales = short.plan["rival_sales"].sum(axis=(2, 3))
    assert (sales[:, 1] <= 0.25 * sales[:, 0] + 1e-6).all()
    assert sales[:, 1].sum() > 10.0
    assert none.plan["rival_sales"][:, 1].sum() == pytest.approx(0.0, abs=1e-6)


def test_what_comes_with_it_makes_a_main_product_worth_building() -> None:
    """Dearer than the leader by itself, and sold for what comes with it."""
    alone, with_it = (
        played(beside(ratio, rivals__mine__unit_cost="53 USD/kg"), "open").response for ratio in (None, 0.5)
    )
    assert trunk(alone, "rival_sales")[:, 0].sum() == pytest.approx(0.0, abs=1e-6)
    assert trunk(with_it, "rival_sales")[:, 0].sum() > 100.0


@pytest.mark.parametrize(
    ("ties", "said"),
    [
        ({"beside": "mien"}, "unknown rival 'mien'"),
        ({"beside": "beside"}, "'beside' would be a by-product of itself"),
        ({"beside": "mine", "mine": "beside"}, "'mine' would be a by-product of itself"),
    ],
)
def test_by_products_of_nothing_are_refused(ties: dict[str, str], said: str) -> None:
    data = beside(None)
    for name, of in ties.items():
        data["rivals"][name]["by_product"] = {"of": of, "ratio": 0.5}
    with pytest.raises(InvalidInstance, match=said):
        loaded(data)


def test_a_chain_of_by_products_is_accepted() -> None:
    data = beside(0.5)
    data["rivals"]["third"] = data["rivals"]["beside"] | {"title": "Third", "by_product": {"of": "beside", "ratio": 2}}
    agrees(data, "half")


@pytest.mark.parametrize("ties", [{}, {"by_product": {"of": "mine", "ratio": 0}}, {"standing_cost": "2 USD/kg"}])
def test_a_rival_that_serves_nobody_changes_nothing(ties: dict[str, Any]) -> None:
    data = game()
    alone = played(data, "half").response.cost
    data["rivals"]["idle"] = ties | {
        "title": "Idle", "owner": "outside", "product": "magnets", "serves": {}, "capacity": "9 t/yr", "unit_cost": "4 USD/kg",
    }  # fmt: skip
    _, found = agrees(data, "half")
    assert found.response.cost == pytest.approx(alone, rel=1e-9)
