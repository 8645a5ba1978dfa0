"""Commitments near the optimum of the same problem without integers, which is found quickly and often is not far off.

Its commitment is rounded. Where that leaves the follower nothing, as rows that bind both are kept by few whole points, a mixed-integer program
finds the best whole point at which what binds the follower at that optimum still nearly does.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: none of its own; a commitment is a guess, and the follower's own answer to it is what counts.
Source: as of :mod:`coercivity.engine.bilevel.response.ascent`, for what binds the follower.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np

from coercivity.engine.bilevel.methods.tight_rows import method as tight_rows
from coercivity.engine.bilevel.problem import BilevelProblem, Variables
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram
from coercivity.engine.programs.mixed import solve_mixed

# Columns that are rounded both ways, those nearest to a half; the others go to the nearest.
BOTH_WAYS = 6
# Off by less than this a column is whole, and a row or a bound binds.
WHOLE = 1e-6
# What binds may come to have this slack, against a row's greatest entry.
SLACK = (0.5, 1.0, 2.0, 4.0)


class Nearby:
    """The continuous optimum, and whole commitments around it.

    Parameters
    ----------
    seconds : for the optimum

    Attributes
    ----------
    value : what the optimum is worth, or the best point that was found in so many seconds; +inf without one
    """

    def __init__(self, problem: BilevelProblem, seconds: float) -> None:
        self.problem, self.value, self.point = problem, math.inf, np.zeros(0)
        self.loose = replace(problem, leader=_continuous(problem.leader), follower=_continuous(problem.follower))
        try:
            found = tight_rows.solve(self.loose, Limits(seconds=seconds))
        except (UsageError, SolverFailed):
            return
        if found.point is not None:
            self.value, self.point = found.value, found.point

    def roundings(self, seconds: float) -> list[Floats]:
        """Roundings of its commitment, those first whose continuous answers are worth most to the leader."""
        if self.value == math.inf:
            return []
        responder, until = Responder(self.loose), time.perf_counter() + seconds
        found: list[tuple[float, int, Floats]] = []
        for x in self._around():
            if time.perf_counter() > until:
                break
            try:
                value = responder.incumbent(x).value
            except (InfeasibleProgram, SolverFailed):
                continue
            if value < math.inf:
                found.append((value, len(found), x))
        return [x for _, _, x in sorted(found, key=lambda one: one[:2])]

    def _around(self) -> list[Floats]:
        leader, x = self.problem.leader, self.point[: len(self.problem.leader)]
        whole = np.where(leader.is_integer, np.clip(np.round(x), leader.lower, leader.upper), x)
        part = np.where(leader.is_integer, np.abs(x - np.round(x)), 0.0)
        either = [int(k) for k in np.argsort(-part, kind="stable")[:BOTH_WAYS] if part[k] > WHOLE]
        found = []
        for ends in itertools.product((np.floor, np.ceil), repeat=len(either)):
            moved = whole.copy()
            for k, end in zip(either, ends, strict=True):
                moved[k] = float(np.clip(end(x[k]), leader.lower[k], leader.upper[k]))
            found.append(moved)
        return found

    def on_piece(self, slack: float, seconds: float) -> Floats | None:
        """The commitment of the best whole point at which what binds the follower at the optimum nearly does; None without one."""
        if self.value == math.inf:
            return None
        sheet, _ = high_point(self.problem)
        program = sheet.program(self.problem.objective.constant)
        found = solve_mixed(self._near(program, slack), sheet.is_integer, seconds=seconds)
        return None if found.point is None else found.point[: len(self.problem.leader)]

    def _near(self, program: LinearProgram, slack: float) -> LinearProgram:
        """The relaxation with the follower's rows and bounds that bind at the optimum held near their sides."""
        n, rows = len(self.problem.leader), len(self.problem.rows)
        size = np.abs(program.matrix.toarray()).max(axis=1, initial=0.0)
        row_lower, row_upper = _held(
            program.matrix @ self.point, program.row_lower, program.row_upper, slack * size, rows
        )
        col_lower, col_upper = _held(
            self.point, program.col_lower, program.col_upper, np.full(len(self.point), 2.0 * slack), n
        )
        return replace(program, row_lower=row_lower, row_upper=row_upper, col_lower=col_lower, col_upper=col_upper)


def _held(at: Floats, lower: Floats, upper: Floats, slack: Floats, first: int) -> tuple[Floats, Floats]:
    """Bounds from a position on, of which those that bind become ranges as wide as the slack."""
    low, high = lower.copy(), upper.copy()
    room, is_own = WHOLE * np.maximum(1.0, np.abs(at)), np.arange(len(at)) >= first
    binds_low, binds_high = is_own & (at <= lower + room), is_own & (at >= upper - room)
    high[binds_low] = np.minimum(high, lower + slack)[binds_low]
    low[binds_high] = np.maximum(low, upper - slack)[binds_high]
    return low, high


def _continuous(columns: Variables) -> Variables:
    return replace(columns, is_integer=np.zeros(len(columns), dtype=bool))
