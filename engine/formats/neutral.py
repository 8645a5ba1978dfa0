"""Bilevel programs as JSON, ``bilevel-neutral/1``: matrices of both levels, quadratic terms, prices of follower's rows.

One object: ``x`` and ``y`` with ``names``, ``lb``, ``ub`` (null: none) and ``type`` (C, I, B); ``upper`` and ``lower`` with
``sense``, linear costs (``cx``, ``cy``, ``c0``; ``dx``, ``dy``, ``d0``), ``Q`` as [variable, variable, coefficient], each pair
once, and rows (``A``, ``B``, ``row_sense``, ``b``; ``C``, ``D``, ``row_sense``, ``e``). In the leader's ``Q`` the name
``dual:e[k]`` stands for the price of the follower's k-th equality row, counted from 0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from engine.errors import CoercivityError, ExitCode
from engine.problem import BilevelProblem, Floats, Objective, PriceTerm, Rows, Variables

FORMAT = "bilevel-neutral/1"
KEYS = {"format", "name", "x", "y", "upper", "lower"}
REMARKS = {"class", "source", "known", "checked", "notes", "extensions", "followers"}
PRICE = re.compile(r"dual:e\[(\d+)\]")


class Malformed(CoercivityError):
    """A file that cannot be read as a bilevel program; where in it, and why."""

    exit_code = ExitCode.INVALID_INSTANCE


def read(path: Path) -> BilevelProblem:
    """The program in a file.

    Raises
    ------
    Malformed
        The file cannot be read, or does not say a program; with the place inside of it.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Malformed(str(path), f"cannot be read: {error.strerror}", "check the path") from None
    except ValueError as error:
        raise Malformed(str(path), f"is not JSON: {error}", "mend it there") from None
    return program_of(data, str(path))


def program_of(data: Any, name: str) -> BilevelProblem:
    """The program that plain data say; raises as :func:`read`."""
    reader = _Reader(name)
    top = reader.table(data, "", KEYS, REMARKS)
    if top["format"] != FORMAT:
        raise Malformed(name, f"format: {top['format']!r} is not known", f"this program reads {FORMAT}")
    leader, follower = (reader.variables(top[level], level) for level in "xy")
    twice = sorted(set(leader.names) & set(follower.names))
    if twice:
        raise Malformed(name, f"y.names: {twice[0]!r} is the leader's too", "give every variable its own name")
    upper, prices = reader.level(top["upper"], "upper", ("cx", "cy", "c0", "A", "B", "b"), leader, follower)
    lower, none = reader.level(top["lower"], "lower", ("dx", "dy", "d0", "C", "D", "e"), leader, follower)
    if none:
        raise Malformed(name, "lower.Q: a follower has no price in its objective", "remove it")
    equalities = np.flatnonzero(lower[1].lower == lower[1].upper)
    terms = []
    for column, number, coefficient in prices:
        if number >= len(equalities):
            what = f"upper.Q: dual:e[{number}], but the follower has {len(equalities)} equality rows"
            raise Malformed(name, what, "count its equality rows from 0")
        terms.append(PriceTerm(int(equalities[number]), column, coefficient))
    return BilevelProblem(
        str(top["name"]), leader, follower, upper[0], upper[1], lower[0], lower[1], upper[2], lower[2], tuple(terms)
    )


