"""What matters: indices that say how much of an outcome's variation each axis is answerable for.

All of them refuse an outcome that is missing anywhere, since a single gap, or a zero put in its place, moves every
index without a trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Floats
from coercivity.engine.study.designs import Design, Kind

# Outcomes that differ by less than this share of the largest one do not vary: what is left is rounding.
NO_VARIATION = 1e-12
RESAMPLES = 1_000
# Effects of larger outcomes, and their squares, leave what a computer can hold.
LARGEST = 1e150
# Below this many base points resampling says nothing about the error.
LEAST_BASE = 16


@dataclass(frozen=True)
class Interval:
    """An estimate between the limits of its confidence interval."""

    estimate: float  # the figure itself
    low: float  # lower end of the interval
    high: float  # upper end of the interval


@dataclass(frozen=True)
class Index:
    """Shares of an outcome's variance; estimates of small ones may fall slightly below zero.

    Attributes
    ----------
    first_order : share that would vanish, on average, if this axis alone were known
    total : share that would remain, on average, if all other axes were known; what exceeds ``first_order`` comes from
        interactions, and an axis of total zero may be fixed anywhere
    """

    name: str
    first_order: Interval
    total: Interval


@dataclass(frozen=True)
class Effect:
    """Elementary effects of an axis: changes of the outcome per whole range (in shares) of the axis.

    Attributes
    ----------
    mu : mean; effects of opposite sign cancel
    mu_star : mean of the magnitudes, by which axes are ranked
    sigma : standard deviation; large against ``mu_star`` where the effect is not linear or interacts
    """

    name: str
    mu: float
    mu_star: Interval
    sigma: float


@dataclass(frozen=True)
class Swing:
    """A bar of the tornado: the outcome at both ends of an axis, with all others as stated.

    Attributes
    ----------
    at_low, at_high : outcome at the low and at the high end
    base : outcome with all axes as stated
    swing : largest less smallest of the three, so that an axis with its best value inside is not taken for flat
    """

    name: str
    at_low: float
    at_high: float
    base: float
    swing: float


def sobol_indices(
    design: Design, outcomes: ArrayLike, confidence: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Index, ...]:
    """First-order and total indices of every axis, in the order of the axes.

    With outcomes a, b and c of a base point in A, in B and in A with one axis from B, all less the mean over A and B,
    the first order is mean(b(c − a)) and the total mean((a − c)²)/2, both over the variance of a and b together.
    Intervals are percentiles over base points drawn again. They treat base points as independent; those of a Sobol'
    sequence are more even, so that its intervals are mostly wider than need be. Axes are taken to be independent.

    Source: Saltelli et al. (2010), *Variance based sensitivity analysis of model output*, table 2 (b) and (f); the total
    by Jansen (1999).

    Raises
    ------
    UsageError
        The design is not Saltelli's or has fewer than ``LEAST_BASE`` base points; an outcome is missing; or the outcome
        does not vary, so that there is nothing to share out.
    """
    shares = _shares(design, outcomes, seed, resamples)
    _check_confidence(confidence)
    d = len(design.names)
    intervals = [_interval(column, confidence) for column in shares.T]
    return tuple(map(Index, design.names, intervals[:d], intervals[d:]))


def first_orders_together(
    design: Design, outcomes: ArrayLike, confidence: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """The share of the variance that the axes explain one by one; what is missing to one comes from interactions.

    The interval is that of the sum, over the same resamples as those of :func:`sobol_indices`, and raises as it does.
    """
    shares = _shares(design, outcomes, seed, resamples)
    _check_confidence(confidence)
    return _interval(shares[:, : len(design.names)].sum(axis=1), confidence)


def _interval(estimates: Floats, confidence: float) -> Interval:
    """The first of some estimates, between percentiles of the others."""
    low, high = np.quantile(estimates[1:], [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(estimates[0]), float(low), float(high))


def _shares(design: Design, outcomes: ArrayLike, seed: int, resamples: int) -> Floats:
    """First-order and total indices of every axis as columns: those of the design, then those of every resample."""
    found = _complete(design, outcomes, Kind.SALTELLI, "indices")
    n, d = len(found) // design.block, len(design.names)
    if n < LEAST_BASE:
        raise UsageError("indices", f"{n} base points are too few", f"use {LEAST_BASE} or more, better 1,024")
    # By a power of two, which changes no digit: sums and squares of the largest numbers overflow otherwise.
    largest = float(np.abs(found).max())
    found = np.ldexp(found, -int(np.frexp(largest)[1]))
    if np.ptp(found) <= NO_VARIATION * np.abs(found).max():
        what = f"the outcome is {np.ravel(outcomes)[0]:g} at every point: shares of its variance are undefined"
        raise UsageError("indices", what, "choose an outcome that varies, or widen the axes")
    blocks = found.reshape(n, d + 2)
    # Scaled too, so that squares do not vanish.
    centred = (blocks - blocks[:, [0, -1]].mean()) / np.ptp(found)
    a, mixed, b = np.split(centred, [1, d + 1], axis=1)
    # Every index is a ratio of means of these columns, so that a resample is one product of matrices.
    columns = np.hstack([a + b, a**2 + b**2, b * (mixed - a), (mixed - a) ** 2 / 2])
    draw = np.random.default_rng(seed)
    counts = (np.bincount(draw.integers(n, size=n), minlength=n) for _ in range(resamples))
    means = np.array([columns.mean(axis=0), *(count @ columns / n for count in counts)])
    variance = means[:, 1] / 2 - (means[:, 0] / 2) ** 2
    if variance.min() <= NO_VARIATION:
        what = "the outcome varies at so few base points that some resamples have none of them"
        raise UsageError("indices", what, "use more base points")
    return np.asarray(means[:, 2:] / variance[:, None])


def elementary_effects(design: Design, outcomes: ArrayLike, confidence: float = 0.95) -> tuple[Effect, ...]:
    """Elementary effects of every axis, in the order of the axes; intervals by Student's t over the trajectories.

    Source: Morris (1991), *Factorial sampling plans for preliminary computational experiments*; mu_star by Campolongo,
    Cariboni and Saltelli (2007), *An effective screening design for sensitivity analysis of large models*.

    Raises
    ------
    UsageError
        The design is not Morris' or has a single trajectory; an outcome is missing.
    """
    found = _complete(design, outcomes, Kind.MORRIS, "elementary effects")
    _check_confidence(confidence)
    d = len(design.names)
    walks = len(found) // (d + 1)
    if walks < 2 or design.unit is None:
        raise UsageError("elementary effects", f"{walks} trajectory has no spread", "use 10 trajectories or more")
    steps = np.diff(design.unit.reshape(walks, d + 1, d), axis=1)
    rises = np.diff(found.reshape(walks, d + 1), axis=1)
    # One step of a walk moves one axis: the sum over the steps picks the one that is not zero.
    effects = (rises[:, :, None] * np.sign(steps)).sum(axis=1) / np.abs(steps).sum(axis=1)
    mu_star, sigma = np.abs(effects).mean(axis=0), effects.std(axis=0, ddof=1)
    error = np.abs(effects).std(axis=0, ddof=1) / np.sqrt(walks) * stdtrit(walks - 1, (1 + confidence) / 2)
    return tuple(
        Effect(name, float(mu), Interval(float(star), max(0.0, float(star - half)), float(star + half)), float(spread))
        for name, mu, star, half, spread in zip(design.names, effects.mean(axis=0), mu_star, error, sigma, strict=True)
    )


def swings(design: Design, outcomes: ArrayLike) -> tuple[Swing, ...]:
    """The bars of a tornado, the longest first; axes of equal swing stay in their order.

    Raises
    ------
    UsageError
        The design does not move one axis at a time; an outcome is missing.
    """
    base, *ends = _complete(design, outcomes, Kind.ONE_AT_A_TIME, "swings").tolist()
    bars = [
        Swing(name, low, high, base, max(low, high, base) - min(low, high, base))
        for name, low, high in zip(design.names, ends[::2], ends[1::2], strict=True)
    ]
    return tuple(sorted(bars, key=lambda bar: -bar.swing))


def _complete(design: Design, outcomes: ArrayLike, kind: Kind, where: str) -> Floats:
    """The outcomes as numbers, one a row of the design and of the right kind; otherwise a refusal."""
    if design.kind is not kind:
        raise UsageError(
            where, f"they need {kind.value}, not {design.kind.value}", "make the design they are taken from"
        )
    found = np.asarray(outcomes, dtype=np.float64)
    if found.shape != (len(design),):
        what = f"outcomes of shape {found.shape} for {len(design):,} runs"
        raise UsageError(where, what, "give one number a run, in the order of the design")
    if kind is not Kind.SALTELLI and np.abs(found[np.isfinite(found)]).max(initial=0.0) > LARGEST:
        what = f"an outcome of {np.abs(found[np.isfinite(found)]).max():g}, from which {where} cannot be taken"
        raise UsageError(where, what, "give outcomes in a larger unit")
    missing = int((~np.isfinite(found)).sum())
    if missing:
        what = f"{missing:,} of {len(found):,} runs are missing or failed; {where} would be wrong"
        raise UsageError(where, what, "finish the study, or leave out the axes or ranges in which runs fail")
    return found


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise UsageError("confidence", f"{confidence:g} is not between 0 and 1", "write 0.95 for 95 %")
