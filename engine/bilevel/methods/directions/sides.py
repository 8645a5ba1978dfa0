"""What may stand in the way of a direction of a follower of whole numbers, and the direction with the fewest sides in its way.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: none of its own; a direction is an implication of optimality by whole numbers alone.
Source: as of :mod:`coercivity.engine.bilevel.methods.directions.method`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.bilevel.reformulations.bounds import least, units
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import solve_mixed

# Seconds in which a direction with few sides in its way is good enough, where one with fewer would take long to find.
BRIEF = 0.2
# A range beyond this is no big-M that a solver's integrality tolerance can bear.
WIDEST = 1e7


@dataclass(frozen=True)
class Sides:
    """The follower's rows and bounds as matrix · z ≤ level, in whole numbers.

    Attributes
    ----------
    matrix, level : shapes (sides, n + m) and (sides,)
    least : what the relaxation leaves of matrix · z at the least
    step : the step of the follower's costs
    box : how far each column y may move, shape (m,)
    """

    matrix: Floats
    level: Floats
    least: Floats
    step: float
    box: Floats


def sides_of(problem: BilevelProblem) -> Sides | str:
    """What may stand in a direction's way; or why the problem is not accepted."""
    n, own = len(problem.leader), problem.follower
    quadratic = (problem.objective.quadratic.data, problem.follower_objective.quadratic.data)
    if any(np.any(part) for part in quadratic) or problem.prices:
        return "an objective is quadratic or counts the follower's multipliers"
    if not own.is_integer.all():
        return "the follower has continuous variables"
    cost = problem.follower_objective.linear[n:]
    step = step_of_cost(cost, own.is_integer) if cost.any() else 1.0
    if step is None:
        return "the follower's costs have no common step"
    found = _whole_rows(problem)
    if isinstance(found, str):
        return found
    # The follower goes where its own rows let it; rows of the leader's are none of its business.
    alone = replace(
        problem,
        rows=replace(
            problem.rows, names=(), matrix=sp.csr_array((0, problem.width)), lower=np.zeros(0), upper=np.zeros(0)
        ),
    )
    unit = units(n + np.arange(len(own)), problem.width)
    low, high = least(high_point(alone)[0], unit), -least(high_point(alone)[0], sp.csr_array(-unit))
    if np.any(np.isinf(low)) or np.any(np.isinf(high)):
        return "an integer variable of the follower has no bound"
    bounds = [
        (sign * unit.toarray()[np.isfinite(end)], sign * end[np.isfinite(end)])
        for sign, end in ((1.0, own.upper), (-1.0, own.lower))
    ]
    matrix = np.vstack([found[0], *(part for part, _ in bounds)])
    level = np.floor(np.concatenate([found[1], *(end for _, end in bounds)]) + 1e-9)
    ranges = least(high_point(problem)[0], sp.csr_array(matrix))
    if np.any(level - ranges > WIDEST):
        return "a row of the follower has no range in which a big-M is safe"
    return Sides(matrix, level, np.floor(ranges + 1e-6), step, np.ceil(high - low))


def _whole_rows(problem: BilevelProblem) -> tuple[Floats, Floats] | str:
    """The follower's rows, one-sided and with whole numbers."""
    rows, is_integer = problem.follower_rows, np.r_[problem.leader.is_integer, problem.follower.is_integer]
    lines, level = [np.zeros((0, problem.width))], [0.0][:0]
    for row in range(len(rows)):
        line = rows.matrix[[row]].toarray().ravel()
        if not line[len(problem.leader) :].any():
            continue
        step = step_of_cost(line, is_integer)
        if step is None:
            return f"row {rows.names[row]} of the follower has no common step, or a continuous variable of the leader in it"
        for sign, side in ((1.0, rows.upper[row]), (-1.0, -rows.lower[row])):
            if np.isfinite(side):
                lines.append(sign * np.round(line / step)[None, :])
                level.append(side / step)
    return np.vstack(lines), np.array(level)


