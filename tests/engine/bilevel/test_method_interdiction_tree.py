"""The tree on what a leader takes away: every commitment answered beside it, its cuts at every x, its steps and its limits."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import inf

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments, interdiction
from coercivity.engine.bilevel.methods.interdiction_tree import method as interdiction_tree
from coercivity.engine.bilevel.methods.interdiction_tree.cuts import Packing, packing_of
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows, Variables
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables


def drawn(seed: int) -> BilevelProblem:
    """A packing of a few items: rows of weights, an item that two block, one that none does, costs and rows of the leader."""
    random = np.random.default_rng(seed)
    count, lines = int(random.integers(3, 7)), int(random.integers(1, 4))
    whole = seed % 3 != 2
    gain = np.round(random.uniform(1.0, 9.0, count), 0 if whole else 3)
    weight = random.integers(0, 7, (lines, count)).astype(float)
    weight[:, weight.sum(axis=0) == 0.0] += 1.0
    blocks = [(i, i) for i in range(count) if i != 0 or seed % 4] + ([(1, 2)] if seed % 2 else [])
    n, m, share = count, count, float(random.integers(1, 3))
    cost = np.round(random.uniform(-1.0, 3.0, n), 0 if whole else 3)
    matrix = [np.r_[np.zeros(n), line] for line in weight]
    sides = [np.floor(line.sum() * 0.5) for line in weight]
    for i, j in blocks:
        matrix.append(np.eye(n + m)[j] + np.eye(n + m)[n + i])
        sides.append(1.0)
    own = [np.r_[random.integers(1, 5, n), np.zeros(m)].astype(float)]
    level = [float(np.floor(own[0].sum() / 2.0))]
    if seed % 5 == 0:
        own.append(np.r_[np.ones(n), np.zeros(m)])
        level.append(float(n))
    lower = np.array([-inf, 1.0][: len(own)])
    none = sp.csr_array((n + m, n + m))
    columns = [
        Variables(
            tuple(f"{letter}{k}" for k in range(count)), np.zeros(count), np.ones(count), np.ones(count, dtype=bool)
        )
        for letter in "xy"
    ]
    return BilevelProblem(
        name=f"packing-{seed}",
        leader=columns[0],
        follower=columns[1],
        objective=Objective(np.r_[cost, share * gain], none, 5.0),
        rows=Rows(tuple(f"l{k}" for k in range(len(own))), sp.csr_array(np.array(own)), lower, np.array(level)),
        follower_objective=Objective(np.r_[np.zeros(n), -gain], none),
        follower_rows=Rows(
            tuple(f"f{k}" for k in range(len(sides))),
            sp.csr_array(np.array(matrix)),
            np.full(len(sides), -inf),
            np.array(sides),
        ),
    )


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_it_agrees_with_every_commitment_answered(start: int) -> None:
    for seed in range(start, start + 20):
        drawing = drawn(seed)
        found, right = interdiction_tree.solve(drawing), commitments.solve(drawing)
        assert (found.status, right.status) == (Status.OPTIMAL, Status.OPTIMAL), seed
        assert found.value == pytest.approx(right.value, abs=1e-6), seed
        assert found.bound == pytest.approx(right.value, abs=1e-5), seed


def test_its_claims_are_proved_and_auto_takes_it() -> None:
    drawing = drawn(3)
    assert certify(drawing, interdiction_tree.solve(drawing)).proof is ProofLevel.OPTIMAL
    assert selection.CLEVER[0] is interdiction_tree
    # The narrower class comes first; both claim the same.
    assert interdiction.solve(drawing).value == pytest.approx(interdiction_tree.solve(drawing).value)


def packing(seed: int) -> Packing:
    drawing = drawn(seed)
    found = packing_of(drawing, interdiction.losses_of(drawing))
    assert isinstance(found, Packing)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_cut_takes_off_what_the_follower_gains(seed: int) -> None:
    one, random = packing(seed), np.random.default_rng(seed)
    whole = [np.array(x, dtype=float) for x in itertools.product([0.0, 1.0], repeat=one.blocked_by.shape[1])]
    gains = [float(one.gain @ best) for best in (one.best(x, inf) for x in whole) if best is not None]
    assert len(gains) == len(whole)
    lifted = 0
    for _ in range(10):
        x = random.uniform(0.0, 1.0, one.blocked_by.shape[1])
        packed = one.greedy(one.left(x))
        coefficients, constant = one.cut(packed, x)
        assert np.array_equal(one.maximal(packed), packed)
        assert np.all(one.weight @ packed <= one.side + 1e-9)
        lifted += bool(np.any(coefficients != (one.gain * packed) @ one.blocked_by))
        for at, gain in zip(whole, gains, strict=True):
            assert gain + coefficients @ at >= constant - 1e-9
    assert lifted or seed not in (0, 3)


def test_bounds_are_rounded_up_by_the_step_and_by_no_more() -> None:
    drawing = drawn(0)
    found = interdiction_tree.solve(drawing, Limits(nodes=1))
    right = interdiction_tree.solve(drawing)
    assert found.bound <= right.value + 1e-9
    assert found.bound == -inf or (found.bound - 5.0) == pytest.approx(round(found.bound - 5.0))
    # A leader who pays in parts of one has no step, and none is made up.
    parts = drawn(2)
    assert interdiction_tree.solve(parts).value == pytest.approx(commitments.solve(parts).value, abs=1e-6)


def test_a_limit_leaves_a_bound_and_a_point() -> None:
    drawing = drawn(6)
    found, right = interdiction_tree.solve(drawing, Limits(nodes=2)), commitments.solve(drawing)
    assert found.bound <= right.value + 1e-6
    assert found.value >= right.value - 1e-6
    stuck = replace(
        drawing,
        rows=replace(drawing.rows, upper=np.full(len(drawing.rows), -1.0), lower=np.full(len(drawing.rows), -inf)),
    )
    assert interdiction_tree.solve(stuck).status is Status.INFEASIBLE


def test_an_answer_that_the_solver_did_not_finish_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = drawn(8)
    monkeypatch.setattr(Packing, "best", lambda *_: None)
    found = interdiction_tree.solve(drawing)
    assert found.status is Status.LIMIT
    assert found.bound <= commitments.solve(drawing).value + 1e-6


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: replace(p, objective=replace(p.objective, linear=np.ones(p.width))), "does not lose"),
        (lambda p: replace(p, follower=replace(p.follower, upper=np.full(len(p.follower), 3.0), is_integer=p.follower.is_integer & False)), "part of one"),
        (lambda p: replace(p, rows=Rows(("c",), sp.csr_array(np.ones((1, p.width))), np.array([-inf]), np.array([9.0]))), "has the follower's columns"),
        (lambda p: problem(variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 1.0)]), objective([1.0, 1.0]), objective([0.0, -1.0])), "blocks"),
    ],
)  # fmt: skip
def test_what_is_no_packing_is_refused(change: object, says: str) -> None:
    odd = change(drawn(1))  # type: ignore[operator]
    assert says in str(interdiction_tree.refuses(odd))
    with pytest.raises(UsageError, match=says):
        interdiction_tree.solve(odd)
