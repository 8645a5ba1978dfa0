"""Rows with a product of a binary and a follower's column, made linear by a column of the follower's own for each product.

For u in {0, 1} and l ≤ t ≤ h the product w = u t is the only number with

    l u ≤ w ≤ h u,     t − h (1 − u) ≤ w ≤ t − l (1 − u)

The rows are the follower's, beside its own: at every commitment it has one w for each of its answers, and its rows allow it what
they allowed, so that best responses, their worth and the multipliers of its rows are what they were. Rows for w outside of its
program would not do: its optimality conditions would not know of them. At a u that is not whole they say less, which is a
relaxation, as everything is there. Where u is the follower's own the same holds of its integer program.

Source: McCormick (1976), *Computability of global solutions to factorable nonconvex programs*, Math. Programming 10; Glover (1975),
*Improved linear integer programming formulations of nonlinear integer problems*, Management Science 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rivals, Rows, Variables
from coercivity.engine.errors import UsageError


@dataclass(frozen=True)
class RowProduct:
    """A term coefficient · z[first] · z[second] of a row."""

    row: int
    first: int
    second: int
    coefficient: float


def refusal(is_binary: tuple[bool, bool], is_finite: tuple[bool, bool], names: tuple[str, str]) -> str | None:
    """Why a product of two columns in a row cannot be made linear; None where it can."""
    if not any(is_binary):
        return f"a product of {names[0]} and {names[1]}, of which none is a binary"
    at = 1 if is_binary[0] else 0
    return None if is_finite[at] else f"a product of {names[1 - at]} and {names[at]}, which has no finite range"


def linearised(
    problem: BilevelProblem, over: Sequence[RowProduct] = (), under: Sequence[RowProduct] = ()
) -> BilevelProblem:
    """A problem to whose leader's rows (``over``) and follower's rows (``under``) products are added; its columns come first.

    Raises
    ------
    UsageError
        A product has no follower's column, no binary, or one without a finite range.
    """
    if not over and not under:
        return problem
    pairs = sorted({(min(p.first, p.second), max(p.first, p.second)) for p in (*over, *under)})
    split = [_split(problem, *pair) for pair in pairs]
    count, width, own = len(pairs), problem.width, problem.follower
    lower, upper = (np.concatenate([getattr(problem.leader, end), getattr(own, end)]) for end in ("lower", "upper"))
    whole = np.concatenate([problem.leader.is_integer, own.is_integer])
    low, high = (np.array([ends[t] for _, t in split]) for ends in (lower, upper))
    names = _names(problem, pairs)
    lines = np.zeros((4 * count, width + count))
    for k, (u, t) in enumerate(split):
        w = width + k
        lines[4 * k, [w, u]] = 1.0, -low[k]
        lines[4 * k + 1, [w, u]] = 1.0, -high[k]
        lines[4 * k + 2, [w, t, u]] = 1.0, -1.0, -high[k]
        lines[4 * k + 3, [w, t, u]] = 1.0, -1.0, -low[k]
    rows = Rows(
        tuple(f"{name}:{side}" for name in names for side in ("least", "most", "on", "off")),
        sp.csr_array(lines),
        np.column_stack([np.zeros(count), np.full(count, -np.inf), -high, np.full(count, -np.inf)]).ravel(),
        np.column_stack([np.full(count, np.inf), np.zeros(count), np.full(count, np.inf), -low]).ravel(),
    )
    mine = [u if t < len(problem.leader) else t for u, t in split]
    members = tuple(problem.members[k - len(problem.leader)] for k in mine) if problem.members else ()
    follower = Variables(
        (*own.names, *names),
        np.r_[own.lower, np.minimum(low, 0.0)],
        np.r_[own.upper, np.maximum(high, 0.0)],
        np.r_[own.is_integer, [bool(whole[t]) for _, t in split]].astype(bool),
    )
    under_rows = _widened(problem.follower_rows, under, pairs, width)
    return replace(
        problem,
        follower=follower,
        objective=_padded(problem.objective, count),
        rows=_widened(problem.rows, over, pairs, width),
        follower_objective=_padded(problem.follower_objective, count),
        follower_rows=Rows(
            (*under_rows.names, *rows.names),
            sp.csr_array(sp.vstack([under_rows.matrix, rows.matrix])),
            np.r_[under_rows.lower, rows.lower],
            np.r_[under_rows.upper, rows.upper],
        ),
        members=(*problem.members, *members),
        rivals=_rivals(problem.rivals, members, count),
    )


def _split(problem: BilevelProblem, one: int, other: int) -> tuple[int, int]:
    """The binary of a pair and its other column."""
    n, names = len(problem.leader), problem.names
    place = f"{problem.name}: rows"
    if one == other:
        raise UsageError(place, f"a square of {names[one]}", "a binary's square is itself; of others rows hold none")
    if max(one, other) < n:
        what = f"a product of the leader's {names[one]} and {names[other]}"
        raise UsageError(place, what, "give the leader a variable for it, with rows of its own")
    lower, upper, whole = (
        np.concatenate([getattr(problem.leader, part), getattr(problem.follower, part)])
        for part in ("lower", "upper", "is_integer")
    )
    binary = [bool(whole[k] and lower[k] >= 0.0 and upper[k] <= 1.0) for k in (one, other)]
    finite = [bool(np.isfinite(lower[k]) and np.isfinite(upper[k])) for k in (one, other)]
    if why := refusal((binary[0], binary[1]), (finite[0], finite[1]), (names[one], names[other])):
        raise UsageError(place, why, "let one be a binary and the other have finite bounds")
    return (one, other) if binary[0] else (other, one)


def _names(problem: BilevelProblem, pairs: list[tuple[int, int]]) -> list[str]:
    taken, found = set(problem.names), []
    for one, other in pairs:
        name = f"{problem.names[one]}*{problem.names[other]}"
        while name in taken:
            name += "_"
        taken.add(name)
        found.append(name)
    return found


def _widened(rows: Rows, products: Sequence[RowProduct], pairs: list[tuple[int, int]], width: int) -> Rows:
    """Rows with their products in the columns behind."""
    at = [pairs.index((min(p.first, p.second), max(p.first, p.second))) for p in products]
    values, where = [p.coefficient for p in products], np.array([[p.row for p in products], at], dtype=np.intp)
    added = sp.coo_array((np.array(values, dtype=float), tuple(where)), shape=(len(rows), len(pairs)))
    matrix = sp.csr_array(sp.hstack([sp.csr_array(rows.matrix), sp.csr_array(added)]))
    matrix.eliminate_zeros()
    return replace(rows, matrix=matrix)


def _padded(objective: Objective, count: int) -> Objective:
    quadratic = sp.csr_array(sp.block_diag([objective.quadratic, sp.csr_array((count, count))]))
    return replace(objective, linear=np.r_[objective.linear, np.zeros(count)], quadratic=quadratic)


def _rivals(rivals: Rivals | None, members: tuple[str, ...], count: int) -> Rivals | None:
    """Followers that meet: a product is its follower's, who pays nothing for it, and so are the rows that hold it."""
    if rivals is None:
        return None
    gradient = sp.block_diag([rivals.gradient, sp.csr_array((count, count))])
    owners = tuple(name for name in members for _ in range(4))
    return Rivals((*rivals.owners, *owners), np.r_[rivals.linear, np.zeros(count)], sp.csr_array(gradient))
