"""What a strategy sets off matters, and in the direction that economics says: each mechanism off and on."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest

from coercivity.engine.data.document import parse
from coercivity.models.licensing.leader.belief import spared_by, with_chance
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.leader.payoff import stakes
from tests.rich_instance import REACTIONS, TOY, loaded

SPELL = {"delivered": "10 %", "lasts": "3 month"}


def game(**changes: Any) -> dict[str, Any]:
    """The toy in two phases, with dear expansion, and with values at paths in which a double underscore is a dot."""
    data = copy.deepcopy(parse(TOY.read_text("utf-8"), "toy").data)
    del data["concession"]
    data["phases"] = {"squeeze": {"begins": "2025-01"}, "later": {"begins": "2025-07"}}
    data["rivals"]["mine"]["expansion"]["capex"] = "250 USD/(kg/yr)"
    data["postures"]["open"] |= {"hazard": "4 %", "breakdown": SPELL}
    data["postures"]["half"]["breakdown"] = SPELL
    data["postures"]["steward"] = {"title": "Steward", "breakdown": SPELL, "licensed": "120 %", "hazard": "4 %"}
    relent = [{"posture": "half"}, {"posture": "open", "phase": "later"}]
    earn = [{"posture": "steward"}, {"posture": "open", "phase": "later"}]
    data["strategies"] |= {
        "steward": {"title": "Steward", "rules": [{"posture": "steward"}]},
        "relent": {"title": "Relent", "rules": relent},
        "earn": {"title": "Earn", "rules": earn},
    }
    for path, value in changes.items():
        node: Any = data
        *above, last = path.split("__")
        for part in above:
            node = node.setdefault(part, {})
        node[last] = value
    return data


def played(data: dict[str, Any], name: str) -> Evaluation:
    """A strategy, evaluated."""
    found = Game(loaded(data))
    return found.evaluate(found.announce(name))


def orders(found: Evaluation) -> float:
    """Capacity that rivals are asked for while licences hold, t/yr."""
    return float(found.response.plan["expansion"][: found.response.market.tree.periods].sum())


def sold(found: Evaluation, name: str, periods: slice = slice(None)) -> float:
    """Tonnes of imports or rival sales while licences hold."""
    return float(found.response.plan[name][: found.response.market.tree.periods][periods].sum())


def trusting(data: dict[str, Any]) -> dict[str, Any]:
    """The same with an automaton: a squeeze makes wary, stewardship makes calm."""
    lost = {"title": "Wary", "fear": 8, "breakdown": {"delivered": 0, "lasts": "6 month"}}
    data["trust"] = {
        "initial": "normal", "conducts": ["kind", "plain", "harsh"],
        "states": {"normal": {"title": "Normal", "fear": 1}, "wary": lost, "calm": {"title": "Calm", "fear": 0.05}},
        "moves": {"normal": {"harsh": "wary", "kind": "calm"}},
    }  # fmt: skip
    for name, conduct in (("open", "plain"), ("half", "harsh"), ("steward", "kind")):
        data["postures"][name]["conduct"] = conduct
    return data


def test_a_squeeze_that_relents_is_remembered_and_stewardship_is_too() -> None:
    plain, wary = (played(data, "relent") for data in (game(), trusting(game())))
    assert wary.announced.hazard.tolist() == pytest.approx([0.1, 0.32])
    assert orders(wary) > orders(plain) + 1
    assert sold(wary, "imports") < sold(plain, "imports") - 1
    plain, calm = (played(data, "earn") for data in (game(), trusting(game())))
    assert calm.announced.hazard.tolist() == pytest.approx([0.04, 0.002])
    assert calm.response.cost < plain.response.cost
    assert calm.response.stock[5].sum() < plain.response.stock[5].sum() - 1  # less is hoarded before the next phase
    assert calm.announced.leader_hazard.tolist() == pytest.approx([0.04, 0.04])


def test_countermeasures_cost_the_leader_and_fund_its_rivals() -> None:
    duties = copy.deepcopy(REACTIONS["countermeasures"])
    duties["duties"] |= {"patience": "0 month", "delay": "0 month"}
    capex = {"rivals__mine__expansion__capex": "200 USD/(kg/yr)", "postures__half__licensed": "70 %"}
    plain, hit = (played(data, "half") for data in (game(**capex), game(countermeasures=duties, **capex)))
    assert hit.payoff.terms["retaliation"] < -10
    assert hit.payoff.value < plain.payoff.value
    assert orders(hit) > orders(plain) + 1
    assert hit.response.cost < plain.response.cost
    assert hit.announced.funding.max() == pytest.approx(0.5)
    assert played(game(countermeasures=duties), "open").payoff.terms["retaliation"] == 0.0
    duties["duties"]["threshold"] = "40 %"
    assert played(game(countermeasures=duties), "half").payoff.terms["retaliation"] == 0.0


def test_a_guaranteed_price_sells_more_and_capital_support_builds_more() -> None:
    dear = {"rivals__mine__unit_cost": "52 USD/kg"}
    plain, floor, capital = (
        played(game(**dear, **extra), "open")
        for extra in (
            {},
            {"rivals__mine__support": {"begins": "2025-01", "capital": 0, "floor": "60 USD/kg"}},
            {"rivals__mine__support": {"begins": "2025-01", "capital": "100 %"}},
        )
    )
    assert sold(floor, "rival_sales") > sold(plain, "rival_sales") + 1
    assert orders(capital) >= orders(plain)
    assert capital.response.cost <= plain.response.cost
    built = [
        orders(played(game(rivals__mine__support={"begins": "2025-01", "capital": share}), "half"))
        for share in (0, "80 %")
    ]
    assert built[1] > built[0] + 1


def test_plants_that_slip_sell_less_at_first_and_leave_the_leader_more() -> None:
    committed = [{"begins": "2025-02", "capacity": "200 t/yr"}]
    slip = {"share": "80 %", "by": "8 month"}
    on_time = played(game(rivals__mine__committed=committed), "half")
    late = played(game(rivals__mine__committed=committed, rivals__mine__slip=slip), "half")
    early = slice(0, 6)
    assert sold(late, "rival_sales", early) < sold(on_time, "rival_sales", early) - 1
    assert late.response.cost > on_time.response.cost


def test_a_corridor_spares_buyers_and_costs_the_leader() -> None:
    risk = {"volatility": "25 %", "premium": "40 %", "absorption": "5 %"}
    plain = played(game(buyers__price_risk=risk), "steward")
    kept = played(game(buyers__price_risk=risk, postures__steward__corridor="5 %"), "steward")
    assert kept.response.cost < plain.response.cost - 1
    assert sold(kept, "imports") >= sold(plain, "imports") - 1e-6
    assert kept.payoff.terms["buffer"] < plain.payoff.terms["buffer"] - 0.1


def test_a_buffer_delivers_in_a_breakdown_and_costs() -> None:
    plain = played(game(), "steward")
    held = played(game(postures__steward__buffer="2 month"), "steward")
    tree = held.response.market.tree
    branch = tree.branch == 1
    capped = branch[:, None, None] & np.isfinite(held.announced.licence)
    gained = held.announced.licence[capped].sum() - plain.announced.licence[capped].sum()
    assert gained == pytest.approx(2 * 1080 / 12)
    assert held.response.cost < plain.response.cost
    assert held.payoff.terms["buffer"] < 0 == plain.payoff.terms["buffer"]


@pytest.mark.parametrize("hazard", [0, "10 %"])
def test_a_quarterly_release_never_costs_buyers_more(hazard: Any) -> None:
    growth = {"blocs__west__growth": {"magnets": "-30 %/yr"}, "postures__half__processing": "20 day"}
    by_month = played(game(postures__half__hazard=hazard, **growth), "half")
    by_quarter = played(game(postures__half__hazard=hazard, postures__half__release="quarter", **growth), "half")
    assert by_quarter.response.cost < by_month.response.cost * (1 - 1e-9)


def test_firms_cost_under_a_squeeze_and_nothing_under_open_trade() -> None:
    firms = copy.deepcopy(REACTIONS["firms"])
    for row, cost in zip(firms.values(), (7.5, 3), strict=True):
        row |= {"fixed_cost": f"{cost} million USD/yr", "cash": "0.3 million USD"}
    changes = {
        "postures__open__hazard": 0,
        "firms": firms,
        "home": REACTIONS["home"],
        "leader__public_funds": "30 %",
        "leader__home_use": "500 t/yr",
    }
    plain, squeezed = (played(data, "half") for data in (game(leader__home_use="500 t/yr"), game(**changes)))
    free = played(game(**changes), "open")
    assert squeezed.payoff.terms["support"] < -0.1
    assert free.payoff.terms["support"] == 0.0
    full = free.response.market.exporter_capacity[free.response.market.tree.period]
    assert free.announced.exporter_capacity == pytest.approx(full)
    assert squeezed.announced.exporter_capacity[-1] == pytest.approx(0.7 * full[-1])
    assert plain.announced.exporter_capacity == pytest.approx(full)


def test_glut_is_a_net_loss_under_a_squeeze_and_nothing_under_open_trade() -> None:
    data = game(home=REACTIONS["home"], leader__home_use="500 t/yr")
    flows = {}
    for name in ("open", "half"):
        found = Game(loaded(data))
        flows[name] = found.announcer.home_flows(found.announce(name))
        assert found.evaluate(found.announce(name)).payoff.terms["glut"] == pytest.approx(
            float(flows[name].glut[0].sum()), rel=0.5, abs=0.5
        )
    assert flows["half"].glut[0].sum() < 0
    assert flows["half"].price[0].min() < 30
    assert np.abs(flows["open"].glut[0]).max() < 1e-9
    assert flows["open"].price[0] == pytest.approx(30)


def test_industry_follows_denied_material_and_nothing_else() -> None:
    data = game(downstream=REACTIONS["downstream"], postures__open__hazard=0)
    assert played(data, "half").payoff.terms["downstream"] > 0
    assert played(data, "open").payoff.terms["downstream"] == 0.0


def hoping(*types: tuple[float, float], **changes: Any) -> dict[str, Any]:
    """The game with types of (weight, stake)."""
    data = game(**changes)
    data["postures"]["open"]["hazard"] = 0
    data["concession"] = {
        "target": "all", "value": "100 million USD/yr", "share": 1, "begins": "3 month", "lasts": "1 yr", "relief": "open",
        "types": {f"t{n}": {"title": "", "weight": weight, "stake": f"{stake!r} million USD/yr"}
                  for n, (weight, stake) in enumerate(types)},
    }  # fmt: skip
    return data


def spared(data: dict[str, Any], chances: list[float]) -> tuple[list[float], float]:
    """Pain spared at beliefs, and what a stake of a million dollars a year is worth."""
    found, pains = Game(loaded(data)), []
    for chance in chances:
        heard = with_chance(found.announce("half"), found.market, chance)
        response = found.followers.respond(heard)
        pains.append(spared_by(response, found.followers.layout.node_unit_cost(heard, response.solution.primal)))
    return pains, stakes(found.books)[0][0]


def test_lower_stakes_concede_more_often_and_open_trade_is_conceded_nothing() -> None:
    pains, unit = spared(hoping((1.0, 1.0)), [0.0])
    chances = []
    for factor in (0.5, 2.0, 50.0):
        data = hoping((0.4, factor * pains[0] / unit), (0.6, 1000 * pains[0] / unit))
        chances.append(played(data, "half").announced.chance)
        free = played(data, "open")
        assert (free.announced.chance, free.payoff.terms["concession"]) == (0.0, 0.0)
    assert chances[0] == pytest.approx(0.4)
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] == 0.0


def test_pain_spared_never_falls_with_what_is_hoped_and_hope_may_bear_itself_out() -> None:
    pains, unit = spared(hoping((1.0, 1.0)), [0.0, 0.25, 0.5, 0.75, 1.0])
    assert all(later >= sooner - 1e-9 for sooner, later in itertools.pairwise(pains))
    assert pains[-1] > pains[0] + 0.1
    belief = played(hoping((1.0, (pains[0] + pains[-1]) / 2 / unit)), "half").belief
    assert belief is not None
    assert belief.chance == 0.0
    assert [chance for chance, _ in belief.others] == [1.0]
    assert belief.others[0][1] > belief.spared


def test_without_hazard_open_trade_beats_stewardship() -> None:
    values = {}
    data = game(postures__open__hazard=0, postures__steward__hazard=0, postures__steward__buffer="1 month")
    for name in ("open", "steward"):
        values[name] = played(trusting(copy.deepcopy(data)), name).optimistic
    assert values["open"] > values["steward"]
