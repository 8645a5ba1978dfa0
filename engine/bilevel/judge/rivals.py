"""What the judge asks of followers that meet: each for its best response, the others held."""

from __future__ import annotations

from math import inf

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.judge.checks import row_check
from coercivity.engine.bilevel.problem import BilevelProblem, Floats
from coercivity.engine.bilevel.response.optimal_set import around
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.programs.weak_duality import dual_bound
from coercivity.engine.proof.check import Check, at_most

# What refutes a bound is an equilibrium to within this.
STRICT = 1e-8


def rival_checks(problem: BilevelProblem, point: Floats) -> tuple[Check, ...]:
    """Whether the answers at a point z keep the followers' rows and bounds, and no follower gains by another of its own."""
    own, y = point[len(problem.leader) :], problem.follower
    excess = np.maximum(y.lower - own, own - y.upper).max(initial=0.0)
    found = [
        Check(
            "bounds of the followers' columns", max(0.0, float(excess)), max(1.0, float(np.abs(own).max(initial=0.0)))
        ),
        row_check("the followers' rows", problem.follower_rows, point),
    ]
    return (*found, *(_regret(problem, name, point) for name in dict.fromkeys(problem.members)))


def is_equilibrium(problem: BilevelProblem, point: Floats) -> bool:
    """Whether a point is an equilibrium among the followers to a tolerance that no value can live on."""
    return all(check.gap <= STRICT * check.scale for check in rival_checks(problem, point))


def _regret(problem: BilevelProblem, name: str, point: Floats) -> Check:
    """How much a follower would gain by another answer, proved by multipliers."""
    rivals, n = problem.rivals, len(problem.leader)
    assert rivals is not None
    title = f"the regret of follower {name}"
    mine = np.array([member == name for member in problem.members])
    rows = np.array([k for k, owner in enumerate(rivals.owners) if owner == name], dtype=np.intp)
    columns = n + np.flatnonzero(mine)
    matrix = sp.csr_array(problem.follower_rows.matrix)[rows]
    inside = sp.csr_array(matrix[:, columns])
    rest = matrix @ np.where(np.isin(np.arange(problem.width), columns), 0.0, point)
    program = LinearProgram(
        cost=(rivals.linear + rivals.gradient @ point)[mine],
        matrix=inside,
        row_lower=problem.follower_rows.lower[rows] - rest,
        row_upper=problem.follower_rows.upper[rows] - rest,
        col_lower=problem.follower.lower[mine],
        col_upper=problem.follower.upper[mine],
    )
    program = around(program, point[columns])
    unit = min(1.0, float(np.abs(program.cost).max(initial=0.0)) or 1.0)
    hot = precise(program)
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return Check(title, inf, 1.0)
    found = hot.solution()
    return at_most(
        title, float(program.cost @ point[columns]), dual_bound(program, found.dual, found.reduced_cost), unit
    )
