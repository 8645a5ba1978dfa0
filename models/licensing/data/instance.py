"""The licensing game's data: what an instance file may say, validated, frozen, and free of any model.

Every field is documented where it stands; ``coercivity schema`` prints the same as a JSON Schema. Units
are those of the annotated type whatever unit the file uses. A cross-check that needs two fields lives in
:mod:`coercivity.models.licensing.data.crosschecks.market`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from coercivity.models.licensing.data.quantity import (
    Capex,
    Currency,
    DiscountRate,
    Factor,
    Month,
    Months,
    Name,
    OwnName,
    Price,
    Quantity,
    Rate,
    Share,
    StockCost,
    Table,
    TonnesPerYear,
    Whole,
    Years,
    quantity,
)
from coercivity.models.licensing.data.reactions import (
    Countermeasure,
    Downstream,
    Firm,
    Home,
    PriceRisk,
    Raised,
    Rival,
    Trust,
)
from coercivity.models.licensing.data.record import Calibration, Observation
from coercivity.models.licensing.data.strategies import Concession, Leverage, Menu, Posture, Strategy, Variant

SCHEMA = "coercivity/licensing/1"


class Source(Table):
    """Where a number comes from."""

    publisher: str = Field(description="who published it")
    title: str = Field(description="what it is called")
    date: str = Field(description="of publication, as far as it is known: a year, a month or a day")
    url: str | None = Field(None, description="where it can be read")


class Money(Table):
    """Constant US dollars of ``year``; other currencies at the stated price in dollars."""

    year: Whole = Field(description="year of the dollars in which every amount is stated")
    exchange_rates: dict[Currency, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description="US dollars per unit of a currency"
    )


class Calendar(Table):
    """Uneven periods from ``start``: first months, then quarters, then years."""

    start: Month = Field(description="first month: that of the announcement")
    months: Whole = Field(ge=1, le=240, description="how many periods of one month come first")
    quarters: Whole = Field(ge=0, le=120, description="then how many of a quarter")
    years: Whole = Field(ge=0, le=60, description="then how many of a year; the game ends with the last")


class Phase(Table):
    """A run of periods over which a posture is constant. Licences may break down at ``breakdown``."""

    begins: Month = Field(description="first month; the phase lasts until the next one begins, the last until the tail")
    breakdown: Month | None = Field(
        None, description="when a breakdown in this phase strikes; default: its first month"
    )
    breakdowns: tuple[Month, ...] | None = Field(
        None,
        description="months in which it may strike instead, alike in each that is reached; together as probable as the hazard",
    )

    @property
    def strikes(self) -> tuple[str, ...]:
        """The months in which licences may break down."""
        return self.breakdowns or (self.breakdown or self.begins,)


class Product(Table):
    """A traded product and the shares of its demand by end-use segment (they add up to 1)."""

    title: str = Field(description="what reports call it")
    segments: dict[Name, Share] = Field(description="share of its demand by end use; they add up to 1")


class Segment(Table):
    """An end use, by the output lost per kilogram that is missing, or by how far above the first price it is given up."""

    title: str = Field(description="what reports call it")
    value: Price | None = Field(None, description="output lost per kilogram that is missing")
    above: Share | None = Field(
        None,
        description="a step of demand instead of a value: it is given up where a kilogram costs this much more than the leader's "
        "first price of the product; that is no shortage",
    )

    def worth(self, price: float) -> float:
        """What a kilogram is worth to it where the product's first price is ``price``, both USD/kg."""
        return float(self.value) if self.value is not None else price * (1.0 + float(self.above or 0.0))


class Tier(Table):
    """Makers with the same cover: the stock they hold at rest, in months of their demand."""

    title: str = Field(description="what reports call it")
    cover: Months = Field(description="stock at rest, in months of the makers' own demand")


class CoverStep(Table):
    """One step of the convex penalty for stock below the working cover."""

    share: Share = Field(description="width of the step as a share of the working cover")
    penalty: StockCost = Field(description="what a kilogram missing in this step costs")


class Stocks(Table):
    """What holding stock costs, and what running below the working cover costs."""

    holding_cost: StockCost = Field(description="cost of holding any stock")
    surplus_cost: StockCost = Field(
        description="on top of the holding cost, for stock beyond the working cover and the reserve: finance and space"
    )
    cover_steps: tuple[CoverStep, ...] = Field(
        min_length=1, description="from the first gap to the deepest; shares add up to 1"
    )
    raised: Raised | None = Field(None, description="a shock that raises what makers mean to hold; default: none")


