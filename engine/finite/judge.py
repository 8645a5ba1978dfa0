"""The judge of commitments in finite games: recomputes what a mixture is worth and proves its bound again.

The follower's best responses are recomputed from the matrices. For the bound every way in which the types can answer is
gone through, and the multipliers of a linear program prove, by weak duality and nothing else, that no mixture to which it
is an answer pays more; against the leader only answers that are strictly best somewhere are counted. What the solver's
multipliers leave open is decided in exact fractions. Where the answers are too many to be listed the bound stays an
assumption. A single action is judged by the rows of the matrices alone.

Differences are measured against the sizes that they are made of at the mixture, never against the largest payoff.

Source: Conitzer and Sandholm (2006); von Stengel and Zamir (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from coercivity.engine.finite.game import FiniteGame, FollowerType
from coercivity.engine.programs.exact import ExactOptimum, fractions, greatest
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.proof.certificate import Certificate
from coercivity.engine.proof.check import Check

MOST = 10_000
# What figures may differ by, against the sizes that they are made of, beside some roundings.
TOLERANCE = 1e-9
ROUNDING = float(np.finfo(float).eps)
# How near a mixture must come to a supremum that is not attained, against the leader's payoffs where the mixture plays.
APPROACH = 1e-3
# An answer that leads nowhere by more than this part of the payoffs that the lead is made of is tied, but for rounding.
STRICT = 1e-13
# What ties undone by rounding may let the leader earn above the bound, against how far its payoffs lie apart there.
TIED = 1e-3
UNPROVED = (
    "the bound of the mixed-integer program, which was not proved again: the types' answers are too many to be listed"
)
# What breaking a row costs in the programs that find multipliers, against the leader's payoffs.
ELASTIC = 1e4


class Claim(Protocol):
    """What is judged; see ``coercivity.engine.finite.commitment.Commitment``."""

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
    @property
    def assumptions(self) -> tuple[str, ...]: ...  # noqa: D102


def certify(game: FiniteGame, claim: Claim) -> Certificate:
    """What a claim is worth; figures of the leader, who maximises."""
    mixture = np.asarray(claim.mixture, dtype=float)
    if mixture.shape != (len(game.actions),) or not np.isfinite(mixture).all() or len(claim.answers) != len(game.types):
        broken = (Check("the mixture has a share for each action, and an answer for each type", inf, 1.0),)
        return Certificate(claim.value, -inf, -inf, broken, (), attained=claim.attained)
    best, worst = game.worth(mixture)
    unit = _unit(game, mixture, claim.value)
    follower = tuple(_regret(kind, action, mixture) for kind, action in zip(game.types, claim.answers, strict=True))
    leader = [
        Check("shares of the mixture are not negative", max(0.0, -float(mixture.min())), 1.0, 1e-12),
        Check("shares of the mixture sum to one", abs(float(mixture.sum()) - 1.0), 1.0, 1e-12),
        *_value_checks(game, claim, mixture, worst if claim.is_pessimistic else best, unit),
    ]
    bound = [
        _at_most("the bound is not below the value", claim.value, claim.bound, unit),
        _at_most("the bound meets the value", claim.bound, claim.value, unit),
    ]
    is_listed = game.answers() <= MOST
    if is_listed:
        regions = [_Region(game, answer, claim.is_pessimistic) for answer in game.each_answer()]
        found = [region.judged(claim.bound) for region in regions]
        proved, excess = (max(part) for part in zip(*found, strict=True))
        bound.append(
            _at_most("no answer of the types lets a mixture be worth more than the bound", proved, claim.bound, unit)
        )
        if not claim.is_pessimistic:
            bound.append(Check("no tie that rounding may have undone is worth more", excess, 1.0, TIED))
    assumptions = tuple(claim.assumptions) + (() if is_listed else (UNPROVED,))
    return Certificate(
        claim.value, best, worst, tuple(leader), follower, tuple(bound), claim.bound, assumptions,
        attained=claim.attained,
    )  # fmt: skip


@dataclass(frozen=True)
class PureClaim:
    """A claim about single actions: the best one under a reading and what it is worth."""

    action: str
    value: float
    is_pessimistic: bool


def certify_pure(game: FiniteGame, claim: PureClaim) -> Certificate:
    """What a claim about single actions is worth: against an action a type's best answers are those that its row pays most."""
    worth = [_pure_worth(game, row, claim.is_pessimistic) for row in range(len(game.actions))]
    if claim.action not in game.actions:
        return Certificate(
            claim.value, -inf, -inf, (Check(f"{claim.action} is an action of the leader", inf, 1.0),), ()
        )
    at = game.actions.index(claim.action)
    unit = 16.0 * ROUNDING * sum(k.probability * float(np.abs(k.leader[at]).max()) for k in game.types)
    checks = (Check("the value is what the action is worth", abs(claim.value - worth[at]), unit, 1.0),)
    bound = (_at_most("no other action is worth more", max(worth), claim.value, unit),)
    low, high = (_pure_worth(game, at, is_worst) for is_worst in (True, False))
    return Certificate(claim.value, high, low, checks, checks, bound, max(worth))


