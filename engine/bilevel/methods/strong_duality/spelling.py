"""Products of the leader's columns spelt exactly: integers in binaries, and each product of a binary by four rows.

Accepts: bounded integers of the leader, or columns with a grid of values, times a multiplier or a quantity of the follower.
Bound: exact where the multipliers and the quantities lie within their ranges; who derives these answers for them.
Source: Glover (1975), improved linear integer programming formulations of nonlinear integer problems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Positions, high_point
from coercivity.engine.bilevel.reformulations.bounds import BigM, Sides
from coercivity.engine.programs.hot import Floats

Grid = Mapping[str, Sequence[float]]
# An integer with a wider range is spelt out in too many digits to be exact within a solver's tolerance.
WIDEST = 2**14


@dataclass(frozen=True)
class Products:
    """Which columns stand in products.

    Attributes
    ----------
    rows : leader's columns in the follower's rows
    prices : follower's bilinear terms x'Qy, shape (n, m)
    earnings : leader's quadratic terms as an upper triangle over z, shape (n + m, n + m): Σ earnings · z · z
    """

    rows: Positions
    prices: Floats
    earnings: Floats

    def share(self) -> float | None:
        """The α with earnings = α x'Qy; None where there is none."""
        n = self.prices.shape[0]
        block = np.zeros_like(self.earnings)
        block[:n, n:] = self.prices
        size = float((block * block).sum())
        alpha = float((block * self.earnings).sum()) / size if size else 0.0
        is_share = alpha != 0.0 and np.allclose(self.earnings, alpha * block, rtol=1e-12, atol=1e-12)
        return alpha if is_share and not len(self.rows) else None


def products_of(problem: BilevelProblem, sides: Sides) -> Products:
    """Which products the follower's duality and the leader's objective hold."""
    n = len(problem.leader)
    quadratic = problem.objective.quadratic.toarray()
    earnings = np.triu(quadratic, 1) + 0.5 * np.diag(np.diag(quadratic))
    rows = np.flatnonzero(np.abs(sides.matrix[:, :n].toarray()).sum(axis=0))
    return Products(rows, problem.follower_objective.quadratic[n:, :n].toarray().T, earnings)


@dataclass(frozen=True)
class Digits:
    """A leader's column as base + Σ weight · binary; with ``one`` exactly one binary is set."""

    base: float
    weights: Floats
    one: bool


def digits_of(problem: BilevelProblem, column: int, grid: Grid) -> Digits | str:
    """How a column is spelt, or why it cannot be."""
    x, name = problem.leader, problem.leader.names[column]
    if name in grid:
        return Digits(0.0, np.asarray(grid[name], dtype=np.float64), True)
    if not x.is_integer[column]:
        return f"the leader's {name} is continuous and stands in a product: give a grid of its values, or use complementarity"
    if not np.isfinite([x.lower[column], x.upper[column]]).all() or x.upper[column] - x.lower[column] > WIDEST:
        return f"the leader's {name} ranges too widely to be spelt in binaries: use complementarity"
    low, high = math.ceil(x.lower[column] - 1e-9), math.floor(x.upper[column] + 1e-9)
    return Digits(float(low), 2.0 ** np.arange(max(1, (high - low).bit_length())), False)


class Spelling:
    """The high-point relaxation with the follower's stationarity and some of the leader's columns in binaries."""

    def __init__(
        self, problem: BilevelProblem, big: BigM, digits: Mapping[int, Digits], ranges: tuple[Floats, Floats]
    ) -> None:
        self.problem, self.big, self.digits, self.ranges = problem, big, digits, ranges
        n, sides = len(problem.leader), big.sides
        self.sheet, self.z = high_point(problem)
        self.most = np.where(big.multiplier > 0.0, big.multiplier, 0.0)
        self.multiplier = self.sheet.columns(np.where(sides.is_equality, -self.most, 0.0), self.most)
        self.sheet.rows(
            [(self.z, sides.gradient), (self.multiplier, -sides.matrix[:, n:].T)], -sides.constant, -sides.constant
        )
        self._binary = {column: self._spelt(column, spelt) for column, spelt in digits.items()}
        self._known: dict[tuple[int, int], tuple[Positions, Floats]] = {}

    def _spelt(self, column: int, spelt: Digits) -> Positions:
        count = len(spelt.weights)
        binary = self.sheet.columns(np.zeros(count), np.ones(count), is_integer=True)
        at = np.array([spelt.base])
        self.sheet.rows([(self.z[[column]], np.ones((1, 1))), (binary, -spelt.weights[None, :])], at, at)
        if spelt.one:
            self.sheet.rows([(binary, np.ones((1, count)))], np.ones(1), np.ones(1))
        return binary

    def product(self, column: int, other: int, low: float, high: float) -> tuple[Positions, Floats]:
        """Columns and weights whose sum is x[column] · v for the column v = ``other`` within [low, high]."""
        if (column, other) in self._known:
            return self._known[column, other]
        spelt, binary = self.digits[column], self._binary[column]
        count = len(binary)
        one, many = sp.eye_array(count), np.ones((count, 1))
        product = self.sheet.columns(np.full(count, min(low, 0.0)), np.full(count, max(high, 0.0)))
        v = np.array([other], dtype=np.intp)
        free, nothing = np.full(count, np.inf), np.zeros(count)
        self.sheet.rows([(product, one), (binary, -low * one)], nothing, free)
        self.sheet.rows([(product, one), (binary, -high * one)], -free, nothing)
        self.sheet.rows([(product, one), (v, -many), (binary, -low * one)], -free, np.full(count, -low))
        self.sheet.rows([(product, one), (v, -many), (binary, -high * one)], np.full(count, -high), free)
        found = np.r_[v, product], np.r_[spelt.base, spelt.weights]
        self._known[column, other] = found
        return found

    def sum(self, terms: list[tuple[int, int, float, float, float]]) -> Floats:
        """Σ coefficient · x[column] · v over (column, v, low, high, coefficient), as weights of the sheet's columns."""
        parts = [(self.product(column, v, low, high), by) for column, v, low, high, by in terms if by != 0.0]
        weights = np.zeros(self.sheet.width)
        for (where, weight), by in parts:
            np.add.at(weights, where, by * weight)
        return weights

    def strong_duality(self, products: Products) -> None:
        """The row that says that the multipliers price the answer in full."""
        n, sides = len(self.problem.leader), self.big.sides
        on_x = sides.matrix[:, :n].toarray()
        terms = [
            (int(j), int(self.multiplier[k]), -self.most[k] if sides.is_equality[k] else 0.0, self.most[k], on_x[k, j])
            for k, j in np.argwhere(on_x)
            if self.most[k] > 0.0
        ]
        terms += [
            (int(j), n + int(q), self.ranges[0][n + q], self.ranges[1][n + q], products.prices[j, q] / sides.cost_scale)
            for j, q in np.argwhere(products.prices)
        ]
        weights = self.sum(terms)
        weights[self.z[n:]] += sides.constant
        weights[self.multiplier] -= sides.level
        self.sheet.rows([(np.arange(len(weights)), weights[None, :])], np.array([-np.inf]), np.zeros(1))

    def cost(self, products: Products) -> Floats:
        """The leader's costs, with its products spelt."""
        terms = []
        for i, j in np.argwhere(products.earnings):
            column, other = (int(i), int(j)) if int(i) in self.digits else (int(j), int(i))
            terms.append((column, other, self.ranges[0][other], self.ranges[1][other], products.earnings[i, j]))
        weights = self.sum(terms)
        weights[self.z] += self.problem.objective.linear
        return weights