class Group(Table):
    """Blocs that the leader treats alike."""

    title: str = Field(description="what reports call it")


class Reserve(Table):
    """A reserve mandated by a government: months of demand on top of the working cover, from a date."""

    months: Months = Field(description="how much is to be held, in months of demand")
    begins: Month = Field(description="first month in which it has to be held")
    penalty: StockCost = Field(description="price of the slack")


class Bloc(Table):
    """A buyer bloc: price-taking makers."""

    title: str = Field(description="what reports call it")
    group: Name = Field(description="the group in which the leader treats it")
    demand: dict[Name, TonnesPerYear] = Field(description="by product, at the start, whoever serves it")
    imports: dict[Name, TonnesPerYear] = Field(
        description="by product: what the leader supplied before the announcement; licences are shares of it, grown like demand"
    )
    growth: dict[Name, Rate] = Field(description="by product, compounded yearly from the start")
    tiers: dict[Name, Share] = Field(description="share of demand by cover tier; adds up to 1")
    cover: dict[Name, Months] = Field(
        default_factory=dict, description="cover by tier, where it differs from the tier's own"
    )
    opening: dict[Name, Months] | None = Field(
        None,
        description="stock on the day of the announcement by tier, where it is not the cover: bought ahead, or run down",
    )
    reserve: Reserve | None = None
    tariff: dict[Month, quantity("1", 0, 10)] | None = Field(
        None,
        description="by month from which it holds: tariff on the leader's goods as a share of its price; none before the first",
    )


class Rents(Table):
    """Who owns what scarcity earns; what the leader does not take stays with the buying bloc's importers."""

    licence: Share = Field(description="share of the licence rent that the leader captures")
    exporter: Share = Field(description="share of the exporter-capacity rent that the leader captures")
    premium: Price | None = Field(
        None,
        description="most of a kilogram's rent that either share counts of: a premium that someone paid; default: all",
    )


class Leader(Table):
    """The licensing government with its exporters."""

    title: str = Field(description="what reports call it")
    discount_rate: DiscountRate = Field(description="at which the leader discounts its payoff")
    price: dict[Name, Price] = Field(description="export price by product")
    unit_cost: dict[Name, Price] = Field(description="variable cost by product")
    price_path: dict[Name, dict[Month, Factor]] | None = Field(
        None, description="by product and month: factor on its price from that month on; default: 1 throughout"
    )
    unit_cost_path: dict[Name, dict[Month, Factor]] | None = Field(
        None, description="by product and month: factor on its variable cost from that month on; default: 1 throughout"
    )
    capacity: TonnesPerYear = Field(description="export capacity over all products at the start")
    capacity_growth: Rate = Field(description="of export capacity, compounded yearly from the start")
    idle_cost: Price = Field(description="cost of a kilogram of export capacity left idle: fixed cost and lost work")
    buffer_cost: StockCost = Field(description="what the leader pays to hold a buffer")
    home_use: TonnesPerYear = Field(description="output used at home at the start")
    home_growth: Rate = Field(description="of home use, compounded yearly from the start")
    public_funds: Share | None = Field(
        None,
        description="what a dollar of support costs beyond itself: the marginal cost of public funds; needed by firms",
    )
    tax_passed_on: Share | None = Field(
        None,
        description="share of an export tax that buyers pay; exporters who compete with each other give back the rest; default: all",
    )
    rents: Rents


class Buyers(Table):
    """What all buyers share."""

    discount_rate: DiscountRate = Field(description="at which buyers discount their cost")
    price_risk: PriceRisk | None = None
    rationing: Literal["efficient", "pro_rata"] = Field(
        "efficient", description="how a shortage falls on the segments of a bloc: cheapest uses first, or all alike"
    )
    shared_shortage: Share | None = Field(
        None,
        description="under efficient rationing: the part of a shortage that falls on all uses alike, as makers who are not served "
        "are of all kinds",
    )


class Option(Table):
    """A demand-side answer: thrifting moves demand to another product, redesign and recycling remove it."""

    title: str = Field(description="what reports call it")
    product: Name = Field(description="the one whose demand it takes away")
    moves_to: Name | None = Field(None, description="product that takes the demand over; none: it disappears")
    potential: dict[Name, Share] = Field(description="largest share of demand that can go, by segment")
    yearly_limit: Share = Field(description="largest share of demand that can be designed out per year of orders")
    lead_time: Months = Field(description="from order to effect")
    cost: Capex = Field(description="one-off cost per kilogram of yearly demand designed out")
    life: Years = Field(description="years over which its cost is repaid")
    running_cost: quantity("USD/kg", None) = Field(
        description="extra cost of the substitute per kilogram avoided, beside the price no longer paid"
    )


