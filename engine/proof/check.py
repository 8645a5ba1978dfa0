"""Checks: a claimed figure beside a recomputed one, compared through one tolerance rule that scales."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Check:
    """One recomputation."""

    name: str  # what was compared
    gap: float  # distance between claim and recomputation, in the figure's own unit
    scale: float  # what the gap is measured against, in the same unit; the check passes when gap ≤ tolerance × scale
    tolerance: float = TOLERANCE  # share of the scale
    ok: bool = field(init=False)  # whether the gap is within tolerance; one that is infinite or not a number is not

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", math.isfinite(self.gap) and self.gap <= self.tolerance * self.scale)


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


def same(name: str, claimed: object, recomputed: object, tolerance: float = TOLERANCE) -> Check:
    """The check that two nested results say the same: every number within tolerance, everything else equal.

    Numbers are measured against the largest of the list or table that they stand in.

    >>> same("flow", {"2025": [1.0, 2.0]}, {"2025": [1.0, 2.0 + 1e-9]}).ok
    True
    >>> same("flow", {"2025": [1.0, 2.0]}, {"2025": [1.0, 3.0]}).ok, same("flow", {"2025": 1.0}, {"2026": 1.0}).ok
    (False, False)
    """
    return Check(name, _distance(claimed, recomputed, 1.0), 1.0, tolerance)


def _distance(one: object, other: object, scale: float) -> float:
    if isinstance(one, dict) and isinstance(other, dict):
        if set(one) != set(other):
            return math.inf
        return _farthest([(one[key], other[key]) for key in one])
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return _farthest(list(zip(one, other, strict=True))) if len(one) == len(other) else math.inf
    if _is_number(one) and _is_number(other):
        gap = abs(float(one) - float(other)) / scale  # type: ignore[arg-type]
        return gap if math.isfinite(gap) else math.inf
    return 0.0 if one == other else math.inf


def _farthest(pairs: list[tuple[object, object]]) -> float:
    sizes = [abs(float(other)) for _, other in pairs if _is_number(other)]  # type: ignore[arg-type]
    scale = max([1.0, *(size for size in sizes if math.isfinite(size))])
    return max([0.0, *(_distance(one, other, scale) for one, other in pairs)])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