class _Reader:
    """Reads parts of one file and says where they are wrong."""

    def __init__(self, name: str) -> None:
        self.name = name

    def table(self, data: Any, where: str, needed: set[str], more: set[str]) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            raise Malformed(self.name, f"{where or 'the file'}: not an object", 'write {"…": …}')
        for key in data:
            if key not in needed | more:
                raise Malformed(
                    self.name, f"{where}.{key}".lstrip(".") + ": unknown key", f"keys: {', '.join(sorted(needed))}"
                )
        for key in sorted(needed):
            if key not in data:
                raise Malformed(self.name, f"{where}.{key}".lstrip(".") + ": missing", "add it")
        return data

    def numbers(self, data: Any, where: str, count: int, missing: float | None = None) -> Floats:
        if not isinstance(data, list) or len(data) != count:
            found = f"{len(data)} entries" if isinstance(data, list) else type(data).__name__
            raise Malformed(self.name, f"{where}: {found}, {count} expected", "one number for each")
        return np.array([self.number(value, f"{where}[{at}]", missing) for at, value in enumerate(data)], dtype=float)

    def number(self, value: Any, where: str, missing: float | None = None) -> float:
        if value is None and missing is not None:
            return missing
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Malformed(self.name, f"{where}: {value!r} is not a finite number", "write a number")
        return float(value)

    def variables(self, data: Any, where: str) -> Variables:
        table = self.table(data, where, {"names", "lb", "ub", "type"}, set())
        names = table["names"]
        if (
            not isinstance(names, list)
            or not all(isinstance(name, str) for name in names)
            or len(set(names)) < len(names)
        ):
            raise Malformed(self.name, f"{where}.names: not a list of different texts", "name every variable once")
        count, kinds = len(names), table["type"]
        if not isinstance(kinds, list) or len(kinds) != count or any(kind not in ("C", "I", "B") for kind in kinds):
            raise Malformed(self.name, f"{where}.type: not a letter for each variable", "C, I or B for each")
        lower = self.numbers(table["lb"], f"{where}.lb", count, -math.inf)
        upper = self.numbers(table["ub"], f"{where}.ub", count, math.inf)
        is_binary = np.array([kind == "B" for kind in kinds], dtype=bool)
        lower, upper = (
            np.where(is_binary, np.maximum(lower, 0), lower),
            np.where(is_binary, np.minimum(upper, 1), upper),
        )
        for at in np.flatnonzero(lower > upper):
            raise Malformed(self.name, f"{where}.ub[{at}]: below the lower bound", "exchange the two")
        return Variables(tuple(names), lower, upper, np.array([kind != "C" for kind in kinds], dtype=bool))

    def level(
        self, data: Any, where: str, keys: Sequence[str], leader: Variables, follower: Variables
    ) -> tuple[tuple[Objective, Rows, bool], list[tuple[int | None, int, float]]]:
        """Objective, rows and whether it is maximised; and the terms with prices."""
        own, others, constant, left, right, sides = keys
        table = self.table(data, where, {"sense", own, others, constant, "Q", left, right, "row_sense", sides}, set())
        if table["sense"] not in ("min", "max"):
            raise Malformed(self.name, f"{where}.sense: {table['sense']!r}", "write min or max")
        sign = -1.0 if table["sense"] == "max" else 1.0
        linear = np.concatenate([
            self.numbers(table[own], f"{where}.{own}", len(leader)),
            self.numbers(table[others], f"{where}.{others}", len(follower)),
        ])  # fmt: skip
        names = {name: at for at, name in enumerate((*leader.names, *follower.names))}
        quadratic, prices = self._products(table["Q"], f"{where}.Q", names, sign)
        start = self.number(table[constant], f"{where}.{constant}")
        goal = Objective(sign * linear, sp.csr_array(sign * quadratic), sign * start)
        rows = self._rows(table, where, (left, right, sides), (len(leader), len(follower)))
        return (goal, rows, table["sense"] == "max"), prices

    def _products(
        self, data: Any, where: str, names: Mapping[str, int], sign: float
    ) -> tuple[Floats, list[tuple[int | None, int, float]]]:
        table = np.zeros((len(names), len(names)))
        prices: list[tuple[int | None, int, float]] = []
        seen: set[frozenset[str]] = set()
        for at, entry in enumerate(data if isinstance(data, list) else []):
            if not isinstance(entry, list) or len(entry) != 3 or not all(isinstance(name, str) for name in entry[:2]):
                raise Malformed(
                    self.name, f"{where}[{at}]: not [variable, variable, coefficient]", "write three entries"
                )
            first, second = entry[:2]
            coefficient = self.number(entry[2], f"{where}[{at}][2]")
            if frozenset((first, second)) in seen:
                raise Malformed(self.name, f"{where}[{at}]: the pair is there twice", "add the coefficients up")
            seen.add(frozenset((first, second)))
            price = PRICE.fullmatch(second) or PRICE.fullmatch(first)
            other = first if PRICE.fullmatch(second) else second
            for name in (other,) if price else (first, second):
                if name not in names:
                    raise Malformed(self.name, f"{where}[{at}]: unknown variable {name!r}", "use a name of x or y")
            if price:
                prices.append((names[other], int(price[1]), sign * coefficient))
                continue
            table[names[first], names[second]] += coefficient
            table[names[second], names[first]] += coefficient
        return table, prices

    def _rows(self, table: Mapping[str, Any], where: str, keys: Sequence[str], widths: tuple[int, int]) -> Rows:
        sides = self.numbers(table[keys[2]], f"{where}.{keys[2]}", len(table["row_sense"]))
        parts = []
        for key, width in zip(keys[:2], widths, strict=True):
            data = table[key]
            if not isinstance(data, list) or len(data) not in ({len(sides), 0} if width == 0 else {len(sides)}):
                raise Malformed(self.name, f"{where}.{key}: not a list of {len(sides)} rows", "one row for each side")
            rows = [self.numbers(row, f"{where}.{key}[{at}]", width) for at, row in enumerate(data)] or [
                np.zeros(width)
            ] * len(sides)
            parts.append(np.array(rows, dtype=float).reshape(len(sides), width))
        for at, sense in enumerate(table["row_sense"]):
            if sense not in ("<=", ">=", "="):
                raise Malformed(self.name, f"{where}.row_sense[{at}]: {sense!r}", "write <=, >= or =")
        senses = np.array(table["row_sense"], dtype=object)
        names = tuple(f"{where}.{keys[2]}[{at}]" for at in range(len(sides)))
        lower = np.where(senses == "<=", -np.inf, sides).astype(float)
        return Rows(names, sp.csr_array(np.hstack(parts)), lower, np.where(senses == ">=", np.inf, sides).astype(float))
