"""Optimal commitment to a mixture in a finite game, whoever of the follower's types answers.

For a fixed answer of every type the mixtures to which it is a best one are a polytope. With a type's ties broken for the
leader, the optimum is the best of one linear program for each answer; and all of them at once are a mixed-integer program
whose z^t_ij stands for x_i where type t answers j, and for 0 elsewhere,

    max Σ_t p_t Σ_ij R^t_ij z^t_ij   s.t.  Σ_j z^t_ij = x_i,   Σ_i z^t_ij (C^t_ij − C^t_ik) ≥ 0,   Σ_i z^t_ij ∈ {0, 1},

which has no big-M; with a single type its linear relaxation is exact. With ties broken against the leader only answers
count that are strictly best, up to equivalent ones, somewhere: those have polytopes of full dimension, which cover all
mixtures, and on each the leader can come as near to its best point as it likes from the inside. So the supremum is the
best of these programs, of the worst of equivalent answers; it is attained if at some optimal mixture every tie that is
left pays the leader no less.

Accepts: any finite game; pessimistic and by programs where the types' answers can be listed (10,000).
Bound: the linear programs', or the solver's bound of the mixed-integer program; rests on no assumption.
Source: Conitzer and Sandholm (2006), one program for each answer; Casorrán, Fortz, Labbé and Ordóñez (2019) for the
mixed-integer form; von Stengel and Zamir (2010) for the pessimistic value.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from engine.errors import UsageError
from engine.finite import FiniteGame, Floats, check_answers
from engine.solver import LinearProgram, SolveStatus
from engine.solver_mixed import precise, solve_mixed

METHOD = "commitment"
MOST = 10_000
# Of answers that are listed when both ways are open.
FEW = 200
# A polytope in which no answer is strict by more than this, relative to the payoffs, has no inside.
STRICT = 1e-9
# How far a witness of a value that is not attained stands inside.
INSIDE = 1e-4


@dataclass(frozen=True)
class Commitment:
    """A claim: the leader's mixture, what it is worth, and the bound on all others.

    Attributes
    ----------
    mixture : shape (leader's actions,); near the supremum where it is not attained
    value : the leader's expected payoff, or the supremum
    bound : no mixture is worth more under the same reading
    answers : the action of each type that the value counts
    is_pessimistic : ties are broken against the leader
    attained : whether the mixture reaches the value
    """

    mixture: Floats
    value: float
    bound: float
    answers: tuple[int, ...]
    is_pessimistic: bool
    attained: bool
    method: str
    seconds: float
    programs: int


def solve(game: FiniteGame, *, is_pessimistic: bool = False, method: str = "auto") -> Commitment:
    """The leader's best mixture.

    Parameters
    ----------
    is_pessimistic : break the follower's ties against the leader
    method : ``programs``, one for each answer; ``mixed_integer``; or ``auto``

    Raises
    ------
    UsageError
        The method does not take the reading, or the answers are too many to be listed.
    """
    started = time.perf_counter()
    if method not in ("auto", "programs", "mixed_integer"):
        raise UsageError(f"--method {method}", "no such method for a finite game", "auto, programs or mixed_integer")
    if is_pessimistic and method == "mixed_integer":
        raise UsageError(game.name, "the mixed-integer program breaks ties for the leader only", "use programs")
    by_programs = is_pessimistic or method == "programs" or (method == "auto" and game.answers() <= FEW)
    if by_programs:
        check_answers(game, MOST)
        found = _weak(game, started) if is_pessimistic else _strong(game, started)
    else:
        found = _mixed_integer(game, started)
    return found


def pure(game: FiniteGame) -> dict[str, tuple[str, float]]:
    """The best single action and its worth, with ties broken for the leader and against it."""
    worth = [game.worth(corner) for corner in np.eye(len(game.actions))]
    found = {}
    for reading, at in (("optimistic", 0), ("pessimistic", 1)):
        best = max(range(len(worth)), key=lambda action: worth[action][at])
        found[reading] = (game.actions[best], worth[best][at])
    return found


def _region(game: FiniteGame, answer: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Rows that say that an answer is a best one: matrix · x ≥ 0, and which of them can be strict."""
    rows, strict = [], []
    for kind, action in zip(game.types, answer, strict=True):
        same = kind.equivalent(action)
        for other in range(len(kind.actions)):
            if other not in same:
                rows.append(kind.follower[:, action] - kind.follower[:, other])
                strict.append(1.0 + float(np.abs(rows[-1]).max()))
    return np.array(rows).reshape(len(rows), len(game.actions)), np.array(strict)


def _over_mixtures(
    cost: Floats, rows: Floats, lower: Floats, extra: int = 0, bounds: tuple[float, float] = (0, 0)
) -> LinearProgram:
    """A program over a mixture and ``extra`` columns: the mixture sums to one, rows ≥ lower."""
    width = len(cost)
    one = np.r_[np.ones(width - extra), np.zeros(extra)]
    return LinearProgram(
        cost=cost,
        matrix=sp.csr_array(np.vstack([one, rows])),
        row_lower=np.r_[1.0, lower],
        row_upper=np.r_[1.0, np.full(len(lower), np.inf)],
        col_lower=np.r_[np.zeros(width - extra), np.full(extra, bounds[0])],
        col_upper=np.r_[np.ones(width - extra), np.full(extra, bounds[1])],
    )


def _strong(game: FiniteGame, started: float) -> Commitment:
    best: tuple[float, Floats, tuple[int, ...]] | None = None
    programs = 0
    for answer in game.each_answer():
        rows, _ = _region(game, answer)
        earned = sum(kind.probability * kind.leader[:, action] for kind, action in zip(game.types, answer, strict=True))
        hot = precise(_over_mixtures(-np.asarray(earned), rows, np.zeros(len(rows))))
        programs += 1
        if hot.optimise() is SolveStatus.OPTIMAL and (best is None or -hot.objective > best[0]):
            best = (-hot.objective, _cleaned(hot.primal()), answer)
    assert best is not None  # every mixture has a best answer
    return Commitment(
        best[1], best[0], best[0], best[2], False, True, "programs", time.perf_counter() - started, programs
    )


def _cleaned(mixture: Floats) -> Floats:
    clean = np.where(mixture < 1e-12, 0.0, mixture)
    return np.asarray(clean / clean.sum(), dtype=float)


def _worst_of_equivalent(game: FiniteGame, answer: tuple[int, ...], rows: Floats) -> LinearProgram:
    """max Σ_t p_t w_t where w_t is at most what any answer equivalent to the type's one pays."""
    count, types = len(game.actions), len(game.types)
    below = []
    for t, (kind, action) in enumerate(zip(game.types, answer, strict=True)):
        below += [np.r_[kind.leader[:, same], -np.eye(types)[t]] for same in kind.equivalent(action)]
    matrix = np.vstack([np.hstack([rows, np.zeros((len(rows), types))]), *below])
    cost = -np.r_[np.zeros(count), [kind.probability for kind in game.types]]
    return _over_mixtures(cost, matrix, np.zeros(len(matrix)), types, (-np.inf, np.inf))


def _inside(game: FiniteGame, answer: tuple[int, ...]) -> tuple[float, Floats]:
    """How strict an answer can be at once against all that are not equivalent to it, relatively, and where."""
    rows, size = _region(game, answer)
    cost = np.r_[np.zeros(len(game.actions)), -1.0]
    hot = precise(_over_mixtures(cost, np.hstack([rows, -size[:, None]]), np.zeros(len(rows)), 1, (-1.0, 1.0)))
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return -math.inf, np.zeros(len(game.actions))
    return -hot.objective, _cleaned(hot.primal()[:-1])


def _weak(game: FiniteGame, started: float) -> Commitment:
    found: list[tuple[float, Floats, Floats, tuple[int, ...]]] = []
    programs = 0
    for answer in game.each_answer():
        room, inside = _inside(game, answer)
        programs += 1
        if room <= STRICT:
            continue
        hot = precise(_worst_of_equivalent(game, answer, _region(game, answer)[0]))
        programs += 1
        if hot.optimise() is SolveStatus.OPTIMAL:
            found.append((-hot.objective, _cleaned(hot.primal()[: len(game.actions)]), inside, answer))
    value = max(entry[0] for entry in found)
    near = 1e-9 * (1.0 + abs(value))
    for worth, mixture, inside, answer in found:
        if worth < value - near:
            continue
        for at in (mixture, _reaching(game, answer, value)):
            if at is not None and game.worth(at)[1] >= value - 10 * near:
                return Commitment(
                    at, value, value, answer, True, True, "programs", time.perf_counter() - started, programs
                )
        witness = (mixture, inside, answer)
    mixture, inside, answer = witness
    nearby = (1.0 - INSIDE) * mixture + INSIDE * inside
    return Commitment(nearby, value, value, answer, True, False, "programs", time.perf_counter() - started, programs)


def _reaching(game: FiniteGame, answer: tuple[int, ...], value: float) -> Floats | None:
    """An optimal mixture at which every answer is either strictly worse for its type or no worse for the leader.

    A binary for each answer chooses which; the big-Ms are ranges of payoffs.
    """
    count, types, rows, lower = len(game.actions), len(game.types), [], []
    others = [
        (t, kind, action, other)
        for t, (kind, action) in enumerate(zip(game.types, answer, strict=True))
        for other in range(len(kind.actions))
        if other not in kind.equivalent(action)
    ]
    width = count + types + 1 + len(others)
    base = _worst_of_equivalent(game, answer, _region(game, answer)[0])
    for row in base.matrix.toarray()[1:]:
        rows.append(np.r_[row, np.zeros(1 + len(others))])
        lower.append(0.0)
    rows.append(np.r_[np.zeros(count), [kind.probability for kind in game.types], np.zeros(1 + len(others))])
    lower.append(value - 1e-10 * (1.0 + abs(value)))
    for at, (t, kind, action, other) in enumerate(others):
        choice = np.eye(len(others))[at]
        gap = kind.follower[:, action] - kind.follower[:, other]
        span = float(np.abs(kind.leader).max()) * 2.0 + 1.0
        # Strict by the margin where chosen, and where not, paid no less than what is counted.
        rows.append(np.r_[gap / (1.0 + np.abs(gap).max()), np.zeros(types), -1.0, -choice])
        lower.append(-1.0)
        rows.append(np.r_[kind.leader[:, other], -np.eye(types)[t], 0.0, span * choice])
        lower.append(0.0)
    cost = np.zeros(width)
    cost[count + types] = -1.0
    program = _over_mixtures(cost, np.array(rows), np.array(lower), width - count, (0.0, 1.0))
    col_lower, col_upper = program.col_lower.copy(), program.col_upper.copy()
    col_lower[count : count + types], col_upper[count : count + types] = -np.inf, np.inf
    whole = np.arange(width) >= count + types + 1
    found = solve_mixed(
        LinearProgram(cost, program.matrix, program.row_lower, program.row_upper, col_lower, col_upper), whole
    )
    if found.point is None or found.point[count + types] <= 1e-7:
        return None
    return _cleaned(found.point[:count])


def _mixed_integer(game: FiniteGame, started: float) -> Commitment:
    count, widths = len(game.actions), [len(kind.actions) for kind in game.types]
    starts = np.cumsum([0, *[count * width for width in widths]])
    flags = starts[-1] + np.cumsum([0, *widths])
    columns = int(flags[-1])
    cost, rows, lower, upper = np.zeros(columns), [], [], []
    for t, kind in enumerate(game.types):
        z = (starts[t] + np.arange(count * widths[t])).reshape(count, widths[t])
        cost[z] = -kind.probability * kind.leader
        for j in range(widths[t]):
            for k in range(widths[t]):
                if k != j:
                    rows.append(_row(columns, z[:, j], kind.follower[:, j] - kind.follower[:, k]))
                    lower.append(0.0)
                    upper.append(np.inf)
            rows.append(_row(columns, np.r_[z[:, j], flags[t] + j], np.r_[np.ones(count), -1.0]))
            lower.append(0.0)
            upper.append(0.0)
        rows.append(_row(columns, flags[t] + np.arange(widths[t]), np.ones(widths[t])))
        lower.append(1.0)
        upper.append(1.0)
        for i in range(count if t else 0):
            first = starts[0] + i * widths[0] + np.arange(widths[0])
            rows.append(_row(columns, np.r_[z[i], first], np.r_[np.ones(widths[t]), -np.ones(widths[0])]))
            lower.append(0.0)
            upper.append(0.0)
    program = LinearProgram(
        cost, sp.csr_array(np.array(rows)), np.array(lower), np.array(upper), np.zeros(columns), np.ones(columns)
    )
    found = solve_mixed(program, np.arange(columns) >= flags[0])
    if found.point is None:
        raise UsageError(game.name, "the solver found no commitment", "use --method programs")
    mixture = _cleaned(found.point[: count * widths[0]].reshape(count, widths[0]).sum(axis=1))
    answer = tuple(int(np.argmax(found.point[flags[t] : flags[t + 1]])) for t in range(len(game.types)))
    return Commitment(
        mixture, -found.value, -found.bound, answer, False, True, "mixed_integer", time.perf_counter() - started, 1
    )


def _row(width: int, at: Floats, values: Floats) -> Floats:
    row = np.zeros(width)
    row[at.astype(np.intp)] = values
    return row
