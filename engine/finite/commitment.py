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

The solver only says in which order the answers are worth looking at: its multipliers give each a bound, computed with what
rounding can add to it, and those whose bound exceeds the best value are solved in exact fractions. So nothing rests on a
tolerance of the solver, whatever the scales of the payoffs; where a strict answer is strict by next to nothing, so that the
rounding of the data may decide, the claim says that it assumes it.

Accepts: any finite game; pessimistic and by programs where the types' answers can be listed (10,000).
Bound: the linear programs', or the solver's bound of the mixed-integer program; rests on no assumption but that one.
Source: Conitzer and Sandholm (2006), one program for each answer; Casorrán, Fortz, Labbé and Ordóñez (2019) for the
mixed-integer form; von Stengel and Zamir (2010) for the pessimistic value.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from coercivity.engine.errors import SolverFailed, UsageError
from coercivity.engine.finite.game import FiniteGame, Floats, check_answers
from coercivity.engine.finite.region import Region, floats, over_mixtures, region_of, scales
from coercivity.engine.programs.exact import ExactOptimum, Integers, fractions
from coercivity.engine.programs.hot import LinearProgram
from coercivity.engine.programs.mixed import solve_mixed

METHOD = "commitment"
MOST = 10_000
# Of answers that are listed when both ways are open.
FEW = 200
# A lead of less than the first part of what it is made of may be rounding alone; one of more than the second is none.
STRICT, CLEAR = 1e-13, 1e-11
THIN = f"an answer that leads by less than {CLEAR:g} of the payoffs that the lead is made of counts as tied"
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
    assumptions : what value and bound rest on, a sentence each
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
    assumptions: tuple[str, ...] = ()


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
        found = _weak(game) if is_pessimistic else _strong(game)
    else:
        found = _mixed_integer(game)
    return replace(found, seconds=time.perf_counter() - started)


def pure(game: FiniteGame) -> dict[str, tuple[str, float]]:
    """The best single action and its worth, with ties broken for the leader and against it."""
    worth = [game.worth(corner) for corner in np.eye(len(game.actions))]
    found = {}
    for reading, at in (("optimistic", 0), ("pessimistic", 1)):
        best = max(range(len(worth)), key=lambda action: worth[action][at])
        found[reading] = (game.actions[best], worth[best][at])
    return found


def _sorted(game: FiniteGame, is_pessimistic: bool) -> list[tuple[float, Region]]:
    """Every answer's region with its bound, the greatest first."""
    regions = [region_of(game, answer, is_pessimistic) for answer in game.each_answer()]
    return sorted(((region.bound(), region) for region in regions), key=lambda pair: -pair[0])


def _strong(game: FiniteGame) -> Commitment:
    best: tuple[Fraction, Floats, tuple[int, ...]] | None = None
    regions = _sorted(game, False)
    exact = 0
    for bound, region in regions:
        if best is not None and bound <= best[0] + _hair(best[0], region):
            break
        exact += 1
        found = region.optimum()
        if found is not None and (best is None or found.value > best[0]):
            best = (found.value, floats(found.point[: len(game.actions)]), region.answer)
    assert best is not None  # every mixture has a best answer
    value = float(best[0])
    return Commitment(best[1], value, value, best[2], False, True, "programs", 0.0, len(regions) + exact)


def _hair(value: Fraction, region: Region) -> Fraction:
    """A difference of values that is rounding, or far below what a reader could mean."""
    return Fraction(1e-12) * Fraction(
        float(np.abs(region.pays - float(value)).min(axis=1).max(initial=0.0))
    ) + Fraction(4.0 * float(np.finfo(float).eps) * abs(float(value)))


