"""Why one strategy is worth more than another, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.answers.verdict.first import Statement
from coercivity.models.licensing.answers.verdict.hinges import Hinges


@dataclass(frozen=True)
class Mechanism:
    """What the difference of the two would be without one mechanism, everything else as stated, buyers answering anew."""

    mechanism: str  # its name
    says: str  # what it is without
    values_musd: Mapping[str, float]  # million USD; payoff without it, by strategy
    difference_musd: float  # million USD; payoff of the one less that of the other, without it
    moves_musd: float  # million USD; by what it raises that difference where it is there


@dataclass(frozen=True)
class Price:
    """What one more tonne of something scarce would be worth to the buyers, and how far that holds."""

    strategy: str  # under which
    what: str  # that is scarce
    period: str  # in which
    price_usd_per_kg: float  # USD/kg; undiscounted, while licences hold
    limit_t: float  # t; how much of it there is in the period
    holds_from_t: float  # t; the least of it for which that is the price
    holds_to_t: float  # t; the most of it for which that is the price


@dataclass(frozen=True)
class Why:
    """Why one strategy is worth more than another."""

    schema_version: int  # of this layout
    command: str  # why
    instance: Subject  # the game
    strategy: str  # the one
    against: str  # the other
    titles: Mapping[str, str]  # of the two, in words
    values_musd: Mapping[str, float]  # million USD; payoff of the two
    difference_musd: float  # million USD; payoff of the one less that of the other
    terms_musd: Mapping[str, float]  # million USD; the difference by term of the payoff, present value
    years_musd: Mapping[str, float]  # million USD; the difference by year, expected and undiscounted
    blocs_musd: Mapping[str, float]  # million USD; pain of each bloc under the one less that under the other
    mechanisms: Sequence[Mechanism]  # switched off one at a time, those that move most first
    hinges: Hinges  # the numbers that turn it, and those that move it most
    prices: Sequence[Price]  # what is scarce under either
    sentences: Sequence[Statement]  # the answer in words
    manifest: Mapping[str, Any]  # the instance as it was solved


@dataclass(frozen=True)
class Part:
    """One part of a figure."""

    what: str  # it is
    value: float  # in the unit of the figure; under the strategy
    base: float | None  # in the unit of the figure; the same under what it is held against; none without


@dataclass(frozen=True)
class Input:
    """A number of the instance that a figure rests on directly."""

    path: str  # where it stands in the instance
    value: float  # in the unit
    unit: str  # of the value
    kind: str  # whether it was read in a source, derived, assumed, or set from outside
    grade: str | None  # of the source; None where there is none
    sources: Sequence[str]  # names of the sources


@dataclass(frozen=True)
class Figure:
    """What makes one figure of an answer: the parts that add up to it, and the numbers that it rests on directly."""

    schema_version: int  # of this layout
    command: str  # why-figure
    instance: Subject  # the game
    strategy: str  # under which
    figure: str  # its path in the result
    unit: str  # of the figure and its parts
    value: float  # the figure
    parts: Sequence[Part]  # that add up to it, the largest first
    beside: Sequence[Part]  # other figures that explain it, each with its unit in its name
    inputs: Sequence[Input]  # numbers that it rests on directly
    sentences: Sequence[Statement]  # the answer in words
    manifest: Mapping[str, Any]  # the instance as it was solved


@dataclass(frozen=True)
class Halved:
    """When a figure has fallen to half of what it begins with, by strategy."""

    schema_version: int  # of this layout
    command: str  # why-date
    instance: Subject  # the game
    figure: str  # leverage, or the leader's share
    unit: str  # of its values
    titles: Mapping[str, str]  # of the strategies, in words
    begins: Mapping[str, float]  # in the unit; the figure at the beginning, by strategy
    halved: Mapping[str, str | None]  # period at whose end it is first half of that or less; None where it never is
    ends: Mapping[str, float]  # in the unit; the figure at the end
    last: str  # the last period that is told
    sentences: Sequence[Statement]  # the answer in words
    manifest: Mapping[str, Any]  # the instance as it was solved
