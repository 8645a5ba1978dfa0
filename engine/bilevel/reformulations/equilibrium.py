"""Followers that meet, as one level of a leader's and pairs that complement: a bilevel program of the usual kind.

Each follower's program is linear in its own columns, given the leader's choice and the others' answers, so that all of them
answer best at once exactly where multipliers λ exist with

    linear_j + gradient_j · z = Σ over the owner's sides k of λ_k s_kj     for each column y_j,     s_k'z − level_k ⟂ λ_k ≥ 0

(λ_k free where a side is an equation). A row that two followers share has an owner, and the multiplier is the owner's alone. The
leader, who has the choice among equilibria, takes x, y and λ; that one half of each pair is zero is what a follower says who
maximises Σ v_k subject to v_k ≤ s_k'z − level_k and v_k ≤ λ_k, and of whom the leader demands v_k ≤ 0. No bound on λ is needed anywhere.

Source: Sherali, Soyster and Murphy (1983), *Stackelberg-Nash-Cournot equilibria*, Operations Research 31, for a leader over followers in equilibrium;
Audet, Hansen, Jaumard and Savard (1997), *Links between linear bilevel and mixed 0-1 programming problems*, JOTA 93, for a follower who tells
which of two numbers is less.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Objective, Rivals, Rows, Variables
from coercivity.engine.errors import UsageError

WHY = "followers that meet: the optimality conditions of all of them, as one program"


def check(problem: BilevelProblem) -> Rivals:
    """The followers that meet, of a class that is solved here.

    Raises
    ------
    UsageError
        It is not; the reason says why.
    """
    rivals = problem.rivals
    assert rivals is not None
    if problem.follower.is_integer.any():
        what = "followers that meet have integers, of whose equilibria no optimality conditions tell; there may be none at all"
        raise UsageError(problem.name, what, "relax their integrality, or state one follower")
    if problem.prices:
        what = "the leader counts multipliers of followers that meet, of which an equilibrium may have many"
        raise UsageError(problem.name, what, "take the prices out of the leader's objective")
    n, entries = len(problem.leader), sp.coo_array(rivals.gradient)
    for j, k, value in zip(*entries.coords, entries.data, strict=True):
        if value and k >= n and problem.members[k - n] == problem.members[j]:
            what = f"{problem.follower.names[j]} is multiplied with a variable of its own follower, who meets others"
            raise UsageError(problem.name, what, "followers that meet are linear in what is their own")
    return rivals


def written(problem: BilevelProblem) -> BilevelProblem:
    """The program of followers that meet as one of a follower who compares; its first columns are those of the problem.

    Raises
    ------
    UsageError
        It is of a class that is not solved here.
    """
    rivals = check(problem)
    n, m, width = len(problem.leader), len(problem.follower), problem.width
    matrix, level, is_equation, owned = _sides(problem, rivals)
    count, pairs = len(level), np.flatnonzero(~is_equation)
    none = sp.csr_array((len(pairs), count))
    own = sp.csr_array(owned[:, n:].T)
    conditions = sp.hstack([rivals.gradient, -own], format="csr")
    pick = sp.csr_array(sp.eye_array(count))[pairs]
    total = width + count + len(pairs)
    slack = sp.hstack([-matrix[pairs], none, sp.eye_array(len(pairs))])
    multiplier = sp.hstack([sp.csr_array((len(pairs), width)), -pick, sp.eye_array(len(pairs))])
    both, free = (problem.rows, problem.follower_rows), np.full(len(pairs), -np.inf)
    return replace(
        problem,
        leader=_columns(problem, is_equation),
        follower=Variables(
            _names("lesser", len(pairs)), free, np.full(len(pairs), np.inf), np.zeros(len(pairs), dtype=bool)
        ),
        objective=_wider(problem.objective, total),
        rows=Rows(
            (
                *(name for rows in both for name in rows.names),
                *_names("stationary", m),
                *_names("complements", len(pairs)),
            ),
            _leader_matrix(problem, conditions, total, len(pairs)),
            np.concatenate([*(rows.lower for rows in both), -rivals.linear, free]),
            np.concatenate([*(rows.upper for rows in both), -rivals.linear, np.zeros(len(pairs))]),
        ),
        follower_objective=Objective(
            np.r_[np.zeros(width + count), np.full(len(pairs), -1.0)], sp.csr_array((total, total))
        ),
        follower_rows=Rows(
            _names("slack", len(pairs)) + _names("multiplier", len(pairs)),
            sp.csr_array(sp.vstack([slack, multiplier])),
            np.full(2 * len(pairs), -np.inf),
            np.r_[-level[pairs], np.zeros(len(pairs))],
        ),
        is_follower_maximised=False,
        members=(),
        rivals=None,
    )


def _leader_matrix(problem: BilevelProblem, conditions: sp.csr_array, total: int, pairs: int) -> sp.csr_array:
    """Both levels' rows, stationarity, and what the follower tells of each pair."""
    both = [
        sp.hstack([part, sp.csr_array((part.shape[0], conditions.shape[1] - problem.width))])
        for part in (problem.rows.matrix, problem.follower_rows.matrix)
    ]
    over = sp.vstack([*both, conditions])
    compared: sp.csr_array = sp.csr_array(sp.hstack([sp.csr_array((pairs, total - pairs)), sp.eye_array(pairs)]))
    return sp.csr_array(sp.vstack([sp.hstack([over, sp.csr_array((over.shape[0], pairs))]), compared]))


