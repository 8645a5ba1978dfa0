"""What is known before everything is: named strategies on the hot path, and what a long search has found so far."""

from __future__ import annotations

import pytest

from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.leader.commit import Game
from tests.rich_instance import loaded, reacting, rich
from tests.small_games import instance_of, small_data


@pytest.mark.parametrize("data", [rich(), reacting(), small_data(3), small_data(8)])
def test_the_first_look_is_what_is_certified_later(data: dict) -> None:  # type: ignore[type-arg]
    instance = instance_of(data)
    look, game = StrategyAnswers(instance).first_look(), Game(instance)
    assert list(look.values()) == sorted(look.values(), reverse=True)
    for name, value in look.items():
        exact = game.evaluate(game.announce(name)).optimistic
        assert value >= exact - 1e-6 * max(1.0, abs(exact))
        assert value == pytest.approx(exact, rel=2e-2, abs=2.0)


def test_a_large_menu_is_searched_best_first_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    said: list[str] = []
    found = commands.compare(loaded(rich()), tell=said.append)
    assert said[0].startswith("First look, million USD, not certified yet: ")
    assert any(line.startswith("Best found so far: ") for line in said[1:])
    assert found.promises is None
    # A menu this small is looked at whole on the way: that is a proof.
    assert found.search.complete and found.search.best_first is None
    assert found.strategies[-1].certificate.proof == "OPTIMAL"
    whole = commands.compare(loaded(rich()), prove=True)
    assert whole.promises is not None
    values = [result.strategies[-1].certificate.optimistic_musd for result in (found, whole)]
    assert values[0] == pytest.approx(values[1])


def test_a_search_that_is_no_proof_claims_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    found = commands.solve(loaded(rich()), limit=0.0)
    assert found.search is not None and found.search.best_first is not None
    assert not found.search.best_first.finished and commands.is_stopped(found)
    assert found.certificate.proof != "OPTIMAL"
    assert any("the search was stopped" in line for line in found.certificate.assumptions)
    named = StrategyAnswers(loaded(rich())).first_look()
    assert found.certificate.optimistic_musd >= named["open"] - 1e-3 * abs(named["open"])
