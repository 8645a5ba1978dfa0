"""Fear that fades: with tonnes delivered, not with a posture's name; the judge counts the months again."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.leader.commit import Game
from tests.models.licensing.announcement.test_reactions import game
from tests.rich_instance import loaded, reacting

FADING = {"half_life": "1 yr", "full": "95 %"}


def feared(data: dict[str, Any], name: str) -> list[float]:
    found = Game(loaded(data))
    hazard: list[float] = found.announce(name).hazard.tolist()
    return hazard


def remembering(fading: dict[str, Any] | None = None, licensed: str = "open", **changes: Any) -> dict[str, Any]:
    """The toy of two phases with trust; after a squeeze the second phase is open, or licensed in part."""
    data = game(**changes)
    data["postures"]["open"]["conduct"] = "kind"
    data["postures"]["half"]["conduct"] = "harsh"
    data["postures"]["steward"] |= {"conduct": "kind", "licensed": licensed}
    data["trust"] = {
        "initial": "calm", "conducts": ["kind", "harsh"],
        "states": {"calm": {"title": "Calm", "fear": 1}, "wary": {"title": "Wary", "fear": 5}},
        "moves": {"calm": {"harsh": "wary"}},
    } | ({} if fading is None else {"fading": fading})  # fmt: skip
    data["strategies"]["turn"] = {
        "title": "Turn", "rules": [{"posture": "half"}, {"posture": "steward", "phase": "later"}],
    }  # fmt: skip
    return data


def test_fear_falls_by_half_in_its_half_life_while_deliveries_are_full() -> None:
    # Half a year of the second phase: months 0.5, 1.5, … 5.5 on the clock of a year's half-life.
    left = sum(0.5 ** ((month + 0.5) / 12) for month in range(6)) / 6
    assert feared(remembering(), "relent")[1] == pytest.approx(0.04 * 5)
    assert feared(remembering(FADING), "relent")[1] == pytest.approx(0.04 * (1 + 4 * left))
    assert feared(remembering(FADING | {"half_life": "100 yr"}), "relent")[1] == pytest.approx(0.04 * 5, rel=0.01)


def test_what_counts_is_tonnes_and_not_the_posture_s_name() -> None:
    full, short = (feared(remembering(FADING, licensed), "turn")[1] for licensed in ("100 %", "90 %"))
    assert full < short == pytest.approx(0.04 * 5)


def test_nobody_fears_less_than_in_the_calmest_state() -> None:
    assert feared(remembering(FADING), "open") == feared(remembering(), "open")


def test_less_fear_means_fewer_plants_and_more_payoff() -> None:
    def played(fading: dict[str, Any] | None) -> tuple[float, float]:
        found = Game(loaded(remembering(fading, rivals__mine__expansion__capex="130 USD/(kg/yr)")))
        evaluation = found.evaluate(found.announce("relent"))
        return float(evaluation.response.plan["expansion"].sum()), evaluation.optimistic

    (built, worth), (built_less, worth_more) = played(None), played({"half_life": "0.2 yr", "full": "95 %"})
    assert built_less < built - 100.0
    assert worth_more > worth + 5.0


@pytest.mark.parametrize("strategy", ["half", "open"])
def test_the_judge_counts_the_months_again(strategy: str) -> None:
    data = reacting()
    data["trust"]["fading"] = {"half_life": "0.5 yr", "full": "45 %"}
    instance = loaded(data)
    found = Game(instance)
    announced = found.announce(strategy)
    audit = Audit(instance, Claim(announced.path, instance.strategies[strategy].fed, True, announced.conceded))
    assert audit.feared == pytest.approx(announced.hazard.tolist())
    paths = [int(found.market.tree.path(scenario)[-1]) for scenario in range(found.market.tree.scenarios)]
    assert audit.probabilities(leader=False) == pytest.approx(announced.weight[paths])