def _names(what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{what} {k + 1}" for k in range(count))


def _columns(problem: BilevelProblem, is_equation: np.ndarray) -> Variables:
    """x, y and a multiplier of each side."""
    x, y, count = problem.leader, problem.follower, len(is_equation)
    return Variables(
        (*x.names, *y.names, *_names("multiplier", count)),
        np.concatenate([x.lower, y.lower, np.where(is_equation, -np.inf, 0.0)]),
        np.concatenate([x.upper, y.upper, np.full(count, np.inf)]),
        np.concatenate([x.is_integer, y.is_integer, np.zeros(count, dtype=bool)]),
    )


def _wider(objective: Objective, total: int) -> Objective:
    extra = total - len(objective.linear)
    quadratic = sp.csr_array(sp.block_diag([objective.quadratic, sp.csr_array((extra, extra))]))
    return Objective(np.r_[objective.linear, np.zeros(extra)], quadratic, objective.constant)


def _sides(problem: BilevelProblem, rivals: Rivals) -> tuple[sp.csr_array, Floats, np.ndarray, sp.csr_array]:
    """s_k and level_k with s_k'z ≥ level_k of every row with y and every bound, which are equations, and s_k in its owner's columns alone."""
    n, width, rows, y = len(problem.leader), problem.width, problem.follower_rows, problem.follower
    m = len(y)
    unit: sp.csr_array = sp.csr_array((np.ones(m), (np.arange(m), n + np.arange(m))), shape=(m, width))
    matrix = sp.csr_array(sp.vstack([rows.matrix, unit]))
    lower, upper = np.concatenate([rows.lower, y.lower]), np.concatenate([rows.upper, y.upper])
    owner = np.array([*rivals.owners, *problem.members])
    is_own = np.hstack([np.ones((len(owner), n), dtype=bool), owner[:, None] == np.array(problem.members)[None, :]])
    owned = sp.csr_array(matrix.multiply(is_own))
    has = np.asarray(abs(owned[:, n:]).sum(axis=1)).ravel() > 0.0
    up = np.flatnonzero(np.isfinite(lower) & has)
    down = np.flatnonzero(np.isfinite(upper) & (lower < upper) & has)
    at, sign = np.r_[up, down], np.r_[np.ones(len(up)), -np.ones(len(down))]
    signs = sp.diags_array(sign)
    level = np.where(sign > 0, lower[at], -upper[at])
    return sp.csr_array(signs @ matrix[at]), level, lower[at] == upper[at], sp.csr_array(signs @ owned[at])
