"""Checks: a claimed figure beside a recomputed one, compared through one tolerance rule that scales."""

from __future__ import annotations

import math
from dataclasses import dataclass

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Check:
    """One recomputation.

    Attributes
    ----------
    name : what was compared
    gap : distance between claim and recomputation, in the figure's own unit
    scale : what the gap is measured against; the check passes when gap ≤ tolerance × scale
    """

    name: str
    gap: float
    scale: float
    tolerance: float = TOLERANCE

    @property
    def ok(self) -> bool:
        """Whether the gap is within tolerance; one that is infinite or not a number is not."""
        return math.isfinite(self.gap) and self.gap <= self.tolerance * self.scale


def compare(name: str, claimed: float, recomputed: float, unit: float = 1.0, tolerance: float = TOLERANCE) -> Check:
    """The check that two figures agree, scaled by their size but by no less than ``unit``.

    >>> compare("payoff", 100.0, 100.00001).ok, compare("payoff", 100.0, 101.0).ok, compare("payoff", float("nan"), 1.0).ok
    (True, False, False)
    """
    return Check(name, abs(claimed - recomputed), max(unit, abs(claimed), abs(recomputed)), tolerance)


def at_most(name: str, value: float, limit: float, unit: float = 1.0, tolerance: float = TOLERANCE) -> Check:
    """The check that a figure does not exceed a limit.

    >>> at_most("value within bound", 5.0, 5.0).ok, at_most("value within bound", 5.1, 5.0).ok
    (True, False)
    """
    gap = value - limit
    return Check(name, max(0.0, gap) if gap == gap else gap, max(unit, abs(value), abs(limit)), tolerance)
