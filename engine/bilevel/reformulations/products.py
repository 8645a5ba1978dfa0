"""Products in a leader's objective, rewritten so that nothing but squares is left, convex ones where possible.

At a point that satisfies the follower's optimality conditions products obey equations: of each multiplier with its
own constraint, λ_k (s_k'z − level_k) = 0, and of each follower's variable with its stationarity,
y_j (∂f/∂y_j − Σ λ_k s_kj) = 0. Adding multiples θ of them changes the leader's objective nowhere in the bilevel-feasible
set, and much outside: a toll times its flow, or a price times a quantity, becomes linear, and an indefinite objective
may become a convex one. What is still concave is left to a branching on the value under the square.

Source: Ruiz and Conejo (2009) for prices; Labbé, Marcotte and Savard (1998) for tolls; Billionnet, Elloumi and Plateau
(2009) for the choice of θ such that the objective is convex.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from coercivity.engine.bilevel.reformulations.kkt import Kkt
from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram, SolveStatus

# An eigenvalue is zero below this, against the largest.
ZERO = 1e-10
# Rounds of cuts in the search for a convex form.
ROUNDS = 200


@dataclass(frozen=True)
class Squares:
    """An objective cost · v + offset + Σ ½ weight_i (direction_i · v + shift_i)²; directions have shape (squares, columns)."""

    cost: Floats
    offset: float
    weight: Floats
    direction: sp.csr_array
    shift: Floats

    @property
    def is_concave(self) -> NDArray[np.bool_]:
        """Which squares are."""
        return self.weight < 0.0

    def at(self, v: Floats) -> float:
        """The value at a point."""
        return float(self.cost @ v + self.offset + 0.5 * self.weight @ (self.direction @ v + self.shift) ** 2)


@dataclass(frozen=True)
class Identities:
    """Quadratic forms ½ v'E_k v + e_k · v that vanish where the follower's optimality conditions hold.

    ``forms`` has a row for each and a column for each entry (a, b) of E with a ≤ b, as ``entries`` lists them.
    """

    forms: sp.csc_array
    entries: NDArray[np.intp]
    linear: sp.csr_array


def leader_as_squares(kkt: Kkt, width: Floats | None = None) -> Squares:
    """The leader's objective as squares, by the identities as convex as can be.

    Parameters
    ----------
    kkt : the one-level system
    width : by how much each column can vary, for a balance between the columns of what stays concave
    """
    cost, quadratic = kkt.program.cost, kkt.quadratic
    if not _is_convex(quadratic):
        convex = _convexified(cost, quadratic, identities_of(kkt))
        if convex is not None:
            cost, quadratic = convex
    return as_squares(cost, quadratic, kkt.program.offset, width)


def as_squares(cost: Floats, quadratic: sp.csr_array, offset: float, width: Floats | None = None) -> Squares:
    """cost · v + ½ v' quadratic v + offset as a sum of squares, block by block of the columns that it joins.

    >>> found = as_squares(np.array([-2.0, 0.0]), sp.csr_array([[2.0, 0.0], [0.0, 0.0]]), 0.0)
    >>> found.weight, found.shift, found.at(np.array([1.0, 5.0]))
    (array([2.]), array([-1.]), -1.0)
    """
    cost, weight, shift, directions = cost.copy(), [], [], []
    used = np.flatnonzero(np.diff(quadratic.indptr))
    dense = quadratic[used][:, used].toarray()
    count, label = connected_components(sp.csr_array(dense), directed=False) if len(used) else (0, np.zeros(0))
    for block in range(count):
        at = np.flatnonzero(label == block)
        part = dense[np.ix_(at, at)]
        scale = np.ones(len(at))
        if width is not None and np.linalg.eigvalsh(part)[0] < 0.0:
            given = width[used[at]]
            scale = np.where(np.isfinite(given) & (given > 0.0), given, 1.0)
        values, vectors = np.linalg.eigh(part * np.outer(scale, scale))
        for value, vector in zip(values, vectors.T, strict=True):
            if abs(value) <= ZERO * np.abs(values).max():
                continue
            line = np.zeros(len(cost))
            line[used[at]] = vector / scale
            moved = 0.0
            if value > 0.0 and np.all(scale == 1.0):
                # Completing the square leaves no linear term along it, so that the relaxation is bounded from the start.
                moved = float(cost[used[at]] @ vector) / value
                cost[used[at]] -= value * moved * vector
                offset -= 0.5 * value * moved**2
            weight.append(value)
            shift.append(moved)
            directions.append(line)
    cost[np.abs(cost) < 1e-13 * max(1.0, float(np.abs(cost).max(initial=0.0)))] = 0.0
    table = sp.csr_array(np.array(directions)) if directions else sp.csr_array((0, len(cost)))
    return Squares(cost, offset, np.array(weight, dtype=float), table, np.array(shift, dtype=float))


def identities_of(kkt: Kkt) -> Identities:
    """The products of multipliers with their constraints, and of the follower's variables with their stationarity."""
    n, width = len(kkt.problem.leader), kkt.problem.width
    sides, gradient = kkt.sides.tocoo(), kkt.gradient.tocoo()
    k, column = sides.coords
    count, m = len(kkt.level), len(kkt.constant)
    own = column >= n
    row, other = gradient.coords
    form = np.concatenate([k, count + column[own] - n, count + row])
    one = np.concatenate([kkt.first + k, kkt.first + k[own], n + row])
    two = np.concatenate([column, column[own], other])
    value = np.concatenate([sides.data, -sides.data[own], gradient.data])
    value = np.where(one == two, 2.0 * value, value)
    columns = kkt.program.shape[1]
    code, entry = np.unique(np.minimum(one, two) * columns + np.maximum(one, two), return_inverse=True)
    forms = sp.csc_array(sp.coo_array((value, (form, entry)), shape=(count + m, len(code))))
    linear = sp.coo_array(
        (
            np.concatenate([-kkt.level, kkt.constant]),
            (np.arange(count + m), np.concatenate([kkt.first + np.arange(count), np.arange(n, width)])),
        ),
        shape=(count + m, columns),
    )
    return Identities(forms, np.stack([code // columns, code % columns], axis=1), sp.csr_array(linear))


def _is_convex(quadratic: sp.csr_array) -> bool:
    used = np.flatnonzero(np.diff(quadratic.indptr))
    if not len(used):
        return True
    values = np.linalg.eigvalsh(quadratic[used][:, used].toarray())
    return bool(values[0] >= -ZERO * np.abs(values).max())


def _convexified(cost: Floats, quadratic: sp.csr_array, known: Identities) -> tuple[Floats, sp.csr_array] | None:
    """The objective with multiples of the identities such that it is convex; None where none was found.

    A column that no square of its own can help must lose all of its products, which is linear in θ; for the others
    the least eigenvalue is pushed up by cuts, one for each direction found to curve down.
    """
    columns = len(cost)
    one, two = known.entries.T
    upper = sp.coo_array(sp.triu(quadratic))
    at, to = upper.coords
    code = np.unique(np.concatenate([one * columns + two, at * columns + to]))
    place = np.searchsorted(code, one * columns + two)
    base = np.zeros(len(code))
    base[np.searchsorted(code, at * columns + to)] = upper.data
    forms = sp.coo_array(known.forms)
    table = sp.csr_array(
        sp.coo_array((forms.data, (place[forms.coords[1]], forms.coords[0])), shape=(len(code), known.forms.shape[0]))
    )
    first, second = code // columns, code % columns
    entry = (abs(base) > 0.0) | (np.diff(table.indptr) > 0)
    squares = set(first[(first == second) & entry])
    hopeless = np.array([not (a in squares and b in squares) for a, b in zip(first, second, strict=True)], dtype=bool)
    unit = float(np.abs(base).max())
    theta = _theta(table, base / unit, first, second, hopeless)
    if theta is None:
        return None
    values = base + table @ (theta * unit)
    values[np.abs(values) < 1e-12 * unit] = 0.0
    values[hopeless] = 0.0
    half = sp.coo_array((values, (first, second)), shape=(columns, columns))
    whole = sp.csr_array(half + sp.triu(half, k=1).T)
    whole.eliminate_zeros()
    return cost + unit * (theta @ known.linear), whole


def _theta(
    table: sp.csr_array, base: Floats, first: Floats, second: Floats, hopeless: NDArray[np.bool_]
) -> Floats | None:
    """Multiples of the identities for which the form is convex, found by cuts t ≤ u'H(θ)u on its curvature."""
    count = table.shape[1]
    matrix = sp.csr_array(sp.hstack([table[hopeless], sp.csr_array((int(hopeless.sum()), 1))]))
    target = -base[hopeless]
    program = LinearProgram(
        cost=np.append(np.zeros(count), -1.0),
        matrix=matrix,
        row_lower=target,
        row_upper=target,
        col_lower=np.append(np.full(count, -1e4), -np.inf),
        col_upper=np.append(np.full(count, 1e4), 1.0),
    )
    kept = ~hopeless
    used, where = np.unique(np.concatenate([first[kept], second[kept]]), return_inverse=True)
    one, two = where.reshape(2, -1)
    twice = np.where(one == two, 1.0, 2.0)
    directions = [np.eye(len(used))] if len(used) else []
    for _ in range(ROUNDS):
        cuts = np.vstack(directions) if directions else np.zeros((0, len(used)))
        curvature = sp.csr_array(twice * cuts[:, one] * cuts[:, two])
        lines = sp.hstack([curvature @ table[kept], sp.csr_array(-np.ones((len(cuts), 1)))])
        extended = replace(
            program,
            matrix=sp.csr_array(sp.vstack([matrix, lines])),
            row_lower=np.concatenate([target, -(curvature @ base[kept])]),
            row_upper=np.concatenate([target, np.full(len(cuts), np.inf)]),
        )
        hot = HotProgram(extended, {"primal_feasibility_tolerance": 1e-10})
        if hot.optimise() is not SolveStatus.OPTIMAL:
            return None
        theta = hot.primal()[:count]
        if len(used) == 0:
            return theta
        for candidate in (_rounded(theta), theta):
            form = np.zeros((len(used), len(used)))
            form[one, two] = form[two, one] = base[kept] + table[kept] @ candidate
            values, vectors = np.linalg.eigh(form)
            is_kept = np.abs(table[hopeless] @ candidate - target).max(initial=0.0) < 1e-9
            if is_kept and values[0] >= -ZERO * max(1.0, float(np.abs(values).max())):
                return candidate
        if hot.primal()[count] < -1e-7:
            return None
        directions.append(vectors[:, values < 0.0].T)
    return None


def _rounded(theta: Floats) -> Floats:
    """The nearest multiples of 1/5040, which is what data of whole numbers mostly need."""
    return np.round(theta * 5040.0) / 5040.0
