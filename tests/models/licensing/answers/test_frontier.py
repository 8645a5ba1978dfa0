"""The Pareto set of small menus against exhaustive exact evaluation; what it says of weights and of named strategies."""

from __future__ import annotations

import itertools
import json
from functools import cache

import numpy as np
import pytest

from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import text, to_csv, to_json
from coercivity.models.licensing.answers.frontier.efficient import frontier
from coercivity.models.licensing.answers.frontier.objectives import Appraiser, receipts_and_outlays
from coercivity.models.licensing.answers.frontier.values import Frontier, Member, Placed
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.pages import frontier as page
from coercivity.models.licensing.reading.leverage import CutOff
from tests.small_games import instance_of, small_data

SEEDS = (0, 1, 3)


@cache
def game_of(seed: int) -> Instance:
    """A small game whose menu has more than one strategy and whose leverage is stated."""
    data = small_data(seed)
    data["leverage"]["lengths"] = ["1 month"]
    return instance_of(data)


@cache
def answer(seed: int) -> Frontier:
    return frontier(game_of(seed))


@cache
def exact_points(seed: int) -> np.ndarray:
    """Revenue, −cost and leverage at the end of each phase of every strategy on the menu, evaluated exactly."""
    instance = game_of(seed)
    game = Game(instance)
    cutoff = CutOff(instance, game.market)
    phases = list(range(len(instance.phases)))
    reader = Appraiser(instance, game.market, game.followers.layout, cutoff, phases)
    rows = []
    for choice in itertools.product(range(len(game.menu.postures)), repeat=game.menu.slots):
        evaluation = game.evaluate(game.announcer.announce(game.menu.path(choice)))
        revenue, cost = receipts_and_outlays(game.books, evaluation.response, evaluation.payoff)
        assert revenue - cost == pytest.approx(evaluation.payoff.value, abs=1e-9)
        rows.append([revenue, -cost, *reader.leverage(evaluation.response)])
    return np.array(rows)


def of(block: Member | Placed) -> np.ndarray:
    return np.array([block.revenue_musd, -block.cost_musd, *block.leverage_musd.values()])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_set_is_that_of_exhaustive_evaluation(seed: int) -> None:
    found, points = answer(seed), exact_points(seed)
    assert found.search.covered == found.search.menu == len(points)
    assert found.search.complete
    members = np.array([of(member) for member in found.members])
    # The search reads a response within a thousandth of the leader's gain: so near must every exact point be covered.
    near = 2e-3 * (1.0 + np.abs(points).max(axis=0))
    for point in points:
        assert (members >= point - near).all(axis=1).any()
    for member in members:
        assert not ((points > member + near).all(axis=1)).any()
        assert (np.abs(points - member) <= near).all(axis=1).any(), "a member is a strategy of the menu"


@pytest.mark.parametrize("seed", SEEDS)
def test_payoff_is_revenue_less_cost_and_exact_figures_stand_beside(seed: int) -> None:
    found, instance = answer(seed), game_of(seed)
    for block in [*found.members, *found.named]:
        assert block.payoff_musd == pytest.approx(block.revenue_musd - block.cost_musd, abs=1e-9)
        if block.exact:
            exact = block.exact
            assert exact.payoff_musd == pytest.approx(exact.revenue_musd - exact.cost_musd, abs=1e-9)
            assert exact.payoff_musd >= exact.pessimistic_musd - 1e-6
    game = Game(instance)
    for block in found.named:
        evaluation = game.evaluate(game.announce(block.label))
        assert block.exact.payoff_musd == pytest.approx(evaluation.optimistic, abs=1e-6)
    best = max(member.payoff_musd for member in found.members)
    assert best == pytest.approx(float(exact_points(seed)[:, :2].sum(axis=1).max()), rel=2e-3, abs=1e-2)


@pytest.mark.parametrize("seed", SEEDS)
def test_named_strategies_are_placed_as_stated(seed: int) -> None:
    found = answer(seed)
    phase = found.phase
    by_label = {member.label: member for member in found.members}
    for block in found.named:
        if block.is_efficient:
            assert block.distance <= 1e-6
            continue
        other = by_label[block.dominated_by]
        assert other.revenue_musd >= block.revenue_musd - 1e-3
        assert other.cost_musd <= block.cost_musd + 1e-3
        assert other.leverage_musd[phase] >= block.leverage_musd[phase] - 1e-3
    spans = sorted(block.worth_in_payoff_among_named for block in found.named if block.worth_in_payoff_among_named)
    assert spans[0][0] == 0.0
    assert spans[-1][1] is None


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_and_rates_make_their_member_best(seed: int) -> None:
    found = answer(seed)
    inner = [member for member in found.members if member.is_efficient_in_three]
    points = np.array([of(member)[[0, 1, -1]] for member in inner])
    scale = np.where(np.ptp(points, axis=0) > 0, np.ptp(points, axis=0), 1.0)
    assert found.supported >= 1
    for at, member in enumerate(inner):
        if member.weights:
            worth = points / scale @ np.array(list(vars(member.weights).values()))
            assert worth[at] >= worth.max() - 1e-6
    known = [member for member in inner if member.exact]
    phase = found.phase
    for member in known:
        if member.worth_in_payoff:
            low, high = member.worth_in_payoff
            rate = low + 1.0 if high is None else 0.5 * (low + high)
            worth = [m.exact.payoff_musd + rate * m.exact.leverage_musd[phase] for m in known]
            own = member.exact.payoff_musd + rate * member.exact.leverage_musd[phase]
            assert own >= max(worth) - 1e-5 * (1 + rate)


def test_one_phase_alone_gives_three_objectives() -> None:
    instance = load("template")
    found = frontier(instance, phase="squeeze")
    assert found.phases == ("squeeze",)
    assert all(member.is_efficient_in_three for member in found.members)
    assert found.efficient == found.efficient_in_three


def test_a_search_that_was_stopped_says_what_it_covered() -> None:
    found = frontier(load("template"), limit=1e-9, phase="settlement")
    assert (found.search.covered, found.search.complete) == (50, False)
    assert found.search.share == pytest.approx(50 / 81)
    assert "it was stopped" in found.sentences[0]


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no cut-off"):
        frontier(load("one-buyer"))
    with pytest.raises(UsageError, match="did you mean 'squeeze'"):
        frontier(load("template"), phase="squeezes")


def test_it_can_be_printed_saved_and_drawn() -> None:
    found = answer(SEEDS[0])
    printed = text(page.blocks(found), 60)
    assert max(map(len, printed.splitlines())) <= 60
    assert found.phase in text(page.blocks(found), 100)
    assert json.loads(to_json(found))["command"] == "frontier"
    assert to_csv(page.rows(found)).count("\n") == 1 + len(found.members) + len(found.named)
    pytest.importorskip("altair")
    drawn = page.drawn(found)
    assert drawn["frontier.svg"].startswith("<svg")
    assert all(block.label in drawn["frontier.svg"] for block in found.named)


def test_figures_are_read_off_the_same_program_for_followers_given() -> None:
    instance = game_of(SEEDS[0])
    followers = Followers(instance)
    reader = Appraiser(instance, followers.market, followers.layout, CutOff(instance, followers.market), [0])
    announced = reader.game.announce("open")
    first, again = reader.read(announced), reader.read(announced)
    assert (first.revenue, first.cost) == pytest.approx((again.revenue, again.cost))
    assert first.leverage == pytest.approx(again.leverage)
