"""Discretion and repeated play: closed forms of the fringe game, theorems on small games, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from coercivity.engine.menu.discretion import discretion
from coercivity.engine.menu.repeated import critical_discount
from coercivity.models.fringe import closed_form
from coercivity.models.fringe.instance import Promise
from coercivity.models.licensing.answers.promises import promises
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.discretion import build_lag, surrendered
from tests.small_games import full_data, instance_of, small_game


def fringe_payoffs(game: Promise, quantities: np.ndarray) -> np.ndarray:
    """The leader's profit when the fringe has built for one quantity and the leader sells another, [announced, played]."""
    # The fringe builds until its marginal cost is the price it expects: kK = a − b(q + K).
    built = (game.choke_price - game.price_slope * quantities) / (game.price_slope + game.fringe_cost_slope)
    price = game.choke_price - game.price_slope * (quantities[None, :] + built[:, None])
    return np.asarray(price * quantities[None, :])


@pytest.mark.parametrize(("a", "b", "k"), [(100.0, 1.0, 1.0), (80.0, 0.5, 2.0), (120.0, 2.0, 0.7)])
@pytest.mark.parametrize("lag", [1.0, 3.0, 5.0])
def test_discretion_over_a_fine_menu_is_the_closed_form_of_the_fringe_game(
    a: float, b: float, k: float, lag: float
) -> None:
    game = Promise(a, b, k)
    known = closed_form.promise(game, lag)
    # The two quantities that matter stand on the menu: the committed one and the one that is its own best reply.
    committed, kept = a / (2 * b), a * k / (b * (b + 2 * k))
    quantities = np.unique(
        np.concatenate([np.linspace(0.0, a / b, 400), [committed, kept, a * (b + 2 * k) / (4 * b * (b + k))]])
    )
    payoffs = fringe_payoffs(game, quantities)
    found = discretion([f"{q:g}" for q in quantities], payoffs, 1e-9)
    assert found.commitment == pytest.approx(known.commitment.profit)
    assert found.stable, "the equilibrium in pure strategies is on the menu"
    assert found.value == pytest.approx(known.discretion.profit)
    at = int(np.searchsorted(quantities, committed))
    patience = critical_discount(float(payoffs[at].max()), float(payoffs[at, at]), found.value, lag)
    assert patience.value == pytest.approx(known.critical_discount)
    assert known.critical_discount == pytest.approx(closed_form.promise(game).critical_discount ** (1 / lag))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_commitment_is_never_worse_than_discretion(seed: int) -> None:
    game = small_game(seed)
    told = promises(game, None, 1)
    assert told.value_of_commitment_musd >= -1e-9
    for kept in told.strategies.values():
        assert kept.regret_musd >= 0
        found = [value for value in kept.critical_discount_by_lag.values() if value is not None]
        assert found == sorted(found) and all(0 <= value < 1 for value in found)
    chosen = told.discretion
    least = min(kept.regret_musd for kept in told.strategies.values())
    assert chosen.regret_musd == pytest.approx(least) if not chosen.is_stable else chosen.regret_musd <= 1.0


def test_open_trade_threatens_nobody() -> None:
    game = small_game(1)
    path = game.announce(game.instance.baseline).path
    assert surrendered(game.instance, path) == path
    assert promises(game, None, 1).strategies[game.instance.baseline].is_credible


def test_the_build_lag_is_a_mean_over_what_can_be_built() -> None:
    instance = small_game(3).instance
    expansions = [rival.expansion for rival in instance.rivals.values() if rival.expansion]
    lag = build_lag(instance)
    if expansions and lag is not None:
        leads = [float(expansion.lead_time) / 12 for expansion in expansions]
        assert min(leads) - 1e-12 <= lag <= max(leads) + 1e-12


def test_what_firms_take_with_them_is_no_mark_of_the_path_without_the_target() -> None:
    """Two paths that differ only for the target may be relieved to the same licences, but not to the same exporters."""
    data = full_data()
    data["firms"] = {
        "makers": {
            "title": "Makers", "export_share": "90 %", "export_margin": "5 USD/kg", "home_sales": "0 t/yr", "home_margin": "0 USD/kg",
            "price_exposure": 0, "fixed_cost": "1 million USD/yr", "cash": "0.1 million USD", "rescue": "exit",
        }
    }  # fmt: skip
    instance = instance_of(data)
    names = list(instance.strategies)
    alone = [Game(instance).evaluate(Game(instance).announce(name)).optimistic for name in names]
    game = Game(instance)
    together = [game.evaluate(game.announce(name)).optimistic for name in names]
    assert together == pytest.approx(alone)
