"""What the leader captures of a kilogram's rent is no more than a premium that someone has paid: in books, search and certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.models.licensing.answers.game import StrategyAnswers, claim_of, figures_of
from coercivity.models.licensing.answers.results import assess
from coercivity.models.licensing.audit.certify import Auditor
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.reading.accounts import accounts_of
from tests.rich_instance import loaded
from tests.small_games import altered, full_data, instance_of

ENDLESS = "100000 USD/kg"


def game(premium: str | None, **changes: Any) -> Game:
    """The game with every feature, quarterly releases among them; the leader takes half of every rent."""
    rents = {"licence": 0.5, "exporter": 0.5} | ({} if premium is None else {"premium": premium})
    return Game(instance_of(altered(full_data(), leader__rents=rents, **changes)))


def found(premium: str | None, strategy: str = "half", **changes: Any) -> Evaluation:
    played = game(premium, **changes)
    return played.evaluate(played.announce(strategy))


def captured(evaluation: Evaluation) -> float:
    return sum(float(rent.sum()) for rent in evaluation.payoff.rents.values())


def test_a_premium_that_nobody_reaches_changes_nothing_and_one_of_nothing_leaves_nothing() -> None:
    free, endless, none = found(None), found(ENDLESS), found("0 USD/kg")
    assert captured(free) > 1.0
    assert endless.optimistic == pytest.approx(free.optimistic, rel=1e-8)
    assert endless.payoff.terms == pytest.approx(free.payoff.terms, rel=1e-6, abs=1e-6)
    assert captured(none) == pytest.approx(0.0, abs=1e-9)
    poor = Game(instance_of(altered(full_data(), leader__rents={"licence": 0, "exporter": 0})))
    assert none.optimistic == pytest.approx(poor.evaluate(poor.announce("half")).optimistic)


@pytest.mark.parametrize("release", ["month", "quarter"])
def test_a_kilogram_earns_one_premium_at_most_and_more_where_it_is_higher(release: str) -> None:
    before = 0.0
    for premium in (1.0, 3.0, 10.0, 40.0):
        evaluation = found(f"{premium} USD/kg", postures__half__release=release)
        licensed = evaluation.response.plan["imports"].sum(axis=(1, 2, 3))
        rents = evaluation.payoff.rents
        assert (rents["captured_rent"] + rents["exporter_rent"]).sum() <= 0.5 * 2 * premium * licensed.sum() + 1e-6
        assert rents["captured_rent"].sum() <= 0.5 * premium * licensed.sum() + 1e-6
        assert captured(evaluation) >= before - 1e-9
        before = captured(evaluation)
    assert before <= captured(found(None, postures__half__release=release)) + 1e-6


def test_the_ends_of_the_range_enclose_what_is_reported_and_prices_do_not_move() -> None:
    evaluation, free = found("3 USD/kg"), found(None)
    assert evaluation.pessimistic <= evaluation.payoff.value + 1e-9
    assert evaluation.payoff.value == pytest.approx(evaluation.optimistic, abs=1e-6)
    assert evaluation.response.cost == pytest.approx(free.response.cost, rel=1e-9)
    played = game("3 USD/kg")
    split = accounts_of(played.instance, played.market, evaluation.response)
    assert split.total == pytest.approx(evaluation.response.cost, rel=1e-7)
    period = played.market.tree.period
    odds = evaluation.announced.weight * played.market.discount[period]
    earned = sum(odds @ rent for rent in evaluation.payoff.rents.values())
    assert split.leader == pytest.approx(-earned, rel=1e-6)


@pytest.mark.parametrize("strategy", ["half", "open"])
@pytest.mark.parametrize("premium", ["2 USD/kg", "15 USD/kg"])
def test_the_judge_finds_the_same_range(strategy: str, premium: str) -> None:
    answers = StrategyAnswers(game(premium).instance)
    report = assess(answers.game, answers.game.announce(strategy), None)
    claim, figures = claim_of(answers.game.instance, report.evaluation.announced), figures_of(answers.game, report)
    certificate = Auditor(answers.instance).certify(claim, figures)
    assert {check.name for check in certificate.checks if not check.ok} == set()


def test_a_book_without_the_premium_is_caught() -> None:
    """The seeded fault: figures of the game without the premium, judged by the game with it."""
    free, capped = (StrategyAnswers(game(premium).instance) for premium in (None, "2 USD/kg"))
    report = assess(free.game, free.game.announce("half"), None)
    claim, figures = claim_of(capped.game.instance, report.evaluation.announced), figures_of(free.game, report)
    failed = {check.name for check in Auditor(capped.instance).certify(claim, figures).checks if not check.ok}
    assert {"optimistic value", "rents at most what the multipliers allow"} <= failed


def test_the_search_bounds_every_strategy_from_above_and_closely() -> None:
    played = game("2 USD/kg")
    evaluation, best, screening = played.best_commitment()
    assert screening.complete
    assert best.bound == pytest.approx(evaluation.optimistic, rel=1e-5)
    bounds = played.upper_bounds(screening)
    for at in np.linspace(0, len(bounds) - 1, 12).astype(int):
        exact = played.exact(tuple(screening.choices[at].tolist()))[0]
        assert exact <= bounds[at] + 1e-6 * max(1.0, abs(exact))
        assert exact == pytest.approx(bounds[at], rel=2e-3, abs=0.05)


def test_a_premium_needs_its_unit() -> None:
    with pytest.raises(Exception, match="premium"):
        loaded(altered(full_data(), leader__rents={"licence": 0.5, "exporter": 0, "premium": "20 %"}))
