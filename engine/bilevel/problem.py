"""Bilevel programs: a leader's program over the best response of followers, as matrices.

The leader chooses x and minimises over the followers' optimal answers y; everything is stored over z = (x, y):

    min   c'z + ½ z'Qz + constant + Σ coefficient · z[column] · price[row]
    s.t.  leader's rows:  lower ≤ A z ≤ upper,   bounds and integrality of x
          y minimises  d'y + ½ z'Q^f z   s.t. follower's rows  lower ≤ G z ≤ upper,  bounds and integrality of y

A leader who maximises is negated once, when the problem is built, and shown in its own sense. Rows of the leader that
contain y are *coupling rows*: the follower does not see them. A price is the multiplier of a follower's row: the
derivative of the follower's least cost with respect to the row's right-hand side.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Variables:
    """Columns of one level: names, bounds (infinite where there is none) and which are integer; shapes (n,)."""

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    is_integer: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Rows:
    """Linear rows lower ≤ matrix · z ≤ upper; ``matrix`` has shape (rows, leader's + follower's columns)."""

    names: tuple[str, ...]
    matrix: sp.csr_array
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Objective:
    """What a player minimises: linear · z + ½ z' quadratic z + constant.

    ``linear`` has shape (n + m,), ``quadratic`` (n + m, n + m), symmetric. Of a follower's objective the terms in x
    alone change nothing that it does; they are kept so that its value can be told.
    """

    linear: Floats
    quadratic: sp.csr_array
    constant: float = 0.0

    def at(self, point: Floats) -> float:
        """The value at a point z."""
        return float(self.linear @ point + 0.5 * point @ (self.quadratic @ point) + self.constant)


@dataclass(frozen=True)
class PriceTerm:
    """A term of the leader's objective with a follower's multiplier: coefficient · z[column] · price[row].

    ``column`` None stands for 1, a term in the price alone; ``row`` counts the follower's rows.
    """

    row: int
    column: int | None
    coefficient: float


@dataclass(frozen=True)
class Rivals:
    """Followers that meet, each of whom answers best to the leader and to the others' answers: an equilibrium among them.

    The one whom column j of y belongs to pays (linear_j + gradient_j · z) y_j for it and the like for its others, and counts the
    columns of the others, in costs and in rows, as given.

    Attributes
    ----------
    owners : which follower each of the follower's rows belongs to, by name, shape (rows,)
    linear, gradient : shapes (m,) and (m, n + m)
    """

    owners: tuple[str, ...]
    linear: Floats
    gradient: sp.csr_array


@dataclass(frozen=True)
class BilevelProblem:
    """A leader's program over a follower's.

    Several followers that do not meet (none has another's variables in its rows or in its objective beside its own)
    are one follower with the sum of their objectives; ``members`` tells them apart.

    Attributes
    ----------
    leader, follower : columns x (n of them) and y (m)
    objective : the leader's, minimised; over z = (x, y)
    rows : the leader's rows
    follower_objective, follower_rows : the follower's, minimised; over z
    is_maximised, is_follower_maximised : the sense in which the file states each objective
    prices : terms of the leader's objective with the follower's multipliers
    members : which of several followers each column y belongs to, by name, shape (m,); empty for one
    remarks : what a reader of its file passed over, a sentence each; they change nothing of what it says
    rivals : of followers that meet, what each of them pays and which rows are its own; None of others. The follower's objective is then the sum
        of theirs, which nobody minimises
    """

    name: str
    leader: Variables
    follower: Variables
    objective: Objective
    rows: Rows
    follower_objective: Objective
    follower_rows: Rows
    is_maximised: bool = False
    is_follower_maximised: bool = False
    prices: tuple[PriceTerm, ...] = ()
    members: tuple[str, ...] = field(default=())
    remarks: tuple[str, ...] = field(default=(), compare=False)
    rivals: Rivals | None = None

    @property
    def width(self) -> int:
        """Number of columns of both levels."""
        return len(self.leader) + len(self.follower)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, the leader's first."""
        return self.leader.names + self.follower.names

    def shown(self, value: float) -> float:
        """A value of the leader's objective in the sense of the file."""
        return -value if self.is_maximised else value
