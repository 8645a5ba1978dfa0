"""One node of the tree on complementarities: its linear program with tangents, secants, and what an unbounded one tells.

Accepts: what :mod:`coercivity.engine.bilevel.methods.complementarity.method` accepts; it is that method's relaxation.
Bound: a linear program below the leader's objective over the node's points: convex squares by tangents, concave by secants.
Source: Kelley (1960), *The cutting-plane method for solving convex programs*, for the tangents; Falk and Soland (1969) for
branching on the interval of a concave term.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.reformulations.presolve import Relaxation
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.nodes import NodeProgram
from coercivity.engine.programs.quadratic import solve_quadratic

# What tangents may leave of a convex square, against the objective: at a closing node, and at one that will be branched.
EXACT, ROUGH = 1e-9, 1e-4
# Rounds of tangents.
MANY, FEW = 200, 3
# Tangents that are kept from node to node; more of them cost each node more than they save it.
KEPT = 400


@dataclass(frozen=True)
class Outcome:
    """What a node's program says: OPTIMAL with a point and a bound, UNBOUNDED with a point and a ray, or INFEASIBLE."""

    status: SolveStatus
    bound: float
    point: Floats
    ray: Floats | None = None


class NodeSolver:
    """The relaxation in the solver, moved from node to node.

    Parameters
    ----------
    relaxation : the root's
    """

    def __init__(self, relaxation: Relaxation) -> None:
        self.relaxation = relaxation
        self.program = NodeProgram(relaxation.program)
        squares = relaxation.squares
        self._convex, self._concave = np.flatnonzero(~squares.is_concave), np.flatnonzero(squares.is_concave)
        weight = np.zeros(relaxation.program.shape[1])
        weight[relaxation.root[self._convex]] = squares.weight[self._convex]
        self._hessian = sp.csr_array(sp.diags_array(weight))
        self.seconds = 0.0

    def solve(self, lower: Floats, upper: Floats, basis: Any, cutoff: float, is_closing: bool) -> Outcome:
        """The relaxation within column bounds.

        Parameters
        ----------
        lower, upper : of all columns
        basis : to start from; None for the last one
        cutoff : a bound at or above it is good enough
        is_closing : whether tangents are added until nothing is left to gain
        """
        if np.any(lower > upper):
            return self._nothing()
        base = self.relaxation.program.shape[0]
        if self.program.height > base + KEPT:
            self.program.drop_rows(base)
        self.program.set_bounds(lower, upper)
        for k in self._concave:
            self._set_secant(int(k), lower, upper)
        if basis is not None:
            self.program.start_from(basis)
        for count in range(MANY if is_closing else FEW):
            status = self._run()
            if status is SolveStatus.UNBOUNDED:
                outcome = self._along_ray()
                if outcome is not None:
                    return outcome
                continue
            if status is not SolveStatus.OPTIMAL:
                return self._nothing(status)
            point, bound = self.program.primal(), self.program.objective
            if bound >= cutoff or not self._add_tangents(point, bound, is_closing):
                return Outcome(status, bound, point)
            if is_closing and count == FEW and (exact := self._optimum(lower, upper)) is not None:
                outcome = self._at_optimum(exact)
                if outcome is not None:
                    return outcome
        return Outcome(SolveStatus.OPTIMAL, bound, point) if status is SolveStatus.OPTIMAL else self._nothing(status)

    def _nothing(self, status: SolveStatus = SolveStatus.INFEASIBLE) -> Outcome:
        return Outcome(status, np.inf if status is SolveStatus.INFEASIBLE else -np.inf, np.zeros(0))

    def _run(self) -> SolveStatus:
        before = time.perf_counter()
        status = self.program.optimise()
        self.seconds += time.perf_counter() - before
        return status

    def _set_secant(self, k: int, lower: Floats, upper: Floats) -> None:
        """t ≤ (l + u) p − l u."""
        root, row = int(self.relaxation.root[k]), int(self.relaxation.secant[k])
        low, high = lower[root], upper[root]
        self.program.set_row(row, np.array([root], np.int32), np.array([-(low + high)]), -np.inf, -low * high)

    def _add_tangents(self, point: Floats, bound: float, is_closing: bool) -> bool:
        """Cut a point off that lies below a convex square; False where none is worth it."""
        if not len(self._convex):
            return False
        root, value = self.relaxation.root[self._convex], self.relaxation.value[self._convex]
        half = 0.5 * self.relaxation.squares.weight[self._convex]
        gap = half * (point[root] ** 2 - point[value])
        # The solver's tolerance on a tangent is relative to its coefficients, and so is what can be asked of it.
        size = max(1.0, abs(bound), float(half @ point[root] ** 2))
        if gap.sum() <= (EXACT if is_closing else ROUGH) * size:
            return False
        which = np.flatnonzero(gap > 0.1 * EXACT * size / len(gap))
        self._append(self._convex[which], point[root[which]])
        return True

    def _optimum(self, lower: Floats, upper: Floats) -> Floats | None:
        """The point at which the node's convex squares and secants, without tangents, have their optimum; None if unknown."""
        relaxation, at = self.relaxation, self._concave
        program, cost = relaxation.program, relaxation.program.cost.copy()
        low, high = lower.copy(), upper.copy()
        values = relaxation.value[self._convex]
        cost[values] = low[values] = high[values] = 0.0
        root, rows = relaxation.root[at], relaxation.secant[at]
        chord: sp.csr_array = sp.csr_array((-(lower[root] + upper[root]), (rows, root)), shape=program.shape)
        row_upper = program.row_upper.copy()
        row_upper[rows] = -lower[root] * upper[root]
        matrix = sp.csr_array(program.matrix + chord)
        held = LinearProgram(cost, matrix, program.row_lower, row_upper, low, high, program.offset)
        found = solve_quadratic(held, self._hessian, is_known_convex=True)
        if found.status is not SolveStatus.OPTIMAL:
            return None
        point = found.primal.copy()
        point[values] = point[relaxation.root[self._convex]] ** 2
        return point

    def _at_optimum(self, point: Floats) -> Outcome | None:
        """The node closed at its optimum, if tangents there lift the linear program to the value of the point."""
        self._append(self._convex, point[self.relaxation.root[self._convex]])
        if self._run() is not SolveStatus.OPTIMAL:
            return None
        bound, program = self.program.objective, self.relaxation.program
        value = float(program.cost @ point + program.offset)
        size = max(1.0, abs(value), float(abs(program.cost) @ np.abs(point)))
        return Outcome(SolveStatus.OPTIMAL, bound, point) if abs(value - bound) <= EXACT * size else None

    def _append(self, which: Any, at: Floats) -> None:
        matrix, side = self.relaxation.tangents(which, at)
        self.program.add_rows(matrix, side, np.full(len(side), np.inf))

    def _along_ray(self) -> Outcome | None:
        """A true ray of the node; None where tangents further out have stopped the one that was found."""
        ray = self.program.ray()
        if ray is None:
            return self._nothing(SolveStatus.FAILED)
        ray = ray / max(1e-300, float(np.abs(ray).max()))
        relaxation = self.relaxation
        roots, weight = ray[relaxation.root[self._convex]], relaxation.squares.weight[self._convex]
        curve = float(weight @ roots**2)
        if curve > 1e-12:
            slope = -float(
                relaxation.program.cost[: len(relaxation.squares.cost)] @ ray[: len(relaxation.squares.cost)]
            )
            far = (slope + abs(slope) + 1.0) / curve
            moved = np.flatnonzero(np.abs(roots) > 1e-9)
            self._append(self._convex[moved], far * roots[moved])
            return None
        return Outcome(SolveStatus.UNBOUNDED, -np.inf, self.program.primal(), ray)

    def held(self, lower: Floats, upper: Floats) -> LinearProgram:
        """The optimality conditions alone within bounds of their columns, without a cost."""
        given = self.relaxation.kkt.program
        return LinearProgram(np.zeros(len(lower)), given.matrix, given.row_lower, given.row_upper, lower, upper)
