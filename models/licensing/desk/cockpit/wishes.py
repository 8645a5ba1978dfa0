"""What the page may wish for, read from JSON that is not trusted: names, numbers within limits, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NoReturn, cast

from coercivity.engine.errors import UsageError

# Blocks that say nothing about the game: the record, what was fitted to it, what is reported.
RECORDS = ("observations.", "calibration.", "leverage.")
GRID = "grid"  # what the strategy is called that the grid says
MOST_CHANGES = 600
LONGEST = 200  # letters of a name
WIDEST = 64  # entries of one direction of the grid

Kind = Literal["read", "verdict", "leverage"]
Making = Literal["certificate", "brief"]
Postures = tuple[tuple[tuple[str, ...], ...], ...]


@dataclass(frozen=True)
class Wish:
    """One strategy at changed assumptions.

    Attributes
    ----------
    values : changed numbers by their path, in the unit of the instance
    strategy : a named one, or :data:`GRID`
    postures : by phase, group and product, where a grid is asked for
    copied : the strategy that the grid was copied from: what it does after a concession, the grid does too
    """

    values: Mapping[str, float]
    strategy: str
    postures: Postures | None = None
    copied: str | None = None

    @cached_property
    def key(self) -> tuple[tuple[str, float], ...]:
        """The changed numbers, so that equal ones are known again."""
        return tuple(sorted(self.values.items()))


def parsed(body: bytes) -> dict[str, Any]:
    """An object of JSON.

    Raises
    ------
    UsageError
        It is none.
    """
    try:
        data = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UsageError("the wish", "it is not JSON", "send an object of JSON") from None
    if not isinstance(data, dict):
        raise UsageError("the wish", "it is not an object", "send an object of JSON")
    return data


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def client_of(data: Mapping[str, Any]) -> str:
    """Who wishes; raises UsageError where nobody says so."""
    return _name(data.get("client"), "client")


def making_of(data: Mapping[str, Any]) -> Making:
    """What is to be made in full; raises UsageError where it is neither a certificate nor a brief."""
    found = data.get("make", "certificate")
    if found not in ("certificate", "brief"):
        raise UsageError("make", "neither a certificate nor a brief", "send certificate or brief")
    return cast(Making, found)


def wish_of(data: Mapping[str, Any]) -> Wish:
    """The wish that an object says.

    Raises
    ------
    UsageError
        It says no such thing; with the place.
    """
    values = data.get("values", {})
    if not isinstance(values, dict) or len(values) > MOST_CHANGES:
        raise UsageError("values", "not an object of numbers", f"send at most {MOST_CHANGES} numbers by path")
    numbers = {_name(path, "values"): _number(value, path) for path, value in values.items()}
    grid = data.get("postures")
    if grid is None:
        return Wish(numbers, _name(data.get("strategy"), "strategy"))
    copied = data.get("copied")
    return Wish(numbers, GRID, _grid(grid), None if copied is None else _name(copied, "copied"))


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise UsageError(where, "not a name", f"send a text of at most {LONGEST} letters")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or not math.isfinite(value):
        raise UsageError(where[:LONGEST], "not a finite number", "send a number")
    return float(value)


def _grid(grid: object) -> Postures:
    return tuple(
        tuple(tuple(_name(posture, "postures") for posture in _list(products)) for products in _list(groups))
        for groups in _list(grid)
    )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= WIDEST:
        raise UsageError("postures", "not a grid", "send lists of lists of lists of names")
    return value