def _pure_worth(game: FiniteGame, row: int, is_pessimistic: bool) -> float:
    total = 0.0
    for kind in game.types:
        pays = kind.leader[row][kind.settled[row] == kind.settled[row].max()]
        total += kind.probability * float(pays.min() if is_pessimistic else pays.max())
    return total


def _unit(game: FiniteGame, mixture: Floats, value: float) -> float:
    """What a figure of the leader may be off by at a mixture: a part in 1e9 of how far its payoffs lie apart there."""
    apart = size = 0.0
    for kind in game.types:
        best = kind.best_responses(mixture)
        apart += kind.probability * float((np.abs(mixture) @ np.abs(kind.leader - value))[best].max())
        size += kind.probability * float((np.abs(mixture) @ np.abs(kind.leader))[best].max())
    return TOLERANCE * apart + 32.0 * ROUNDING * size


def _at_most(name: str, value: float, limit: float, unit: float) -> Check:
    gap = value - limit
    return Check(name, max(0.0, gap) if gap == gap else inf, unit, 1.0)


def _value_checks(game: FiniteGame, claim: Claim, mixture: Floats, value: float, unit: float) -> list[Check]:
    """Whether the value is what the mixture is worth, or a limit of what mixtures near it are worth."""
    if claim.attained:
        return [Check("value claimed is what the mixture is worth", abs(claim.value - value), unit, 1.0)]
    plays = mixture > 0.0
    size = sum(k.probability * float(np.abs(k.leader[plays] - claim.value).max()) for k in game.types)
    checks = [
        _at_most("the limit claimed is not below what the mixture is worth", value, claim.value, unit),
        Check("the mixture comes near the limit claimed", abs(claim.value - value), size, APPROACH),
    ]
    if not all(0 <= action < len(kind.actions) for kind, action in zip(game.types, claim.answers, strict=True)):
        return checks
    # Where the answer is strictly best at the mixture, it is so all the way to any point of its region but that one.
    region = _Region(game, tuple(claim.answers), claim.is_pessimistic)
    is_inside = bool(np.all(region.stay @ mixture > 0.0)) if len(region.stay) else True
    reached = region.optimum() if is_inside else None
    limit = -inf if reached is None else float(reached.value)
    return [*checks, _at_most("mixtures near it come as near to the limit as one likes", claim.value, limit, unit)]


def _regret(kind: FollowerType, action: int, mixture: Floats) -> Check:
    """By how much another action beats the one claimed, against the sizes that the difference is made of."""
    name = f"follower gap of {kind.name}"
    if not 0 <= action < len(kind.actions):
        return Check(name, inf, 1.0)
    lead = kind.settled[:, [action]] - kind.settled
    gap, size = np.maximum(-(mixture @ lead), 0.0), np.abs(mixture) @ np.abs(lead)
    worst = int(np.argmax(gap / np.where(size > 0.0, size, 1.0)))
    return Check(name, float(gap[worst]), float(size[worst]) or 1.0, TOLERANCE)


