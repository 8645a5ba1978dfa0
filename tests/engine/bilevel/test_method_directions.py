"""Improving directions: agreement with every commitment answered, limits, and what is refused."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.draws import public_program, random_program
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.methods.directions import master, sides
from coercivity.engine.bilevel.methods.directions import tree as tree_module
from coercivity.engine.bilevel.methods.directions.method import refuses, solve
from coercivity.engine.bilevel.methods.directions.nearby import Nearby
from coercivity.engine.bilevel.methods.directions.tree import Tree
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem, PriceTerm
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import InfeasibleProgram, UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import bard_falk, moore_bard, objective, problem, variables


def drawn(seed: int) -> BilevelProblem:
    """Whole columns of both levels, some below zero; equalities, coupling rows, rows in halves, fixed columns."""
    random = np.random.default_rng(seed)
    unit = 0.5 if seed % 5 == 0 else 1.0
    sign = ["<=", ">=", "<="]
    rows = [
        ((unit * random.integers(-4, 5, 6)).tolist(), sign[k], unit * float(random.integers(1, 10)) * (-1.0) ** k)
        for k in range(3)
    ]
    if seed % 4 == 1:
        rows.append(([1.0, 0.0, 0.0, 1.0, 1.0, 0.0], "==", 2.0))
    coupling = [([*random.integers(-2, 3, 6).astype(float)], "<=", float(random.integers(0, 9)))] if seed % 3 else []
    low = -2.0 if seed % 2 else 0.0
    return problem(
        variables("x", [(0.0, 3.0), (-1.0, 2.0), (0.0, 2.0)], [0, 1, 2]),
        variables("y", [(low, 4.0), (low, 3.0), (0.0, 0.0 if seed % 7 == 0 else 5.0)], [0, 1, 2]),
        objective(random.integers(-5, 6, 6).astype(float).tolist(), constant=float(seed)),
        objective([0.0, 1.0, 0.0, *(unit * random.integers(-5, 6, 3)).tolist()]),
        leader_rows=[([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], "<=", 4.0), *coupling],
        follower_rows=rows,
    )


@pytest.mark.parametrize("first", range(0, 80, 10))
def test_it_agrees_with_every_commitment_answered(first: int) -> None:
    for seed in range(first, first + 10):
        drawing = drawn(seed)
        found, right = solve(drawing) if refuses(drawing) is None else None, commitments.solve(drawing)
        if found is None:
            assert right.status is Status.INFEASIBLE, seed
            continue
        assert found.status is right.status, seed
        assert found.value == (math.inf if right.point is None else pytest.approx(right.value, abs=1e-6)), seed
        stopped = solve(drawing, Limits(nodes=1))
        assert stopped.bound <= right.value + 1e-6, seed
        assert stopped.value >= right.value - 1e-6, seed


@pytest.mark.parametrize("seed", range(0, 24, 3))
def test_it_is_certified(seed: int) -> None:
    drawing = drawn(seed)
    if refuses(drawing) is None and (found := solve(drawing)).point is not None:
        assert certify(drawing, found).proof is ProofLevel.OPTIMAL


def test_moore_and_bard_and_a_limit() -> None:
    assert refuses(moore_bard()) is None
    found = solve(moore_bard())
    assert (found.value, found.bound, found.status) == (-22.0, -22.0, Status.OPTIMAL)
    assert solve(moore_bard(), Limits(nodes=0)).status is Status.LIMIT


def _continuous(drawing: BilevelProblem) -> BilevelProblem:
    return replace(drawing, leader=replace(drawing.leader, is_integer=np.zeros(3, dtype=bool)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: bard_falk(), "continuous variables"),
        (_continuous, "continuous variable of the leader"),
        (lambda p: replace(p, prices=(PriceTerm(0, None, 1.0),)), "multipliers"),
        (lambda p: replace(p, follower=replace(p.follower, upper=np.full(3, math.inf))), "has no bound"),
        (
            lambda p: replace(
                p,
                follower_objective=replace(p.follower_objective, linear=np.r_[np.zeros(3), 1.0, math.sqrt(2), math.pi]),
            ),
            "costs have no common step",
        ),
        (
            lambda p: replace(p, objective=replace(p.objective, quadratic=sp.csr_array(np.eye(6)))),
            "an objective is quadratic",
        ),
    ],
)
def test_what_has_no_whole_rows_is_refused(change: Callable[[BilevelProblem], BilevelProblem], says: str) -> None:
    odd = change(drawn(3))
    assert says in str(refuses(odd))
    with pytest.raises(UsageError, match=says):
        solve(odd)


def test_a_wide_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "WIDEST", 3.0)
    assert "big-M is safe" in str(refuses(drawn(3)))


def test_steps_of_one_column_are_asked_for_and_bind_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # With all the time for asking, a stopped run has a point at which no single step gains.
    monkeypatch.setattr(master, "ASKING", math.inf)
    for seed in range(0, 40, 3):
        drawing = drawn(seed)
        if refuses(drawing) is not None or (stopped := solve(drawing, Limits(nodes=1))).point is None:
            continue
        responder, x = Responder(drawing), stopped.point[:3]
        for column, step in itertools.product(range(3), (1.0, -1.0)):
            moved = x + step * np.eye(3)[column]
            if not (np.all(moved >= drawing.leader.lower) and np.all(moved <= drawing.leader.upper)):
                continue
            try:
                assert responder.incumbent(moved).value >= stopped.value - 1e-6
            except InfeasibleProgram:
                continue
        assert solve(drawing).value == pytest.approx(commitments.solve(drawing).value)


@pytest.mark.parametrize("kind", ["tree", "master"])
def test_each_of_the_two_is_right_alone(kind: str) -> None:
    for seed in range(0, 60, 2):
        drawing = drawn(seed)
        whole = sides.sides_of(drawing)
        if isinstance(whole, str):
            continue
        right, own = commitments.solve(drawing), master.Master(drawing, whole, Limits())
        if kind == "master":
            own.run(math.inf)
            bound = own.bound
        else:
            tree = Tree(
                drawing, whole, own.finder, Limits(), lambda own=own: own.best, lambda z, _, own=own: own.ask(z)
            )  # type: ignore[misc]
            tree.run(math.inf)
            assert tree.is_finished
            bound = tree.bound
        if right.point is None:
            assert bound == math.inf, seed
        else:
            assert own.best.value == pytest.approx(right.value, abs=1e-6), seed
            assert min(bound, own.best.value) == pytest.approx(right.value, abs=1e-5), seed


def test_a_tree_goes_on_where_it_was_interrupted() -> None:
    drawing = drawn(7)
    whole = sides.sides_of(drawing)
    assert not isinstance(whole, str)
    own = master.Master(drawing, whole, Limits())
    tree = Tree(drawing, whole, own.finder, Limits(), lambda: own.best, lambda z, _: own.ask(z))
    bounds = []
    for _ in range(500):
        tree.run(0.0)
        bounds.append(tree.bound)
        tree.limits = Limits(nodes=tree.nodes + 1)
        tree.run(math.inf)
        if tree.is_finished:
            break
    assert tree.is_finished and bounds[0] <= bounds[-1] <= tree.bound + 1e-9
    assert own.best.value == pytest.approx(commitments.solve(drawing).value, abs=1e-6)


def small(kind: str, seed: int) -> BilevelProblem:
    """A draw after the public sets, of a leader with 64 commitments."""
    whole = public_program(kind, 17, seed)
    return replace(whole, leader=replace(whole.leader, upper=np.full(3, 3.0)))


@pytest.mark.parametrize("seed", range(4))
def test_draws_after_the_public_sets_agree_with_every_commitment_answered(seed: int) -> None:
    drawing = small("miblp", seed)
    right = commitments.solve(drawing)
    for limits in (Limits(seconds=4.0), Limits(nodes=200, seconds=2.0)):
        found = solve(drawing, limits)
        assert found.bound <= right.value + 1e-6 <= found.value + 2e-6
        if found.status is Status.OPTIMAL:
            assert found.value == pytest.approx(right.value)
            assert found.point is not None and Responder(drawing).incumbent(found.point[:3]).value == found.value


def test_a_value_function_says_the_same_of_a_draw_after_the_public_sets() -> None:
    drawing = public_program("miblp", 5, 1)
    found, other = solve(drawing), value_function.solve(drawing, Limits(seconds=3.0))
    assert found.status is Status.OPTIMAL
    assert other.bound - 1e-6 <= found.value <= other.value + 1e-6


@pytest.mark.parametrize("kind", ["rounded", "on the piece"])
def test_commitments_near_the_continuous_optimum_are_whole_and_within_bounds(kind: str) -> None:
    drawing = public_program("milp", 10, 0)
    near = Nearby(drawing, 2.0)
    found = near.roundings(2.0) if kind == "rounded" else [near.on_piece(1.0, 2.0)]
    assert found
    for x in found:
        assert x is not None and np.array_equal(x, np.round(x))
        assert np.all(x >= drawing.leader.lower) and np.all(x <= drawing.leader.upper)
    best = min(Responder(drawing).incumbent(x).value for x in found if x is not None)
    assert best == pytest.approx(near.value, rel=0.05)


def test_without_a_continuous_optimum_nothing_is_near() -> None:
    drawing = public_program("milp", 10, 0)
    odd = replace(drawing, objective=replace(drawing.objective, quadratic=sp.csr_array(np.eye(20))))
    near = Nearby(odd, 2.0)
    assert near.value == math.inf and near.roundings(1.0) == [] and near.on_piece(1.0, 1.0) is None


def test_a_tree_without_memory_leaves_the_rest_to_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MEMORY", 0.0)
    drawing = drawn(7)
    assert solve(drawing).value == pytest.approx(commitments.solve(drawing).value, abs=1e-6)


def test_the_master_ends_when_it_is_told_to() -> None:
    drawing = random_program(0, 15, 20, 1500.0, is_integer=True)
    whole = sides.sides_of(drawing)
    assert not isinstance(whole, str)
    own = master.Master(drawing, whole, Limits(seconds=60.0))
    assert own.propose() and not own.wait(0.2)
    began = time.perf_counter()
    own.halt()
    assert time.perf_counter() - began < 20.0
    assert own.bound == -math.inf
