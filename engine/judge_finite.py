"""The judge of commitments in finite games: recomputes what a mixture is worth and proves its bound again.

The follower's best responses are recomputed from the matrices. For the bound every way in which the types can answer is
gone through, and the multipliers of a linear program prove, by weak duality and nothing else, that no mixture to which it
is an answer pays more; against the leader only answers that are strictly best somewhere are counted. Where the answers
are too many to be listed the bound stays an assumption.

Source: Conitzer and Sandholm (2006); von Stengel and Zamir (2010).
"""

from __future__ import annotations

from math import inf
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from engine.certificate import Certificate
from engine.check import Check, at_most, compare
from engine.errors import InfeasibleProgram
from engine.finite import FiniteGame, FollowerType
from engine.solver import Floats, LinearProgram, dual_bound, solve_once

MOST = 10_000
# How near a mixture must come to a supremum that is not attained, relative to the largest payoff.
APPROACH = 1e-3
# An answer that can nowhere be strict by more than this, relative to the payoffs, is strict nowhere.
STRICT = 1e-8
UNPROVED = (
    "the bound of the mixed-integer program, which was not proved again: the types' answers are too many to be listed"
)


class Claim(Protocol):
    """What is judged; see ``engine.methods.commitment.Commitment``."""

    @property
    def mixture(self) -> Floats: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def bound(self) -> float: ...  # noqa: D102
    @property
    def answers(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def is_pessimistic(self) -> bool: ...  # noqa: D102
    @property
    def attained(self) -> bool: ...  # noqa: D102


def certify(game: FiniteGame, claim: Claim) -> Certificate:
    """What a claim is worth; figures of the leader, who maximises."""
    mixture = np.asarray(claim.mixture, dtype=float)
    if mixture.shape != (len(game.actions),) or not np.isfinite(mixture).all() or len(claim.answers) != len(game.types):
        broken = (Check("the mixture has a share for each action, and an answer for each type", inf, 1.0),)
        return Certificate(claim.value, -inf, -inf, broken, (), attained=claim.attained)
    best, worst = game.worth(mixture)
    value = worst if claim.is_pessimistic else best
    leader = [
        Check("shares of the mixture are not negative", max(0.0, -float(mixture.min())), 1.0, 1e-9),
        Check("shares of the mixture sum to one", abs(float(mixture.sum()) - 1.0), 1.0, 1e-9),
    ]
    if claim.attained:
        leader.append(compare("value claimed is what the mixture is worth", claim.value, value))
    else:
        size = 1.0 + max(float(np.abs(kind.leader).max()) for kind in game.types)
        leader.append(at_most("the limit claimed is not below what the mixture is worth", value, claim.value))
        leader.append(Check("the mixture comes near the limit claimed", abs(claim.value - value), size, APPROACH))
    follower = tuple(_regret(kind, action, mixture) for kind, action in zip(game.types, claim.answers, strict=True))
    is_listed = game.answers() <= MOST
    bound = [
        at_most("the bound is not below the value", claim.value, claim.bound),
        at_most("the bound meets the value", claim.bound, claim.value),
    ]
    if is_listed:
        proved = max(_proved(game, answer, claim.is_pessimistic) for answer in game.each_answer())
        bound.append(at_most("no answer of the types lets a mixture be worth more than the bound", proved, claim.bound))
    return Certificate(
        claim.value, best, worst, tuple(leader), follower, tuple(bound), claim.bound,
        () if is_listed else (UNPROVED,), attained=claim.attained,
    )  # fmt: skip


def _regret(kind: FollowerType, action: int, mixture: Floats) -> Check:
    if not 0 <= action < len(kind.actions):
        return Check(f"follower gap of {kind.name}", inf, 1.0)
    worth = mixture @ kind.follower
    return at_most(
        f"follower gap of {kind.name}",
        float(worth.max()),
        float(worth[action]),
        1.0 + float(np.abs(kind.follower).max()),
    )


def _proved(game: FiniteGame, answer: tuple[int, ...], is_pessimistic: bool) -> float:
    """A bound on what the leader is paid where the types answer so, by the multipliers of a linear program; −inf for none."""
    count, types = len(game.actions), len(game.types)
    stays, margins, pays = [], [], []
    for t, (kind, action) in enumerate(zip(game.types, answer, strict=True)):
        own = kind.follower[:, action]
        for other in range(len(kind.actions)):
            is_same = bool(np.all(kind.follower[:, other] == own))
            if not is_same:
                stays.append(own - kind.follower[:, other])
                margins.append(1.0 + float(np.abs(stays[-1]).max()))
            if other == action or (is_same and is_pessimistic):
                pays.append((t, kind.leader[:, other]))
    stay, margin = np.array(stays).reshape(len(stays), count), np.array(margins)
    if is_pessimistic and len(stays):
        # Maximise the least margin, an epigraph in one column more.
        rows = np.hstack([stay, -margin[:, None]])
        if -_least(np.r_[np.zeros(count), -1.0], rows, 1, -1.0, 1.0) <= STRICT:
            return -inf
    # The leader's pay by type is a column each, at most what every answer that is counted pays.
    rows = np.hstack([stay, np.zeros((len(stay), types))])
    caps = [np.r_[pay, -np.eye(types)[t]] for t, pay in pays]
    size = max(float(np.abs(kind.leader).max()) for kind in game.types) + 1.0
    cost = -np.r_[np.zeros(count), [kind.probability for kind in game.types]]
    return -_least(cost, np.vstack([rows, *caps]), types, -size, size)


def _least(cost: Floats, rows: Floats, extra: int, low: float, high: float) -> float:
    """A proved lower bound of cost over mixtures with extra columns and rows ≥ 0; +inf where there is none."""
    count = len(cost) - extra
    program = LinearProgram(
        cost=cost,
        matrix=sp.csr_array(np.vstack([np.r_[np.ones(count), np.zeros(extra)], rows])),
        row_lower=np.r_[1.0, np.zeros(len(rows))],
        row_upper=np.r_[1.0, np.full(len(rows), inf)],
        col_lower=np.r_[np.zeros(count), np.full(extra, low)],
        col_upper=np.r_[np.ones(count), np.full(extra, high)],
    )
    try:
        found = solve_once(program)
    except InfeasibleProgram:
        return inf
    return dual_bound(program, found.dual, found.reduced_cost)
