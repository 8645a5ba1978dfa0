"""Scenario discovery: planted boxes are found, noise is told from signal, and nothing depends on order or units."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from coercivity.engine.errors import UsageError
from coercivity.engine.study.discovery import Discovery, Ending, discover

NAMES = ["a", "b", "c", "d"]


def uniform(n: int, seed: int, d: int = 4) -> Any:
    return np.random.default_rng(seed).random((n, d))


def planted(points: Any) -> Any:
    return (points[:, 0] > 0.6) & (points[:, 2] > 0.2) & (points[:, 2] < 0.7)


def limits(found: Discovery, box: int = 0) -> dict[str, tuple[float | None, float | None]]:
    return {row.name: (row.low, row.high) for row in found.boxes[box].restrictions}


# -- known answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_box_is_recovered_within_one_peel(seed: int) -> None:
    points = uniform(2000, seed)
    fresh = uniform(2000, 100 + seed)
    found = discover(NAMES, points, planted(points), density=0.95, held_out=(fresh, planted(fresh)))
    # A slice holds 5 % of the box's points, so that its width is 5 % of the box's: 0.02 for a and 0.025 for c.
    box = limits(found)
    assert set(box) == {"a", "c"}
    assert box["a"][1] is None
    assert box["a"][0] == pytest.approx(0.6, abs=0.02)
    assert box["c"] == pytest.approx((0.2, 0.7), abs=0.025)
    for score in (found.boxes[0].score, found.boxes[0].held_out):
        assert score is not None
        assert score.coverage > 0.93
        assert score.density > 0.93
        assert score.mass == pytest.approx(0.2, abs=0.03)
    assert all(p is None or p < 1e-4 for row in found.boxes[0].restrictions for p in (row.p_low, row.p_high))


def test_a_noisy_box_is_recovered_and_its_density_is_that_of_other_points() -> None:
    # Inside 90 % of the points win, outside 10 %: the box that was sought for its density has 0.9 on fresh points too.
    def noisy(points: Any, seed: int) -> Any:
        return np.random.default_rng(seed).random(len(points)) < np.where(planted(points), 0.9, 0.1)

    points, fresh = uniform(4000, 1), uniform(4000, 2)
    found = discover(NAMES, points, noisy(points, 3), density=0.85, held_out=(fresh, noisy(fresh, 4)))
    score = found.boxes[0].held_out
    assert score is not None
    assert score.density == pytest.approx(0.87, abs=0.04)
    # Of the wins 0.2·0.9 are inside and 0.8·0.1 outside.
    assert score.coverage == pytest.approx(0.18 / 0.26, abs=0.05)
    box = limits(found)
    assert box["a"][0] == pytest.approx(0.6, abs=0.03)
    assert box["c"] == pytest.approx((0.2, 0.7), abs=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_two_boxes_are_found_one_after_the_other(seed: int) -> None:
    points = uniform(4000, seed)
    low = (points[:, :2] < 0.35).all(axis=1)
    high = (points[:, :2] > 0.6).all(axis=1)
    found = discover(NAMES, points, low | high, density=0.95)
    assert len(found.boxes) == 2
    assert found.ending in (Ending.NO_WINS_LEFT, Ending.NOT_DENSE)
    by_low = sorted((limits(found, 0), limits(found, 1)), key=lambda box: box["a"][0] is None)
    assert by_low[0]["a"] == (pytest.approx(0.6, abs=0.03), None) == by_low[0]["b"]
    assert by_low[1]["a"] == (None, pytest.approx(0.35, abs=0.03)) == by_low[1]["b"]
    assert found.score.coverage > 0.95
    assert found.score.density > 0.93
    union = found.boxes[0].contains(points) | found.boxes[1].contains(points)
    assert found.score.points == int(union.sum())
    assert found.score.wins == int((union & (low | high)).sum())
    assert found.score.coverage == pytest.approx(sum(box.score.coverage for box in found.boxes))


def test_irrelevant_axes_are_not_restricted_or_not_significant() -> None:
    unhelpful = []
    for seed in range(10):
        points = uniform(600, seed, 6)
        noise = np.random.default_rng(1000 + seed).random(600)
        wins = noise < np.where((points[:, 0] > 0.5) & (points[:, 1] > 0.5), 0.85, 0.1)
        found = discover([f"x{at}" for at in range(6)], points, wins, density=0.75)
        rows = {row.name: row for row in found.boxes[0].restrictions}
        assert rows["x0"].p_low is not None and rows["x0"].p_low < 1e-3
        assert rows["x1"].p_low is not None and rows["x1"].p_low < 1e-3
        others = [row for name, row in rows.items() if name not in ("x0", "x1")]
        unhelpful += [p for row in others for p in (row.p_low, row.p_high) if p is not None and p < 0.05]
    # Four irrelevant axes with two sides in 10 searches: chance alone would make 80·5 % = 4 of them look significant.
    assert len(unhelpful) <= 4


def test_quasi_p_values_are_binomial_tails() -> None:
    points = uniform(500, 3)
    wins = np.random.default_rng(4).random(500) < np.where(planted(points), 0.8, 0.2)
    found = discover(NAMES, points, wins, density=0.7)
    box = found.boxes[0]
    row = next(row for row in box.restrictions if row.p_low is not None)
    wider = np.ones(500, dtype=bool)
    for other in box.restrictions:
        values = points[:, NAMES.index(other.name)]
        wider &= values <= (math.inf if other.high is None else other.high)
        if other is not row and other.low is not None:
            wider &= values >= other.low
    chance = binom.sf(box.score.wins - 1, box.score.points, wins[wider].mean())
    assert row.p_low == pytest.approx(chance, rel=1e-9, abs=0)


def test_values_on_a_few_levels_are_peeled_whole() -> None:
    # Every combination of five levels on three axes, twelve times: the box is found exactly.
    points = np.tile(np.stack(np.meshgrid(*[np.arange(5.0)] * 3), axis=-1).reshape(-1, 3), (12, 1))
    wins = (points[:, 1] >= 3) & (points[:, 2] <= 2)
    found = discover(["a", "b", "c"], points, wins, density=0.9)
    assert limits(found) == {"b": (3.0, None), "c": (None, 2.0)}
    assert (found.score.coverage, found.score.density, found.ending) == (1.0, 1.0, Ending.NO_WINS_LEFT)


# -- the trajectory ------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_trajectories_shrink_and_boxes_keep_what_they_promise(seed: int) -> None:
    points = uniform(300, seed, 3)
    wins = np.random.default_rng(seed + 1).random(300) < 0.1 + 0.6 * (points[:, 0] > 0.5)
    found = discover(NAMES[:3], points, wins, support=0.1, density=0.7)
    taken = np.zeros(300, dtype=bool)
    for box in found.boxes:
        assert box.score.density >= 0.7
        assert box.score.points >= 30
        scores = [step.score for step in box.trajectory]
        assert 2 * scores[0].points >= 300 - taken.sum(), "it begins with all points left or with half of them"
        assert all(after.points < before.points for before, after in itertools.pairwise(scores))
        assert all(after.coverage <= before.coverage for before, after in itertools.pairwise(scores))
        dense = [score for score in scores if score.density >= 0.7]
        assert box.score.coverage >= max(score.coverage for score in dense), "pasting loses nothing"
        for step in box.trajectory:
            inside = step.region.contains(points) & ~taken
            assert (step.score.points, step.score.wins) == (inside.sum(), wins[inside].sum())
        for axis, is_low in box.region.limits():
            wider = box.region.with_limit(axis, is_low).contains(points) & ~taken
            assert wider.sum() > box.score.points, "a limit keeps a point out"
        taken |= box.contains(points)
    assert (found.score.points, found.score.wins) == (taken.sum(), wins[taken].sum())
    if found.ending is Ending.NOT_DENSE:
        assert max(step.score.density for step in found.rest) < 0.7
    else:
        assert found.rest == ()


def test_of_boxes_of_equal_coverage_the_densest_is_taken() -> None:
    points = uniform(2000, 1)
    found = discover(NAMES, points, planted(points), density=0.5)
    score = found.boxes[0].score
    # A box of density 0.5 would hold every win; so does one of more than 0.9.
    assert (score.coverage, found.ending) == (1.0, Ending.NO_WINS_LEFT)
    assert score.density > 0.9


def test_a_thin_slice_of_losses_goes_before_a_thick_one_that_is_a_little_poor() -> None:
    # All lose below a = 0.3; above, 60 % win on one level of b and 90 % on the other. Leaving half of the points for b
    # raises the density from 0.525 to 0.63, a slice of 5 % below on a only to 0.55, but by more for every point.
    draw = np.random.default_rng(1)
    points = np.column_stack([draw.random(4000), draw.integers(2, size=4000)])
    wins = (points[:, 0] > 0.3) & (draw.random(4000) < 0.6 + 0.3 * points[:, 1])
    found = discover(["a", "b"], points, wins, density=0.7)
    assert list(limits(found)) == ["a"]
    assert found.score.coverage > 0.99


def test_of_equally_good_slices_the_one_on_a_restricted_axis_goes() -> None:
    # The 95 lowest of b lose. The axis a is the same but for the 50 lowest, which are scattered above. So b comes
    # first, and then both axes have the same slices.
    b = np.arange(1000.0)
    a = np.where(b < 50, 120.5 + 15 * b, b)
    found = discover(["a", "b"], np.column_stack([a, b]), b >= 95, density=0.99)
    assert limits(found) == {"b": (95.0, None)}


def test_a_limit_that_another_one_makes_needless_is_dropped() -> None:
    # Of 1,000 points 97 lose: the 50 lowest of b, and 47 that are mixed with wins on b. All of them are lowest on a. A
    # slice of b goes first, and then one of a, beyond which no point of the slice of b is left.
    b = np.arange(1000.0)
    lost = (b < 50) | ((b > 50) & (b < 146) & (b % 2 == 0))
    a = np.empty(1000)
    a[np.lexsort((b % 50, ~lost))] = b
    found = discover(["b", "a"], np.column_stack([b, a]), ~lost, density=0.99)
    assert {axis for axis, _ in found.boxes[0].trajectory[-1].region.limits()} == {0, 1}
    assert limits(found) == {"a": (97.0, None)}


def test_pasting_brings_wins_back() -> None:
    gains = []
    for seed in range(5):
        points, wins = noisy_case(seed)
        for box in discover(NAMES, points, wins).boxes:
            dense = [step.score for step in box.trajectory if step.score.density >= 0.8]
            gains.append(box.score.coverage - max(score.coverage for score in dense))
    assert max(gains) > 0.01


def test_a_search_ends_for_the_reason_it_says() -> None:
    points = uniform(1000, 5)
    noise = np.random.default_rng(6).random(1000) < 0.3
    found = discover(NAMES, points, noise, density=0.95)
    assert (found.boxes, found.ending) == ((), Ending.NOT_DENSE)
    assert found.score.points == found.score.wins == found.score.coverage == 0
    assert len(found.rest) > 10
    low, high = (points[:, :2] < 0.35).all(axis=1), (points[:, :2] > 0.6).all(axis=1)
    assert discover(NAMES, points, low | high, most=1).ending is Ending.ENOUGH
    # Nearly all win: after the first box of 90 % or more, too little is left for another one of 30 %.
    wins = points[:, 0] < 0.95
    wins[np.argmax(points[:, 0])] = True
    assert discover(NAMES, points, wins, density=0.99, support=0.3).ending is Ending.TOO_FEW_LEFT


# -- invariances ---------------------------------------------------------------------------------------------------


def noisy_case(seed: int) -> tuple[Any, Any]:
    points = uniform(300, seed)
    return points, np.random.default_rng(seed + 7).random(300) < np.where(planted(points), 0.85, 0.15)


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_the_order_of_points_changes_nothing(seed: int) -> None:
    points, wins = noisy_case(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    one, other = discover(NAMES, points, wins), discover(NAMES, points[order], wins[order])
    assert [box.restrictions for box in one.boxes] == [box.restrictions for box in other.boxes]
    assert (one.score, one.ending) == (other.score, other.ending)


@given(st.integers(0, 10_000), st.sampled_from([1e-6, 3.0, 1e6]), st.floats(-10, 10))
@settings(max_examples=10)
def test_another_unit_of_an_axis_changes_its_limits_alike(seed: int, scale: float, shift: float) -> None:
    points, wins = noisy_case(seed)
    other = points.copy()
    other[:, 2] = scale * (shift + points[:, 2])
    before, after = discover(NAMES, points, wins), discover(NAMES, other, wins)
    assert [box.score for box in before.boxes] == [box.score for box in after.boxes]
    for one, two in zip(before.boxes, after.boxes, strict=True):
        for old, new in zip(one.restrictions, two.restrictions, strict=True):
            assert (old.name, old.p_low, old.p_high) == (new.name, new.p_low, new.p_high)
            for was, now in ((old.low, new.low), (old.high, new.high)):
                expected = was if was is None or old.name != "c" else scale * (shift + was)
                assert now == expected if expected is None else now == pytest.approx(expected, rel=1e-12)


def test_an_axis_turned_round_turns_its_limits_round() -> None:
    points = uniform(2000, 1)
    turned = points.copy()
    turned[:, 0] *= -1
    before = limits(discover(NAMES, points, planted(points), density=0.95))
    after = limits(discover(NAMES, turned, planted(points), density=0.95))
    assert before["a"][0] is not None
    assert after["a"] == (None, -before["a"][0])
    assert after["c"] == before["c"]


# -- refusals ------------------------------------------------------------------------------------------------------

POINTS = uniform(200, 1, 2)
WINS = POINTS[:, 0] > 0.7


@pytest.mark.parametrize(
    ("points", "wins", "options", "what"),
    [
        (POINTS, np.zeros(200, dtype=bool), {}, "none of the 200 points wins"),
        (POINTS, np.ones(200, dtype=bool), {}, "every one of the 200 points wins"),
        (POINTS[:49], WINS[:49], {}, "49 points are too few"),
        (POINTS, ~WINS, {"density": 0.6}, "of all points win, which is the density of 60.0% asked for already"),
        (POINTS, WINS[:-1], {}, "shape"),
        (POINTS[:, :1], WINS, {}, "shape"),
        (POINTS, WINS.astype(float), {}, "type float64"),
        (np.where(POINTS > 0.99, np.nan, POINTS), WINS, {}, "have a value that is not finite"),
        (POINTS, WINS, {"peel": 0.0}, "do not make sense"),
        (POINTS, WINS, {"peel": 0.5}, "do not make sense"),
        (POINTS, WINS, {"support": 1.0}, "do not make sense"),
        (POINTS, WINS, {"density": 1.1}, "do not make sense"),
        (POINTS, WINS, {"most": 0}, "at least one box"),
        (POINTS, WINS, {"held_out": (POINTS, WINS & False)}, "held-out points: none of them wins"),
        (POINTS, WINS, {"held_out": (POINTS, WINS[:-1])}, "held-out points: shape"),
    ],
)
def test_data_that_cannot_be_searched_are_refused(points: Any, wins: Any, options: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        discover(["a", "b"], points, wins, **options)


def test_axes_of_the_same_name_are_refused() -> None:
    with pytest.raises(UsageError, match="twice: a"):
        discover(["a", "a"], POINTS, WINS)
