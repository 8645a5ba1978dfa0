"""The room that talks to the solver: hot against cold and against another voice, ties, bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from coercivity.engine.errors import InfeasibleProgram, SolverFailed
from coercivity.engine.programs.hot import HotProgram, LinearProgram, SolveStatus, solve_once
from coercivity.engine.programs.linear import bounds_from_singletons
from coercivity.engine.programs.ties import multiplier_range, optimal_face, quantity_range
from coercivity.engine.programs.weak_duality import dual_bound

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
seeds = st.integers(0, 10**6)
INF = np.inf


def program_of(
    cost: Any, rows: Any, low: Any, high: Any, lower: Any = None, upper: Any = None, offset: float = 0.0
) -> LinearProgram:
    count = len(cost)
    arrays = [np.array(part, dtype=float) for part in (cost, low, high, lower or [0] * count, upper or [INF] * count)]
    return LinearProgram(arrays[0], sp.csr_array(np.array(rows, dtype=float)), *arrays[1:], offset)


def random_program(seed: int) -> LinearProgram:
    """Covering rows and packing rows, single-entry rows of every kind among them, always feasible and bounded."""
    draw = np.random.default_rng(seed)
    columns, covers = int(draw.integers(3, 8)), int(draw.integers(1, 5))
    cover = draw.integers(0, 3, (covers, columns)) + 0.0
    singles = [int(x) for x in draw.integers(0, columns, int(draw.integers(1, 6)))]
    single = np.zeros((len(singles), columns))
    single[np.arange(len(singles)), singles] = draw.choice([0.5, 1.0, 4.0, -1.0], len(singles))
    lower = draw.choice([0.0, 0.0, -1.0, 0.3], columns)
    upper = np.where(draw.random(columns) < 0.3, lower + draw.uniform(1, 3, columns), INF)
    inside = lower + 0.5
    return LinearProgram(
        draw.choice([1.0, 2.0, draw.uniform(0.1, 5)], columns),
        sp.csr_array(np.vstack([single, cover])),
        np.concatenate([np.full(len(singles), -INF), cover @ inside - draw.uniform(0, 1, covers)]),
        np.concatenate([single @ inside + draw.uniform(0, 2, len(singles)), np.full(covers, INF)]),
        lower,
        upper,
        float(draw.uniform(-5, 5)),
    )


def another_voice(program: LinearProgram) -> float:
    """The optimum by SciPy, with its interior-point method."""
    rows = program.matrix.toarray()
    above, below = np.isfinite(program.row_upper), np.isfinite(program.row_lower)
    sides = np.concatenate([program.row_upper[above], -program.row_lower[below]])
    bounds = list(zip(program.col_lower, program.col_upper, strict=True))
    found = linprog(program.cost, np.vstack([rows[above], -rows[below]]), sides, bounds=bounds, method="highs-ipm")
    assert found.status == 0, found.message
    return float(found.fun) + program.offset


def assert_optimal(program: LinearProgram, found: Any) -> None:
    """The KKT conditions: feasible, stationary, multipliers of the right sign and complementary, no gap."""
    x, y, d = found.primal, found.dual, found.reduced_cost
    assert found.status is SolveStatus.OPTIMAL
    assert np.allclose(program.matrix @ x, found.activity)
    assert (found.activity >= program.row_lower - 1e-7).all()
    assert (found.activity <= program.row_upper + 1e-7).all()
    assert (x >= program.col_lower - 1e-7).all()
    assert (x <= program.col_upper + 1e-7).all()
    assert program.cost == pytest.approx(program.matrix.T @ y + d, abs=1e-7)
    for multiplier, value, low, high in (
        (y, found.activity, program.row_lower, program.row_upper),
        (d, x, program.col_lower, program.col_upper),
    ):
        assert np.abs(value - low)[multiplier > 1e-7] == pytest.approx(0.0, abs=1e-6)
        assert np.abs(value - high)[multiplier < -1e-7] == pytest.approx(0.0, abs=1e-6)
    assert found.objective == pytest.approx(program.cost @ x + program.offset, abs=1e-7)
    assert dual_bound(program, y, d) == pytest.approx(found.objective, abs=1e-6)


@few
@given(seeds)
def test_a_hot_program_equals_cold_ones_and_another_voice(seed: int) -> None:
    program, draw = random_program(seed), np.random.default_rng(seed)
    hot = HotProgram(program)
    assert_optimal(program, hot.solve())
    for _ in range(6):
        change = draw.choice(["cost", "one cost", "upper", "lower"])
        if change == "cost":
            program = replace(program, cost=draw.uniform(0.1, 5, len(program.cost)))
            hot.set_cost(program.cost)
        elif change == "one cost":
            at = np.array([draw.integers(len(program.cost))], dtype=np.int32)
            program = replace(program, cost=program.cost.copy())
            program.cost[at] = draw.uniform(0.1, 5)
            hot.set_cost(program.cost[at], at)
        elif change == "upper":
            rows = np.flatnonzero(np.isinf(program.row_lower)).astype(np.int32)
            slack = program.matrix @ (program.col_lower + 0.5)
            program = replace(program, row_upper=program.row_upper.copy())
            program.row_upper[rows] = np.where(
                draw.random(len(rows)) < 0.2, INF, slack[rows] + draw.uniform(0, 2, len(rows))
            )
            hot.set_row_upper(rows, program.row_upper[rows])
        else:
            rows = np.flatnonzero(np.isinf(program.row_upper) & (np.diff(program.matrix.indptr) > 1)).astype(np.int32)
            program = replace(program, row_lower=program.row_lower.copy())
            program.row_lower[rows] = (program.matrix @ (program.col_lower + 0.5))[rows] - draw.uniform(0, 1, len(rows))
            hot.set_row_lower(rows, program.row_lower[rows])
        found = hot.solve()
        assert_optimal(program, found)
        assert found.objective == pytest.approx(solve_once(program).objective, abs=1e-6)
        assert found.objective == pytest.approx(another_voice(program), abs=1e-5)


def test_column_bounds_change_and_a_forgotten_basis_changes_nothing() -> None:
    program = program_of([1, 2], [[1, 1]], [4], [INF], upper=[3, 9])
    hot = HotProgram(program)
    assert hot.solve().objective == pytest.approx(5.0)
    hot.set_column_upper(np.array([0], dtype=np.int32), np.array([1.0]))
    assert hot.solve().objective == pytest.approx(7.0)
    assert hot.primal().tolist() == pytest.approx([1, 3])
    hot.forget()
    assert hot.solve().objective == pytest.approx(7.0)


INFEASIBLE = program_of([1.0], [[1.0], [2.0]], [2, -INF], [INF, 1])
UNBOUNDED = program_of([-1.0, 0.0], [[1.0, -1.0]], [-INF], [1])


@pytest.mark.parametrize(
    ("program", "reason"), [(INFEASIBLE, SolveStatus.INFEASIBLE), (UNBOUNDED, SolveStatus.UNBOUNDED)]
)
def test_what_has_no_optimum_is_refused_with_a_reason(program: LinearProgram, reason: SolveStatus) -> None:
    with pytest.raises(InfeasibleProgram) as refused:
        solve_once(program, "the market")
    assert refused.value.where == "the market"
    assert refused.value.what == reason.value
    assert refused.value.fix


def test_an_unbounded_or_infeasible_change_is_refused_and_the_program_recovers() -> None:
    hot = HotProgram(program_of([1, 1], [[1, 0], [1, 1]], [-INF, 4], [INF, 5]))
    hot.solve()
    hot.set_cost(np.array([1.0, -1.0]))
    assert hot.solve().objective == pytest.approx(-5.0)
    hot.set_column_upper(np.array([1], dtype=np.int32), np.array([1.0]))
    hot.set_row_upper(np.array([0], dtype=np.int32), np.array([2.0]))
    with pytest.raises(InfeasibleProgram):
        hot.solve()
    hot.set_row_upper(np.array([0], dtype=np.int32), np.array([3.0]))
    assert hot.solve().objective == pytest.approx(2.0)


def test_a_limit_is_not_taken_for_a_solution() -> None:
    hot = HotProgram(random_program(3), {"simplex_iteration_limit": 0, "time_limit": 0.0, "presolve": "off"})
    with pytest.raises(SolverFailed) as refused:
        hot.solve()
    assert refused.value.what == SolveStatus.LIMIT.value


def test_single_entry_rows_become_bounds_only_where_nothing_else_bounds_the_column() -> None:
    rows = [[2, 0, 0, 0], [0, 1, 0, 0], [0, 3, 0, 0], [0, 0, 1, 0], [0, 0, 0, -1], [1, 1, 0, 0]]
    program = program_of([1] * 4, rows, [-INF] * 6, [8, 1, 2, 5, 6, 7], upper=[INF, INF, 4, INF])
    smaller, taken, columns, scale = bounds_from_singletons(program)
    assert (taken.tolist(), columns.tolist(), scale.tolist()) == ([0], [0], [2.0])
    assert smaller.col_upper.tolist() == [4, INF, 4, INF]
    assert smaller.row_upper.tolist() == [1, 2, 5, 6, 7]
    assert (smaller.matrix.toarray() == np.array(rows)[1:]).all()


def test_the_multiplier_of_a_row_that_became_a_bound_comes_back_on_the_row() -> None:
    # min x + 3 y, x + y ≥ 5, 2 x ≤ 4: a unit more of the licence 2 x saves (3 − 1)/2.
    found = solve_once(program_of([1, 3], [[1, 1], [2, 0]], [5, -INF], [INF, 4]))
    assert found.objective == pytest.approx(11)
    assert found.dual.tolist() == pytest.approx([3, -1])
    assert found.reduced_cost.tolist() == pytest.approx([0, 0])


@few
@given(seeds, st.floats(-2, 2))
def test_wrong_multipliers_prove_less_and_never_more(seed: int, noise: float) -> None:
    program = random_program(seed)
    found = solve_once(program)
    wrong = found.dual + noise * np.random.default_rng(seed).standard_normal(len(found.dual))
    # Reduced costs of the wrong sign that are no greater than a rounding error are forgiven, and may add as much.
    assert dual_bound(program, wrong, found.reduced_cost) <= found.objective + 1e-5


def test_a_multiplier_of_the_wrong_sign_proves_nothing() -> None:
    # min −x, 0 ≤ x ≤ 10, −x ≤ 5: taken at its word, a price of ½ on the row would prove −5, which x = 10 undercuts.
    program = program_of([-1], [[-1]], [-INF], [5], upper=[10])
    assert dual_bound(program, np.array([0.5]), np.zeros(1)) == pytest.approx(-10)
    assert dual_bound(replace(program, col_upper=np.array([INF])), np.array([0.0]), np.zeros(1)) == -INF


# Two routes of equal cost: ship 10 through x0 + x1, of which x1 has room for 6; x2 costs more and stays empty.
TIED = program_of([2, 2, 3], [[1, 1, 1], [0, 1, 0]], [10, -INF], [INF, 6])


def test_ties_between_two_equal_routes() -> None:
    found = quantity_range(TIED, solve_once(TIED), np.array([1.0, 3.0, 100.0]))
    assert (found.low, found.high) == pytest.approx((10, 22))
    assert found.low_point.tolist() == pytest.approx([10, 0, 0])
    assert found.high_point.tolist() == pytest.approx([4, 6, 0])
    face = optimal_face(TIED, solve_once(TIED))
    assert face.col_upper[2] == 0
    assert face.row_upper[0] == 10


def multipliers(program: LinearProgram, weight: list[float]) -> tuple[float, float]:
    """The range of the multipliers' worth, once its ends were seen to be reached by optimal multipliers."""
    solution, worth = solve_once(program), np.array(weight)
    found = multiplier_range(program, solution, worth)
    for value, point in ((found.low, found.low_point), (found.high, found.high_point)):
        assert worth @ point == pytest.approx(value, abs=1e-9)
        assert dual_bound(program, point, np.zeros(0)) == pytest.approx(solution.objective, abs=1e-9)
    return found.low, found.high


