"""What must hold of the leader's payoff, its range, the search and the accounts on every licensing game."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.leader.payoff import TERMS, concession_value
from coercivity.models.licensing.reading.accounts import accounts_of
from tests.rich_instance import rich
from tests.small_games import POOL, altered, evaluation, instance_of, seeds, small_data, small_game

STRATEGIES = st.sampled_from(["open", "half", "tight", "steward", "target"])
few = settings(max_examples=25, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))


def near(value: float, scale: float = 1.0, relative: float = 1e-6) -> object:
    return pytest.approx(value, rel=relative, abs=relative * scale)


@cache
def menu_values(seed: int) -> dict[tuple[int, ...], float]:
    """The exact optimistic value of every strategy on the menu."""
    game = small_game(seed)
    every = np.ndindex(*[len(game.menu.postures)] * game.menu.slots)
    return {choice: game.exact(choice)[0] for choice in every}


@cache
def committed(seed: int) -> tuple[Any, Any, Any]:
    return small_game(seed).best_commitment()


def test_the_pool_holds_every_feature() -> None:
    games = [small_game(seed) for seed in range(POOL)]
    assert {game.market.pro_rata for game in games} == {True, False}
    assert {len(game.instance.phases) for game in games} == {1, 2}
    assert {len(game.instance.blocs) for game in games} == {1, 2, 3}
    assert {len(game.instance.options) for game in games} == {0, 1, 2}
    assert {len(game.instance.routes) for game in games} == {0, 1, 2}
    assert {game.instance.concession is None for game in games} == {True, False}
    assert {bool(game.instance.concession and game.instance.concession.curve) for game in games} == {True, False}
    assert any(option.moves_to for game in games for option in game.instance.options.values())
    assert any(bloc.reserve for game in games for bloc in game.instance.blocs.values())
    for name in ("trust", "countermeasures", "firms", "home", "downstream"):
        assert {bool(getattr(game.instance, name)) for game in games} == {True, False}
    assert {game.is_conditional for game in games} == {True, False}
    assert {game.market.has_releases for game in games} == {True, False}
    assert {game.instance.buyers.price_risk is None for game in games} == {True, False}
    assert all(
        any(getattr(x, name) for game in games for x in game.instance.rivals.values()) for name in ("support", "slip")
    )
    rents = {(float(r.licence) > 0, float(r.exporter) > 0) for r in (game.instance.leader.rents for game in games)}
    assert rents == {(False, False), (False, True), (True, False), (True, True)}


@settings(few, max_examples=60)
@given(seeds, STRATEGIES)
def test_optimistic_value_pessimistic(seed: int, name: str) -> None:
    found = evaluation(seed, name)
    small = 1e-6 * max(1.0, abs(found.optimistic))
    assert found.pessimistic - small <= found.payoff.value <= found.optimistic + small


@pytest.mark.parametrize("seed", range(0, POOL, 2))
def test_the_best_commitment_is_what_brute_force_finds(seed: int) -> None:
    values = menu_values(seed)
    game, (_, best, screening) = small_game(seed), committed(seed)
    assert screening.complete
    assert len(screening.choices) == len(game.menu) == len(values)
    assert best.value == near(max(values.values()))
    assert values[best.choice] == near(best.value)
    assert best.bound >= max(values.values()) - 1e-9
    on_menu = [name for name in game.instance.strategies
               if name != "fed" and game.menu.choice(game.announce(name).path) is not None]  # fmt: skip
    assert {"open", "half"} <= set(on_menu)
    assert all(best.value >= evaluation(seed, name).optimistic - 1e-5 for name in on_menu)


@pytest.mark.parametrize("seed", range(POOL))
def test_the_screening_bound_is_never_below_the_exact_value(seed: int) -> None:
    values, (_, _, screening) = menu_values(seed), committed(seed)
    bounds = small_game(seed).upper_bounds(screening)
    for choice, bound in zip(screening.choices.tolist(), bounds, strict=True):
        assert bound >= values[tuple(choice)] - 1e-6 * max(1.0, abs(bound))
    # A bound that is far off would prove nothing: it is off by the tilt and by near ties only.
    slack = bounds - [values[tuple(choice)] for choice in screening.choices.tolist()]
    # A small error of the buyers' cost moves the probability of a concession, and with it what that is worth.
    worth = concession_value(small_game(seed).books)[0]
    assert np.median(slack) <= 0.05 * max(1.0, np.abs(bounds).max(), worth)


@pytest.mark.parametrize("seed", range(0, POOL, 4))
def test_the_screening_bound_holds_where_the_leader_expects_what_buyers_do_not(seed: int) -> None:
    data = altered(small_data(seed), leader__rents={"licence": 1, "exporter": 1})
    for name in ("half", "tight"):
        data["postures"][name] |= {"hazard": "0.2 %", "leader_hazard": "90 %"}
    game = Game(instance_of(data))
    screening = game.best_commitment()[2]
    for choice, bound in zip(screening.choices.tolist(), game.upper_bounds(screening), strict=True):
        assert bound >= game.exact(tuple(choice))[0] - 1e-6 * max(1.0, abs(bound))


@few
@given(seeds, STRATEGIES)
def test_terms_add_up_to_the_value_that_ties_were_resolved_for(seed: int, name: str) -> None:
    found = evaluation(seed, name)
    # The small games take no tax.
    assert set(found.payoff.terms) == set(TERMS) - {"export_tax"} == set(found.payoff.by_year)
    assert sum(found.payoff.terms.values()) == near(found.optimistic, 100.0)


@few
@given(seeds, STRATEGIES)
def test_margin_idle_capacity_and_tail_by_arithmetic(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    leader, grid, products = game.instance.leader, game.market.grid, list(enumerate(game.instance.products))
    odds = found.announced.leader_weight[game.market.tree.leaves()]
    tail = int(game.instance.tail[:4]) * 12 + int(game.instance.tail[5:]) - 1
    margin = idle = later = 0.0
    for scenario, chance in enumerate(odds):
        for t, n in enumerate(game.market.tree.path(scenario)):
            middle = (grid.start[t] - grid.start[0] + grid.length[t] / 2) / 12
            worth = chance / (1 + float(leader.discount_rate)) ** middle / 1000
            exports = found.response.plan["imports"][n].sum(axis=(0, 2))
            earned = sum((float(leader.price[k]) - float(leader.unit_cost[k])) * exports[i] for i, k in products)
            capacity = float(leader.capacity) * grid.length[t] / 12 * (1 + float(leader.capacity_growth)) ** middle
            capacity *= found.announced.exporter_capacity[n] / game.market.exporter_capacity[t]  # firms that are gone
            stands = float(leader.idle_cost) * (capacity - exports.sum())
            if grid.start[t] < tail:
                margin, idle = margin + worth * earned, idle - worth * stands
            else:
                later += worth * (earned - stands)
    assert found.payoff.terms["margin"] == near(margin)
    assert found.payoff.terms["idle"] == near(idle)
    if float(leader.rents.licence) == 0 and float(leader.rents.exporter) == 0:
        assert found.payoff.terms["tail"] == near(later)


@settings(few, max_examples=10)
@given(seeds, STRATEGIES)
def test_years_add_up_where_nothing_is_discounted(seed: int, name: str) -> None:
    game = Game(instance_of(altered(small_data(seed), leader__discount_rate=0)))
    payoff = game.evaluate(game.announce(name)).payoff
    for term in payoff.terms:
        assert sum(payoff.by_year[term].values()) == near(payoff.terms[term])
    patient = Game(instance_of(altered(small_data(seed), leader__discount_rate="50 %/yr")))
    assert 0 < patient.evaluate(patient.announce(name)).payoff.terms["margin"] + 1e-12 <= payoff.terms["margin"] + 1e-9


@settings(few, max_examples=60)
@given(seeds, STRATEGIES)
def test_blocs_leader_and_outside_reconcile_to_the_buyers_cost(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    accounts = accounts_of(game.instance, game.market, found.response)
    assert accounts.blocs.sum() + accounts.leader + accounts.outside == near(found.response.cost)
    # Rents are incomes of their owners, and nobody outside buys anything.
    assert accounts.leader <= 1e-6
    assert accounts.outside <= 1e-6
    owners = {row.owner for row in [*game.instance.rivals.values(), *game.instance.routes.values()]}
    if "outside" not in owners:
        assert accounts.outside == 0.0


def test_the_captured_licence_rent_is_the_rise_of_a_bloc_s_cost() -> None:
    for captured in (0.0, 0.3, 1.0):
        game = Game(instance_of(altered(small_data(0), leader__rents={"licence": captured, "exporter": 0})))
        found = game.evaluate(game.announce("tight"))
        rent = (found.response.price("export_licence") * found.response.plan["imports"]).sum(axis=(1, 2, 3))
        discounted = (found.announced.weight * game.market.discount[game.market.tree.period] * rent).sum()
        assert discounted > 0
        assert accounts_of(game.instance, game.market, found.response).leader == near(-captured * discounted)


def extended(years: int) -> Evaluation:
    """The best commitment of the rich toy with a tail of so many years, under a concession worth a squeeze."""
    data = rich()
    data["calendar"]["years"] = years
    data["concession"]["value"] = "1000 million USD/yr"
    data["strategies"]["half"].pop("fed_volumes")
    return Game(instance_of(data)).best_commitment()[0]


def test_a_longer_tail_does_not_change_the_choice_of_the_first_phase() -> None:
    chosen = [extended(years).announced.path[0] for years in (2, 4, 6)]
    assert chosen[0] == chosen[1] == chosen[2]
    assert chosen[0][0] != ("open", "open")


def stewardship(hazard: str) -> tuple[Game, float, float]:
    """The game in which stewardship differs from open trade by its buffer and its reliability alone."""
    data = rich()
    data["postures"]["open"] |= {"hazard": hazard, "breakdown": {"delivered": 0, "lasts": "6 month"}}
    data["postures"]["steward"] = data["postures"]["open"] | {"hazard": 0, "buffer": "1 month"}
    data["strategies"] = {name: {"title": name, "rules": [{"posture": name}]} for name in ("open", "steward")}
    data["menu"] = {"postures": ["open", "steward"]}
    del data["concession"], data["observations"]
    data["leader"] |= {"buffer_cost": "0.02 USD/kg/month", "rents": {"licence": 0, "exporter": 0}}
    game = Game(instance_of(data))
    values = [game.evaluate(game.announce(name)).optimistic for name in ("open", "steward")]
    return game, values[0], values[1]


def test_without_hazard_open_trade_beats_stewardship_by_the_cost_of_the_buffer() -> None:
    game, free, steward = stewardship("0 %")
    grid = game.market.grid
    strategic = [(float(grid.middle[t]), int(grid.length[t])) for t in range(len(grid)) if grid.start[t] < 2026 * 12]
    yearly = sum(float(x) for bloc in game.instance.blocs.values() for x in bloc.imports.values())
    cost = sum(0.02 * yearly / 12 * length / 1.05**middle / 1000 for middle, length in strategic)
    assert free - steward == near(cost, relative=1e-6)
    assert cost > 0


def test_with_a_hazard_stewardship_can_beat_open_trade() -> None:
    _, free, steward = stewardship("60 %")
    assert steward > free
