"""Strategies compared on the same draws: expectation, risk, regret, what knowing the draw is worth, and dominance.

Draws are a sample. Standard errors and intervals are those of the sample mean; with weights w of sum 1 they are those of
a weighted mean, √(Σ w²(x − mean)² · m/(m − 1)) with m = 1/Σ w² effective draws (Kish 1965), which for equal weights is
the textbook's. Two payoffs that differ by no more than ``SAME`` of the largest payoff of their draw are a tie.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Floats

SAME = 1e-9
# Differences of larger numbers leave what a computer can hold.
LARGEST = float(np.finfo(np.float64).max) / 4
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Steps of probability below this are rounding of weights that should have met.
NO_STEP = 1e-12
# Two effective draws, but for rounding; with fewer there is no standard error.
LEAST_DRAWS = 2 - 1e-9


@dataclass(frozen=True)
class Estimate:
    """A mean over the draws and its standard error."""

    value: float  # the mean
    standard_error: float  # its error, in the same unit


class Payoffs:
    """What every strategy gets in every draw.

    Parameters
    ----------
    names : the m strategies
    values : (n, m), larger is better; all strategies paired on the same draw of a row
    weights : (n,) not negative, of any sum; equal where left out. Draws of weight zero are left out

    Raises
    ------
    UsageError
        A strategy has no value in some draw, there are fewer than two effective draws, or shapes do not fit.
    """

    def __init__(self, names: Sequence[str], values: ArrayLike, weights: ArrayLike | None = None) -> None:
        table = np.array(values, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(names) or not names or len(set(names)) < len(names):
            what = f"a table of shape {table.shape} for {len(names)} strategies"
            raise UsageError("payoffs", what, "give a row for every draw and a column for every strategy, each once")
        _refuse_gaps(names, table)
        _refuse_overflow(table)
        weight = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=np.float64)
        if weight.shape != table.shape[:1] or not np.isfinite(weight).all() or (weight < 0).any():
            raise UsageError(
                "weights", "they are not one number of zero or more a draw", "give a weight for every draw"
            )
        if weight.sum() == 0 or weight.sum() ** 2 < LEAST_DRAWS * (weight**2).sum():
            what = "by their weights there are fewer than two effective draws"
            raise UsageError("payoffs", what, "use more draws, 1,000 for instance, or weights that differ less")
        self.names, self.values, self.weights = tuple(names), table[weight > 0], weight[weight > 0] / weight.sum()

    @property
    def effective(self) -> float:
        """Effective number of draws, 1/Σ w²."""
        return float(1 / (self.weights**2).sum())

    @cached_property
    def regrets(self) -> Floats:
        """(n, m) what every strategy falls short of the best one of the draw."""
        return np.asarray(self.values.max(axis=1, keepdims=True) - self.values)

    @cached_property
    def is_best(self) -> NDArray[np.bool_]:
        """(n, m) whether a strategy is the best of its draw, or ties with it."""
        return np.asarray(self.regrets <= SAME * np.abs(self.values).max(axis=1, keepdims=True))

    def mean(self, column: Floats) -> Estimate:
        """The weighted mean of one number a draw."""
        mean = float(self.weights @ column)
        # Scaled, so that squares neither overflow nor vanish.
        scale = float(np.abs(column - mean).max()) or 1.0
        spread = float(self.weights**2 @ ((column - mean) / scale) ** 2)
        return Estimate(mean, scale * float(np.sqrt(spread / (1 - 1 / self.effective))))


@dataclass(frozen=True)
class Summary:
    """A strategy over all draws, in the unit of the payoff.

    Attributes
    ----------
    quantiles : payoffs at ``QUANTILES``: for each share the least payoff that this share of the draws does not exceed
    wins : probability of being best, where a tie of k strategies counts 1/k for each of them
    ties : probability of being best together with another one
    largest_regret, expected_regret : of falling short of the best strategy of the draw
    """

    name: str
    expected: Estimate
    quantiles: tuple[float, ...]
    wins: float
    ties: float
    largest_regret: float
    expected_regret: Estimate


@dataclass(frozen=True)
class Choice:
    """The strategies to choose by each rule; more than one where they tie.

    Attributes
    ----------
    expected : highest expected payoff, which is the same as the least expected regret
    robust : least largest regret (Savage 1951)
    """

    expected: tuple[str, ...]
    robust: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What one strategy gets more than another in the same draw, with the confidence interval of the mean.

    Attributes
    ----------
    ahead : probability that ``first`` gets more, ties not counted
    """

    first: str
    second: str
    mean: Estimate
    low: float
    high: float
    ahead: float


