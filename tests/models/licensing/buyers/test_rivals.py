"""Plants that pay to stand and close, in the direction that economics says, at their limits; and the judge beside all rivals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.util.check_units import assert_units_consistent

from coercivity.engine.errors import InvalidInstance
from coercivity.engine.programs.compiled import compile_pyomo
from coercivity.engine.programs.hot import solve_once
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.buyers.assemble import Assembler, structure_of
from coercivity.models.licensing.buyers.consistency import checked_units
from coercivity.models.licensing.buyers.evaluate import Followers, Response
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, load_text
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.leader.discretion import Move, play
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.reading.accounts import accounts_of
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.models.licensing.announcement.test_reactions import game, orders, played, sold
from tests.models.licensing.buyers.test_assemble import apart
from tests.rich_instance import TOY, loaded, reacting, rich
from tests.small_games import full_data, long_run, seeds, small_data

TOY_TEXT = TOY.read_text("utf-8")


def toy(strategy: str, *sets: str) -> Response:
    """The toy with numbers set, answered."""
    return Game(load_text(TOY_TEXT, sets=sets)).followers.respond_named(strategy)


def years(response: Response) -> float:
    """Discounted years of the calendar."""
    return float(response.market.discount @ response.market.grid.years)


def trunk(response: Response, name: str) -> np.ndarray:
    """A quantity while licences hold."""
    return response.plan[name][: response.market.tree.periods]


def full() -> dict[str, Any]:
    """Everything on, types of target too, and plants that pay to stand."""
    data = reacting()
    data["rivals"]["mine"]["standing_cost"] = "7 USD/kg"
    data["blocs"]["west"]["growth"] = {"magnets": "2 %/yr", "light": 0}
    data["rivals"]["mine"] |= {
        "serves": {"west": "0 USD/kg", "east": "1 USD/kg"},
        "contract": {"west": {"share": "60 %", "premium": "8 USD/kg"}},
    }
    data["rivals"]["beside"] = {
        "title": "Comes with the mine", "owner": "outside", "product": "light", "serves": {"west": "1 USD/kg", "east": "0 USD/kg"},
        "capacity": "60 t/yr", "unit_cost": "2 USD/kg", "by_product": {"of": "mine", "ratio": "20 %"},
    }  # fmt: skip
    del data["rivals"]["mine"]["unit_cost"], data["rivals"]["mine"]["expansion"]["capex"]
    data["rivals"]["mine"]["steps"] = [
        {"share": share, "unit_cost": f"{cost} USD/kg", "capex": f"{capex} USD/(kg/yr)"}
        for share, cost, capex in (("50 %", 40, 60), ("30 %", 46, 100), ("20 %", 58, 20))
    ]
    return data


def audit_of(instance: Instance, evaluation: Evaluation, strategy: str) -> Audit:
    """The judge's own arithmetic for an evaluated strategy."""
    announced = evaluation.announced
    fed = instance.strategies[strategy].fed if announced.fed else {}
    return Audit(instance, Claim(announced.path, fed, True, announced.conceded, announced.chance))


def agrees(data: dict[str, Any], strategy: str) -> tuple[Audit, Evaluation]:
    """Holds an evaluated strategy against the judge: cost, pain spared, the plan in every law, accounts that add up."""
    instance = loaded(data)
    found = Game(instance)
    evaluation = found.evaluate(found.announce(strategy))
    response = evaluation.response
    audit = audit_of(instance, evaluation, strategy)
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-8)
    paths = np.array([found.market.tree.path(scenario) for scenario in range(found.market.tree.scenarios)])
    plan = {name: values[paths] for name, values in response.plan.items()}
    point = audit.followers.point(plan)
    program = audit.followers.program
    assert audit.followers.violation(point) == pytest.approx(0.0, abs=1e-5)
    assert program.cost @ point + program.offset == pytest.approx(response.cost, rel=1e-8)
    assert accounts_of(instance, found.market, response).total == pytest.approx(response.cost, rel=1e-8)
    if audit.decided is not None:
        low, high = audit.pain_range()
        assert low - 1e-3 <= evaluation.payoff.pressure <= high + 1e-3
    return audit, evaluation


def assembled(data: dict[str, Any], other: dict[str, Any]) -> float:
    """How far the program assembled for other numbers is from the one that Pyomo writes for them."""
    first, changed = Followers(loaded(data)), loaded(other)
    assembler = Assembler(first.layout, first.market)
    market = market_of(changed)
    assert structure_of(market) == assembler.structure
    return apart(assembler.layout_for(market), Followers(changed))


# -- plants that close -----------------------------------------------------------------------------------------------


def test_a_plant_that_costs_nothing_to_keep_never_closes() -> None:
    for strategy in ("open", "half"):
        free, kept = toy(strategy), toy(strategy, "rivals.mine.standing_cost=0 USD/kg")
        assert kept.cost == pytest.approx(free.cost, rel=1e-9)
    data = rich()
    plain = [played(data, name).optimistic for name in ("open", "half")]
    data["rivals"]["mine"]["standing_cost"] = "0 USD/kg"
    assert [played(data, name).optimistic for name in ("open", "half")] == pytest.approx(plain, rel=1e-7)


