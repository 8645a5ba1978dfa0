"""The fringe games: known values, formula against search, theorems, refusals, the page."""

from __future__ import annotations

import doctest
import itertools
import math
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.models.fringe import audit, closed_form, numeric
from coercivity.models.fringe.instance import (
    Block,
    BlockMarket,
    DominantFirm,
    Duopoly,
    InvalidParameters,
    Promise,
    Squeeze,
    equal_blocks,
)
from coercivity.models.fringe.outcome import Regime
from coercivity.models.fringe.repeated import patience

HOUSE = Path(__file__).parents[3]
PAGE = HOUSE / "models/fringe/README.md"
FIRM = DominantFirm(100, 1, 1, 20, 10)
KINKED = DominantFirm(100, 1, 9, 30, 10)
STUCK = Squeeze(FIRM, 15)
GAME = Promise(100, 1, 1)
PAIR = Duopoly(100, 1, 10, 10)

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
sizes = st.floats(0.05, 500.0)
shares = st.one_of(st.just(0.0), st.floats(0.001, 1.3))


@st.composite
def firms(draw: st.DrawFn) -> DominantFirm:
    intercept, slope = draw(sizes), draw(sizes)
    choke = intercept / slope
    supply = draw(st.one_of(st.just(0.0), st.floats(0.02, 50.0)))
    return DominantFirm(intercept, slope, slope * supply, choke * draw(shares), choke * draw(shares))


@st.composite
def squeezes(draw: st.DrawFn) -> Squeeze:
    firm = draw(firms())
    return Squeeze(firm, firm.demand_intercept * draw(shares))


@st.composite
def promises(draw: st.DrawFn) -> Promise:
    slope = draw(sizes)
    return Promise(draw(sizes), slope, slope * draw(st.floats(0.05, 20.0)))


@st.composite
def duopolies(draw: st.DrawFn) -> Duopoly:
    choke = draw(sizes)
    return Duopoly(choke, draw(sizes), choke * draw(shares), choke * draw(shares))


# Prices on a grid too, so that blocks of both sides tie.
levels = st.one_of(st.integers(0, 8).map(lambda step: step / 8.0), st.floats(0.01, 1.0))
curves = st.builds(Block, levels, st.one_of(st.integers(1, 4).map(float), st.floats(0.1, 4.0)))


@st.composite
def markets(draw: st.DrawFn) -> BlockMarket:
    demand, fringe = draw(st.lists(curves, min_size=1, max_size=8)), draw(st.lists(curves, max_size=8))
    return BlockMarket(tuple(demand), tuple(fringe), draw(shares))


GAMES: dict[str, Any] = {
    "dominant": firms(),
    "squeeze": squeezes(),
    "promise": promises(),
    "stackelberg": duopolies(),
    "cournot": duopolies(),
    "blocks": markets(),
}


def figures(outcome: Any) -> list[Any]:
    """The figures that every method must agree on; a dispatch with ties is not unique, its worth is."""
    flat: list[Any] = []
    for value in (outcome.profit,) if hasattr(outcome, "served") else astuple(outcome):
        flat.extend(value if isinstance(value, tuple) else (value,))
    return flat


def spread(game: Any) -> float:
    """The largest figure of a game, for comparing those that are nearly zero."""
    if isinstance(game, DominantFirm):
        return game.demand_intercept * max(1.0, game.demand_intercept / game.demand_slope)
    if isinstance(game, Squeeze):
        return spread(game.firm)
    if isinstance(game, BlockMarket):
        return sum(block.quantity for block in game.demand)
    return game.choke_price * max(1.0, game.choke_price / game.price_slope, 1.0 / game.price_slope)


@pytest.mark.parametrize("name", GAMES)
def test_formula_and_search_agree_and_pass_the_audit(name: str) -> None:
    @few
    @given(GAMES[name])
    def agree(game: Any) -> None:
        formula, search = (getattr(method, name)(game) for method in (closed_form, numeric))
        for one, other in zip(figures(formula), figures(search), strict=True):
            if isinstance(one, float) and isinstance(other, float):
                assert other == pytest.approx(one, rel=1e-6, abs=1e-9 * spread(game))
            else:
                assert one == other
        for found in (formula, search):
            assert [check for check in getattr(audit, name)(game, found) if not check.ok] == []
        assert len(formula.to_frame()) == 1

    agree()