@dataclass(frozen=True, eq=False)
class Dominance:
    """Which strategy everyone of a kind prefers to which; [i, j] is true where i dominates j.

    Attributes
    ----------
    first_order : (m, m) for everyone who prefers more to less
    second_order : (m, m) for everyone who also dislikes risk; holds wherever the first does
    """

    names: tuple[str, ...]
    first_order: NDArray[np.bool_]
    second_order: NDArray[np.bool_]


def summaries(payoffs: Payoffs) -> tuple[Summary, ...]:
    """A summary of every strategy, in their order.

    >>> [(row.name, row.expected.value, row.wins, row.largest_regret) for row in
    ...  summaries(Payoffs(["bold", "safe"], [[4.0, 1.0], [0.0, 1.0]]))]
    [('bold', 2.0, 0.5, 1.0), ('safe', 1.0, 0.5, 3.0)]
    """
    best = payoffs.is_best
    winners = best.sum(axis=1)
    wins, ties = payoffs.weights @ (best / winners[:, None]), payoffs.weights @ (best & (winners > 1)[:, None])
    return tuple(
        Summary(
            name,
            payoffs.mean(payoffs.values[:, at]),
            _quantiles(payoffs.values[:, at], payoffs.weights),
            float(wins[at]),
            float(ties[at]),
            float(payoffs.regrets[:, at].max()),
            payoffs.mean(payoffs.regrets[:, at]),
        )
        for at, name in enumerate(payoffs.names)
    )


def choice(payoffs: Payoffs) -> Choice:
    """What to choose by expected payoff and by largest regret.

    What counts as a tie is decided draw by draw: one draw of large payoffs makes no tie of what the others tell apart.
    """
    tolerance = SAME * np.abs(payoffs.values).max(axis=1)
    settled = np.where(payoffs.is_best, 0.0, payoffs.regrets)
    best = int((payoffs.weights @ settled).argmin())
    behind = payoffs.regrets - payoffs.regrets[:, [best]]
    behind[np.abs(behind) <= tolerance[:, None]] = 0.0
    # What is left is summed; the sum is no more exact than the largest of its parts.
    is_expected = payoffs.weights @ behind <= SAME * (payoffs.weights @ np.abs(behind))
    worst, largest = settled.argmax(axis=0), settled.max(axis=0)
    is_robust = largest - tolerance[worst] <= largest.min()
    expected, robust = (tuple(itertools.compress(payoffs.names, chosen)) for chosen in (is_expected, is_robust))
    return Choice(expected, robust)


def expected_value_of_perfect_information(payoffs: Payoffs) -> Estimate:
    """What it is worth, on average, to know the draw before choosing (Raiffa and Schlaifer 1961).

    It is the expected regret of the strategy with the highest expected payoff. Since that strategy is chosen on the
    same draws, the figure errs on the low side, by less the more draws there are.
    """
    return payoffs.mean(payoffs.regrets[:, int((payoffs.weights @ payoffs.regrets).argmin())])


