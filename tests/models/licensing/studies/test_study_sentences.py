"""Sentences of studies say no more than the intervals of what they rest on allow."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.engine.study.indices import Interval
from coercivity.engine.study.regret import Estimate
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.pages.studies import montecarlo, sensitivity, sweep
from coercivity.models.licensing.studies.values import (
    Bar,
    Choice,
    DesignFacts,
    Dominance,
    ElementaryEffect,
    ElementaryEffects,
    MonteCarlo,
    OutcomeFacts,
    PairDifference,
    Quantiles,
    Reoptimised,
    SobolIndex,
    SobolIndices,
    StrategySummary,
    StudyAnswer,
    TornadoSweep,
)

HEAD: dict[str, Any] = vars(
    StudyAnswer(
        schema_version=1,
        command="a study",
        instance=Subject("a", "An instance", "0"),
        what="evaluate",
        strategies=("open", "half"),
        design=DesignFacts("a design", 8, 1, ()),
        runs={"infeasible": 0, "failed": 0, "not run": 0},
        failures=(),
        shard=None,
        caveats=(),
        precision="",
        manifest={},
    )
)
OUTCOME = OutcomeFacts(1.0, 2.0, 0.5)


def indices(alone: Interval, count: int = 2) -> str:
    total, first = Interval(0.98, 0.45, 1.52), Interval(0.9, 0.4, 1.4)
    rows = tuple(SobolIndex(f"p{at}", first, total, "1") for at in range(count))
    result = SobolIndices(
        **HEAD, method="sobol", strategy="open", against=(), of=count, indices=rows, alone=alone, outcome=OUTCOME
    )
    return " ".join(sensitivity.sentences(result))


def test_interactions_are_said_only_where_the_interval_excludes_that_there_are_none() -> None:
    assert "80 % (70 to 90) of the variance; the rest comes from interactions" in indices(Interval(0.8, 0.7, 0.9))
    for alone in (Interval(0.98, 0.45, 1.52), Interval(0.8, 0.6, 1.0), Interval(1.3, 1.1, 1.5)):
        said = indices(alone)
        assert "the rest comes from interactions" not in said
        assert "cannot be told" in said


def test_one_number_interacts_with_none() -> None:
    said = indices(Interval(0.98, 0.45, 1.52), 1)
    assert "interactions" not in said.replace("with interactions: p0 98 % (45 to 152)", "")
    assert "Alone the numbers" not in said


def effects(highest_left_out: float) -> str:
    rows = [ElementaryEffect(f"p{at}", 0.0, Interval(10.0 - at, 9.0 - at, 11.0 - at), 0.0, "1") for at in range(4)]
    rows.append(ElementaryEffect("last", 0.0, Interval(1.0, 0.0, highest_left_out), 0.0, "1"))
    result = ElementaryEffects(
        **HEAD, method="morris", strategy="open", against=(), of=5, indices=tuple(rows), outcome=OUTCOME
    )
    return sensitivity.sentences(result)[-1]


def test_what_may_be_as_large_is_counted() -> None:
    assert effects(5.0).endswith("p3.")
    assert effects(6.5).endswith("by their intervals 1 more may be as large.")


def drawn(low: float, error: float = 1.0) -> str:
    def row(name: str, mean: float, regret: float) -> StrategySummary:
        return StrategySummary(name, mean, 1.0, Quantiles(*[mean] * 5), 0.5, 0.0, regret, 0.0)

    result = MonteCarlo(
        **HEAD,
        summaries=(row("bold", 10.0, 9.0), row("safe", 8.0, 3.0)),
        choice=Choice(("bold",), ("safe",)),
        perfect_information_musd=Estimate(5.0, error),
        differences=(PairDifference("safe", "bold", -2.0, -4.0 - low, -low, 0.5),),
        dominance=Dominance((), ()),
        power=(),
        reoptimised=Reoptimised(15.0, Estimate(5.0, error)),
    )
    return " ".join(montecarlo.sentences(result))


def test_a_mean_is_higher_only_where_its_interval_excludes_the_contrary() -> None:
    sure, unsure = drawn(1.0), drawn(-0.5)
    assert "do not tell its average" not in sure
    assert "2.0 million USD less on average" in sure
    assert "These draws do not tell its average from that of safe" in unsure
    assert "on average not told from it" in unsure


@pytest.mark.parametrize(("error", "count"), [(1.0, 0), (3.0, 2)])
def test_a_gain_is_one_only_where_its_interval_excludes_nothing(error: float, count: int) -> None:
    assert drawn(1.0, error).count("which these draws do not tell from nothing") == count


def test_a_tornado_speaks_of_the_ends_it_has_weighed() -> None:
    bar = Bar("p", "1", 0.0, 1.0, 1.0, 2.0, 1.0, False)
    result = TornadoSweep(**HEAD, strategy="open", against=("half",), bars=(bar,), base_musd=1.0, missing=())
    assert "at an end of its range" in sweep.sentences(result)[2]
