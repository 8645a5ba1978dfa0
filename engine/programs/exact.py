"""Small linear programs in exact arithmetic: no tolerance, and a solver that gives up nowhere.

The simplex method on a dictionary of integers: the entries of a dictionary over a common denominator, which is the last
pivot, stay integers when a pivot is taken (Edmonds 1967; Bareiss 1968), so that nothing is ever rounded or reduced. Bland's
rule (1977) keeps it from cycling. Meant for some tens of rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.object_]


@dataclass(frozen=True)
class ExactOptimum:
    """The greatest value of an exact program, a point that reaches it, and the multipliers ≥ 0 of its rows that prove it."""

    value: Fraction
    point: tuple[Fraction, ...]
    multipliers: tuple[Fraction, ...]


def fractions(values: Any) -> Integers:
    """Numbers as the fractions that they are, in an array of the same shape.

    >>> fractions([0.5, 3])
    array([Fraction(1, 2), Fraction(3, 1)], dtype=object)
    """
    given = np.asarray(values, dtype=object)
    found = np.empty(given.shape, dtype=object)
    for at in np.ndindex(given.shape):
        found[at] = Fraction(given[at])  # type: ignore[call-overload]
    return found


def greatest(gain: Sequence[Fraction], rows: Integers, least: Sequence[Fraction]) -> ExactOptimum | None:
    """The greatest gain · v subject to rows · v ≥ least, v ≥ 0; None where no v satisfies them.

    Parameters
    ----------
    gain : shape (columns,)
    rows : fractions, shape (rows, columns)
    least : shape (rows,)

    Raises
    ------
    ValueError
        The gain has no greatest value.

    Examples
    --------
    >>> found = greatest(fractions([1, 1]), fractions([[-1, -2], [-3, -1]]), fractions([-4, -6]))
    >>> str(found.value), [str(part) for part in found.point], [str(part) for part in found.multipliers]
    ('14/5', ['8/5', '6/5'], ['2/5', '1/5'])
    """
    height, width = len(least), len(gain)
    whole = [_whole([least[row], *rows[row]]) for row in range(height)]
    objective, size = _whole(list(gain))
    # Column 0 holds the constants, then v, last the one artificial column; rows 0 and 1 hold the gain and −artificial.
    table: Integers = np.zeros((height + 2, width + 2), dtype=object)
    table[0, 1:-1] = [-entry for entry in objective]
    table[1, -1] = 1
    for row, (entries, _) in enumerate(whole, 2):
        table[row, 0] = -entries[0]
        table[row, 1:-1] = [-entry for entry in entries[1:]]
        table[row, -1] = -1
    dictionary = _Dictionary(table, list(range(width + 1)), [width + 1 + row for row in range(height)], width)
    if height and min(table[2:, 0]) < 0:
        dictionary.pivot(int(np.argmin(table[2:, 0])) + 2, width + 1)
        dictionary.improve(1)
        if dictionary.table[1, 0] != 0:
            return None
        dictionary.drive_out()
    dictionary.improve(0)
    point, multipliers = dictionary.read(width, height)
    scaled = tuple(multiplier * factor / size for multiplier, (_, factor) in zip(multipliers, whole, strict=True))
    return ExactOptimum(dictionary.value() / size, point, scaled)


def _whole(entries: Sequence[Fraction]) -> tuple[list[int], int]:
    """Fractions times their common denominator, and the denominator."""
    common = lcm(*(entry.denominator for entry in entries)) if entries else 1
    return [int(entry * common) for entry in entries], common


class _Dictionary:
    """basic = constant − Σ entry · nonbasic, all over one denominator; v are numbered first, then the artificial, then slacks."""

    def __init__(self, table: Integers, outside: list[int], inside: list[int], artificial: int) -> None:
        self.table, self.outside, self.inside, self.artificial = table, outside, inside, artificial
        self.denominator = 1

    def pivot(self, row: int, column: int) -> None:
        """Exchange the basic variable of a row for the nonbasic one of a column."""
        table, pivot = self.table, self.table[row, column]
        crossed = np.outer(table[:, column], table[row])
        fresh = (table * pivot - crossed) // self.denominator
        fresh[row], fresh[:, column] = table[row], -table[:, column]
        fresh[row, column] = self.denominator
        self.denominator, self.table = (pivot, fresh) if pivot > 0 else (-pivot, -fresh)
        self.inside[row - 2], self.outside[column - 1] = self.outside[column - 1], self.inside[row - 2]

    def improve(self, objective: int) -> None:
        """Pivot until nothing improves an objective; once the artificial variable is out it stays out.

        Raises
        ------
        ValueError
            The objective has no greatest value.
        """
        while True:
            table = self.table
            entering = [
                (self.outside[column - 1], column)
                for column in range(1, table.shape[1])
                if table[objective, column] < 0 and (objective == 1 or self.outside[column - 1] != self.artificial)
            ]
            if not entering:
                return
            column = min(entering)[1]
            leaving = [
                (Fraction(table[row, 0], table[row, column]), self.inside[row - 2], row)
                for row in range(2, table.shape[0])
                if table[row, column] > 0
            ]
            if not leaving:
                raise ValueError("the gain has no greatest value")
            self.pivot(min(leaving)[2], column)

    def drive_out(self) -> None:
        """Exchange the artificial variable, at zero, for any other."""
        if self.artificial in self.inside:
            row = self.inside.index(self.artificial) + 2
            self.pivot(row, 1 + int(np.flatnonzero(self.table[row, 1:] != 0)[0]))

    def value(self) -> Fraction:
        """The gain at the dictionary's point."""
        return Fraction(self.table[0, 0], self.denominator)

    def read(self, width: int, height: int) -> tuple[tuple[Fraction, ...], list[Fraction]]:
        """The point v and the multipliers of the rows."""
        point, multipliers = [Fraction(0)] * width, [Fraction(0)] * height
        for row, variable in enumerate(self.inside, 2):
            if variable < width:
                point[variable] = Fraction(self.table[row, 0], self.denominator)
        for column, variable in enumerate(self.outside, 1):
            if variable > width:
                multipliers[variable - width - 1] = Fraction(self.table[0, column], self.denominator)
        return tuple(point), multipliers
