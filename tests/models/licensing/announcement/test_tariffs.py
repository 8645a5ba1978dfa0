"""Tariffs of a bloc on the leader's goods: its buyers pay them, turn to others, and the leader earns nothing of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.leader.commit import Game
from tests.mutants.games import windowed
from tests.rich_instance import changed, loaded, reacting, rich


def with_tariff(data: dict[str, Any], **rates: str) -> dict[str, Any]:
    return changed(
        data, "blocs.west.tariff", {month.replace("m", "", 1).replace("_", "-"): rate for month, rate in rates.items()}
    )


def imports(data: dict[str, Any]) -> np.ndarray:
    """Tonnes by period and bloc under open trade, while it is open."""
    game = Game(loaded(data))
    return np.asarray(
        game.followers.respond(game.announce("open")).plan["imports"][: len(game.market.grid)].sum(axis=(2, 3))
    )


def test_a_tariff_turns_its_bloc_away_from_the_leader() -> None:
    free, taken = imports(rich()), imports(with_tariff(rich(), m2025_01="40 %"))
    assert taken[:, 0].sum() < free[:, 0].sum() - 1.0
    assert taken[:, 1].sum() >= free[:, 1].sum() - 1e-6


def test_it_holds_from_its_month_on_until_another_is_named() -> None:
    game = Game(loaded(with_tariff(rich(), m2025_02="40 %", m2025_04="0 %")))
    rates = game.announcer.tariff[:, 0] / game.market.price
    assert rates[:4, 0] == pytest.approx([0.0, 0.4, 0.4, 0.0])
    assert (game.announcer.tariff[:, 1] == 0).all()


def test_the_leader_earns_nothing_of_it_and_the_treasury_all() -> None:
    data = with_tariff(rich(), m2025_01="10 %")
    answer = StrategyAnswers(loaded(data)).named("open")
    assert "export_tax" not in answer.leader.terms_musd
    game = Game(loaded(data))
    response = game.evaluate(game.announce("open")).response
    odds = response.announced.weight * game.market.discount[game.market.tree.period]
    paid = (
        0.1
        * (
            odds[:, None] * response.plan["imports"][:, 0].sum(axis=-1) * game.market.price[game.market.tree.period]
        ).sum()
    )
    assert answer.market.tariffs_musd == pytest.approx(paid / 1000.0)
    assert StrategyAnswers(loaded(rich())).named("open").market.tariffs_musd is None


@pytest.mark.parametrize("base", [rich, reacting, windowed])
def test_an_answer_with_a_tariff_is_certified(base: Any) -> None:
    answers = StrategyAnswers(loaded(with_tariff(base(), m2025_02="25 %", m2025_09="5 %")))
    for name in ("open", "half"):
        assert [check.name for check in answers.named(name).certificate.checks if not check.ok] == []


@pytest.mark.parametrize(("tariff", "said"), [({}, "no month in it"), ({"1999-01": "5 %"}, "1999-01")])
def test_tariffs_that_mean_nothing_are_refused(tariff: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(changed(rich(), "blocs.west.tariff", tariff))
