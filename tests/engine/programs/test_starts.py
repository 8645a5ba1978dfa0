"""A program that begins at the nearest basis it has kept finds the same optimum, in fewer steps."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.programs import starts
from coercivity.engine.programs.hot import HotProgram, LinearProgram
from coercivity.engine.programs.starts import Starts

SIZE = 60


def program() -> LinearProgram:
    """A transport of what is wanted in many places from few, with caps that move."""
    random = np.random.default_rng(4)
    matrix = sp.random_array((SIZE, 2 * SIZE), density=0.1, rng=random, format="csr")
    return LinearProgram(
        -random.uniform(1.0, 2.0, 2 * SIZE), sp.csr_array(matrix), np.full(SIZE, -np.inf), np.full(SIZE, 10.0),
        np.zeros(2 * SIZE), np.full(2 * SIZE, 5.0),
    )  # fmt: skip


def sides() -> list[np.ndarray]:
    """Right-hand sides that move a little, then altogether, then back."""
    random = np.random.default_rng(5)
    here, there = random.uniform(1.0, 9.0, SIZE), random.uniform(1.0, 9.0, SIZE)
    found = []
    for at in range(12):
        side = (here if at % 2 else there).copy()
        side[at] *= 1.5
        found.append(side)
    return found


def run(begins: bool) -> tuple[list[float], int]:
    hot, steps, values = HotProgram(program()), 0, []
    rows, from_ = np.arange(SIZE, dtype=np.int32), Starts(hot)
    for side in sides():
        if begins:
            from_.begin(side)
        hot.set_row_upper(rows, side)
        hot.require_optimum("transport")
        values.append(hot.objective)
        steps += hot.iterations
        if begins:
            from_.keep(side)
    return values, steps


def test_the_optimum_is_the_same_and_sooner_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, long = run(begins=False)
    near, short = run(begins=True)
    assert near == pytest.approx(plain, rel=1e-9)
    assert short < 0.7 * long
    monkeypatch.setattr(starts, "FAR", 0.0)  # every start is a cold one
    assert run(begins=True)[0] == pytest.approx(plain, rel=1e-9)


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "KEPT", 3)
    hot = HotProgram(program())
    found = Starts(hot)
    for side in sides():
        found.begin(side)
        hot.set_row_upper(np.arange(SIZE, dtype=np.int32), side)
        hot.require_optimum("transport")
        found.keep(side)
    assert len(found._kept) == 3
