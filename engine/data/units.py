"""Units: a quantity is a number with a unit; an unknown unit is an error, never a guess.

The registry is empty but for the definitions below. Pint's default registry reads ``12 kt/yr`` as
knots and ``MT`` as megatesla, which is how a tonnage becomes a speed without a word.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import pint

DEFINITIONS = (
    "kilogram = [mass] = kg",
    "gram = 0.001 * kilogram = g",
    "tonne = 1000 * kilogram = t",
    "kilotonne = 1000 * tonne = kt",
    "dollar = [money] = USD",
    "thousand = 1000",
    "million = 1000000",
    "billion = 1000000000",
    "trillion = 1000000000000",
    "year = [time] = yr",
    "quarter = year / 4",
    "month = year / 12",
    "week = year / 52",
    "day = year / 365",
    "percent = 0.01",
)
NUMBER = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", re.DOTALL)
ALIASES = {"bn": "billion", "mn": "million", "years": "yr", "months": "month", "days": "day",
           "weeks": "week", "tonnes": "t"}  # fmt: skip
BARE = ("1", "1/yr")  # shares and yearly rates may be written as plain numbers: 0.08 is 8 %
FIXES = {
    "1": 'write a share, e.g. "25 %" or 0.25',
    "1/yr": 'write a rate per year, e.g. "8 %/yr" or 0.08',
}


class UnitError(ValueError):
    """A text that is not a quantity of the wanted dimension, and how to write one that is."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}; {fix}")


@cache
def registry(rates: tuple[tuple[str, float], ...] = ()) -> pint.UnitRegistry[Any]:
    """The registry of this project, with currencies defined by their exchange rates.

    Parameters
    ----------
    rates : tuple of (str, float)
        Currency code and its price in US dollars, e.g. ``(("EUR", 1.13),)``.
    """
    units: pint.UnitRegistry[Any] = pint.UnitRegistry(None)
    for line in DEFINITIONS:
        units.define(line)
    for code, rate in rates:
        units.define(f"{code} = {rate!r} * USD")
    return units


def convert(text: object, unit: str, rates: Mapping[str, float] | None = None) -> float:
    """The number that ``text`` states, in ``unit``.

    Raises
    ------
    UnitError
        Not a number, no unit where one is needed, an unknown unit, or another dimension.

    Examples
    --------
    >>> convert("12 kt/yr", "t/month")
    1000.0
    >>> convert("25 %", "1")
    0.25
    >>> convert("6 billion USD/yr", "million USD/yr")
    6000.0
    >>> convert("12 MT", "t")
    Traceback (most recent call last):
    coercivity.engine.data.units.UnitError: unknown unit 'MT' in '12 MT'; write a quantity in t, e.g. "1 t"
    """
    fix = FIXES.get(unit, f'write a quantity in {unit}, e.g. "1 {unit}"')
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise UnitError(f"{text!r} is not a quantity", fix)
    if not isinstance(text, str):
        if unit in BARE:
            return _finite(float(text), text, fix)
        raise UnitError(f"{text!r} has no unit", fix)
    if re.match(r"\s*[-+]?\d{1,3}(,\d{3})+", text):
        raise UnitError(f"{text!r} has a comma in its number", "write the number without separators of thousands")
    match = NUMBER.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a number with a unit", fix)
    number = _finite(float(match[1]), text, fix)
    written = match[2]
    if not written:
        if unit in BARE:
            return number
        raise UnitError(f"{text!r} has no unit", fix)
    return number * _factor(written, unit, text, fix, tuple(sorted((rates or {}).items())))


def _finite(number: float, text: object, fix: str) -> float:
    if number != number or number in (float("inf"), float("-inf")):
        raise UnitError(f"{text!r} is not a finite number", fix)
    return number


def _factor(written: str, unit: str, text: str, fix: str, rates: tuple[tuple[str, float], ...]) -> float:
    try:
        return _ratio(written, unit, rates)
    except pint.UndefinedUnitError as error:
        names = error.unit_names if isinstance(error.unit_names, str) else ", ".join(error.unit_names)
        known = [*dict.fromkeys(str(name) for name in registry(rates)), *ALIASES]
        near = difflib.get_close_matches(names.lower(), known, 1, 0.7)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise UnitError(f"unknown unit {names!r} in {text!r}{hint}", fix) from None
    except pint.DimensionalityError:
        raise UnitError(f"{text!r} is not a quantity in {unit}", fix) from None
    except Exception:  # pint raises its parser's own errors for malformed expressions, and overflows
        raise UnitError(f"cannot read the unit {written!r} in {text!r}", fix) from None


@lru_cache(maxsize=4096)
def _ratio(written: str, unit: str, rates: tuple[tuple[str, float], ...]) -> float:
    """How many of ``unit`` one of what is written is; a file writes the same few units a thousand times."""
    units = registry(rates)
    spelled = re.sub(r"[A-Za-z]+", lambda word: ALIASES.get(word[0], word[0]), written.replace("%", " percent "))
    have = units.Quantity(1.0, units.parse_units(spelled.strip()))
    wanted = units.Quantity(1.0, "dimensionless" if unit == "1" else unit)
    return float(have.to(wanted.units).magnitude)