def _weak(game: FiniteGame) -> Commitment:
    regions, exact = _sorted(game, True), 0
    best: Fraction | None = None
    found: list[tuple[Region, ExactOptimum, Floats]] = []
    is_thin = False
    for bound, region in regions:
        if best is not None and bound < best - _hair(best, region):
            break
        exact += 1
        optimum = region.optimum()
        if optimum is None or (best is not None and optimum.value < best - _hair(best, region)):
            continue
        inside = region.inside(CLEAR, 1.0)
        if inside is None:
            is_thin = is_thin or region.inside(STRICT, 0.0) is not None
        else:
            best = optimum.value if best is None else max(best, optimum.value)
            found.append((region, optimum, inside))
    assert best is not None  # the regions with an inside cover the mixtures
    value, assumed = float(best), (THIN,) if is_thin else ()
    claim = Commitment(np.zeros(0), value, value, (), True, True, "programs", 0.0, len(regions) + exact, assumed)
    for region, optimum, inside in found:
        if optimum.value < best - _hair(best, region):
            continue
        count = len(game.actions)
        for at in (floats(optimum.point[:count]), _reaching(region, optimum.value)):
            if at is not None and game.worth(at)[1] >= value - _resolution(game, at, region.answer, value):
                return replace(claim, mixture=at, answers=region.answer)
        nearby = (1.0 - INSIDE) * floats(optimum.point[:count]) + INSIDE * inside
        witness = (nearby, region.answer)
    return replace(claim, mixture=witness[0], answers=witness[1], attained=False)


def _resolution(game: FiniteGame, mixture: Floats, answer: tuple[int, ...], value: float) -> float:
    """How near to a value counts as the value at a mixture: a part in 1e9 of what it is made of, and rounding."""
    apart = size = 0.0
    for kind, action in zip(game.types, answer, strict=True):
        apart += kind.probability * float(mixture @ np.abs(kind.leader[:, action] - value))
        size += kind.probability * float(mixture @ np.abs(kind.leader[:, action]))
    return 1e-9 * apart + 16.0 * float(np.finfo(float).eps) * size


def _reaching(region: Region, value: Fraction) -> Floats | None:
    """An optimal mixture at which every answer is either strictly worse for its type or no worse for the leader.

    A mixed-integer program chooses which, with ranges of payoffs as big-Ms; the mixture is then computed exactly.
    """
    game, answer = region.game, region.answer
    others = [
        (t, other)
        for t, (kind, action) in enumerate(zip(game.types, answer, strict=True))
        for other in range(len(kind.actions))
        if other not in kind.equivalent(action)
    ]
    if not others:
        return None
    is_strict = _chosen(region, others, float(value))
    if is_strict is None:
        return None
    count, types = len(game.actions), len(game.types)
    low = min(fractions(region.pays).min(), *(fractions(kind.leader).min() for kind in game.types))
    none = fractions(np.zeros(types + 1))
    rows = []
    for cap, t in zip(fractions(region.pays), region.of, strict=True):
        rows.append([*(cap - low), *_minus_one(none, t)])
    rows += [[*row, *none] for row in fractions(region.stay)]
    for (t, other), strict in zip(others, is_strict, strict=True):
        kind = game.types[t]
        if strict:
            lead = kind.lead(answer[t])[:, [other]].T
            rows.append([*fractions(lead / scales(lead)[:, None])[0], *_minus_one(none, types)])
        else:
            rows.append([*(fractions(kind.leader[:, other]) - low), *_minus_one(none, t)])
    # The margin is at most one, which the mixture sums to.
    rows.append([*[Fraction(1)] * count, *_minus_one(none, types)])
    odds = [Fraction(kind.probability) for kind in game.types]
    aim = float(value - low * sum(odds))
    rows.append([*fractions(np.full(count, -aim * (1.0 - 1e-12))), *odds, Fraction(0)])
    gain = [Fraction(0)] * (count + types) + [Fraction(1)]
    found = over_mixtures(gain, np.array(rows, dtype=object), types + 1)
    return None if found is None or found.value <= 0 else floats(found.point[:count])


def _minus_one(none: Integers, at: int) -> list[Fraction]:
    return [Fraction(-1) if column == at else entry for column, entry in enumerate(none)]


