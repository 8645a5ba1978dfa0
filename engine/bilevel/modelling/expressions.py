"""Expressions: sums, products and comparisons of variables, as far as a bilevel program can hold them.

An expression is constant + linear + products of two variables + multipliers of follower's rows, each times a number or a
variable. What goes beyond that is refused where it is written, not where it is solved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Real
from typing import Any

from coercivity.engine.errors import UsageError

# A column: its level, 0 for the leader and 1 for the follower, and its position there.
Column = tuple[int, int]
LEADER, FOLLOWER = 0, 1


class Operand:
    """What can be added, scaled, multiplied and compared: variables, multipliers, expressions."""

    # Arrays leave the arithmetic to this class, element by element.
    __array_ufunc__ = None

    def expression(self) -> Expression:
        """This as a sum of terms."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Expression:
        return total((self, other))

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return self.expression().times(-1.0)

    def __pos__(self) -> Expression:
        return self.expression()

    def __sub__(self, other: Any) -> Expression:
        return total((self, -expression_of(other)))

    def __rsub__(self, other: Any) -> Expression:
        return total((other, -self.expression()))

    def __mul__(self, other: Any) -> Expression:
        if isinstance(other, Operand):
            return product(self.expression(), other.expression())
        return self.expression().times(number(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expression:
        if isinstance(other, Operand):
            raise UsageError("expression", "a division by a variable", "multiply the row by it, where that is linear")
        divisor = number(other)
        if divisor == 0.0:
            raise UsageError("expression", "a division by zero", "check the data")
        return self.expression().times(1.0 / divisor)

    def __pow__(self, power: Any) -> Expression:
        if power != 2:
            raise UsageError("expression", f"a power of {power}", "write squares and products of two variables alone")
        return self * self

    def __le__(self, other: Any) -> Relation:
        return Relation(self - other, -inf, 0.0)

    def __ge__(self, other: Any) -> Relation:
        return Relation(self - other, 0.0, inf)

    def __eq__(self, other: Any) -> Relation:  # type: ignore[override]  # a comparison states a row
        return Relation(self - other, 0.0, 0.0)

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, eq=False)
class Variable(Operand):
    """A column of one level, with its name; made by a level's ``variable``."""

    owner: object
    column: Column
    name: str

    def expression(self) -> Expression:
        """One times this variable."""
        return Expression(self.owner, linear={self.column: 1.0})

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Multiplier(Operand):
    """The multiplier of a follower's row, which the leader's objective may count."""

    owner: object
    row: int
    name: str

    def expression(self) -> Expression:
        """One times this multiplier."""
        return Expression(self.owner, prices={(self.row, None): 1.0})

    def __repr__(self) -> str:
        return f"price of {self.name}"


@dataclass(frozen=True, eq=False)
class Expression(Operand):
    """A sum of terms, by what they multiply.

    Attributes
    ----------
    owner : the program whose variables it holds; None where it holds none
    linear : coefficient by column
    products : coefficient by pair of columns, the lesser first
    prices : coefficient by follower's row and the column, or None, that its multiplier is multiplied by
    """

    owner: object = None
    constant: float = 0.0
    linear: Mapping[Column, float] = field(default_factory=dict)
    products: Mapping[tuple[Column, Column], float] = field(default_factory=dict)
    prices: Mapping[tuple[int, Column | None], float] = field(default_factory=dict)

    def expression(self) -> Expression:
        """Itself."""
        return self

    def times(self, factor: float) -> Expression:
        """Every term times a number."""
        return Expression(
            self.owner,
            self.constant * factor,
            {key: value * factor for key, value in self.linear.items()},
            {key: value * factor for key, value in self.products.items()},
            {key: value * factor for key, value in self.prices.items()},
        )

    def __repr__(self) -> str:
        levels = [level.names for level in getattr(self.owner, "levels", ())]
        named = [(levels[level][at], value) for (level, at), value in self.linear.items()]
        named += [(" ".join(levels[level][at] for level, at in pair), value) for pair, value in self.products.items()]
        rows = [name for name, _ in self.owner.levels[FOLLOWER].rows] if self.prices else []  # type: ignore[attr-defined]
        named += [
            (f"price({rows[row]})" + (f" {levels[column[0]][column[1]]}" if column else ""), value)
            for (row, column), value in self.prices.items()
        ]
        told = "".join(f" {'-' if value < 0 else '+'} {abs(value):g} {name}" for name, value in named)
        told += f" {'-' if self.constant < 0 else '+'} {abs(self.constant):g}" if self.constant or not named else ""
        return told.removeprefix(" + ").strip()

    @property
    def degree(self) -> int:
        """0 for a constant, 1 for a sum of variables, 2 where two of them are multiplied."""
        return 2 if self.products else 1 if self.linear else 0


@dataclass(frozen=True, eq=False)
class Relation:
    """lower ≤ expression ≤ upper: what a player's row says, once it is made subject to it."""

    expression: Expression
    lower: float
    upper: float

    def __repr__(self) -> str:
        sign = "==" if self.lower == self.upper else "<=" if self.lower == -inf else ">="
        return f"{self.expression!r} {sign} 0"

    def __bool__(self) -> bool:
        raise UsageError(
            "relation",
            "it is neither true nor false before the program is solved",
            "state it with subject_to(…); write two sides as two relations, not as 0 <= x <= 5",
        )


def number(value: Any) -> float:
    """A finite number.

    Raises
    ------
    UsageError
        It is none.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise UsageError("expression", f"{value!r} is neither a number nor a variable", "use numbers and variables")
    found = float(value)
    if not isfinite(found):
        raise UsageError("expression", f"{found} is not a finite number", "leave the bound out instead")
    return found


def expression_of(value: Any) -> Expression:
    """A number, a variable or an expression as an expression; raises as :func:`number`."""
    return value.expression() if isinstance(value, Operand) else Expression(constant=number(value))


def total(terms: Iterable[Any]) -> Expression:
    """The sum of many terms, in one pass: faster than ``sum`` where there are hundreds.

    Raises
    ------
    UsageError
        Terms belong to two programs, or one is neither a number nor made of variables.
    """
    owner: object = None
    constant = 0.0
    linear: dict[Any, float] = {}
    products: dict[Any, float] = {}
    prices: dict[Any, float] = {}
    for term in terms:
        found = expression_of(term)
        owner = _same(owner, found.owner)
        constant += found.constant
        for into, those in ((linear, found.linear), (products, found.products), (prices, found.prices)):
            for key, value in those.items():
                into[key] = into.get(key, 0.0) + value
    kept = ({key: value for key, value in terms.items() if value} for terms in (linear, products, prices))
    return Expression(owner, constant, *kept)


def product(one: Expression, other: Expression) -> Expression:
    """The product of two expressions.

    Raises
    ------
    UsageError
        It has terms that no bilevel program here holds: three variables, or a multiplier times more than a variable.
    """
    if not one.owner or not other.owner:
        plain, rest = (one, other) if not one.owner else (other, one)
        return rest.times(plain.constant)
    owner = _same(one.owner, other.owner)
    if one.degree + other.degree > 2 or (one.prices and other.prices):
        raise UsageError("expression", "a product of more than two variables", "use squares and products of two alone")
    if (one.prices and other.products) or (one.products and other.prices):
        raise UsageError("expression", "a multiplier times two variables", "multiply it by one variable at most")
    terms = [
        other.times(one.constant),
        Expression(owner, 0.0, one.linear, one.products, one.prices).times(other.constant),
    ]
    mixed: dict[tuple[Column, Column], float] = {}
    for first, a in one.linear.items():
        for second, b in other.linear.items():
            pair = (min(first, second), max(first, second))
            mixed[pair] = mixed.get(pair, 0.0) + a * b
    priced: dict[tuple[int, Column | None], float] = {}
    for prices, linear in ((one.prices, other.linear), (other.prices, one.linear)):
        for (row, column), a in prices.items():
            for second, b in linear.items():
                if column is not None:
                    raise UsageError("expression", "a multiplier times two variables", "multiply it by one at most")
                priced[row, second] = priced.get((row, second), 0.0) + a * b
    return total([*terms, Expression(owner, 0.0, {}, mixed, priced)])


def _same(one: object, other: object) -> object:
    if one is not None and other is not None and one is not other:
        raise UsageError("expression", "variables of two programs", "write each program with its own variables")
    return other if one is None else one
