"""The historical instance of 2010: its arithmetic, open trade at rest, and what its record and calibration say."""

from __future__ import annotations

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


def test_no_capital_is_sunk_while_trade_is_open_and_prices_are_those_of_2010(game: Game, opened: Response) -> None:
    """What smugglers hold ready against a breakdown costs nothing and sells nothing."""
    grid, sets = game.market.grid, game.market.sets
    before = np.flatnonzero(grid.end <= month_index("2015-01"))
    smuggled = [number for number, name in enumerate(sets.rivals) if name.startswith("smuggled")]
    lines = opened.plan["expansion"][before].sum(axis=0)
    assert lines[: -len(smuggled)].sum() < 0.005 * EXPORTS_2010
    assert sets.rivals[-len(smuggled) :] == tuple(sets.rivals[number] for number in smuggled)
    assert opened.plan["rival_sales"][: len(grid), smuggled].sum() < 0.005 * EXPORTS_2010
    assert opened.plan["design_order"][: len(grid)].sum() < 0.01


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


def test_the_calibration_finds_its_loss_and_no_other_point_errs_less(instance: Instance) -> None:
    assert instance.calibration is not None
    for fitted in instance.calibration.fitted.values():
        losses = {point: _loss(f"{fitted.path}={point}", fitted.moments) for point in fitted.points}
        assert losses[fitted.found] == pytest.approx(fitted.loss, rel=1e-2)
        assert losses[fitted.found] == min(losses.values())


def test_slower_saving_is_not_told_apart_by_2010(instance: Instance) -> None:
    """Which is what the calibration says of the points that it does not list."""
    assert instance.calibration is not None
    saving = instance.calibration.fitted["saving"]
    assert _loss(f"{saving.path}=5 %", saving.moments) == pytest.approx(saving.loss, rel=1e-2)
    assert _loss(f"{saving.path}=40 %", saving.moments) > 10 * saving.loss


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


def test_no_fact_after_2010_is_fitted(instance: Instance) -> None:
    assert instance.calibration is not None
    assert instance.calibration.until == "2010-12"
    last = month_index(instance.calibration.until)
    facts = instance.observations.values()
    assert all(month_index(fact.ends) <= last for fact in facts if fact.window == "fit")
    assert sum(fact.window == "judge" for fact in facts) == 29


def test_one_fact_counts_once(instance: Instance) -> None:
    """What is a ratio, a sum or a part of judged facts stands beside them, and what the price path was given is no finding."""
    window = {name: fact.window for name, fact in instance.observations.items()}
    repeated = ["value_2011_2014", "unit_value_2011", "unit_value_2014", "value_h1_2011", "dual_price", "lynas_2014"]
    repeated += [f"quota_use_{year}" for year in range(2011, 2015)]
    assert {window[name] for name in repeated} == {"beside"}
    assert all(instance.observations[name].note for name in repeated)
    assert {window[f"{product}_2015"] for product in instance.products} == {"fed"}
    assert window["dependence_2018"] == window["dependence_2024"] == "judge"


def test_tolerances_of_prices_are_the_spread_of_years_before(instance: Instance) -> None:
    before = {
        "magnet": (30.24, 31.9, 19.12, 27.56),
        "heavy": (89.1, 118.49, 115.67, 156.5),
        "bulk": (3.04, 4.56, 3.88, 4.46),
    }
    spread = {name: float(np.std(np.diff(np.log(prices)), ddof=1)) for name, prices in before.items()}
    for name in ("magnet_2011", "magnet_2012", "heavy_2011", "heavy_2012", "heavy_2013", "heavy_2014", "bulk_2012"):
        fact = instance.observations[name]
        assert fact.recorded is not None and fact.error_allowed is not None
        assert fact.error_allowed / fact.recorded.value == pytest.approx(spread[name.partition("_")[0]], rel=0.05)


def test_dependence_comes_near_the_record_to_2024(game: Game, as_it_went: Response) -> None:
    """Without contracts and the reported cost of Mountain Pass it fell to a third and stayed there; the low of 2018 is not found."""
    facts = game.instance.observations
    found = {year: measure(game, as_it_went, facts[f"dependence_{year}"]) for year in (2011, 2014, 2018, 2024)}
    assert found == pytest.approx({2011: 0.684, 2014: 0.596, 2018: 0.58, 2024: 0.71}, abs=0.12)


def test_what_the_long_run_rests_on_is_lynas_and_not_fear() -> None:
    found = {}
    for name in ("no_contract", "low_fear", "high_fear"):
        game = Game(load("japan-2010", variants=(name,)))
        response = game.followers.respond(game.announce("japan_2010_actual"))
        found[name] = measure(game, response, game.instance.observations["dependence_2018"])
    assert found["high_fear"] == pytest.approx(found["low_fear"], abs=0.06)
    assert found["low_fear"] - found["no_contract"] > 0.15


def test_smuggling_ends_with_the_quotas(game: Game, as_it_went: Response) -> None:
    grid, sets = game.market.grid, game.market.sets
    through = [number for number, name in enumerate(sets.rivals) if name.startswith("smuggled")]
    sold = as_it_went.plan["rival_sales"][: len(grid), through].sum(axis=(1, 2, 3))
    quotas = (grid.start >= month_index("2011-04")) & (grid.end <= month_index("2015-01"))
    assert sold[quotas].sum() > 5000
    assert sold[grid.start >= month_index("2015-01")].sum() < 1


def test_who_gets_the_rent_decides_whether_quotas_pay() -> None:
    """In 2010 exporters were paid the scarcity, so restriction earned; with the rents of 2025 it would not have."""
    worth = {}
    for variant in ((), ("no_rent",)):
        game = Game(load("japan-2010", variants=variant))
        worth[variant] = {name: game.evaluate(game.announce(name)).payoff.value for name in ("open", *QUARRELLED)}
    assert all(worth[()][name] > worth[()]["open"] for name in QUARRELLED)
    assert all(worth["no_rent",][name] < worth["no_rent",]["open"] for name in QUARRELLED)


def test_the_longer_the_squeeze_the_less_is_left(game: Game) -> None:
    """Until everything that can be built or saved is: a full stop leaves no less than the halved quota for good."""
    tail = {name: game.evaluate(game.announce(name)).payoff.terms["tail"]
            for name in ("open", "japan_2010_actual", "quota_persistent", "embargo")}  # fmt: skip
    assert tail["open"] > tail["japan_2010_actual"] > tail["quota_persistent"]
    assert tail["japan_2010_actual"] > 1.3 * tail["embargo"]
    assert tail["embargo"] == pytest.approx(tail["quota_persistent"], rel=0.05)
