"""One node of the tree on complementarities: its linear program with tangents, secants, and what an unbounded one tells.

Accepts: what :mod:`engine.methods.complementarity` accepts; it is that method's relaxation.
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

from engine.presolve import Relaxation
from engine.solver import Floats, LinearProgram, SolveStatus
from engine.solver_mixed import solve_quadratic
from engine.solver_nodes import NodeProgram

# What tangents may leave of a convex square, against the objective: at a closing node, and at one that will be branched.
EXACT, ROUGH = 1e-9, 1e-4
# Rounds of tangents.
MANY, FEW = 200, 3


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
        self._hessian = self._convex_hessian()
        self.seconds = 0.0

    def _convex_hessian(self) -> sp.csr_array:
        squares, columns = self.relaxation.squares, self.relaxation.kkt.program.shape[1]
        if not len(self._convex):
            return sp.csr_array((columns, columns))
        directions = squares.direction[self._convex]
        return sp.csr_array(directions.T @ sp.diags_array(squares.weight[self._convex]) @ directions)

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
            if is_closing and count == FEW:
                self._add_tangents_at_optimum(lower, upper)
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

    def _add_tangents_at_optimum(self, lower: Floats, upper: Floats) -> None:
        """Tangents where the convex program of this node has its optimum; only a hint of where to cut."""
        if len(self._concave):
            return
        kkt, squares = self.relaxation.kkt, self.relaxation.squares
        count = kkt.program.shape[1]
        given = kkt.program
        shifted = squares.cost + squares.direction.T @ (squares.weight * squares.shift)
        program = LinearProgram(shifted, given.matrix, given.row_lower, given.row_upper, lower[:count], upper[:count])
        found = solve_quadratic(program, self._hessian, is_known_convex=True)
        if found.status is SolveStatus.OPTIMAL:
            self._append(self._convex, (squares.direction @ found.primal + squares.shift)[self._convex])

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
