"""Many linear programs at once that differ in their bounds alone: the open nodes of a tree, solved by one dual simplex method.

A small program takes HiGHS longer to be told of than to solve. Here some hundred of them go through each step of the method together,
as arrays; each begins at a basis that was optimal before its bounds changed, which leaves it dual feasible. What comes out is not
believed but proved: a bound is recomputed from its multipliers and the matrix, y W + d = c giving c v ≥ Σ min(d l, d u), and that there is
no point from the row that shows it. A program for which neither comes out, or that is too large for this to pay, HiGHS solves.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts; any linear program, for that matter.
Bound: weak duality, from multipliers that are recomputed.
Source: Koberstein (2005), *The dual simplex method, techniques for a fast and stable implementation*, for bounds and ratio test.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram

Bools = NDArray[np.bool_]
Whole = NDArray[np.intp]

# A bound is kept to within this, and a multiplier is zero up to this.
TOUCH, FLAT = 1e-9, 1e-9
# What may enter the basis has at least this entry in the leaving row.
PIVOT = 1e-7
# A point is believed that breaks a row or a bound by no more than this.
RESIDUAL = 1e-7
# Of a row's greatest entry, what is left by rounding.
NOISE = 1e-11
# Entries of a tableau beyond which HiGHS is quicker.
LARGEST = 12_000
# Entries of all the tableaus that are worked on together.
TOGETHER = 300_000


@dataclass(frozen=True)
class Nodes:
    """Programs beside each other: bounds of all columns and rows, and where the method stands; an entry is a program.

    Attributes
    ----------
    lower, upper : of the columns and, behind them, of the rows' activities; shape (programs, columns + rows)
    basis : which of these are basic, shape (programs, rows)
    is_high : which of the others are at their upper bound, shape (programs, columns + rows)
    bound : no point costs less; +inf where there is none
    point : an optimal one, shape (programs, columns + rows); whatever where there is none
    is_solved : whether ``point`` is optimal; without one the bound is +inf, at least the cutoff, or what was known before
    """

    lower: Floats
    upper: Floats
    basis: Whole
    is_high: Bools
    bound: Floats
    point: Floats
    is_solved: Bools

    def __len__(self) -> int:
        return len(self.bound)

    def at(self, where: Any) -> Nodes:
        """Some of them."""
        return Nodes(**{one.name: getattr(self, one.name)[where] for one in fields(self)})

    @staticmethod
    def joined(parts: list[Nodes]) -> Nodes:
        """All of several."""
        return Nodes(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Nodes)})


class BatchProgram:
    """A linear program, its rows' activities being columns of their own: W v = 0 with v = (columns, activities).

    Attributes
    ----------
    solves : programs solved
    most : how many are best solved at once
    """

    def __init__(self, program: LinearProgram) -> None:
        self.program, self._node = program, NodeProgram(program)
        self.rows, self.columns = program.shape
        self.matrix = np.asarray(program.matrix.toarray())
        self.wide = np.hstack([self.matrix, -np.eye(self.rows)])
        self.cost = np.r_[program.cost, np.zeros(self.rows)]
        size = self.rows * (self.rows + self.columns)
        self.is_small = 0 < size <= LARGEST
        self.most = int(np.clip(TOGETHER // max(size, 1), 8, 128)) if self.is_small else 8
        self.solves = 0

    def first(self) -> tuple[SolveStatus, Nodes | None]:
        """The program itself, solved by HiGHS; None unless it has an optimum."""
        base, width = self.program, self.rows + self.columns
        blank = Nodes(
            lower=np.r_[base.col_lower, base.row_lower][None, :],
            upper=np.r_[base.col_upper, base.row_upper][None, :],
            basis=np.arange(self.columns, width, dtype=np.intp)[None, :],
            is_high=np.zeros((1, width), dtype=bool),
            bound=np.full(1, -np.inf),
            point=np.zeros((1, width)),
            is_solved=np.zeros(1, dtype=bool),
        )
        status, found = self._anew(blank)
        return status, found if status is SolveStatus.OPTIMAL else None

    def solve(self, nodes: Nodes, cutoff: float) -> Nodes:
        """The programs solved, each from its basis; one whose bound reaches the cutoff may stop there."""
        self.solves += len(nodes)
        if not len(nodes):
            return nodes
        found = nodes
        is_left = np.ones(len(nodes), dtype=bool)
        if self.is_small:
            found, is_left = self._together(nodes, cutoff)
        if not is_left.any():
            return found
        parts = [found.at(~is_left)]
        parts += [self._anew(nodes.at([k]))[1] for k in np.flatnonzero(is_left)]
        order = np.argsort(np.r_[np.flatnonzero(~is_left), np.flatnonzero(is_left)])
        return Nodes.joined(parts).at(order)

    def _anew(self, node: Nodes) -> tuple[SolveStatus, Nodes]:
        """One program by HiGHS."""
        hot, n = self._node, self.columns
        hot.set_bounds(node.lower[0, :n], node.upper[0, :n])
        hot.set_row_bounds(node.lower[0, n:], node.upper[0, n:])
        if np.isfinite(node.bound[0]):
            hot.start_from(hot.basis_of(node.basis[0], node.is_high[0]))
        status = hot.optimise()
        if status is SolveStatus.INFEASIBLE:
            return status, replace(node, bound=np.full(1, np.inf), is_solved=np.zeros(1, dtype=bool))
        if status is not SolveStatus.OPTIMAL:
            return status, replace(node, is_solved=np.zeros(1, dtype=bool))
        primal = hot.primal()
        basis, is_high = hot.basis_arrays()
        return status, replace(
            node,
            basis=basis[None, :],
            is_high=is_high[None, :],
            bound=np.maximum(node.bound, hot.objective),
            point=np.r_[primal, self.matrix @ primal][None, :],
            is_solved=np.ones(1, dtype=bool),
        )

    def _together(self, nodes: Nodes, cutoff: float) -> tuple[Nodes, Bools]:
        """All programs by steps of the dual simplex method; and which of them it did not settle."""
        try:
            run = _Run(self, nodes, cutoff - self.program.offset)
        except np.linalg.LinAlgError:
            return nodes, np.ones(len(nodes), dtype=bool)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for _ in range(50 + 3 * self.rows):
                if not run.step():
                    break
            return self._judged(nodes, run)

    def rises(self, nodes: Nodes) -> tuple[Floats, Floats]:
        """By how much the value rises at the least, a unit, where a column or an activity is made to grow, and to fall.

        Of the next exchange of the dual simplex method alone; +inf where no point of the program is left; shapes (programs, columns + rows).
        """
        flat = np.zeros_like(nodes.lower)
        if not self.is_small:
            return flat, flat
        try:
            run = _Run(self, nodes, np.inf)
        except np.linalg.LinAlgError:
            return flat, flat
        with np.errstate(divide="ignore", invalid="ignore"):
            return run.rises()

    def _judged(self, nodes: Nodes, run: _Run) -> tuple[Nodes, Bools]:
        """Bounds and points that the last bases prove; and which programs have neither."""
        # Multipliers as they are now, and reduced costs from the matrix.
        prices = np.take_along_axis(np.broadcast_to(self.cost, run.value.shape), run.basis, axis=1)
        dual = -np.matmul(prices[:, None, :], run.tableau[:, :, self.columns :])[:, 0, :]
        slope = self.cost - dual @ self.wide
        bound = _least(slope, run.lower, run.upper) + self.program.offset
        bound = np.where(np.isnan(bound), -np.inf, bound)
        shows = np.take_along_axis(run.tableau[:, :, self.columns :], run.row[:, None, None], axis=1)[:, 0, :]
        line = shows @ self.wide
        none = (run.state == _NONE) & (
            (_least(line, run.lower, run.upper) > TOUCH) | (_least(-line, run.lower, run.upper) > TOUCH)
        )
        residual = np.abs(run.value @ self.wide.T).max(axis=1, initial=0.0)
        size = np.maximum(1.0, np.abs(run.value).max(axis=1, initial=0.0))
        worth = run.value @ self.cost + self.program.offset
        is_close = np.abs(worth - bound) <= RESIDUAL * np.maximum(1.0, np.abs(worth))
        solved = (run.state == _DONE) & (residual <= RESIDUAL * size) & is_close
        reached = (run.state == _CUT) & (bound >= run.cutoff + self.program.offset)
        bound = np.where(none, np.inf, np.where(solved | reached, np.maximum(bound, nodes.bound), nodes.bound))
        found = Nodes(run.lower, run.upper, run.basis, run.is_high, bound, run.value, solved)
        return found, ~(none | solved | reached)


# A program is gone on with, has an optimal basis, a row that no point keeps, or a bound at the cutoff; or it is given up.
_OPEN, _DONE, _NONE, _CUT, _LOST = range(5)


def _least(slope: Floats, lower: Floats, upper: Floats) -> Floats:
    """The least of slope · v within bounds, shape (programs,)."""
    end = np.where(slope > 0.0, lower, upper)
    # A rounding error is no slope along a column without a bound.
    is_none = np.isinf(end) & (np.abs(slope) <= NOISE * np.abs(slope).max(axis=1, initial=0.0)[:, None])
    return np.asarray(np.where(is_none | (slope == 0.0), 0.0, slope * end).sum(axis=1))


class _Run:
    """Programs in the middle of the method: tableaus, values, reduced costs; those that are open are a part of them."""

    def __init__(self, batch: BatchProgram, nodes: Nodes, cutoff: float) -> None:
        self.lower, self.upper, self.cutoff = nodes.lower, nodes.upper, cutoff
        self.basis, self.is_high = nodes.basis.copy(), nodes.is_high.copy()
        count, width = nodes.lower.shape
        self.tableau = np.linalg.inv(batch.wide.T[self.basis].transpose(0, 2, 1)) @ batch.wide
        at = np.where(self.is_high, self.upper, self.lower)
        # A column without bounds that is not basic stays at zero.
        at[~np.isfinite(at)] = 0.0
        np.put_along_axis(at, self.basis, 0.0, axis=1)
        inner = -np.matmul(self.tableau, at[:, :, None])[:, :, 0]
        np.put_along_axis(at, self.basis, inner, axis=1)
        self.value = at
        prices = np.take_along_axis(np.broadcast_to(batch.cost, (count, width)), self.basis, axis=1)
        self.slope = batch.cost - np.matmul(prices[:, None, :], self.tableau)[:, 0, :]
        self.worth = self.value @ batch.cost
        self.state = np.full(count, _OPEN)
        self.row = np.zeros(count, dtype=np.intp)
        self.is_free = np.isinf(self.lower) & np.isinf(self.upper)
        self.is_held = self.lower >= self.upper

    def rises(self) -> tuple[Floats, Floats]:
        """As of :meth:`BatchProgram.rises`."""
        size = np.abs(self.slope)
        size[self.is_free] = 0.0
        falls = np.where(self.is_high[:, None, :], -self.tableau, self.tableau)
        can = np.repeat(~self.is_held[:, None, :], self.tableau.shape[1], axis=1)
        np.put_along_axis(can, np.repeat(self.basis[:, None, :], self.tableau.shape[1], axis=1), False, axis=2)
        # Nothing is left out that may be more than a rounding error: a speed is to be no greater than it is.
        ratio = np.where(can & (np.abs(falls) > NOISE), size[:, None, :] / np.abs(falls), np.inf)
        up = np.where(self.is_high & ~self.is_free, np.inf, size)
        down = np.where(self.is_high | self.is_free, size, np.inf)
        np.put_along_axis(up, self.basis, np.where(falls < 0.0, ratio, np.inf).min(axis=2), axis=1)
        np.put_along_axis(down, self.basis, np.where(falls > 0.0, ratio, np.inf).min(axis=2), axis=1)
        return up, down

    def step(self) -> bool:
        """One exchange of columns in every open program; whether any is open."""
        k = np.flatnonzero(self.state == _OPEN)
        if not len(k):
            return False
        basis, value = self.basis[k], np.take_along_axis(self.value[k], self.basis[k], axis=1)
        under = np.take_along_axis(self.lower[k], basis, axis=1) - value
        over = value - np.take_along_axis(self.upper[k], basis, axis=1)
        far = np.maximum(under, over)
        row = far.argmax(axis=1)
        one = np.arange(len(k))
        self.row[k] = row
        is_done = far[one, row] <= TOUCH * np.maximum(1.0, np.abs(value[one, row]))
        is_cut = self.worth[k] >= self.cutoff
        self.state[k[is_done]] = _DONE
        self.state[k[is_cut & ~is_done]] = _CUT
        going = ~(is_done | is_cut)
        if not going.any():
            return False
        k, row = k[going], row[going]
        self._exchange(k, row, (under > over)[going, :][np.arange(len(k)), row])
        return True

    def _exchange(self, k: Whole, row: Whole, is_under: Bools) -> None:
        """Let the basic column of a row leave at the bound that it breaks, and what costs least come in."""
        leaving = self.basis[k, row]
        line = self.tableau[k, row]
        # Seen so that the leaving column has to grow.
        toward = np.where(is_under[:, None], -line, line)
        is_high = self.is_high[k]
        can = np.where(is_high, toward < -PIVOT, toward > PIVOT) | (self.is_free[k] & (np.abs(toward) > PIVOT))
        can &= ~self.is_held[k]
        np.put_along_axis(can, self.basis[k], False, axis=1)
        size, slope = np.abs(toward), np.maximum(np.where(is_high, -self.slope[k], self.slope[k]), 0.0)
        slope = np.where(self.is_free[k], 0.0, slope)
        ratio = np.where(can, slope / size, np.inf)
        # Among those that cost least, up to a tolerance, the one with the greatest entry.
        most = np.where(can, (slope + FLAT) / size, np.inf).min(axis=1)
        entering = np.where(ratio <= most[:, None], size, -1.0).argmax(axis=1)
        has = np.isfinite(most)
        self.state[k[~has]] = _NONE
        k, row, is_under, leaving, entering = k[has], row[has], is_under[has], leaving[has], entering[has]
        if not len(k):
            return
        line = line[has]
        one = np.arange(len(k))
        pivot = line[one, entering]
        aim = np.where(is_under, self.lower[k, leaving], self.upper[k, leaving])
        # x_leaving = … − pivot · x_entering
        move = (self.value[k, leaving] - aim) / pivot
        column = self.tableau[k, :, entering]
        line = line / pivot[:, None]
        inner = np.take_along_axis(self.value[k], self.basis[k], axis=1) - column * move[:, None]
        into = self.value[k, entering] + move
        values = self.value[k]
        np.put_along_axis(values, self.basis[k], inner, axis=1)
        values[one, entering], values[one, leaving] = into, aim
        self.value[k] = values
        rate = self.slope[k, entering]
        self.worth[k] += rate * move
        self.slope[k] -= rate[:, None] * line
        column[one, row] = 0.0
        if len(k) == len(self.state):
            self.tableau -= column[:, :, None] * line[:, None, :]
            self.tableau[one, row] = line
        else:
            part = self.tableau[k]
            part -= column[:, :, None] * line[:, None, :]
            part[one, row] = line
            self.tableau[k] = part
        self.basis[k, row] = entering
        self.is_high[k, leaving] = ~is_under
