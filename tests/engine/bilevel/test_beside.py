"""Pieces beside the best one: what is found is bilevel feasible and better, integers stay, and the search gives way to the tree."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.draws import random_program
from coercivity.engine.bilevel.methods.tight_rows import method as tight_rows
from coercivity.engine.bilevel.problem import BilevelProblem, Rows
from coercivity.engine.bilevel.response.ascent import Ascent, Piece
from coercivity.engine.bilevel.response.beside import Beside
from coercivity.engine.bilevel.response.incumbents import Incumbents
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits


def drawn(seed: int) -> BilevelProblem:
    """Twelve columns each: one in two with a row of the leader's over both, one in three with integers of the leader."""
    drawing = random_program(seed, 12, 12, 10.0, is_integer=False)
    if seed % 2:
        row = sp.csr_array(np.random.default_rng(seed).integers(-9, 10, (1, 24)).astype(float))
        drawing = replace(drawing, rows=Rows(("c",), row, np.array([-inf]), np.array([40.0])))
    if seed % 3 == 0:
        drawing = replace(drawing, leader=replace(drawing.leader, is_integer=np.arange(12) % 2 == 0))
    return drawing


def climbed(drawing: BilevelProblem) -> tuple[Ascent, Piece | None]:
    ascent = Ascent(drawing, Responder(drawing))
    return ascent, ascent.climbed(np.zeros(12))


def test_what_is_found_is_better_and_answers_best() -> None:
    found = 0
    for seed in range(12):
        drawing = drawn(seed)
        ascent, best = climbed(drawing)
        if best is None:
            continue
        beside, responder, whole = Beside(ascent), Responder(drawing), drawing.leader.is_integer
        for _ in range(40):
            better = beside.better(best)
            if better is None:
                continue
            found += 1
            assert better.value < best.value
            np.testing.assert_allclose(better.point[:12][whole], best.point[:12][whole])
            x = better.point[:12].copy()
            x[whole] = np.round(x[whole])
            assert responder.incumbent(x).value == pytest.approx(better.value, rel=1e-6, abs=1e-6), seed
            best = better
    assert found >= 6


def test_only_sides_of_the_followers_are_let_go_the_dearest_first() -> None:
    drawing = drawn(6)
    ascent, best = climbed(drawing)
    assert best is not None
    tried: list[np.ndarray] = []
    own = ascent.piece

    def noting(held: np.ndarray, x: np.ndarray) -> Piece | None:
        tried.append(held)
        return own(held, x)

    ascent.piece = noting  # type: ignore[method-assign]
    beside = Beside(ascent)
    beside.better(best)
    assert len(tried[0]) == len(drawing.follower_rows) + len(drawing.follower)
    gone = np.flatnonzero(tried[0] != best.held)
    assert gone.tolist() == [int(best.gain.argmax())]
    assert tried[0][gone[0]] == 0.0


def test_neighbours_are_the_same_each_time_and_vain_ones_are_counted() -> None:
    values = []
    for _ in range(2):
        ascent, best = climbed(drawn(2))
        beside, seen = Beside(ascent), []
        assert best is not None
        for _ in range(30):
            better = beside.better(best)
            best = best if better is None else better
            seen.append(best.value)
        values.append(seen)
    assert values[0] == values[1]
    assert beside.vain <= 30


def test_nothing_is_tried_where_letting_go_gains_nothing() -> None:
    ascent, best = climbed(drawn(2))
    assert best is not None
    content = replace(best, gain=-np.ones_like(best.gain))
    before = ascent.solves
    assert Beside(ascent).better(content) is None
    assert ascent.solves == before


def test_programs_for_neighbours_keep_to_their_share() -> None:
    drawing = random_program(2, 20, 20, 10.0, is_integer=False)
    incumbents = Incumbents(drawing)
    incumbents.look_beside(1000)
    assert incumbents.programs == 0
    incumbents.ask(np.zeros(40))
    before = incumbents.programs
    incumbents.look_beside(400)
    first = incumbents.programs - before
    incumbents.look_beside(4000)
    second = incumbents.programs - before - first
    # A neighbour that was begun is finished, and each takes a larger share of the budget than the vain one before it.
    assert 0 < first <= 450
    assert second < 3600 / 2


def test_a_tree_that_is_stopped_early_is_near_the_optimum() -> None:
    for seed in (0, 1):
        drawing = random_program(seed, 40, 40, 10.0, is_integer=False)
        stopped, proved = tight_rows.solve(drawing, Limits(nodes=20)), tight_rows.solve(drawing)
        assert proved.value <= stopped.value <= proved.value + 0.02 * abs(proved.value)