def _chosen(region: Region, others: list[tuple[int, int]], value: float) -> list[bool] | None:
    """Which answers a best mixture keeps strictly worse for their type, the others paying no less; None where none does."""
    game, count, types = region.game, len(region.game.actions), len(region.game.types)
    low = min(float(region.pays.min()), *(float(kind.leader.min()) for kind in game.types))
    spread = max(float(kind.leader.max()) for kind in game.types) - low or 1.0
    width = count + types + 1 + len(others)
    rows, lower = [np.r_[np.ones(count), np.zeros(width - count)]], [1.0]
    for cap, t in zip(region.pays, region.of, strict=True):
        rows.append(np.r_[(cap - low) / spread, -np.eye(types)[t], np.zeros(1 + len(others))])
        lower.append(0.0)
    for row in region.stay / scales(region.stay)[:, None]:
        rows.append(np.r_[row, np.zeros(width - count)])
        lower.append(0.0)
    for at, (t, other) in enumerate(others):
        kind, choice = game.types[t], np.eye(len(others))[at]
        lead = kind.lead(region.answer[t])[:, other]
        # Strict by the margin where chosen, and where not, paid no less than what is counted.
        rows.append(np.r_[lead / scales(lead[None, :])[0], np.zeros(types), -1.0, -2.0 * choice])
        rows.append(np.r_[(kind.leader[:, other] - low) / spread, -np.eye(types)[t], 0.0, choice])
        lower += [-2.0, 0.0]
    odds = np.array([kind.probability for kind in game.types])
    rows.append(np.r_[np.zeros(count), odds, np.zeros(1 + len(others))])
    lower.append((value - low * odds.sum()) / spread - 1e-9)
    cost = np.zeros(width)
    cost[count + types] = -1.0
    program = LinearProgram(
        cost, sp.csr_array(np.array(rows)), np.array(lower), np.r_[1.0, np.full(len(rows) - 1, np.inf)],
        np.zeros(width), np.ones(width),
    )  # fmt: skip
    found = solve_mixed(program, np.arange(width) >= count + types + 1)
    if found.point is None or found.point[count + types] <= 1e-9:
        return None
    return [bool(entry > 0.5) for entry in found.point[count + types + 1 :]]


def _mixed_integer(game: FiniteGame) -> Commitment:
    count, widths = len(game.actions), [len(kind.actions) for kind in game.types]
    starts = np.cumsum([0, *[count * width for width in widths]])
    flags = starts[-1] + np.cumsum([0, *widths])
    columns = int(flags[-1])
    low = min(float(kind.leader.min()) for kind in game.types)
    spread = max(float(kind.leader.max()) for kind in game.types) - low or 1.0
    cost, rows, lower, upper = np.zeros(columns), [], [], []
    for t, kind in enumerate(game.types):
        z = (starts[t] + np.arange(count * widths[t])).reshape(count, widths[t])
        cost[z] = -kind.probability * (kind.leader - low) / spread
        for j in range(widths[t]):
            for k in range(widths[t]):
                if k != j:
                    lead = kind.lead(j)[:, k]
                    rows.append(_row(columns, z[:, j], lead / scales(lead[None, :])[0]))
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
        raise SolverFailed(game.name, "the solver found no commitment", "use --method programs")
    answer = tuple(int(np.argmax(found.point[flags[t] : flags[t + 1]])) for t in range(len(game.types)))
    best = region_of(game, answer, False).optimum()
    if best is None:
        raise SolverFailed(game.name, "the solver's answer is a best one nowhere", "use --method programs")
    odds = sum(kind.probability for kind in game.types)
    value, bound = float(best.value), low * odds - spread * found.bound
    # Up to the solver's tolerance the bound is the value's; where it is not, both are told.
    bound = value if abs(bound - value) <= 1e-6 * spread and bound >= value - 1e-6 * spread else max(bound, value)
    return Commitment(floats(best.point[:count]), value, bound, answer, False, True, "mixed_integer", 0.0, 2)


def _row(width: int, at: Floats, values: Floats) -> Floats:
    row = np.zeros(width)
    row[at.astype(np.intp)] = values
    return row
