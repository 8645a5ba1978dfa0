"""The followers' program: hot against built anew, against the audit's own program, units, golden figures on the toy."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyomo.core.base.units_container import UnitsError
from pyomo.util.check_units import assert_units_consistent, assert_units_equivalent
from scipy.optimize import linprog

from coercivity.engine.data.document import parse
from coercivity.engine.programs.compiled import compile_pyomo
from coercivity.engine.programs.hot import solve_once
from coercivity.models.licensing.announcement.announce import Announcement, path_from_rules
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.buyers.consistency import checked_units
from coercivity.models.licensing.buyers.evaluate import AXES, Followers
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.reading.leverage import CutOff, state_after
from tests.rich_instance import TOY, changed, loaded, rich
from tests.small_games import altered, calm, evaluation, full_data, instance_of, seeds, small_data, small_game

few = settings(max_examples=15, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
TOY_TEXT = TOY.read_text("utf-8")


def near(value: float, scale: float = 1.0, relative: float = 1e-7) -> object:
    return pytest.approx(value, rel=relative, abs=relative * scale)


def from_scratch(game: Game, announced: Announcement) -> float:
    return solve_once(compile_pyomo(build(game.market, announced)).program).objective


def audited(instance: Instance, announced: Announcement, name: str) -> Audit:
    fed = instance.strategies[name].fed if announced.fed else {}
    claim = Claim(announced.path, fed, announced.leakage, conceded=announced.conceded, chance=announced.chance)
    return Audit(instance, claim)


@few
@given(seeds)
def test_a_hot_program_equals_one_built_for_the_strategy(seed: int) -> None:
    game, draw = small_game(seed), random.Random(seed)
    followers = Followers(game.instance, game.market, game.followers.layout)
    names = draw.choices(list(game.instance.strategies), k=6)
    scratch = {name: from_scratch(game, game.announce(name)) for name in names}
    for name in names:
        leaky = game.announce(name, leakage=draw.random() < 0.7)
        found = followers.respond(leaky)
        assert found.cost == near(scratch[name] if leaky.leakage else from_scratch(game, leaky))
        assert found.cost == near(
            found.layout.announced_program(leaky).cost @ found.solution.primal + found.layout.program.offset
        )


def test_a_strategy_changes_licences_routes_and_probabilities_only() -> None:
    game = Game(instance_of(full_data()))
    layout = game.followers.layout
    for name in game.instance.strategies:
        announced = game.announce(name)
        hot, cold = layout.announced_program(announced), compile_pyomo(build(game.market, announced))
        assert hot.cost == near(cold.program.cost)
        assert hot.offset == near(cold.program.offset)
        for law, (_, at) in cold.rows.items():
            if law not in ("export_licence", "quarterly_release"):
                assert hot.row_upper[layout.rows[law][1]] == near(cold.program.row_upper[at])
                assert hot.row_lower[layout.rows[law][1]] == near(cold.program.row_lower[at])
        for law in ("export_licence", "quarterly_release"):
            where, at = layout.rows[law]
            limits = dict(zip(map(tuple, where.tolist()), hot.row_upper[at], strict=True))
            index, at = cold.rows[law]
            built = dict(zip(index, cold.program.row_upper[at], strict=True))
            assert {key: limits[key] for key in index} == pytest.approx(built)
            assert all(np.isinf(limit) for key, limit in limits.items() if key not in built)


def test_every_variable_is_read_back_by_its_axes() -> None:
    game = Game(instance_of(full_data()))
    found = game.followers.respond_named("half")
    assert set(found.plan) == set(AXES) == set(game.followers.layout.columns)
    assert sum(np.abs(part).sum() for part in found.plan.values()) == near(np.abs(found.solution.primal).sum())
    index, at = game.followers.layout.columns["cover"]
    n, b, k, c, s = index[5]
    assert found.plan["cover"][n, b, k, c, s] == found.solution.primal[at[5]]


@pytest.mark.parametrize("data", [None, full_data()], ids=["toy", "every feature"])
@pytest.mark.parametrize("rationing", ["efficient", "pro_rata"])
def test_units_are_consistent_in_every_law(data: dict[str, Any] | None, rationing: str) -> None:
    override = [f"buyers.rationing={rationing}"]
    instance = (
        load_text(TOY_TEXT, sets=override) if data is None else instance_of(altered(data, buyers__rationing=rationing))
    )
    game = Game(instance)
    model = build(game.market, game.announce("half"), checked_units())
    assert_units_consistent(model)
    assert_units_equivalent(model.expected_cost.expr, pyo.units.kUSD)
    # The checker would see a mass that is added to a price.
    model.wrong = pyo.Constraint(expr=model.imports[0, 0, 0, 0] + 1.0 * pyo.units.kUSD >= 0)
    with pytest.raises(UnitsError):
        assert_units_consistent(model.wrong)


def width_by_the_audit(audit: Audit) -> float:
    low, high, rent_low, rent_high = audit.ranges()
    return (high + rent_high - low - rent_low) / 1000


@settings(few, max_examples=40)
@given(seeds, st.sampled_from(["open", "half", "tight", "steward", "target"]))
def test_the_audit_s_own_program_has_the_same_optimum_and_the_same_ties(seed: int, name: str) -> None:
    game, found = small_game(seed), evaluation(seed, name)
    audit = audited(game.instance, found.announced, name)
    assert audit.solution.objective == near(found.response.cost, relative=1e-8)
    assert width_by_the_audit(audit) == near(found.optimistic - found.pessimistic, 100.0)


def test_the_audit_has_the_same_ties_where_leader_and_buyers_differ_on_the_hazard() -> None:
    data = altered(full_data(), leader__rents={"licence": 0.7, "exporter": 0.5})
    data["postures"]["tight"] |= {"hazard": "20 %", "leader_hazard": "1 %"}
    game = Game(instance_of(data))
    found = game.evaluate(game.announce("tight"))
    width = width_by_the_audit(audited(game.instance, found.announced, "tight"))
    assert width == near(found.optimistic - found.pessimistic, 100.0)


@settings(few, max_examples=8)
@given(seeds)
def test_the_audit_agrees_without_leakage_and_with_fed_volumes(seed: int) -> None:
    game = small_game(seed)
    for name in ("fed",) if "fed" in game.instance.strategies else ("half",):
        for leakage in (True, False):
            announced = game.announce(name, leakage)
            cost = game.followers.respond(announced).cost
            assert audited(game.instance, announced, name).solution.objective == near(cost, relative=1e-8)


def test_the_audit_agrees_on_the_game_with_every_feature() -> None:
    data = full_data()
    data["strategies"]["fed"] = {"title": "", "rules": [{"posture": "half"}], "fed_volumes": {"2025-02": "33 t"}}
    for rationing in ("efficient", "pro_rata"):
        instance = instance_of(altered(data, buyers__rationing=rationing))
        game = Game(instance)
        for name in instance.strategies:
            announced = game.announce(name)
            assert announced.path == path_from_rules(instance, instance.strategies[name])
            assert audited(instance, announced, name).solution.objective == near(game.followers.respond(announced).cost)


# -- golden figures on the toy instance --------------------------------------------------------------------------------


def factors() -> np.ndarray:
    """Discount factors of the toy's periods, 5 % a year at mid-period: six months, two quarters, two years."""
    length = np.array([1] * 6 + [3] * 2 + [12] * 2)
    return np.asarray(1.05 ** -((np.cumsum(length) - length / 2) / 12) * length)


