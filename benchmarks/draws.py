"""Bilevel programs drawn at random, after published recipes."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows, Variables
from coercivity.engine.programs.hot import Floats


def random_program(seed: int, size: int, rows: int, top: float, *, is_integer: bool) -> BilevelProblem:
    """A bilevel program in the manner of DeNegre (2011): coefficients in ±50, right-hand sides in 30 to 130, boxes."""
    random = np.random.default_rng(seed)
    width, flags = 2 * size, np.full(size, is_integer)
    matrix = random.integers(-50, 51, (rows, width)).astype(float)
    sides = random.integers(30, 131, rows).astype(float)
    leader = random.integers(-50, 51, width).astype(float)
    follower = np.r_[np.zeros(size), random.integers(-50, 51, size).astype(float)]
    low, high, none = np.zeros(size), np.full(size, top), sp.csr_array((width, width))
    return BilevelProblem(
        name=f"random-{size}-{seed}",
        leader=Variables(tuple(f"x{k}" for k in range(size)), low, high, flags),
        follower=Variables(tuple(f"y{k}" for k in range(size)), low, high, flags),
        objective=Objective(leader, none),
        rows=Rows((), sp.csr_array((0, width)), np.zeros(0), np.zeros(0)),
        follower_objective=Objective(follower, none),
        follower_rows=Rows(tuple(f"r{k}" for k in range(rows)), sp.csr_array(matrix), np.full(rows, -np.inf), sides),
    )


def public_program(kind: str, own: int, seed: int) -> BilevelProblem:
    """A bilevel integer program after the public files of general integer followers that come with MibS.

    Twenty columns, of which the follower has some, and rows that all are the follower's. A whole point satisfies the rows
    with equality: zero in about half of its columns, 1 to 5 in the others.

    Parameters
    ----------
    kind : ``miblp`` (iblpDen: 20 rows of weights from 1 to 50, some denser than others) or ``milp`` (iblpDen2: 10 rows of weights in ±50)
    own : columns of the follower's
    """
    random = np.random.default_rng([seed, own, len(kind)])
    count, width, top = (20, 20, 1500.0) if kind == "miblp" else (10, 20, 500.0)
    share = random.uniform(0.3, 1.0, (count, 1)) if kind == "miblp" else random.uniform(0.65, 0.9)
    weight = random.integers(1, 51, (count, width)).astype(float)
    if kind == "milp":
        weight *= random.choice([-1.0, 1.0], (count, width))
    weight *= random.random((count, width)) < share
    side = weight @ (random.integers(1, 6, width) * (random.random(width) < 0.55))
    costs = random.integers(-50, 51, (2, width)).astype(float)
    given = width - own
    low, high, none = np.zeros(width), np.full(width, top), sp.csr_array((width, width))
    flags = np.ones(width, dtype=bool)
    return BilevelProblem(
        name=f"{kind}-{own}-{seed}",
        leader=Variables(tuple(f"x{k}" for k in range(given)), low[:given], high[:given], flags[:given]),
        follower=Variables(tuple(f"y{k}" for k in range(own)), low[given:], high[given:], flags[given:]),
        objective=Objective(costs[0], none),
        rows=Rows((), sp.csr_array((0, width)), np.zeros(0), np.zeros(0)),
        follower_objective=Objective(np.r_[np.zeros(given), costs[1, given:]], none),
        follower_rows=Rows(tuple(f"r{k}" for k in range(count)), sp.csr_array(weight), np.full(count, -np.inf), side),
    )


def knapsack(count: int, seed: int) -> BilevelProblem:
    """Knapsack interdiction after Caprara, Carvalho, Lodi and Woeginger (2016): numbers to 100, a tightness for each seed."""
    random = np.random.default_rng(seed)
    gain, weight, size = (random.integers(1, 101, count).astype(float) for _ in range(3))
    room = np.ceil((seed % 10 + 1) / 11 * weight.sum())
    budget = float(random.integers(max(1, int(room) - 10), int(room) + 11))
    return _taken_away(f"knapsack-{count}-{seed}", gain, size, budget, weight[None, :], np.array([room]))


def packing(kind: str, count: int, seed: int) -> BilevelProblem:
    """A leader with a budget who takes items off a follower: five rows of weights, an assignment, or an independent set."""
    random, budget = np.random.default_rng(seed), 0.3
    if kind == "packing":
        weight = random.integers(1, 31, (5, count)).astype(float)
        room = np.floor(0.4 * weight.sum(axis=1))
    elif kind == "assignment":
        side, budget = round(count**0.5), 0.15
        at = np.arange(count)
        weight = np.vstack([at // side == k for k in range(side)] + [at % side == k for k in range(side)]).astype(float)
        room = np.ones(2 * side)
    else:
        edges = [(i, j) for i in range(count) for j in range(i) if random.random() < 0.3]
        weight = np.zeros((len(edges), count))
        for row, edge in enumerate(edges):
            weight[row, list(edge)] = 1.0
        room = np.ones(len(edges))
    gain, size = random.integers(10, 61, count).astype(float), random.integers(1, 11, count).astype(float)
    return _taken_away(f"{kind}-{count}-{seed}", gain, size, budget * size.sum(), weight, room)


def _taken_away(name: str, gain: Floats, size: Floats, budget: float, weight: Floats, room: Floats) -> BilevelProblem:
    """A follower gains by items whose weights leave it room [r], less those that a leader takes away within a budget."""
    count = len(gain)
    none = sp.csr_array((2 * count, 2 * count))
    zero, blocks = np.zeros(count), np.hstack([np.eye(count), np.eye(count)])
    matrix = np.vstack([np.hstack([np.zeros(weight.shape), weight]), blocks])
    columns = [
        Variables(tuple(f"{letter}{k}" for k in range(count)), zero, zero + 1.0, np.ones(count, dtype=bool))
        for letter in "xy"
    ]
    return BilevelProblem(
        name=name,
        leader=columns[0],
        follower=columns[1],
        objective=Objective(np.r_[zero, gain], none),
        rows=Rows(("budget",), sp.csr_array(np.r_[size, zero][None, :]), np.array([-np.inf]), np.array([budget])),
        follower_objective=Objective(np.r_[zero, -gain], none),
        follower_rows=Rows(
            tuple(map(str, range(len(matrix)))),
            sp.csr_array(matrix),
            np.full(len(matrix), -np.inf),
            np.r_[room, zero + 1.0],
        ),
    )
