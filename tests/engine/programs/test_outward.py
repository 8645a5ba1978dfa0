"""Bounds that survive rounding: never above the optimum in fractions, where arithmetic that rounds to nearest is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.programs.exact import fractions, greatest
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.programs.outward import below, has_no_point, safe_bound
from coercivity.engine.programs.weak_duality import dual_bound


def drawn(seed: int) -> LinearProgram:
    """A program in tenths, which no number of the machine is, with costs of several sizes."""
    random = np.random.default_rng(seed)
    rows, columns = int(random.integers(1, 6)), int(random.integers(2, 7))
    matrix = random.integers(1, 60, (rows, columns)) / 10.0 * (random.random((rows, columns)) < 0.7)
    cost = random.integers(-9, 30, columns) / 10.0 * 10.0 ** random.integers(0, 5, columns)
    return LinearProgram(
        cost, sp.csr_array(matrix), matrix.sum(axis=1) * 0.3, np.full(rows, inf), np.zeros(columns),
        random.integers(1, 9, columns) / 3.0,
    )  # fmt: skip


def optimum(program: LinearProgram) -> Fraction:
    """The least value of a program of rows ≥ and columns between zero and an end, in fractions."""
    columns = program.shape[1]
    table = np.concatenate([fractions(program.matrix.toarray()), fractions(-np.eye(columns))], axis=0)
    least = [*fractions(program.row_lower), *fractions(-program.col_upper)]
    found = greatest(list(fractions(-program.cost)), table, least)
    assert found is not None
    return -found.value


def test_a_bound_is_never_above_the_exact_optimum_and_near_it() -> None:
    rounded_above = 0
    for seed in range(150):
        program = drawn(seed)
        hot = precise(program)
        assert hot.optimise() is SolveStatus.OPTIMAL
        solved, exact = hot.solution(), optimum(program)
        bound = safe_bound(program, solved.dual)
        assert Fraction(bound) <= exact, seed
        assert bound == pytest.approx(float(exact), rel=1e-9, abs=1e-9), seed
        rounded_above += Fraction(dual_bound(program, solved.dual, solved.reduced_cost)) > exact
    # Arithmetic that counts no rounding is above it again and again, so that there is something to survive.
    assert rounded_above > 10


def proved_by(program: LinearProgram, dual: np.ndarray) -> Fraction:
    """What multipliers ≥ 0 of rows ≥ prove in fractions, over columns between zero and an end."""
    y, matrix = fractions(dual), fractions(program.matrix.toarray())
    reduced = fractions(program.cost) - matrix.T @ y
    ends = [Fraction(high) * min(part, Fraction(0)) for high, part in zip(program.col_upper, reduced, strict=True)]
    return sum((*(y * fractions(program.row_lower)), *ends), Fraction(0))


def test_no_more_is_told_than_multipliers_prove() -> None:
    # Ten tenths are a little more than one, and summed up a little less: over a long column that is worth a lot.
    rows = 10
    long = LinearProgram(
        np.ones(1),
        sp.csr_array(np.full((rows, 1), 0.1)),
        np.zeros(rows),
        np.full(rows, inf),
        np.zeros(1),
        np.array([1e12]),
    )
    dual = np.ones(rows)
    assert 0 > proved_by(long, dual) >= Fraction(safe_bound(long, dual)) > -1
    for seed in range(40):
        program = drawn(seed)
        program = replace(program, col_upper=program.col_upper * 1e9)
        dual = np.random.default_rng(seed).integers(0, 9, program.shape[0]) / 7.0
        assert Fraction(safe_bound(program, dual)) <= proved_by(program, dual), seed


@pytest.mark.parametrize("seed", range(6))
def test_any_multipliers_prove_something_true(seed: int) -> None:
    program, random = drawn(seed), np.random.default_rng(seed)
    for _ in range(20):
        dual = random.normal(size=program.shape[0]) * 10.0 ** random.integers(-3, 4)
        assert Fraction(safe_bound(program, dual)) <= optimum(program)


def test_a_column_without_range_is_bounded_in_fractions_or_not_at_all() -> None:
    row = sp.csr_array([[3.0, 1.0]])
    endless = LinearProgram(np.array([1.0, 1.0]), row, np.ones(1), np.full(1, inf), np.zeros(2), np.full(2, inf))
    # The reduced cost of the first column is zero at the multiplier 1/3, and below it in floating point.
    found = safe_bound(endless, np.array([1.0 / 3.0]))
    assert Fraction(found) <= Fraction(1, 3) and found == pytest.approx(1.0 / 3.0)
    assert safe_bound(replace(endless, cost=np.array([-1.0, 1.0])), np.array([1.0 / 3.0])) == -inf


def test_that_there_is_no_point_is_proved_or_not_said() -> None:
    two = LinearProgram(
        np.zeros(1),
        sp.csr_array([[1.0], [1.0]]),
        np.array([-inf, 1.0]),
        np.array([0.999, inf]),
        np.zeros(1),
        np.ones(1),
    )
    assert has_no_point(two)
    assert not has_no_point(replace(two, row_upper=np.array([1.0, inf])))
    # Nearer than rounding can tell.
    assert not has_no_point(replace(two, row_upper=np.array([1.0 - 1e-16, inf])))


def test_below_is_the_next_number_down() -> None:
    assert Fraction(below(Fraction(1, 3))) <= Fraction(1, 3) < Fraction(np.nextafter(below(Fraction(1, 3)), 1.0))
