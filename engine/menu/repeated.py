"""Repeated play: how patient a leader must be for a promise to followers to be worth keeping.

Accepts: three stage payoffs of one leader and the lag until cheating is punished; the followers are many and each
period they answer what they expect, so only the leader can cheat.

Every period pays the leader one of

    S   cheating:    it breaks the promise while the followers' investment, made in trust, is sunk,
    C   commitment:  it keeps the promise and is trusted,
    D   discretion:  it is not trusted, and does what is best against sunk investment, as everybody expects.

Followers play a grim trigger: they trust until the promise is broken, and from L periods later on, when what was
built in trust has worn out, they never trust again. D is an equilibrium of the stage, so the threat is credible.
With discount factor δ, and per-period averages of discounted sums (factor 1 − δ), keeping the promise is worth C.
Breaking it pays S for the L periods in which the investment is sunk, a gain of S − C each, and D for ever after, a
loss of C − D each. It does not pay where

    (1 − δ^L) S + δ^L D  ≤  C        that is        δ^L  ≥  (S − C) / (S − D),

so the least discount factor is δ* = ((S − C) / (S − D))^(1/L) whenever D < C < S. It rises with L: the later the
punishment, the more patience it takes. Play from any date looks like play from the first, so no later breach pays
more. Where C ≥ S nothing tempts and δ* = 0; where D ≥ C and S > C nothing is lost by cheating and there is no δ*.

Bound: exact within grim-trigger play; the ratio is formed in exact fractions and rounded once. No equilibrium that
punishes by discretion for ever does with less patience; harsher punishments than D, if there are any, might.
Source: Friedman, "A non-cooperative equilibrium for supergames", Review of Economic Studies 38 (1971); one patient
player against many short-lived ones: Fudenberg, Kreps and Maskin, Review of Economic Studies 57 (1990).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real

from coercivity.engine.errors import UsageError

LAGS = (1.0, 2.0, 3.0, 4.0, 5.0)


class InvalidPayoffs(UsageError, ValueError):
    """A payoff, lag or discount factor that no repeated game can have."""


@dataclass(frozen=True)
class CriticalDiscount:
    """The least discount factor at which a promise is kept, and why.

    Attributes
    ----------
    value : the least discount factor per period, in [0, 1); None where none below 1 suffices
    sentence : why
    cheating, commitment, discretion : stage payoffs, all in one unit of money per period
    lag : periods until the punishment bites
    """

    value: float | None
    sentence: str
    cheating: float
    commitment: float
    discretion: float
    lag: float

    @property
    def is_enforceable(self) -> bool:
        """Whether some discount factor below 1 upholds the promise."""
        return self.value is not None

    def upholds(self, discount: float) -> bool:
        """Whether a leader with this discount factor per period keeps the promise.

        Raises
        ------
        InvalidPayoffs
            The discount factor is not in [0, 1).
        """
        if not 0.0 <= _number("discount", discount) < 1.0:
            raise InvalidPayoffs("discount", f"{discount!r} is not in [0, 1)", "give 1 / (1 + interest per period)")
        return self.value is not None and discount >= self.value

    def by_lag(self, lags: Iterable[float] = LAGS) -> dict[float, float | None]:
        """The least discount factor at each lag in periods, other things equal.

        >>> critical_discount(9.0, 8.0, 7.0).by_lag([1, 2])
        {1.0: 0.5, 2.0: 0.7071067811865476}
        """
        stages = (self.cheating, self.commitment, self.discretion)
        return {float(lag): critical_discount(*stages, lag).value for lag in lags}


def critical_discount(cheating: float, commitment: float, discretion: float, lag: float = 1.0) -> CriticalDiscount:
    """The least discount factor at which keeping the promise pays; derivation above.

    Parameters
    ----------
    cheating, commitment, discretion : stage payoffs S, C and D, all in one unit of money per period
    lag : periods L until the punishment bites, positive; a fraction is read as part of a period

    Raises
    ------
    InvalidPayoffs
        A ValueError: a payoff or the lag is not a finite number, or the lag is not positive.

    Examples
    --------
    >>> critical_discount(1406.25, 1250.0, 10000 / 9).value
    0.5294117647058824
    >>> critical_discount(1.0, 1.0, 0.0).sentence
    'cheating does not pay more than keeping the promise, so any leader keeps it'
    >>> critical_discount(2.0, 1.0, 1.0).value is None
    True
    """
    stages = (_number("cheating", cheating), _number("commitment", commitment), _number("discretion", discretion))
    if (periods := _number("lag", lag)) <= 0.0:
        raise InvalidPayoffs("lag", f"{lag!r} is not positive", "give the periods until the punishment bites")
    value, sentence = _least(*stages, periods)
    return CriticalDiscount(value, sentence, *stages, periods)


def _least(cheating: float, commitment: float, discretion: float, lag: float) -> tuple[float | None, str]:
    if commitment >= cheating:
        return 0.0, "cheating does not pay more than keeping the promise, so any leader keeps it"
    if discretion >= commitment:
        return None, "a broken promise costs nothing afterwards, so no leader, however patient, keeps it"
    # Payoffs that are close, or huge, would lose the difference in floating point.
    temptation = Fraction(cheating) - Fraction(commitment)
    value = float(temptation / (Fraction(cheating) - Fraction(discretion))) ** (1.0 / lag)
    if value >= 1.0:
        return None, "no discount factor that can be told from 1 outweighs the temptation at this lag"
    return value, f"a leader that values the next period at {value:.6g} or more of this one keeps the promise"


def _number(name: str, given: object) -> float:
    if isinstance(given, Real) and not isinstance(given, bool):
        try:
            value = float(given)
        except OverflowError:
            value = math.inf
        if math.isfinite(value):
            return value
    raise InvalidPayoffs(name, f"{given!r} is not a finite number", "give a plain number, such as 12.5")
