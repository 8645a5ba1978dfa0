"""The parts of a ``bilevel-neutral/1`` text, read one by one, so that all that is wrong can be told at once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from coercivity.engine.bilevel.problem import Floats
from coercivity.engine.data.text import INFINITY, MOST_FAULTS, Malformed
from coercivity.engine.errors import Finding

Place = tuple[str | int, ...]
Part = TypeVar("Part")
Given = ParamSpec("Given")

# Lines are looked up by a slow reader, which is not worth its time for larger texts.
LONGEST_LOCATED = 1_000_000


class Wrong(Exception):
    """What is wrong with a part, and what to do."""

    def __init__(self, place: Place, what: str, fix: str) -> None:
        self.place, self.what, self.fix = place, what, fix
        super().__init__(what)


def dotted(place: Place) -> str:
    """A place inside the data, as it is written in messages.

    >>> dotted(("lower", "C", 2))
    'lower.C[2]'
    """
    parts = (
        f"[{part}]" if isinstance(part, int) else f".{part if part.isprintable() else ascii(part)}" for part in place
    )
    return "".join(parts).lstrip(".")


class Reading:
    """Reads parts of one file and keeps what is wrong with them."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.wrong: list[Wrong] = []

    def attempt(self, part: Callable[Given, Part], *given: Given.args, **named: Given.kwargs) -> Part | None:
        """What a part says; None, and a note, where it is wrong."""
        try:
            return part(*given, **named)
        except Wrong as wrong:
            self.wrong.append(wrong)
            return None

    def raise_any(self) -> None:
        """Refuse the file where something is wrong."""
        if self.wrong:
            lines = self._lines()
            found = (
                (self._place(wrong.place, lines), dotted(wrong.place), wrong.what, wrong.fix) for wrong in self.wrong
            )
            raise Malformed([Finding(*finding) for finding in found])

    def _lines(self) -> Mapping[Place, tuple[int, int]]:
        """Line and column of every part, as far as the reader of YAML, of which JSON is nearly a part, finds them."""
        if not self.text or len(self.text) > LONGEST_LOCATED:
            return {}
        from coercivity.engine.data.reader import Reader  # heavy, and wanted for faulty files alone

        reader = Reader(self.name, self.text)
        reader.root()
        return reader.values

    def _place(self, place: Place, lines: Mapping[Place, tuple[int, int]]) -> str:
        for end in range(len(place), -1, -1):
            if place[:end] in lines:
                line, column = lines[place[:end]]
                return f"{self.name}:{line}:{column}"
        return self.name

    # -- parts -------------------------------------------------------------------------------------------------------

    def table(self, data: Any, place: Place, needed: Sequence[str], more: Sequence[str] = ()) -> Mapping[str, Any]:
        """An object with the keys that are needed, and no other than these and ``more``."""
        if not isinstance(data, dict):
            raise Wrong(place, "not an object", 'write {"…": …}')
        unknown = [key for key in data if key not in needed and key not in more][:MOST_FAULTS]
        missing = [key for key in needed if key not in data]
        wrong = [Wrong((*place, key), "unknown key", f"keys: {', '.join((*needed, *more))}") for key in unknown]
        wrong += [Wrong((*place, key), "missing", "add it") for key in missing]
        if wrong:
            self.wrong += wrong[:-1]
            raise wrong[-1]
        return data

    def list_of(self, data: Any, place: Place) -> list[Any]:
        """A list."""
        if not isinstance(data, list):
            raise Wrong(place, f"{shown(data)} is not a list", "write […]")
        return data

    def numbers(self, data: Any, place: Place, count: int, missing: float | None = None) -> Floats:
        """A list of so many finite numbers; null stands for ``missing``, where that is given."""
        values = self.list_of(data, place)
        if len(values) != count:
            raise Wrong(place, f"{len(values)} entries, {count} expected", "write one number for each")
        found = [self.number(value, (*place, at), missing) for at, value in enumerate(values)]
        return np.array(found, dtype=float)

    def number(self, value: Any, place: Place, missing: float | None = None) -> float:
        """A finite number, as solvers take it: from 1e20 on they take every number for infinite."""
        if value is None and missing is not None:
            return missing
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if abs(number) < INFINITY:
                return number
        fix = f"write a number below {INFINITY:g}" + (
            "" if missing is None else ", or null for a bound that is not there"
        )
        raise Wrong(place, f"{shown(value)} is not a finite number", fix)

    def matrix(self, data: Any, place: Place, shape: tuple[int, int]) -> Floats:
        """A list of rows of numbers; a matrix without columns may be an empty list."""
        rows = self.list_of(data, place)
        if not rows and shape[1] == 0:
            return np.zeros(shape)
        if len(rows) != shape[0]:
            what = f"not a list of {shape[0]} rows, but of {len(rows)}"
            raise Wrong(place, what, "write one row for each entry of row_sense")
        values = [self.numbers(row, (*place, at), shape[1]) for at, row in enumerate(rows)]
        return np.array(values, dtype=float).reshape(shape)


def shown(value: Any) -> str:
    """Plain data as they are written, cut short."""
    return json.dumps(value)[:40]
