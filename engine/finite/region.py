"""The mixtures to which an answer of the types is a best one: a bound on the leader's pay there, and the exact optimum.

The bound comes from multipliers of the solver's, whatever they are worth, by weak duality with what rounding can add; the
optimum from a program in fractions. The programs that find multipliers may break a row at a price, so that they always have
an optimum.

Accepts: any answer of the types of a finite game.
Bound: of one region; rests on no assumption.
Source: Conitzer and Sandholm (2006), one program for each answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.finite.game import FiniteGame, Floats
from coercivity.engine.programs.exact import ExactOptimum, Integers, fractions, greatest
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise

# What breaking a row costs in the programs that only sort the answers, against the leader's payoffs.
ELASTIC = 1e4
# A lead that is lost by less than this part of the sizes it is made of is a tie that rounding has undone; and what the leader
# then earns more is another value, not a rounding, where it exceeds this part of what its payoffs lie apart.
TIED, OTHER = 1e-13, 1e-6


@dataclass(frozen=True)
class Region:
    """The mixtures to which an answer of every type is a best one, and what the leader is paid there.

    Attributes
    ----------
    stay : rows · x ≥ 0, the answer's lead over each action that is not equivalent, shape (rows, actions)
    noise : by how much the rounding of payoffs may move each lead, same shape
    pays : the leader's payoffs that cap what it counts on, shape (caps, actions): the answer's own, or, against the
        leader, those of all that are equivalent to it
    of : the type of each cap
    """

    game: FiniteGame
    answer: tuple[int, ...]
    stay: Floats
    noise: Floats
    pays: Floats
    of: tuple[int, ...]

    def bound(self) -> float:
        """No mixture of the region, widened by :data:`TIED`, pays more: by multipliers of the solver's, with what rounding adds."""
        odds = np.array([kind.probability for kind in self.game.types])
        price, share = self._multipliers(odds)
        stay = self.stay + TIED * np.abs(self.stay)
        terms = np.vstack([share[:, None] * self.pays, price[:, None] * stay])
        sizes = np.abs(terms).sum(axis=0) * (len(terms) + 8) * float(np.finfo(float).eps)
        return float((terms.sum(axis=0) + sizes).max())

    def _multipliers(self, odds: Floats) -> tuple[Floats, Floats]:
        """Multipliers ≥ 0 of the rows and shares of the caps that sum to each type's probability; zeros and equal ones do."""
        count, types, size = len(self.game.actions), len(odds), np.array(self.of)
        equal = odds[size] / np.bincount(size, minlength=types)[size]
        width, spread = scales(self.stay), max(float(np.ptp(self.pays)), 1e-300)
        low, caps, stays = float(self.pays.min()), len(self.pays), len(self.stay)
        # Over x, what each type's answer pays above the least, and by how much each row is broken.
        rows = np.zeros((caps + stays, count + types + stays))
        rows[:caps, :count] = (self.pays - low) / spread
        rows[np.arange(caps), count + size] = -1.0
        rows[caps:, :count], rows[caps:, count + types :] = self.stay / width[:, None], np.eye(stays)
        program = LinearProgram(
            cost=np.r_[np.zeros(count), -odds, np.full(stays, ELASTIC)],
            matrix=sp.csr_array(np.vstack([np.r_[np.ones(count), np.zeros(types + stays)], rows])),
            row_lower=np.r_[1.0, np.zeros(caps + stays)],
            row_upper=np.r_[1.0, np.full(caps + stays, np.inf)],
            col_lower=np.zeros(count + types + stays),
            col_upper=np.full(count + types + stays, np.inf),
        )
        hot = precise(program)
        if hot.optimise() is not SolveStatus.OPTIMAL:
            return np.zeros(stays), equal
        dual = np.maximum(hot.solution().dual[1:], 0.0)
        total = np.bincount(size, dual[:caps], minlength=types)[size]
        share = np.where(total > 0.0, odds[size] * dual[:caps] / np.where(total > 0.0, total, 1.0), equal)
        return dual[caps:] * spread / width, share

    def optimum(self) -> ExactOptimum | None:
        """The greatest pay over the region, exactly; its point begins with the mixture. None where the region is empty.

        Ties that only the rounding of payoffs undoes are ties: where leads a part smaller (:data:`TIED`) would let the
        leader earn something else, and not merely a rounding more, that counts.
        """
        exact, lead = self._greatest(fractions(self.stay)), fractions(self.stay)
        wide = self._greatest(lead + Fraction(TIED) * abs(lead))
        if exact is None or wide is None:
            return wide
        at = np.array([float(share) for share in wide.point[: len(self.game.actions)]])
        apart = float(np.abs(self.pays[:, at > 0.0] - float(exact.value)).max())
        return wide if wide.value - exact.value > Fraction(OTHER * apart) else exact

    def _greatest(self, stay: Integers) -> ExactOptimum | None:
        count, types = len(self.game.actions), len(self.game.types)
        low = fractions(self.pays).min()
        odds = [Fraction(kind.probability) for kind in self.game.types]
        caps = np.hstack([fractions(self.pays) - low, fractions(np.zeros((len(self.pays), types)))])
        caps[np.arange(len(self.pays)), count + np.array(self.of)] = Fraction(-1)
        stays = np.hstack([stay, fractions(np.zeros((len(self.stay), types)))])
        found = over_mixtures([Fraction(0)] * count + odds, np.vstack([caps, stays]), types)
        return None if found is None else replace(found, value=found.value + low * sum(odds))

    def inside(self, part: float, rounding: float) -> Floats | None:
        """A mixture at which the answer is strictly best; None where there is none.

        Each lead is to exceed a part of the sizes that it is made of there, and so many times what rounding may move it by.
        """
        if not len(self.stay):
            return np.full(len(self.game.actions), 1.0 / len(self.game.actions))
        size = scales(self.stay)[:, None]
        lead = fractions(self.stay / size)
        rows = lead - Fraction(part) * abs(lead) - Fraction(rounding) * fractions(self.noise / size)
        margin = fractions(np.full((len(rows), 1), -1.0))
        gain = [Fraction(0)] * len(self.game.actions) + [Fraction(1)]
        found = over_mixtures(gain, np.hstack([rows, margin]), 1)
        return floats(found.point[: len(self.game.actions)]) if found is not None and found.value > 0 else None


