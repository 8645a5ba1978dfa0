"""Arithmetic over named numbers with units, read from a text: nothing else is evaluated, no unit is guessed.

A day may stand in a formula too: days are subtracted from each other, and the difference is a time.
"""

from __future__ import annotations

import ast
import datetime
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pint

from coercivity.engine.data.units import ALIASES, UnitError, convert, registry
from coercivity.engine.report.text import amount

LONGEST = 400
LARGEST_POWER = 8.0
OPERATORS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("adds {} and {}", operator.add),
    ast.Sub: ("subtracts {1} from {0}", operator.sub),
    ast.Mult: ("multiplies {} by {}", operator.mul),
    ast.Div: ("divides {} by {}", operator.truediv),
    ast.Pow: ("raises {} to {}", operator.pow),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}
ALLOWED = "use numbers, names, + - * / **, brackets, min(…) and max(…)"


class FormulaError(ValueError):
    """A formula that cannot be accepted: what is wrong with it, and how to write one that can."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}; {fix}")


class NoValue(FormulaError):
    """The formula is sound, but these numbers give it no value."""


@dataclass(frozen=True)
class Amount:
    """A number with its unit, or a day, and how it is written."""

    value: Any
    is_day: bool = False
    shown: str = ""


def rates_key(rates: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Exchange rates as the registry of units takes them."""
    return tuple(sorted(rates.items()))


def normal(unit: str, rates: Mapping[str, float]) -> str:
    """The unit in the spelling of the registry, ``%`` and ``1`` (none) as they are.

    Raises
    ------
    UnitError
        There is no such unit.

    Examples
    --------
    >>> normal("tonnes/yr", {}), normal("bn USD", {}), normal("", {}), normal("%", {})
    ('t/yr', 'billion USD', '1', '%')
    >>> normal("MT", {})
    Traceback (most recent call last):
    coercivity.engine.data.units.UnitError: unknown unit 'MT' in '1 MT'; units: g, kg, t, kt, USD, day, week, month, yr, %, million …
    """
    if unit in ("", "1", "%"):
        return unit or "1"
    if len(unit) > 60 or "**" in unit or "^" in unit:
        raise UnitError(f"{unit[:60]!r} is not a unit", "write a unit without powers, e.g. USD/kg")
    spelled = re.sub(r"[A-Za-z]+", lambda word: ALIASES.get(word[0], word[0]), unit.strip())
    try:
        # The dimension asked for is of no account: an unknown unit is refused before the two are compared.
        convert(f"1 {unit}", "t", rates)
    except UnitError as error:
        if "is not a quantity in" not in error.what:
            units = ", ".join(["g, kg, t, kt, USD, day, week, month, yr, %, million …", *rates])
            raise UnitError(error.what, f"units: {units}") from None
    return spelled


def quantity_amount(value: float, unit: str, rates: Mapping[str, float]) -> Amount:
    """A number in a unit.

    >>> quantity_amount(25.0, "%", {}).shown, quantity_amount(1238.47, "t", {}).shown
    ('25 %', '1,238.47 t')
    """
    units = registry(rates_key(rates))
    named = {"1": "dimensionless", "%": "percent"}.get(unit, unit)
    return Amount(units.Quantity(value, units.parse_units(named)), shown=shown(value, unit))


def day_amount(text: str) -> Amount:
    """A day, given as YYYY-MM-DD."""
    units = registry()
    return Amount(units.Quantity(float(datetime.date.fromisoformat(text).toordinal()), "day"), True, text)


def shown(value: float | None, unit: str, digits: int = 6) -> str:
    """A number as it is written in formulas and tables, with its unit."""
    text = amount(value, digits)
    return text if unit == "1" or value is None else f"{text} {unit}"


def parse(text: str) -> ast.expr:
    """The expression that a text holds.

    Raises
    ------
    FormulaError
        It is not arithmetic over names and numbers.

    Examples
    --------
    >>> parse("__import__('os')")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    coercivity.models.licensing.claims.formula.FormulaError: '__import__' is not a function of formulas; use numbers, ...
    """
    if len(text) > LONGEST or not text.isascii():
        raise FormulaError(f"the formula is longer than {LONGEST} letters, or has letters beyond ASCII", ALLOWED)
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError(f"{text!r} cannot be read", ALLOWED) from None
    _check(expression)
    return expression


