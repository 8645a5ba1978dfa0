"""Sentences of studies say no more than the intervals of what they rest on allow."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.models.licensing.pages.studies import montecarlo, sensitivity, sweep

OPENING = {
    "design": {"points": 8, "kind": "a design", "parameters": [{}], "seed": 1},
    "runs": {"infeasible": 0, "failed": 0, "not run": 0},
}


def interval(estimate: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": estimate, "low": low, "high": high}


def indices(alone: dict[str, float], count: int = 2) -> str:
    row = {"total": interval(0.98, 0.45, 1.52), "first_order": interval(0.9, 0.4, 1.4)}
    result: dict[str, Any] = OPENING | {
        "method": "sobol", "strategy": "open", "against": [], "of": count, "alone": alone,
        "outcome": {"mean_musd": 1.0, "deviation_musd": 2.0, "positive": 0.5},
        "indices": [row | {"parameter": f"p{at}"} for at in range(count)],
    }  # fmt: skip
    return " ".join(sensitivity.sentences(result))


def test_interactions_are_said_only_where_the_interval_excludes_that_there_are_none() -> None:
    assert "80 % (70 to 90) of the variance; the rest comes from interactions" in indices(interval(0.8, 0.7, 0.9))
    for alone in (interval(0.98, 0.45, 1.52), interval(0.8, 0.6, 1.0), interval(1.3, 1.1, 1.5)):
        said = indices(alone)
        assert "the rest comes from interactions" not in said
        assert "cannot be told" in said


def test_one_number_interacts_with_none() -> None:
    said = indices(interval(0.98, 0.45, 1.52), 1)
    assert "interactions" not in said.replace("with interactions: p0 98 % (45 to 152)", "")
    assert "Alone the numbers" not in said


def effects(highest_left_out: float) -> str:
    rows = [{"parameter": f"p{at}", "mu_star_musd": interval(10.0 - at, 9.0 - at, 11.0 - at)} for at in range(4)]
    rows.append({"parameter": "last", "mu_star_musd": interval(1.0, 0.0, highest_left_out)})
    result: dict[str, Any] = OPENING | {
        "method": "morris", "strategy": "open", "against": [], "of": 5, "indices": rows,
        "outcome": {"mean_musd": 1.0, "deviation_musd": 2.0, "positive": 0.5},
    }  # fmt: skip
    return sensitivity.sentences(result)[-1]


def test_what_may_be_as_large_is_counted() -> None:
    assert effects(5.0).endswith("p3.")
    assert effects(6.5).endswith("by their intervals 1 more may be as large.")


def drawn(low: float, error: float = 1.0) -> str:
    def row(name: str, mean: float, regret: float) -> dict[str, Any]:
        return {
            "strategy": name,
            "mean_musd": mean,
            "standard_error_musd": 1.0,
            "wins": 0.5,
            "largest_regret_musd": regret,
        }

    result: dict[str, Any] = OPENING | {
        "summaries": [row("bold", 10.0, 9.0), row("safe", 8.0, 3.0)],
        "choice": {"expected": ["bold"], "robust": ["safe"]},
        "perfect_information_musd": {"value": 5.0, "standard_error": error},
        "differences": [
            {"first": "safe", "second": "bold", "mean_musd": -2.0, "low_musd": -4.0 - low, "high_musd": -low}
        ],
        "dominance": {"first_order": []},
        "reoptimised": {"gain_musd": {"value": 5.0, "standard_error": error}},
    }
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
    bar = {"parameter": "p", "turns": False}
    result = {"base_musd": 1.0, "bars": [bar], "missing": [], "strategy": "open", "against": ["half"]}
    assert "at an end of its range" in sweep._tornado_says(result)[1]
