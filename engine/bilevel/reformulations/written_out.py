"""Products of integers in a follower's objective, written out as columns of their own: a linear follower with integers.

For binaries u and v the product w is the only whole number with w ≤ u, w ≤ v and w ≥ u + v − 1, and u² is u. The rows are the
follower's, so that each of its answers has one w for every product, and costs what it cost. No convexity is asked for. Another
integer of the follower's with bounds is l + Σ 2^k b_k of binaries, in one way, and its products are theirs.

Source: Fortet (1960); Glover and Woolsey (1974), *Converting the 0-1 polynomial programming problem to a 0-1 linear program*,
Operations Research 22.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Objective, Rows, Variables

# An integer with more values is not written in binaries.
WIDEST = 1000


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
    for k in used:
        what = f"an integer follower with a quadratic objective in {y.names[k]}"
        if not y.is_integer[k]:
            return f"{what}, which is continuous"
        if not y.upper[k] - y.lower[k] <= WIDEST:
            return f"{what}, which may have more than {WIDEST} values"
    return None


def _in_binaries(problem: BilevelProblem) -> BilevelProblem:
    """The problem with binaries behind for each integer of the follower's that is multiplied and is none, in which its products are stated."""
    n, own, rows = len(problem.leader), problem.follower, problem.follower_rows
    quadratic = sp.csr_array(problem.follower_objective.quadratic).toarray()
    inner = quadratic[n:, n:]
    is_binary = own.is_integer & (own.lower >= 0.0) & (own.upper <= 1.0)
    wide = [int(k) for k in np.flatnonzero(~is_binary & inner.any(axis=0))]
    if not wide:
        return problem
    low = np.ceil(own.lower[wide] - 1e-9)
    digits = [max(1, int(top).bit_length()) for top in np.floor(own.upper[wide] + 1e-9) - low]
    count, m = sum(digits), len(own)
    # y = shift + spread · (y, b), each wide column by its binaries and every other one by itself.
    shift, spread = np.zeros(m), np.hstack([np.eye(m), np.zeros((m, count))])
    shift[wide], at = low, m
    for k, length in zip(wide, digits, strict=True):
        spread[k] = 0.0
        spread[k, at : at + length] = 2.0 ** np.arange(length)
        at += length
    objective, whole = problem.follower_objective, np.zeros((n + m + count, n + m + count))
    whole[: n + m, : n + m] = quadratic
    whole[n:, n:] = spread.T @ inner @ spread
    costs = np.r_[objective.linear, np.zeros(count)]
    costs[n:] += spread.T @ (inner @ shift)
    defining = np.hstack([np.zeros((len(wide), n)), spread[wide] - np.eye(m, m + count)[wide]])
    taken = set(problem.names)
    names = [f"{own.names[k]}:{bit}" for k, length in zip(wide, digits, strict=True) for bit in range(length)]
    fresh = [name if name not in taken else f"{name}_" for name in names]
    padded = [
        sp.csr_array(sp.hstack([sp.csr_array(part.matrix), sp.csr_array((len(part), count))]))
        for part in (problem.rows, rows)
    ]
    return replace(
        problem,
        follower=Variables(
            (*own.names, *fresh), np.r_[own.lower, np.zeros(count)], np.r_[own.upper, np.ones(count)],
            np.r_[own.is_integer, np.ones(count, dtype=bool)],
        ),
        objective=_padded(problem.objective.linear, problem.objective.quadratic, problem.objective.constant, count),
        rows=replace(problem.rows, matrix=padded[0]),
        follower_objective=Objective(costs, sp.csr_array(whole), objective.constant + 0.5 * float(shift @ inner @ shift)),
        follower_rows=Rows(
            (*rows.names, *(f"{own.names[k]}:digits" for k in wide)),
            sp.csr_array(sp.vstack([padded[1], sp.csr_array(defining)])), np.r_[rows.lower, -low], np.r_[rows.upper, -low],
        ),
        members=(),
    )  # fmt: skip


def written_out(problem: BilevelProblem) -> BilevelProblem:
    """The problem with a column of the follower's for each product; a point's first columns are those of the problem's.

    Products of a binary of the leader's and one of the follower's are written out too; others of both levels stay.
    """
    problem = _in_binaries(problem)
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