def _check(node: ast.expr) -> None:
    """Nothing, where a node and all below it are arithmetic."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        children = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        children = [node.operand]
    elif isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS:
            raise FormulaError(f"'{name}' is not a function of formulas", ALLOWED)
        if node.keywords or len(node.args) < 2:
            raise FormulaError(f"{name}() takes two or more numbers", f"write {name}(one, two)")
        children = node.args
    elif isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        children = []
    else:
        raise FormulaError(f"'{ast.unparse(node)[:60]}' is not arithmetic", ALLOWED)
    for child in children:
        _check(child)


def names(text: str) -> list[str]:
    """The names in a formula, each once; raises as :func:`parse`.

    >>> names("(before - after) / max(before, 1)")
    ['before', 'after']
    """
    return list(dict.fromkeys(node.id for node in _named(parse(text))))


def _named(expression: ast.expr) -> list[ast.Name]:
    functions = {id(node.func) for node in ast.walk(expression) if isinstance(node, ast.Call)}
    found = [node for node in ast.walk(expression) if isinstance(node, ast.Name) and id(node) not in functions]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def with_numbers(text: str, known: Mapping[str, Amount]) -> str:
    """The formula with each name replaced by its number, a negative one in brackets."""
    text = " ".join(text.split())
    for node in reversed(_named(parse(text))):
        assert node.end_col_offset is not None
        number = known[node.id].shown
        number = f"({number})" if number.startswith("-") and text != node.id else number
        text = text[: node.col_offset] + number + text[node.end_col_offset :]
    return text


def evaluate(text: str, known: Mapping[str, Amount], unit: str, rates: Mapping[str, float]) -> float:
    """The value of a formula in ``unit``.

    Raises
    ------
    FormulaError
        Not arithmetic, an unknown name, units that do not fit together, or a result in another unit.
    NoValue
        A division by zero, or a number too large to hold.

    Examples
    --------
    >>> known = {"tonnes": quantity_amount(2.0, "kt", {}), "price": quantity_amount(50.0, "USD/kg", {})}
    >>> evaluate("tonnes * price", known, "million USD", {})
    100.0
    >>> evaluate("tonnes * price", known, "t", {})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    coercivity.models.licensing.claims.formula.FormulaError: the formula gives a quantity in USD * kt / kg, not one in t; ...
    """
    found = _value(parse(text), known, registry(rates_key(rates)))
    if found.is_day:
        raise FormulaError("the formula gives a day, not a number", "subtract one day from another")
    named = {"1": "dimensionless", "%": "percent"}.get(unit, unit)
    try:
        value = float(found.value.to(named).magnitude)
    except pint.DimensionalityError:
        fix = "correct the formula, or the unit of the claim"
        raise FormulaError(f"the formula gives {_kind(found)}, not one in {unit}", fix) from None
    if value != value or abs(value) == float("inf"):
        raise NoValue("the formula has no finite value", "correct the numbers")
    return value


def _kind(amount_: Amount) -> str:
    unit = f"{amount_.value.units:~}"
    return f"a quantity in {unit}" if unit else "a plain number"


def _value(node: ast.expr, known: Mapping[str, Amount], units: Any) -> Amount:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)
        return Amount(units.Quantity(float(node.value), "dimensionless"))
    if isinstance(node, ast.Name):
        # One registry for all: a day is made without knowing the currencies.
        found = known[node.id]
        return Amount(units.Quantity(found.value.magnitude, str(found.value.units)), found.is_day)
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, known, units)
        if operand.is_day:
            raise FormulaError("a day has no sign", "subtract one day from another")
        return Amount(-operand.value if isinstance(node.op, ast.USub) else operand.value)
    if isinstance(node, ast.BinOp):
        return _joined(node.op, _value(node.left, known, units), _value(node.right, known, units))
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return _chosen(node.func.id, [_value(child, known, units) for child in node.args])


def _joined(sign: ast.operator, left: Amount, right: Amount) -> Amount:
    words, function = OPERATORS[type(sign)]
    days = left.is_day + right.is_day
    if days and not (isinstance(sign, ast.Sub) and days == 2):
        raise FormulaError("a day can only be subtracted from a day", "write later - earlier")
    if isinstance(sign, ast.Pow):
        if not right.value.dimensionless:
            raise FormulaError("an exponent with a unit", "raise to a plain number")
        if abs(right.value.to("dimensionless").magnitude) > LARGEST_POWER:
            raise FormulaError(f"an exponent beyond {LARGEST_POWER:g}", "write a smaller one")
    try:
        value = function(left.value, right.value)
    except pint.DimensionalityError:
        pair = [_kind(side) for side in (left, right)]
        raise FormulaError(f"the formula {words.format(*pair)}", "bring both to the same kind of unit") from None
    except ArithmeticError:
        raise NoValue("the formula divides by zero, or is too large to hold", "correct the numbers") from None
    if isinstance(value.magnitude, complex):
        raise NoValue("the formula takes a root of a negative number", "correct the numbers")
    return Amount(value)


def _chosen(function: str, parts: list[Amount]) -> Amount:
    days = {part.is_day for part in parts}
    try:
        if len(days) == 1:
            return Amount(FUNCTIONS[function](part.value for part in parts), days.pop())
    except pint.DimensionalityError:
        pass
    raise FormulaError(f"{function}() compares unlike things", "compare quantities of one kind")
