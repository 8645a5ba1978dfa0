"""A leader who takes items away from a follower's knapsack, by dynamic programming and a small tree.

The leader chooses what to block, the follower packs the best of what is left, and the leader minimises what the follower
packs (and what blocking costs). Take the items one by one and let both decide item by item, the leader first, each seeing
what the other did before: a game in which the leader knows more than when it must commit at once, so that its value

    ω_i(u, l) = min( c_i + ω_{i+1}(u − v_i, l),  max( ω_{i+1}(u, l),  p_i + ω_{i+1}(u, l − w_i) ) )

with budgets u and l left is a lower bound. A node of the tree has decided the first items; f(c) is the most that the
follower packs of those left free within a capacity c, exactly, and

    max_c  f(c) + ω_i(u, L − c)

bounds everything below it. At a leaf f(L) is the follower's own answer, so that no program is solved anywhere. Where the
tables would be too large they are made in coarse units, weights of the follower rounded up and those of the leader
down: the follower is then weaker and the leader stronger, and the bound still one. Of two items the one that is lighter for both and
worth more is blocked first, and a leader without a price of blocking blocks while anything fits.

Accepts: binaries of the leader that each block one item; a follower with one packing row of whole numbers over items taken
once; opposed objectives, with a cost of blocking besides; any rows of the leader's own, none with what the follower chooses.
Bound: the least over the tree's open nodes; rests on no assumption.
Source: Caprara, Carvalho, Lodi and Woeginger (2016), *Bilevel knapsack with interdiction constraints*, INFORMS J.
Computing 28, for the problem; Weninger and Fukasawa (2023), *A fast combinatorial algorithm for the bilevel knapsack
problem with interdiction constraints*, for bounds from a game played item by item.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.methods import interdiction
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Floats, Limits, Status
from coercivity.engine.errors import UsageError

METHOD = "knapsack"
INSTEAD = "use interdiction"
# Cells of all tables together; beyond them the units are made coarser. A tree that has not ended after so many nodes gets
# finer tables, of so many bytes, which are worth their time there (100 items: 1.1 s without, 0.3 s with them at the median).
CELLS, PATIENCE, FINER = 1e7, 2000, 2e8
# A follower's capacity, in units of the weights' common divisor, to which f(c) is kept exactly.
MOST_CAPACITY = 200_000
Numbers = NDArray[Any]


@dataclass(frozen=True)
class Items:
    """The follower's items, in the order in which they are decided: most gain for its weight first.

    Attributes
    ----------
    column, blocker : the column y of each item and the column x that blocks it (−1 where nothing does), shape (items,)
    gain, price : what the leader loses where the follower takes it, and pays to block it, in whole multiples of ``unit`` where
        there is one
    weight, capacity : of the follower, whole numbers
    size, budget : of the row of the leader's that drives the table; zeros without one
    rows, lower, upper : all rows of the leader's over the items' blockers
    may_block, may_leave : what the bounds of x allow
    unit : what one of gain and price is worth to the leader
    """

    column: NDArray[np.intp]
    blocker: NDArray[np.intp]
    gain: Numbers
    price: Numbers
    weight: NDArray[np.int64]
    capacity: int
    size: NDArray[np.int64]
    budget: int
    rows: Floats
    lower: Floats
    upper: Floats
    may_block: NDArray[np.bool_]
    may_leave: NDArray[np.bool_]
    unit: float

    def __len__(self) -> int:
        return len(self.column)


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    if reason := interdiction.refuses(problem):
        return reason
    found = _items(problem)
    return f"{found}: {INSTEAD}" if isinstance(found, str) else None


def _items(problem: BilevelProblem) -> Items | str:
    """The items of a problem that interdiction accepts; or why it is no knapsack."""
    n, m, own = len(problem.leader), len(problem.follower), problem.follower
    if not own.is_integer.all():
        return "an item can be taken in part"
    gain, cost = problem.objective.linear[n:], problem.follower_objective.linear[n:]
    at = int(np.abs(cost).argmax())
    share = -gain[at] / cost[at]
    if not (share > 0.0 and np.array_equal(gain, -share * cost)):
        return "what the follower gains is not what the leader loses"
    blocker, most, packing = np.full(m, -1), np.array(own.upper), []
    matrix = sp.csr_array(problem.follower_rows.matrix)
    for row in range(matrix.shape[0]):
        line = matrix[[row]].toarray().ravel()
        on_x, on_y = np.flatnonzero(line[:n]), np.flatnonzero(line[n:])
        # A row is one side only, or its other side could be broken by doing less.
        side = float(problem.follower_rows.upper[row] if line.max() > 0.0 else -problem.follower_rows.lower[row])
        if not math.isfinite(side):
            continue
        if len(on_x) and len(on_y):
            if blocker[on_y[0]] >= 0 or on_x[0] in blocker:
                return "a binary blocks two items, or two binaries one"
            blocker[on_y[0]] = on_x[0]
            most[on_y[0]] = min(most[on_y[0]], side / abs(line[n + on_y[0]]))
        elif len(on_y):
            packing.append((np.abs(line[n:]), side))
    if len(packing) != 1:
        return f"the follower has {len(packing)} packing rows, not one"
    if len(set(blocker[blocker >= 0])) < n:
        return "a variable of the leader blocks nothing"
    if np.any(np.floor(most + 1e-9) != 1.0):
        return "an item can be taken more than once, or never"
    return _in_order(problem, blocker, *packing[0])


def _in_order(problem: BilevelProblem, blocker: NDArray[np.intp], weight: Floats, capacity: float) -> Items | str:
    n, leader = len(problem.leader), problem.leader
    whole, common = np.round(weight), reduce(math.gcd, np.round(weight).astype(int).tolist(), 0) or 1
    if np.any(np.abs(weight - whole) > 0.0) or not 0.0 <= capacity < 1e15:
        return "the follower's weights are not whole numbers, or its capacity is negative"
    if len(problem.rows) and np.any(sp.csr_array(problem.rows.matrix)[:, n:].data):
        return "a row of the leader counts what the follower chooses"
    room = int(min(capacity + 1e-9 * (1.0 + capacity), whole.sum()) // common)
    if room > MOST_CAPACITY:
        return f"the follower's capacity is above {MOST_CAPACITY:,}"
    gain, price = np.maximum(problem.objective.linear[n:], 0.0), problem.objective.linear[:n]
    price = np.where(blocker >= 0, price[blocker], 0.0)
    gain, price, unit = _in_units(gain, price)
    order = np.lexsort((-gain, -gain / np.maximum(whole, 1e-9)))
    blocker, has = blocker[order], blocker[order] >= 0
    rows = problem.rows.matrix.toarray()[:, blocker] * has if len(problem.rows) else np.zeros((0, len(order)))
    size, budget = _driving(rows, problem.rows.upper)
    return Items(
        order, blocker, gain[order], price[order], (whole[order] // common).astype(np.int64), room, size, budget,
        rows, problem.rows.lower, problem.rows.upper,
        has & (leader.upper[blocker] >= 1.0), ~has | (leader.lower[blocker] <= 0.0), unit,
    )  # fmt: skip


def _in_units(gain: Floats, price: Floats) -> tuple[Numbers, Numbers, float]:
    """Gains and prices in whole multiples of a unit, in the smallest type that holds their sums; as they are without one."""
    for power in range(40):
        both = np.r_[gain, price] * 2.0**power
        if np.array_equal(both, np.round(both)) and np.abs(both).sum() < 2**52:
            common = reduce(math.gcd, np.abs(both).astype(np.int64).tolist(), 0) or 1
            both, most = both / common, np.abs(both).sum() / common
            kind = np.int16 if most < 2**14 - 1 else np.int32 if most < 2**30 - 1 else np.float64
            return both[: len(gain)].astype(kind), both[len(gain) :].astype(kind), common / 2.0**power
    return gain, price, 1.0


def _driving(rows: Floats, upper: Floats) -> tuple[NDArray[np.int64], int]:
    """Whole sizes and the budget of the scarcest row of the leader that blocking uses up; zeros where there is none.

    Sizes that are no whole numbers are rounded down, which leaves the leader more than it has; the tree looks at the rows themselves.
    """
    uses = [k for k in range(len(rows)) if np.all(rows[k] >= 0.0) and 0.0 <= upper[k] < 1e15 and rows[k].any()]
    if not uses:
        return np.zeros(rows.shape[1], dtype=np.int64), 0
    row = min(uses, key=lambda k: upper[k] / rows[k].sum())
    fine = 1.0 if np.array_equal(rows[row], np.round(rows[row])) else 100.0 / rows[row].max()
    sizes, budget = np.floor(rows[row] * fine + 1e-12).astype(np.int64), math.floor(upper[row] * fine + 1e-9)
    common = reduce(math.gcd, sizes.tolist(), 0) or 1
    return sizes // common, int(min(budget, sizes.sum())) // common


class Tables:
    """ω_i(u, l) of all items i in units of ``coarse``, and where in them each capacity left to the follower is."""

    def __init__(self, items: Items, cells: float = CELLS) -> None:
        count, capacity, budget = len(items), items.capacity, items.budget
        self.coarse = max(1, math.ceil(math.sqrt(count * (capacity + 1.0) * (budget + 1.0) / cells)))
        weight, size = -(-items.weight // self.coarse), items.size // self.coarse
        capacity, budget = capacity // self.coarse, budget // self.coarse
        kind = np.result_type(items.gain)
        self.values: list[Numbers] = [np.zeros((1, 1), kind)]
        for i in range(count - 1, -1, -1):
            v, w = int(size[i]), int(weight[i])
            after = self.values[-1]
            high = min(budget, after.shape[0] - 1 + v) + 1
            wide = min(capacity, after.shape[1] - 1 + w) + 1
            # Budgets beyond the last row or column of the next table buy nothing more there.
            full = after[np.minimum(np.arange(high), after.shape[0] - 1)]
            full = full[:, np.minimum(np.arange(wide), after.shape[1] - 1)]
            left = full.copy()
            if w < wide:
                np.maximum(left[:, w:], full[:, : wide - w] + items.gain[i], out=left[:, w:])
            if not items.may_block[i]:
                self.values.append(left)
                continue
            if not items.may_leave[i]:
                left[:] = _greatest(kind)
            if v < high:
                np.minimum(left[v:], full[: high - v] + items.price[i], out=left[v:])
            self.values.append(left)
        self.values.reverse()
        at = (items.capacity - np.arange(items.capacity + 1)) // self.coarse
        self.at = [np.minimum(at, table.shape[1] - 1) for table in self.values]

    def bound(self, i: int, budget: int, packed: Numbers) -> float:
        """The least that the leader loses below a node, without what it paid for blocking so far."""
        table = self.values[i]
        return float((packed + table[min(budget // self.coarse, table.shape[0] - 1)][self.at[i]]).max())


def _greatest(kind: np.dtype[Any]) -> float:
    """What stands for "not possible": above all sums of gains, and half of what the type holds, so that they can be added."""
    return float(np.iinfo(kind).max // 2) if np.issubdtype(kind, np.integer) else 1e300


class _Node(NamedTuple):
    """The first ``i`` items decided: budget left, what the follower packs within each capacity, what was paid, and the bits of who is blocked."""

    bound: float
    i: int
    budget: int
    packed: Numbers
    paid: float
    cheapest: float
    activity: Floats
    blocked: int


class _Tree:
    """A search in depth, the child with the lesser bound first."""

    def __init__(self, items: Items, limits: Limits, until: float) -> None:
        self.items, self.limits, self.until, self.tables = items, limits, until, Tables(items)
        self.value, self.best, self.nodes = math.inf, 0, 0
        # The least bound of what was closed without being looked into.
        self.closed = math.inf
        rest = np.where(items.may_block, items.rows, 0.0)
        free = items.may_leave
        self.least = _from_the_end(np.where(free, np.minimum(rest, 0.0), items.rows))
        self.most = _from_the_end(np.where(free, np.maximum(rest, 0.0), items.rows))
        self.room = 1e-9 * (1.0 + np.abs(items.rows).sum(axis=1))
        is_one = len(items.rows) == 1 and bool(items.size.any()) and items.lower[0] <= 0.0
        self.is_plain = is_one and bool(np.all(items.rows == np.round(items.rows)))
        self.size: list[int] = np.where(items.may_block, items.size, 0).tolist()
        self.to_come: list[int] = [*np.cumsum(self.size[::-1])[::-1].tolist(), 0]
        self.is_free = bool(np.all(items.price <= 0)) and self.is_plain
        self.before = _dominating(items) if self.is_plain else [0] * len(items)

    def run(self) -> tuple[float, Status]:
        """The bound, in units, and why the search ended."""
        items = self.items
        packed = np.zeros(items.capacity + 1, np.result_type(items.gain))
        root = self.tables.bound(0, items.budget, packed)
        stack = [_Node(root, 0, items.budget, packed, 0.0, math.inf, np.zeros(len(items.rows)), 0)]
        while stack:
            if self.nodes >= self.limits.nodes or (self.nodes % 64 == 63 and time.perf_counter() > self.until):
                return min(self.closed, *(node.bound for node in stack)), Status.LIMIT
            node = stack.pop()
            self.nodes += 1
            if self.nodes == PATIENCE and self.tables.coarse > 1:
                self.tables = Tables(items, FINER / packed.itemsize)
            if self._is_closed(node.bound):
                continue
            if node.i == len(items):
                self.value, self.best = node.bound, node.blocked
                continue
            stack += sorted(self._children(node), key=lambda child: -child.bound)
        if self.value == math.inf:
            return math.inf, Status.INFEASIBLE
        return min(self.value, self.closed), Status.OPTIMAL

    def _is_closed(self, bound: float) -> bool:
        slack = self.limits.gap / 10.0 * max(1.0 / self.items.unit, abs(self.value)) if self.value < math.inf else 0.0
        if self.value - bound > slack:
            return False
        self.closed = min(self.closed, bound)
        return True

    def _children(self, node: _Node) -> list[_Node]:
        """Item ``node.i`` blocked, and left to the follower: those that may hold a better answer."""
        items, i, found = self.items, node.i, []
        if items.may_block[i] and not self.before[i] & ~node.blocked:
            budget = node.budget - self.size[i]
            activity, paid = node.activity + items.rows[:, i], node.paid + float(items.price[i])
            if budget >= 0 and self._keeps(activity, i + 1):
                bound = paid + self.tables.bound(i + 1, budget, node.packed)
                found.append(
                    _Node(bound, i + 1, budget, node.packed, paid, node.cheapest, activity, node.blocked | 1 << i)
                )
        cheapest = min(node.cheapest, self.size[i]) if items.may_block[i] else node.cheapest
        # Where all that is to come and one more could be blocked for nothing, some other node holds no worse an answer.
        is_wasteful = self.is_free and self.to_come[i + 1] + cheapest <= node.budget
        if items.may_leave[i] and not is_wasteful and self._keeps(node.activity, i + 1):
            packed, weight = node.packed, int(items.weight[i])
            if weight <= items.capacity:
                packed = packed.copy()
                last = items.capacity + 1 - weight
                np.maximum(packed[weight:], node.packed[:last] + items.gain[i], out=packed[weight:])
            bound = node.paid + self.tables.bound(i + 1, node.budget, packed)
            found.append(_Node(bound, i + 1, node.budget, packed, node.paid, cheapest, node.activity, node.blocked))
        return [child for child in found if not self._is_closed(child.bound)]

    def _keeps(self, activity: Floats, i: int) -> bool:
        """Whether the leader's rows can still be kept by what is decided from item i on."""
        items = self.items
        return self.is_plain or bool(
            np.all(activity + self.least[i] <= items.upper + self.room)
            and np.all(activity + self.most[i] >= items.lower - self.room)
        )