def test_a_unique_optimum_has_no_range() -> None:
    program = replace(TIED, cost=np.array([2.0, 1.0, 3.0]))
    found = quantity_range(program, solve_once(program), np.array([1.0, 3.0, 0.0]))
    assert (found.low, found.high) == pytest.approx((22, 22))
    assert multipliers(program, [0.0, -6.0]) == pytest.approx((6, 6))


def test_the_range_of_degenerate_multipliers() -> None:
    # min x + 5 z, x + z ≥ 4, x ≤ 4: the limit is reached exactly, so its price is anything from 0 to 4.
    program = program_of([1, 5], [[1, 1], [1, 0]], [4, -INF], [INF, 4])
    assert multipliers(program, [0.0, -4.0]) == pytest.approx((0, 16))
    assert multipliers(program, [1.0, 0.0]) == pytest.approx((1, 5))
    assert multipliers(program, [1.0, 1.0]) == pytest.approx((1, 1))


# -- one program in the place of another -----------------------------------------------------------------------------


def moved(program: LinearProgram, seed: int, is_matrix_moved: bool) -> LinearProgram:
    """The program with other costs and sides; with other coefficients in its covering rows too, if asked for."""
    draw = np.random.default_rng(seed + 1)
    matrix = program.matrix.copy()
    covers = np.isfinite(program.row_lower)
    if is_matrix_moved:
        entries = np.repeat(covers, np.diff(matrix.indptr))
        matrix.data = np.where(entries, matrix.data * draw.uniform(0.8, 1.2, len(matrix.data)), matrix.data)
    upper = np.where(np.isfinite(program.row_upper), program.row_upper + draw.uniform(0, 1, len(covers)), INF)
    lower = np.where(covers, program.row_lower - draw.uniform(0, 0.2, len(covers)), -INF)
    cost = program.cost * draw.uniform(0.5, 2.0, len(program.cost))
    return replace(
        program, cost=cost, matrix=matrix, row_lower=lower, row_upper=upper, offset=program.offset + draw.uniform(-1, 1)
    )


