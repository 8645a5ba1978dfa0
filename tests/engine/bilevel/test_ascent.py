"""Pieces of the follower's answers: a step never loses, often gains, and is not taken where nothing proves it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.draws import random_program
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.problem import PriceTerm
from coercivity.engine.bilevel.response.ascent import Ascent
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits
from coercivity.engine.errors import InfeasibleProgram
from tests.bilevel_problems import moore_bard


def test_a_step_never_loses_and_often_gains() -> None:
    gains = steps = 0
    for seed in range(12):
        drawing = random_program(seed, 8, 8, 10.0, is_integer=False)
        if seed % 3 == 0:
            drawing = replace(drawing, leader=replace(drawing.leader, is_integer=np.arange(8) % 2 == 0))
        responder = Responder(drawing)
        ascent, random = Ascent(drawing, responder), np.random.default_rng(seed)
        for _ in range(5):
            x = random.integers(0, 3, 8).astype(float)
            try:
                before = responder.incumbent(x).value
            except InfeasibleProgram:
                continue
            piece = ascent.step(x)
            if piece is None or not np.isfinite(before):
                continue
            whole, onward = drawing.leader.is_integer, piece.point[:8]
            np.testing.assert_allclose(onward[whole], x[whole])
            after = responder.incumbent(onward).value
            assert after == pytest.approx(piece.value, rel=1e-6, abs=1e-6), seed
            assert after <= before + 1e-6 * max(1.0, abs(before)), seed
            steps, gains = steps + 1, gains + (after < before - 1e-3)
    assert steps > 20
    assert gains > steps / 2


@pytest.mark.parametrize("kind", ["integers", "prices", "quadratic"])
def test_where_multipliers_prove_nothing_no_step_is_taken(kind: str) -> None:
    drawing = random_program(1, 4, 4, 10.0, is_integer=False)
    odd = {
        "integers": moore_bard(),
        "prices": replace(drawing, prices=(PriceTerm(0, None, 1.0),)),
        "quadratic": replace(drawing, objective=replace(drawing.objective, quadratic=sp.csr_array(np.eye(8)))),
    }[kind]
    assert Ascent(odd, Responder(odd)).step(np.zeros(len(odd.leader))) is None


def test_a_tree_that_is_stopped_early_has_a_better_point() -> None:
    drawing = random_program(2, 20, 20, 10.0, is_integer=False)
    with_steps = complementarity.solve(drawing, Limits(nodes=3))
    right = complementarity.solve(drawing)
    assert right.value - 1e-6 <= with_steps.value <= right.value + 0.1 * abs(right.value)
