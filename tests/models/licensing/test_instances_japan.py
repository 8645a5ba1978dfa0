"""The historical instance of 2010: its arithmetic, open trade at rest, and what its record and calibration say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from coercivity.models.licensing.answers.backtest.measures import measure
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.leader.commit import Game

EXPORTS_2010 = 39813.0
QUOTAS = (30246.0, 30966.0, 31001.0, 30611.0)
QUARRELLED = ("quota_persistent", "targeted", "japan_2010_actual")


@pytest.fixture(scope="module")
def instance() -> Instance:
    return load("japan-2010")


@pytest.fixture(scope="module")
def game(instance: Instance) -> Game:
    return Game(instance)


@pytest.fixture(scope="module")
def opened(game: Game) -> Response:
    return game.followers.respond(game.announce("open"))


@pytest.fixture(scope="module")
def as_it_went(game: Game) -> Response:
    return game.followers.respond(game.announce("japan_2010_actual"))


def exports(game: Game, response: Response) -> np.ndarray:
    """Tonnes bought of the leader while licences hold, by period."""
    return np.asarray(response.plan["imports"][: len(game.market.grid)].sum(axis=(1, 2, 3)))


def test_trade_is_that_of_customs(instance: Instance) -> None:
    imports = {name: sum(float(tonnes) for tonnes in bloc.imports.values()) for name, bloc in instance.blocs.items()}
    assert sum(imports.values()) == pytest.approx(EXPORTS_2010, abs=5)
    assert imports["japan"] / EXPORTS_2010 == pytest.approx(0.498, abs=1e-3)
    assert imports["us"] / EXPORTS_2010 == pytest.approx(0.19, abs=1e-3)
    used = sum(float(tonnes) for tonnes in instance.blocs["japan"].demand.values())
    assert imports["japan"] / used == pytest.approx(0.8161, abs=1e-3)


def test_value_is_volume_times_price_before_the_spike(instance: Instance) -> None:
    value = sum(
        float(tonnes) * float(instance.leader.price[product])
        for bloc in instance.blocs.values()
        for product, tonnes in bloc.imports.items()
    )
    assert value / EXPORTS_2010 == pytest.approx(13.13, rel=0.01)
    assert 310 < value / 1000 < 940


def test_demand_at_rest_is_imports_and_the_sources_that_ran(instance: Instance) -> None:
    sources = {name: sum(float(rival.capacity) for rival in instance.rivals.values() if rival.product == name)
               for name in instance.products}  # fmt: skip
    for name, others in sources.items():
        demand = sum(float(bloc.demand[name]) for bloc in instance.blocs.values())
        assert demand - sum(float(bloc.imports[name]) for bloc in instance.blocs.values()) == pytest.approx(others)


def test_shares_of_firms_add_up(instance: Instance) -> None:
    assert math.fsum(float(firm.export_share) for firm in instance.firms.values()) == pytest.approx(1)


def test_any_end_of_a_range_leaves_prices_between_cost_and_worth(instance: Instance) -> None:
    leader = instance.leader
    least = min(float(segment.value.low or segment.value) for segment in instance.segments.values())
    assert max(price.high or 0 for price in leader.price.values()) < least
    assert all((leader.price[k].low or 0) > (leader.unit_cost[k].high or math.inf) for k in instance.products)


def test_open_trade_from_rest_is_stationary(game: Game, opened: Response) -> None:
    """Until Lynas comes, which was decided before, buyers take what was forecast, month by month."""
    grid = game.market.grid
    before = grid.end <= month_index("2013-01")
    forecast = game.market.forecast.sum(axis=(1, 2))
    assert exports(game, opened)[before] == pytest.approx(forecast[before], rel=0.03)
    assert opened.plan["unmet"][: len(grid)].sum() < 1e-6 * forecast.sum()


def test_nothing_is_ordered_while_trade_is_open(game: Game, opened: Response) -> None:
    trunk = slice(0, len(game.market.grid))
    assert opened.plan["expansion"][trunk].sum() < 0.005 * EXPORTS_2010
    assert opened.plan["design_order"][trunk].sum() < 0.01


def test_licences_of_2011_to_2014_are_the_quotas(game: Game, as_it_went: Response) -> None:
    grid = game.market.grid
    licence = as_it_went.announced.licence[: len(grid)].sum(axis=(1, 2))
    within = (grid.start >= month_index("2011-01")) & (grid.end <= month_index("2015-01"))
    assert licence[within].sum() / 4 == pytest.approx(np.mean(QUOTAS), rel=0.02)


def test_the_year_of_the_halt_is_fed(game: Game, as_it_went: Response) -> None:
    sold = exports(game, as_it_went)[:4]
    assert sold[1:3].sum() == pytest.approx(2800, rel=1e-6)
    assert 32200 + sold[1:].sum() == pytest.approx(EXPORTS_2010, rel=1e-6)


def test_the_search_stays_small(game: Game) -> None:
    assert len(game.menu) <= 700
    assert len(game.followers.layout.program.cost) < 20_000


def test_the_calibration_finds_its_loss_and_its_neighbours_err_more(instance: Instance) -> None:
    assert instance.calibration is not None
    for fitted in instance.calibration.fitted.values():
        place = fitted.points.index(fitted.found)
        tried = [fitted.points[number] for number in (place - 1, place, place + 1)]
        losses = [_loss(f"{fitted.path}={point}", fitted.moments) for point in tried]
        assert losses[1] == pytest.approx(fitted.loss, rel=1e-2)
        assert losses[1] == min(losses)


def _loss(override: str, moments: tuple[str, ...]) -> float:
    game = Game(load("japan-2010", sets=[override]))
    response = game.followers.respond(game.announce("japan_2010_actual"))
    errors = []
    for name in moments:
        fact = game.instance.observations[name]
        found, recorded, allowed = measure(game, response, fact), fact.recorded, fact.error_allowed
        assert found is not None and recorded is not None and allowed is not None
        errors.append((found - recorded.value) / allowed)
    return math.fsum(error**2 for error in errors)


def test_no_fact_after_2011_is_fitted(instance: Instance) -> None:
    assert instance.calibration is not None
    last = month_index(instance.calibration.until)
    facts = instance.observations.values()
    assert all(month_index(fact.ends) <= last for fact in facts if fact.window == "fit")
    assert sum(fact.window == "judge" for fact in facts) > 30


def test_who_gets_the_rent_decides_whether_quotas_pay() -> None:
    """In 2010 exporters were paid the scarcity, so restriction earned; with the rents of 2025 it would not have."""
    worth = {}
    for variant in ((), ("no_rent",)):
        game = Game(load("japan-2010", variants=variant))
        worth[variant] = {name: game.evaluate(game.announce(name)).payoff.value for name in ("open", *QUARRELLED)}
    assert all(worth[()][name] > worth[()]["open"] for name in QUARRELLED)
    assert all(worth["no_rent",][name] < worth["no_rent",]["open"] for name in QUARRELLED)


def test_the_longer_the_squeeze_the_less_is_left(game: Game) -> None:
    left = [game.evaluate(game.announce(name)).payoff.terms["tail"]
            for name in ("open", "japan_2010_actual", "quota_persistent", "embargo")]  # fmt: skip
    assert all(more > less for more, less in itertools.pairwise(left))
