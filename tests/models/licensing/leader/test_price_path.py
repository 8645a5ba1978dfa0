"""The leader's price and cost may follow a path: what it earns, what rivals answer, what is refused, and the judge beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.models.licensing.announcement.test_reactions import game, orders, played, sold
from tests.models.licensing.buyers.test_rivals import agrees, assembled
from tests.rich_instance import loaded, reacting


def pathed(price: dict[str, Any] | None = None, cost: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The toy in two phases with a path of the price and of the cost; nothing breaks down under open trade."""
    data = game(**{"postures__open__hazard": 0, "segments__toys__value": "90 USD/kg"} | changes)
    for key, path in (("price_path", price), ("unit_cost_path", cost)):
        if path is not None:
            data["leader"][key] = {"magnets": path}
    return data


def test_factors_of_one_change_nothing() -> None:
    data = reacting()
    plain = {name: played(data, name) for name in ("open", "half")}
    data["leader"] |= {"price_path": {"magnets": {"2025-03": 1}}, "unit_cost_path": {"light": {"2025-03": "100 %"}}}
    for name, found in plain.items():
        again = played(data, name)
        assert again.response.cost == pytest.approx(found.response.cost, rel=1e-9)
        assert again.optimistic == pytest.approx(found.optimistic, rel=1e-7)


def test_a_factor_from_the_start_is_another_price() -> None:
    one = played(pathed({"2025-01": "110 %"}, {"2025-01": "90 %"}), "half")
    other = played(pathed(leader__price={"magnets": "55 USD/kg"}, leader__unit_cost={"magnets": "36 USD/kg"}), "half")
    assert one.response.cost == pytest.approx(other.response.cost, rel=1e-9)
    assert one.optimistic == pytest.approx(other.optimistic, rel=1e-7)


def test_a_period_takes_the_mean_of_its_months() -> None:
    market = market_of(loaded(pathed({"2025-03": "120 %", "2025-11": "90 %"})))
    assert market.price[:, 0] == pytest.approx([50, 50, 60, 60, 60, 60, 60, 50, 45, 45])


def test_a_lower_cost_later_is_margin_and_no_answer() -> None:
    plain, cheaper = (played(pathed(cost=cost), "open") for cost in (None, {"2026-01": "80 %"}))
    assert cheaper.response.cost == pytest.approx(plain.response.cost, rel=1e-9)
    assert cheaper.payoff.terms["margin"] == pytest.approx(plain.payoff.terms["margin"])
    assert cheaper.payoff.terms["tail"] == pytest.approx(1.8 * plain.payoff.terms["tail"])


def test_a_price_cut_closes_rivals_and_a_rise_calls_them() -> None:
    """Rivals at 45 USD/kg: sold out at 50, idle below their cost; a lasting rise pays for plants."""
    usual, cut, risen = (
        played(pathed(path, rivals__mine__expansion__capex="60 USD/(kg/yr)"), "open")
        for path in (None, {"2026-01": "88 %"}, {"2026-01": "130 %"})
    )
    tail = slice(8, 10)
    assert sold(cut, "rival_sales", tail) == pytest.approx(0.0, abs=1e-6)
    assert sold(cut, "imports", tail) > sold(usual, "imports", tail) > sold(risen, "imports", tail)
    assert orders(risen) > orders(usual)


def test_plants_that_pay_to_stand_see_a_cut_coming() -> None:
    """Nothing is ordered in a squeeze that is followed by a price at which nothing stands, if it has to pay for itself later."""
    usual, cut = (
        played(pathed(path, rivals__mine__standing_cost="3 USD/kg", rivals__mine__expansion__capex="700 USD/(kg/yr)"), "half")
        for path in (None, {"2026-01": "85 %"})
    )  # fmt: skip
    assert orders(cut) <= orders(usual)
    assert cut.response.plan["closed"][9, 0] > usual.response.plan["closed"][9, 0]


def test_a_guaranteed_price_pays_what_the_path_falls_short_of_it() -> None:
    support = {"begins": "2025-01", "capital": 0, "floor": "52 USD/kg"}
    market = market_of(loaded(pathed({"2026-01": "90 %"}, rivals__mine__support=support)))
    assert market.subsidy[:, 0] == pytest.approx([2.0] * 8 + [7.0] * 2)


def test_a_duty_is_a_share_of_the_price_of_the_day() -> None:
    data = pathed({"2025-07": "120 %"})
    data["postures"]["open"]["export_duty"] = "10 %"
    found = Game(loaded(data))
    assert found.announce("open").tax[:10, 0, 0] == pytest.approx([5.0] * 6 + [6.0] * 2 + [0.0] * 2)


