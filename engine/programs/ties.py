"""Ties between best responses: how far a leader's value can range over the follower's optimal solutions.

The optimal set of a linear program is a face that complementary slackness describes: a column with a reduced
cost stays at its bound, a row with a multiplier stays at its side. The multipliers form a face of their own,
and the two are independent, so a leader's gain that is linear in quantities plus one that is linear in
multipliers ranges over the sum of two intervals.

Source: Dempe, *Foundations of Bilevel Programming* (2002), chapter 3 (optimistic and pessimistic solutions);
for the multipliers, the directional derivative of the optimal value, Gauvin and Janin (1988).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import Floats, Ints, LinearProgram, LinearSolution, solve_once
from coercivity.engine.programs.linear import units_of

# A multiplier below this counts as zero. Letting one pass that is not moves the follower's cost by this much
# per unit; holding one that is zero would hide a tie.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Interval:
    """The least and the greatest value, and the points that reach them."""

    low: float
    high: float
    low_point: Floats
    high_point: Floats


def optimal_face(program: LinearProgram, solution: LinearSolution) -> LinearProgram:
    """The program whose feasible points are the optimal points of ``program``."""
    x, d, y = solution.primal, solution.reduced_cost, solution.dual
    none = TOLERANCE * units_of(program).cost
    pinned = np.abs(d) > none
    lower_side, upper_side = y > none, y < -none
    return replace(
        program,
        col_lower=np.where(pinned, x, program.col_lower),
        col_upper=np.where(pinned, x, program.col_upper),
        row_lower=np.where(upper_side, program.row_upper, program.row_lower),
        row_upper=np.where(lower_side, program.row_lower, program.row_upper),
    )


def quantity_range(program: LinearProgram, solution: LinearSolution, gain: Floats) -> Interval:
    """Least and greatest ``gain``·x over the optimal points."""
    face = optimal_face(program, solution)
    low = solve_once(replace(face, cost=gain, offset=0.0), "pessimistic tie")
    high = solve_once(replace(face, cost=-gain, offset=0.0), "optimistic tie")
    return Interval(low.objective, -high.objective, low.primal, high.primal)


def multiplier_range(program: LinearProgram, solution: LinearSolution, weight: Floats) -> Interval:
    """Least and greatest ``weight``·y over the optimal multipliers y of the rows, and multipliers that reach them."""
    low, high = _derivative(program, solution, -weight), _derivative(program, solution, weight)
    return _ends(low, high)


def _ends(low: LinearSolution, high: LinearSolution) -> Interval:
    return Interval(-low.objective, high.objective, low.dual, high.dual)


def capped_range(
    program: LinearProgram, solution: LinearSolution, worth: Floats, cap: Floats, most: Floats
) -> Interval:
    """Range of Σ worth·min(m, cap) over the optimal multipliers y of the rows, m = -y, and multipliers that reach its ends.

    It is concave in the multipliers, so its greatest value is that of a linear program. Its least is not: what is told as
    the low end is what it never falls below, by the chord from 0 to the greatest value that a multiplier can have, at
    multipliers that minimise the chord.

    Parameters
    ----------
    worth : of a unit of every row's multiplier, none below 0; rows with a worth have an upper side only
    cap : multiplier beyond which a row is worth no more; may be infinite
    most : greatest value of a row's multiplier; may be infinite
    """
    slope = np.divide(cap, np.maximum(cap, most), out=np.zeros(len(cap)), where=np.isfinite(most))
    slope = np.where(np.isinf(cap), 1.0, slope)
    low = _derivative(program, solution, worth * slope)
    capped = np.flatnonzero((worth > 0) & np.isfinite(cap)).astype(np.int32)
    high = _derivative(program, solution, -worth, capped, cap)
    return _ends(low, high)


def _derivative(
    program: LinearProgram,
    solution: LinearSolution,
    direction: Floats,
    capped: Ints | None = None,
    cap: Floats | None = None,
) -> LinearSolution:
    """Directional derivative of the optimal value when the rows' bounds move along ``direction``.

    Its value is the greatest direction·y over the optimal multipliers y, and its own multipliers are such a y. Of the
    ``capped`` rows, which are tightened, no more counts than a multiplier of ``cap``: as much of the tightening as is worth
    more is bought back at that price.
    """
    x, activity = solution.primal, solution.activity
    unit = units_of(program).quantity
    at_low, at_high = _near(x, program.col_lower, unit), _near(x, program.col_upper, unit)
    row_low, row_high = _near(activity, program.row_lower, unit), _near(activity, program.row_upper, unit)
    moved = replace(
        program,
        col_lower=np.where(at_low, 0.0, -np.inf),
        col_upper=np.where(at_high, 0.0, np.inf),
        row_lower=np.where(row_low, direction, -np.inf),
        row_upper=np.where(row_high, direction, np.inf),
        offset=0.0,
    )
    if capped is not None and cap is not None:
        moved = _with_bought_back(moved, capped, cap[capped], -direction[capped])
    return solve_once(moved, "range of multipliers")


def _with_bought_back(program: LinearProgram, rows: Ints, price: Floats, most: Floats) -> LinearProgram:
    """The program with one more column for each of some rows, which widens its upper side at a price, up to a limit."""
    count = len(rows)
    wider = sp.csc_array((-np.ones(count), (rows, np.arange(count))), shape=(program.shape[0], count))
    return replace(
        program,
        cost=np.concatenate([program.cost, price]),
        matrix=sp.csr_array(sp.hstack([sp.csc_array(program.matrix), wider])),
        col_lower=np.concatenate([program.col_lower, np.zeros(count)]),
        col_upper=np.concatenate([program.col_upper, most]),
    )


def _near(value: Floats, bound: Floats, unit: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(value - bound) <= 1e-6 * (unit + np.abs(value)))
