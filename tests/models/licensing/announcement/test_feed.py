"""Rivals that live on the leader's feed: they fall with its licences once their stock is used up, and so does their bloc."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.announcement.announce import path_from_rules
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.audit.window import spared
from coercivity.models.licensing.buyers.assemble import Assembler, structure_of
from coercivity.models.licensing.buyers.evaluate import layout_of
from coercivity.models.licensing.buyers.window import Window
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.rich_instance import changed, loaded, reacting, rich

STEPS = [
    {"share": "40 %", "unit_cost": "40 USD/kg", "capex": "80 USD/(kg/yr)"},
    {"share": "60 %", "unit_cost": "60 USD/kg", "capex": "120 USD/(kg/yr)"},
]


def needing(dependence: str = "100 %", stock: str = "0 month", base: dict[str, Any] | None = None) -> dict[str, Any]:
    data = rich() if base is None else base
    data["postures"]["half"]["licensed"] = "30 %"
    data["strategies"]["half"].pop("fed_volumes", None)
    data["strategies"]["half"]["rules"] = [{"posture": "half"}]
    return changed(data, "rivals.mine.feed", {"dependence": dependence, "stock": stock})


def sold(data: dict[str, Any], name: str = "half") -> np.ndarray:
    """Sales of the mine by period while licences hold."""
    game = Game(loaded(data))
    plan = game.followers.respond(game.announce(name)).plan
    return np.asarray(plan["rival_sales"][: len(game.market.grid), 0].sum(axis=(1, 2)))


def test_without_feed_a_plant_stands_idle_once_its_stock_is_used_up() -> None:
    data = needing(stock="1.4 month")
    data["rivals"]["mine"].pop("committed")
    del data["rivals"]["mine"]["expansion"]
    capacity = Game(loaded(data)).followers.market.capacity[0, 0]
    made = sold(data)
    # Seven tenths of a month's feed are missing every month, so that two months are covered.
    assert made[:2] == pytest.approx([capacity, capacity])
    assert made[2:6] == pytest.approx(np.full(4, 0.3 * capacity))
    assert sold(data, "open")[:6] == pytest.approx(np.full(6, capacity))


def test_half_of_the_dependence_is_half_of_the_loss() -> None:
    data = needing("50 %")
    data["rivals"]["mine"].pop("committed")
    del data["rivals"]["mine"]["expansion"]
    capacity = Game(loaded(data)).followers.market.capacity[0, 0]
    assert sold(data)[:6] == pytest.approx(np.full(6, 0.65 * capacity))


def test_no_dependence_changes_nothing() -> None:
    data = rich()
    bare, none = copy.deepcopy(data), changed(data, "rivals.mine.feed", {"dependence": "0 %", "stock": "3 month"})
    one, other = (Game(loaded(which)) for which in (bare, none))
    assert one.followers.layout.program.shape == other.followers.layout.program.shape
    assert one.evaluate(one.announce("half")).optimistic == other.evaluate(other.announce("half")).optimistic


def test_new_plants_bring_feed_of_their_own() -> None:
    """With orders possible, what is sold later exceeds what the leader's feed would allow."""
    data = needing()
    made = sold(data)
    assert made[-1] > 0.3 * Game(loaded(data)).followers.market.capacity[-1, 0] + 1.0


def test_the_owner_of_a_starved_plant_is_harmed_more() -> None:
    free, bound = needing("0 %"), needing()
    harm = [StrategyAnswers(loaded(data)).named("half").blocs["west"].harm_musd for data in (free, bound)]
    assert harm[1] > harm[0] > 0


@pytest.mark.parametrize("stock", ["0 month", "1.5 month"])
@pytest.mark.parametrize("more", [{}, {"rivals.mine.standing_cost": "2 USD/kg"}, {"rivals.mine.steps": STEPS}])
@pytest.mark.parametrize("base", [rich, reacting])
def test_an_answer_with_feed_is_certified(base: Any, stock: str, more: dict[str, Any]) -> None:
    data = needing("80 %", stock, base())
    for path, value in more.items():
        data = changed(data, path, value)
    if "rivals.mine.steps" in more:
        del data["rivals"]["mine"]["unit_cost"], data["rivals"]["mine"]["expansion"]["capex"]
    answer = StrategyAnswers(loaded(data)).named("half")
    assert [check.name for check in answer.certificate.checks if not check.ok] == []


def test_the_judge_and_the_window_starve_it_alike() -> None:
    data = needing("80 %", "1 month")
    data["concession"] |= {"begins": "3 month", "window": "4 month"}
    instance = loaded(data)
    game = Game(instance)
    response = game.followers.respond(game.announce("half"))
    audit = Audit(instance, Claim(response.announced.path, {}, conceded=response.announced.conceded))
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-7)
    path = path_from_rules(instance, instance.strategies["half"])
    assert Window(instance).spared(path, {}) == pytest.approx(spared(instance, path, {}), rel=1e-8)


def test_a_changed_market_is_assembled_as_it_is_written() -> None:
    one, other = market_of(loaded(needing("80 %", "1 month"))), needing("80 %", "1 month")
    other["rivals"]["mine"]["capacity"] = "333 t/yr"
    other["rivals"]["mine"]["expansion"]["lead_time"] = "7 month"
    instance = loaded(other)
    changed_market, game = market_of(instance), Game(instance)
    assert structure_of(one) == structure_of(changed_market)
    first = Game(loaded(needing("80 %", "1 month")))
    written = layout_of(changed_market, game.announce("half"))
    assembled = Assembler(first.followers.layout, one).layout_for(changed_market)
    announced = game.announce("half")
    programs = [layout.announced_program(announced) for layout in (written, assembled)]
    assert abs(programs[0].matrix - programs[1].matrix).max() < 1e-9
    assert programs[0].row_upper == pytest.approx(programs[1].row_upper)


def test_a_cut_off_takes_the_feed_too() -> None:
    """Leverage over a bloc is greater where its plant lives on the leader's feed, and less the more feed it holds."""

    def loss(dependence: str, stock: str) -> float:
        instance = loaded(needing(dependence, stock))
        game = Game(instance)
        response = game.followers.respond(game.announce("open"))
        cutoff = CutOff(instance, game.market)
        return float(cutoff.losses(state_after(response, 2), [(0,)])[0][-1, 0])

    none, held, bare = loss("0 %", "0 month"), loss("100 %", "2 month"), loss("100 %", "0 month")
    assert bare > held >= none - 1e-9


@pytest.mark.parametrize(
    ("feed", "owner", "said"),
    [
        ({"dependence": "50 %", "stock": "1 month"}, "outside", "belongs to no bloc"),
        ({"dependence": "50 %", "stock": "1 month", "bloc": "nowhere"}, "west", "unknown bloc 'nowhere'"),
        ({"dependence": "150 %", "stock": "1 month"}, "west", "dependence"),
    ],
)
def test_feed_that_means_nothing_is_refused(feed: dict[str, Any], owner: str, said: str) -> None:
    data = changed(rich(), "rivals.mine.owner", owner)
    with pytest.raises(InvalidInstance, match=said):
        loaded(changed(data, "rivals.mine.feed", feed))