def test_open_trade_on_the_toy_by_hand() -> None:
    # A month: 90 t at 50 and 10 t at 45 USD/kg, 100 t held at 0.5 USD/kg: 5,000 thousand USD. The margin is 10 USD/kg.
    game = Game(load_text(TOY_TEXT))
    found = game.evaluate(game.announce("open"))
    assert found.response.cost == near(5000 * factors().sum(), relative=1e-9)
    assert found.response.plan["imports"][:10].ravel() == near(90 * np.array([1] * 6 + [3] * 2 + [12] * 2))
    assert found.optimistic == near(0.9 * factors().sum(), relative=1e-9)


def test_half_licensed_on_the_toy() -> None:
    # Obtained once from Pyomo's matrices with SciPy's interior-point solver, which is asked again below; the margin by
    # hand from the exports. While licences hold they are used to the full; what is saved in stock runs out in June.
    # 300 t/yr are ordered at once. Stock is rebuilt in the first open year: 1,200 + 100 − 420 = 880 t.
    game = Game(load_text(TOY_TEXT))
    found = game.evaluate(game.announce("half"))
    exports = found.response.plan["imports"].ravel()
    assert found.response.cost == near(239754.1680551317, relative=1e-9)
    assert exports[:10] == near(np.array([45] * 6 + [135] * 2 + [880, 780]), 1000.0)
    assert exports[10:] == near(np.array([0] * 3 + [45] * 3 + [135] * 2 + [880, 780]), 1000.0)
    assert found.response.plan["expansion"][:, 0].sum() == near(300 + 300)
    assert found.response.plan["unmet"].sum(axis=(1, 2, 3, 4))[[4, 5, 6, 7]] == near(np.array([20, 20, 60, 60]))
    tonnes = 0.9 * exports[:10] + 0.1 * exports[10:]
    margin = (factors() * tonnes / np.array([1] * 6 + [3] * 2 + [12] * 2)).sum() / 100
    assert found.payoff.terms["margin"] + found.payoff.terms["tail"] == near(margin)
    program = game.followers.layout.announced_program(found.announced)
    rows, upper, lower = program.matrix.toarray(), np.isfinite(program.row_upper), np.isfinite(program.row_lower)
    other = linprog(
        program.cost,
        np.vstack([rows[upper], -rows[lower]]),
        np.concatenate([program.row_upper[upper], -program.row_lower[lower]]),
        bounds=list(zip(program.col_lower, program.col_upper, strict=True)),
        method="highs-ipm",
    )
    assert other.fun + program.offset == near(found.response.cost, relative=1e-7)