def region_of(game: FiniteGame, answer: tuple[int, ...], is_pessimistic: bool) -> Region:
    """The region of an answer, with the caps of either reading."""
    stay, noise, pays, of = [], [], [], []
    for t, (kind, action) in enumerate(zip(game.types, answer, strict=True)):
        same, lead = kind.equivalent(action), kind.lead(action)
        apart = [other for other in range(len(kind.actions)) if other not in same]
        stay += [lead[:, other] for other in apart]
        noise += [kind.rounding(action)[:, other] for other in apart]
        for other in same if is_pessimistic else [action]:
            pays.append(kind.leader[:, other])
            of.append(t)
    shape = (len(stay), len(game.actions))
    return Region(
        game, answer, np.array(stay).reshape(shape), np.array(noise).reshape(shape), np.array(pays), tuple(of)
    )


def scales(rows: Floats) -> Floats:
    """The largest entry of each row, as a power of two, so that a division by it is exact; 1 for a row of zeros."""
    most = np.abs(rows).max(axis=1, initial=0.0)
    return np.asarray(2.0 ** np.floor(np.log2(np.where(most > 0.0, most, 1.0))))


def over_mixtures(gain: list[Fraction], rows: Integers, extra: int) -> ExactOptimum | None:
    """The greatest gain where rows · (x, extra columns ≥ 0) ≥ 0 and the mixture x sums to one."""
    one = [Fraction(1)] * (len(gain) - extra) + [Fraction(0)] * extra
    table = np.vstack([rows, np.array([one], dtype=object), np.array([[-entry for entry in one]], dtype=object)])
    return greatest(gain, table, [Fraction(0)] * len(rows) + [Fraction(1), Fraction(-1)])


def floats(mixture: Any) -> Floats:
    """Fractions as floating-point numbers."""
    return np.array([float(share) for share in mixture])
