"""Closing sentences of studies: the numbers that they tell, and no more than the intervals allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coercivity.engine.study.indices import Interval
from coercivity.engine.study.regret import Estimate
from coercivity.models import door
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.pages.studies.short import in_short, sentences, share_between
from coercivity.models.licensing.studies.values import (
    Choice,
    DesignFacts,
    Dominance,
    MonteCarlo,
    OutcomeFacts,
    PairDifference,
    Quantiles,
    SobolIndex,
    SobolIndices,
    StrategySummary,
    Wins,
)

HEAD: dict[str, Any] = {
    "schema_version": 1, "command": "a study", "instance": Subject("a", "An instance", "0"), "what": "evaluate",
    "strategies": ("open", "half"), "design": DesignFacts("a design", 100, 1, ()),
    "runs": {"done": 100, "infeasible": 0, "failed": 0, "not run": 0}, "failures": (), "shard": None, "caveats": (),
    "precision": "", "manifest": {},
}  # fmt: skip


def drawn(low: float, high: float, wins: float = 0.6) -> MonteCarlo:
    quantiles = Quantiles(1.0, 2.0, 3.0, 4.0, 5.0)
    rows = tuple(
        StrategySummary(name, mean, 1.0, quantiles, share, 0.0, 5.0, 1.0)
        for name, mean, share in (("open", 12.0, wins), ("half", 10.0, 1.0 - wins))
    )
    pair = PairDifference("half", "open", -2.0, -high, -low, 0.4)
    return MonteCarlo(
        **HEAD, summaries=rows, choice=Choice(("open",), ("half",)), perfect_information_musd=Estimate(1.0, 0.1),
        differences=(pair,), dominance=Dominance((), ()), power=(),
    )  # fmt: skip


def test_draws_tell_two_averages_apart_only_where_the_interval_does() -> None:
    sure, doubtful = (" ".join(sentences(drawn(low, 5.0))) for low in (1.0, -1.0))
    assert "open earns more on average than half, the next: 2.0 million USD (95 % from 1.0 million USD to 5.0" in sure
    assert "do not tell whether open or half earns more" in doubtful
    assert "earns more on average than" not in doubtful
    assert "60% of the draws (95 % from 50% to 69%)" in sure


def test_a_share_of_few_draws_is_a_wide_interval() -> None:
    for share, n in ((0.0, 10), (0.5, 10), (1.0, 10), (0.5, 1000)):
        low, high = share_between(share, n)
        assert 0.0 <= low <= share <= high + 1e-12
        assert high <= 1.0 + 1e-12
    assert share_between(0.0, 10)[1] > 0.2
    assert share_between(0.3, 0) == (0.0, 1.0)


def indices(high_of_second: float) -> SobolIndices:
    rows = (
        SobolIndex("big", Interval(0.6, 0.5, 0.7), Interval(0.7, 0.6, 0.8), "1"),
        SobolIndex("small", Interval(0.2, 0.1, 0.3), Interval(0.3, 0.1, high_of_second), "1"),
    )
    return SobolIndices(
        **HEAD, method="sobol", strategy="open", against=("half",), of=2, indices=rows, alone=Interval(0.9, 0.8, 1.0),
        outcome=OutcomeFacts(1.0, 2.0, 0.75),
    )  # fmt: skip


def test_one_number_matters_most_only_where_no_interval_overlaps() -> None:
    assert next(sentences(indices(0.5))).startswith("What matters most is big")
    overlapping = " ".join(sentences(indices(0.65)))
    assert "do not tell: big or small" in overlapping
    assert "matters most is" not in overlapping
    assert "at 75% of the points" in overlapping


def test_no_region_is_said_to_be_none() -> None:
    found = Wins(
        **HEAD,
        strategy="half",
        against=("open",),
        density=0.8,
        draws=100,
        wins=0,
        boxes=(),
        coverage=None,
        win_share=0.0,
    )
    told = list(sentences(found))
    assert told[0] == "half beats open in 0% of the draws (95 % from 0% to 4%)."
    assert "No region" in told[1]


def test_the_frontier_tells_what_leverage_costs() -> None:
    found = door.frontier("template", quiet=True, jobs=1)
    first, second = sentences(found)
    rich = max(found.named, key=lambda row: row.payoff_musd)
    strong = max(found.named, key=lambda row: row.leverage_musd[found.phase])
    assert first.startswith(f"Of the named strategies {rich.label} has")
    assert strong.label in first
    for row in found.named:
        assert (row.label in second) == (not row.is_efficient)


def test_a_threshold_says_what_has_to_be_believed() -> None:
    found = door.threshold("template", "concession.value", strategy="coercion", against="open", quiet=True, jobs=1)
    assert list(sentences(found)) == [
        "Whoever prefers coercion to open believes that concession.value lies above 770.5 million USD/yr, or something like it.",
        "No range is stated for them: how likely that is the file does not say.",
    ]
    none = door.threshold("template", "concession.probability", strategy="coercion", against="open", quiet=True, jobs=1)
    assert list(sentences(none)) == ["None of these numbers, alone, makes coercion better than open."]


def test_a_backtest_quotes_hits_and_skill() -> None:
    found = door.backtest("japan-2010", quiet=True)
    told = list(sentences(found))
    judged, skill = found.windows.judge, found.skill
    assert told[0].startswith(f"{judged.hits} of {judged.judged} judged figures are met")
    assert skill.skill is not None
    assert ("better than" in told[1]) == (skill.skill > 0)
    assert f"nearer on {skill.nearer} of {skill.moments}" in told[1]
    worse = replace(found, skill=replace(skill, skill=-0.1))
    assert "no better than" in list(sentences(worse))[1]
    empty = replace(found, windows=replace(found.windows, judge=replace(judged, judged=0, hits=0)))
    assert list(sentences(empty)) == ["Nothing is on record that the model could be judged on."]


@pytest.mark.parametrize("found", [drawn(1.0, 5.0), indices(0.5)], ids=["draws", "indices"])
def test_they_are_two_or_three(found: Any) -> None:
    (block,) = in_short(found)
    assert block.title == "In short"
    assert 2 <= len(block.paragraphs) <= 3
