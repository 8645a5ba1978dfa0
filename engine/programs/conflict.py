"""Why a linear program has no solution: rows that cannot hold together, and the least by which sides would have to move.

Every row may be missed at a price of one a unit; the least sum of what is missed is the cheapest repair, and rows that have
a multiplier in that program are a set without a solution (Farkas). From it rows are taken out one at a time as long as the
rest stays without one: what is left is irreducible, so that leaving any one of them out would do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import HotProgram, SolveStatus
from coercivity.engine.programs.linear import Floats, LinearProgram

# What is missed by less than this share of the largest side counts as met.
MET = 1e-7
# Rows up to which a conflict is made irreducible: each of them costs a program.
MOST = 300


@dataclass(frozen=True)
class Conflict:
    """Why a program has no solution.

    Attributes
    ----------
    rows : that cannot hold together, with the bounds of ``columns``
    columns : whose bounds are part of it
    missed : by row, by how much its side would have to move in the cheapest repair; more than nothing where the upper one
        has to rise, less where the lower one has to fall
    is_irreducible : whether the rest would have a solution if any one of the rows were left out
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    missed: dict[int, float]
    is_irreducible: bool


def conflict_of(program: LinearProgram) -> Conflict | None:
    """Why a program has no solution; None where it has one.

    Raises
    ------
    SolverFailed
        The solver gave up.
    """
    crossed = np.flatnonzero(program.col_lower > program.col_upper)
    if len(crossed):
        return Conflict((), (int(crossed[0]),), {}, True)
    height, width = program.shape
    hot = HotProgram(_elastic(program))
    solution = hot.solve("the cheapest repair")
    missed = solution.primal[width : width + height] - solution.primal[width + height :]
    sides = np.concatenate([program.row_lower, program.row_upper])
    scale = max(1.0, float(np.abs(sides[np.isfinite(sides)]).max(initial=0.0)))
    if np.abs(missed).sum() <= MET * scale:
        return None
    # In the elastic program a multiplier is at most one; what has one carries the proof.
    rows = [int(row) for row in np.flatnonzero(np.abs(solution.dual[:height]) > 1e-9)]
    is_small = len(rows) <= MOST
    if is_small:
        for row in list(rows):
            rest = [other for other in rows if other != row]
            if rest and not _holds(program, rest):
                rows = rest
    core = HotProgram(_elastic(_only(program, rows))).solve("the conflict")
    at_bound = np.flatnonzero(np.abs(core.reduced_cost[:width]) > 1e-9)
    repair = {int(row): -float(missed[row]) for row in np.flatnonzero(np.abs(missed) > MET * scale)}
    return Conflict(tuple(rows), tuple(int(column) for column in at_bound), repair, is_small)


def _elastic(program: LinearProgram) -> LinearProgram:
    """The program in which every row may be missed, from below or from above, at a price of one a unit."""
    height, width = program.shape
    one = sp.identity(height, format="csr")
    cost = np.concatenate([np.zeros(width), np.ones(2 * height)])
    return replace(
        program,
        cost=cost,
        matrix=sp.csr_array(sp.hstack([program.matrix, one, -one])),
        col_lower=np.concatenate([program.col_lower, np.zeros(2 * height)]),
        col_upper=np.concatenate([program.col_upper, np.full(2 * height, np.inf)]),
        offset=0.0,
    )


def _only(program: LinearProgram, rows: list[int]) -> LinearProgram:
    return replace(
        program,
        cost=np.zeros(program.shape[1]),
        matrix=program.matrix[rows],
        row_lower=_at(program.row_lower, rows),
        row_upper=_at(program.row_upper, rows),
        offset=0.0,
    )


def _at(values: Floats, rows: list[int]) -> Floats:
    return np.asarray(values[rows])


def _holds(program: LinearProgram, rows: list[int]) -> bool:
    """Whether some rows can hold together within the bounds."""
    return HotProgram(_only(program, rows)).decide("a part of the conflict") is not SolveStatus.INFEASIBLE
