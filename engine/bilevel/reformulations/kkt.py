"""The follower's optimality conditions as one level: stationarity, both players' rows, and pairs that complement.

A convex follower answers best exactly where multipliers λ exist with

    ∇_y f(x, y) = Σ λ_k s_k,     s_k'z ≥ level_k  ⟂  λ_k ≥ 0     (λ_k free where the constraint is an equation)

so that the bilevel program is min F(z, λ) over the columns (z, w, λ), where an activity w_i = m_i'z stands for each
of the follower's rows that is an inequality. Either half of a pair is then a bound of one column, the activity or
follower's variable at its side or the multiplier at zero, and a node of a tree differs from another in bounds only.

Source: Bard (1998), *Practical Bilevel Optimization*, chapter 5; for a follower whose problem is convex in y for each x
and has linear constraints the conditions are necessary and sufficient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem, Rows
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram

Bools = NDArray[np.bool_]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Constraints:
    """The follower's constraints lower ≤ matrix · z ≤ upper, in units of their largest coefficient of y.

    ``scale`` is what each was divided by and ``owner`` the follower's row whose multiplier must be told apart, or −1.
    """

    matrix: sp.csr_array
    lower: Floats
    upper: Floats
    scale: Floats
    owner: Positions


@dataclass(frozen=True)
class Kkt:
    """A bilevel program as one level, but for the complementarities.

    Attributes
    ----------
    problem : what it was made of
    program : min cost · v over v = (z, w, λ) subject to rows and bounds; the cost is linear, price terms included
    quadratic : the leader's ½ v' quadratic v, shape (columns, columns)
    is_integer : which columns are, shape (columns,)
    sides, level : s_k and level_k of each multiplier over z, shapes (multipliers, n + m) and (multipliers,)
    first : position of the first multiplier
    primal, at, multiplier : of each pair the column that is at its side, the side, and the multiplier's column
    gradient, constant : ∇_y f = cost_scale · (gradient · z + constant), shapes (m, n + m), (m,)
    prices : multipliers of the follower's rows as they stand in the problem, prices · v, shape (rows, columns)
    """

    problem: BilevelProblem
    program: LinearProgram
    quadratic: sp.csr_array
    is_integer: Bools
    sides: sp.csr_array
    level: Floats
    first: int
    primal: Positions
    at: Floats
    multiplier: Positions
    gradient: sp.csr_array
    constant: Floats
    prices: sp.csr_array

    def name_of(self, column: int) -> str:
        """What a column is, in words."""
        width = self.problem.width
        if column < width:
            return self.problem.names[column]
        return "an activity of the follower's" if column < self.first else "a multiplier of the follower's"


def kkt_of(problem: BilevelProblem) -> Kkt:
    """The one-level system of a problem whose follower is convex; ``sides`` and rows are scaled to coefficients ≤ 1.

    >>> from coercivity.engine.bilevel.problem import Objective, Variables
    >>> one = Variables(("x",), np.zeros(1), np.ones(1), np.zeros(1, bool))
    >>> none = Rows((), sp.csr_array((0, 2)), np.zeros(0), np.zeros(0))
    >>> cost = Objective(np.array([1.0, -1.0]), sp.csr_array((2, 2)))
    >>> kkt = kkt_of(BilevelProblem("p", one, one, cost, none, cost, none))
    >>> kkt.primal, kkt.at, kkt.program.shape
    (array([1, 1]), array([0., 1.]), (1, 4))
    """
    n, m, width = len(problem.leader), len(problem.follower), problem.width
    if problem.rivals is not None:
        raise UsageError(problem.name, "followers that meet have conditions of their own each", "write them out first")
    priced = {term.row for term in problem.prices}
    rows, plain, y_lower, y_upper = _constraints(problem, priced)
    is_range = rows.lower < rows.upper
    count = int(is_range.sum())
    activity = np.full(len(rows.lower), -1, dtype=np.intp)
    activity[is_range] = width + np.arange(count)

    unit: sp.csr_array = sp.csr_array((np.ones(m), (np.arange(m), n + np.arange(m))), shape=(m, width))
    everything = sp.csr_array(sp.vstack([rows.matrix, unit]))
    lower, upper = np.concatenate([rows.lower, y_lower]), np.concatenate([rows.upper, y_upper])
    column = np.concatenate([activity, n + np.arange(m)])
    is_equation = lower == upper
    which, sign = _multipliers(lower, upper)
    sides = sp.csr_array(sp.diags_array(sign) @ everything[which])
    level = np.where(sign > 0, lower[which], -upper[which])
    first = width + count
    is_pair = ~is_equation[which]
    gradient, constant, cost_scale = _gradient(problem)

    matrix = _matrix(problem, gradient, sides, rows.matrix, _activities(activity, count), plain.matrix)
    fixed = np.where(is_range, 0.0, rows.lower)
    columns = first + len(level)
    prices = _prices(problem, rows, which, sign, cost_scale, first, columns)
    cost, quadratic = _objective(problem, prices, columns)
    program = LinearProgram(
        cost=cost,
        matrix=matrix,
        row_lower=np.concatenate([-constant, fixed, plain.lower, problem.rows.lower]),
        row_upper=np.concatenate([-constant, fixed, plain.upper, problem.rows.upper]),
        col_lower=np.concatenate(
            [problem.leader.lower, y_lower, rows.lower[is_range], np.where(is_pair, 0.0, -np.inf)]
        ),
        col_upper=np.concatenate([problem.leader.upper, y_upper, rows.upper[is_range], np.full(len(level), np.inf)]),
        offset=problem.objective.constant,
    )
    is_integer = np.zeros(columns, dtype=bool)
    is_integer[:n] = problem.leader.is_integer
    pairs = np.flatnonzero(is_pair)
    at = np.where(sign > 0, lower[which], upper[which])[pairs]
    return Kkt(
        problem, program, quadratic, is_integer, sides, level, first, column[which][pairs], at, first + pairs,
        gradient, constant, prices,
    )  # fmt: skip


def _matrix(
    problem: BilevelProblem,
    gradient: sp.csr_array,
    sides: sp.csr_array,
    own: sp.csr_array,
    activities: sp.csr_array,
    plain: sp.csr_array,
) -> sp.csr_array:
    """Stationarity, the follower's rows with their activities, its rows without y, the leader's rows; over (z, w, λ)."""
    n, empty = len(problem.leader), sp.csr_array((len(problem.rows), sides.shape[0]))
    blocks = [
        [gradient, None, -sp.csr_array(sides[:, n:].T)],
        [own, activities, None],
        [plain, None, None],
        [problem.rows.matrix, None, empty],
    ]
    return sp.csr_array(sp.block_array(blocks, format="csr"))


def _constraints(problem: BilevelProblem, priced: set[int]) -> tuple[Constraints, Rows, Floats, Floats]:
    """The follower's rows, those without its variables, and its bounds; what says the same twice says it once.

    Opposite rows at one level become an equation, rows of one variable its bounds. Rows whose multiplier the leader
    counts stay as they are.
    """
    n = len(problem.leader)
    # A copy: what is put in order here is the problem's own.
    rows, matrix = problem.follower_rows, sp.csr_array(problem.follower_rows.matrix, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    y_lower, y_upper = problem.follower.lower.copy(), problem.follower.upper.copy()
    found: dict[tuple[object, ...], list[float]] = {}
    plain = []
    for k in range(len(rows)):
        at, data = (part[matrix.indptr[k] : matrix.indptr[k + 1]] for part in (matrix.indices, matrix.data))
        own = np.flatnonzero(at >= n)
        if not len(own):
            plain.append(k)
            continue
        scale = float(np.abs(data[own]).max()) * (1.0 if k in priced else float(np.sign(data[own[0]])))
        low, high = sorted((rows.lower[k] / scale, rows.upper[k] / scale))
        if k not in priced and len(at) == 1 and max(low, y_lower[at[0] - n]) <= min(high, y_upper[at[0] - n]):
            y_lower[at[0] - n], y_upper[at[0] - n] = max(low, y_lower[at[0] - n]), min(high, y_upper[at[0] - n])
            continue
        key: tuple[object, ...] = (tuple(at), tuple(np.round(data / scale, 12)), k if k in priced else -1)
        low_before, high_before = found.get(key, [-np.inf, np.inf, 0, 0])[:2]
        if max(low, low_before) > min(high, high_before):
            key = (*key, k)
            low_before, high_before = -np.inf, np.inf
        kept = found.get(key, [0.0, 0.0, float(k), scale])
        found[key] = [max(low, low_before), min(high, high_before), kept[2], kept[3]]
    table = np.array(list(found.values()), dtype=float).reshape(len(found), 4)
    which, scales = table[:, 2].astype(np.intp), table[:, 3]
    owner = np.array([k if k in priced else -1 for k in which], dtype=np.intp)
    scaled = (
        sp.csr_array(sp.diags_array(1.0 / scales) @ matrix[which]) if len(which) else sp.csr_array((0, problem.width))
    )
    named = Rows(tuple(rows.names[k] for k in plain), sp.csr_array(matrix[plain]), rows.lower[plain], rows.upper[plain])
    return Constraints(scaled, table[:, 0], table[:, 1], scales, owner), named, y_lower, y_upper


def _multipliers(lower: Floats, upper: Floats) -> tuple[Positions, Floats]:
    """Which constraint each multiplier belongs to, and whether it pushes up (+1, also for equations) or down (−1)."""
    up = np.flatnonzero(np.isfinite(lower))
    down = np.flatnonzero(np.isfinite(upper) & (lower < upper))
    return np.concatenate([up, down]), np.concatenate([np.ones(len(up)), -np.ones(len(down))])


def _activities(activity: Positions, count: int) -> sp.csr_array:
    """−1 where a row has an activity of its own."""
    at = np.flatnonzero(activity >= 0)
    return sp.csr_array((-np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(activity), count))


def _gradient(problem: BilevelProblem) -> tuple[sp.csr_array, Floats, float]:
    n, objective = len(problem.leader), problem.follower_objective
    gradient, constant = sp.csr_array(objective.quadratic)[n:], objective.linear[n:]
    cost_scale = max([float(np.abs(part).max()) for part in (gradient.data, constant) if len(part)], default=0.0) or 1.0
    return sp.csr_array(gradient / cost_scale), constant / cost_scale, cost_scale


def _prices(
    problem: BilevelProblem,
    rows: Constraints,
    which: Positions,
    sign: Floats,
    cost_scale: float,
    first: int,
    columns: int,
) -> sp.csr_array:
    """Multipliers of the priced rows in their own units; a row that does not bind has none, and so has one without y.

    Raises
    ------
    UsageError
        A priced row has none of the follower's variables.
    """
    entries = []
    for row in {term.row for term in problem.prices}:
        own = np.flatnonzero(rows.owner == row)
        if not len(own):
            name = problem.follower_rows.names[row]
            raise UsageError(
                f"{problem.name}: price of {name}", "a row without the follower's variables has no price", ""
            )
        for k in np.flatnonzero(which == own[0]):
            entries.append((row, first + k, sign[k] * cost_scale / rows.scale[own[0]]))
    at, column, data = (np.array(part) for part in zip(*entries, strict=True)) if entries else (np.zeros(0, int),) * 3
    return sp.csr_array((data.astype(float), (at, column)), shape=(len(problem.follower_rows), columns))


def _objective(problem: BilevelProblem, prices: sp.csr_array, columns: int) -> tuple[Floats, sp.csr_array]:
    width = problem.width
    cost = np.concatenate([problem.objective.linear, np.zeros(columns - width)])
    products = sp.lil_array((columns, columns))
    for term in problem.prices:
        price = term.coefficient * prices[[term.row]].toarray().ravel()
        if term.column is None:
            cost += price
            continue
        for k in np.flatnonzero(price):
            products[term.column, k] += price[k]
            products[k, term.column] += price[k]
    pad = sp.csr_array((columns - width, columns - width))
    return cost, sp.csr_array(sp.block_diag([problem.objective.quadratic, pad], format="csr") + products.tocsr())