def test_every_regime_is_met() -> None:
    dominant = {
        (20, 10, 1): Regime.INTERIOR,
        (30, 10, 9): Regime.LIMIT,
        (60, 10, 1): Regime.MONOPOLY,
        (20, 90, 1): Regime.LEADER_OUT,
        (120, 100, 1): Regime.NO_TRADE,
        (20, 10, 0): Regime.MONOPOLY,
        (20, 60, 1): Regime.LEADER_OUT,  # exactly the price without the leader
        (55, 10, 1): Regime.MONOPOLY,  # exactly the monopoly price
    }
    for (floor, cost, slope), regime in dominant.items():
        firm = DominantFirm(100, 1, slope, floor, cost)
        for method in (closed_form, numeric):
            assert method.dominant(firm).regime is regime, firm
    pairs = {
        (10, 10): Regime.INTERIOR,
        (10, 45): Regime.LIMIT,
        (10, 60): Regime.MONOPOLY,
        (10, 100): Regime.MONOPOLY,
        (60, 10): Regime.LEADER_OUT,
        (100, 120): Regime.NO_TRADE,
    }
    for costs, regime in pairs.items():
        for method in (closed_form, numeric):
            assert method.stackelberg(Duopoly(100, 1, *costs)).regime is regime, costs


# -- the page ----------------------------------------------------------------------------------------------------


def results(method: Any) -> dict[tuple[str, str], float]:
    """The figures of the page's table, from one of the two methods."""
    rows: dict[tuple[str, str], float] = {}
    for case, firm in (("dominant firm", FIRM), ("fringe 9 max(0, p − 30)", KINKED)):
        found = method.dominant(firm)
        rows |= {(case, "price"): found.price, (case, "leader's quantity"): found.quantity}
        rows |= {(case, "fringe"): found.fringe, (case, "profit"): found.profit}
    rows["dominant firm", "Lerner index"] = method.dominant(FIRM).lerner
    stuck, case = method.squeeze(STUCK), "fringe stuck at 15"
    rows |= {(case, "best quantity"): stuck.quantity, (case, "price"): stuck.price, (case, "profit"): stuck.profit}
    rows |= {(case, "break-even quantity"): stuck.break_even}
    rows[case, "profit at 25.55 % of 50"] = closed_form.squeeze_profit(STUCK, 0.2555 * 50)
    stages = method.promise(GAME)
    for stage in ("commitment", "discretion", "cheating"):
        rows["promise", stage] = getattr(stages, stage).profit
    for lag in range(1, 6):
        rows["promise", f"least discount factor, lag {lag}"] = method.promise(GAME, lag).critical_discount
    first, both = method.stackelberg(PAIR), method.cournot(PAIR)
    for who in ("leader", "follower"):
        rows["leader and follower", f"{who}'s quantity"] = getattr(first, who)
        rows["leader and follower", f"{who}'s profit"] = getattr(first, f"{who}_profit")
    rows |= {
        ("both at once", "leader's quantity"): both.leader,
        ("both at once", "leader's profit"): both.leader_profit,
    }
    for count in (20, 50, 100):
        rows["blocks", f"profit, {count} a side"] = method.blocks(equal_blocks(FIRM, count)).profit
    return rows


@pytest.mark.parametrize("method", [closed_form, numeric], ids=["closed_form", "numeric"])
def test_the_table_of_the_page_is_what_the_code_gives(method: Any) -> None:
    text = PAGE.read_text("utf-8").partition("## 6. Results")[2].partition("## 7.")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    printed = {(case, figure): value for case, figure, value in rows[2:]}
    computed = results(method)
    assert set(printed) == set(computed)
    for key, value in printed.items():
        digits = len(value.partition(".")[2])
        assert f"{computed[key] + 0.0:.{digits}f}" == value, key
        # A figure that is printed without its last digits would otherwise pass as exact.
        assert computed[key] == pytest.approx(float(value), abs=max(1e-6, 0.5 * 10.0**-digits if digits > 1 else 0.0))


def test_the_example_of_the_page_runs() -> None:
    assert doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8").failed == 0


@pytest.mark.parametrize("count", [1, 2, 7, 20, 50, 100])
@pytest.mark.parametrize("method", [closed_form, numeric], ids=["closed_form", "numeric"])
def test_revenue_of_blocks_is_price_times_quantity(method: Any, count: int) -> None:
    found = method.blocks(equal_blocks(FIRM, count))
    assert found.revenue == pytest.approx(found.price * found.quantity, abs=1e-6)
    assert found.profit == pytest.approx(found.revenue - 10.0 * found.quantity, abs=1e-6)


def test_blocks_approach_the_lines() -> None:
    exact = closed_form.dominant(FIRM).profit
    for count in (100, 1000, 4000):
        assert closed_form.blocks(equal_blocks(FIRM, count)).profit == pytest.approx(exact, rel=2.0 / count)


# -- theorems ----------------------------------------------------------------------------------------------------


@few
@given(promises(), st.floats(0.2, 9.0))
def test_commitment_beats_discretion_and_cheating_beats_commitment(game: Promise, lag: float) -> None:
    found = closed_form.promise(game, lag)
    assert found.discretion.profit < found.commitment.profit < found.cheating.profit
    assert 0.5 ** (1.0 / lag) < found.critical_discount < 1.0
    by_engine = patience(found)
    assert by_engine.value == pytest.approx(found.critical_discount, rel=1e-9)
    values = [closed_form.promise(game, step).critical_discount for step in range(1, 6)]
    assert all(one < other for one, other in itertools.pairwise(values))
    assert list(by_engine.by_lag().values()) == pytest.approx(values, rel=1e-9)


