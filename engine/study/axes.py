"""Axes of a study: what may vary, between which limits, and how likely its values are.

An axis turns a share of probability u in [0, 1] into a value by its inverse distribution function, so that every
design is made once on the unit cube. No value ever lies outside [low, high], whatever the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from coercivity.engine.errors import UsageError

Floats = NDArray[np.float64]
Distribution = Literal["uniform", "triangular", "lognormal"]
# A lognormal axis has its limits at these two points of its distribution, which is then cut there.
TAIL = 0.05
Z_TAIL = 1.6448536269514722  # standard normal quantile of 1 − TAIL


@dataclass(frozen=True)
class Axis:
    """One thing that may vary.

    Attributes
    ----------
    name : as in the study
    low, high : limits, in the unit of the axis; equal where the axis does not vary after all
    value : the stated, central value, within the limits
    distribution : uniform on [low, high]; triangular on it with the mode at ``value``; or lognormal, which is normal in
        logarithms with the 5 % and 95 % points at ``low`` and ``high``, given that it lies between them. Its median is
        √(low·high), whatever ``value`` is
    is_log : whether ``points`` of a grid are spaced evenly in logarithms

    Raises
    ------
    UsageError
        A limit is not finite, the limits are in the wrong order, the value is outside them, or logarithms are asked of
        numbers that have none.

    Examples
    --------
    >>> price = Axis("price", 50.0, 200.0, 90.0, "lognormal")
    >>> price.at([0.0, 0.5, 1.0]).round(6).tolist()
    [50.0, 100.0, 200.0]
    >>> price.share(price.at(0.3)).round(12).item()
    0.3
    """

    name: str
    low: float
    high: float
    value: float
    distribution: Distribution = "uniform"
    is_log: bool = False

    def __post_init__(self) -> None:
        where = f"axis {self.name}"
        if self.distribution not in get_args(Distribution):
            known = ", ".join(get_args(Distribution))
            raise UsageError(where, f"unknown distribution '{self.distribution}'", f"distributions: {known}")
        if not all(math.isfinite(number) for number in (self.low, self.high, self.value, self.high - self.low)):
            raise UsageError(where, "low, high and value must be finite numbers", "state limits that can be reached")
        if self.low > self.high:
            raise UsageError(where, f"low {self.low:g} is above high {self.high:g}", "exchange the two")
        if not self.low <= self.value <= self.high:
            what = f"the value {self.value:g} is outside [{self.low:g}, {self.high:g}]"
            raise UsageError(where, what, "widen the limits or correct the value")
        if self.low <= 0 and (self.is_log or self.distribution == "lognormal"):
            raise UsageError(where, f"low {self.low:g} has no logarithm", "use a low above zero, or a uniform axis")

    def at(self, share: ArrayLike) -> Floats:
        """The values at shares of probability in [0, 1]; the inverse of ``share`` and of the same shape.

        Raises
        ------
        UsageError
            A share is not in [0, 1].
        """
        u = np.asarray(share, dtype=np.float64)
        if not np.all((u >= 0) & (u <= 1)):
            raise UsageError(f"axis {self.name}", "a share of probability is not in [0, 1]", "give shares, not values")
        return np.asarray(np.clip(self._inverse(u), self.low, self.high))

    def _inverse(self, u: Floats) -> Floats:
        width = self.high - self.low
        if self.distribution == "uniform" or width == 0:
            return np.asarray(self.low + width * u)
        if self.distribution == "triangular":
            mode = (self.value - self.low) / width
            below, above = np.sqrt(u * mode), 1 - np.sqrt((1 - u) * (1 - mode))
            return np.asarray(self.low + width * np.where(u < mode, below, above))
        middle, spread = self._logarithms()
        return np.asarray(np.exp(middle + spread * ndtri(TAIL + (1 - 2 * TAIL) * u)))

    def share(self, value: ArrayLike) -> Floats:
        """The probability of lying at or below each value; an axis that does not vary has 0.5 at its value.

        Raises
        ------
        UsageError
            A value is not a number.
        """
        x = np.asarray(value, dtype=np.float64)
        if np.any(np.isnan(x)):
            raise UsageError(f"axis {self.name}", "a value is not a number", "leave it out")
        width = self.high - self.low
        if width == 0:
            return np.asarray(0.5 * (np.sign(x - self.low) + 1))
        x = np.clip(x, self.low, self.high)
        if self.distribution == "uniform":
            return np.asarray((x - self.low) / width)
        if self.distribution == "triangular":
            at, mode = (x - self.low) / width, (self.value - self.low) / width
            # The side that is not taken divides by a number that only stands in for zero.
            below, above = at**2 / (mode or 1.0), 1 - (1 - at) ** 2 / (1 - mode or 1.0)
            return np.asarray(np.where(at < mode, below, above))
        middle, spread = self._logarithms()
        return np.asarray(np.clip((ndtr((np.log(x) - middle) / spread) - TAIL) / (1 - 2 * TAIL), 0, 1))

    def _logarithms(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm, before the tails are cut."""
        low, high = math.log(self.low), math.log(self.high)
        return (low + high) / 2, (high - low) / (2 * Z_TAIL)

    def points(self, count: int) -> Floats:
        """``count`` values from low to high for a grid, evenly spaced or, for ``is_log``, by equal factors.

        >>> Axis("elasticity", 0.5, 8.0, 2.0, is_log=True).points(5).round(12).tolist()
        [0.5, 1.0, 2.0, 4.0, 8.0]
        """
        if count < 2 or self.low == self.high:
            what = f"{count} points between {self.low:g} and {self.high:g} are no grid"
            raise UsageError(f"axis {self.name}", what, "ask for two points or more on an axis that varies")
        spaced = np.geomspace if self.is_log else np.linspace
        return np.asarray(spaced(self.low, self.high, count), dtype=np.float64)


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names of axes as they are.

    Raises
    ------
    UsageError
        There is none, or one is there twice.
    """
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if not names or twice:
        what = f"twice: {', '.join(twice)}" if twice else "there is no axis"
        raise UsageError("axes of the study", what, "name every axis that varies once")
    return tuple(names)
