"""Programs of a tree's nodes: one that is asked to stop does so where nothing is better, and only where that is proved."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.draws import random_program
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.programs.hot import SolveStatus
from coercivity.engine.programs.nodes import NodeProgram


def moved(seed: int, offset: float = 0.0) -> tuple[NodeProgram, float, float]:
    """A program solved once, with some columns held down since; its two optima."""
    program = high_point(random_program(seed, 12, 12, 10.0, is_integer=False))[0].program(offset)
    upper = np.where(np.arange(24) % 3 == 0, 2.0, program.col_upper)
    hot = NodeProgram(program)
    assert hot.optimise() is SolveStatus.OPTIMAL
    first, basis = hot.objective, hot.basis()
    hot.set_bounds(program.col_lower, upper)
    assert hot.optimise() is SolveStatus.OPTIMAL
    last = hot.objective
    hot.set_bounds(program.col_lower, program.col_upper)
    hot.start_from(basis)
    assert hot.optimise() is SolveStatus.OPTIMAL
    hot.set_bounds(program.col_lower, upper)
    return hot, first, last


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.999, 1.001, 2.0])
def test_a_solve_stops_where_nothing_costs_less(share: float, offset: float) -> None:
    stopped = 0
    for seed in range(8):
        hot, first, last = moved(seed, offset)
        goal = first + share * (last - first)
        hot.stop_at(goal)
        status = hot.optimise()
        stopped += status is SolveStatus.BEYOND
        # The last step may arrive at the optimum and the goal at once.
        assert goal < last if status is SolveStatus.BEYOND else hot.objective == pytest.approx(last), seed
        # What follows is solved to its end again.
        hot.stop_at(np.inf)
        assert hot.optimise() is SolveStatus.OPTIMAL
        assert hot.objective == pytest.approx(last)
    assert stopped >= 3 if share < 0.9 else stopped <= 8 * (share < 1.0)


def test_what_the_multipliers_do_not_prove_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    hot, first, last = moved(1)
    hot.stop_at(0.5 * (first + last))
    monkeypatch.setattr(NodeProgram, "_reached", lambda _: -np.inf)
    assert hot.optimise() is SolveStatus.OPTIMAL
    assert hot.objective == pytest.approx(last)


def test_multipliers_prove_the_optimum() -> None:
    hot, _, last = moved(2)
    assert hot.optimise() is SolveStatus.OPTIMAL
    assert hot._reached() == pytest.approx(last, rel=1e-7)
