"""The root of a tree on complementarities: the relaxation's rows and columns, and the ranges of what stays concave.

The relaxation has the columns (v, p, t): those of the optimality conditions, and for each square ½ weight (p)² of the
leader's objective its root p and its value t. Convex squares are approached from below by tangents t ≥ 2 q p − q², added
where they are needed; concave ones lie below a secant, t ≤ (l + u) p − l u, of the interval that a node gives p.

The primal-dual row of Kleinert, Labbé, Plein and Schmidt (2021) was measured here and left out: on random problems of 24
to 360 pairs its nodes are up to twice as many, at twice the time.

Source: Kelley (1960) for tangents; Falk and Soland (1969) for secants.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.reformulations.kkt import Kkt, Positions
from coercivity.engine.bilevel.reformulations.products import Squares, leader_as_squares
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import PRECISE


@dataclass(frozen=True)
class Relaxation:
    """The root's program and where its parts are.

    Attributes
    ----------
    program : over (v, p, t)
    root, value : columns of p and t of each square
    secant : row of each concave square, −1 for convex ones
    """

    kkt: Kkt
    squares: Squares
    program: LinearProgram
    root: Positions
    value: Positions
    secant: Positions

    def tangents(self, which: Positions, at: Floats) -> tuple[sp.csr_array, Floats]:
        """Rows t − 2 q p ≥ −q² of convex squares, with their lower sides."""
        rows = np.arange(len(which))
        matrix = sp.csr_array(
            (
                np.concatenate([np.ones(len(which)), -2.0 * at]),
                (np.concatenate([rows, rows]), np.concatenate([self.value[which], self.root[which]])),
            ),
            shape=(len(which), self.program.shape[1]),
        )
        return matrix, -(at**2)


def prepared(kkt: Kkt) -> Relaxation:
    """The root of a tree.

    Raises
    ------
    UsageError
        The leader's objective stays concave along a direction of which no finite range can be derived.
    """
    relaxation = relaxation_of(kkt, leader_as_squares(kkt))
    if relaxation.squares.is_concave.any():
        relaxation = _with_ranges(kkt, relaxation)
    return relaxation


def _with_ranges(kkt: Kkt, relaxation: Relaxation) -> Relaxation:
    """Concave squares in units in which the columns vary alike, each root within the range that programs derive."""
    program, columns = relaxation.program, kkt.program.shape[1]
    concave = relaxation.squares.direction[np.flatnonzero(relaxation.squares.is_concave)]
    unit = sp.csr_array(sp.eye_array(columns))
    width = np.ones(columns)
    used = np.unique(concave.indices)
    low, high = ranges(program, unit[used])
    width[used] = high - low
    relaxation = relaxation_of(kkt, leader_as_squares(kkt, width))
    program, squares = relaxation.program, relaxation.squares
    which = np.flatnonzero(squares.is_concave)
    low, high = ranges(program, squares.direction[which])
    low, high = low + squares.shift[which], high + squares.shift[which]
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        bad = squares.direction[[which[int(np.flatnonzero(~np.isfinite(high - low))[0])]]]
        names = [kkt.name_of(int(k)) for k in bad.indices]
        what = f"the leader's objective is concave in a combination of {', '.join(names)} that no program bounds"
        raise UsageError(
            kkt.problem.name, what, "bound these variables, or state products with the follower's own costs"
        )
    lower, upper = program.col_lower.copy(), program.col_upper.copy()
    lower[relaxation.root[which]], upper[relaxation.root[which]] = low, high
    upper[relaxation.value[which]] = np.maximum(low**2, high**2)
    return replace(relaxation, program=replace(program, col_lower=lower, col_upper=upper))


def ranges(program: LinearProgram, rows: sp.csr_array) -> tuple[Floats, Floats]:
    """Least and greatest value of linear forms over a program's points, shape (rows,) each."""
    hot = HotProgram(replace(program, cost=np.zeros_like(program.cost), offset=0.0), PRECISE)
    if hot.decide("the range of linear forms") is not SolveStatus.OPTIMAL:
        return np.zeros(rows.shape[0]), np.zeros(rows.shape[0])
    ends = np.full((2, rows.shape[0]), np.nan)
    for k in range(rows.shape[0]):
        cost = np.zeros_like(program.cost)
        cost[: rows.shape[1]] = rows[[k]].toarray().ravel()
        for side, sign in enumerate((1.0, -1.0)):
            hot.set_cost(sign * cost)
            ends[side, k] = sign * hot.objective if hot.optimise() is SolveStatus.OPTIMAL else -sign * np.inf
    return ends[0], ends[1]


def relaxation_of(kkt: Kkt, squares: Squares) -> Relaxation:
    """The optimality conditions without complementarity, with the leader's objective in its squares."""
    columns, count = kkt.program.shape[1], len(squares.weight)
    program = kkt.program
    root, value = columns + np.arange(count), columns + count + np.arange(count)
    concave = np.flatnonzero(squares.is_concave)
    secant = np.full(count, -1, dtype=np.intp)
    secant[concave] = program.shape[0] + count + np.arange(len(concave))
    blocks = [
        [program.matrix, sp.csr_array((program.shape[0], count)), None],
        [-squares.direction, sp.eye_array(count), sp.csr_array((count, count))],
    ]
    matrix = sp.csr_array(sp.block_array(blocks, format="csr")) if count else program.matrix
    if len(concave):
        rows = sp.csr_array(
            (np.ones(len(concave)), (np.arange(len(concave)), value[concave])), shape=(len(concave), matrix.shape[1])
        )
        matrix = sp.csr_array(sp.vstack([matrix, rows]))
    free, some = np.full(count, np.inf), np.full(len(concave), np.inf)
    whole = LinearProgram(
        cost=np.concatenate([squares.cost, np.zeros(count), 0.5 * squares.weight]),
        matrix=sp.csr_array(matrix),
        row_lower=np.concatenate([program.row_lower, squares.shift, -some]),
        row_upper=np.concatenate([program.row_upper, squares.shift, some]),
        col_lower=np.concatenate([program.col_lower, -free, np.zeros(count)]),
        col_upper=np.concatenate([program.col_upper, free, free]),
        offset=squares.offset,
    )
    return Relaxation(kkt, squares, whole, root, value, secant)
