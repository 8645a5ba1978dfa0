"""The leader's continuous columns that the follower never meets, handed over to a follower who does not care about them.

An optimistic follower sets what costs it nothing, and stands in none of its rows, as the leader would. What is left to the
leader are the columns that the follower meets, and its integers: where all of those are integer, its commitments can be listed.

Accepts: an optimistic follower of any kind; no prices, and followers that do not meet.
Bound: none is needed; the values are the same.
Source: Dempe, *Foundations of Bilevel Programming* (2002), chapter 1, on the optimistic reading.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Objective, Rows, Variables


def unmet(problem: BilevelProblem) -> np.ndarray:
    """Which of the leader's columns are continuous, and in none of the follower's rows or products; shape (n,)."""
    n = len(problem.leader)
    if problem.prices or problem.rivals is not None:
        return np.zeros(n, dtype=bool)
    in_rows = abs(sp.csr_array(problem.follower_rows.matrix)[:, :n]).sum(axis=0) > 0
    multiplied = abs(sp.csr_array(problem.follower_objective.quadratic)[n:, :n]).sum(axis=0) > 0
    return np.asarray(~problem.leader.is_integer & ~in_rows & ~multiplied)


def handed_over(problem: BilevelProblem) -> tuple[BilevelProblem, np.ndarray]:
    """The problem with those columns behind the leader's others, as the follower's; and where each of its columns stood, shape (n + m,)."""
    n, given = len(problem.leader), unmet(problem)
    order = np.r_[np.flatnonzero(~given), np.flatnonzero(given), np.arange(n, problem.width)]
    if not given.any():
        return problem, order
    kept = int((~given).sum())
    # Terms of the follower's in the leader's columns alone change nothing that it does, and would now.
    counts = np.r_[~given, np.ones(problem.width - n, dtype=bool)].astype(float)
    every = [
        np.r_[getattr(problem.leader, part), getattr(problem.follower, part)][order]
        for part in ("lower", "upper", "is_integer")
    ]
    names = [problem.names[column] for column in order]
    own = problem.follower_objective
    found = replace(
        problem,
        leader=_variables(names[:kept], [part[:kept] for part in every]),
        follower=_variables(names[kept:], [part[kept:] for part in every]),
        objective=_objective(problem.objective, order),
        rows=_rows(problem.rows, order),
        follower_objective=_objective(
            replace(
                own,
                linear=own.linear * counts,
                quadratic=sp.csr_array(sp.diags_array(counts) @ own.quadratic @ sp.diags_array(counts)),
            ),
            order,
        ),
        follower_rows=_rows(problem.follower_rows, order),
        members=(),
    )
    return found, order


def back(point: Floats, order: np.ndarray) -> Floats:
    """A point of the problem with columns handed over, in the order of the one that was given."""
    found = np.empty(len(order))
    found[order] = point
    return found


def _variables(names: list[str], parts: list[np.ndarray]) -> Variables:
    return Variables(tuple(names), *parts)


def _objective(given: Objective, order: np.ndarray) -> Objective:
    quadratic = sp.csr_array(sp.csr_array(given.quadratic)[order][:, order])
    return replace(given, linear=given.linear[order], quadratic=quadratic)


def _rows(given: Rows, order: np.ndarray) -> Rows:
    return replace(given, matrix=sp.csr_array(sp.csr_array(given.matrix)[:, order])) if len(given) else given
