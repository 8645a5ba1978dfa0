"""Continuous columns that the leader keeps to itself, beside an integer follower: every commitment answered, quadratic costs too."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows, Variables
from coercivity.engine.bilevel.reformulations.handed_over import back, handed_over, unmet
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.quadratic import solve_quadratic
from coercivity.engine.proof.certificate import ProofLevel

BINARIES, OWN, ANSWERS, TOP = 3, 2, 3, 3


def drawn(seed: int, is_quadratic: bool) -> BilevelProblem:
    """Three binaries that the follower meets between two columns that it does not; its three answers are integers to 3."""
    random = np.random.default_rng(seed)
    n, width = BINARIES + OWN, BINARIES + OWN + ANSWERS
    is_integer = np.array([True, False, True, True, False])
    whole = np.r_[is_integer, np.ones(ANSWERS, dtype=bool)]
    met = np.r_[is_integer, np.ones(ANSWERS, dtype=bool)].astype(float)
    root = random.normal(size=(width, width)) if is_quadratic else np.zeros((width, width))
    own_rows = random.integers(-4, 5, (2, width)).astype(float)
    follower_rows = random.integers(0, 6, (3, width)) * met
    # Terms in the leader's columns alone are told by the follower's value and change nothing that it does.
    cost = np.r_[random.integers(-3, 4, n), random.integers(-9, 3, ANSWERS)].astype(float)
    upper = np.where(whole, 1.0, 2.5)
    return BilevelProblem(
        name=f"kept-{seed}",
        leader=Variables(tuple("abcde"), np.zeros(n), upper[:n], is_integer),
        follower=Variables(tuple("uvw"), np.zeros(ANSWERS), np.full(ANSWERS, float(TOP)), np.ones(ANSWERS, dtype=bool)),
        objective=Objective(random.integers(-9, 10, width).astype(float), sp.csr_array(root.T @ root), 1.0),
        rows=Rows(("first", "second"), sp.csr_array(own_rows), np.full(2, -np.inf), random.integers(2, 9, 2).astype(float)),
        follower_objective=Objective(cost, sp.csr_array((width, width)), 2.0),
        follower_rows=Rows(tuple("pqr"), sp.csr_array(follower_rows), np.full(3, -np.inf), random.integers(8, 20, 3).astype(float)),
    )  # fmt: skip


def least(problem: BilevelProblem) -> float:
    """The optimistic value by every commitment, every answer, and a convex program over the leader's own columns."""
    n, rows, best = len(problem.leader), problem.follower_rows, np.inf
    whole, own = np.flatnonzero(problem.leader.is_integer), np.flatnonzero(~problem.leader.is_integer)
    hessian = problem.objective.quadratic.toarray()
    for x in itertools.product((0.0, 1.0), repeat=len(whole)):
        point = np.zeros(problem.width)
        point[whole] = x
        fit = []
        for y in itertools.product(range(TOP + 1), repeat=ANSWERS):
            point[n:] = y
            if np.all(rows.matrix @ point <= rows.upper + 1e-9):
                fit.append((float(problem.follower_objective.linear[n:] @ point[n:]), y))
        for cost, y in fit:
            if cost > min(fit)[0] + 1e-9:
                continue
            point[n:], point[own] = y, 0.0
            program = LinearProgram(
                problem.objective.linear[own] + hessian[own] @ point, sp.csr_array(problem.rows.matrix)[:, own],
                np.full(2, -np.inf), problem.rows.upper - problem.rows.matrix @ point,
                problem.leader.lower[own], problem.leader.upper[own], problem.objective.at(point),
            )  # fmt: skip
            found = solve_quadratic(program, sp.csr_array(hessian[np.ix_(own, own)]))
            best = min(best, found.value if found.status is SolveStatus.OPTIMAL else np.inf)
    return float(best)


@pytest.mark.parametrize("seed", range(12))
def test_a_quadratic_leader_keeps_continuous_columns_over_an_integer_follower(seed: int) -> None:
    problem = drawn(seed, is_quadratic=True)
    right, found = least(problem), selection.solve(problem).solution
    if not np.isfinite(right):
        assert found.status is Status.INFEASIBLE
        return
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(right, rel=1e-6, abs=1e-6)
    assert found.point is not None
    assert problem.objective.at(found.point) == pytest.approx(right, rel=1e-6, abs=1e-6)
    certificate = certify(problem, found, 5.0)
    assert certificate.proof is ProofLevel.OPTIMAL, certificate


@pytest.mark.parametrize("seed", range(12))
def test_a_linear_one_agrees_with_the_value_function(seed: int) -> None:
    problem = drawn(seed, is_quadratic=False)
    one, two = commitments.solve(problem), value_function.solve(problem)
    assert one.status is two.status
    assert one.value == pytest.approx(two.value, rel=1e-6, abs=1e-6)


def test_columns_that_the_follower_meets_stay_where_they_are() -> None:
    problem = drawn(0, is_quadratic=True)
    assert unmet(problem).tolist() == [False, True, False, False, True]
    found, order = handed_over(problem)
    assert found.leader.names == ("a", "c", "d") and found.follower.names == ("b", "e", "u", "v", "w")
    point = np.arange(problem.width, dtype=float)
    assert np.array_equal(back(point[order], order), point)
    assert found.objective.at(point[order]) == pytest.approx(problem.objective.at(point))
    assert np.allclose(found.rows.matrix @ point[order], problem.rows.matrix @ point)
    assert np.allclose(found.follower_rows.matrix @ point[order], problem.follower_rows.matrix @ point)
    # What the follower is charged for them is no cost of its own.
    assert found.follower_objective.linear[3:5].tolist() == [0.0, 0.0]
    matrix = sp.csr_array(problem.follower_rows.matrix, copy=True).tolil()
    matrix[0, 1] = 1.0
    met = replace(problem, follower_rows=replace(problem.follower_rows, matrix=sp.csr_array(matrix)))
    assert unmet(met).tolist() == [False, False, False, False, True]
    reason = commitments.refuses(met)
    assert reason is not None and "that the follower meets" in reason
