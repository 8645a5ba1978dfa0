"""A bilevel program as it is written: two levels, each with variables, rows and an objective, and the matrices of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.modelling.expressions import (
    FOLLOWER,
    LEADER,
    Column,
    Expression,
    Multiplier,
    Relation,
    Variable,
    expression_of,
)
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, PriceTerm, Rows, Variables
from coercivity.engine.bilevel.reformulations.row_products import RowProduct, linearised, refusal
from coercivity.engine.errors import UsageError

PLAYERS = ("leader", "follower")


@dataclass(frozen=True, eq=False)
class Row:
    """A row of one level; of a follower's row the leader's objective may count the ``price``.

    The price is d least cost / d right-hand side, of the follower's objective as a minimisation.
    """

    level: Level
    position: int
    name: str

    @property
    def price(self) -> Multiplier:
        """The multiplier of this row.

        Raises
        ------
        UsageError
            It is a row of the leader's.
        """
        if self.level.player != FOLLOWER:
            raise UsageError(f"row {self.name}", "the leader's rows have no price", "take a row of the follower's")
        return Multiplier(self.level.program, self.position, self.name)


@dataclass(eq=False)
class Level:
    """What one player chooses, minimises or maximises, and is bound by."""

    program: object
    player: int
    names: list[str] = field(default_factory=list)
    bounds: list[tuple[float, float]] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[tuple[str, Relation]] = field(default_factory=list)
    objective: Expression | None = None
    is_maximised: bool = False

    @property
    def name(self) -> str:
        """Leader or follower."""
        return PLAYERS[self.player]

    def variable(
        self, name: str, lower: float = 0.0, upper: float = inf, *, integer: bool = False, binary: bool = False
    ) -> Variable:
        """A new variable of this player's, from 0 upwards unless bounds say otherwise.

        Parameters
        ----------
        lower, upper : bounds; ``-inf`` and ``inf`` for none
        integer, binary : whether it is whole; whether it is 0 or 1

        Raises
        ------
        UsageError
            The name is taken or empty, or the bounds leave nothing.
        """
        taken = {taken for level in getattr(self.program, "levels", (self,)) for taken in level.names}
        if not name or name in taken:
            raise UsageError(f"variable {name!r}", "the name is taken" if name else "no name", "choose another name")
        low, high = (max(0.0, float(lower)), min(1.0, float(upper))) if binary else (float(lower), float(upper))
        if isnan(low) or isnan(high) or low > high or low == inf or high == -inf:
            raise UsageError(f"variable {name}", f"nothing lies between {low:g} and {high:g}", "mend its bounds")
        self.names.append(name)
        self.bounds.append((low, high))
        self.integer.append(integer or binary)
        return Variable(self.program, (self.player, len(self.names) - 1), name)

    def variables(self, names: str | Iterable[object], count: int | None = None, **bounds: Any) -> list[Variable]:
        """Several variables alike: ``variables("x", 3)`` makes x1, x2, x3; or one for each of several names."""
        if isinstance(names, str):
            return [self.variable(f"{names}{position + 1}", **bounds) for position in range(count or 0)]
        return [self.variable(str(name), **bounds) for name in names]

    def minimise(self, objective: Any) -> None:
        """What this player wants as little as possible of: at most products of two variables."""
        self._aim(objective, is_maximised=False)

    def maximise(self, objective: Any) -> None:
        """What this player wants as much as possible of."""
        self._aim(objective, is_maximised=True)

    minimize, maximize = minimise, maximise

    def subject_to(self, relation: Relation, name: str | None = None) -> Row:
        """A row of this player's: a comparison that is linear, but for products of a binary and a variable with finite bounds.

        The follower answers to its own rows alone; a row of the leader's that holds variables of the follower's binds the
        leader to commitments whose answer satisfies it.

        Raises
        ------
        UsageError
            It is no comparison, not linear, holds no variable, or its name is taken.
        """
        where = f"{self.name}'s row {name or len(self.rows) + 1}"
        if not isinstance(relation, Relation):
            raise UsageError(where, f"{relation!r} is no comparison", "write subject_to(x + y <= 5)")
        told = relation.expression
        self._check_owner(where, told)
        if told.prices:
            raise UsageError(where, "it is not linear", "rows hold no multipliers; write them into an objective")
        for one, other in told.products:
            self._check_product(where, one, other)
        if not told.linear and not told.products:
            raise UsageError(where, "it holds no variable", "leave it out, or check the data it was made of")
        name = name or f"{self.name}_row_{len(self.rows) + 1}"
        if name in {taken for taken, _ in self.rows}:
            raise UsageError(where, "the name is taken", "choose another name")
        self.rows.append((name, relation))
        return Row(self, len(self.rows) - 1, name)

    def _check_product(self, where: str, one: Column, other: Column) -> None:
        """Whether a product of a row can be made linear."""
        levels = self.program.levels if isinstance(self.program, WrittenProgram) else (self,)
        told = [
            (levels[player].names[k], levels[player].bounds[k], levels[player].integer[k]) for player, k in (one, other)
        ]
        binary = [whole and low >= 0.0 and high <= 1.0 for _, (low, high), whole in told]
        finite = [isfinite(low) and isfinite(high) for _, (low, high), _ in told]
        why = refusal((binary[0], binary[1]), (finite[0], finite[1]), (told[0][0], told[1][0]))
        if one == other:
            why = f"a square of {told[0][0]}"
        elif one[0] == other[0] == LEADER:
            why = f"a product of the leader's {told[0][0]} and {told[1][0]}"
        if why:
            fix = "rows hold products of a binary and a variable with finite bounds, one of them the follower's, and no others"
            raise UsageError(where, f"it is not linear: {why}", fix)

    def _aim(self, objective: Any, is_maximised: bool) -> None:
        told = expression_of(objective)
        self._check_owner(f"{self.name}'s objective", told)
        if told.prices and self.player == FOLLOWER:
            raise UsageError("follower's objective", "it counts a multiplier of its own", "leave prices to the leader")
        self.objective, self.is_maximised = told, is_maximised

    def _check_owner(self, where: str, told: Expression) -> None:
        if told.owner is not None and told.owner is not self.program:
            raise UsageError(where, "it holds variables of another program", "use this program's own")


class WrittenProgram:
    """A bilevel program written by hand: ``leader`` and ``follower`` take variables, rows and an objective each."""

    def __init__(self, name: str = "program") -> None:
        self.name = name
        self.leader, self.follower = Level(self, LEADER), Level(self, FOLLOWER)

    @property
    def levels(self) -> tuple[Level, Level]:
        """Leader and follower."""
        return (self.leader, self.follower)

    def problem(self) -> BilevelProblem:
        """The matrices of the program.

        Raises
        ------
        UsageError
            A player has no objective, or the follower has no variable.
        """
        for level in self.levels:
            if level.objective is None:
                fix = f"state one: program.{level.name}.minimise(…), or minimise(0) for a player who does not care"
                raise UsageError(f"{self.name}: {level.name}", "no objective", fix)
        if not self.follower.names:
            raise UsageError(f"{self.name}: follower", "no variable", "give the follower something to choose")
        problem = BilevelProblem(
            name=self.name,
            leader=_variables(self.leader),
            follower=_variables(self.follower),
            objective=self._objective(self.leader),
            rows=self._rows(self.leader),
            follower_objective=self._objective(self.follower),
            follower_rows=self._rows(self.follower),
            is_maximised=self.leader.is_maximised,
            is_follower_maximised=self.follower.is_maximised,
            prices=self._prices(),
        )
        return linearised(problem, self._products(self.leader), self._products(self.follower))

    def _at(self, column: Column) -> int:
        return column[1] if column[0] == LEADER else len(self.leader.names) + column[1]

    @property
    def _width(self) -> int:
        return len(self.leader.names) + len(self.follower.names)

    def _objective(self, level: Level) -> Objective:
        told = level.objective
        assert told is not None
        told = told.times(-1.0) if level.is_maximised else told
        linear = np.zeros(self._width)
        for column, value in told.linear.items():
            linear[self._at(column)] += value
        places = [(self._at(one), self._at(other), value) for (one, other), value in told.products.items()]
        # ½ z'Qz: a square counts twice on the diagonal, a product once on either side of it.
        entries = [*places, *((other, one, value) for one, other, value in places)]
        values = [value for _, _, value in entries]
        at = ([one for one, _, _ in entries], [other for _, other, _ in entries])
        quadratic = sp.csr_array(sp.coo_array((values, at), shape=(self._width, self._width), dtype=float))
        return Objective(linear, quadratic, told.constant)

    def _rows(self, level: Level) -> Rows:
        entries = [
            (position, self._at(column), value)
            for position, (_, relation) in enumerate(level.rows)
            for column, value in relation.expression.linear.items()
        ]
        at = ([row for row, _, _ in entries], [column for _, column, _ in entries])
        values = [value for _, _, value in entries]
        matrix = sp.csr_array(sp.coo_array((values, at), shape=(len(level.rows), self._width), dtype=float))
        constant = np.array([relation.expression.constant for _, relation in level.rows])
        return Rows(
            tuple(name for name, _ in level.rows),
            matrix,
            np.array([relation.lower for _, relation in level.rows]) - constant,
            np.array([relation.upper for _, relation in level.rows]) - constant,
        )

    def _products(self, level: Level) -> list[RowProduct]:
        return [
            RowProduct(position, self._at(one), self._at(other), value)
            for position, (_, relation) in enumerate(level.rows)
            for (one, other), value in relation.expression.products.items()
        ]

    def _prices(self) -> tuple[PriceTerm, ...]:
        told = self.leader.objective
        assert told is not None
        sign = -1.0 if self.leader.is_maximised else 1.0
        return tuple(
            PriceTerm(row, None if column is None else self._at(column), sign * value)
            for (row, column), value in told.prices.items()
        )


def _variables(level: Level) -> Variables:
    def sides(which: int) -> Sequence[float]:
        return [bound[which] for bound in level.bounds]

    return Variables(
        tuple(level.names),
        np.array(sides(0), dtype=float),
        np.array(sides(1), dtype=float),
        np.array(level.integer, dtype=bool),
    )