class Finder:
    """Looks for the improving direction with the fewest sides in its way, and keeps what it finds: each holds everywhere."""

    def __init__(self, problem: BilevelProblem, sides: Sides) -> None:
        self.sides, self.n = sides, len(problem.leader)
        self.on_y = sides.matrix[:, self.n :]
        cost = problem.follower_objective.linear[self.n :]
        self.cost = np.round(cost / sides.step)
        # What each direction found asks of each side, G D.
        self.ways = np.zeros((0, len(sides.level)))

    def known_at(self, z: Floats) -> Floats:
        """The ways of the known directions that are open at a point, whole or not, shape (some, sides)."""
        room = self.sides.level - self.sides.matrix @ z + 1.0 - 1e-5
        return np.asarray(self.ways[np.all((self.ways <= 0.0) | (self.ways < room), axis=1)])

    def open_ways(self, points: Floats) -> NDArray[np.bool_]:
        """Which of the known directions are open at each of several points, shape (points, directions)."""
        room = self.sides.level + (1.0 - 1e-5) - points @ self.sides.matrix.T
        # Ways are whole, so that a step of none or less is less than a half.
        reach = np.maximum(room, 0.5)
        return np.asarray((self.ways[None, :, :] < reach[:, None, :]).all(axis=2))

    def open_at(self, z: Floats, seconds: float, without: int = -1) -> tuple[SolveStatus, Floats | None]:
        """What a direction D open at a whole point z asks of each side, kept; INFEASIBLE where the follower answers best there.

        A few moments bring it near the fewest sides; only where nothing is found in them is it looked for in earnest.

        Parameters
        ----------
        without : a side that D is not to approach; INFEASIBLE says nothing of the follower then
        """
        sides, (count, m) = self.sides, self.on_y.shape
        slack = np.maximum(np.round(sides.level - sides.matrix @ z), 0.0)
        if without >= 0:
            slack[without] = 0.0
        # G D ≤ s t: a side without slack, or without its t, may not be approached.
        matrix = sp.block_array(
            [[sp.csr_array(self.on_y), sp.diags_array(-slack)], [sp.csr_array(self.cost[None, :]), None]], format="csr"
        )
        program = LinearProgram(
            cost=np.r_[np.zeros(m), np.ones(count)],
            matrix=sp.csr_array(matrix),
            row_lower=np.full(count + 1, -np.inf),
            row_upper=np.r_[np.zeros(count), -1.0],
            col_lower=np.r_[-sides.box, np.zeros(count)],
            col_upper=np.r_[sides.box, np.where(slack > 0.0, 1.0, 0.0)],
        )
        found = solve_mixed(program, np.ones(m + count, dtype=bool), seconds=min(BRIEF, seconds))
        if found.point is None and found.status is not SolveStatus.INFEASIBLE:
            found = solve_mixed(program, np.ones(m + count, dtype=bool), seconds=seconds)
        if found.point is None:
            return found.status, None
        direction = np.round(found.point[:m])
        if not self._is_open(direction, slack):
            return SolveStatus.FAILED, None
        direction = self._shorter(direction, slack)
        self.ways = np.vstack([self.ways, self.on_y @ direction])
        return SolveStatus.OPTIMAL, self.ways[-1]

    def _is_open(self, direction: Floats, slack: Floats) -> bool:
        return bool(self.cost @ direction <= -1.0 and np.all(self.on_y @ direction <= slack))

    def _shorter(self, direction: Floats, slack: Floats) -> Floats:
        """A direction with no other sides in its way that goes less far towards them: what is split by it is split farther off."""
        asked = self.on_y @ direction
        used = np.flatnonzero(asked > 0.0)
        count, m = self.on_y.shape
        size = np.abs(self.on_y[used]).max(axis=1, initial=1.0)
        apart = sp.csr_array((-np.ones(len(used)), (used, np.arange(len(used)))), shape=(count, len(used)))
        matrix = sp.vstack(
            [
                sp.hstack([sp.csr_array(self.on_y), apart]),
                sp.csr_array(np.r_[self.cost, np.zeros(len(used))][None, :]),
            ]
        )
        program = LinearProgram(
            cost=np.r_[np.zeros(m), 1.0 / size],
            matrix=sp.csr_array(matrix),
            row_lower=np.full(count + 1, -np.inf),
            row_upper=np.r_[np.zeros(count), -1.0],
            col_lower=np.r_[-self.sides.box, np.zeros(len(used))],
            col_upper=np.r_[self.sides.box, slack[used]],
        )
        flags = np.r_[np.ones(m, dtype=bool), np.zeros(len(used), dtype=bool)]
        found = solve_mixed(program, flags, seconds=BRIEF / 2.0, start=np.r_[direction, asked[used]])
        shorter = direction if found.point is None else np.round(found.point[:m])
        return shorter if self._is_open(shorter, slack) else direction