class _Region:
    """Where an answer of the types is a best one: rows · x ≥ 0, and the payoffs of the leader that cap what it counts on."""

    def __init__(self, game: FiniteGame, answer: tuple[int, ...], is_pessimistic: bool) -> None:
        self.odds = [kind.probability for kind in game.types]
        self.count, self.is_pessimistic = len(game.actions), is_pessimistic
        stay, pays, of, noise = [], [], [], []
        for t, (kind, action) in enumerate(zip(game.types, answer, strict=True)):
            own = kind.settled[:, action]
            size = np.abs(kind.settled)
            for other in range(len(kind.actions)):
                is_same = bool(np.all(kind.settled[:, other] == own))
                if not is_same:
                    stay.append(own - kind.settled[:, other])
                    noise.append(STRICT * np.abs(stay[-1]) + 2.0 * ROUNDING * (size[:, action] + size[:, other]))
                if other == action or (is_same and is_pessimistic):
                    pays.append(kind.leader[:, other])
                    of.append(t)
        self.stay, self.pays = np.array(stay).reshape(len(stay), self.count), np.array(pays)
        self.of, self.noise = np.array(of), np.array(noise).reshape(self.stay.shape)
        self.size = np.abs(self.stay).max(axis=1, initial=0.0)
        self.size[self.size == 0.0] = 1.0

    def judged(self, bound: float) -> tuple[float, float]:
        """What :meth:`proved` and, for the leader, :meth:`tied` say; mostly one program settles both."""
        if self.is_pessimistic:
            return self.proved(bound), 0.0
        wide = self._by_multipliers(self.stay + self.noise)
        return (wide, 0.0) if wide <= bound else (self.proved(bound), self.tied(bound))

    def proved(self, bound: float) -> float:
        """A bound on what the leader is paid here; −inf where the answer does not count. Exact only where it exceeds ``bound``."""
        found = self._by_multipliers(self.stay)
        if found <= bound or (self.is_pessimistic and not self._has_inside()):
            return found if found <= bound else -inf
        exact = self.optimum()
        return -inf if exact is None else float(exact.value)

    def tied(self, bound: float) -> float:
        """How much more than a bound is paid where leads may be lost by rounding, against how far the payoffs lie apart there."""
        if self._by_multipliers(self.stay + self.noise) <= bound:
            return 0.0
        found = self.optimum(self.stay + self.noise)
        if found is None or found.value <= bound:
            return 0.0
        at = np.array([float(share) for share in found.point[: self.count]])
        apart = float(np.abs(self.pays[:, at > 0.0] - bound).max())
        rounding = 32.0 * ROUNDING * float(np.abs(self.pays).max())
        return max(0.0, float(found.value) - bound - rounding) / apart if apart > 0.0 else 0.0

    def _by_multipliers(self, stay: Floats) -> float:
        """By weak duality: any prices ≥ 0 of the rows, and any shares of the caps that sum to each type's probability."""
        odds = np.array(self.odds)
        spread, low = max(float(np.ptp(self.pays)), 1e-300), float(self.pays.min())
        caps, stays, types = len(self.pays), len(self.stay), len(odds)
        to_type = np.zeros((caps, types))
        to_type[np.arange(caps), self.of] = 1.0
        upper = np.hstack([(self.pays - low) / spread, -to_type, np.zeros((caps, stays))])
        lower = np.hstack([stay / self.size[:, None], np.zeros((stays, types)), np.eye(stays)])
        mixture = np.r_[np.ones(self.count), np.zeros(types + stays)]
        program = LinearProgram(
            np.r_[np.zeros(self.count), -odds, np.full(stays, ELASTIC)],
            sp.csr_array(np.vstack([mixture, upper, lower])),
            np.r_[1.0, np.zeros(caps + stays)],
            np.r_[1.0, np.full(caps + stays, inf)],
            np.zeros(len(mixture)),
            np.full(len(mixture), inf),
        )
        hot = precise(program)
        given = hot.solution().dual[1:] if hot.optimise() is SolveStatus.OPTIMAL else np.zeros(caps + stays)
        given = np.maximum(given, 0.0)
        # Shares are made to sum to the probabilities; where a type has none they are equal.
        given[:caps] += np.where((to_type.T @ given[:caps])[self.of] > 0.0, 0.0, 1.0)
        share = given[:caps] * (odds / (to_type.T @ given[:caps]))[self.of]
        terms = np.vstack([share[:, None] * self.pays, (given[caps:] * spread / self.size)[:, None] * stay])
        rounding = (len(terms) + 8) * ROUNDING * np.abs(terms).sum(axis=0)
        return float((terms.sum(axis=0) + rounding).max())

    def _has_inside(self) -> bool:
        """Whether the answer is strictly best somewhere, beyond rounding."""
        if not len(self.stay):
            return True
        lead = fractions(self.stay / self.size[:, None])
        rows = lead - Fraction(STRICT) * abs(lead)
        margin = fractions(np.full((len(rows), 1), -1.0))
        found = self._exact(np.hstack([rows, margin]), [Fraction(0)] * self.count + [Fraction(1)], 1)
        return found is not None and found.value > 0

    def optimum(self, stay: Floats | None = None) -> ExactOptimum | None:
        """The greatest pay, in exact fractions; None where the answer is a best one nowhere. ``stay`` are other leads."""
        stay = self.stay if stay is None else stay
        types, low = len(self.odds), fractions(self.pays).min()
        lift = fractions(np.zeros((len(self.pays), types)))
        lift[np.arange(len(self.pays)), self.of] = Fraction(-1)
        rows = np.vstack(
            [
                np.hstack([fractions(self.pays) - low, lift]),
                np.hstack([fractions(stay), fractions(np.zeros((len(stay), types)))]),
            ]
        )
        odds = [Fraction(chance) for chance in self.odds]
        found = self._exact(rows, [Fraction(0)] * self.count + odds, types)
        if found is None:
            return None
        return ExactOptimum(found.value + low * sum(odds), found.point, found.multipliers)

    def _exact(self, rows: np.ndarray, gain: list[Fraction], extra: int) -> ExactOptimum | None:
        total = [Fraction(1)] * self.count + [Fraction(0)] * extra
        ends = np.array([total, [-part for part in total]], dtype=object)
        return greatest(gain, np.vstack([rows, ends]), [Fraction(0)] * len(rows) + [Fraction(1), Fraction(-1)])
