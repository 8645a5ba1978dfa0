"""Stocks that a shock raises: the target by hand, what buyers then do, and the judge who writes it a second time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market import arrays
from coercivity.models.licensing.market.arrays import market_of
from tests.models.licensing.answers.test_backtest import toy
from tests.rich_instance import loaded


def raised(**shock: Any) -> Instance:
    data = toy()
    # Little is lost by holding more, so that what is meant to be held is held.
    data["stocks"]["raised"] = {"begins": "2025-04", "by": "50 %", "half_life": "1 yr"} | shock
    return loaded(data)


def factor(instance: Instance) -> np.ndarray[Any, Any]:
    """The target over that of the toy, by period."""
    ours, plain = market_of(instance).cover_target, market_of(loaded(toy())).cover_target
    return np.asarray(ours.sum(axis=(1, 2, 3)) / plain.sum(axis=(1, 2, 3)))


def test_the_target_jumps_with_the_shock_and_half_of_it_is_forgotten_in_a_half_life() -> None:
    found = factor(raised())
    grid = market_of(raised()).grid
    # To the middle of April half a month has passed.
    assert found[:4] == pytest.approx([1.0, 1.0, 1.0, 1.0 + 0.5 * 0.5 ** (0.5 / 12)])
    later = grid.middle[3:] - 3 / 12
    assert found[3:] == pytest.approx(1.0 + 0.5 * 0.5**later)
    # One of a year before the calendar has half of it left.
    assert factor(raised(begins="2024-01"))[0] == pytest.approx(1.0 + 0.5 * 0.5 ** (12.5 / 12))


def test_buyers_who_mean_to_hold_more_buy_more_when_the_shock_comes() -> None:
    def bought(instance: Instance) -> np.ndarray[Any, Any]:
        game = Game(instance)
        response = game.evaluate(game.announce("open")).response
        return np.asarray(response.plan["imports"][: len(game.market.grid)].sum(axis=(1, 2, 3)))

    plain, more = bought(loaded(toy())), bought(raised())
    assert more[:4].sum() > plain[:4].sum() + 1.0
    # What was bought ahead is not bought again while the lesson fades.
    assert more[4:].sum() < plain[4:].sum()


@pytest.mark.parametrize("strategy", ["open", "half"])
def test_the_judge_has_the_same_targets(strategy: str) -> None:
    assert solve(raised(), strategy).certificate.proof == "BILEVEL_FEASIBLE"


def test_the_judge_finds_a_target_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_raised", lambda _, grid: np.ones(len(grid)))
    assert solve(raised(), "half").certificate.proof != "BILEVEL_FEASIBLE"


@pytest.mark.parametrize("shock", [{"by": "-10 %"}, {"half_life": "0 yr"}, {"begins": "soon"}])
def test_what_is_no_shock_is_refused(shock: dict[str, str]) -> None:
    with pytest.raises(InvalidInstance, match=r"stocks\.raised"):
        raised(**shock)
