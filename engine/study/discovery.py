"""Scenario discovery: the boxes of a few axes in which an outcome of interest is found, by peeling and pasting.

From the box of all points a thin slice is peeled off again and again, always the one whose loss raises the density of
wins most for every point given up. Of the boxes on this way that are dense enough the one with the largest coverage,
and of equals the densest, is pasted: slices are put back where the density does not fall. Then its points are set aside
and the next box is sought among the others (covering). Everything depends on counts and on the order of values along
each axis, not on the order of points nor on units; nothing is random.

Two boxes in opposite corners hide each other: no thin slice is poorer than the rest. Therefore each search starts not
only from the box of all points but from each half of it along each axis too, and the best of these ways counts.

Source: Friedman and Fisher (1999), *Bump hunting in high-dimensional data*, Statistics and Computing 9; measures and
quasi-p-values by Bryant and Lempert (2010), *Thinking inside the box*, Technological Forecasting and Social Change 77.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Floats, check_names

Flags = NDArray[np.bool_]
LEAST_POINTS = 50
MOST_BOXES = 10


class Ending(Enum):
    """Why no more boxes were sought; each value is the sentence a user reads."""

    NO_WINS_LEFT = "the boxes hold every win"
    TOO_FEW_LEFT = "fewer points are left than a box must have"
    NOT_DENSE = "no box of the points left is as dense as was asked for"
    ENOUGH = "as many boxes were found as were asked for"


@dataclass(frozen=True, eq=False)
class Region:
    """A box with closed limits ``low`` and ``high`` (d,), infinite where an axis is not restricted."""

    low: Floats
    high: Floats

    def contains(self, points: ArrayLike) -> Flags:
        """Which of the points (n, d) lie in it."""
        at = np.asarray(points, dtype=np.float64)
        return np.asarray(((at >= self.low) & (at <= self.high)).all(axis=1))

    def limits(self) -> list[tuple[int, bool]]:
        """Its finite limits: the axis, and whether it is the low one."""
        ends = ((True, self.low), (False, self.high))
        return [(int(axis), is_low) for is_low, end in ends for axis in np.flatnonzero(np.isfinite(end))]

    def with_limit(self, axis: int, is_low: bool, limit: float | None = None) -> Region:
        """The box with another limit on one side of an axis, or with none."""
        low, high = self.low.copy(), self.high.copy()
        if is_low:
            low[axis] = -np.inf if limit is None else limit
        else:
            high[axis] = np.inf if limit is None else limit
        return Region(low, high)


@dataclass(frozen=True)
class Score:
    """How well a box tells wins from losses."""

    points: int  # in the box
    wins: int  # of them
    coverage: float  # 1; share of all wins that it holds
    density: float  # 1; share of its points that win; 0 where it holds no point
    mass: float  # 1; share of all points that it holds


@dataclass(frozen=True)
class Restriction:
    """The limits of a box on one axis, and whether they are more than chance.

    Attributes
    ----------
    low, high : None where there is no limit on this side
    p_low, p_high : quasi-p-value of each limit: the probability of at least as many wins in the box if its points were
        drawn at random from the box without this limit. Limits of 0.05 and more may as well be chance; since limits
        were chosen to look well on the same points, a small value says less than that of a true test
    """

    name: str
    low: float | None
    high: float | None
    p_low: float | None
    p_high: float | None


@dataclass(frozen=True, eq=False)
class Step:
    """A box on the way of peeling."""

    region: Region
    score: Score


@dataclass(frozen=True, eq=False)
class Box:
    """A box that was found.

    Points in boxes found before count for those and not for this one, in its scores, its quasi-p-values and its
    trajectory; coverages of several boxes may be added up.

    Attributes
    ----------
    restrictions : axes with a limit, in their order
    held_out : score on points that were not used to find it
    trajectory : from all points left, or half of them, to the smallest box: other trades of coverage against density
    """

    region: Region
    restrictions: tuple[Restriction, ...]
    score: Score
    held_out: Score | None
    trajectory: tuple[Step, ...]

    def contains(self, points: ArrayLike) -> Flags:
        """Which of the points (n, d) lie in it, whether or not another box holds them too."""
        return self.region.contains(points)


@dataclass(frozen=True, eq=False)
class Discovery:
    """The boxes in the order in which they were found.

    Attributes
    ----------
    score, held_out : of all boxes together
    rest : trajectory of the search that found no further box; empty where there was none
    """

    names: tuple[str, ...]
    boxes: tuple[Box, ...]
    score: Score
    held_out: Score | None
    ending: Ending
    rest: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class _Sample:
    """Points not yet in a box, with the numbers of all points and wins, which scores refer to."""

    points: Floats
    wins: Flags
    all_points: int
    all_wins: int

    def of(self, points: int, wins: int) -> Score:
        return Score(points, wins, wins / self.all_wins, wins / points if points else 0.0, points / self.all_points)

    def score(self, region: Region) -> Score:
        inside = region.contains(self.points)
        return self.of(int(inside.sum()), int(self.wins[inside].sum()))

    def union(self, scores: Sequence[Score]) -> Score:
        """Of boxes together: none of their points is counted twice."""
        return self.of(sum(score.points for score in scores), sum(score.wins for score in scores))

    def outside(self, region: Region) -> _Sample:
        left = ~region.contains(self.points)
        return _Sample(self.points[left], self.wins[left], self.all_points, self.all_wins)


def discover(
    names: Sequence[str],
    points: ArrayLike,
    wins: ArrayLike,
    *,
    peel: float = 0.05,
    support: float = 0.05,
    density: float = 0.8,
    most: int = MOST_BOXES,
    held_out: tuple[ArrayLike, ArrayLike] | None = None,
) -> Discovery:
    """The boxes that hold the wins, one after another.

    Parameters
    ----------
    points : (n, d) values of the axes; a few hundred at least, better a thousand for ten axes
    wins : (n,) booleans, true for the outcome of interest
    peel : share of a box's points that is peeled off or pasted at a time
    support : share of all points that a box must have
    density : share of wins that a box must reach
    most : number of boxes at most
    held_out : other points and their wins, on which every box is scored again

    Raises
    ------
    UsageError
        Fewer than ``LEAST_POINTS`` points, no win or no loss among them, a density that all points together reach, or
        data that do not fit together.

    Examples
    --------
    >>> points = np.random.default_rng(1).random((1000, 3))
    >>> found = discover(["price", "delay", "noise"], points, (points[:, 0] > 0.6) & (points[:, 1] < 0.5))
    >>> [limit.name for limit in found.boxes[0].restrictions], round(found.score.coverage, 2), found.ending.name
    (['price', 'delay'], 1.0, 'NO_WINS_LEFT')
    """
    names = check_names(names)
    sample = _sample(names, points, wins, "points")
    least = _least(sample, peel, support, density)
    fresh = None if held_out is None else _sample(names, *held_out, "held-out points")
    if most < 1:
        raise UsageError("discovery", f"{most} boxes are asked for", "ask for at least one box")
    if fresh is not None and not fresh.all_wins:
        raise UsageError("held-out points", "none of them wins: their coverage is undefined", "hold out more points")
    boxes: list[Box] = []
    rest: tuple[Step, ...] = ()
    while (ending := _ending(sample, least, len(boxes), most)) is None:
        rest, chosen = _search(sample, peel, least, density)
        if chosen.score.density < density:
            ending = Ending.NOT_DENSE
            break
        region = _trim(sample, _paste(sample, chosen.region, peel))
        again = None if fresh is None else fresh.score(region)
        boxes.append(Box(region, _restrictions(names, sample, region), sample.score(region), again, rest))
        sample, fresh, rest = sample.outside(region), None if fresh is None else fresh.outside(region), ()
    held = None if fresh is None else fresh.union([box.held_out for box in boxes if box.held_out])
    return Discovery(names, tuple(boxes), sample.union([box.score for box in boxes]), held, ending, rest)


def _ending(sample: _Sample, least: int, found: int, most: int) -> Ending | None:
    if not sample.wins.any():
        return Ending.NO_WINS_LEFT
    if found >= most:
        return Ending.ENOUGH
    return Ending.TOO_FEW_LEFT if len(sample.points) < least else None


def _sample(names: Sequence[str], points: ArrayLike, wins: ArrayLike, where: str) -> _Sample:
    at, won = np.asarray(points, dtype=np.float64), np.asarray(wins)
    if at.ndim != 2 or at.shape[1] != len(names) or won.shape != at.shape[:1] or won.dtype != np.bool_:
        what = f"shape {at.shape} for {len(names)} axes, with wins of shape {won.shape} and type {won.dtype}"
        raise UsageError(where, what, "give a row for every point, a column for every axis, and true or false a point")
    if not np.isfinite(at).all():
        missing = int((~np.isfinite(at).all(axis=1)).sum())
        raise UsageError(where, f"{missing:,} of {len(at):,} have a value that is not finite", "leave those points out")
    return _Sample(at, won, len(at), int(won.sum()))


def _least(sample: _Sample, peel: float, support: float, density: float) -> int:
    """Points that a box must have, where a search makes sense at all."""
    n, wins = sample.all_points, sample.all_wins
    if not (0 < peel < 0.5 and 0 < support < 1 and 0 < density <= 1):
        what = f"peel {peel:g}, support {support:g} and density {density:g} do not make sense"
        raise UsageError("discovery", what, "use shares above 0 and below 1, and less than half for a peel")
    if n < LEAST_POINTS:
        raise UsageError("discovery", f"{n} points are too few", f"use {LEAST_POINTS} or more, better 1,000")
    if wins in (0, n):
        what = f"{'none' if wins == 0 else 'every one'} of the {n:,} points wins: there is no box to tell apart"
        raise UsageError("discovery", what, "choose another outcome or level, or widen the axes")
    if wins / n >= density:
        what = f"{wins / n:.1%} of all points win, which is the density of {density:.1%} asked for already"
        raise UsageError("discovery", what, "ask for a higher density, or look for the losses instead")
    return max(2, int(np.ceil(support * n)))


def _search(sample: _Sample, peel: float, least: int, density: float) -> tuple[tuple[Step, ...], Step]:
    """The best trajectory, and its best box: dense enough with the largest coverage, or else the densest."""

    def worth(step: Step) -> tuple[bool, float, float]:
        is_dense = step.score.density >= density
        return is_dense, step.score.coverage if is_dense else 0.0, step.score.density

    ways = (tuple(_peel(sample, start, peel, least)) for start in _starts(sample, least))
    best = max(ways, key=lambda way: max(map(worth, way)))
    return best, max(best, key=worth)


def _starts(sample: _Sample, least: int) -> Iterator[Region]:
    """The box of all points, and its lower and upper half along each axis."""
    d = sample.points.shape[1]
    whole = Region(np.full(d, -np.inf), np.full(d, np.inf))
    yield whole
    for axis, is_low in itertools.product(range(d), (False, True)):
        half = whole.with_limit(axis, is_low, float(np.median(sample.points[:, axis])))
        if least <= sample.score(half).points < len(sample.points):
            yield half


def _peel(sample: _Sample, region: Region, peel: float, least: int) -> Iterator[Step]:
    """The trajectory: boxes that shrink by one slice at a time, until none can without falling below ``least``."""
    inside = region.contains(sample.points)
    columns, wins = sample.points[inside].T.copy(), sample.wins[inside]
    while True:
        score = sample.of(len(wins), int(np.count_nonzero(wins)))
        yield Step(region, score)
        # Of equal gains, the one that restricts no further axis; then the first axis, and the low side.
        held = {axis for axis, _ in region.limits()}
        best: tuple[float, bool, int, bool, float] | None = None
        for axis, is_low in itertools.product(range(len(columns)), (True, False)):
            limit = _cut(columns[axis], peel, is_low)
            kept = columns[axis] >= limit if is_low else columns[axis] <= limit
            count = int(np.count_nonzero(kept))
            if least <= count < score.points:
                gain = (int(np.count_nonzero(wins & kept)) / count - score.density) / (score.points - count)
                slice_ = (gain, axis in held, -axis, is_low, limit)
                best = slice_ if best is None else max(best, slice_)
        if best is None or score.wins == score.points:
            return
        _, _, axis, is_low, limit = best
        region = region.with_limit(-axis, is_low, limit)
        kept = columns[-axis] >= limit if is_low else columns[-axis] <= limit
        columns, wins = columns[:, kept], wins[kept]


def _cut(values: Floats, peel: float, is_low: bool) -> float:
    """The outermost value that stays when a slice goes; of equal values all go or all stay."""
    at = min(max(1, int(peel * len(values))), len(values) - 1)
    at, end = (at, values.min()) if is_low else (len(values) - 1 - at, values.max())
    cut = np.partition(values, at)[at]
    if cut == end and (within := values[values != end]).size:
        cut = within.min() if is_low else within.max()
    return float(cut)


def _paste(sample: _Sample, region: Region, peel: float) -> Region:
    """The box with slices put back, the best first, as long as wins are gained and the density does not fall."""
    score = sample.score(region)
    while True:
        grown = [(other, sample.score(other)) for other in _grown(sample, region, peel)]
        better = [(other, new) for other, new in grown if new.wins > score.wins and new.density >= score.density]
        if not better:
            return region
        region, score = max(better, key=lambda pair: (pair[1].density, pair[1].wins))


def _grown(sample: _Sample, region: Region, peel: float) -> Iterator[Region]:
    """The boxes with one slice more below or above on one axis, of all sizes from ``peel`` halved down to one point."""
    inside = region.contains(sample.points)
    for axis, is_low in region.limits():
        values = np.sort(sample.points[region.with_limit(axis, is_low).contains(sample.points) & ~inside, axis])
        count = min(max(1, int(peel * inside.sum())), len(values))
        while count:
            yield region.with_limit(axis, is_low, float(values[-count] if is_low else values[count - 1]))
            count //= 2


def _trim(sample: _Sample, region: Region) -> Region:
    """The box without limits that keep no point out, given the others."""
    for axis, is_low in region.limits():
        wider = region.with_limit(axis, is_low)
        if sample.score(wider).points == sample.score(region).points:
            region = wider
    return region


def _restrictions(names: Sequence[str], sample: _Sample, region: Region) -> tuple[Restriction, ...]:
    score, p = sample.score(region), dict[tuple[int, bool], float]()
    for axis, is_low in region.limits():
        free = sample.score(region.with_limit(axis, is_low))
        p[axis, is_low] = float(binom.sf(score.wins - 1, score.points, free.density))
    found = []
    for axis in sorted({axis for axis, _ in p}):
        low, high = float(region.low[axis]), float(region.high[axis])
        sides = (low if (axis, True) in p else None, high if (axis, False) in p else None)
        found.append(Restriction(names[axis], *sides, p.get((axis, True)), p.get((axis, False))))
    return tuple(found)