def _from_the_end(parts: Floats) -> Floats:
    """Sums over the items from each on, shape (items + 1, rows)."""
    return np.pad(np.cumsum(parts[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1))).T


def _dominating(items: Items) -> list[int]:
    """For each item the bits of those before it that are blocked wherever it is: worth no less, lighter for both, no dearer to block."""
    found: list[int] = []
    is_open = items.may_block & items.may_leave
    for j in range(len(items)):
        before = np.flatnonzero(
            is_open[:j]
            & (items.gain[:j] >= items.gain[j])
            & (items.weight[:j] <= items.weight[j])
            & (items.size[:j] <= items.size[j])
            & (items.price[:j] <= items.price[j])
        )
        found.append(sum(1 << i for i in before.tolist()) if is_open[j] else 0)
    return found


def best_packing(items: Items, blocked: int) -> list[int]:
    """What the follower takes where these items are blocked: the best packing, read back from the tables of the best gains."""
    free = [i for i in range(len(items)) if not blocked >> i & 1]
    best = [np.zeros(items.capacity + 1)]
    for i in free:
        now, weight = best[-1].copy(), int(items.weight[i])
        if weight <= items.capacity:
            np.maximum(now[weight:], best[-1][: items.capacity + 1 - weight] + items.gain[i], out=now[weight:])
        best.append(now)
    left, taken = items.capacity, []
    for i, before, now in zip(reversed(free), reversed(best[:-1]), reversed(best[1:]), strict=True):
        if now[left] > before[left]:
            taken.append(i)
            left -= int(items.weight[i])
    return taken


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimum; of opposed objectives the optimistic is the pessimistic.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    """
    started = time.perf_counter()
    if reason := interdiction.refuses(problem):
        raise UsageError(problem.name, reason)
    items = _items(problem)
    if isinstance(items, str):
        raise UsageError(problem.name, f"{items}: {INSTEAD}")
    tree = _Tree(items, limits, started + limits.seconds)
    bound, status = tree.run()
    constant, point, value = problem.objective.constant, None, math.inf
    if tree.value < math.inf:
        point = np.zeros(problem.width)
        point[items.blocker[[i for i in range(len(items)) if tree.best >> i & 1]]] = 1.0
        point[len(problem.leader) + items.column[best_packing(items, tree.best)]] = 1.0
        value = problem.objective.at(point)
    return BilevelSolution(
        point, value, min(items.unit * bound + constant, value), status, METHOD,
        seconds=time.perf_counter() - started, nodes=tree.nodes,
    )  # fmt: skip
