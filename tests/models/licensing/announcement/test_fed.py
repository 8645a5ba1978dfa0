"""Volumes of the record: split over blocs by their imports, or as the record tells; the judge splits them too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.leader.commit import Game
from tests.rich_instance import changed, loaded, rich

MONTH = "2025-02"


def recorded(**shares: str) -> dict[str, Any]:
    data = rich()
    data["postures"]["half"]["licensed"] = "50 %"
    return changed(data, "strategies.half.fed_shares", {MONTH: shares}) if shares else data


def licensed(data: dict[str, Any]) -> np.ndarray:
    """Tonnes by bloc in the fed month."""
    game = Game(loaded(data))
    announced = game.announce("half")
    period = int(np.flatnonzero(game.market.grid.start == 12 * 2025 + 1)[0])
    return np.asarray(announced.licence[period].sum(axis=1))


def test_a_fed_month_is_split_as_the_record_tells() -> None:
    assert licensed(recorded()) == pytest.approx([15.0, 15.0])
    assert licensed(recorded(west="80 %", east="20 %")) == pytest.approx([24.0, 6.0])
    assert licensed(recorded(west="100 %")) == pytest.approx([30.0, 0.0])


def test_who_is_given_more_suffers_less() -> None:
    def short(data: dict[str, Any]) -> np.ndarray:
        game = Game(loaded(data))
        plan = game.followers.respond(game.announce("half")).plan["unmet"]
        return np.asarray(plan[: len(game.market.grid)].sum(axis=(0, 2, 3, 4)))

    alike, uneven = short(recorded()), short(recorded(west="90 %", east="10 %"))
    assert uneven[0] <= alike[0] + 1e-6
    assert uneven[1] >= alike[1] - 1e-6
    assert uneven[1] - uneven[0] > alike[1] - alike[0]


def test_the_judge_splits_them_too() -> None:
    instance = loaded(recorded(west="70 %", east="30 %"))
    game = Game(instance)
    response = game.followers.respond(game.announce("half"))
    audit = Audit(instance, Claim(response.announced.path, instance.strategies["half"].fed))
    paths = np.array([game.market.tree.path(scenario) for scenario in range(game.market.tree.scenarios)])
    assert audit.licences == pytest.approx(response.announced.licence[paths])
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-7)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({MONTH: {"west": "60 %", "east": "30 %"}}, "the shares add up to 0.9"),
        ({MONTH: {"west": "60 %", "est": "40 %"}}, "unknown bloc 'est'"),
        ({"2025-03": {"west": "100 %"}}, "no volume is fed in 2025-03"),
    ],
)
def test_shares_that_say_nothing_are_refused(shares: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(changed(rich(), "strategies.half.fed_shares", shares))


GRANTED = {"west": "70 %", "east": "30 %"}


def test_a_posture_may_grant_its_licences_in_other_shares() -> None:
    """The same tonnes in all, given to others; the judge gives them to the same."""
    data = rich()
    data["strategies"]["half"].pop("fed_volumes")
    data["strategies"]["half"]["rules"] = [{"posture": "half"}]
    uneven = changed(data, "postures.half.granted", GRANTED)
    games = [Game(loaded(which)) for which in (data, uneven)]
    alike, given = (game.announce("half").licence[: len(game.market.grid)][2].sum(axis=1) for game in games)
    assert given.sum() == pytest.approx(alike.sum())
    assert given / given.sum() == pytest.approx([0.7, 0.3])
    response = games[1].followers.respond(games[1].announce("half"))
    audit = Audit(loaded(uneven), Claim(response.announced.path, {}))
    assert audit.solution.objective == pytest.approx(response.cost, rel=1e-7)
    short = [game.followers.respond(game.announce("half")).plan["unmet"][:6].sum(axis=(0, 2, 3, 4)) for game in games]
    assert short[1][0] <= short[0][0] + 1e-6
    assert short[1][1] > short[0][1]


@pytest.mark.parametrize(
    ("posture", "shares", "said"),
    [
        ("half", {"west": "70 %"}, "the shares add up to 0.7"),
        ("half", {}, "no share in it"),
        ("open", GRANTED, "the posture is open trade"),
    ],
)
def test_grants_that_say_nothing_are_refused(posture: str, shares: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInstance, match=said):
        loaded(changed(rich(), f"postures.{posture}.granted", shares))


def filed_in_a_fed_month(then: str) -> np.ndarray:
    """Tonnes of the trunk [t] of a strategy whose phase after the fed month is ``then``."""
    data = rich()
    data["postures"]["half"]["processing"] = "45 day"
    data = changed(data, "phases", {"squeeze": {"begins": "2025-01"}, "after": {"begins": "2025-04"}})
    data = changed(data, "postures.generous", {**data["postures"]["half"], "licensed": "90 %", "processing": "0 day"})
    rules = [{"posture": then}, {"posture": "half", "phase": "squeeze"}]
    data = changed(data, "strategies.half", {"title": "Half", "rules": rules, "fed_volumes": {"2025-03": "30 t"}})
    instance = loaded(data)
    game = Game(instance)
    announced = game.announce("half")
    audit = Audit(instance, Claim(announced.path, instance.strategies["half"].fed))
    paths = np.array([game.market.tree.path(scenario) for scenario in range(game.market.tree.scenarios)])
    assert audit.licences == pytest.approx(announced.licence[paths])
    return np.asarray(announced.licence[: len(game.market.grid)].sum(axis=(1, 2)))


def test_filings_of_a_fed_month_lapse_under_another_posture() -> None:
    """What was recorded in March is not delivered a second time in April and May; what was filed in February is."""
    kept, lapsed = filed_in_a_fed_month("half"), filed_in_a_fed_month("generous")
    game = Game(loaded(rich()))
    monthly = game.market.forecast[:5].sum(axis=(1, 2))
    late = 45 * 12 / 365 - 1.0
    february, march = 0.5 * monthly[1], 0.5 * monthly[2]
    assert lapsed[3] - 0.9 * monthly[3] == pytest.approx((1.0 - late) * 0.0 + late * february)
    assert lapsed[4] == pytest.approx(0.9 * monthly[4])
    assert kept[4] == pytest.approx(late * march + (1.0 - late) * 0.5 * monthly[3])