def full() -> dict[str, Any]:
    """Everything on, with taxes in parts of the price, corridors, a floor, a glut, and paths of both."""
    data = reacting()
    data["leader"] |= {
        "price_path": {"magnets": {"2025-02": "104 %", "2025-08": "110 %"}, "light": {"2026-05": "93 %"}},
        "unit_cost_path": {"magnets": {"2025-05": "97 %"}, "light": {"2025-11": "90 %"}},
    }
    data["postures"]["half"]["export_duty"] = "9 %"
    data["postures"]["open"]["corridor"] = "8 %"
    data["countermeasures"]["duties"]["tax"] = "5 %"
    return data


@pytest.mark.parametrize("strategy", ["open", "half"])
def test_the_judge_follows_the_same_path(strategy: str) -> None:
    audit, evaluation = agrees(full(), strategy)
    market, announced = evaluation.response.market, evaluation.announced
    assert audit.asked == pytest.approx(market.price)
    paths = np.array([market.tree.path(scenario) for scenario in range(market.tree.scenarios)])
    assert audit.tax == pytest.approx(announced.tax[paths])
    plan = evaluation.response.plan["imports"][paths].sum(axis=-1)
    rents = [evaluation.payoff.rents[name][paths] for name in ("captured_rent", "exporter_rent")]
    again = audit.leader_terms(plan, evaluation.payoff.probability, *rents)
    assert again == pytest.approx(evaluation.payoff.terms, rel=1e-6, abs=1e-6)


def test_a_path_left_out_by_the_judge_would_be_seen() -> None:
    """The seeded fault: a judge who keeps the first price finds another cost."""
    audit, evaluation = agrees(full(), "half")
    forgetful = type(audit)(audit.instance, audit.claim)
    forgetful.__dict__["asked"] = np.repeat(audit.asked[:1], len(audit.asked), axis=0)
    assert forgetful.solution.objective != pytest.approx(evaluation.response.cost, rel=1e-4)


def test_an_assembled_program_follows_the_path_too() -> None:
    other = full()
    other["leader"]["price_path"]["magnets"] = {"2025-04": "101 %"}
    other["rivals"]["mine"]["support"]["floor"] = "56 USD/kg"
    assert assembled(full(), other) < 1e-8


def test_the_search_is_certified_on_a_path() -> None:
    played_game = Game(loaded(pathed({"2025-07": "115 %", "2026-01": "96 %"}, {"2026-01": "90 %"})))
    evaluation, best, screening = played_game.best_commitment()
    assert screening.complete
    assert best.bound == pytest.approx(evaluation.optimistic, rel=1e-6)


def test_a_cut_off_is_priced_at_its_date() -> None:
    """What the leader forgoes in a month: the margin of the day, and its goods cost what they do then."""
    leverage = {"lengths": ["1 month"], "until": "2027-12", "recovery": "0 month"}
    found = []
    for path in (None, {"2026-01": "112 %"}):
        played_game = Game(loaded(pathed(path) | {"leverage": leverage}))
        state = state_after(played_game.followers.respond_named("open"), 8)
        found.append(CutOff(played_game.instance, played_game.market).losses(state, [(0,)]))
    # 90 t are not bought, and the stock that they came from is credited at the same price.
    assert found[1][1][0, 0] - found[0][1][0, 0] == pytest.approx(6.0 * 90.0 / 1000.0)
    assert found[1][0] == pytest.approx(found[0][0])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("leader.price_path={magnets: {2026-01: 70 %}}", "from 2026-01 on the price, 35 USD/kg, is below the unit cost, 40"),
        ("leader.unit_cost_path={magnets: {2026-01: 1.3}}", "from 2026-01 on the price, 50 USD/kg, is below the unit cost, 52"),
        ("leader.price_path={magnet: {2026-01: 1.1}}", "unknown product 'magnet'"),
        ("leader.price_path={magnets: {2036-01: 1.1}}", "2036-01 is outside of the calendar"),
        ("leader.price_path={magnets: {}}", "no month in it"),
        ("leader.price_path={magnets: {2026-01: 0}}", "below 0.1 %"),
        ("leader.price_path={magnets: {2026-01: 1.3}}", "not above the leader's highest price, 65 USD/kg"),
    ],
)  # fmt: skip
def test_paths_that_lead_nowhere_are_refused(path: str, said: str) -> None:
    key, text = path.split("=", 1)
    data = pathed()
    data["segments"]["toys"]["value"] = "60 USD/kg"
    data["leader"][key.split(".")[1]] = YAML(typ="safe").load(text)
    with pytest.raises(InvalidInstance, match=said):
        loaded(data)


def test_cost_and_price_may_fall_together() -> None:
    data = pathed({"2026-01": "70 %"}, {"2026-01": "70 %"})
    assert market_of(loaded(data)).price[-1, 0] == pytest.approx(35.0)
