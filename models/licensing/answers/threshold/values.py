"""What is answered about the thresholds between two strategies, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.report.notebook import Shown
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.answers.threshold.parameter import ParameterFacts


@dataclass(frozen=True)
class BreakEven:
    """A value of a parameter at which the two strategies are worth the same."""

    value: float  # in the parameter's unit
    bracket: tuple[float, float]  # in the parameter's unit; ends at which different strategies lead
    residual_musd: float  # million USD, present value; what is left of the difference there
    kind: str  # name of how it was found
    says: str  # the kind in words
    evaluations: int  # of the difference, for this break-even
    better_above: str  # the strategy that leads above it
    better_below: str  # the strategy that leads below it
    inside_range: bool | None  # whether it lies in the parameter's range; None without one
    # million USD, present value; by how much each term of the payoff moves the difference on the way there, by term
    terms_moved_musd: Mapping[str, float] | None = sometimes()


@dataclass(frozen=True)
class ScanPoint:
    """A value of a parameter at which both strategies were evaluated."""

    at: float  # in the parameter's unit
    difference_musd: float  # million USD, present value; the strategy's payoff less the other's


@dataclass(frozen=True)
class ParameterTurns(ParameterFacts):
    """The break-evens along one parameter."""

    buyers_answer_anew: bool  # whether its values change the buyers' program
    searched: tuple[float, float]  # in its unit; between which values
    scan: tuple[ScanPoint, ...]  # the values that were tried first, rising
    break_evens: tuple[BreakEven, ...]  # rising

    @property
    def is_inside(self) -> bool:
        """Whether a break-even lies in the range."""
        return any(turn.inside_range for turn in self.break_evens)


@dataclass(frozen=True)
class LineRow:
    """The break-evens of the second parameter at one value of the first."""

    at: float  # in the first parameter's unit
    break_evens: tuple[BreakEven, ...]  # of the second parameter, rising
    wins_throughout: str | None  # the strategy that leads at every value searched; None where there is a break-even


@dataclass(frozen=True)
class Line:
    """The break-even of a second parameter over values of a first one."""

    first: ParameterFacts  # moved step by step
    second: ParameterFacts  # searched at each step
    searched: tuple[float, float]  # in the second parameter's unit; between which values
    rows: tuple[LineRow, ...]  # by rising value of the first parameter


@dataclass(frozen=True, kw_only=True, repr=False)
class Threshold(Shown):
    """What would have to be true for one strategy to beat another."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    instance: Subject  # what was asked about
    strategy: str  # the one strategy
    against: str  # the other
    values_musd: Mapping[str, float]  # million USD, present value; payoff as stated, by strategy
    # million USD, present value; terms of the payoff as stated, by strategy and term
    terms_musd: Mapping[str, Mapping[str, float]]
    parameters: tuple[ParameterTurns, ...] | None = sometimes()  # parameter by parameter; not with a grid
    grid: Line | None = sometimes()  # over two parameters; only with a grid
    sentences: tuple[str, ...]  # what turns the ranking, in words
    manifest: Mapping[str, Any]  # what a later reader needs to check the result
