"""Products of binaries in a follower's objective, written out as columns of their own: a linear follower with integers.

For binaries u and v the product w is the only whole number with w ≤ u, w ≤ v and w ≥ u + v − 1, and u² is u. The rows are the
follower's, so that each of its answers has one w for every product, and costs what it cost. No convexity is asked for.

Source: Fortet (1960); Glover and Woolsey (1974), *Converting the 0-1 polynomial programming problem to a 0-1 linear program*,
Operations Research 22.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Objective, Rows, Variables


def has_products(problem: BilevelProblem) -> bool:
    """Whether a follower with integers has its own columns multiplied in its objective."""
    n = len(problem.leader)
    return bool(
        problem.follower.is_integer.any() and np.any(sp.csr_array(problem.follower_objective.quadratic)[n:].data)
    )


def refuses(problem: BilevelProblem) -> str | None:
    """Why products of the follower's columns cannot be written out; None where they can."""
    n, y = len(problem.leader), problem.follower
    own = sp.coo_array(sp.csr_array(problem.follower_objective.quadratic)[n:, n:])
    used = np.unique(np.concatenate([part[own.data != 0.0] for part in own.coords]))
    is_binary = y.is_integer & (y.lower >= 0.0) & (y.upper <= 1.0)
    odd = [y.names[k] for k in used if not is_binary[k]]
    return f"an integer follower with a quadratic objective in {odd[0]}, which is no binary" if odd else None


def written_out(problem: BilevelProblem) -> BilevelProblem:
    """The problem with a column of the follower's for each product; a point's first columns are those of the problem's.

    Products of a binary of the leader's and one of the follower's are written out too; others of both levels stay.
    """
    width, names, own, under = problem.width, problem.names, problem.follower, problem.follower_rows
    linear, quadratic, prices = _priced(problem)
    count = len(prices)
    rows = np.zeros((3 * count, width + count))
    for k, (i, j, _) in enumerate(prices):
        rows[3 * k, [i, width + k]] = -1.0, 1.0
        rows[3 * k + 1, [j, width + k]] = -1.0, 1.0
        rows[3 * k + 2, [i, j, width + k]] = 1.0, 1.0, -1.0
    taken, added = set(names), []
    for i, j, _ in prices:
        name = f"{names[i]}*{names[j]}"
        while name in taken:
            name += "_"
        taken.add(name)
        added.append(name)
    follower = Variables(
        (*own.names, *added),
        np.r_[own.lower, np.zeros(count)],
        np.r_[own.upper, np.ones(count)],
        np.r_[own.is_integer, np.ones(count, dtype=bool)],
    )
    over, under_wide = (
        sp.csr_array(sp.hstack([sp.csr_array(part.matrix), sp.csr_array((len(part), count))]))
        for part in (problem.rows, under)
    )
    costs = np.r_[linear, [price for _, _, price in prices]]
    return replace(
        problem,
        follower=follower,
        objective=_padded(problem.objective.linear, problem.objective.quadratic, problem.objective.constant, count),
        rows=replace(problem.rows, matrix=over),
        follower_objective=_padded(costs, quadratic, problem.follower_objective.constant, count),
        follower_rows=Rows(
            (*under.names, *(f"{name}:{side}" for name in added for side in ("first", "second", "both"))),
            sp.csr_array(sp.vstack([under_wide, sp.csr_array(rows)])),
            np.r_[under.lower, np.full(3 * count, -np.inf)],
            np.r_[under.upper, np.tile([0.0, 0.0, 1.0], count)],
        ),
        members=(),
    )


def _priced(problem: BilevelProblem) -> tuple[Floats, sp.csr_array, list[tuple[int, int, float]]]:
    """The follower's linear costs with its squares in them, what stays quadratic, and each product with its cost."""
    lower, upper, is_integer = (
        np.concatenate([getattr(problem.leader, part), getattr(problem.follower, part)])
        for part in ("lower", "upper", "is_integer")
    )
    is_binary = is_integer & (lower >= 0.0) & (upper <= 1.0)
    quadratic, linear = (
        sp.csr_array(problem.follower_objective.quadratic).toarray(),
        problem.follower_objective.linear.copy(),
    )
    prices = []
    for i, j in zip(*np.nonzero(np.triu(quadratic)), strict=True):
        if j < len(problem.leader) or not (is_binary[i] and is_binary[j]):
            continue
        if i == j:
            linear[i] += 0.5 * quadratic[i, i]
        else:
            prices.append((int(i), int(j), float(quadratic[i, j])))
        quadratic[i, j] = quadratic[j, i] = 0.0
    return linear, sp.csr_array(quadratic), prices


def _padded(linear: Floats, quadratic: sp.csr_array, constant: float, count: int) -> Objective:
    """An objective with columns behind that cost nothing, but for those whose costs are given."""
    size = quadratic.shape[0] + count
    wide = np.zeros(size)
    wide[: len(linear)] = linear
    return Objective(wide, sp.csr_array(sp.block_diag([quadratic, sp.csr_array((count, count))])), constant)