@few
@given(seeds, st.booleans(), st.booleans())
def test_an_exchanged_program_is_solved_as_if_it_were_alone(
    seed: int, is_matrix_moved: bool, are_rows_kept: bool
) -> None:
    program = random_program(seed)
    rows = np.arange(program.shape[0], dtype=np.int32) if are_rows_kept else None
    hot = HotProgram(program, rows_to_keep=rows)
    hot.solve()
    for step in range(3):
        other = moved(program, seed + step, is_matrix_moved)
        hot.exchange(other)
        status = hot.optimise()
        alone = HotProgram(other)
        assert status is alone.optimise()
        if status is SolveStatus.OPTIMAL:
            assert hot.objective == pytest.approx(alone.objective, rel=1e-7, abs=1e-7)
            found = hot.solution()
            assert np.all(other.matrix @ found.primal >= other.row_lower - 1e-6)
            assert dual_bound(other, found.dual, found.reduced_cost) == pytest.approx(
                found.objective, rel=1e-6, abs=1e-6
            )


@few
@given(seeds)
def test_a_remembered_basis_is_where_a_solve_ended(seed: int) -> None:
    program = random_program(seed)
    hot = HotProgram(program)
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return
    value, basis = hot.objective, hot.basis()
    hot.exchange(moved(program, seed, False))
    hot.optimise()
    hot.exchange(program)
    hot.start_from(basis)
    assert hot.optimise() is SolveStatus.OPTIMAL
    assert hot.objective == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert hot.iterations == 0


def test_an_unusable_basis_is_left_alone() -> None:
    program = random_program(3)
    hot, fresh = HotProgram(program), HotProgram(program)
    hot.solve()
    hot.start_from(fresh.basis())  # never solved: there is none to start from
    assert hot.solve().objective == pytest.approx(solve_once(program).objective)


def test_rows_that_shall_stay_are_not_taken_for_bounds() -> None:
    program = program_of([1.0, 1.0], [[1, 0], [1, 1]], [-INF, 1], [0.5, INF])
    smaller, taken, _, _ = bounds_from_singletons(program)
    assert (len(taken), smaller.shape[0]) == (1, 1)
    kept, none, _, _ = bounds_from_singletons(program, np.array([0], dtype=np.int32))
    assert (len(none), kept.shape[0]) == (0, 2)
