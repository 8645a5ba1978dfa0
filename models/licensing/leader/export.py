"""A licensing game as a bilevel program of matrices, so that other solvers can check it.

The leader picks one named strategy s with a binary z_s, Σ z_s = 1. The buyers have a copy y_s of their program for each,
whose right-hand sides and bounds are those of the strategy times z_s: with z_s = 0 only directions are left in which the
program recedes, and as its cost is bounded below, none of them pays. The buyers minimise Σ c_s·y_s, the leader maximises

    Σ_s fixed_s z_s + gain_s·y_s / 1000        million USD

and what is written is minimised, so that a solver shows the payoff with its sign turned. What is not linear in the buyers'
quantities cannot be said so, and is refused.

Source: Balas, *Disjunctive programming* (1979), for the copies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rows, Variables
from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.programs.hot import LinearProgram
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.commit import Game


def problem_of(instance: Instance, strategies: Sequence[str] = ()) -> BilevelProblem:
    """The game over named strategies, all of the file's by default.

    Raises
    ------
    UsageError
        The payoff is not linear in the buyers' quantities; with the reason and what would make it so.
    """
    _check(instance)
    for name in strategies:
        check_name("--strategy", name, instance.strategies, "strategies")
    game, names = Game(instance), tuple(dict.fromkeys(strategies)) or tuple(instance.strategies)
    programs, gains, fixed = [], [], []
    for name in names:
        announced = game.announce(name)
        programs.append(game.followers.layout.announced_program(announced))
        gains.append(game.export_gain(announced) / 1000.0)
        fixed.append(game.books.fixed(announced, game.announcer))
    return _joined(instance.name, names, programs, gains, fixed)


def _check(instance: Instance) -> None:
    rents, concession, found = instance.leader.rents, instance.concession, []
    for key, rent in (("licence", rents.licence), ("exporter", rents.exporter)):
        if float(rent) > 0:
            found.append(
                (f"the leader captures {key} rent, a product of a price and a quantity", f"leader.rents.{key}=0")
            )
    if concession is not None and float(concession.value) * float(concession.share) != 0:
        what = "the probability of the concession depends on the buyers' costs, and multiplies its value"
        found.append((what, '"concession.value=0 million USD/yr"'))
    if found:
        raise UsageError(
            instance.name,
            "its payoff is not linear in what buyers buy: " + "; ".join(what for what, _ in found),
            " ".join(f"--set {override}" for _, override in found),
        )


def _joined(
    name: str,
    strategies: Sequence[str],
    programs: Sequence[LinearProgram],
    gains: Sequence[np.ndarray],
    fixed: Sequence[float],
) -> BilevelProblem:
    """The programs side by side, each switched by its binary."""
    count, width = len(programs), programs[0].shape[1]
    columns, rows, lower, upper = count + count * width, [], [], []
    floor, ceiling = np.full(count * width, -np.inf), np.full(count * width, np.inf)
    for s, program in enumerate(programs):
        # A bound that zero scales to itself stays a bound; any other becomes a row with the binary.
        at = slice(s * width, (s + 1) * width)
        floor[at] = np.where(program.col_lower == 0.0, 0.0, -np.inf)
        ceiling[at] = np.where(program.col_upper == 0.0, 0.0, np.inf)
        whole = sp.csr_array(sp.vstack([program.matrix, sp.eye_array(width)]))
        low = np.r_[program.row_lower, np.where(program.col_lower == 0.0, -np.inf, program.col_lower)]
        high = np.r_[program.row_upper, np.where(program.col_upper == 0.0, np.inf, program.col_upper)]
        for side, sign in ((low, 1.0), (high, -1.0)):
            is_equal = low == high
            keep = np.flatnonzero(np.isfinite(side) & ~(is_equal if sign < 0 else np.zeros_like(is_equal)))
            switch = sp.csr_array(
                (-side[keep], (np.arange(len(keep)), np.full(len(keep), s))), shape=(len(keep), count)
            )
            before, after = ((len(keep), other * width) for other in (s, count - s - 1))
            rows.append(sp.hstack([switch, sp.csr_array(before), whole[keep], sp.csr_array(after)]))
            exact = is_equal[keep]
            lower.append(np.where(exact | (sign > 0), 0.0, -np.inf))
            upper.append(np.where(exact | (sign < 0), 0.0, np.inf))
    matrix = sp.csr_array(sp.vstack(rows))
    matrix.eliminate_zeros()
    nothing = sp.csr_array((columns, columns))
    cost = np.concatenate([np.zeros(count), *(program.cost for program in programs)])
    value = -np.concatenate([np.asarray(fixed), *gains])
    names = tuple(f"{strategy}.c{k}" for strategy in strategies for k in range(width))
    one = sp.csr_array(np.r_[np.ones(count), np.zeros(columns - count)][None, :])
    return BilevelProblem(
        name=name,
        leader=Variables(tuple(strategies), np.zeros(count), np.ones(count), np.ones(count, dtype=bool)),
        follower=Variables(names, floor, ceiling, np.zeros(count * width, dtype=bool)),
        objective=Objective(value, nothing),
        rows=Rows(("one_strategy",), one, np.ones(1), np.ones(1)),
        follower_objective=Objective(cost, nothing),
        follower_rows=Rows(
            tuple(f"r{k}" for k in range(matrix.shape[0])), matrix, np.concatenate(lower), np.concatenate(upper)
        ),
    )