class Route(Table):
    """Re-export from one bloc to another: leakage."""

    source: Name = Field(description="bloc from which it leaks")
    destination: Name = Field(description="bloc to which it leaks")
    capacity: TonnesPerYear = Field(description="most that can be moved where nobody controls the end use")
    cost: Price = Field(description="of moving a kilogram")
    owner: str = Field(description="the bloc that earns the leakage rent, or 'outside'")


class Instance(Table):
    """A whole licensing game."""

    format: Literal["coercivity/licensing/1"] = Field(
        alias="schema", description="the format for which the file is written"
    )
    name: OwnName = Field(description="by which commands and results call it")
    title: str = Field(description="in a line, as reports print it")
    story: str = Field("", description="what happened, in a few sentences")
    caveats: tuple[str, ...] = Field(
        (), description="sentences that a reader of any verdict on this instance must know"
    )
    as_of: Month = Field(
        description="the month up to which facts were gathered; older ones than `stale_after` are listed as stale"
    )
    stale_after: Whole = Field(3, ge=0, description="years after which a sourced number counts as stale")
    assumed: str | None = Field(None, description="reason that marks every bare number in the file as an assumption")
    money: Money
    sources: dict[str, Source] = Field(default_factory=dict)
    calendar: Calendar
    phases: dict[Name, Phase] = Field(min_length=1)
    tail: Month = Field(description="open trade from this month to the end")
    products: dict[Name, Product] = Field(min_length=1)
    segments: dict[Name, Segment] = Field(
        min_length=1, description="in order of rising value; the last one is never capped"
    )
    tiers: dict[Name, Tier] = Field(min_length=1)
    stocks: Stocks
    groups: dict[Name, Group] = Field(min_length=1)
    blocs: dict[Name, Bloc] = Field(min_length=1)
    buyers: Buyers
    leader: Leader
    rivals: dict[Name, Rival] = Field(default_factory=dict)
    cost_of_capital: quantity("1/yr", 0, 1) = Field(description="rate at which plants and redesign are financed")
    options: dict[Name, Option] = Field(default_factory=dict)
    routes: dict[Name, Route] = Field(default_factory=dict)
    trust: Trust | None = None
    countermeasures: dict[Name, Countermeasure] = Field(default_factory=dict)
    firms: dict[Name, Firm] = Field(default_factory=dict)
    home: Home | None = None
    downstream: Downstream | None = None
    postures: dict[Name, Posture] = Field(min_length=1)
    strategies: dict[Name, Strategy] = Field(min_length=1)
    baseline: Name = Field("open", description="the strategy that pain is measured against: open trade")
    menu: Menu
    concession: Concession | None = None
    leverage: Leverage | None = None
    observations: dict[Name, Observation] = Field(default_factory=dict)
    calibration: Calibration | None = None
    variants: dict[Name, Variant] = Field(default_factory=dict)

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every number about the world with its path, in the order of the file."""
        yield from _quantities(self, "")

    def worths(self, product: str) -> dict[str, float]:
        """What a kilogram of a product is worth to every use, USD/kg."""
        price = float(self.leader.price[product])
        return {name: segment.worth(price) for name, segment in self.segments.items()}

    def uses(self, product: str) -> dict[str, float]:
        """The same for the uses that have a share in the product."""
        shares = self.products[product].segments
        return {name: worth for name, worth in self.worths(product).items() if float(shares.get(name, 0.0)) > 0}

    def dearest(self) -> tuple[str, float]:
        """The use to which a kilogram of anything is worth most, and that worth in USD/kg."""
        price = max(map(float, self.leader.price.values()), default=0.0)
        every = {name: segment.worth(price) for name, segment in self.segments.items()}
        return max(every.items(), key=lambda pair: pair[1], default=("", 0.0))

    def fingerprint(self) -> str:
        """SHA-256 over the effective data; two files that say the same have the same one, also once the format has grown."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True, exclude_none=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _quantities(node: object, path: str) -> Iterator[tuple[str, Quantity]]:
    if isinstance(node, Quantity):
        yield path, node
    elif isinstance(node, BaseModel):
        for key in type(node).model_fields:
            yield from _quantities(getattr(node, key), f"{path}.{key}" if path else key)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _quantities(value, f"{path}.{key}")
    elif isinstance(node, tuple):
        for position, value in enumerate(node):
            yield from _quantities(value, f"{path}.{position}")
