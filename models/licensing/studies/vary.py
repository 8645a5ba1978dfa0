"""What a study varies: numbers of the instance between limits, read from ``PATH=a:b:n`` or from the file's own ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coercivity.engine.data.units import UnitError, convert
from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Axis, Distribution
from coercivity.engine.study.designs import MOST_POINTS
from coercivity.models.licensing.answers.threshold.parameter import Parameter, of_number, parameter_of
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.substitution import Writer

# Blocks with ranges of their own that say nothing about the game: the record, what was fitted to it, what is reported.
RECORDS = ("observations.", "calibration.", "leverage.")
# Three numbers are stated, low, high and the value: the triangle uses them all. Limits alone are uniform.
UNSTATED: Distribution = "triangular"
WRITE = "write PATH, PATH=low:high, PATH=low:high:points, PATH=low:high:points:log or PATH=value,value,…"


@dataclass(frozen=True)
class Varied:
    """One thing that a study varies.

    Attributes
    ----------
    axis : its limits and distribution, in the unit of the parameter
    points : values of a grid; empty where none were stated
    """

    parameter: Parameter
    axis: Axis
    points: tuple[float, ...] = ()


def uncertain(instance: Instance, unstated: Distribution = UNSTATED) -> list[Varied]:
    """Every number of the instance that has a range, with its distribution.

    Parameters
    ----------
    unstated : distribution of those for which the instance names none

    Raises
    ------
    UsageError
        No number of the instance has a range.
    """
    found = [
        _ranged(of_number(path, path, number), number.low, number.high, number.distribution or unstated)
        for path, number in instance.quantities()
        if number.low is not None
        and number.high is not None
        and number.low != number.high
        and not path.startswith(RECORDS)
    ]
    if not found:
        raise UsageError(
            instance.name, "no number of this instance has a range", "name what varies: --vary PATH=low:high"
        )
    return found


def of_range(instance: Instance, path: str, unstated: Distribution = UNSTATED) -> Varied:
    """A parameter over the range that the instance states.

    Raises
    ------
    UsageError
        There is no such number, or no range is stated for it.
    """
    parameter = parameter_of(instance, path)
    if parameter.low is None or parameter.high is None or parameter.low >= parameter.high:
        raise UsageError(f"--vary {path}", "the instance states no range for it", f"write --vary {path}=low:high")
    distribution = unstated
    if parameter.kind == "value":
        distribution = dict(instance.quantities())[parameter.paths[0]].distribution or unstated
    return _ranged(parameter, parameter.low, parameter.high, distribution)


def _ranged(parameter: Parameter, low: float, high: float, distribution: Distribution) -> Varied:
    return Varied(parameter, Axis(parameter.name, low, high, parameter.now, distribution))


def varied(instance: Instance, texts: Sequence[str], unstated: Distribution = UNSTATED) -> list[Varied]:
    """What several texts say; numbers without a unit are in the unit of the parameter.

    Raises
    ------
    UsageError
        A text cannot be read, names no number, or asks for a value that the format does not allow.
    """
    found = [_varied(instance, text, unstated) for text in texts]
    seen: dict[str, str] = {}
    for one in found:
        for path in one.parameter.paths:
            if path in seen:
                what = f"{path} is varied by --vary {seen[path]} too"
                raise UsageError(f"--vary {one.parameter.name}", what, "name every number once")
            seen[path] = one.parameter.name
    stated = [text for text, one in zip(texts, found, strict=True) if "=" in text]
    writer = Writer(instance, [one.parameter for one in found])
    for one in found if stated else ():
        for value in {one.axis.low, one.axis.high} - {one.parameter.low, one.parameter.high, one.parameter.now}:
            if not writer.allows(one.parameter, value):
                what = f"{value:g} {one.parameter.unit} is not a value that it may have here"
                raise UsageError(f"--vary {one.parameter.name}", what, f"see coercivity show {instance.name}")
    return found


def _varied(instance: Instance, text: str, unstated: Distribution) -> Varied:
    name, equals, spec = text.partition("=")
    name = name.strip()
    if not equals:
        return of_range(instance, name, unstated)
    where = f"--vary {text}"
    parameter = parameter_of(instance, name)
    if "," in spec:
        points = sorted({_number(part, parameter, where) for part in spec.split(",")})
        return _listed(parameter, points, where)
    parts = [part.strip() for part in spec.split(":")]
    if not 2 <= len(parts) <= 4 or (len(parts) == 4 and parts[3] != "log"):
        raise UsageError(where, f"{spec!r} is neither limits nor a list of values", WRITE)
    low, high = (_number(part, parameter, where) for part in parts[:2])
    if low >= high:
        raise UsageError(where, f"{parts[0]} is not below {parts[1]}", "write the lower limit first")
    is_log = len(parts) == 4
    axis = Axis(name, low, high, min(max(parameter.now, low), high), is_log=is_log)
    if len(parts) == 2:
        return Varied(parameter, axis)
    if not parts[2].isdecimal() or not 2 <= int(parts[2]) <= MOST_POINTS:
        fix = f"write a whole number of at least 2 and at most {MOST_POINTS:,}"
        raise UsageError(where, f"{parts[2]!r} is no number of points", fix)
    return replace(_listed(parameter, axis.points(int(parts[2])).tolist(), where), axis=axis)


def _listed(parameter: Parameter, points: Sequence[float], where: str) -> Varied:
    if parameter.is_whole:
        points = sorted({float(round(point)) for point in points})
    if len(points) < 2:
        raise UsageError(where, "a single value varies nothing", "write two values or more")
    low, high = points[0], points[-1]
    return Varied(parameter, Axis(parameter.name, low, high, min(max(parameter.now, low), high)), tuple(points))


def _number(text: str, parameter: Parameter, where: str) -> float:
    """A number in the unit of the parameter, which may be left out."""
    try:
        value = float(text)
    except ValueError:
        unit = "1" if parameter.kind == "factor" or parameter.is_whole else parameter.unit
        try:
            value = convert(text.strip(), unit)
        except UnitError as error:
            raise UsageError(where, error.what, error.fix) from None
    if not math.isfinite(value):
        raise UsageError(where, f"{text!r} is not a finite number", WRITE)
    return value


def grid_points(found: Sequence[Varied]) -> dict[str, Sequence[float]]:
    """The values of every axis of a grid; those that were not stated are spread evenly over the range."""
    count = {1: 9, 2: 7}.get(len(found), 3)
    return {one.parameter.name: one.points or _spread(one, count) for one in found}


def _spread(one: Varied, count: int) -> list[float]:
    points = one.axis.points(count).tolist()
    return sorted({float(round(point)) for point in points}) if one.parameter.is_whole else points
