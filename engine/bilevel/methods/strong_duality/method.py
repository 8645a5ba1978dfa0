"""Strong duality of a linear follower in one row, where its products can be written exactly.

A feasible y is a best response exactly if some multipliers λ of S_y'λ = ∇_y f = d + Qx price it in full:

    d·y + x'Qy ≤ Σ λ_k (level_k − S_k,x x),

one row in the place of a binary for each side, with two kinds of product in it, x·λ and x·y. They are exact

* for a leader whose variables in them are bounded integers, or are given a grid of values: x = base + Σ weight·w with
  binaries w, and w·λ, w·y by four rows each, for which λ needs a derived bound and y one from the high-point relaxation;
* for a leader who sets prices x on the follower's quantities y and earns a multiple of x'Qy, where no x stands in the
  follower's rows: the same equation says x'Qy = Σ λ_k level_k − d·y, and so the leader's bilinear earnings are linear.
  Complementarity then stands beside it with the big-Ms of ``big_m``. A price without a bound is given one where the
  follower can do without what is priced: beyond it the quantity is zero and the price no longer matters.

Accepts: a follower that is a linear program for a fixed leader; products of the leader's as above, in its objective too.
Bound: the solver's bound of the mixed-integer program; a grid is an assumption, and so is a declared bound.
Source: Zare, Borrero, Zeng and Prokopyev (2019) for integer leaders; Labbé, Marcotte and Savard (1998) for prices.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.big_m import (
    Declared,
    Start,
    answered,
    begin,
    concluded,
    conditions,
    missing_bound,
)
from coercivity.engine.bilevel.methods.strong_duality.spelling import (
    Digits,
    Grid,
    Products,
    Spelling,
    digits_of,
    products_of,
)
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Positions, high_point
from coercivity.engine.bilevel.reformulations.bounds import (
    LARGEST,
    BigM,
    Sides,
    derive,
    is_totally_unimodular,
    least,
    sides_of,
    units,
)
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import InfeasibleProgram, SolverFailed, UsageError
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus, solve_once
from coercivity.engine.programs.mixed import MixedSolution, solve_mixed

METHOD = "strong_duality"


@dataclass(frozen=True)
class Plan:
    """How a problem is to be solved, or why it is not: with these columns spelt, or as prices with this share."""

    problem: BilevelProblem
    products: Products
    big: BigM
    digits: Mapping[int, Digits] = field(default_factory=dict)
    ranges: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))
    share: float | None = None
    reason: str | None = None


def _refuses_class(problem: BilevelProblem) -> str | None:
    n = len(problem.leader)
    if problem.follower.is_integer.any():
        return "the follower has integer variables, which have no multipliers: use value_function"
    if np.any(problem.follower_objective.quadratic[n:, n:].data):
        return "the follower is quadratic, and its dual objective too: use big_m or complementarity"
    if problem.prices:
        return "the leader's value depends on the follower's multipliers: use complementarity"
    if np.any(problem.objective.quadratic[n:, n:].data):
        return "the leader's objective is quadratic in the follower's variables: use complementarity"
    return None


def _plan(problem: BilevelProblem, start: Start, grid: Grid, declared: Declared | None) -> Plan:
    products = products_of(problem, sides_of(problem))
    n = len(problem.leader)
    names = {problem.leader.names.index(name) for name in grid}
    in_prices = set(np.flatnonzero(np.any(products.prices, axis=1)).tolist())
    share = products.share()
    if share is not None and any(not problem.leader.is_integer[j] and j not in names for j in in_prices):
        capped = with_price_caps(problem)
        big = derive(capped)
        big = declared.complete(big) if declared else big
        missing = missing_bound(big)
        return Plan(
            capped,
            products,
            big,
            share=share,
            reason=f"{missing}; bound the prices, or use complementarity" if missing else None,
        )
    spelt = set(products.rows.tolist()) | in_prices | names
    digits: dict[int, Digits] = {}
    # A product of two of the leader's columns needs one of them spelt, and the second does where it is an integer.
    for i, j in np.argwhere(products.earnings):
        spelt |= {int(i)} if j >= n or problem.leader.is_integer[i] or int(i) in spelt else {int(j)}
    cutoff = math.inf if grid or products.earnings.any() else start.cutoff - problem.objective.constant
    big = derive(problem, cutoff)
    for column in sorted(spelt):
        found = digits_of(problem, column, grid)
        if isinstance(found, str):
            is_linear = not len(products.rows) and not products.earnings.any()
            return Plan(
                problem, products, big, reason=found.replace("complementarity", "big_m") if is_linear else found
            )
        digits[column] = found
    return _with_bounds(Plan(problem, products, big, digits), declared)


def _with_bounds(plan: Plan, declared: Declared | None) -> Plan:
    """The plan with ranges for what is multiplied by a binary, or with the reason why there are none."""
    problem, products, n = plan.problem, plan.products, len(plan.problem.leader)
    big, sides = plan.big, plan.big.sides
    if declared:
        big = declared.complete(big)
    linked = np.flatnonzero(np.abs(sides.matrix[:, :n].toarray()).sum(axis=1))
    if len(wide := linked[big.multiplier[linked] > LARGEST]):
        k = wide[0]
        how = f"no bound can be derived for the multiplier of {sides.names[k]}, which a leader's variable multiplies"
        return replace(plan, reason=f"{how}; declare one with a reason, or use complementarity")
    low, high = np.full(problem.width, -np.inf), np.full(problem.width, np.inf)
    used = np.unique(
        np.r_[n + np.flatnonzero(products.prices.any(axis=0)), np.argwhere(products.earnings).ravel()]
    ).astype(np.intp)
    (sheet, _), unit = high_point(problem), units(used, problem.width)
    low[used], high[used] = least(sheet, unit), -least(sheet, sp.csr_array(-unit))
    if not np.isfinite(low[used]).all() or not np.isfinite(high[used]).all():
        return replace(
            plan, reason="a variable that the leader's multiply has no bound: bound it, or use complementarity"
        )
    return replace(plan, big=big, ranges=(low, high))


def with_price_caps(problem: BilevelProblem) -> BilevelProblem:
    """The problem with a bound for every price beyond which nobody pays, where one can be proved.

    A price x_j ≥ l_j that stands in the follower's costs alone, as q x_j y_k with q > 0 and y_k ≥ 0. Let φ_0 be the
    follower's least cost with every priced y at zero, and φ_l at the least prices. Where no vertex of the follower's has
    0 < y_k < u, an optimal one with y_k > 0 costs at least φ_l + q u (x_j − l_j), so that beyond (φ_0 − φ_l) / q u above l_j
    no optimal vertex has it: the answers there are those at the cap, and the leader's value is the same.
    """
    n, x, y, rows = len(problem.leader), problem.leader, problem.follower, problem.follower_rows
    prices = problem.follower_objective.quadratic[n:, :n].toarray().T
    paid, in_prices, unit = prices.any(axis=0), prices.any(axis=1), _least_quantities(sides_of(problem), n)
    if unit is None or (prices < 0.0).any() or (y.lower[paid] < 0.0).any() or not np.isfinite(x.lower[in_prices]).all():
        return problem
    cost = problem.follower_objective.linear[n:]
    least_prices = np.where(in_prices, x.lower, 0.0) @ prices
    program = LinearProgram(cost, sp.csr_array(rows.matrix[:, n:]), rows.lower, rows.upper, y.lower, y.upper)
    try:
        without = solve_once(replace(program, col_upper=np.where(paid, 0.0, y.upper))).objective
        lowest = solve_once(replace(program, cost=cost + least_prices)).objective
    except (InfeasibleProgram, SolverFailed):
        return problem
    upper, paying = x.upper.copy(), prices * unit
    elsewhere = np.abs(problem.objective.linear[:n]) + np.abs(problem.rows.matrix[:, :n].toarray()).sum(axis=0)
    for j in np.flatnonzero(in_prices & (elsewhere == 0.0) & ~x.is_integer):
        cap = x.lower[j] + (without - lowest) / paying[j][paying[j] > 0.0].min()
        upper[j] = min(upper[j], cap + 1e-3 * (1.0 + abs(cap)))
    return replace(problem, leader=replace(x, upper=upper))


def _least_quantities(sides: Sides, n: int) -> Floats | None:
    """u with y_k ≥ u_k wherever a vertex has y_k > 0: columns scaled to a totally unimodular matrix with integral levels."""
    raw = sides.matrix[:, n:].toarray() * sides.scale[:, None]
    is_bound = np.count_nonzero(raw, axis=1) == 1
    size = np.abs(raw[~is_bound]).max(axis=0, initial=0.0)
    size = np.where(size > 0.0, size, 1.0)
    by = np.where(is_bound, np.abs(raw / size).max(axis=1, initial=0.0), 1.0)
    level = sides.level * sides.scale / by
    is_integral = is_totally_unimodular((raw / size / by[:, None]).T) and np.array_equal(level, np.round(level))
    return 1.0 / size if is_integral else None


def refuses(problem: BilevelProblem, grid: Grid | None = None, declared: Declared | None = None) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    if reason := _refuses_class(problem):
        return reason
    start = begin(problem)
    return None if start.status is SolveStatus.INFEASIBLE else _plan(problem, start, grid or {}, declared).reason


def solve(
    problem: BilevelProblem,
    limits: Limits = DEFAULT,
    *,
    grid: Grid | None = None,
    declared: Declared | None = None,
) -> BilevelSolution:
    """The optimistic optimum by one mixed-integer program.

    Parameters
    ----------
    grid : values that a leader's variable may take, by name; the bound then assumes that it takes no other
    declared : bounds for multipliers of which none can be derived, and why they should hold

    Raises
    ------
    UsageError
        The problem is not accepted; the message names a method that does.
    """
    began, grid = time.perf_counter(), _checked(problem, grid or {})
    if reason := _refuses_class(problem):
        raise UsageError(problem.name, reason)
    start = begin(problem, limits.seconds)
    if start.status is SolveStatus.INFEASIBLE:
        return BilevelSolution(None, math.inf, math.inf, Status.INFEASIBLE, METHOD)
    plan = _plan(problem, start, grid, declared)
    if plan.reason:
        raise UsageError(problem.name, plan.reason)
    if grid:
        start = Start(SolveStatus.OPTIMAL)
    left = max(limits.seconds - (time.perf_counter() - began), 0.1)
    found, z = _spelt_out(plan, limits, left) if plan.share is None else _priced(plan, limits, left)
    if found.point is not None:
        start = answered(problem, Responder(problem), found.point[z], start)
    said = tuple(f"the leader's {name} takes one of {len(values)} values" for name, values in grid.items())
    return concluded(
        METHOD, start, found.status, found.bound, plan.big.assumptions + said, limits, time.perf_counter() - began
    )


def _checked(problem: BilevelProblem, grid: Grid) -> Grid:
    x = problem.leader
    for name, values in grid.items():
        if name not in x.names:
            raise UsageError(f"grid of {name}", "not a variable of the leader", f"one of {', '.join(x.names)}")
        j, value = x.names.index(name), np.asarray(values, dtype=np.float64)
        is_whole = not x.is_integer[j] or np.array_equal(value, np.round(value))
        if not len(value) or not np.all((value >= x.lower[j]) & (value <= x.upper[j])) or not is_whole:
            raise UsageError(
                f"grid of {name}", "empty, or a value that the variable cannot take", "list values within its bounds"
            )
    return grid


def _spelt_out(plan: Plan, limits: Limits, seconds: float) -> tuple[MixedSolution, Positions]:
    model = Spelling(plan.problem, plan.big, plan.digits, plan.ranges)
    model.strong_duality(plan.products)
    cost = model.cost(plan.products)
    program = replace(model.sheet.program(plan.problem.objective.constant), cost=cost)
    return solve_mixed(program, model.sheet.is_integer, gap=limits.gap / 10, seconds=seconds), model.z


def _priced(plan: Plan, limits: Limits, seconds: float) -> tuple[MixedSolution, Positions]:
    """Prices: x'Qy = cost_scale · Σ λ level − d·y wherever the conditions hold."""
    assert plan.share is not None
    n, sides, model = len(plan.problem.leader), plan.big.sides, conditions(plan.problem, plan.big)
    cost = np.zeros(model.sheet.width)
    cost[model.z] = plan.problem.objective.linear
    cost[model.z[n:]] -= plan.share * plan.problem.follower_objective.linear[n:]
    cost[model.multiplier] += plan.share * sides.cost_scale * sides.level
    program = replace(model.sheet.program(plan.problem.objective.constant), cost=cost)
    return solve_mixed(program, model.sheet.is_integer, gap=limits.gap / 10, seconds=seconds), model.z
