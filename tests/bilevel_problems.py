"""Small bilevel programs for tests, written as lists instead of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective, PriceTerm, Rows, Variables

Row = tuple[Sequence[float], str, float]


def variables(prefix: str, bounds: Sequence[tuple[float, float]], integer: Sequence[int] = ()) -> Variables:
    """Columns named by a letter and a number."""
    return Variables(
        tuple(f"{prefix}{position + 1}" for position in range(len(bounds))),
        np.array([low for low, _ in bounds], dtype=float),
        np.array([high for _, high in bounds], dtype=float),
        np.array([position in integer for position in range(len(bounds))], dtype=bool),
    )


def objective(
    linear: Sequence[float], products: Sequence[tuple[int, int, float]] = (), constant: float = 0.0
) -> Objective:
    """linear · z + Σ coefficient · z_i · z_j + constant."""
    hessian = np.zeros((len(linear), len(linear)))
    for one, other, coefficient in products:
        hessian[one, other] += coefficient
        hessian[other, one] += coefficient
    return Objective(np.array(linear, dtype=float), sp.csr_array(hessian), constant)


def rows(width: int, written: Sequence[Row], prefix: str) -> Rows:
    """Rows written as coefficients, relation and right-hand side."""
    matrix = np.array([coefficients for coefficients, _, _ in written], dtype=float).reshape(len(written), width)
    sides = np.array([side for _, _, side in written], dtype=float)
    relations = [relation for _, relation, _ in written]
    return Rows(
        tuple(f"{prefix}{position + 1}" for position in range(len(written))),
        sp.csr_array(matrix),
        np.array([-inf if relation == "<=" else side for relation, side in zip(relations, sides, strict=True)]),
        np.array([inf if relation == ">=" else side for relation, side in zip(relations, sides, strict=True)]),
    )


def problem(
    x: Variables,
    y: Variables,
    leader: Objective,
    follower: Objective,
    *,
    leader_rows: Sequence[Row] = (),
    follower_rows: Sequence[Row] = (),
    prices: Sequence[PriceTerm] = (),
    is_maximised: bool = False,
) -> BilevelProblem:
    """A bilevel program of these parts; all objectives are minimised."""
    width = len(x) + len(y)
    return BilevelProblem(
        name="small",
        leader=x,
        follower=y,
        objective=leader,
        rows=rows(width, leader_rows, "l"),
        follower_objective=follower,
        follower_rows=rows(width, follower_rows, "f"),
        prices=tuple(prices),
        is_maximised=is_maximised,
    )


def bard_falk() -> BilevelProblem:
    """Bard and Falk (1982), example 2 in its linear form: −3.25 at x = (2, 0), y = (1.5, 0)."""
    return problem(
        variables("x", [(0.0, inf)] * 2),
        variables("y", [(0.0, inf)] * 2),
        objective([-2.0, 1.0, 0.5, 0.0]),
        objective([0.0, 0.0, -4.0, 1.0]),
        leader_rows=[([1.0, 1.0, 0.0, 0.0], "<=", 2.0)],
        follower_rows=[
            ([-2.0, 0.0, 1.0, -1.0], "<=", -2.5),
            ([1.0, -3.0, 0.0, 1.0], "<=", 2.0),
        ],
    )


def moore_bard() -> BilevelProblem:
    """Moore and Bard (1990), example 1: −22 at (2, 2); with a continuous follower −18 at (8, 1)."""
    return problem(
        variables("x", [(0.0, 10.0)], [0]),
        variables("y", [(0.0, 10.0)], [0]),
        objective([-1.0, -10.0]),
        objective([0.0, 1.0]),
        follower_rows=[
            ([-25.0, 20.0], "<=", 30.0),
            ([1.0, 2.0], "<=", 10.0),
            ([2.0, -1.0], "<=", 15.0),
            ([2.0, 10.0], ">=", 15.0),
        ],
    )


def price_maker() -> BilevelProblem:
    """Conejo et al. (2016), a producer that builds capacity x and is paid the market's price: −190000 at x = 50.

    Costs 10, 12 and 15, capacities x, 150 and 100, demand 200: at x = 50 the second producer's capacity is just used
    up, and any price from 12 to 15 clears the market. 40000 · 50 + 8760 · 50 · (10 − 15) = −190000.
    """
    return problem(
        variables("x", [(0.0, 250.0)]),
        variables("y", [(0.0, inf), (0.0, 150.0), (0.0, 100.0)]),
        objective([40000.0, 87600.0, 0.0, 0.0]),
        objective([0.0, 10.0, 12.0, 15.0]),
        follower_rows=[([-1.0, 1.0, 0.0, 0.0], "<=", 0.0), ([0.0, 1.0, 1.0, 1.0], "==", 200.0)],
        prices=[PriceTerm(1, 1, -8760.0)],
    )


def indifferent(leader: Objective, leader_rows: Sequence[Row] = ()) -> BilevelProblem:
    """A follower who splits the amount x between y1 and y2 and does not care how; x is between 0 and 4."""
    return problem(
        variables("x", [(0.0, 4.0)]),
        variables("y", [(0.0, inf)] * 2),
        leader,
        objective([0.0, 1.0, 1.0]),
        leader_rows=leader_rows,
        follower_rows=[([-1.0, 1.0, 1.0], "==", 0.0)],
    )


def jump() -> BilevelProblem:
    """The leader pays x + y; the follower takes y = 1 at x = 0 alone, so that the infimum 0 is not attained."""
    return problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 1.0)], [0]),
        objective([1.0, 1.0]),
        objective([0.0, -1.0]),
        follower_rows=[([1.0, 1.0], "<=", 1.0)],
    )
