"""Axes and designs: distributions there and back, the geometry of every design, and what a longer one keeps."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coercivity.engine.errors import UsageError
from coercivity.engine.study import designs
from coercivity.engine.study.axes import Axis
from coercivity.engine.study.designs import Design, Kind

PRICE = Axis("price", 50.0, 200.0, 90.0, "triangular")
DELAY = Axis("delay", 0.0, 12.0, 6.0)
ELASTICITY = Axis("elasticity", 0.2, 3.0, 1.0, "lognormal")
AXES = [PRICE, DELAY, ELASTICITY]
KINDS = ["uniform", "triangular", "lognormal"]


# -- axes ----------------------------------------------------------------------------------------------------------


@given(
    st.floats(1e-6, 1e6),
    st.floats(1.001, 1e4),
    st.floats(0, 1),
    st.sampled_from(KINDS),
    st.lists(st.floats(0, 1), min_size=1),
)
def test_shares_and_values_are_there_and_back(low: float, factor: float, at: float, kind: Any, shares: Any) -> None:
    high = low * factor
    axis = Axis("x", low, high, min(high, low + at * (high - low)), kind)
    u = np.array(shares)
    values = axis.at(u)
    assert ((values >= low) & (values <= high)).all()
    # A value of large magnitude and narrow range has few digits left for its share; a root halves them near an end.
    assert axis.share(values) == pytest.approx(u, abs=1e-6)
    assert (np.diff(axis.at(np.sort(u))) >= -1e-12 * high).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_ends_of_an_axis_are_reached_and_never_passed(kind: Any) -> None:
    axis = Axis("x", 0.3, 7.0, 2.0, kind)
    assert axis.at([0.0, 1.0]) == pytest.approx([0.3, 7.0], rel=1e-14)
    assert axis.share([0.1, 0.3, 7.0, 9.0]) == pytest.approx([0, 0, 1, 1], abs=1e-14)
    assert axis.at(np.zeros((2, 3))).shape == (2, 3)


def test_known_points_of_the_distributions() -> None:
    # Triangular on [0, 10] with mode 2: the share below the mode is (2 − 0)/(10 − 0); the mean is (0 + 10 + 2)/3 = 4.
    axis = Axis("x", 0.0, 10.0, 2.0, "triangular")
    assert axis.share(2.0) == pytest.approx(0.2)
    middles = (np.arange(100_000) + 0.5) / 100_000
    assert axis.at(middles).mean() == pytest.approx(4.0, abs=1e-6)
    # Lognormal: the limits are 1.645 standard deviations from the middle; one of them above it is at
    # Φ(1) = 0.841345, of the 0.9 between the limits (0.841345 − 0.05)/0.9.
    axis = Axis("x", 1 / math.e**1.6448536269514722, math.e**1.6448536269514722, 1.0, "lognormal")
    assert axis.at((0.8413447460685429 - 0.05) / 0.9) == pytest.approx(math.e, rel=1e-12)
    # A mode at an end makes a half triangle, u = t² or 1 − (1 − t)².
    assert Axis("x", 0.0, 1.0, 1.0, "triangular").at(0.25) == pytest.approx(0.5)
    assert Axis("x", 0.0, 1.0, 0.0, "triangular").share(0.5) == pytest.approx(0.75)


def test_an_axis_that_does_not_vary_stays_where_it_is() -> None:
    for kind in KINDS:
        axis = Axis("x", 2.0, 2.0, 2.0, kind)  # type: ignore[arg-type]
        assert axis.at([0.0, 0.4, 1.0]).tolist() == [2.0, 2.0, 2.0]
        assert axis.share([1.0, 2.0, 3.0]).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((2.0, 1.0, 1.5), "low 2 is above high 1"),
        ((0.0, 1.0, 1.5), "outside"),
        ((0.0, 1.0, 0.5, "lognormal"), "no logarithm"),
        ((-1.0, 1.0, 0.5, "uniform", True), "no logarithm"),
        ((0.0, math.inf, 0.5), "finite"),
        ((math.nan, 1.0, 0.5), "finite"),
        ((-1.7e308, 1.7e308, 0.5), "finite"),
        ((0.0, 1.0, 0.5, "normal"), "unknown distribution 'normal'"),
    ],
)
def test_axes_that_make_no_sense_are_refused(arguments: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        Axis("x", *arguments)


def test_shares_and_values_that_are_none_are_refused() -> None:
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(UsageError, match=r"not in \[0, 1\]"):
            DELAY.at(share)
    with pytest.raises(UsageError, match="not a number"):
        DELAY.share(math.nan)
    with pytest.raises(UsageError, match="no grid"):
        DELAY.points(1)


# -- designs -------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_neighbours_in_a_grid_differ_in_one_axis_by_one_step(sizes: list[int]) -> None:
    points = {f"x{at}": [float(value) for value in range(size)] for at, size in enumerate(sizes)}
    values = designs.grid(points).values
    assert sorted(map(tuple, values.tolist())) == sorted(itertools.product(*points.values()))
    assert (np.abs(np.diff(values, axis=0)).sum(axis=1) == 1).all()
    assert not values[0].any(), "it begins with the first value of every axis"


def test_a_grid_that_does_not_fit_is_refused_before_it_is_made() -> None:
    with pytest.raises(UsageError, match="100,000,000 points are more than the 10,000,000"):
        designs.grid({f"x{at}": range(100) for at in range(4)})
    with pytest.raises(UsageError, match="10,000,000"):
        designs.random_draws(AXES, 10_000_001, 0)
    with pytest.raises(UsageError, match="10,000,000"):
        designs.saltelli(AXES, 2**22, 0)


@pytest.mark.parametrize("column", [[], [1.0, 1.0], [math.nan], [[1.0]]])
def test_a_grid_with_a_bad_axis_is_refused(column: Any) -> None:
    with pytest.raises(UsageError, match="axis b"):
        designs.grid({"a": [1.0], "b": column})


def test_one_at_a_time_moves_one_axis_from_the_stated_values() -> None:
    design = designs.one_at_a_time(AXES)
    assert design.values[0].tolist() == [90.0, 6.0, 1.0]
    moved = design.values != design.values[0]
    assert moved.sum(axis=1).tolist() == [0, 1, 1, 1, 1, 1, 1]
    assert design.values[1:, [0, 0, 1, 1, 2, 2]].diagonal().tolist() == [50.0, 200.0, 0.0, 12.0, 0.2, 3.0]
    assert design.unit is not None
    assert design.unit[1:, [0, 0, 1, 1, 2, 2]].diagonal() == pytest.approx([0, 1, 0, 1, 0, 1])


def test_a_latin_hypercube_has_one_point_in_every_slice() -> None:
    unit = designs.latin_hypercube(AXES, 57, 3).unit
    assert unit is not None
    assert (np.sort(np.floor(unit * 57), axis=0) == np.arange(57)[:, None]).all()


def test_a_sobol_sequence_is_balanced_and_has_a_power_of_two() -> None:
    unit = designs.sobol_sequence(AXES, 64, 3).unit
    assert unit is not None
    assert (np.sort(np.floor(unit * 64), axis=0) == np.arange(64)[:, None]).all()
    with pytest.raises(UsageError, match="1,000 is not a power of two\n  fix: use 512 or 1,024"):
        designs.sobol_sequence(AXES, 1_000, 3)
    with pytest.raises(UsageError, match="use 64 or 128"):
        designs.saltelli(AXES, 100, 3)


LONGER = {
    Kind.RANDOM: lambda n, seed: designs.random_draws(AXES, n, seed),
    Kind.SOBOL: lambda n, seed: designs.sobol_sequence(AXES, n, seed),
    Kind.SALTELLI: lambda n, seed: designs.saltelli(AXES, n, seed),
    Kind.MORRIS: lambda n, seed: designs.morris(AXES, n, 4, seed),
}


@pytest.mark.parametrize("kind", LONGER)
def test_a_longer_design_begins_with_the_shorter_one(kind: Kind) -> None:
    make = LONGER[kind]
    short, long, other = make(16, 7), make(64, 7), make(16, 8)
    assert (short.kind, short.seed) == (kind, 7)
    assert len(long) == 4 * len(short) == 64 * short.block
    assert (long.values[: len(short)] == short.values).all()
    assert (short.values != other.values).any()
    assert ((long.values >= [50, 0, 0.2]) & (long.values <= [200, 12, 3.0])).all()


def test_draws_of_an_axis_do_not_depend_on_the_other_axes() -> None:
    both, alone = designs.random_draws(AXES, 100, 7), designs.random_draws([ELASTICITY, DELAY], 100, 7)
    assert (both.values[:, [2, 1]] == alone.values).all()
    # Streams of different names are independent: |r| of 100 000 draws is below 5/√n = 0.016.
    unit = designs.random_draws(AXES, 100_000, 7).unit
    assert unit is not None
    assert np.abs(np.corrcoef(unit.T) - np.eye(3)).max() < 0.016
    assert np.abs(unit.mean(axis=0) - 0.5).max() < 0.005


def test_saltelli_crosses_two_samples() -> None:
    design = designs.saltelli(AXES, 8, 1)
    assert design.unit is not None
    blocks = design.unit.reshape(-1, design.block, 3)
    first, second = blocks[:, 0], blocks[:, -1]
    for at in range(3):
        others = [other for other in range(3) if other != at]
        assert (blocks[:, at + 1, at] == second[:, at]).all()
        assert (blocks[:, at + 1][:, others] == first[:, others]).all()
    assert (first != second).all()
    with pytest.raises(UsageError, match="shape"):
        designs.crossed(AXES, first, second[:, :2], 1)


@pytest.mark.parametrize("levels", [2, 4, 8])
def test_every_step_of_morris_moves_one_axis_and_every_axis_once(levels: int) -> None:
    design = designs.morris(AXES, 400, levels, 5)
    assert design.unit is not None
    steps = np.diff(design.unit.reshape(400, 4, 3), axis=1)
    size = levels / (2 * (levels - 1))
    assert np.abs(steps).sum(axis=2) == pytest.approx(np.full((400, 3), size))
    assert ((np.abs(steps) > 0).sum(axis=1) == 1).all()
    # Every level of an axis is equally likely: 400 starts leave each within five standard deviations.
    counts = np.array([np.bincount(np.rint(design.unit[::4, at] * (levels - 1)).astype(int)) for at in range(3)])
    assert counts.shape == (3, levels)
    assert np.abs(counts - 400 / levels).max() < 5 * math.sqrt(400 / levels)


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_morris_with_odd_levels_is_refused(levels: int) -> None:
    with pytest.raises(UsageError, match="cannot be balanced"):
        designs.morris(AXES, 4, levels, 5)


def test_sizes_seeds_and_names_that_make_no_sense_are_refused() -> None:
    for n, seed in ((0, 0), (-4, 0), (4, -1)):
        for make in (designs.random_draws, designs.latin_hypercube, designs.sobol_sequence, designs.saltelli):
            with pytest.raises(UsageError, match="cannot be drawn"):
                make(AXES, n, seed)
    for axes, what in (([], "no axis"), ([DELAY, PRICE, DELAY], "twice: delay")):
        with pytest.raises(UsageError, match=what):
            designs.random_draws(axes, 4, 0)
        with pytest.raises(UsageError, match=what):
            designs.one_at_a_time(axes)


def way(design: Design, order: Any) -> float:
    assert design.unit is not None
    scaled = (design.unit - design.unit.min(axis=0)) / np.ptp(design.unit, axis=0)
    return float(np.abs(np.diff(scaled[order], axis=0)).sum())


@pytest.mark.parametrize(("n", "share"), [(400, 0.45), (designs.MOST_GREEDY + 1, 0.75)])
def test_a_close_order_holds_every_point_and_is_shorter(n: int, share: float) -> None:
    # Measured: 0.33 by walking; sorting takes one of three axes out of the way, leaving two thirds.
    design = designs.random_draws(AXES, n, 2)
    order = designs.close_order(design)
    assert sorted(order) == list(range(n))
    assert way(design, order) < share * way(design, np.arange(n))


def test_an_order_that_is_as_short_already_is_kept() -> None:
    grid = designs.grid({"a": range(7), "b": range(8), "c": range(100)})
    assert len(grid) > designs.MOST_GREEDY
    assert (designs.close_order(grid) == np.arange(len(grid))).all()
    assert designs.close_order(designs.random_draws([DELAY], 1, 0)).tolist() == [0]
