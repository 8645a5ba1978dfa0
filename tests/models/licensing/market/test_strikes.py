"""Breakdowns in several months of a phase: the hazard is shared out, buyers prepare for all of them, the judge does too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.leader.commit import Game
from tests.models.licensing.announcement.test_reactions import game
from tests.rich_instance import changed, loaded, reacting, rich

MONTHS = ["2025-02", "2025-03", "2025-05"]


def striking(data: dict[str, Any], months: list[str] = MONTHS) -> dict[str, Any]:
    data = changed(data, "phases.squeeze.breakdowns", months)
    data["phases"]["squeeze"].pop("breakdown", None)
    return data


def ends(game: Game, name: str) -> np.ndarray:
    """The probability of every scenario, as buyers see it."""
    announced = game.announce(name)
    leaves = [int(game.market.tree.path(scenario)[-1]) for scenario in range(game.market.tree.scenarios)]
    return np.asarray(announced.weight[leaves])


def test_the_months_of_a_phase_share_its_hazard() -> None:
    one, three = Game(loaded(rich())), Game(loaded(striking(rich())))
    assert three.market.tree.scenarios == one.market.tree.scenarios + 2
    whole, parts = ends(one, "half"), ends(three, "half")
    assert parts.sum() == pytest.approx(1.0)
    assert parts[1:4].sum() == pytest.approx(whole[1]) == pytest.approx(0.1)
    assert parts[1] > parts[2] > parts[3]
    assert parts[4:] == pytest.approx(whole[2:])


def test_one_month_in_a_list_is_one_month() -> None:
    listed = Game(loaded(striking(rich(), ["2025-03"])))
    assert listed.evaluate(listed.announce("half")).optimistic == pytest.approx(
        (game := Game(loaded(rich()))).evaluate(game.announce("half")).optimistic
    )


def test_exports_swing_less_where_the_month_is_not_known() -> None:
    """What buyers take in the month before a certain date they spread where it may be any of several."""

    def swing(**when: Any) -> float:
        data = game()
        data["phases"]["squeeze"] = {"begins": "2025-01", **when}
        data["postures"]["open"] |= {"hazard": "60 %", "breakdown": {"delivered": "0 %", "lasts": "3 month"}}
        played = Game(loaded(data))
        taken = played.followers.respond(played.announce("open")).plan["imports"][:6].sum(axis=(1, 2, 3))
        return float(np.abs(np.diff(taken)).max())

    assert swing(breakdowns=["2025-02", "2025-03", "2025-04", "2025-05"]) < 0.9 * swing(breakdown="2025-04")


@pytest.mark.parametrize("data", [rich, reacting])
def test_the_judge_strikes_in_the_same_months(data: Any) -> None:
    instance = loaded(striking(data()))
    game = Game(instance)
    evaluation = game.evaluate(game.announce("half"))
    announced = evaluation.announced
    audit = Audit(
        instance, Claim(announced.path, instance.strategies["half"].fed, True, announced.conceded, announced.chance)
    )
    paths = np.array([game.market.tree.path(scenario) for scenario in range(game.market.tree.scenarios)])
    assert audit.probabilities(leader=False) == pytest.approx(announced.weight[paths[:, -1]])
    assert audit.probabilities(leader=True) == pytest.approx(announced.leader_weight[paths[:, -1]])
    assert audit.licences == pytest.approx(announced.licence[paths])
    assert audit.solution.objective == pytest.approx(evaluation.response.cost, rel=1e-7)


def test_an_answer_is_certified() -> None:
    answer = solve(loaded(striking(rich())), "half")
    assert answer.certificate.proof == "BILEVEL_FEASIBLE"
    assert all(check.ok for check in answer.certificate.checks)


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (["2025-02", "2025-02"], "2025-02 twice"),
        (["2025-02", "2025-09"], "its own phase"),
        (["2024-12"], "its own phase"),
        ([], "names no month"),
    ],
)
def test_months_that_cannot_be_are_refused(months: list[str], said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(striking(rich(), months))


def test_two_ways_to_say_when_are_one_too_many() -> None:
    with pytest.raises(InvalidInstance, match="beside breakdown"):
        loaded(changed(rich(), "phases.squeeze.breakdowns", MONTHS))