@few
@given(promises(), st.floats(0.1, 10.0))
def test_a_larger_market_pays_by_the_square_and_asks_for_the_same_patience(game: Promise, factor: float) -> None:
    found = closed_form.promise(game, 2.0)
    larger = closed_form.promise(replace(game, choke_price=factor * game.choke_price), 2.0)
    for name in ("commitment", "discretion", "cheating"):
        assert getattr(larger, name).profit == pytest.approx(factor**2 * getattr(found, name).profit)
    assert larger.critical_discount == found.critical_discount


@few
@given(firms(), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_units_of_money_and_goods_change_nothing(firm: DominantFirm, money: float, goods: float) -> None:
    found = closed_form.dominant(firm)
    scaled = DominantFirm(
        firm.demand_intercept * goods,
        firm.demand_slope * goods / money,
        firm.fringe_slope * goods / money,
        firm.fringe_floor * money,
        firm.leader_cost * money,
    )
    other = closed_form.dominant(scaled)
    near = 1e-9 * firm.demand_intercept
    assert other.quantity == pytest.approx(found.quantity * goods, rel=1e-6, abs=near * goods)
    assert other.profit == pytest.approx(found.profit * goods * money, rel=1e-6, abs=near * goods * money)


@few
@given(firms())
def test_a_fringe_never_helps_the_leader_nor_raises_the_price(firm: DominantFirm) -> None:
    found, alone = closed_form.dominant(firm), closed_form.dominant(replace(firm, fringe_slope=0.0))
    assert found.profit <= alone.profit * (1.0 + 1e-9)
    assert found.price <= alone.price * (1.0 + 1e-9)
    stuck = closed_form.squeeze(Squeeze(firm, found.fringe))
    assert stuck.profit >= found.profit * (1.0 - 1e-9), "with the fringe stuck the leader could go on as before"
    if found.quantity > 0.0:
        assert stuck.break_even is not None and stuck.break_even <= found.quantity * (1.0 + 1e-6)


@few
@given(duopolies())
def test_moving_first_never_pays_less(game: Duopoly) -> None:
    assert closed_form.stackelberg(game).leader_profit >= closed_form.cournot(game).leader_profit * (1.0 - 1e-9)


# -- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0, "3", None, True, 1e60, 1e-60])
@pytest.mark.parametrize(
    ("make", "names"),
    [
        (DominantFirm, ("demand_intercept", "demand_slope", "fringe_slope", "fringe_floor", "leader_cost")),
        (Promise, ("choke_price", "price_slope", "fringe_cost_slope")),
        (Duopoly, ("choke_price", "price_slope", "leader_cost", "follower_cost")),
        (Block, ("price", "quantity")),
    ],
)
def test_bad_numbers_are_refused_all_at_once(make: Any, names: tuple[str, ...], bad: object) -> None:
    for name in names:
        with pytest.raises(ValueError, match=rf"^{make.__name__}\.{name}: .*\n  fix: give the "):
            make(**(dict.fromkeys(names, 1.0) | {name: bad}))
    with pytest.raises(InvalidParameters) as refused:
        make(**dict.fromkeys(names, bad))
    assert [finding.path for finding in refused.value.findings] == [f"{make.__name__}.{name}" for name in names]


def test_zero_is_refused_only_where_it_has_no_meaning() -> None:
    DominantFirm(1, 1, 0, 0, 0)
    for name in ("demand_intercept", "demand_slope"):
        with pytest.raises(InvalidParameters, match=f"{name}: 0 is not positive"):
            replace(FIRM, **{name: 0})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Squeeze(FIRM, -1), "Squeeze.fringe: -1"),
        (lambda: Squeeze(GAME, 1), "is not a dominant firm"),  # type: ignore[arg-type]
        (lambda: BlockMarket((), (), 1), "no demand at all"),
        (lambda: BlockMarket((Block(1, 1),), [Block(1, 1)], 1), "not a tuple of blocks"),  # type: ignore[arg-type]
        (lambda: BlockMarket((Block(1, 1),) * 10_001, (), 1), "10001 blocks"),
        (lambda: BlockMarket((Block(1, 1),), (), -1), "BlockMarket.leader_cost: -1"),
        (lambda: equal_blocks(FIRM, 0), "count: 0"),
        (lambda: equal_blocks(FIRM, 2.5), "count: 2.5"),  # type: ignore[arg-type]
        (lambda: closed_form.promise(GAME, 0), "lag: 0 is not positive"),
        (lambda: numeric.promise(GAME, math.nan), "lag: nan is not a number"),
    ],
)
def test_what_makes_no_game_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidParameters, match=said) as refused:
        make()
    assert "\n  fix: " in str(refused.value)
