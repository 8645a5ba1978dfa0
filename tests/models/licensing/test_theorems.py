"""What must hold in the market of every licensing game, tried on small random ones."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.small_games import (
    calm,
    evaluation,
    full_data,
    instance_of,
    named,
    seeds,
    small_data,
    small_game,
    tree_weights,
)

STRATEGIES = st.sampled_from(["open", "half", "tight", "steward", "target"])
few = settings(max_examples=25, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
fewer = settings(few, max_examples=10)


def near(value: float, scale: float = 1.0, relative: float = 1e-6) -> object:
    return pytest.approx(value, rel=relative, abs=relative * scale)


@few
@given(seeds)
def test_no_restriction_and_no_hazard_no_pain(seed: int) -> None:
    data = calm(small_data(seed))
    data["postures"]["steward"] |= {"licensed": "300 %", "processing": "0 day"}
    data["routes"] = {}
    game = Game(instance_of(data))
    free, wide = (game.followers.respond_named(name).cost for name in ("open", "steward"))
    assert wide == near(free)
    assert game.followers.respond_named("tight").cost > free * (1 + 1e-4)


@few
@given(seeds, STRATEGIES, st.floats(0.1, 1.0))
def test_market_pain_is_never_negative_and_never_grows_with_licences(seed: int, name: str, share: float) -> None:
    game = small_game(seed)
    announced = game.announce(name)
    limits = [announced.drawable * factor for factor in (share, 1.0, 1.5)]
    limits.append(np.full_like(announced.drawable, np.inf))
    quarter = announced.release
    costs = [
        game.followers.respond(replace(announced, drawable=limit, release=quarter * factor)).cost
        for limit, factor in zip(limits, (share, 1.0, 1.5, np.inf), strict=True)
    ]
    assert all(more <= less * (1 + 1e-9) for less, more in itertools.pairwise(costs))


def relief(game: Game, found: Evaluation, nodes: np.ndarray, t: int) -> np.ndarray:
    """Tonnes that redesign takes out of each bloc, product, tier and segment, order by order."""
    instance, plan, grid = game.instance, found.response.plan, game.market.grid
    products = list(instance.products)
    tonnes = np.zeros((len(instance.blocs), len(products), len(instance.tiers), len(instance.segments)))
    for o, option in enumerate(instance.options.values()):
        source = products.index(option.product)
        for s in range(t + 1):
            arrived = grid.end[t] - (grid.start[s] + float(option.lead_time))
            serves = min(1.0, max(0.0, arrived / grid.length[t]))
            moved = serves * plan["design_order"][nodes[s]][:, o][:, None, :] * demand(game, t)[:, source]
            tonnes[:, source] += moved
            if option.moves_to is not None:
                tonnes[:, products.index(option.moves_to)] -= moved
    return tonnes


def demand(game: Game, t: int) -> np.ndarray:
    """Demand of a period by bloc, product, tier and segment, tonnes."""
    instance, grid = game.instance, game.market.grid
    years = (grid.start[t] - grid.start[0] + grid.length[t] / 2) / 12
    blocs, products = instance.blocs.values(), instance.products
    total = [
        [float(x.demand[k]) * grid.length[t] / 12 * (1 + float(x.growth[k])) ** years for k in products] for x in blocs
    ]
    tier = [[float(bloc.tiers[c]) for c in instance.tiers] for bloc in blocs]
    segment = [[float(product.segments[e]) for e in instance.segments] for product in products.values()]
    return np.einsum("bk,bc,ke->bkce", total, tier, segment)


def made_by(game: Game) -> np.ndarray:
    """Which rival makes which product."""
    rivals = game.instance.rivals.values()
    return np.array([[rival.product == k for k in game.instance.products] for rival in rivals], dtype=float)


@settings(few, max_examples=40)
@given(seeds, STRATEGIES)
def test_tonnes_in_are_tonnes_out(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    instance, plan, blocs = game.instance, found.response.plan, list(game.instance.blocs)
    tiers = instance.tiers.items()
    cover = np.array(
        [[float(x.cover.get(c, tier.cover)) * float(x.tiers[c]) for c, tier in tiers] for x in instance.blocs.values()]
    )
    first = np.array([[float(bloc.demand[k]) / 12 for k in instance.products] for bloc in instance.blocs.values()])
    for scenario in range(game.market.tree.scenarios):
        nodes, stock = game.market.tree.path(scenario), first[:, :, None] * cover[:, None, :]
        for t, n in enumerate(nodes):
            coming = plan["imports"][n] + np.einsum("jbc,jk->bkc", plan["rival_sales"][n], made_by(game))
            for r, route in enumerate(instance.routes.values()):
                coming[blocs.index(route.destination)] += plan["reexport"][n, r]
                coming[blocs.index(route.source)] -= plan["reexport"][n, r]
            used = demand(game, t) - relief(game, found, nodes, t) - plan["unmet"][n]
            assert stock + coming - used.sum(axis=-1) == near(found.response.stock[n], 1000.0)
            stock = found.response.stock[n]
        assert (stock >= first[:, :, None] * cover[:, None, :] - 1e-5).all()


@few
@given(seeds, STRATEGIES)
def test_what_is_designed_out_stays_out_and_no_plant_sells_more_than_it_can(seed: int, name: str) -> None:
    game, plan = small_game(seed), evaluation(seed, name).response.plan
    grid, rivals = game.market.grid, list(game.instance.rivals.values())
    for scenario in range(game.market.tree.scenarios):
        nodes = game.market.tree.path(scenario)
        assert (np.diff(plan["designed_out"][nodes], axis=0) >= -1e-9).all()
        for j, rival in enumerate(rivals):
            for t, n in enumerate(nodes):
                years = grid.length[t] / 12
                can = float(rival.capacity) * years
                slip = (float(rival.slip.share), float(rival.slip.by)) if rival.slip else (0.0, 0.0)
                for part, by in ((1 - slip[0], 0.0), slip):
                    for x in rival.committed:
                        ran = max(0.0, grid.end[t] - month_index(x.begins) - by) / 12
                        can += part * float(x.capacity) * min(years, ran)
                    if rival.expansion is not None:
                        lead = float(rival.expansion.lead_time) + by
                        for s, ran in enumerate((grid.end[t] - grid.start[: t + 1] - lead) / 12):
                            can += part * plan["expansion"][nodes[s], j] * min(years, max(0.0, ran))
                assert plan["rival_sales"][n, j].sum() <= can + 1e-5
        for r, route in enumerate(game.instance.routes.values()):
            assert (plan["reexport"][nodes, r].sum(axis=(1, 2)) <= float(route.capacity) * grid.years + 1e-6).all()


@few
@given(seeds)
def test_open_trade_from_rest_is_stationary(seed: int) -> None:
    game = Game(instance_of(calm(small_data(seed))))
    found = game.followers.respond_named("open")
    bought = found.plan["imports"].sum(axis=-1)
    bought += np.einsum("njbc,jk->nbk", found.plan["rival_sales"], made_by(game))
    assert found.stock == near(np.broadcast_to(game.market.initial_stock, found.stock.shape), 1000.0)
    assert bought == near(game.market.demand.sum(axis=(3, 4))[game.market.tree.period], 1000.0)
    assert not found.plan["unmet"].any()
    assert not found.plan["reexport"].any()


@few
@given(seeds, STRATEGIES)
def test_a_price_never_exceeds_the_value_of_what_it_buys(seed: int, name: str) -> None:
    game, price = small_game(seed), evaluation(seed, name).response.price("demand_balance")
    values = np.array([float(segment.value) for segment in game.instance.segments.values()])
    products = game.instance.products.values()
    shares = np.array([[float(product.segments[e]) for e in game.instance.segments] for product in products])
    # Under pro-rata rationing what is missing is missing everywhere, so a tonne is worth the mean.
    top = shares @ values if game.market.pro_rata else np.full(len(shares), values[-1])
    assert (price <= top[None, None, :, None] * (1 + 1e-7)).all()


@few
@given(seeds, STRATEGIES)
def test_licences_are_split_over_tiers_without_loss(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    layout = game.followers.layout
    index, limit = layout.rows["export_licence"][0], layout.licence_limits(found.announced)
    total = np.zeros_like(found.announced.licence)
    np.add.at(total, tuple(index[:, :3].T), limit)
    assert total == near(found.announced.drawable)
    bought = found.response.plan["imports"].sum(axis=-1)
    assert (bought <= found.announced.drawable + 1e-5).all()
    for scenario in range(game.market.tree.scenarios):
        nodes = game.market.tree.path(scenario)
        for t in range(2, len(nodes)):
            assert (bought[nodes[t - 2 : t + 1]].sum(axis=0) <= found.announced.release[nodes[t]] + 1e-5).all()


@few
@given(seeds, STRATEGIES)
def test_probabilities_of_the_scenarios_add_up_to_one(seed: int, name: str) -> None:
    game, announced = small_game(seed), small_game(seed).announce(name)
    for weight, hazard in ((announced.weight, announced.hazard), (announced.leader_weight, announced.leader_hazard)):
        odds = tree_weights(game, weight)
        assert odds.sum() == near(1.0, relative=1e-12)
        assert (odds > 0).all()
        held = np.prod(1.0 - np.where(announced.hazard == 0, 1e-3, hazard))
        held *= 1.0 if game.market.tree.conceded is None else 1.0 - max(announced.chance, 1e-3)
        assert odds[0] == near(held, relative=1e-12)


@pytest.mark.parametrize("days", [0, 10, 45, 100])
def test_a_processing_delay_shifts_volumes_and_loses_none(days: int) -> None:
    data = full_data() | {"calendar": {"start": "2025-01", "months": 6, "quarters": 2, "years": 1}, "tail": "2026-01"}
    data["phases"] = {"first": {"begins": "2025-01"}, "second": {"begins": "2025-04"}}
    data["options"] = data["countermeasures"] = {}
    for rival in data["rivals"].values():
        del rival["expansion"]
    data["postures"]["half"] |= {"licensed": "50 %", "processing": f"{days} day"}
    data["postures"]["tight"] |= {"licensed": 0}
    rules = [{"posture": "half", "phase": "first"}, {"posture": "tight", "phase": "second"}]
    data["strategies"]["squeeze"] = {"title": "", "rules": rules}
    game = Game(instance_of(data))
    licence = game.announce("squeeze").licence[:8]
    filed = 0.5 * game.market.forecast[:3]
    assert licence.sum(axis=0) == near(filed.sum(axis=0))
    late = int(days * 12 / 365)
    assert not licence[:late].any()
    part = days * 12 / 365 - late
    assert licence[late] == near((1 - part) * filed[0])


@fewer
@given(seeds, STRATEGIES)
def test_cut_offs(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    blocs = len(game.instance.blocs)
    everyone = tuple(range(blocs))
    sets = [*((b,) for b in everyone), everyone]
    losses = CutOff(game.instance, game.market).losses(state_after(found.response, 1), sets)[0]
    small = 1e-6 * max(1.0, losses.max())
    assert losses[0] == near(np.zeros(blocs + 1))
    assert (np.diff(losses, axis=0) >= -small).all()
    assert (losses[:, -1:] >= losses[:, :-1] - small).all()
    assert losses[2, -1] > 0


@fewer
@given(seeds)
def test_units_names_and_the_order_of_rows_change_no_value(seed: int) -> None:
    data = small_data(seed)
    unordered = {"blocs", "products", "tiers", "rivals", "options", "routes", "groups", "postures"}
    shuffled = {key: dict(reversed(block.items())) if key in unordered else block for key, block in data.items()}
    renamed = named(data, NEW_NAMES)
    games = [Game(instance_of(other)) for other in (in_other_units(data), shuffled, renamed)]
    for name in ("half", "target"):
        known = evaluation(seed, name)
        for game in games:
            found = game.evaluate(game.announce(NEW_NAMES.get(name, name) if game is games[-1] else name))
            assert found.optimistic == near(known.optimistic, 100.0)
            assert found.pessimistic == near(known.pessimistic, 100.0)
            assert found.response.cost == near(known.response.cost)


NEW_NAMES = {
    "west": "aa",
    "east": "zz",
    "heavy": "k1",
    "light": "k0",
    "near": "n",
    "weeks": "w",
    "mine": "m",
    "half": "pace",
}
UNITS = {
    "t/yr": (1 / 12000, "kt/month"),
    "USD/kg": (1000, "USD/t"),
    "month": (1 / 3, "quarter"),
    "day": (12 / 365, "month"),
    "USD/(kg/yr)": (1e-3, "million USD/(t/yr)"),
    "yr": (12, "month"),
    "USD/kg/month": (3, "thousand USD/t/quarter"),
    "million USD/yr": (1 / 4, "million USD/quarter"),
    "%": (0.01, ""),
    "t": (1000, "kg"),
}


def in_other_units(node: object) -> object:
    """The same quantities in kilotonnes, dollars per tonne, weeks, days and quarters."""
    if isinstance(node, dict):
        return {key: in_other_units(value) for key, value in node.items()}
    if isinstance(node, list):
        return [in_other_units(value) for value in node]
    number, _, unit = node.partition(" ") if isinstance(node, str) else ("", "", "")
    if unit not in UNITS:
        return node
    factor, other = UNITS[unit]
    return f"{float(number) * factor!r} {other}".strip()


def test_fed_volumes_are_respected() -> None:
    data = full_data()
    data["strategies"]["fed"] = {"title": "", "rules": [{"posture": "half"}], "fed_volumes": {"2025-02": "33 t"}}
    game = Game(instance_of(data))
    found = game.evaluate(game.announce("fed"))
    assert found.announced.fed
    assert found.announced.licence[1].sum() == near(33.0)
    assert found.response.plan["imports"][1].sum() <= 33.0 + 1e-6
    assert found.announced.licence[0] == near(game.announce("half").licence[0])
