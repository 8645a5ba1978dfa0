"""What a threshold is sought in: a number of the instance, a common factor on several, or a date in whole years."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from coercivity.engine.data import document as documents
from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import amount
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.data.quantity import Quantity, month_index, month_name
from coercivity.models.licensing.data.schema import shape

ALIASES = {"horizon": "calendar.years"}
BARE = ("1", "1/yr")
# Beyond what the sources support, values are tried up to this many times the upper end.
WIDER = 4.0
# Ends that the format sets to many numbers.
NATURAL = (0.0, 0.01, 0.9, 1.0, 3.0)

DEFAULT = (
    "concession.value", "concession.share", "concession.begins", "concession.lasts", "concession.probability",
    "concession.cap", "leader.discount_rate", "leader.unit_cost.*", "buyers.discount_rate", "segments.*.value",
    "rivals.*.expansion.lead_time", "rivals.*.expansion.potential", "tiers.*.cover", "postures.*.hazard",
    "trust.states.*.fear", "tail",
)  # fmt: skip
"""What is tried where nothing is named; an instance has only some of them."""


Form = Literal["value", "factor", "years", "tail"]


@dataclass(frozen=True)
class ParameterFacts:
    """What a result tells of a parameter."""

    parameter: str  # the path as it was asked for
    kind: Form  # a value, a common factor, whole years of the calendar, or whole years by which the tail begins later
    unit: str  # of now, low and high
    numbers: int  # numbers of the instance that it stands for
    now: float  # in its unit; the present value
    low: float | None  # in its unit; lower end of its range; None without one
    high: float | None  # in its unit; upper end of its range; None without one
    month: str | None  # from which trade is open, for a tail; None for any other kind

    def shown(self, at: float | None) -> str:
        """A value of the parameter with its unit; a share as percent, a factor as times."""
        if at is None:
            return "n/a"
        if self.kind == "factor":
            return f"{amount(at)} times"
        if self.month is not None:
            return month_name(month_index(self.month) + 12 * round(at))
        if self.unit in BARE:
            return f"{amount(100.0 * at)} %" + ("/yr" if self.unit == "1/yr" else "")
        return f"{amount(at)} {self.unit}"

    def range_shown(self) -> str | None:
        """Its range with the unit; None without one."""
        return None if self.low is None else f"{self.shown(self.low)} to {self.shown(self.high)}"


@dataclass(frozen=True)
class Parameter:
    """A parameter and how it is written into an instance.

    Attributes
    ----------
    name : the path as it was asked for
    kind : ``value`` in the unit of its one path; ``factor`` on the values of all paths; whole ``years`` of the
        calendar; ``tail``: whole years by which the last strategic phase ends later
    paths, units, values : what it stands for now
    now, low, high : present value, and the range that the sources support, None without one
    """

    name: str
    kind: Form
    unit: str
    paths: tuple[str, ...]
    units: tuple[str, ...]
    values: tuple[float, ...]
    now: float
    low: float | None
    high: float | None
    month: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.kind in ("years", "tail")

    def changes(self, at: float) -> tuple[tuple[str, Any], ...]:
        """What has to be written at which path for the parameter to have a value."""
        if self.kind == "years":
            return ((self.paths[0], round(at)),)
        if self.kind == "tail":
            return ((self.paths[0], month_name(month_index(self.month) + 12 * round(at))),)
        numbers = [at if self.kind == "value" else at * value for value in self.values]
        return tuple(
            (path, number if unit in BARE else f"{number!r} {unit}")
            for path, unit, number in zip(self.paths, self.units, numbers, strict=True)
        )

    def described(self) -> ParameterFacts:
        """What is told of it."""
        return ParameterFacts(
            self.name, self.kind, self.unit, len(self.paths), self.now, self.low, self.high, self.month or None
        )


def default_parameters(instance: Instance) -> Iterator[Parameter]:
    """What every instance has of :data:`DEFAULT`, numbers that are zero left out."""
    for name in DEFAULT:
        try:
            yield parameter_of(instance, name)
        except UsageError:
            continue


def parameter_of(instance: Instance, text: str) -> Parameter:
    """The parameter that a text names.

    Raises
    ------
    UsageError
        There is no such number in the instance; with a suggestion.

    Examples
    --------
    >>> from coercivity.models.licensing.data.load import load
    >>> found = parameter_of(load("one-buyer"), "segments.*.value")
    >>> found.paths, found.changes(0.5)[1]
    (('segments.toys.value', 'segments.cars.value'), ('segments.cars.value', '500.0 USD/kg'))
    """
    path = ALIASES.get(text, text)
    if path == "calendar.years":
        years = float(instance.calendar.years)
        return Parameter(text, "years", "yearly periods", (path,), ("1",), (years,), years, None, None)
    if path == "tail":
        return Parameter(text, "tail", "years later", (path,), ("yr",), (0.0,), 0.0, None, None, instance.tail)
    known = dict(instance.quantities())
    if "*" in path:
        return _factor(text, known)
    if path not in known:
        # The same words as for an override that leads nowhere.
        document = documents.parse(effective(instance), instance.name)
        found = documents.locate(document, path, "PARAMETER", shape())
        what = "is not set here" if documents.at(document.data, found) is None else "is not a number about the world"
        raise UsageError(f"PARAMETER {text}", what, f"see coercivity sources {instance.name} for the numbers there are")
    return of_number(text, path, known[path])


def of_number(name: str, path: str, number: Quantity) -> Parameter:
    """The parameter that is one number of an instance."""
    return Parameter(
        name, "value", number.unit, (path,), (number.unit,), (number.value,), number.value, number.low, number.high
    )


def _factor(text: str, known: dict[str, Quantity]) -> Parameter:
    """A common factor on all numbers that a path with ``*`` matches, zeros left out."""
    pattern = text.split(".")

    def fits(path: str, parts: list[str]) -> bool:
        names = path.split(".")
        return len(names) == len(parts) and all(part in ("*", name) for part, name in zip(parts, names, strict=True))

    matched = {path: number for path, number in known.items() if fits(path, pattern)}
    if not matched:
        starred = {
            ".".join("*" if part == "*" else name for part, name in zip(pattern, path.split("."), strict=True))
            for path in known
            if path.count(".") == text.count(".")
        }
        near = difflib.get_close_matches(text, sorted(starred), 3, 0.6)
        fix = f"did you mean {' or '.join(map(repr, near))}?" if near else "each * stands for one part of a path"
        raise UsageError(f"PARAMETER {text}", "no number of the instance has such a path", fix)
    numbers = {path: number for path, number in matched.items() if number.value != 0}
    if not numbers:
        raise UsageError(f"PARAMETER {text}", "all these numbers are zero, and no factor changes them", "name one path")
    ranged = [number for number in numbers.values() if number.low is not None and number.high is not None]
    # A factor is supported where it leaves every number inside its own range.
    spans = [sorted((float(n.low or 0.0) / n.value, float(n.high or 0.0) / n.value)) for n in ranged]
    return Parameter(
        text,
        "factor",
        "times the stated values",
        tuple(numbers),
        tuple(number.unit for number in numbers.values()),
        tuple(number.value for number in numbers.values()),
        1.0,
        max((low for low, _ in spans), default=None),
        min((high for _, high in spans), default=None),
    )


def interval(parameter: Parameter, allows: Callable[[float], bool]) -> tuple[float, float]:
    """Between which values to search: from the least that may be written to :data:`WIDER` times the upper end."""
    now = parameter.now
    if parameter.is_whole:
        reach = round(now) if parameter.kind == "years" else 12
        least, most = round(now), round(now)
        while least - 1 >= round(now) - reach and allows(float(least - 1)):
            least -= 1
        while most + 1 <= round(now) + reach and allows(float(most + 1)):
            most += 1
        return float(least), float(most)
    low = now if parameter.low is None else min(parameter.low, now)
    high = now if parameter.high is None else max(parameter.high, now)
    lower = 0.0 if low >= 0 else WIDER * low
    upper = WIDER * high if high > 0 else 1.0
    return _end(now, lower, allows), _end(now, upper, allows)


def _end(now: float, wanted: float, allows: Callable[[float], bool]) -> float:
    """The value nearest to ``wanted`` that may be written, seen from the present one."""
    if wanted == now or allows(wanted):
        return wanted
    good, bad = now, wanted
    for _ in range(12):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if allows(middle) else (good, middle)
    # An end of the format is a round number: the one that lies where the halving ended, if there is one.
    near = [value for value in NATURAL if min(good, bad) <= value <= max(good, bad) and allows(value)]
    return near[0] if near else good


def scan_points(parameter: Parameter, low: float, high: float, dense: bool) -> list[float]:
    """Rising values at which to look first: the ends, the sourced range, the present value; ``dense``: halves too."""
    if parameter.is_whole:
        step = max(1, round((high - low) / 6))
        return sorted({*map(float, range(round(low), round(high) + 1, step)), high, parameter.now})
    inner = {parameter.now, parameter.low, parameter.high}
    if parameter.low is None or parameter.low == parameter.high:
        inner = {0.5 * parameter.now, parameter.now, 2.0 * parameter.now}
    points = sorted({low, high, *(value for value in inner if value is not None and low < value < high)})
    if dense:
        middles = [0.5 * (one + other) for one, other in itertools.pairwise(points)]
        points = sorted([*points, *middles])
    return points
