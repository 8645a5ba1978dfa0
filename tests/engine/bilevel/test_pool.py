"""Earlier answers bound what other commitments are worth: never above the truth, and often enough at it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge import certify as judge
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.response.pool import Pool
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.errors import InfeasibleProgram
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables

PAIRS = Path(__file__).parents[3] / "instances" / "literature" / "pairs"


def drawn(seed: int) -> BilevelProblem:
    """Integers of both levels with linking rows, a coupling row, a row of the leader's own and rows that are bounds."""
    random = np.random.default_rng(seed)
    rows = [(random.integers(-5, 6, 6).astype(float).tolist(), "<=", float(random.integers(4, 14))) for _ in range(3)]
    single = [([1.0, 0.0, 0.0, 2.0, 0.0, 0.0], "<=", 5.0), ([0.0, -1.0, 0.0, 0.0, 1.0, 0.0], ">=", -1.0)]
    coupling = ([*random.integers(-2, 3, 6).astype(float)], "<=", float(random.integers(2, 9)))
    own = ([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], "<=", 3.0)
    cost = random.integers(-5, 6, 3).astype(float)
    gain = -2.0 * cost if seed % 4 == 0 else random.integers(-5, 6, 3).astype(float)
    return problem(
        variables("x", [(0.0, 1.0)] * 2 + [(0.0, 2.0)], [0, 1, 2]),
        variables("y", [(0.0, 4.0)] * 3, [0, 1, 2] if seed % 3 else [0, 1]),
        objective([*random.integers(-5, 6, 3).astype(float).tolist(), *gain.tolist()], constant=float(seed)),
        objective([1.0, -2.0, 0.0, *cost.tolist()]),
        leader_rows=[own, coupling] if seed % 2 else [own],
        follower_rows=rows + single,
    )


def worth(responder: Responder, x: np.ndarray) -> tuple[float, np.ndarray | None]:
    try:
        found = responder.incumbent(x)
    except InfeasibleProgram:
        return np.inf, None
    return found.value, found.answer


def test_no_bound_is_above_what_the_follower_makes_of_it() -> None:
    tight = above = known = 0
    for seed in range(40):
        drawing = drawn(seed)
        responder = Responder(drawing)
        grid = [np.array(x, dtype=float) for x in itertools.product((0, 1), (0, 1), (0, 1, 2))]
        values = [worth(responder, x) for x in grid]
        for at, (value, _) in enumerate(values):
            pool = Pool(drawing, responder)
            for other, (_, answer) in enumerate(values):
                pool.learn(answer if other != at else None)
            if not pool.keeps(grid[at]):
                assert value == np.inf
                continue
            bound = pool.bound(grid[at])
            known += bound > -np.inf
            tight += bool(abs(bound - value) < 1e-6)
            above += bool(bound > value + 1e-6 * max(1.0, abs(value)))
    assert above == 0
    assert tight > 100, (tight, known)


def test_answers_of_a_follower_without_integers_are_not_kept() -> None:
    drawing = drawn(1)
    relaxed = replace(drawing, follower=replace(drawing.follower, is_integer=np.zeros(3, dtype=bool)))
    pool = Pool(relaxed, Responder(relaxed))
    pool.learn(np.zeros(3))
    assert pool.bound(np.zeros(3)) == -np.inf


@pytest.mark.parametrize("seed", range(24))
def test_a_judge_who_looked_at_everything_knows_the_bound(seed: int) -> None:
    drawing = drawn(seed)
    right = commitments.solve(drawing)
    if right.point is None:
        return
    stopped = replace(right, bound=right.value - 7.0, status=Status.LIMIT)
    found = certify(drawing, stopped)
    assert (found.proof, found.bound) == (ProofLevel.OPTIMAL, pytest.approx(right.value, abs=1e-9))
    assert found.is_confirmed
    assert judge.PROVED in found.notes
    # A bound that is above the truth is refuted, whatever the pool has settled.
    worse = _another(drawing, right)
    if worse is not None:
        claimed = certify(drawing, worse)
        assert claimed.proof is ProofLevel.BILEVEL_FEASIBLE
        assert claimed.refutation_value == pytest.approx(right.value)
        modest = certify(drawing, replace(worse, bound=right.value - 3.0))
        assert (modest.proof, modest.bound) == (ProofLevel.BILEVEL_FEASIBLE, pytest.approx(right.value))


def _another(drawing: BilevelProblem, right: BilevelSolution) -> BilevelSolution | None:
    """A worse commitment that is claimed to be the best."""
    responder = Responder(drawing)
    for x in itertools.product((0, 1), (0, 1), (0, 1, 2)):
        try:
            found = responder.incumbent(np.array(x, dtype=float))
        except InfeasibleProgram:
            continue
        if found.point is not None and found.value > right.value + 0.5 and Pool(drawing, responder).keeps(np.array(x)):
            return replace(right, point=found.point, value=found.value, bound=found.value)
    return None


def test_a_thousand_attacks_take_a_few_answers() -> None:
    drawing = read(PAIRS / "knapsack_interdiction.mps")
    found = commitments.solve(drawing)
    assert (found.value, found.status) == (pytest.approx(115.0), Status.OPTIMAL)
    assert found.nodes > 500
    assert found.programs < 60


def test_a_clock_that_has_run_out_is_told_and_confirms_nothing() -> None:
    drawing = drawn(2)
    found = certify(drawing, commitments.solve(drawing), 0.0)
    assert not found.is_confirmed
    assert any(note.startswith(judge.OUT_OF_TIME) for note in found.notes)