def test_upkeep_below_the_margin_is_paid_and_above_it_the_plant_goes() -> None:
    """The mine sells 120 t/yr at 45 USD/kg, and the leader at 50: it stands as long as it costs no more than 5 to keep."""
    usual = toy("open")
    for upkeep, paid in (("3 USD/kg", 3.0), ("5.5 USD/kg", 5.0), ("9 USD/kg", 5.0)):
        found = toy("open", f"rivals.mine.standing_cost={upkeep}")
        assert found.cost - usual.cost == pytest.approx(paid * 120.0 * years(usual), rel=1e-9)
        assert trunk(found, "closed")[0, 0] == pytest.approx(120.0 if paid == 5.0 else 0.0)


def test_plants_of_a_squeeze_stand_while_it_lasts_and_not_for_ever() -> None:
    """Ordered or old, what earns its keep on lost output alone closes once trade is open; what is cheap enough stays."""
    dear, cheap = (toy("half", f"rivals.mine.standing_cost={upkeep}") for upkeep in ("20 USD/kg", "1 USD/kg"))
    stands = 120.0 + np.array([0.0] * 6 + [0.0, 0.0, 0.0, 0.0]) - trunk(dear, "closed")[:, 0]
    assert stands[:8] == pytest.approx(120.0)
    assert trunk(dear, "rival_sales")[8:].sum() == pytest.approx(0.0, abs=1e-6)
    assert trunk(cheap, "rival_sales")[9].sum() > 120.0
    assert trunk(dear, "imports")[9].sum() > trunk(cheap, "imports")[9].sum()


def test_what_has_closed_stays_closed_on_every_branch() -> None:
    found = toy("half", "rivals.mine.standing_cost=20 USD/kg")
    closed, tree = found.plan["closed"][:, 0], found.market.tree
    for scenario in range(tree.scenarios):
        assert (np.diff(closed[tree.path(scenario)]) >= -1e-7).all()
    # A second squeeze after an open year finds no plant: the game knows no reopening.
    assert closed.max() > 100.0


def test_a_plant_that_may_be_needed_is_kept_through_a_glut() -> None:
    """An option: upkeep above the margin is paid for as long as a breakdown may still come, and no longer."""
    changes = {
        "rivals__mine__standing_cost": "8 USD/kg",
        "postures__open__breakdown": {"delivered": 0, "lasts": "12 month"},
    }
    sure, afraid = (played(game(**changes, postures__open__hazard=hazard), "open") for hazard in (0, "40 %"))
    assert sold(sure, "rival_sales") == pytest.approx(0.0, abs=1e-6)
    assert sold(afraid, "rival_sales", slice(0, 5)) > 40.0
    assert trunk(afraid.response, "closed")[-1, 0] == pytest.approx(120.0)


def test_upkeep_deters_orders() -> None:
    ordered = [
        orders(played(game(rivals__mine__standing_cost=upkeep), "half"))
        for upkeep in ("0 USD/kg", "30 USD/kg", "950 USD/kg")
    ]
    assert ordered == sorted(ordered, reverse=True)
    assert ordered[-1] < ordered[0]


def test_smuggling_has_upkeep_and_no_sunk_capital() -> None:
    """A source that comes with the squeeze and goes with it, at no cost of capital."""
    data = game(rivals__back_door={
        "title": "Back door", "owner": "outside", "product": "magnets", "serves": {"west": "0 USD/kg"}, "capacity": "0 t/yr",
        "unit_cost": "52 USD/kg", "standing_cost": "4 USD/kg",
        "expansion": {"potential": "300 t/yr", "lead_time": "1 month", "capex": "0 USD/(kg/yr)", "life": "1 yr"},
    })  # fmt: skip
    found = played(data, "relent").response
    sales = trunk(found, "rival_sales")[:, 1].sum(axis=(1, 2)) / found.market.grid.length
    assert sales[1:6].max() > 20.0
    assert sales[-1] == pytest.approx(0.0, abs=1e-6)
    assert trunk(found, "closed")[-1, 1] == pytest.approx(trunk(found, "ordered")[-1, 1])


@pytest.mark.parametrize("strategy", ["open", "half"])
def test_the_judge_pays_the_same_upkeep(strategy: str) -> None:
    agrees(full(), strategy)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(seeds, st.sampled_from(["open", "half", "tight", "steward", "target"]))
def test_the_judge_agrees_on_the_long_run_of_small_games(seed: int, strategy: str) -> None:
    """With ties: what a best response may earn the leader is as wide in both writings."""
    audit, evaluation = agrees(long_run(small_data(seed)), strategy)
    low, high, rent_low, rent_high = audit.ranges()
    width = (high + rent_high - low - rent_low) / 1000.0
    assert width == pytest.approx(evaluation.optimistic - evaluation.pessimistic, rel=1e-7, abs=1e-5)


