"""What the strategy sets off besides buying, rivals and what ties them, and the leader's own firms and makers."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from coercivity.models.licensing.data.quantity import (
    Capex,
    MillionUsd,
    MillionUsdPerYear,
    Month,
    Months,
    Name,
    Price,
    Share,
    StockCost,
    Table,
    TonnesPerYear,
    Years,
    quantity,
)
from coercivity.models.licensing.data.strategies import Breakdown


class TrustState(Table):
    """How much buyers fear, given what they have seen."""

    title: str = Field(description="what reports call it")
    fear: quantity("1", 0, 100) = Field(description="factor on the hazard of whatever posture is in force")
    breakdown: Breakdown | None = Field(
        None, description="what is feared in this state, in place of what the posture says"
    )


class Raised(Table):
    """A shock that makers lived through whatever is announced: the stock that they mean to hold rises, and the lesson fades."""

    begins: Month = Field(description="from this month on; it may lie before the calendar")
    by: quantity("1", 0, 10) = Field(description="at first, as a share of the working cover")
    half_life: Years = Field(description="time in which half of what is left of it is forgotten")


class Fading(Table):
    """Fear that is not fed fades: while deliveries are full it falls towards that of the calmest state."""

    half_life: Years = Field(description="time in which half of the fear beyond that of the calmest state is lost")
    full: Share = Field(
        description="share of forecast imports that must be licensed to every bloc, of every product, for a month to count"
    )


class Trust(Table):
    """A finite automaton: the conduct of a phase moves the state that the next phase begins in.

    The conduct of a phase is the worst among the postures in force, in the order of ``conducts``. Where ``moves``
    says nothing the state stays.
    """

    initial: Name = Field(description="state before the first phase")
    conducts: tuple[Name, ...] = Field(min_length=1, description="from the best to the worst")
    states: dict[Name, TrustState] = Field(min_length=1)
    moves: dict[Name, dict[Name, Name]] = Field(
        default_factory=dict, description="by state and conduct: the state that follows"
    )
    fading: Fading | None = None


class Countermeasure(Table):
    """An instrument of a buyers' government: anti-coercion tariffs, procurement bans, counter-controls.

    It is set off by what was announced, never by an outcome: the share of forecast imports licensed to the bloc.
    """

    title: str = Field(description="what reports call it")
    bloc: Name = Field(description="whose government has it")
    threshold: Share = Field(description="licensed share of forecast imports below which it is set off")
    tax: Share | None = Field(
        None,
        description="export tax on the bloc's forecast imports, as a share of their value, above which it is set off too",
    )
    patience: Months = Field(description="how long the share must stay below the threshold, or the tax above its own")
    delay: Months = Field(description="from then until it bites")
    lasts: Years = Field(description="how long, once it bites")
    cost: MillionUsdPerYear = Field(description="to the leader, while it lasts")
    funding: dict[Name, Share] = Field(
        default_factory=dict,
        description="by rival: share of capital cost that the instrument pays for orders placed while it lasts",
    )


class Support(Table):
    """Public money for a rival, whatever the leader does."""

    begins: Month = Field(description="first month in which orders and sales are paid for")
    capital: Share = Field(description="share of capital cost paid for orders from then on")
    floor: Price | None = Field(
        None,
        description="guaranteed price: the treasury pays what the leader's export price falls short of it, per kilogram sold",
    )


class Slip(Table):
    """Part of a class of plants comes later than planned."""

    share: Share = Field(description="share of what is committed or ordered that slips")
    by: Months = Field(description="how much later that part comes")


class Contract(Table):
    """What long contracts leave of a rival's output to one bloc, and what the bloc pays for it."""

    share: Share | None = Field(
        None,
        description="most of what the rival sells that may go to the bloc: the rest is promised elsewhere; default: no limit",
    )
    premium: Price | None = Field(
        None,
        description="what the bloc pays beyond the leader's price, at most, for what stands or is committed; what scarcity makes it "
        "worth beyond that is the bloc's and not the owner's; default: the owner earns it",
    )


class Feed(Table):
    """What a rival needs of the leader's ore, oxide, alloy or heavy elements: it comes under a bloc's licences."""

    dependence: Share = Field(description="part of the capacity that stands idle where no feed is licensed")
    stock: Months = Field(description="feed held on the day of the announcement; it is drawn before plants stand idle")
    bloc: Name | None = Field(
        None, description="bloc whose licences for the rival's product its feed comes under; default: its owner"
    )


class CostStep(Table):
    """A part of a rival's capacity with costs of its own."""

    share: Share = Field(description="of what stands, is committed and can be ordered; the shares add up to 1")
    unit_cost: Price = Field(description="avoidable cost of a kilogram")
    capex: Capex | None = Field(None, description="where the rival has an expansion: price of its capacity")


class ByProduct(Table):
    """A rival that makes what it makes beside something else, and no more of it than comes with that."""

    of: Name = Field(description="the rival whose product it comes with")
    ratio: quantity("1") = Field(description="most it can sell per kilogram that the other sells")


