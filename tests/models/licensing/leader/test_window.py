"""Pressure is what conceding would spare over a window; strategies are then conditional, whatever the form of the chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.announcement.announce import path_from_rules
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.audit.window import spared
from coercivity.models.licensing.buyers.window import Window
from tests.mutants.games import windowed
from tests.rich_instance import CURVE, changed, loaded, reacting, rich

TYPES = {
    "meek": {"title": "Meek", "weight": "40 %", "stake": "0.5 million USD/yr"},
    "proud": {"title": "Proud", "weight": "60 %", "stake": "1 billion USD/yr"},
}
FORMS: dict[str, dict[str, Any]] = {
    "in proportion": {},
    "a curve": {"reference": None, "probability": None, "cap": None, "curve": CURVE},
    "types": {"reference": None, "probability": None, "cap": None, "types": TYPES},
}


def conditional(form: str = "in proportion", base: dict[str, Any] | None = None, **concession: Any) -> dict[str, Any]:
    data = rich() if base is None else base
    data["concession"] = rich()["concession"] | {"begins": "3 month", "window": "4 month", **FORMS[form], **concession}
    data["concession"] = {key: value for key, value in data["concession"].items() if value is not None}
    return data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["open", "half"])
def test_a_conditional_strategy_is_certified_whatever_the_form(form: str, name: str) -> None:
    data = conditional(form, reacting())
    answer = StrategyAnswers(loaded(data)).named(name)
    assert [check.name for check in answer.certificate.checks if not check.ok] == []
    if name == "half":
        assert answer.leader.pressure_musd > 0
        assert 0 < answer.leader.probability < 1
    else:
        assert answer.leader.probability == 0


@pytest.mark.parametrize("form", FORMS)
def test_the_best_on_the_menu_is_proved(form: str) -> None:
    data = changed(conditional(form), "menu", {"postures": ["open", "half"], "bundles": [["all", "far"]]})
    optimum = StrategyAnswers(loaded(data)).optimum(1, None, lambda *_: None)
    assert optimum.answer.certificate.proof == "OPTIMAL"
    assert [check.name for check in optimum.answer.certificate.checks if not check.ok] == []
    assert "no strategy of a sample is worth more than its bound" in {
        check.name for check in optimum.answer.certificate.checks
    }


@pytest.mark.parametrize("base", [rich, reacting])
@pytest.mark.parametrize("more", [{}, {"buyers.shared_shortage": "20 %"}, {"postures.half.export_tax": "3 USD/kg"}])
def test_the_judge_finds_the_same_pain(base: Any, more: dict[str, Any]) -> None:
    data = conditional(base=base())
    for path, value in more.items():
        data = changed(data, path, value)
    instance = loaded(data)
    window = Window(instance)
    for strategy in instance.strategies.values():
        path = path_from_rules(instance, strategy)
        found = window.spared(path, strategy.fed)
        assert found == pytest.approx(spared(instance, path, strategy.fed), rel=1e-7, abs=1e-7)


def pain(data: dict[str, Any], name: str = "half") -> float:
    instance = loaded(data)
    strategy = instance.strategies[name]
    return Window(instance).spared(path_from_rules(instance, strategy), strategy.fed)


def test_what_was_felt_before_the_decision_is_not_spared() -> None:
    """A squeeze that is over by then presses for nothing, however much it hurt; one that goes on does."""
    data = conditional(begins="6 month")
    data["strategies"]["half"]["rules"] = [{"posture": "half"}]
    short = changed(data, "strategies.half.rules", [{"posture": "open"}, {"posture": "half", "phase": "squeeze"}])
    assert pain(data) > 0
    assert pain(short) == 0


def test_relief_that_comes_anyway_is_no_reason_to_concede() -> None:
    data = conditional()
    data["strategies"]["half"]["rules"] = [{"posture": "half", "group": "far"}, {"posture": "open", "group": "all"}]
    assert pain(data) == 0


def test_a_harder_threat_spares_more_and_is_likelier_to_succeed() -> None:
    data = conditional("a curve")
    data["postures"]["half"]["licensed"] = "60 %"
    harder = changed(data, "postures.half.licensed", "30 %")
    harder["postures"]["half"]["licensed"] = "30 %"
    assert pain(harder) > pain(data) > 0
    chances = [StrategyAnswers(loaded(one)).named("half").leader.probability for one in (data, harder)]
    assert chances[1] >= chances[0] > 0


def test_after_a_concession_the_stated_rules_hold() -> None:
    data = conditional()
    data["strategies"]["half"]["rules"] = [{"posture": "half"}]
    data["strategies"]["half"]["if_conceded"] = [{"posture": "open"}]
    game = StrategyAnswers(loaded(data)).game
    announced, tree = game.announce("half"), game.market.tree
    nodes = tree.path(tree.scenarios - 1)[tree.conceded :]
    within = game.market.grid.start[tree.conceded :] + 1 <= game.market.grid.start[0] + 3 + 24
    assert np.isinf(announced.licence[nodes[within]]).all()
    assert np.isfinite(announced.licence[: len(game.market.grid)][:4]).all()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("concession.window", "0 month", "nothing can be spared in a window of no length"),
        ("concession.window", "200 month", "when the calendar is over"),
        ("concession.begins", "300 month", "no period begins any more"),
    ],
)
def test_windows_that_mean_nothing_are_refused(path: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(changed(conditional(), path, value))


def test_a_path_after_a_concession_needs_somebody_who_weighs_it() -> None:
    data = rich()
    data["strategies"]["half"]["if_conceded"] = [{"posture": "open"}]
    with pytest.raises(InvalidInstance, match=r"add concession\.window, or concession\.types"):
        loaded(data)


def test_a_game_with_everything_in_it_is_certified() -> None:
    answer = StrategyAnswers(loaded(windowed())).named("relent")
    assert [check.name for check in answer.certificate.checks if not check.ok] == []
    assert answer.leader.pressure_musd > 0


def test_every_threat_says_the_chance_from_which_it_pays() -> None:
    """At that chance, whatever the pressure, the leader is as well off as under open trade."""
    data = conditional("a curve", value="40 billion USD/yr")
    answers = StrategyAnswers(loaded(data))
    needed = answers.named("half").leader.pays_from_probability
    assert needed is not None and 0 < needed < 1
    data["concession"]["curve"] = [CURVE[0], {"pressure": "0.001 million USD", "probability": needed}]
    pays, base = StrategyAnswers(loaded(data)).named("half"), answers.named("open")
    worth = abs(pays.leader.terms_musd["concession"])
    assert pays.leader.value_musd == pytest.approx(base.leader.value_musd, abs=2e-2 * worth)
    assert base.leader.pays_from_probability is None
