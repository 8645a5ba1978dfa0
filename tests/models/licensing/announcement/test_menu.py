"""Menus: choices and paths belong together, products alike or apart, and the judge reads them the same way."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from coercivity.models.licensing.announcement.menu import menu_of
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.audit import rules
from coercivity.models.licensing.leader.commit import Game
from tests.rich_instance import changed, loaded, rich


def alike() -> dict[str, Any]:
    return changed(rich(), "menu", {"postures": ["open", "half"], "bundles": [["all", "far"]]})


def apart() -> dict[str, Any]:
    return changed(alike(), "menu.products", "apart")


@pytest.mark.parametrize("data", [rich(), apart()])
def test_a_choice_and_its_path_belong_together(data: dict[str, Any]) -> None:
    instance = loaded(data)
    menu = menu_of(instance)
    choices = list(itertools.product(range(len(menu.postures)), repeat=menu.slots))
    assert len(choices) == len(menu) and menu.slots == rules.slots(instance)
    for choice in choices:
        path = menu.path(choice)
        assert menu.choice(path) == choice
        assert rules.on_menu(instance, choice) == path
    assert len({menu.path(choice) for choice in choices}) == len(menu)


def test_products_apart_hold_the_menu_of_products_alike() -> None:
    one, by_product = (menu_of(loaded(data)) for data in (alike(), apart()))
    assert by_product.slots == 2 * one.slots
    for choice in itertools.product(range(2), repeat=one.slots):
        assert by_product.choice(one.path(choice)) is not None


def test_the_best_with_products_apart_is_no_worse_and_proved() -> None:
    found = [StrategyAnswers(loaded(data)).optimum(1, None, lambda *_: None) for data in (alike(), apart())]
    one, other = (best.answer.certificate for best in found)
    assert one.proof == other.proof == "OPTIMAL"
    assert other.optimistic_musd >= one.optimistic_musd - 1e-6 * abs(one.optimistic_musd)


def test_slots_weigh_what_they_govern() -> None:
    game = Game(loaded(apart()))
    assert sum(game.slot_effect()) == pytest.approx(game.market.forecast[: game.announcer.bounds[-1][1]].sum())
