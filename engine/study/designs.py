"""Designs: at which points of its axes a study asks its question, and in which order.

Every design is known from its axes, its size and its seed alone, on every machine. What a longer or wider study may
keep of a shorter one:

    random draws      the first m of n draws are the m draws, and those of an axis depend on the seed and its name only:
                      adding, leaving out or reordering axes changes no other axis
    Sobol' sequence   the first m of n points are the m points, for the same number of axes
    Saltelli          likewise, in whole blocks of d + 2 points
    Morris            the first trajectories of many are the few, for the same axes in the same order
    Latin hypercube   nothing: every size is another design

Memory: values and shares take 8 bytes each, 16·n·d bytes in all, and no design has more than ``MOST_POINTS`` points.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Axis, Floats, check_names

MOST_POINTS = 10_000_000
# Up to here an order is made by walking to the nearest point left, which takes a time that grows with the square.
MOST_GREEDY = 4_000


class Kind(Enum):
    """How the points were chosen; each value is what a user reads."""

    GRID = "full grid"
    ONE_AT_A_TIME = "one axis at a time"
    LATIN_HYPERCUBE = "Latin hypercube"
    SOBOL = "scrambled Sobol' sequence"
    RANDOM = "random draws"
    SALTELLI = "Saltelli's crossed samples"
    MORRIS = "Morris' trajectories"


@dataclass(frozen=True, eq=False)
class Design:
    """Points at which to ask, in the order of the rows.

    Attributes
    ----------
    names : the d axes
    unit : (n, d) shares of probability in [0, 1]; None for a grid, which knows values only
    values : (n, d) values of the axes
    seed : None where nothing is random
    block : rows that belong together: d + 2 for Saltelli, d + 1 for Morris, 1 for all others. ``outcomes.reshape(-1,
        block)`` has a row for every base point or trajectory
    """

    names: tuple[str, ...]
    unit: Floats | None
    values: Floats
    kind: Kind
    seed: int | None = None
    block: int = 1

    def __len__(self) -> int:
        return len(self.values)


def _at(axes: Sequence[Axis], unit: Floats, kind: Kind, seed: int, block: int = 1) -> Design:
    values = np.empty_like(unit)
    for column, axis in enumerate(axes):
        values[:, column] = axis.at(unit[:, column])
    return Design(tuple(axis.name for axis in axes), unit, values, kind, seed, block)


def _check(axes: Sequence[Axis], kind: Kind, points: int, seed: int = 0) -> None:
    check_names([axis.name for axis in axes])
    if points < 1 or seed < 0:
        what = f"{points} points with seed {seed} cannot be drawn"
        raise UsageError(kind.value, what, "ask for one point or more and a seed of zero or more")
    _check_size(kind, points)


def _check_size(kind: Kind, points: int) -> None:
    if points > MOST_POINTS:
        what = f"{points:,} points are more than the {MOST_POINTS:,} that are held in memory"
        raise UsageError(
            kind.value, what, "use fewer points on each axis, or a sample: random draws or a Sobol' sequence"
        )


def grid(points: Mapping[str, Sequence[float]]) -> Design:
    """Every combination of the values of each axis; two neighbours differ in one axis, by one step.

    The last axis runs fastest, up and down in turn as an ox ploughs, so that a solver can start from where it was; an
    axis of many small steps is best given last.

    Raises
    ------
    UsageError
        An axis has no value, the same value twice or one that is not finite; more than ``MOST_POINTS`` combinations.

    Examples
    --------
    >>> grid({"price": [1.0, 2.0], "delay": [0.0, 6.0]}).values.tolist()
    [[1.0, 0.0], [1.0, 6.0], [2.0, 6.0], [2.0, 0.0]]
    """
    names = check_names(list(points))
    columns = [np.asarray(points[name], dtype=np.float64) for name in names]
    for name, column in zip(names, columns, strict=True):
        if (
            column.ndim != 1
            or not len(column)
            or not np.isfinite(column).all()
            or len(set(column.tolist())) < len(column)
        ):
            what = "the values must be finite, each there once, and at least one"
            raise UsageError(f"grid, axis {name}", what, "list the values of this axis")
    _check_size(Kind.GRID, math.prod(len(column) for column in columns))
    rest = np.arange(math.prod(len(column) for column in columns))
    values = np.empty((len(rest), len(columns)))
    for at in reversed(range(len(columns))):
        rest, step = np.divmod(rest, len(columns[at]))
        values[:, at] = columns[at][np.where(rest % 2 == 1, len(columns[at]) - 1 - step, step)]
    return Design(names, None, values, Kind.GRID)


def one_at_a_time(axes: Sequence[Axis]) -> Design:
    """The stated values first, then the low and the high end of every axis with all others as stated: 2d + 1 points.

    >>> one_at_a_time([Axis("price", 1.0, 3.0, 2.0), Axis("delay", 0.0, 6.0, 1.0)]).values.tolist()
    [[2.0, 1.0], [1.0, 1.0], [3.0, 1.0], [2.0, 0.0], [2.0, 6.0]]
    """
    _check(axes, Kind.ONE_AT_A_TIME, 2 * len(axes) + 1)
    values = np.tile([axis.value for axis in axes], (2 * len(axes) + 1, 1))
    for at, axis in enumerate(axes):
        values[2 * at + 1 : 2 * at + 3, at] = axis.low, axis.high
    unit = np.column_stack([axis.share(values[:, at]) for at, axis in enumerate(axes)])
    return Design(tuple(axis.name for axis in axes), unit, values, Kind.ONE_AT_A_TIME)


def random_draws(axes: Sequence[Axis], n: int, seed: int) -> Design:
    """``n`` independent draws from the distributions of the axes."""
    _check(axes, Kind.RANDOM, n, seed)
    unit = np.empty((n, len(axes)))
    for at, axis in enumerate(axes):
        # A stream for every name: common random numbers survive a change of the other axes.
        mark = int.from_bytes(hashlib.sha256(axis.name.encode()).digest()[:8], "big")
        unit[:, at] = np.random.default_rng([seed, mark]).random(n)
    return _at(axes, unit, Kind.RANDOM, seed)


def latin_hypercube(axes: Sequence[Axis], n: int, seed: int) -> Design:
    """``n`` points of which each axis has exactly one in every n-th of its probability (McKay et al. 1979)."""
    _check(axes, Kind.LATIN_HYPERCUBE, n, seed)
    unit = qmc.LatinHypercube(len(axes), seed=np.random.default_rng(seed)).random(n)
    return _at(axes, np.asarray(unit), Kind.LATIN_HYPERCUBE, seed)


def sobol_sequence(axes: Sequence[Axis], n: int, seed: int) -> Design:
    """The first ``n`` points, a power of two, of a scrambled Sobol' sequence (Owen 1998).

    Raises
    ------
    UsageError
        ``n`` is not a power of two: the balance that the sequence is used for would be lost.
    """
    _check(axes, Kind.SOBOL, n, seed)
    return _at(axes, _sobol(len(axes), n, seed, Kind.SOBOL), Kind.SOBOL, seed)


def _sobol(dimensions: int, n: int, seed: int, kind: Kind) -> Floats:
    if n & (n - 1):
        below = 1 << (n.bit_length() - 1)
        raise UsageError(kind.value, f"{n:,} is not a power of two", f"use {below:,} or {2 * below:,}")
    sequence = qmc.Sobol(dimensions, seed=np.random.default_rng(seed))
    return np.asarray(sequence.random_base2(n.bit_length() - 1))


def saltelli(axes: Sequence[Axis], n: int, seed: int) -> Design:
    """The (d + 2)·n points from which first-order and total indices are taken; ``n`` is a power of two.

    A and B are the halves of a scrambled Sobol' sequence in 2d dimensions (Saltelli 2002, 2010); see ``crossed``.
    """
    _check(axes, Kind.SALTELLI, n * (len(axes) + 2), seed)
    both = _sobol(2 * len(axes), n, seed, Kind.SALTELLI)
    return crossed(axes, both[:, : len(axes)], both[:, len(axes) :], seed)


def crossed(axes: Sequence[Axis], first: Floats, second: Floats, seed: int) -> Design:
    """Saltelli's design on two samples A = ``first`` and B = ``second``, both (n, d) shares in [0, 1].

    A block of rows for every base point: that of A; the same with one axis after another taken from B, of which each
    differs from A in one axis and from the one before in two; and that of B.
    """
    d = len(axes)
    _check(axes, Kind.SALTELLI, len(first) * (d + 2), seed)
    if first.ndim != 2 or first.shape != second.shape or first.shape[1] != d:
        what = f"samples of shape {first.shape} and {second.shape} for {d} axes"
        raise UsageError(Kind.SALTELLI.value, what, "give two samples with a column for every axis")
    unit = np.repeat(first[:, None, :], d + 2, axis=1)
    unit[:, d + 1] = second
    for at in range(d):
        unit[:, at + 1, at] = second[:, at]
    return _at(axes, unit.reshape(-1, d), Kind.SALTELLI, seed, d + 2)


def morris(axes: Sequence[Axis], trajectories: int, levels: int, seed: int) -> Design:
    """Random walks of d steps on a grid of shares, each step moving one axis by more than half of its range.

    Parameters
    ----------
    trajectories : number of walks; 10 to 50 are usual
    levels : points of the grid on each axis, an even number p (4 is usual), so that steps of p / (2(p − 1)) reach all
        of them equally often (Morris 1991)
    """
    d = len(axes)
    _check(axes, Kind.MORRIS, trajectories * (d + 1), seed)
    if levels < 2 or levels % 2:
        raise UsageError(Kind.MORRIS.value, f"{levels} levels cannot be balanced", "use an even number, 4 for instance")
    draw = np.random.default_rng(seed)
    unit = np.empty((trajectories, d + 1, d))
    for walk in unit:
        low = draw.integers(levels // 2, size=d)
        rises = draw.integers(2, size=d).astype(bool)
        turn = draw.permutation(d)
        is_moved = turn[None, :] < np.arange(d + 1)[:, None]
        walk[:] = (low + (levels // 2) * (is_moved == rises)) / (levels - 1)
    return _at(axes, unit.reshape(-1, d), Kind.MORRIS, seed, d + 1)


def close_order(design: Design) -> NDArray[np.intp]:
    """An order of the rows in which neighbours are close, for solvers that start from the answer before.

    Up to ``MOST_GREEDY`` points by walking to the nearest one left, from the first row on; beyond, by sorting along the
    axis that spreads most. The order of the design itself is kept where it is as short. Distances are sums over the
    axes of shares of their range. Memory grows with n, not with its square.

    Returns
    -------
    (n,) positions of the rows; ``outcomes[np.argsort(order)]`` puts outcomes found in this order back into rows.
    """
    columns = design.values if design.unit is None else design.unit
    width = np.ptp(columns, axis=0)
    scaled = (columns - columns.min(axis=0)) / np.where(width > 0, width, 1.0)
    kept = np.arange(len(scaled))
    other = (
        _walk(scaled)
        if len(scaled) <= MOST_GREEDY
        else np.argsort(scaled[:, scaled.std(axis=0).argmax()], kind="stable")
    )
    return other if _length(scaled, other) < _length(scaled, kept) else kept


def _walk(points: Floats) -> NDArray[np.intp]:
    left, order = np.arange(1, len(points)), [0]
    while len(left):
        nearest = int(np.abs(points[left] - points[order[-1]]).sum(axis=1).argmin())
        order.append(int(left[nearest]))
        left = np.delete(left, nearest)
    return np.asarray(order, dtype=np.intp)


def _length(points: Floats, order: NDArray[np.intp]) -> float:
    return float(sum(np.abs(np.diff(column[order])).sum() for column in points.T))
