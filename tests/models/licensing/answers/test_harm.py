"""What measures do to a bloc, in figures that no tie moves, and the moments that hold such figures against a record."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.backtest.comparison import backtested
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.leader.commit import Game
from tests.rich_instance import OBSERVATION, changed, loaded, reacting, rich


def seen(measure: str, **stated: Any) -> dict[str, Any]:
    kept = {key: OBSERVATION[key] for key in ("title", "strategy", "begins", "ends")}
    return kept | {"measure": measure, **stated}


def with_facts(data: dict[str, Any], **facts: dict[str, Any]) -> dict[str, Any]:
    return changed(data, "observations", facts)


def severe() -> dict[str, Any]:
    data = rich()
    data["postures"]["half"]["licensed"] = "10 %"
    data["strategies"]["half"].pop("fed_volumes")
    return data


def test_a_bloc_that_nothing_is_done_to_is_not_harmed() -> None:
    data = severe()
    data["strategies"]["half"]["rules"] = [{"posture": "half", "group": "all"}, {"posture": "open", "group": "far"}]
    answer = StrategyAnswers(loaded(data)).named("half")
    assert answer.blocs["east"].harm_musd == 0
    assert answer.blocs["west"].harm_musd > 0
    assert all(bloc.harm_musd == 0 for bloc in StrategyAnswers(loaded(data)).named("open").blocs.values())


@pytest.mark.parametrize("base", [rich, reacting])
def test_harm_is_a_difference_of_two_optimal_values(base: Any) -> None:
    """Told again from scratch, on a program of its own: the bloc's cells as under the baseline, all else as announced."""
    instance = loaded(base())
    game = Game(instance)
    evaluation = game.evaluate(game.announce("half"))
    for bloc in range(2):
        announced = evaluation.announced
        freed = game.announcer.freed(announced, game.announce("open").path, bloc)
        other = Followers(instance).respond(freed).cost
        harm = game.harm(announced, evaluation.response.cost, bloc)
        assert harm == pytest.approx((evaluation.response.cost - other) / 1000.0, abs=1e-6)
        assert (freed.licence[:, 1 - bloc] == announced.licence[:, 1 - bloc]).all()
        assert freed.weight == pytest.approx(announced.weight)


def test_figures_of_harm_can_be_held_against_a_record() -> None:
    data = with_facts(
        severe(),
        premium=seen("premium", price="10 USD/kg", tolerance="5 USD/kg"),
        lost=seen("lost_output", money="10 million USD", factor=2, bloc="west"),
        pain=seen("pain", money="10 million USD", factor=2, bloc="west"),
        pressure=seen("pressure", money="10 million USD", tolerance="1 million USD"),
        cut=seen("leverage", money="10 million USD", cut="2 month", window="beside"),
    )
    instance = loaded(data)
    answers = StrategyAnswers(instance)
    answer = answers.named("half")
    found = {moment.name: moment for moment in backtested(instance).moments}
    assert found["pain"].model == pytest.approx(answer.blocs["west"].harm_musd)
    assert found["pressure"].model == pytest.approx(answer.leader.pressure_musd)
    prices, asked = answer.series.price_usd_per_kg, 50.0
    assert found["premium"].model is not None and found["premium"].model > 0
    assert max(*prices["west"][1:4], *prices["east"][1:4]) > asked
    assert found["lost"].model is not None and found["lost"].model >= 0
    assert found["lost"].low == 5 and found["lost"].high == 20
    longer = changed(data, "observations.cut.cut", "4 month")
    longer["observations"]["cut"]["cut"] = "4 month"
    later = {moment.name: moment for moment in backtested(loaded(longer)).moments}
    assert found["cut"].model is not None and later["cut"].model is not None
    assert later["cut"].model > found["cut"].model > 0


def test_an_estimate_beside_is_shown_and_not_judged() -> None:
    data = with_facts(severe(), cut=seen("leverage", money="1 million USD", cut="2 month", factor=2, window="beside"))
    found = backtested(loaded(data))
    assert [moment.window for moment in found.moments] == ["beside"]
    assert found.windows.judge.moments == 0
    assert found.misses == ()
    assert found.skill.moments == 0


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (seen("pain", money="1 million USD"), "'pain' of no bloc"),
        (seen("leverage", money="1 million USD"), "'leverage' of no cut"),
        (seen("premium", money="1 million USD"), "is recorded as 'price'"),
        (seen("pressure", money="1 million USD", bloc="west"), "means nothing for 'pressure'"),
        (
            seen("lost_output", money="1 million USD", tolerance="1 million USD", factor=2),
            "a factor beside a tolerance",
        ),
        (seen("lost_output", money="1 million USD", factor=0.5), "not above 1"),
    ],
)
def test_facts_of_harm_that_say_nothing_are_refused(fact: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(with_facts(rich(), fact=fact))


@pytest.mark.parametrize(("block", "measure"), [("concession", "pressure"), ("leverage", "leverage")])
def test_a_figure_needs_the_block_that_it_comes_from(block: str, measure: str) -> None:
    data = rich()
    del data[block]
    more = {"cut": "1 month"} if measure == "leverage" else {}
    with pytest.raises(InvalidInstance, match=f"add {'leverage' if more else 'one'}, or remove the observation"):
        loaded(with_facts(data, fact=seen(measure, money="1 million USD", **more)))