@pytest.mark.parametrize("strategy", ["half", "tight"])
def test_a_hot_program_equals_one_built_for_the_strategy_in_the_long_run(strategy: str) -> None:
    found = Game(loaded(long_run(full_data())))
    found.followers.respond_named("open")
    announced = found.announce(strategy)
    built = compile_pyomo(build(found.market, announced)).program
    assert found.followers.respond(announced).cost == pytest.approx(solve_once(built).objective, rel=1e-8)
    told = found.followers.layout.announced_program(announced)
    assert told.cost == pytest.approx(built.cost)
    assert told.offset == pytest.approx(built.offset)


def test_units_are_consistent_in_the_long_run() -> None:
    found = Game(loaded(long_run(full_data())))
    assert_units_consistent(build(found.market, found.announce("half"), checked_units()))


def test_upkeep_left_out_by_the_judge_would_be_seen() -> None:
    """The seeded fault: a judge who forgets the plants that were there finds another cost."""
    instance = loaded(full())
    found = Game(instance)
    evaluation = found.evaluate(found.announce("half"))
    audit = audit_of(instance, evaluation, "half")
    audit.followers.program.cost[audit.followers.blocks["standing"]] = 0.0
    assert audit.solution.objective != pytest.approx(evaluation.response.cost, rel=1e-4)


def test_the_owner_of_a_plant_pays_its_upkeep() -> None:
    """What stands anyway costs its owner its upkeep and no one else anything."""
    accounts = []
    for upkeep in ("0 USD/kg", "2 USD/kg"):
        found = Game(load_text(TOY_TEXT, sets=["rivals.mine.owner=outside", f"rivals.mine.standing_cost={upkeep}"]))
        accounts.append(accounts_of(found.instance, found.market, found.followers.respond_named("open")))
    paid = 2.0 * float(found.market.discount @ found.market.capacity[:, 0])
    assert accounts[1].blocs == pytest.approx(accounts[0].blocs, rel=1e-9)
    assert accounts[1].outside - accounts[0].outside == pytest.approx(paid, rel=1e-9)


def test_a_plant_that_has_closed_is_no_help_in_a_cut_off() -> None:
    data = game(leverage={"lengths": ["3 month"], "until": "2026-12", "recovery": "6 month"})
    losses = []
    for upkeep in ("0 USD/kg", "9 USD/kg"):
        data["rivals"]["mine"]["standing_cost"] = upkeep
        data["postures"]["open"]["hazard"] = 0
        found = Game(loaded(data))
        state = state_after(found.followers.respond_named("open"), 7)
        losses.append(CutOff(found.instance, found.market).losses(state, [(0,)])[0][0, 0])
    assert state.capacity[0] == pytest.approx(0.0, abs=1e-9)
    # 30 t less in three months, at the value of a car.
    assert losses[1] - losses[0] == pytest.approx(30.0 * (1000.0 - 45.0) / 1000.0, rel=0.1)


def test_sunk_plants_may_close_once_something_else_is_played() -> None:
    """Announced a squeeze, played open trade: plants that pay to stand go, and the leader sells more."""
    values = []
    for upkeep in ("0 USD/kg", "12 USD/kg"):
        found = Game(loaded(game(rivals__mine__standing_cost=upkeep, rivals__mine__expansion__capex="20 USD/(kg/yr)")))
        moves = [Move(name, found.announce(name).path, ()) for name in ("half", "open")]
        table = play(found.instance, found.market, found.followers.layout, moves, 0.0)
        values.append(table.payoffs[0, 1] - table.payoffs[0, 0])
    assert values[1] > values[0]


def test_an_assembled_program_has_the_same_rivals() -> None:
    other = full()
    other["rivals"]["mine"] |= {"standing_cost": "3 USD/kg", "capacity": "90 t/yr", "contract": {"west": {"share": 0}}}
    other["rivals"]["beside"]["by_product"]["ratio"] = "35 %"
    other["rivals"]["mine"]["steps"][1] |= {"share": "10 %", "unit_cost": "49 USD/kg"}
    other["rivals"]["mine"]["steps"][2] |= {"share": "40 %", "capex": "30 USD/(kg/yr)"}
    other["rivals"]["mine"]["expansion"]["lead_time"] = "4.5 month"
    other["buyers"]["discount_rate"] = "8 %/yr"
    assert assembled(full(), other) < 1e-8


def test_a_plant_is_not_paid_to_stand() -> None:
    with pytest.raises(InvalidInstance, match="below 0 USD/kg"):
        load_text(TOY_TEXT, sets=["rivals.mine.standing_cost=-1 USD/kg"])


def test_shipped_instances_have_no_plant_that_closes_unless_they_say_so() -> None:
    assert not market_of(load("template")).upkeep