class Firm(Table):
    """A class of the leader's own firms."""

    title: str = Field(description="what reports call it")
    export_share: Share = Field(description="share of the leader's exports that this class sells")
    export_margin: Price = Field(description="gross margin on a kilogram exported")
    home_sales: TonnesPerYear = Field(description="what it sells at home at the start, grown like home use")
    home_margin: quantity("USD/kg", None) = Field(description="gross margin on a kilogram sold at home")
    price_exposure: quantity("1", -1, 1) = Field(
        description="how the home margin moves with the home price: 1 for sellers of what is in glut, -1 for its users"
    )
    fixed_cost: MillionUsdPerYear = Field(description="paid whatever is sold, grown like home use")
    cash: MillionUsd = Field(description="at the announcement; what is earned beyond it is paid out")
    rescue: Literal["support", "exit"] = Field(
        description="when the cash is gone: the state pays, or the class is gone for good"
    )


class Home(Table):
    """The leader's home market for what it also exports, and what happens to output that is not exported."""

    price: Price = Field(description="of what is sold at home, as long as sales abroad go as forecast")
    elasticity: quantity("1", 0.01, 10) = Field(description="of home demand, without its sign")
    adjustment: Months = Field(description="output follows sales with this lag; what is not sold meanwhile is stored")
    dumped: quantity("1/yr", 0, 12) = Field(description="share of the stored output that is sold off at home, a year")
    storage_cost: StockCost = Field(description="of output that is not exported, while it is stored")


class Downstream(Table):
    """Industry that follows the material: users abroad who move to the leader's country when they are denied."""

    share: quantity("1/yr", 0, 1) = Field(description="share of denied demand that moves, per year of denial")
    limit: Share = Field(description="most of forecast imports that can move")
    value: Price = Field(description="to the leader, per kilogram of yearly demand that has moved, a year")


class PriceRisk(Table):
    """What the swings of the leader's price cost, to buyers and to whoever absorbs them."""

    volatility: quantity("1", 0.001, 2) = Field(description="standard deviation of the price around its mean")
    premium: Share = Field(description="what buyers would pay to be rid of a dollar of expected swing")
    absorption: Share = Field(description="what it costs the leader to absorb a dollar of expected swing")


class Addition(Table):
    """Capacity that comes whatever the leader does: decided before the announcement."""

    begins: Month = Field(description="first month in which it produces")
    capacity: TonnesPerYear = Field(description="how much is added")


class Expansion(Table):
    """Capacity that buyers may order in answer to the leader."""

    potential: TonnesPerYear = Field(description="most that can be ordered over the whole calendar")
    lead_time: Months = Field(description="from order to delivery")
    capex: Capex | None = Field(None, description="price of capacity; where the rival has steps it stands there")
    life: Years = Field(description="years over which an order is repaid")
    opens: Month | None = Field(None, description="orders are possible from this month on; default: the announcement")


class Line(NamedTuple):
    """A part of a rival's capacity: its share, USD/kg, and USD/(kg/yr) for capacity that is ordered."""

    share: float
    unit_cost: float
    capex: float


class Rival(Table):
    """A source outside the leader's control: one plant or one class of plants, one product."""

    title: str = Field(description="what reports call it")
    owner: str = Field(description="the bloc that earns its rent, or 'outside'")
    product: Name = Field(description="the one that it makes")
    serves: dict[Name, Price] = Field(description="freight and qualification cost by bloc served")
    capacity: TonnesPerYear = Field(description="at the start, without what comes later")
    unit_cost: Price | None = Field(None, description="avoidable cost of a kilogram; in its place: steps")
    steps: tuple[CostStep, ...] | None = Field(
        None, description="parts of its capacity by cost, in place of one unit_cost and one expansion.capex"
    )
    standing_cost: Price | None = Field(
        None,
        description="upkeep, a year, of the capacity that yields a kilogram a year, as long as it stands; what does not earn it "
        "closes for good; default: plants cost nothing to keep and never close",
    )
    committed: tuple[Addition, ...] = ()
    expansion: Expansion | None = None
    support: Support | None = None
    slip: Slip | None = None
    contract: dict[Name, Contract] | None = Field(
        None,
        description="by bloc: what long contracts leave to it, and at which price; default: where and at what it is worth most",
    )
    feed: Feed | None = Field(None, description="what it needs of the leader's; default: nothing")
    by_product: ByProduct | None = Field(None, description="what it comes with; default: it makes what it can")

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its capacity by cost: one line, or one a step."""
        if self.steps is not None:
            return tuple(Line(float(one.share), float(one.unit_cost), float(one.capex or 0.0)) for one in self.steps)
        if self.unit_cost is None:
            return ()
        capex = 0.0 if self.expansion is None else float(self.expansion.capex or 0.0)
        return (Line(1.0, float(self.unit_cost), capex),)
