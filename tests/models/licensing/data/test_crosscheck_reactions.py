"""Every cross-check of what a strategy sets off is seen to fail, at its place, with words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.data.crosschecks.market import cross_check
from tests.rich_instance import DELETE, changed, loaded, reacting, rich

RULE = [{"posture": "hlf", "group": "al", "phase": "lat", "product": "x"}]
CASES: list[tuple[str, Any, str, str]] = [
    # path, value put there, path of the finding, words of the finding and its fix
    ("trust", DELETE, "postures.half.conduct", "no automaton of trust; add trust"),
    ("postures.half.conduct", DELETE, "postures.half", "no conduct; one of kind, harsh"),
    ("postures.half.conduct", "hash", "postures.half.conduct", "unknown conduct 'hash'; 'harsh'"),
    ("trust.initial", "wry", "trust.initial", "unknown state 'wry'; 'wary'"),
    ("trust.conducts", ["kind", "harsh", "kind"], "trust.conducts.2", "'kind' stands twice"),
    ("trust.moves.wry", {}, "trust.moves.wry", "unknown state 'wry'"),
    ("trust.moves.calm.hash", "wary", "trust.moves.calm.hash", "unknown conduct 'hash'"),
    ("trust.moves.calm.harsh", "wry", "trust.moves.calm.harsh", "unknown state 'wry'"),
    ("trust.states.wary.fear", 0.001, "trust.states.wary.fear", "too small to be told from none; at least 0.01"),
    ("trust.states.wary.fear", 0, "trust.states.wary.fear", "rule out the breakdown that the leader expects of 'half'"),
    ("countermeasures.duties.bloc", "wst", "countermeasures.duties.bloc", "unknown bloc 'wst'; 'west'"),
    ("blocs.west.imports", {"magnets": "0 t/yr", "light": "0 t/yr"}, "countermeasures.duties.bloc", "imports nothing; no share"),
    ("countermeasures.duties.threshold", 0, "countermeasures.duties.threshold", "never be set off"),
    ("countermeasures.duties.funding.min", 1, "countermeasures.duties.funding.min", "unknown rival 'min'; 'mine'"),
    ("rivals.mine.expansion", DELETE, "countermeasures.duties.funding.mine", "nothing to fund; an expansion"),
    ("rivals.mine.support.begins", "2028-01", "rivals.mine.support.begins", "when the calendar is over; 2027-12"),
    ("firms.major.export_share", "80 %", "firms", "add up to 1.1, more than 1"),
    ("firms.major.fixed_cost", "99 million USD/yr", "firms.major.fixed_cost", "loses; million USD a year; lower it"),
    ("leader.public_funds", DELETE, "firms.major.rescue", "what public money costs; add leader.public_funds"),
    ("home.price", "0 USD/kg", "home.price", "cannot fall"),
    ("buyers.price_risk", DELETE, "postures.half.corridor", "what buyers would pay; add buyers.price_risk"),
    ("calendar", {"start": "2025-01", "months": 2, "quarters": 0, "years": 4}, "postures.half.release", "no calendar quarter"),
    ("concession.types.soft.weight", "30 %", "concession.types", "add up to 0.9, not 1"),
    ("concession.begins", "4 yr", "concession.begins", "no period begins any more; at most 24 months"),
    ("concession.probability", "30 %", "concession.probability", "'probability' beside types"),
    ("concession.curve", [{"pressure": "0 million USD", "probability": 0}], "concession.curve", "'curve' beside types"),
    ("concession.types", {}, "strategies.half.if_conceded", "type that decides; add concession.window"),
    ("strategies.half.if_conceded", RULE, "strategies.half.if_conceded.0.posture", "unknown posture 'hlf'; 'half'"),
    ("strategies.half.if_conceded", RULE, "strategies.half.if_conceded.0.group", "unknown group 'al'; 'all'"),
    ("strategies.half.if_conceded", RULE, "strategies.half.if_conceded.0.phase", "unknown phase 'lat'; 'late'"),
    ("strategies.half.if_conceded", RULE, "strategies.half.if_conceded.0.product", "unknown product 'x'"),
]  # fmt: skip


def test_the_instance_with_everything_has_no_fault() -> None:
    assert cross_check(loaded(reacting())) == []


def test_without_a_concession_nobody_concedes() -> None:
    data = rich()
    del data["concession"], data["observations"]
    data["strategies"]["half"]["if_conceded"] = [{"posture": "open"}]
    with pytest.raises(InvalidInstance, match="type that decides"):
        loaded(data)


@pytest.mark.parametrize(
    ("path", "value", "where", "words"), CASES, ids=[f"{path}-{words[:20]}" for path, _, _, words in CASES]
)
def test_each_check_is_seen_to_fail(path: str, value: Any, where: str, words: str) -> None:
    with pytest.raises(InvalidInstance) as refused:
        loaded(changed(reacting(), path, value))
    found = list(refused.value.findings)
    texts = [f"{finding.what} {finding.fix}" for finding in found if finding.path == where]
    assert any(all(word in text for word in words.split("; ")) for text in texts), [str(finding) for finding in found]
    assert all(finding.fix and finding.place.startswith("rich.yaml:") for finding in found)


def test_all_faults_come_at_once() -> None:
    data = changed(reacting(), "trust.initial", "x")
    data = changed(data, "countermeasures.duties.bloc", "y")
    data = changed(data, "home.price", "0 USD/kg")
    with pytest.raises(InvalidInstance) as refused:
        loaded(data)
    assert {"trust.initial", "countermeasures.duties.bloc", "home.price"} <= {x.path for x in refused.value.findings}
