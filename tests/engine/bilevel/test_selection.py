"""Which method `auto` takes for followers with integers, and what is left of several that were stopped."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmarks.draws import random_program
from coercivity.engine.bilevel import selection
from coercivity.engine.bilevel.methods import commitments
from coercivity.engine.bilevel.methods.directions import method as directions
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status


def test_the_first_to_finish_answers() -> None:
    for seed in range(3):
        drawing = random_program(seed, 7, 6, 1.0, is_integer=True)
        found, right = selection.solve(drawing), commitments.solve(drawing)
        assert found.solution.status is right.status is Status.OPTIMAL
        assert found.solution.value == pytest.approx(right.value)
        assert "was first to finish" in found.why


def test_commitments_are_answered_where_the_clever_method_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = random_program(1, 7, 6, 1.0, is_integer=True)
    stopped = BilevelSolution(None, np.inf, -1e9, Status.LIMIT, "directions")
    monkeypatch.setattr(directions, "solve", lambda *_: stopped)
    found = selection.solve(drawing).solution
    assert (found.method, found.status) == ("commitments", Status.OPTIMAL)


def test_of_stopped_methods_the_best_point_and_the_best_bound_are_kept() -> None:
    drawing = random_program(2, 7, 6, 1.0, is_integer=True)
    right = commitments.solve(drawing)
    found = selection.solve(drawing, limits=Limits(nodes=1)).solution
    assert found.bound <= right.value + 1e-6
    assert right.value - 1e-6 <= found.value
    claims = [
        BilevelSolution(None, value, bound, Status.LIMIT, "made up") for value, bound in ((3.0, -5.0), (2.0, -9.0))
    ]
    one, other = (selection.Solved(claim, "") for claim in claims)
    best = selection._better(other, [one]).solution
    assert (best.value, best.bound) == (2.0, -5.0)
    best = selection._better(one, [other]).solution
    assert (best.value, best.bound) == (2.0, -5.0)


def test_the_limit_is_one_for_all() -> None:
    drawing = random_program(4, 10, 20, 1.0, is_integer=True)
    began = time.perf_counter()
    selection.solve(drawing, limits=Limits(seconds=4.0))
    assert time.perf_counter() - began < 12.0
