"""Bilevel programs as JSON, ``bilevel-neutral/1``: matrices of both levels, quadratic terms, prices of follower's rows.

One object: ``x`` and ``y`` with ``names``, ``lb``, ``ub`` (null: none) and ``type`` (C, I, B); ``upper`` and ``lower`` with
``sense``, linear costs (``cx``, ``cy``, ``c0``; ``dx``, ``dy``, ``d0``), ``Q`` as [variable, variable, coefficient], each pair
once, and rows (``A``, ``B``, ``row_sense``, ``b``; ``C``, ``D``, ``row_sense``, ``e``). In the leader's ``Q`` the name
``dual:e[k]`` stands for the price of the follower's k-th equality row, ``dual:r[k]`` for that of its k-th row, counted from 0: the derivative of the follower's
optimal value, in its own sense, with respect to the right-hand side. Null in place of the variable beside it stands for 1.

Either level may have ``R``, products in its rows as [row, variable, variable, coefficient], rows counted from 0: of a binary and a
variable with finite bounds, one of them the follower's. They become columns of the follower's (:mod:`...reformulations.row_products`).

``followers`` tells several followers apart, each with the variables ``y`` and the ``rows`` that are its own; their objectives
add up to the one of ``lower``. Followers that meet, in a row or in a product, answer one another in equilibrium; products of two of
them want an ``objective`` of each, with ``linear`` costs of its own variables by name and ``Q``, in the sense of ``lower``. ``class``, ``source``,
``known``, ``checked``, ``notes`` and ``extensions`` are remarks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.formats.neutral.followers import followers_of, is_name
from coercivity.engine.bilevel.formats.neutral.parts import Place, Reading, Wrong, shown
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, PriceTerm, Rows, Variables
from coercivity.engine.bilevel.reformulations.row_products import RowProduct, linearised
from coercivity.engine.data.strict_json import parsed
from coercivity.engine.data.text import Malformed, text_of
from coercivity.engine.errors import UsageError

__all__ = ["FORMAT", "Malformed", "parse_neutral", "program_of", "read"]

FORMAT = "bilevel-neutral/1"
KEYS = ("format", "name", "x", "y", "upper", "lower")
REMARKS = ("class", "source", "known", "checked", "notes", "extensions", "followers")
LEVELS = {"upper": ("cx", "cy", "c0", "A", "B", "b"), "lower": ("dx", "dy", "d0", "C", "D", "e")}
SENSES = {"min": 1.0, "max": -1.0}
# Other spellings, which mean nothing else.
SPELLED = {
    "minimise": "min", "minimize": "min", "maximise": "max", "maximize": "max", "==": "=", "=<": "<=", "=>": ">=", "\u2264": "<=", "\u2265": ">=",
}  # fmt: skip
PRICE = re.compile(r"dual:([er])\[(\d+)\]")

# A term with a price: column or None, kind (e: of equality rows, r: of all) and number of the row, coefficient.
Priced = tuple[int | None, str, int, float]


def read(path: str | Path) -> BilevelProblem:
    """The program in a file.

    Raises
    ------
    Unreadable
        There is no such file, or it cannot be read.
    Malformed
        It does not say a bilevel program; all that is wrong, with line, column and the place inside.
    """
    return parse_neutral(text_of(path), str(path))


def parse_neutral(text: str, name: str) -> BilevelProblem:
    """The program that a text says; ``name`` is what to call it in messages."""
    return program_of(parsed(text, name), name, text)


def program_of(data: Any, name: str, text: str = "") -> BilevelProblem:
    """The program that plain data say; ``text``, if given, is where they were read from, to tell lines.

    Raises
    ------
    Malformed
        The data do not say a bilevel program; all that is wrong, with its place.
    """
    reading = Reading(name, text)
    reading.attempt(_check_format, data)
    reading.raise_any()
    top = reading.attempt(reading.table, data, (), KEYS, REMARKS) or {}
    reading.raise_any()
    reading.attempt(_check_head, reading, top)
    levels = [reading.attempt(_variables, reading, top[level], (level,)) for level in "xy"]
    reading.raise_any()
    leader, follower = (level for level in levels if level is not None)
    reading.attempt(_check_names, leader, follower)
    reading.raise_any()
    return _program(reading, top, leader, follower)


def _program(reading: Reading, top: Mapping[str, Any], leader: Variables, follower: Variables) -> BilevelProblem:
    both = [_level(reading, top[level], level, leader, follower) for level in LEVELS]
    reading.raise_any()
    (upper, rows, is_maximised, prices), (lower, follower_rows, is_follower_maximised, _) = (
        level for level in both if level is not None
    )
    terms = reading.attempt(_prices, prices, follower_rows, is_follower_maximised)
    sign = -1.0 if is_follower_maximised else 1.0
    told = reading.attempt(
        followers_of, reading, top.get("followers"), (leader.names, follower.names), follower_rows, lower, sign
    )
    reading.raise_any()
    problem = BilevelProblem(
        top["name"], leader, follower, upper, rows, lower, follower_rows, is_maximised, is_follower_maximised,
        terms or (), told.members if told else (), rivals=told.rivals if told else None,
    )  # fmt: skip
    found = reading.attempt(_with_products, reading, top, problem)
    reading.raise_any()
    assert found is not None
    return found


def _with_products(reading: Reading, top: Mapping[str, Any], problem: BilevelProblem) -> BilevelProblem:
    """The problem with the products in the rows of both levels."""
    found = []
    for level, rows in (("upper", problem.rows), ("lower", problem.follower_rows)):
        terms = []
        for at, entry in enumerate(reading.list_of(top[level].get("R", []), (level, "R"))):
            place = (level, "R", at)
            if not isinstance(entry, list) or len(entry) != 4:
                raise Wrong(place, "not [row, variable, variable, coefficient]", "write four entries")
            row, *names, coefficient = entry
            if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < len(rows):
                raise Wrong((*place, 0), f"{shown(row)} is not a row", f"count the rows of {level} from 0")
            for name in names:
                if name not in problem.names:
                    raise Wrong(place, f"unknown variable {shown(name)}", "use a name of x or y")
            one, other = (problem.names.index(name) for name in names)
            terms.append(RowProduct(row, one, other, reading.number(coefficient, (*place, 3))))
        found.append(terms)
    _check_one_follower(problem, found[1])
    try:
        return linearised(problem, *found)
    except UsageError as refusal:
        raise Wrong(("lower" if found[1] else "upper", "R"), refusal.what, refusal.fix) from None


def _check_one_follower(problem: BilevelProblem, terms: Sequence[RowProduct]) -> None:
    """Of separate followers a row has products of its own follower alone; those who meet may share it."""
    if not problem.members or problem.rivals is not None:
        return
    n = len(problem.leader)
    for row in sorted({term.row for term in terms}):
        line = sp.coo_array(problem.follower_rows.matrix[[row]])
        used = [int(k) for k, value in zip(line.coords[1], line.data, strict=True) if value]
        used += [k for term in terms if term.row == row for k in (term.first, term.second)]
        if len({problem.members[k - n] for k in used if k >= n}) > 1:
            what = f"row {row} of lower has products of one follower and is another's"
            raise Wrong(("lower", "R"), what, "let followers that meet share a row of D as well")


def _check_format(data: Any) -> None:
    if not isinstance(data, dict) or "format" not in data:
        raise Wrong((), "JSON, but not a bilevel program", f'this program reads objects with "format": "{FORMAT}"')
    if data["format"] != FORMAT:
        raise Wrong(("format",), f"{shown(data['format'])} is not known", f"this program reads {FORMAT}")


def _check_head(reading: Reading, top: Mapping[str, Any]) -> None:
    if not is_name(top["name"]):
        raise Wrong(("name",), f"{shown(top['name'])} is not a name", "name the problem, on one line")
    for at, text in enumerate(reading.list_of(top.get("extensions", []), ("extensions",))):
        # An extension changes what the matrices mean; only the one about prices is known.
        if not isinstance(text, str) or "dual" not in text:
            raise Wrong(("extensions", at), "an extension that is not known", "this program knows prices, dual:e[k]")


def _check_names(leader: Variables, follower: Variables) -> None:
    twice = sorted(set(leader.names) & set(follower.names))
    if twice:
        raise Wrong(("y", "names"), f"{twice[0]!r} is the leader's too", "give every variable its own name")
    if not follower.names:
        raise Wrong(("y", "names"), "the follower has no variables", "a program without follower is not bilevel")


def _variables(reading: Reading, data: Any, place: Place) -> Variables:
    """The columns of one level."""
    table = reading.table(data, place, ("names", "lb", "ub", "type"))
    names, kinds = (reading.list_of(table[key], (*place, key)) for key in ("names", "type"))
    kinds = [kind.upper() if isinstance(kind, str) else kind for kind in kinds]
    seen: set[str] = set()
    for at, name in enumerate(names):
        if not is_name(name):
            what = f"{shown(name)} is not a name"
            raise Wrong((*place, "names", at), what, "write a text on one line that does not begin with dual:")
        if name in seen:
            raise Wrong((*place, "names", at), f"{name!r} is there twice", "name every variable once")
        seen.add(name)
    if len(kinds) != len(names) or any(kind not in ("C", "I", "B") for kind in kinds):
        raise Wrong((*place, "type"), f"not a letter for each of {len(names)} variables", "C, I or B for each")
    lower = reading.numbers(table["lb"], (*place, "lb"), len(names), -math.inf)
    upper = reading.numbers(table["ub"], (*place, "ub"), len(names), math.inf)
    for at, kind in enumerate(kinds):
        if kind == "B":
            if -math.inf < lower[at] < 0 or 1 < upper[at] < math.inf:
                raise Wrong((*place, "type", at), "a binary with bounds outside of [0, 1]", "write I, or other bounds")
            lower[at], upper[at] = max(lower[at], 0.0), min(upper[at], 1.0)
        if lower[at] > upper[at]:
            raise Wrong((*place, "ub", at), f"{upper[at]:g} is below the lower bound {lower[at]:g}", "exchange the two")
    return Variables(tuple(names), lower, upper, np.array([kind != "C" for kind in kinds], dtype=bool))


def _level(
    reading: Reading, data: Any, level: str, leader: Variables, follower: Variables
) -> tuple[Objective, Rows, bool, list[Priced]] | None:
    """Objective, rows, whether it is maximised, and terms with prices; None where something was wrong."""
    own, others, constant, left, right, sides = LEVELS[level]
    keys = ("sense", own, others, constant, "Q", left, right, "row_sense", sides)
    table = reading.attempt(reading.table, data, (level,), keys, ("R",))
    if table is None:
        return None
    names = {name: at for at, name in enumerate((*leader.names, *follower.names))}
    sign = reading.attempt(_sense, table["sense"], level)
    costs = [
        reading.attempt(reading.numbers, table[key], (level, key), len(columns))
        for key, columns in ((own, leader), (others, follower))
    ]
    start = reading.attempt(reading.number, table[constant], (level, constant))
    products = reading.attempt(_products, reading, table["Q"], level, names)
    rows = reading.attempt(_rows, reading, table, level, (len(leader), len(follower)))
    if sign is None or start is None or products is None or rows is None or any(cost is None for cost in costs):
        return None
    # Zero is added so that nothing is −0, which prints as if it were something.
    linear = sign * np.concatenate([cost for cost in costs if cost is not None]) + 0.0
    quadratic, prices = products
    objective = Objective(linear, sp.csr_array(sign * quadratic), sign * start + 0.0)
    return objective, rows, sign < 0, [(column, kind, row, sign * value) for column, kind, row, value in prices]


def _sense(word: Any, level: str) -> float:
    plain = _plain(word)
    if not isinstance(plain, str) or plain not in SENSES:
        raise Wrong((level, "sense"), f"{shown(word)} is no sense", "write min or max")
    return SENSES[plain]


def _plain(word: Any) -> Any:
    """A word as this format spells it."""
    return SPELLED.get(word.strip().lower(), word.strip().lower()) if isinstance(word, str) else word


def _products(reading: Reading, data: Any, level: str, names: Mapping[str, int]) -> tuple[sp.csr_array, list[Priced]]:
    """The matrix whose half is the quadratic form, and the terms with prices."""
    at_row: list[int] = []
    at_column: list[int] = []
    values: list[float] = []
    prices: list[Priced] = []
    seen: set[frozenset[str | None]] = set()
    for at, entry in enumerate(reading.list_of(data, (level, "Q"))):
        place = (level, "Q", at)
        first, second, coefficient = _product(reading, entry, place)
        if frozenset((first, second)) in seen:
            raise Wrong(place, "the pair is there twice", "add the coefficients up")
        seen.add(frozenset((first, second)))
        if isinstance(first, str) and PRICE.fullmatch(first):
            first, second = second, first
        price = PRICE.fullmatch(second or "")
        if price and level == "lower":
            raise Wrong(place, "a follower has no price in its objective", "remove it")
        for name in (first,) if price else (first, second):
            if name not in names and not (price and name is None):
                raise Wrong(place, f"unknown variable {name!r}", "use a name of x or y, or dual:e[0] for a price")
        if price:
            prices.append((None if first is None else names[first], price[1], int(price[2]), coefficient))
            continue
        row, column = names[str(first)], names[str(second)]
        at_row += [row, column]
        at_column += [column, row]
        values += [coefficient, coefficient]
    shape = (len(names), len(names))
    matrix = sp.csr_array(sp.coo_array((np.array(values, dtype=float), (at_row, at_column)), shape=shape))
    matrix.eliminate_zeros()
    return matrix, prices


def _product(reading: Reading, entry: Any, place: Place) -> tuple[str | None, str | None, float]:
    if (
        not isinstance(entry, list)
        or len(entry) != 3
        or not all(isinstance(name, str) or name is None for name in entry[:2])
    ):
        raise Wrong(place, "not [variable, variable, coefficient]", "write three entries")
    return entry[0], entry[1], reading.number(entry[2], (*place, 2))


def _rows(reading: Reading, table: Mapping[str, Any], level: str, widths: tuple[int, int]) -> Rows:
    left, right, key = LEVELS[level][3:]
    senses = [_plain(word) for word in reading.list_of(table["row_sense"], (level, "row_sense"))]
    sides = reading.numbers(table[key], (level, key), len(senses))
    for at, sense in enumerate(senses):
        if sense not in ("<=", ">=", "="):
            raise Wrong((level, "row_sense", at), f"{shown(sense)} is no relation", "write <=, >= or =")
    parts = [
        reading.matrix(table[part], (level, part), (len(senses), width))
        for part, width in zip((left, right), widths, strict=True)
    ]
    is_at_most, is_at_least = (np.array([sense == word for sense in senses], dtype=bool) for word in ("<=", ">="))
    return Rows(
        tuple(f"{level}.{key}[{at}]" for at in range(len(sides))),
        sp.csr_array(np.hstack(parts)),
        np.where(is_at_most, -np.inf, sides),
        np.where(is_at_least, np.inf, sides),
    )


def _prices(prices: Sequence[Priced], rows: Rows, is_maximised: bool) -> tuple[PriceTerm, ...]:
    """The terms with prices, for a follower that minimises."""
    counted = {"e": np.flatnonzero(rows.lower == rows.upper), "r": np.arange(len(rows))}
    for _, kind, number, _ in prices:
        if number >= len(counted[kind]):
            many = f"{len(counted[kind])} {'equality rows' if kind == 'e' else 'rows'}"
            what = f"dual:{kind}[{number}], but the follower has {many}"
            raise Wrong(("upper", "Q"), what, "count them from 0")
    sign = -1.0 if is_maximised else 1.0
    return tuple(PriceTerm(int(counted[kind][number]), column, sign * value) for column, kind, number, value in prices)
