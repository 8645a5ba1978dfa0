"""Price as an instrument: what a tax earns, where it is answered, what competition and retaliation take, and the judge beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.commit import Evaluation, Game
from tests.models.licensing.announcement.test_reactions import game, sold
from tests.rich_instance import changed, loaded, reacting

TAXED = {"title": "Taxed", "licensed": "open", "hazard": 0, "breakdown": {"delivered": 0, "lasts": "3 month"}}


def toy(tax: str | None = None, **changes: Any) -> dict[str, Any]:
    """The toy with one more posture, which is open and takes a tax; nothing breaks down."""
    posture = TAXED | ({} if tax is None else {"export_tax": tax})
    open_trade = TAXED | {"title": "Open trade"}
    changes = {
        "segments__toys__value": "900 USD/kg",
        "postures__open": open_trade,
        "postures__taxed": posture,
    } | changes
    data = game(**changes)
    data["strategies"]["taxed"] = {"title": "Taxed", "rules": [{"posture": "taxed"}]}
    return data


def found(data: dict[str, Any], name: str = "taxed") -> Evaluation:
    """A strategy, evaluated."""
    played = Game(loaded(data))
    return played.evaluate(played.announce(name))


def exported(evaluation: Evaluation) -> float:
    """Expected discounted tonnes: of the tax a dollar a kilogram earns so many thousand dollars."""
    return sold(evaluation, "imports")


def test_a_tax_earns_what_it_takes_as_long_as_nobody_answers() -> None:
    # Where it is dearer buyers draw their stocks down before the untaxed tail: an answer too.
    free, taxed = found(toy()), found(toy("1 USD/kg"))
    assert taxed.payoff.terms["export_tax"] > 0.0
    assert exported(taxed) == pytest.approx(exported(free))
    assert taxed.optimistic - free.optimistic == pytest.approx(taxed.payoff.terms["export_tax"])
    assert taxed.payoff.terms["margin"] == pytest.approx(free.payoff.terms["margin"])
    assert found(toy("2 USD/kg")).payoff.terms["export_tax"] == pytest.approx(2.0 * taxed.payoff.terms["export_tax"])


def test_a_duty_is_a_tax_in_parts_of_the_price() -> None:
    duty = toy()
    duty["postures"]["taxed"]["export_duty"] = "10 %"
    assert found(duty).optimistic == pytest.approx(found(toy("5 USD/kg")).optimistic)


def test_a_tax_is_met_by_the_use_that_is_worth_less() -> None:
    """A demand step: at a value of 60 the toys go without once price and tax exceed it."""
    step = {"segments__toys__value": "60 USD/kg", "rivals__mine__expansion__potential": "0 t/yr"}
    below, above = found(toy("9 USD/kg", **step)), found(toy("11 USD/kg", **step))
    # A fifth of the demand of the taxed year; the tail is free.
    assert exported(below) - exported(above) == pytest.approx(0.2 * 1200.0)


def ordered(tax: float, **changes: Any) -> float:
    evaluation = found(toy(f"{tax} USD/kg", tiers__weeks__cover="0 month", **changes))
    return float(evaluation.response.plan["expansion"].sum())


def test_the_limit_price_is_the_cost_of_an_entrant() -> None:
    """Without stocks to wait with: a rival at 45 and a plant's annuity is asked for where what it saves over its taxed life pays for it, and not below.

    With all of an order's service taxed the limit is its full cost, as in the fringe game; here the tail is not taxed, and
    what the plant loses there has to be earned before.
    """
    instance = loaded(toy("1 USD/kg"))
    market = Game(instance).market
    strategic = market.grid.start < 12 * 2026
    limits = []
    for order, served in enumerate(market.expansions[0].served):
        weight = market.discount * served * market.grid.length
        if market.expansions[0].possible[order] and weight[strategic].sum() > 0:
            limits.append((market.expansions[0].annuity + 45.0 - 50.0) * weight.sum() / weight[strategic].sum())
    limit = min(limits)
    assert ordered(limit - 0.05) == pytest.approx(0.0, abs=1e-6)
    assert ordered(limit + 0.05) > 1.0


def test_exporters_who_compete_give_a_part_back() -> None:
    whole, half = found(toy("6 USD/kg")), found(toy("6 USD/kg", leader__tax_passed_on="50 %"))
    assert half.optimistic == pytest.approx(found(toy("3 USD/kg")).optimistic)
    assert half.payoff.terms["export_tax"] < whole.payoff.terms["export_tax"]


def test_a_tax_sets_off_what_a_government_has_ready_for_it() -> None:
    measure = {
        "title": "Duties", "bloc": "west", "threshold": "50 %", "tax": "5 %", "patience": "1 month", "delay": "0 month",
        "lasts": "1 yr", "cost": "20 million USD/yr",
    }  # fmt: skip
    small, large = (found(toy(tax, countermeasures={"duties": measure})) for tax in ("2 USD/kg", "3 USD/kg"))
    assert small.payoff.terms["retaliation"] == 0.0
    assert large.payoff.terms["retaliation"] < -15.0


def rich(tax: str = "7 USD/kg") -> Instance:
    """Everything on: types, quarterly releases, corridors, two products and groups, and taxes that differ."""
    data = changed(reacting(), "postures.half.export_tax", tax)
    data["leader"]["tax_passed_on"] = "80 %"
    data["countermeasures"]["duties"]["tax"] = "9 %"
    taxed = data["postures"]["open"] | {"title": "Taxed", "export_duty": "12 %"}
    data["postures"]["taxed"] = taxed
    data["strategies"]["mixed"] = {
        "title": "Mixed",
        "rules": [{"posture": "taxed"}, {"posture": "half", "group": "all", "product": "magnets"}],
        "if_conceded": [{"posture": "taxed", "group": "all"}],
    }
    return loaded(data)


@pytest.mark.parametrize("strategy", ["half", "mixed"])
def test_the_judge_writes_the_same_taxes(strategy: str) -> None:
    instance = rich()
    played = Game(instance)
    evaluation = played.evaluate(played.announce(strategy))
    announced = evaluation.announced
    fed = instance.strategies[strategy].fed if announced.fed else {}
    audit = Audit(instance, Claim(announced.path, fed, True, announced.conceded, announced.chance))
    paths = np.array([played.market.tree.path(scenario) for scenario in range(played.market.tree.scenarios)])
    assert announced.tax.any()
    assert audit.tax == pytest.approx(announced.tax[paths])
    assert audit.solution.objective == pytest.approx(evaluation.response.cost, rel=1e-7)
    plan = evaluation.response.plan["imports"][paths].sum(axis=-1)
    rents = [evaluation.payoff.rents[name][paths] for name in ("captured_rent", "exporter_rent")]
    again = audit.leader_terms(plan, evaluation.payoff.probability, *rents)
    assert again == pytest.approx(evaluation.payoff.terms, rel=1e-6, abs=1e-6)


def test_a_tax_left_out_by_the_judge_would_be_seen() -> None:
    """The seeded fault: a judge who forgets the tax finds another cost."""
    instance = rich()
    played = Game(instance)
    evaluation = played.evaluate(played.announce("mixed"))
    announced = evaluation.announced
    audit = Audit(instance, Claim(announced.path, {}, True, announced.conceded, announced.chance))
    audit.__dict__["tax"] = np.zeros_like(audit.tax)
    assert audit.solution.objective != pytest.approx(evaluation.response.cost, rel=1e-4)


def test_the_search_finds_the_best_tax_on_the_menu() -> None:
    """Levels of a tax are postures: the limit price wins, and the bound is the value."""
    data = toy("3 USD/kg")
    for level in (8, 16):
        data["postures"][f"at_{level}"] = TAXED | {"title": f"At {level}", "export_tax": f"{level} USD/kg"}
    data["menu"] = {"postures": ["open", "taxed", "at_8", "at_16"]}
    played = Game(loaded(data))
    evaluation, best, screening = played.best_commitment()
    assert best.bound == pytest.approx(evaluation.optimistic, rel=1e-6)
    assert screening.complete
    values = {
        posture: played.evaluate(played.announcer.announce((((posture,),),) * 2)).optimistic
        for posture in data["menu"]["postures"]
    }
    assert max(values, key=lambda name: values[name]) in evaluation.announced.path[0][0]


def test_two_ways_to_write_a_tax_are_one_too_many() -> None:
    from coercivity.engine.errors import InvalidInstance

    data = toy("3 USD/kg")
    data["postures"]["taxed"]["export_duty"] = "5 %"
    with pytest.raises(InvalidInstance, match="leave one of the two out"):
        loaded(data)