@pytest.mark.parametrize("recovery", ["2 month", "0 month"])
def test_cut_offs_on_the_toy_by_hand(recovery: str) -> None:
    data = parse(TOY_TEXT, "toy").data
    data["leverage"] = {"lengths": ["1 month", "2 month", "3 month"], "until": "2025-12", "recovery": recovery}
    game = Game(instance_of(data))
    state = state_after(game.followers.respond_named("open"), 5)
    losses = CutOff(game.instance, game.market).losses(state, [(0,)])[0][:, 0]
    # One month: 90 t come out of stock and are bought later; the gap costs 50·2 + 40·6, less 90·0.5 of holding.
    # Stock that there is no time to buy back is charged at the same price.
    # Two: 80 t are missing, half of them toys; stock ends at 70 t and 0 t. Three: all of a month is missing once more.
    two = 40 * 60 + 40 * 1000 - 80 * 50 + 30 * 2 + (50 * 2 + 50 * 6) - 0.5 * 130
    month = 20 * 60 + 70 * 1000 - 90 * 50
    assert losses * 1000 == near(np.array([50 * 2 + 40 * 6 - 45, two, two + month]))


# -- variants of the program -------------------------------------------------------------------------------------------


@few
@given(seeds)
def test_pro_rata_rationing_costs_at_least_as_much_as_efficient(seed: int) -> None:
    costs = {}
    for rationing in ("efficient", "pro_rata"):
        data = altered(small_data(seed), buyers__rationing=rationing)
        costs[rationing] = Game(instance_of(data | {"options": {}})).followers.respond_named("tight").cost
    assert costs["pro_rata"] >= costs["efficient"] * (1 - 1e-9)


def test_pro_rata_rationing_spreads_a_shortage_over_all_segments() -> None:
    found = {}
    for rationing in ("efficient", "pro_rata"):
        instance = load_text(TOY_TEXT, sets=[f"buyers.rationing={rationing}"])
        found[rationing] = Game(instance).followers.respond_named("half")
    unmet = found["pro_rata"].plan["unmet"].sum(axis=(0, 1, 2, 3))
    assert unmet[0] > 0
    assert unmet[1] == near(4 * unmet[0])
    assert found["pro_rata"].cost > 1.01 * found["efficient"].cost


def test_a_tier_of_no_demand_works_under_open_licences() -> None:
    data = changed(rich(), "tiers.months", {"title": "Makers with a year of stock", "cover": "12 month"})
    for bloc in data["blocs"].values():
        bloc["tiers"] = {"weeks": 1.0, "months": 0.0}
    plain, empty = Game(instance_of(rich())), Game(instance_of(data))
    for name in ("open", "half"):
        one, other = (game.evaluate(game.announce(name)) for game in (plain, empty))
        assert np.isfinite(other.optimistic)
        assert other.optimistic == near(one.optimistic, relative=1e-6)
        assert not other.response.plan["imports"][..., 1].any()


def test_an_exporter_at_capacity_earns_a_rent_and_prices_rise() -> None:
    data = calm(rich()) | {"concession": None}
    tight = altered(data, leader__capacity="2000 t/yr")
    games = [Game(instance_of({key: value for key, value in each.items() if value})) for each in (data, tight)]
    found = [game.followers.respond_named("open") for game in games]
    assert found[0].price("exporter_capacity").max() == 0
    assert found[1].price("exporter_capacity").min() >= 0
    assert found[1].price("exporter_capacity").max() > 0
    assert found[1].plan["imports"].sum(axis=(1, 2, 3)) == near(
        games[1].market.exporter_capacity[games[1].market.tree.period], 10.0
    )


# -- a shortage that is shared in part -------------------------------------------------------------------------------


