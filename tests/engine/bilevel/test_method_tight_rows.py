"""Branching on tight rows: against branching on complementarities, against answers found by hand, and where it refuses."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.draws import random_program
from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.tight_rows import method as tight_rows
from coercivity.engine.bilevel.methods.tight_rows.sides import Directions, sides_of
from coercivity.engine.bilevel.problem import BilevelProblem, Rows
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import SolverFailed, UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import bard_falk, indifferent, moore_bard, objective, price_maker, problem, variables


def drawn(seed: int) -> BilevelProblem:
    """A small program: some with a coupling row, some with equations, free columns, integers of the leader, two-sided rows."""
    random, size = np.random.default_rng(seed), 2 + seed % 4
    given = random_program(seed, size, size + 1, 10.0, is_integer=False)
    rows, width = given.follower_rows, 2 * size
    if seed % 3 == 0:
        row = sp.csr_array(random.integers(-9, 10, (1, width)).astype(float))
        given = replace(
            given, rows=Rows(("c",), row, np.array([-inf]), np.array([random.integers(0, 60)], dtype=float))
        )
    if seed % 4 == 1:
        lower = np.where(np.arange(size + 1) == 0, 0.5 * rows.upper, rows.upper - 400.0)
        given = replace(given, follower_rows=replace(rows, lower=lower))
    if seed % 5 == 2:
        level = np.where(np.arange(size + 1) == 1, rows.upper, rows.lower)
        given = replace(given, follower_rows=replace(given.follower_rows, lower=level))
    if seed % 7 == 3:
        given = replace(given, follower=replace(given.follower, lower=np.where(np.arange(size) == 0, -inf, 0.0)))
    if seed % 2:
        given = replace(given, leader=replace(given.leader, is_integer=np.arange(size) % 2 == 0))
    return given


@pytest.mark.parametrize("start", range(0, 60, 12))
def test_it_agrees_with_branching_on_complementarities(start: int) -> None:
    for seed in range(start, start + 12):
        drawing = drawn(seed)
        if tight_rows.refuses(drawing) is not None:
            continue
        found, right = tight_rows.solve(drawing), complementarity.solve(drawing)
        assert found.status is right.status, seed
        if right.status is Status.OPTIMAL:
            assert found.value == pytest.approx(right.value, rel=1e-6, abs=1e-6), seed
            assert found.bound == pytest.approx(found.value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("drawing", "value"),
    [
        (bard_falk(), -3.25),
        (replace(moore_bard(), follower=replace(moore_bard().follower, is_integer=np.array([False]))), -18.0),
        (indifferent(objective([-1.0, 2.0, 0.0])), -4.0),
    ],
    ids=["bard_falk", "moore_bard_relaxed", "indifferent"],
)
def test_known_answers_are_proved(drawing: BilevelProblem, value: float) -> None:
    found = tight_rows.solve(drawing)
    assert (found.status, found.value) == (Status.OPTIMAL, pytest.approx(value))
    assert certify(drawing, found).proof is ProofLevel.OPTIMAL


def test_nothing_is_found_where_the_followers_answers_break_the_leaders_row() -> None:
    drawing = problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 1.0)]),
        objective([1.0, 0.0]),
        objective([0.0, -1.0]),
        leader_rows=[([0.0, 1.0], "<=", 0.5)],
    )
    found = tight_rows.solve(drawing)
    assert (found.status, found.bound) == (Status.INFEASIBLE, inf)
    assert certify(drawing, found).proof is ProofLevel.OPTIMAL


def test_both_sides_of_a_column_are_never_tight_together() -> None:
    """A column that was held at one side and then at the other would be moved: seed 1 of ten columns was wrong for it."""
    found = tight_rows.solve(random_program(1, 10, 10, 10.0, is_integer=False))
    assert found.value == pytest.approx(-1733.6533898814)


def test_a_set_of_sides_holds_at_every_best_response_and_not_at_the_point() -> None:
    drawing = random_program(3, 6, 6, 10.0, is_integer=False)
    responder, sides = Responder(drawing), sides_of(drawing)
    directions, random = Directions(drawing, sides, responder), np.random.default_rng(3)
    none = np.zeros(len(sides), dtype=bool)
    sets = []
    for _ in range(20):
        x = random.uniform(0.0, 1.0, 6)
        at = np.concatenate([x, np.zeros(6)])
        if np.all(drawing.follower_rows.matrix @ at <= drawing.follower_rows.upper):
            stops = directions.stopping(at, none, none, np.ones_like)
            assert stops is not None and not (stops & (directions.slack(at) <= 1e-9)).any()
            sets.append(stops)
    assert sets
    for _ in range(20):
        x = random.uniform(0.0, 1.0, 6)
        best = np.concatenate([x, responder.any_answer(x)])
        is_tight = directions.slack(best) <= 1e-7
        assert all((stops & is_tight).any() for stops in sets)
        assert directions.stopping(best, none, none, np.ones_like) is None


def test_what_the_solver_does_not_say_stays_open_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = random_program(1, 10, 10, 10.0, is_integer=False)

    def failing(*_: object) -> None:
        raise SolverFailed("p", "no", "")

    monkeypatch.setattr(Directions, "stopping", failing)
    found = tight_rows.solve(drawing)
    assert found.status is Status.LIMIT
    assert found.bound < -1734.0
    # auto goes on to the method that can tell.
    solved = selection.solve(drawing).solution
    assert (solved.status, solved.method) == (Status.OPTIMAL, "complementarity")


def test_limits_are_kept() -> None:
    drawing = random_program(1, 10, 10, 10.0, is_integer=False)
    found = tight_rows.solve(drawing, Limits(nodes=2))
    assert (found.status, found.nodes) == (Status.LIMIT, 2)
    assert found.bound < -1734.0 < found.value


@pytest.mark.parametrize(
    ("drawing", "why"),
    [
        (moore_bard(), "value_function"),
        (price_maker(), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0], [(0, 0, 1.0)]),
                 objective([0.0, 1.0])), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 0.0]),
                 objective([0.0, 1.0], [(1, 1, 1.0)])), "complementarity"),
        (problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, inf)]), objective([0.0, -1.0]),
                 objective([0.0, 1.0])), "complementarity"),
    ],
    ids=["integers", "prices", "quadratic leader", "quadratic follower", "no bound but the follower's"],
)  # fmt: skip
def test_it_refuses_with_a_method_that_does_not(drawing: BilevelProblem, why: str) -> None:
    assert why in str(tight_rows.refuses(drawing))
    with pytest.raises(UsageError):
        tight_rows.solve(drawing)