def differences(payoffs: Payoffs, confidence: float = 0.95) -> tuple[Difference, ...]:
    """Every pair of strategies, each interval at its own level, by Student's t over the draws.

    Paired on the same draws, what strikes both strategies alike cancels: the interval is that of the difference, not of
    two separate means.

    Raises
    ------
    UsageError
        ``confidence`` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise UsageError("confidence", f"{confidence:g} is not between 0 and 1", "write 0.95 for 95 %")
    reach = float(stdtrit(payoffs.effective - 1, (1 + confidence) / 2))
    tolerance = SAME * np.abs(payoffs.values).max(axis=1)
    found = []
    for first, second in itertools.combinations(range(len(payoffs.names)), 2):
        more = payoffs.values[:, first] - payoffs.values[:, second]
        mean, ahead = payoffs.mean(more), float(payoffs.weights @ (more > tolerance))
        half = reach * mean.standard_error
        pair = payoffs.names[first], payoffs.names[second]
        found.append(Difference(*pair, mean, mean.value - half, mean.value + half, ahead))
    return tuple(found)


def dominance(payoffs: Payoffs) -> Dominance:
    """Stochastic dominance between every two strategies, exact for the distributions of the draws.

    By quantiles (Levy 1992): i dominates j to the first order if its quantile is nowhere lower and somewhere higher,
    and to the second if the integral of its quantiles from zero on is. Quantiles within ``SAME`` of the largest payoff
    of the two are equal. A sample may show dominance that the distribution behind it has not.
    """
    m = len(payoffs.names)
    first, second = np.zeros((m, m), dtype=bool), np.zeros((m, m), dtype=bool)
    ranked = [_ranked(payoffs.values[:, at], payoffs.weights) for at in range(m)]
    for i, j in itertools.combinations(range(m), 2):
        steps, more = _quantile_differences(*ranked[i], *ranked[j])
        tolerance = SAME * float(np.abs(payoffs.values[:, [i, j]]).max())
        more[np.abs(more) <= tolerance] = 0.0
        for better, worse, gain in ((i, j, more), (j, i, -more)):
            area = (steps * gain).cumsum()
            first[better, worse] = gain.min() >= 0 and gain.max() > 0
            second[better, worse] = first[better, worse] or (area.min() >= -tolerance and area.max() > tolerance)
    return Dominance(payoffs.names, first, second)


def _ranked(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Values in rising order, and the probability of each and all below."""
    order = np.argsort(values, kind="stable")
    reached = weights[order].cumsum()
    return values[order], reached / reached[-1]


def _quantiles(values: Floats, weights: Floats) -> tuple[float, ...]:
    ordered, reached = _ranked(values, weights)
    return tuple(ordered[np.searchsorted(reached, np.array(QUANTILES) - NO_STEP)].tolist())


def _quantile_differences(a: Floats, at_a: Floats, b: Floats, at_b: Floats) -> tuple[Floats, Floats]:
    """Steps of probability on which both quantile functions are constant, and their difference there."""
    ends = np.union1d(at_a, at_b)
    steps = np.diff(ends, prepend=0.0)
    ends, steps = ends[steps > NO_STEP], steps[steps > NO_STEP]
    middle = ends - steps / 2
    return steps, np.asarray(a[np.searchsorted(at_a, middle)] - b[np.searchsorted(at_b, middle)])


def _refuse_overflow(table: Floats) -> None:
    if np.abs(table).max(initial=0.0) > LARGEST:
        what = f"a payoff of {np.abs(table).max():g}, from which differences cannot be taken"
        raise UsageError("payoffs", what, "give them in a larger unit")


def _refuse_gaps(names: Sequence[str], table: Floats) -> None:
    gaps = ~np.isfinite(table)
    if gaps.any():
        worst = int(gaps.sum(axis=0).argmax())
        rows, most = int(gaps.any(axis=1).sum()), int(gaps[:, worst].sum())
        what = (
            f"{rows:,} of {len(table):,} draws have no value for some strategy, {most:,} of them for '{names[worst]}'"
        )
        raise UsageError("payoffs", what, "leave out that strategy, or finish the study; a draw left out is not chance")
