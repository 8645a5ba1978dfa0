"""What a ranking hinges on: every stated number at both ends of its range, and where the first is overtaken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coercivity.engine.data.values import sometimes
from coercivity.models.licensing.answers.values import Answer

# Payoffs that differ by less than this share of the best one are ties.
TIE = 1e-3


@dataclass(frozen=True)
class Backing:
    """What a number rests on."""

    kind: str  # whether it was read in a source, derived, assumed, or set from outside
    grade: str | None  # of the source; None where there is none
    sources: Sequence[str]  # names of the sources
    reason: str  # the derivation or the assumption


@dataclass(frozen=True)
class Hinge:
    """A number that turns the ranking inside its stated range, everything else as stated, buyers answering anew."""

    parameter: str  # path of the number in the instance
    unit: str  # of the figures that follow
    now: float  # value that is stated
    low: float  # lower end of its range
    high: float  # upper end of its range
    break_even: float  # value at which the two strategies are worth the same
    bracket: tuple[float, float]  # values between which that lies
    within: float  # 1; how far from the stated value to the end of the range it lies; the less, the nearer
    leads: str  # strategy that is first as stated
    overtaken_by: str  # strategy that overtakes it
    lead_musd: float  # million USD; by what the first is worth more as stated
    at_end_musd: float  # million USD; by what it is worth more at that end of the range: less than nothing
    says: str  # how the break-even was found
    backing: Backing  # what the number rests on

    @property
    def is_above(self) -> bool:
        """Whether the first is overtaken above the break-even."""
        return self.break_even > self.now

    @property
    def end(self) -> float:
        """The end of the range on that side."""
        return self.high if self.is_above else self.low


@dataclass(frozen=True)
class Swing:
    """What the lead is at both ends of one range, everything else as stated."""

    parameter: str  # path of the number in the instance
    unit: str  # of its range
    now: float  # value that is stated
    low: float  # lower end of its range
    high: float  # upper end of its range
    at_low_musd: float  # million USD; lead over the best of the others at the lower end
    at_high_musd: float  # million USD; the same at the upper end
    swing_musd: float  # million USD; how far the two and the stated lead lie apart
    backing: Backing  # what the number rests on


@dataclass(frozen=True)
class Hinges:
    """What was found on the way through the stated ranges, and how far that went."""

    ranges: int  # numbers with a stated range
    looked: int  # of those, numbers whose two ends were weighed
    unfit: int  # of those, numbers an end of which does not fit with the rest of the instance
    complete: bool  # whether every range and every break-even was looked at
    weighed: Sequence[str]  # strategies that were weighed against each other, the best first
    left_out: Sequence[str]  # strategies that were not
    leads: str  # the first of the strategies
    lead_musd: float | None  # million USD; its lead over the best that is worth clearly less; None where none is
    turns: Sequence[Hinge]  # where it is overtaken, the nearest to the stated value first
    named_turns: Sequence[Hinge]  # where the first of the named strategies is, if another strategy leads
    unclosed: Sequence[str]  # paths of numbers that turn it and whose break-even was not sought for want of time
    swings: Sequence[Swing]  # numbers that move the lead most, the largest first
    note: str | None = sometimes()  # why there is nothing to look at

    @property
    def looked_at(self) -> str:
        """How far the search came, in words."""
        if self.complete:
            return f"all {self.ranges} stated ranges looked at"
        count = len(self.unclosed)
        left = f", {count} break-even{'s' if count > 1 else ''} not closed in" if count else ""
        return f"{self.looked} of {self.ranges} stated ranges looked at{left}"


def first_of(answers: Sequence[Answer]) -> Answer:
    """The strategy that a decision maker is told of first: the best, or the best named one that ties with it."""
    ranked = ranking(answers)
    return next((one for one in ranked if not one.strategy.is_optimum and is_tie(one, ranked[0])), ranked[0])


def ranking(answers: Sequence[Answer]) -> list[Answer]:
    """The strategies, the best first; of equals the one that was searched for."""
    return sorted(answers, key=lambda one: (-round(one.leader.value_musd, 6), not one.strategy.is_optimum))


def is_tie(one: Answer, best: Answer) -> bool:
    """Whether a payoff is too near to the best to be told from it."""
    return best.leader.value_musd - one.leader.value_musd <= TIE * abs(best.leader.value_musd)
