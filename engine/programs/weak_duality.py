"""What multipliers prove about a linear program, by weak duality and arithmetic alone."""

from __future__ import annotations

import numpy as np

from coercivity.engine.programs.hot import Floats, LinearProgram


def dual_bound(program: LinearProgram, dual: Floats, reduced_cost: Floats) -> float:
    """The value that the multipliers prove: no feasible point costs less, whatever the method that found them.

    Multipliers of the wrong sign, where the bound they would need is infinite, are set to zero first, and the
    reduced costs are recomputed from the matrix, so that a solver's tolerance cannot slip into the bound.
    """
    y = dual.copy()
    y[(y > 0) & np.isinf(program.row_lower)] = 0.0
    y[(y < 0) & np.isinf(program.row_upper)] = 0.0
    d = program.cost - program.matrix.T @ y
    low = np.where(np.isinf(program.col_lower), 0.0, program.col_lower)
    high = np.where(np.isinf(program.col_upper), 0.0, program.col_upper)
    slack = (d > 0) & np.isinf(program.col_lower) | (d < 0) & np.isinf(program.col_upper)
    if np.any(np.abs(d[slack]) > 1e-6 * (1.0 + np.abs(program.cost[slack]))):
        return -np.inf
    row_low = np.where(np.isinf(program.row_lower), 0.0, program.row_lower)
    row_high = np.where(np.isinf(program.row_upper), 0.0, program.row_upper)
    value = np.where(y > 0, y * row_low, y * row_high).sum() + np.where(d > 0, d * low, d * high).sum()
    return float(value + program.offset)
