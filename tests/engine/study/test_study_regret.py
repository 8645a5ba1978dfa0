"""Strategies on the same draws: figures by hand, identities, intervals that cover, dominance by brute force."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coercivity.engine.errors import UsageError
from coercivity.engine.study.regret import (
    QUANTILES,
    Payoffs,
    choice,
    differences,
    dominance,
    expected_value_of_perfect_information,
    summaries,
)

NAMES = ["bold", "safe", "mixed"]
#                 bold  safe mixed   best
TABLE = np.array([[9.0, 3.0, 6.0],  # 9
                  [0.0, 3.0, 2.0],  # 3
                  [5.0, 3.0, 5.0],  # 5, a tie
                  [1.0, 3.0, 2.0]])  # 3  # fmt: skip


@st.composite
def tables(draw: Any, weighted: bool = True) -> Payoffs:
    n, m = draw(st.integers(3, 8)), draw(st.integers(1, 4))
    values = [[draw(st.integers(-3, 3)) for _ in range(m)] for _ in range(n)]
    weights = [draw(st.integers(1, 3)) for _ in range(n)] if weighted else None
    return Payoffs([f"s{at}" for at in range(m)], values, weights)


# -- known answers -------------------------------------------------------------------------------------------------


def test_figures_by_hand() -> None:
    bold, safe, mixed = summaries(Payoffs(NAMES, TABLE))
    # Means 15/4, 3 and 15/4; regrets of bold 0, 3, 0, 2, of safe 6, 0, 2, 0, of mixed 3, 1, 0, 1.
    assert [row.expected.value for row in (bold, safe, mixed)] == [3.75, 3.0, 3.75]
    assert [row.largest_regret for row in (bold, safe, mixed)] == [3.0, 6.0, 3.0]
    assert [row.expected_regret.value for row in (bold, safe, mixed)] == [1.25, 2.0, 1.25]
    # Bold wins the first draw and half of the third.
    assert [row.wins for row in (bold, safe, mixed)] == [0.375, 0.5, 0.125]
    assert [row.ties for row in (bold, safe, mixed)] == [0.25, 0.0, 0.25]
    # The deviations of bold are 5.25, −3.75, 1.25, −2.75; their squares add up to 50.75.
    assert bold.expected.standard_error == pytest.approx(math.sqrt(50.75 / 3 / 4))
    assert bold.quantiles == (0.0, 0.0, 1.0, 5.0, 9.0)
    assert safe.expected.standard_error == 0.0
    chosen = choice(Payoffs(NAMES, TABLE))
    assert (chosen.expected, chosen.robust) == (("bold", "mixed"), ("bold", "mixed"))
    # Knowing the draw gives (9 + 3 + 5 + 3)/4 = 5.
    assert expected_value_of_perfect_information(Payoffs(NAMES, TABLE)).value == 1.25


def test_the_robust_choice_may_be_another_one() -> None:
    # Regrets of a 0, 0, 4; of b 2, 2, 0.
    chosen = choice(Payoffs(["a", "b"], [[5.0, 3.0], [5.0, 3.0], [0.0, 4.0]]))
    assert (chosen.expected, chosen.robust) == (("a", "b"), ("b",))
    chosen = choice(Payoffs(["a", "b"], [[5.0, 3.0], [5.0, 3.0], [0.0, 3.5]]))
    assert (chosen.expected, chosen.robust) == (("a",), ("b",))


def test_one_draw_of_large_payoffs_makes_no_ties_elsewhere() -> None:
    # In the last draw all tie but for rounding; in the others b is one better, which is no rounding there.
    table = [[5.0, 6.0], [5.0, 6.0], [5.0, 6.0], [1e12 + 100.0, 1e12]]
    chosen = choice(Payoffs(["a", "b"], table))
    assert (chosen.expected, chosen.robust) == (("b",), ("b",))
    tie = choice(Payoffs(["a", "b"], [[5.0, 5.0 + 1e-10], [1e12, 1e12 + 100.0]]))
    assert (tie.expected, tie.robust) == (("a", "b"), ("a", "b"))


def test_payoffs_of_any_size_give_figures_or_a_sentence() -> None:
    plain, huge = (summaries(Payoffs(NAMES, scale * TABLE)) for scale in (1.0, 2.0**1000))
    for one, other in zip(plain, huge, strict=True):
        assert other.expected.standard_error == 2.0**1000 * one.expected.standard_error
    with pytest.raises(UsageError, match="larger unit"):
        Payoffs(["a", "b"], [[1e308, -1e308], [0.0, 1.0]])


def test_paired_differences_by_hand() -> None:
    first = differences(Payoffs(NAMES, TABLE))[1]
    # Bold less mixed: 3, −2, 0, −1, mean 0, standard deviation √(14/3), t(0.975, 3) = 3.182446.
    assert (first.first, first.second, first.ahead) == ("bold", "mixed", 0.25)
    half = 3.182446305284263 * math.sqrt(14 / 3 / 4)
    assert (first.low, first.high) == pytest.approx((-half, half))
    assert len(differences(Payoffs(NAMES, TABLE))) == 3


def test_what_strikes_all_alike_cancels_from_a_difference() -> None:
    draw = np.random.default_rng(1)
    common = 100 * draw.standard_normal(1000)
    payoffs = Payoffs(["a", "b"], np.column_stack([common + 1 + draw.standard_normal(1000), common]))
    (row,) = differences(payoffs)
    assert row.mean.standard_error < 0.05 < 3 < summaries(payoffs)[0].expected.standard_error
    assert row.low > 0.5


def test_known_stochastic_dominance() -> None:
    # b is a with one more everywhere; c has the mean of a and half of its spread; d is a in another order.
    a = np.array([0.0, 2.0, 4.0, 6.0])
    found = dominance(Payoffs(["a", "b", "c", "d"], np.column_stack([a, a + 1, 1.5 + a / 2, a[::-1]])))
    assert found.first_order.astype(int).tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert found.second_order.astype(int).tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0]]


def test_the_worth_of_information_of_normal_payoffs() -> None:
    # Of 0 and X ~ N(0, 1) the better one has the mean 1/√(2π): perfect information is worth that.
    draws = np.random.default_rng(2).standard_normal(100_000)
    found = expected_value_of_perfect_information(Payoffs(["none", "x"], np.column_stack([0 * draws, draws])))
    assert found.value == pytest.approx(1 / math.sqrt(2 * math.pi), abs=4 * found.standard_error)
    # Var max(0, X) = 1/2 − 1/(2π).
    assert found.standard_error == pytest.approx(math.sqrt((0.5 - 0.5 / math.pi) / 1e5), rel=0.02)


def test_intervals_of_differences_cover_as_often_as_they_say() -> None:
    hits = []
    for seed in range(500):
        draw = np.random.default_rng(seed)
        weights = draw.uniform(0.5, 1.5, 40)
        payoffs = Payoffs(["a", "b"], draw.standard_normal((40, 2)) + np.array([0.3, 0.0]), weights)
        (row,) = differences(payoffs, 0.9)
        hits.append(row.low <= 0.3 <= row.high)
    # Three standard deviations of 500 trials at 90 % are 0.04.
    assert np.mean(hits) == pytest.approx(0.9, abs=0.04)


# -- theorems ------------------------------------------------------------------------------------------------------


@given(tables())
def test_regret_is_what_knowing_is_worth_and_the_best_expectation_has_the_least(payoffs: Payoffs) -> None:
    rows = summaries(payoffs)
    informed = payoffs.weights @ payoffs.values.max(axis=1)
    for row in rows:
        assert row.expected_regret.value == pytest.approx(informed - row.expected.value, abs=1e-12)
        assert 0 <= row.expected_regret.value <= row.largest_regret + 1e-12
    assert sum(row.wins for row in rows) == pytest.approx(1)
    best = max(row.expected.value for row in rows)
    chosen = choice(payoffs)
    assert set(chosen.expected) == {row.name for row in rows if row.expected.value >= best - 1e-8}
    worth = expected_value_of_perfect_information(payoffs)
    assert worth.value == pytest.approx(min(row.expected_regret.value for row in rows))
    assert min(worth.value, worth.standard_error) >= 0


@given(tables())
def test_a_weight_of_two_is_the_draw_twice(payoffs: Payoffs) -> None:
    counts = np.rint(payoffs.weights / payoffs.weights.min() * 6).astype(int)
    again = Payoffs(payoffs.names, np.repeat(payoffs.values, counts, axis=0))
    for one, two in zip(summaries(payoffs), summaries(again), strict=True):
        assert one.quantiles == two.quantiles
        assert (one.wins, one.ties, one.largest_regret) == pytest.approx((two.wins, two.ties, two.largest_regret))
        assert one.expected.value == pytest.approx(two.expected.value)
    assert (dominance(payoffs).first_order == dominance(again).first_order).all()
    assert (dominance(payoffs).second_order == dominance(again).second_order).all()


@given(tables(weighted=False))
def test_equal_weights_are_no_weights_and_draws_without_weight_are_no_draws(payoffs: Payoffs) -> None:
    n, m = payoffs.values.shape
    equal = Payoffs(payoffs.names, payoffs.values, np.full(n, 0.1))
    more = Payoffs(payoffs.names, np.vstack([payoffs.values, 99.0 * np.arange(m)]), [3.0] * n + [0.0])
    for other in (equal, more):
        regrets = [row.largest_regret for row in summaries(payoffs)]
        assert [row.largest_regret for row in summaries(other)] == regrets
        assert [row.quantiles for row in summaries(other)] == [row.quantiles for row in summaries(payoffs)]
        for one, two in zip(differences(other), differences(payoffs), strict=True):
            assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=1e-9)
    for at in range(m):
        column = payoffs.values[:, at]
        assert summaries(payoffs)[at].quantiles == tuple(np.quantile(column, QUANTILES, method="inverted_cdf"))
        error = column.std(ddof=1) / math.sqrt(n)
        assert summaries(payoffs)[at].expected.standard_error == pytest.approx(error, abs=1e-12)


@given(tables())
def test_dominance_is_what_its_definition_says(payoffs: Payoffs) -> None:
    """By distribution functions and their integrals at every payoff, which is another way than by quantiles."""
    found = dominance(payoffs)
    levels = np.unique(payoffs.values)
    below = (payoffs.values[:, :, None] <= levels) * payoffs.weights[:, None, None]
    lost = np.maximum(levels - payoffs.values[:, :, None], 0) * payoffs.weights[:, None, None]
    for figures, matrix in ((below.sum(axis=0), found.first_order), (lost.sum(axis=0), found.second_order)):
        for i, j in itertools.product(range(len(payoffs.names)), repeat=2):
            more = figures[j] - figures[i]
            assert matrix[i, j] == ((more >= -1e-12).all() and (more > 1e-12).any())


@given(tables())
def test_first_order_implies_second_order_implies_a_higher_mean(payoffs: Payoffs) -> None:
    found = dominance(payoffs)
    means = payoffs.weights @ payoffs.values
    assert (found.second_order | ~found.first_order).all()
    assert not (found.second_order & found.second_order.T).any()
    assert not found.second_order.diagonal().any()
    assert (means[:, None] - means[None, :])[found.second_order].min(initial=0) >= -1e-9


@given(tables(), st.sampled_from([1e-6, 1.0, 1e6]))
def test_another_currency_changes_no_choice(payoffs: Payoffs, rate: float) -> None:
    other = Payoffs(payoffs.names, rate * payoffs.values, payoffs.weights)
    assert choice(other) == choice(payoffs)
    assert [row.wins for row in summaries(other)] == pytest.approx([row.wins for row in summaries(payoffs)])
    assert (dominance(other).second_order == dominance(payoffs).second_order).all()


def test_rounding_is_a_tie_and_no_dominance() -> None:
    payoffs = Payoffs(["a", "b"], [[1e6, 1e6 + 1e-5], [5.0, 5.0], [0.1 + 0.2, 0.3]])
    assert [(row.wins, row.ties) for row in summaries(payoffs)] == [(0.5, 1.0)] * 2
    assert choice(payoffs).expected == choice(payoffs).robust == ("a", "b")
    assert not dominance(payoffs).second_order.any()
    assert differences(payoffs)[0].ahead == 0.0
    # One part in 10¹¹ more in every draw is nothing; two parts in 10⁹ in one of four are a little, of either order.
    for more, is_more in ([1e-5] * 4, False), ([0.0, 0.0, 0.0, 2e-3], True):
        found = dominance(Payoffs(["a", "b"], np.column_stack([np.full(4, 1e6) + more, np.full(4, 1e6)])))
        assert found.first_order.tolist() == found.second_order.tolist() == [[False, is_more], [False, False]]


def test_a_single_strategy_wins_always_and_leaves_nothing_to_know() -> None:
    payoffs = Payoffs(["only"], [[1.0], [2.0]])
    (row,) = summaries(payoffs)
    assert (row.wins, row.ties, row.largest_regret) == (1.0, 0.0, 0.0)
    assert expected_value_of_perfect_information(payoffs).value == 0.0
    assert differences(payoffs) == ()


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [math.nan, math.inf])
def test_draws_without_a_value_are_refused_and_counted(gap: float) -> None:
    table = np.tile(TABLE, (300, 1))
    table[[3, 5, 1100], 1] = gap
    table[5, 2] = gap
    with pytest.raises(UsageError, match="3 of 1,200 draws have no value for some strategy, 3 of them for 'safe'"):
        Payoffs(NAMES, table)


@pytest.mark.parametrize(
    ("names", "values", "weights", "what"),
    [
        (["a", "b"], TABLE, None, "for 2 strategies"),
        (["a", "b", "a"], TABLE, None, "for 3 strategies"),
        ([], np.zeros((3, 0)), None, "for 0 strategies"),
        (["a"], [1.0, 2.0], None, "shape"),
        (NAMES, TABLE, [1.0, 1.0], "weights"),
        (NAMES, TABLE, [1.0, 1.0, 1.0, -1.0], "weights"),
        (NAMES, TABLE, [1.0, 1.0, 1.0, math.nan], "weights"),
        (NAMES, TABLE, [0.0, 0.0, 0.0, 0.0], "two effective draws"),
        (NAMES, TABLE, [9.0, 1.0, 0.0, 0.0], "two effective draws"),
        (NAMES, TABLE[:1], None, "two effective draws"),
        (NAMES, TABLE[:0], None, "two effective draws"),
    ],
)
def test_tables_and_weights_that_do_not_fit_are_refused(names: Any, values: Any, weights: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        Payoffs(names, values, weights)


def test_a_confidence_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not between 0 and 1"):
        differences(Payoffs(NAMES, TABLE), 95.0)


def test_the_chart_of_payoffs_shows_the_quantiles_of_the_table() -> None:
    from coercivity.engine.study.regret import _quantiles
    from coercivity.models.licensing.pages.studies.montecarlo import _ranges

    # Seven draws: an interpolated 5 % quantile would lie between the least two, which no draw paid.
    values = np.array([3.0, -1.0, 4.0, 1.0, 5.0, 9.0, 2.0])
    (drawn,) = _ranges(["a"], values[:, None], np.min)
    told = _quantiles(values, np.full(7, 1.0 / 7.0))
    assert [drawn[key] for key in ("p5", "p25", "p50", "p75", "p95")] == pytest.approx(told)
