"""The data of the fringe games: parameters as given, validated all at once, frozen, without any arithmetic.

These are games of theory, so money and goods have no named unit: a price is money per unit of the good, a payoff is
money per period. The page, README.md, has the symbols.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any

from coercivity.engine.errors import Finding, InvalidInstance

LARGEST, SMALLEST = 1e50, 1e-50
MOST_BLOCKS = 10_000


class InvalidParameters(InvalidInstance, ValueError):
    """Parameters that no game of this room can have; all findings at once."""


def _positive(meaning: str) -> Any:
    return field(metadata={"meaning": meaning, "zero": False})


def _at_least_zero(meaning: str) -> Any:
    return field(metadata={"meaning": meaning, "zero": True})


def fault(path: str, given: object, meaning: str, may_be_zero: bool) -> Finding | None:
    """What is wrong with a number, or nothing; ``path`` says where it stands."""
    sign = "zero or positive" if may_be_zero else "positive"
    fix = f"give the {meaning}: {sign}"
    if not isinstance(given, int | float | Real) or isinstance(given, bool):
        return Finding("", path, f"{given!r} is not a number", fix)
    # A whole number may be too large for a float, and is compared as it is.
    value = given if isinstance(given, int) else float(given)
    if value != value:
        return Finding("", path, f"{given!r} is not a number", fix)
    if abs(value) > LARGEST:
        return Finding("", path, f"{given!r} is beyond {LARGEST:g}", f"{fix}, in larger units")
    if value < 0 or (value == 0 and not may_be_zero):
        return Finding("", path, f"{given!r} is not {sign}", fix)
    if 0 < value < SMALLEST:
        return Finding("", path, f"{given!r} is below {SMALLEST:g}", f"{fix}, in smaller units")
    return None


@dataclass(frozen=True)
class Parameters:
    """Numbers, each with a meaning and a sign; every fault is found at once.

    Raises
    ------
    InvalidParameters
        A ValueError with all findings.
    """

    def __post_init__(self) -> None:
        numbers = [entry for entry in fields(self) if "zero" in entry.metadata]
        name = type(self).__name__
        found = [
            fault(f"{name}.{entry.name}", getattr(self, entry.name), entry.metadata["meaning"], entry.metadata["zero"])
            for entry in numbers
        ]
        if faults := [one for one in found if one]:
            raise InvalidParameters(name, faults)
        for entry in numbers:
            object.__setattr__(self, entry.name, float(getattr(self, entry.name)))


@dataclass(frozen=True)
class DominantFirm(Parameters):
    """A leader that sets the price, and a fringe that takes it: demand a − b p, fringe s max(0, p − f), cost c."""

    demand_intercept: float = _positive("quantity demanded at price zero, a")
    demand_slope: float = _positive("quantity that demand loses per unit of price, b")
    fringe_slope: float = _at_least_zero("quantity that the fringe adds per unit of price, s")
    fringe_floor: float = _at_least_zero("price from which the fringe sells, f")
    leader_cost: float = _at_least_zero("leader's cost of one unit, c")


@dataclass(frozen=True)
class Squeeze(Parameters):
    """A dominant firm in the short run, when its fringe sells ``fringe`` whatever the price."""

    firm: DominantFirm
    fringe: float = _at_least_zero("quantity at which the fringe is stuck")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.firm, DominantFirm):
            found = Finding("", "Squeeze.firm", f"{self.firm!r} is not a dominant firm", "give a DominantFirm")
            raise InvalidParameters("Squeeze", [found])


@dataclass(frozen=True)
class Promise(Parameters):
    """A fringe that builds first: price a − b (Q + K), fringe cost k K² / 2, leader's cost zero."""

    choke_price: float = _positive("price at which nothing is sold, a")
    price_slope: float = _positive("price lost per unit sold, b")
    fringe_cost_slope: float = _positive("rise of the fringe's marginal cost per unit built, k")


def check_lag(lag: object) -> None:
    """Nothing, where ``lag`` is a time to build in periods.

    Raises
    ------
    InvalidParameters
        It is not a positive number.
    """
    if found := fault("lag", lag, "time to build in periods", may_be_zero=False):
        raise InvalidParameters("lag", [found])


@dataclass(frozen=True)
class Duopoly(Parameters):
    """Two firms that set quantities: price a − b (q₁ + q₂) and constant unit costs."""

    choke_price: float = _positive("price at which nothing is sold, a")
    price_slope: float = _positive("price lost per unit sold, b")
    leader_cost: float = _at_least_zero("leader's cost of one unit, c₁")
    follower_cost: float = _at_least_zero("follower's cost of one unit, c₂")


@dataclass(frozen=True)
class Block(Parameters):
    """A step of a curve: a quantity at one price, which is its value to the buyer or its cost to the seller."""

    price: float = _at_least_zero("price of the block")
    quantity: float = _positive("quantity of the block")


@dataclass(frozen=True)
class BlockMarket(Parameters):
    """Demand and a fringe in blocks, in any order, and a leader that sets a quantity."""

    demand: tuple[Block, ...]
    fringe: tuple[Block, ...]
    leader_cost: float = _at_least_zero("leader's cost of one unit, c")

    def __post_init__(self) -> None:
        super().__post_init__()
        found = []
        for side, blocks in (("demand", self.demand), ("fringe", self.fringe)):
            place = f"BlockMarket.{side}"
            if not isinstance(blocks, tuple) or not all(isinstance(block, Block) for block in blocks):
                found.append(Finding("", place, "not a tuple of blocks", "give (Block(price, quantity), …)"))
            elif len(blocks) > MOST_BLOCKS:
                found.append(Finding("", place, f"{len(blocks)} blocks", f"give at most {MOST_BLOCKS}"))
        if self.demand == ():
            found.append(Finding("", "BlockMarket.demand", "no demand at all", "give at least one block"))
        if found:
            raise InvalidParameters("BlockMarket", found)


def equal_blocks(firm: DominantFirm, count: int) -> BlockMarket:
    """A dominant firm's market with both curves cut into ``count`` equal blocks, each priced at its mid-point.

    Demand is cut on prices 0 to a/b, the fringe on f to a/b; a fringe that enters nowhere below a/b has no block.

    Raises
    ------
    InvalidParameters
        The count is not a whole number from 1 to 10,000, or the blocks are too small to hold.
    """
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_BLOCKS:
        fix = f"give a whole number from 1 to {MOST_BLOCKS}"
        raise InvalidParameters("equal_blocks", [Finding("", "count", f"{count!r} is no number of blocks", fix)])
    choke = firm.demand_intercept / firm.demand_slope
    span = choke - firm.fringe_floor
    middles = [(2 * i + 1) / (2 * count) for i in range(count)]
    demand = tuple(Block(choke * middle, firm.demand_intercept / count) for middle in middles)
    is_active = firm.fringe_slope > 0 and span > 0
    fringe = (Block(firm.fringe_floor + span * middle, firm.fringe_slope * span / count) for middle in middles)
    return BlockMarket(demand, tuple(fringe) if is_active else (), firm.leader_cost)