def shared(part: str, strategy: str = "half") -> Any:
    """The toy with a part of every shortage shared by all uses, answered."""
    sets = [f"buyers.shared_shortage={part}"]
    return Game(load_text(TOY_TEXT, sets=sets)).followers.respond_named(strategy)


def test_a_shared_shortage_lies_between_the_two_kinds_of_rationing() -> None:
    efficient, pro_rata = (
        Game(load_text(TOY_TEXT, sets=[f"buyers.rationing={kind}"])).followers.respond_named("half")
        for kind in ("efficient", "pro_rata")
    )
    costs = [shared(part).cost for part in ("0 %", "10 %", "50 %", "100 %")]
    assert costs[0] == pytest.approx(efficient.cost)
    assert costs == sorted(costs)
    assert costs[-1] == pytest.approx(pro_rata.cost)


def test_the_dearest_use_bears_its_part() -> None:
    unmet = shared("10 %").plan["unmet"].sum(axis=(1, 2, 3))
    short = unmet.sum(axis=1) > 1e-6
    assert short.any()
    # Cars are four fifths of demand.
    assert (unmet[short, 1] >= 0.1 * 0.8 * unmet[short].sum(axis=1) * (1 - 1e-9)).all()
    # What is shared hurts more, so that buyers order more and less is missing: of that the cars' part rises.
    usual = shared("0 %").plan["unmet"].sum(axis=(0, 1, 2, 3))
    assert unmet.sum(axis=0)[1] / unmet.sum() > usual[1] / usual.sum()


@pytest.mark.parametrize("part", ["5 %", "40 %"])
def test_the_judge_shares_the_shortage_too(part: str) -> None:

    data = rich()
    data["buyers"]["shared_shortage"] = part
    instance = loaded(data)
    game = Game(instance)
    response = game.followers.respond(game.announce("half"))
    audit = Audit(instance, Claim(response.announced.path, instance.strategies["half"].fed))
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-7)
    paths = np.array([game.market.tree.path(scenario) for scenario in range(game.market.tree.scenarios)])
    plan = {name: values[paths] for name, values in response.plan.items()}
    assert audit.followers.violation(audit.followers.point(plan)) == pytest.approx(0.0, abs=1e-6)


def test_an_assembled_program_shares_the_shortage_too() -> None:
    from coercivity.models.licensing.buyers.assemble import Assembler, structure_of

    data = rich()
    data["buyers"]["shared_shortage"] = "20 %"
    first = Game(loaded(data))
    data["leader"]["price"]["magnets"] = "52 USD/kg"
    second = Game(loaded(data))
    assembled = Assembler(first.followers.layout, first.market).layout_for(second.market)
    assert structure_of(first.market) == structure_of(second.market)
    assert (assembled.program.matrix != second.followers.layout.program.matrix).nnz == 0
    assert assembled.unit_cost == pytest.approx(second.followers.layout.unit_cost)


def test_a_shared_shortage_under_pro_rata_rationing_is_refused() -> None:
    from coercivity.engine.errors import InvalidInstance

    with pytest.raises(InvalidInstance, match="all of a shortage falls on all uses alike"):
        load_text(TOY_TEXT, sets=["buyers.rationing=pro_rata", "buyers.shared_shortage=10 %"])


# -- stocks that were bought ahead -----------------------------------------------------------------------------------


def opened(months: str | None, strategy: str = "half") -> Any:
    sets = [] if months is None else [f"blocs.west.opening.weeks={months}"]
    return Game(load_text(TOY_TEXT, sets=sets)).followers.respond_named(strategy)


def test_stock_bought_ahead_softens_a_squeeze_and_is_not_asked_back() -> None:
    usual, ahead, run_down = opened(None), opened("3 month"), opened("0.5 month")
    assert opened("1 month").cost == pytest.approx(usual.cost)
    assert ahead.cost < usual.cost < run_down.cost
    first = slice(0, 3)
    assert ahead.plan["unmet"][first].sum() < usual.plan["unmet"][first].sum()
    # The two months beyond cover are bought less over the calendar, under open trade one for one.
    more, less = (
        opened(months, "open").plan["imports"][: len(usual.market.grid)].sum() for months in (None, "3 month")
    )
    assert more - less == pytest.approx(2 * 100.0)


def test_the_judge_opens_with_the_same_stock() -> None:
    data = rich()
    data["blocs"]["east"]["opening"] = {"weeks": "4 month"}
    instance = loaded(data)
    game = Game(instance)
    response = game.followers.respond(game.announce("half"))
    audit = Audit(instance, Claim(response.announced.path, instance.strategies["half"].fed))
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-7)
