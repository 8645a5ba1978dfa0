"""Programs solved together: agreement with HiGHS, cutoffs, and the speeds at which values rise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.directions import batch
from coercivity.engine.bilevel.methods.directions.batch import BatchProgram, Nodes
from coercivity.engine.programs.hot import HotProgram, LinearProgram, SolveStatus


def drawn(seed: int) -> LinearProgram:
    """Whole numbers, bounds on either side, some rows without a lower bound and some equalities."""
    random = np.random.default_rng(seed)
    rows, columns = int(random.integers(2, 7)), int(random.integers(3, 9))
    matrix = random.integers(-6, 7, (rows, columns)).astype(float)
    inside = random.integers(0, 5, columns).astype(float)
    upper = matrix @ inside + random.integers(0, 6, rows)
    lower = np.where(random.random(rows) < 0.3, upper - 8.0, -np.inf)
    col_upper = np.where(random.random(columns) < 0.2, 60.0, 5.0)
    return LinearProgram(
        cost=random.integers(-9, 10, columns).astype(float),
        matrix=sp.csr_array(matrix),
        row_lower=np.where(random.random(rows) < 0.1, upper, lower),
        row_upper=upper,
        col_lower=np.where(random.random(columns) < 0.2, -3.0, 0.0),
        col_upper=col_upper,
        offset=float(seed),
    )


def moved(root: Nodes, seed: int, count: int) -> Nodes:
    """Programs with two or three bounds of the first one drawn in."""
    random = np.random.default_rng(seed)
    nodes = root.at(np.zeros(count, dtype=np.intp))
    lower, upper = nodes.lower.copy(), nodes.upper.copy()
    for k in range(count):
        for j in random.integers(0, lower.shape[1], 3):
            value = root.point[0, j]
            if random.random() < 0.5:
                upper[k, j] = max(min(upper[k, j], np.floor(value) - random.integers(0, 2)), lower[k, j])
            else:
                lower[k, j] = min(max(lower[k, j], np.floor(value) + random.integers(1, 3)), upper[k, j])
    return replace(nodes, lower=lower, upper=upper)


def value_of(program: LinearProgram, lower: np.ndarray, upper: np.ndarray) -> float:
    """What HiGHS says of one of them from nothing; +inf without a point."""
    n = program.shape[1]
    own = replace(program, col_lower=lower[:n], col_upper=upper[:n], row_lower=lower[n:], row_upper=upper[n:])
    hot = HotProgram(own, {"presolve": "off"}, np.arange(own.shape[0], dtype=np.int32))
    return hot.objective if hot.optimise() is SolveStatus.OPTIMAL else np.inf


@pytest.mark.parametrize("largest", [batch.LARGEST, 0])
def test_programs_together_are_worth_what_each_is_alone(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LARGEST", largest)
    for seed in range(60):
        program = drawn(seed)
        own = BatchProgram(program)
        status, root = own.first()
        if root is None:
            assert status is SolveStatus.INFEASIBLE or status is SolveStatus.UNBOUNDED
            continue
        nodes = moved(root, seed, 12)
        found = own.solve(nodes, np.inf)
        # A second step from where the first one ended.
        again = moved(found.at([0]), seed + 1, 6) if found.is_solved[0] else nodes
        for asked, told in ((nodes, found), (again, own.solve(again, np.inf))):
            for k in range(len(asked)):
                right = value_of(program, asked.lower[k], asked.upper[k])
                assert told.bound[k] == (pytest.approx(right, abs=1e-6) if right < np.inf else np.inf), (seed, k)
                assert told.is_solved[k] == (right < np.inf)
                if right < np.inf:
                    point = told.point[k]
                    assert np.all(point >= asked.lower[k] - 1e-6) and np.all(point <= asked.upper[k] + 1e-6)
                    assert program.cost @ point[: program.shape[1]] + program.offset == pytest.approx(right, abs=1e-6)


def test_a_program_stops_at_the_cutoff_and_no_sooner() -> None:
    for seed in range(40):
        own = BatchProgram(drawn(seed))
        root = own.first()[1]
        if root is None:
            continue
        nodes = moved(root, seed, 12)
        whole = own.solve(nodes, np.inf)
        finite = whole.bound[np.isfinite(whole.bound)]
        if not len(finite):
            continue
        cutoff = float(np.median(finite))
        cut = own.solve(nodes, cutoff)
        assert np.all(cut.bound <= whole.bound + 1e-6)
        assert np.all(cut.bound[~cut.is_solved] >= cutoff - 1e-6)
        assert np.allclose(cut.bound[cut.is_solved], whole.bound[cut.is_solved])


def test_values_rise_no_slower_than_told() -> None:
    for seed in range(40):
        program = drawn(seed)
        own = BatchProgram(program)
        root = own.first()[1]
        if root is None:
            continue
        up, down = own.rises(root)
        for j in range(root.lower.shape[1]):
            for speed, sign in ((up[0, j], 1.0), (down[0, j], -1.0)):
                lower, upper = root.lower[0].copy(), root.upper[0].copy()
                if sign > 0.0:
                    lower[j] = root.point[0, j] + 0.5
                else:
                    upper[j] = root.point[0, j] - 0.5
                right = value_of(program, lower, upper) if lower[j] <= upper[j] else np.inf
                assert right >= root.bound[0] + 0.5 * speed - 1e-6, (seed, j, sign)
