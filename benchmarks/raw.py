"""The same strategies through highspy directly: what the solver alone costs, with nothing of ours around it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from highspy._core import _Highs

from coercivity.engine.menu.enumeration import Choice
from coercivity.engine.programs.hot import bounds_from_singletons, highs_model
from coercivity.models.licensing.leader.commit import Game


def raw_loop(game: Game, choices: Sequence[Choice]) -> float:
    """Mean seconds per strategy of a bare loop: pass costs and bounds that were computed beforehand, run, read the point."""
    layout, announcer = game.followers.layout, game.announcer
    smaller, taken, bounded, _ = bounds_from_singletons(layout.program)
    position = np.full(layout.program.shape[0], -1, dtype=np.int32)
    position[taken] = bounded
    kept = np.setdiff1d(np.arange(layout.program.shape[0]), taken)
    row_of = np.full(layout.program.shape[0], -1, dtype=np.int32)
    row_of[kept] = np.arange(len(kept))
    prepared = []
    for choice in choices:
        announced = announcer.announce(game.menu.path(choice))
        prepared.append((layout.cost(announced), *layout.limits(announced)))
    told = prepared[0][1]
    as_column, as_row = position[told] >= 0, position[told] < 0
    columns, rows = position[told][as_column], row_of[told][as_row]

    highs = _Highs()
    for option, value in {"output_flag": False, "threads": 1, "solver": "simplex"}.items():
        highs.setOptionValue(option, value)
    highs.passModel(highs_model(smaller))
    every = np.arange(smaller.shape[1], dtype=np.int32)
    nothing, lowest = np.zeros(len(columns)), np.full(len(rows), -np.inf)
    started = 0.0
    for number, (cost, _, sides) in enumerate(prepared):
        if number == 1:  # the first solve is a cold one
            highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.0)
            highs.setOptionValue("simplex_dual_edge_weight_strategy", 1)
            started = time.perf_counter()
        highs.changeColsCost(len(every), every, cost)
        highs.changeColsBounds(len(columns), columns, nothing, sides[as_column])
        highs.changeRowsBounds(len(rows), rows, lowest, sides[as_row])
        highs.run()
        np.array(highs.getSolution().col_value)
    return (time.perf_counter() - started) / (len(prepared) - 1)
