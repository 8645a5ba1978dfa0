"""Where a difference of two values turns: the zeros of a function of one parameter, with brackets.

Accepts: a real function on an interval that is continuous but for jumps; values of linear programs are continuous and
piecewise smooth in their data, and jump where the player who moves between equally good answers is switched.

The function is evaluated on a scan of points. Every pair of neighbours of opposite sign holds a turning point. It is
closed in by the secant with the Illinois step, which hits the zero of an affine piece at once, and by halving where
the secant stalls, until the bracket is as narrow as asked for. Where three points or more of the scan lie on one line
the zero is taken from the line first, and then enclosed like any other. On whole numbers, brackets are halved down
to neighbours.

Bound: each zero reported lies in its bracket, whose ends were evaluated and have opposite signs (or one is exactly
zero); that rests on no assumption for a continuous function, and for one that jumps the bracket holds a zero or the
jump. Turning points that come in pairs between two neighbours of the scan are not seen.
Source: Dowell and Jarratt (1971), *A modified regula falsi method for computing the root of an equation*, BIT 11.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

Function = Callable[[float], float]
# A point of the scan is on a line with its neighbours if it misses it by less than this share of the largest value.
ON_LINE = 1e-9


class Kind(Enum):
    """How the function passes through zero; each value is the sentence a user reads."""

    AFFINE = "closed form: the difference is a straight line over the whole scan"
    CROSSING = "enclosed by evaluation"
    JUMP = "the difference jumps from one sign to the other"
    TOUCH = "the difference is exactly zero there"
    EQUAL = "the difference is below what counts as one, and too flat to be enclosed more narrowly"
    BETWEEN = "between two whole numbers"
    WIDE = "the evaluations allowed were used up before the bracket was narrow"


@dataclass(frozen=True)
class Turn:
    """A turning point.

    Attributes
    ----------
    value : where the function is zero, or the end of the bracket nearer to zero
    low, high : bracket; the function has opposite signs at its ends
    residual : the function's value at ``value``
    rises : whether the function is positive above
    evaluations : how often the function was called for it
    """

    value: float
    low: float
    high: float
    residual: float
    rises: bool
    kind: Kind
    evaluations: int


@dataclass(frozen=True)
class Bracket:
    """Two neighbours of a scan between which the function changes its sign, with its values there."""

    low: float
    high: float
    at_low: float
    at_high: float


def is_line(points: Sequence[float], values: Sequence[float]) -> bool:
    """Whether three points or more lie on one line.

    >>> is_line([0.0, 1.0, 3.0], [1.0, 0.0, -2.0]), is_line([0.0, 1.0, 3.0], [1.0, 0.0, -1.0]), is_line([0.0, 1.0], [0.0, 1.0])
    (True, False, False)
    """
    if len(points) < 3 or points[0] == points[-1]:
        return False
    slope = (values[-1] - values[0]) / (points[-1] - points[0])
    size = max(abs(value) for value in values)
    return all(
        abs(values[0] + slope * (x - points[0]) - y) <= ON_LINE * size for x, y in zip(points, values, strict=True)
    )


def brackets(points: Sequence[float], values: Sequence[float]) -> list[Bracket]:
    """Neighbours in a scan, sorted by point, between which the sign changes; a zero inside the scan counts once.

    >>> [(one.low, one.high) for one in brackets([0, 1, 2, 3, 4], [1.0, -1.0, 0.0, 2.0, 2.0])]
    [(0, 1), (1, 3)]
    """
    found = []
    known = [(x, y) for x, y in zip(points, values, strict=True) if y != 0]
    for (low, at_low), (high, at_high) in itertools.pairwise(known):
        if at_low * at_high < 0:
            found.append(Bracket(low, high, at_low, at_high))
    return found


def enclose(
    function: Function,
    bracket: Bracket,
    width: float,
    most: int = 40,
    first: float | None = None,
    negligible: float = 0.0,
) -> Turn:
    """Close a bracket in.

    Parameters
    ----------
    width : of the bracket that is asked for
    most : evaluations that may be spent
    first : where to look first, e.g. the zero of a line
    negligible : a value whose size is at most this counts as zero: its neighbours are tried once, and that is all
    """
    search = _Search(function, bracket, width, negligible)
    try_at = bracket_secant(bracket) if first is None else first
    while search.calls < most and search.high - search.low > width and search.zero is None:
        search.step(min(max(try_at, search.low), search.high))
        try_at = search.next()
    kind = Kind.CROSSING if search.high - search.low <= width else Kind.WIDE if search.zero is None else Kind.EQUAL
    # Across a narrow bracket a continuous function is small at both ends beside what it was at the start.
    start = max(abs(bracket.at_low), abs(bracket.at_high))
    steep = min(abs(search.at_low), abs(search.at_high)) > 1e-3 * start
    if kind is Kind.CROSSING and steep and bracket.high - bracket.low > 1e3 * width:
        kind = Kind.JUMP
    return Turn(search.best[0], search.low, search.high, search.best[1], bracket.at_high > 0, kind, search.calls)


def bracket_secant(bracket: Bracket) -> float:
    """Where the line through the ends of a bracket is zero.

    >>> bracket_secant(Bracket(0.0, 4.0, -1.0, 3.0))
    1.0
    """
    return bracket.low - bracket.at_low * (bracket.high - bracket.low) / (bracket.at_high - bracket.at_low)


class _Search:
    """A bracket that narrows: secant with the Illinois step, halving where that stalls."""

    def __init__(self, function: Function, bracket: Bracket, width: float, negligible: float) -> None:
        self.function, self.width, self.negligible = function, width, negligible
        self.low, self.high = bracket.low, bracket.high
        self.at_low, self.at_high = bracket.at_low, bracket.at_high
        self.weight = {"low": 1.0, "high": 1.0}
        self.moved = ""
        self.zero: tuple[float, float] | None = None
        self.calls = 0
        self.widths = [self.high - self.low]

    @property
    def best(self) -> tuple[float, float]:
        """The point of the bracket whose value is nearest to zero, with that value."""
        known = [(self.low, self.at_low), (self.high, self.at_high)]
        if self.zero is not None and self.low <= self.zero[0] <= self.high:
            known.append(self.zero)
        return min(known, key=lambda pair: abs(pair[1]))

    def step(self, at: float) -> None:
        """Evaluate and narrow; a value that is zero is enclosed by its neighbours less than half a width away."""
        value = self._call(at)
        if abs(value) <= self.negligible:
            self.zero = (at, value)
            for side in (at - 0.49 * self.width, at + 0.49 * self.width):
                if self.low < side < self.high:
                    self._narrow(side, self._call(side))
        else:
            self._narrow(at, value)
        self.widths.append(self.high - self.low)

    def _call(self, at: float) -> float:
        self.calls += 1
        return self.function(at)

    def _narrow(self, at: float, value: float) -> None:
        if value == 0:
            self.zero = (at, value)
            return
        side, other = ("low", "high") if value * self.at_low > 0 else ("high", "low")
        if side == "low":
            self.low, self.at_low = at, value
        else:
            self.high, self.at_high = at, value
        # Illinois: an end that stays for a second time counts half.
        self.weight[side] = 1.0
        if self.moved == side:
            self.weight[other] /= 2.0
        self.moved = side

    def next(self) -> float:
        """Where to look next."""
        middle = 0.5 * (self.low + self.high)
        if len(self.widths) > 2 and self.widths[-1] > 0.5 * self.widths[-3]:
            self.weight = {"low": 1.0, "high": 1.0}
            self.widths = [self.high - self.low]
            return middle
        at = bracket_secant(
            Bracket(self.low, self.high, self.at_low * self.weight["low"], self.at_high * self.weight["high"])
        )
        # The zero has to be enclosed from its other side as well: step over it by less than half the width.
        near = 0.49 * self.width
        if at - self.low < near:
            at = self.low + near
        elif self.high - at < near:
            at = self.high - near
        return at if self.low < at < self.high else middle


def halve(function: Function, bracket: Bracket) -> Turn:
    """Close a bracket of whole numbers in to two neighbours; nothing lies between them."""
    low, high, at_low, at_high = round(bracket.low), round(bracket.high), bracket.at_low, bracket.at_high
    calls = 0
    while high - low > 1:
        middle = (low + high) // 2
        value = function(float(middle))
        calls += 1
        if value == 0:
            return Turn(float(middle), float(low), float(high), 0.0, at_high > 0, Kind.TOUCH, calls)
        if value * at_low > 0:
            low, at_low = middle, value
        else:
            high, at_high = middle, value
    value, residual = min(((low, at_low), (high, at_high)), key=lambda pair: abs(pair[1]))
    return Turn(float(value), float(low), float(high), residual, at_high > 0, Kind.BETWEEN, calls)


def turns(
    function: Function, points: Sequence[float], relative: float = 1e-6, most: int = 40, negligible: float = 0.0
) -> list[Turn]:
    """All turning points that a scan of the function at ``points`` (rising) shows.

    >>> [round(turn.value, 6) for turn in turns(lambda x: abs(x - 2.0) - 1.0, [0.0, 2.0, 5.0])]
    [1.0, 3.0]
    """
    values = [function(point) for point in points]
    return refined(function, points, values, relative, most, negligible)


def refined(
    function: Function,
    points: Sequence[float],
    values: Sequence[float],
    relative: float = 1e-6,
    most: int = 40,
    negligible: float = 0.0,
) -> list[Turn]:
    """The turning points of a scan that was evaluated before.

    Parameters
    ----------
    relative : width of each bracket as a share of the larger of its ends
    most : evaluations that each may cost
    """
    line = is_line(points, values)
    found = []
    for bracket in brackets(points, values):
        width = relative * max(abs(bracket.low), abs(bracket.high))
        first = bracket_secant(Bracket(points[0], points[-1], values[0], values[-1])) if line else None
        turn = enclose(function, bracket, width, most, first, negligible)
        if line and turn.kind is Kind.CROSSING:
            turn = Turn(turn.value, turn.low, turn.high, turn.residual, turn.rises, Kind.AFFINE, turn.evaluations)
        found.append(turn)
    return found
