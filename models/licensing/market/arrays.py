"""The market as arrays: everything about demand, stocks, rivals and routes that no strategy changes.

One kilogram at one US dollar per kilogram is the unit of cost inside the followers' program, so a tonne at
1 USD/kg costs one thousand dollars (kUSD). Axes: t periods, n nodes, b blocs, k products, c cover tiers,
e segments, j rivals, l their lines of capacity, o options, r routes, s steps of the cover penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.market import rivals as rivals
from coercivity.models.licensing.market.investment import Investment, annuity, investment
from coercivity.models.licensing.market.periods import Floats, Grid, Tree, fishbone, grid_of
from coercivity.models.licensing.market.prices import prices_of


@dataclass(frozen=True)
class Sets:
    """The names behind the axes, in the order of the instance file."""

    blocs: tuple[str, ...]
    products: tuple[str, ...]
    tiers: tuple[str, ...]
    segments: tuple[str, ...]
    rivals: tuple[str, ...]
    options: tuple[str, ...]
    routes: tuple[str, ...]
    groups: tuple[str, ...]
    phases: tuple[str, ...]


@dataclass(frozen=True)
class Market:
    """The followers' world. Shapes are given by the axes in brackets.

    Attributes
    ----------
    demand : [t,b,k,c,e] tonnes per period
    forecast : [t,b,k] tonnes per period that buyers would import from the leader, the base of licences
    price : [t,k] of the leader, USD/kg
    cover_target, reserve_target : [t,b,k,c] tonnes
    initial_stock, closing_stock : [b,k,c] tonnes on the first day, and at least on the last
    lines : the rival of each line, a line being capacity of one cost
    capacity : [t,l] tonnes per period, existing and committed
    upkeep : {l: USD a year per kg/yr that stands}, where plants pay to stand and may close for good
    rival_cost : {(j, b): USD/kg}, without what differs between the lines of a rival of several
    line_cost : {l: USD/kg} that a line costs at the gate, for rivals of several
    segment_value : [k,e] USD/kg
    is_step : [e] whether a use is a step of demand, given up for its price
    shared_shortage : part of a shortage that falls on all uses alike; 0 where the cheapest go first alone
    contract_share : {(j, b): share of a rival's sales that may go to a bloc at most}, where contracts limit it
    feeds : {j: what it needs of the leader's}; only rivals that need something
    contract_premium : {(j, b): USD/kg beyond the leader's price}, where a contract says what the bloc pays
    by_product : {j: (rival whose product it comes with, tonnes per tonne of that at most)}
    subsidy : [t,l] USD/kg that treasuries pay on a rival's sales, whatever the leader does
    capital_support : [t,l] share of the capital cost of orders that they pay, likewise
    has_releases : whether some posture releases licences by the quarter
    exporter_capacity : [t] tonnes per period
    route_capacity : [t,r] tonnes per period
    discount : [t] the buyers' factors
    """

    sets: Sets
    grid: Grid
    tree: Tree
    discount: Floats
    demand: Floats
    forecast: Floats
    segment_value: Floats
    is_step: np.ndarray
    price: Floats
    cover_target: Floats
    reserve_target: Floats
    reserve_penalty: Floats
    initial_stock: Floats
    closing_stock: Floats
    holding_cost: float
    surplus_cost: float
    step_share: Floats
    step_penalty: Floats
    pro_rata: bool
    shared_shortage: float
    exporter_capacity: Floats
    rival_product: tuple[int, ...]
    rival_cost: dict[tuple[int, int], float]
    lines: tuple[int, ...]
    line_cost: dict[int, float]
    capacity: Floats
    upkeep: dict[int, float]
    contract_share: dict[tuple[int, int], float]
    feeds: dict[int, rivals.Feed]
    contract_premium: dict[tuple[int, int], float]
    by_product: dict[int, tuple[int, float]]
    subsidy: Floats
    capital_support: Floats
    has_releases: bool
    expansions: dict[int, Investment]
    potential: Floats
    option_from: tuple[int, ...]
    option_to: tuple[int | None, ...]
    option_potential: Floats
    option_limit: Floats
    option_running: Floats
    redesigns: dict[int, Investment]
    route_ends: tuple[tuple[int, int], ...]
    route_capacity: Floats
    route_cost: Floats

    @property
    def top_segment(self) -> int:
        """The segment whose unmet demand is never capped."""
        return len(self.sets.segments) - 1

    def lines_of(self, j: int) -> tuple[int, ...]:
        """The lines of a rival."""
        return tuple(line for line, rival in enumerate(self.lines) if rival == j)

    def segment_shares(self, k: int) -> list[float]:
        """Shares of the segments in the demand for product k; the top one stands for a product that nobody uses."""
        tonnes = self.demand[:, :, k].sum(axis=(0, 1, 2))
        total = float(tonnes.sum())
        return [float(part) / total if total > 0 else float(e == self.top_segment) for e, part in enumerate(tonnes)]

    def rationed_shares(self, k: int) -> list[float]:
        """The same of what falls on all uses alike: steps of demand are given up for their price, and have none of it."""
        shares = np.where(self.is_step, 0.0, self.segment_shares(k))
        total = float(shares.sum())
        return [float(part) / total if total > 0 else float(e == self.top_segment) for e, part in enumerate(shares)]


def quarters_of(grid: Grid) -> list[tuple[int, int, int]]:
    """Calendar quarters made of three periods of a month each."""
    return [
        (t, t + 1, t + 2)
        for t in range(len(grid) - 2)
        if grid.start[t] % 3 == 0 and (grid.length[t : t + 3] == 1).all()
    ]


def sets_of(instance: Instance) -> Sets:
    """The axes of an instance."""
    return Sets(*(tuple(getattr(instance, name)) for name in
                  ("blocs", "products", "tiers", "segments", "rivals", "options", "routes", "groups", "phases")))  # fmt: skip


def demand_of(instance: Instance, grid: Grid) -> tuple[Floats, Floats]:
    """Demand [t,b,k,c,e] and forecast imports from the leader [t,b,k], in tonnes per period."""
    sets = sets_of(instance)
    shape = (len(grid), len(sets.blocs), len(sets.products))
    demand, imports = np.zeros(shape), np.zeros(shape)
    for b, bloc in enumerate(instance.blocs.values()):
        for k, product in enumerate(sets.products):
            growth = np.power(1.0 + float(bloc.growth[product]), grid.middle) * grid.years
            demand[:, b, k] = float(bloc.demand[product]) * growth
            imports[:, b, k] = float(bloc.imports[product]) * growth
    tier = np.array(
        [[float(bloc.tiers[c]) if c in bloc.tiers else 0.0 for c in sets.tiers] for bloc in instance.blocs.values()]
    )
    segment = np.array([[float(product.segments[e]) if e in product.segments else 0.0 for e in sets.segments]
                        for product in instance.products.values()])  # fmt: skip
    return np.einsum("tbk,bc,ke->tbkce", demand, tier, segment), imports


def market_of(instance: Instance, tree: Tree | None = None) -> Market:
    """The followers' world of an instance, on its own tree of breakdowns or on another one."""
    sets, grid = sets_of(instance), grid_of(instance.calendar)
    start = int(grid.start[0])
    demand, forecast = demand_of(instance, grid)
    monthly = demand.sum(axis=-1) / grid.length[:, None, None, None]
    cover, opening = _stocks(instance)
    reserve, penalty = _reserves(instance, grid)
    sources, options = list(instance.rivals.values()), list(instance.options.values())
    cost_of_capital = float(instance.cost_of_capital)
    return Market(
        sets=sets,
        grid=grid,
        tree=tree or fishbone(instance, grid),
        discount=grid.discount(float(instance.buyers.discount_rate)),
        demand=demand,
        forecast=forecast,
        segment_value=np.array([list(instance.worths(name).values()) for name in sets.products]),
        is_step=np.array([use.above is not None for use in instance.segments.values()]),
        price=prices_of(instance, grid),
        cover_target=monthly * cover[None, :, None, :] * _raised(instance, grid)[:, None, None, None],
        reserve_target=monthly * reserve[:, :, None, None],
        reserve_penalty=penalty,
        initial_stock=_first_month(instance) * opening[:, None, :],
        closing_stock=_first_month(instance) * cover[:, None, :],
        holding_cost=float(instance.stocks.holding_cost),
        surplus_cost=float(instance.stocks.surplus_cost),
        step_share=np.array([float(step.share) for step in instance.stocks.cover_steps]),
        step_penalty=np.array([float(step.penalty) for step in instance.stocks.cover_steps]),
        pro_rata=instance.buyers.rationing == "pro_rata",
        shared_shortage=float(instance.buyers.shared_shortage or 0.0),
        exporter_capacity=_grown(float(instance.leader.capacity), float(instance.leader.capacity_growth), grid),
        rival_product=tuple(sets.products.index(rival.product) for rival in sources),
        rival_cost=rivals.delivered(instance),
        lines=rivals.lines_of(instance),
        line_cost=rivals.gate(instance),
        capacity=rivals.capacity(instance, grid),
        upkeep=rivals.upkeep(instance),
        contract_share=rivals.contracts(instance),
        feeds=rivals.feeds(instance),
        contract_premium=rivals.premiums(instance),
        by_product=rivals.by_products(instance),
        subsidy=rivals.subsidy(instance, grid),
        capital_support=rivals.capital_support(instance, grid),
        has_releases=any(posture.release == "quarter" for posture in instance.postures.values()),
        expansions=rivals.expansions(instance, grid),
        potential=rivals.potential(instance),
        option_from=tuple(sets.products.index(option.product) for option in options),
        option_to=tuple(sets.products.index(option.moves_to) if option.moves_to else None for option in options),
        option_potential=np.array([[float(option.potential[e]) if e in option.potential else 0.0 for e in sets.segments]
                                   for option in options]).reshape(len(options), len(sets.segments)),
        option_limit=np.array([float(option.yearly_limit) for option in options]),
        option_running=np.array([float(option.running_cost) for option in options]),
        redesigns={o: investment(grid, float(option.lead_time), annuity(float(option.cost), cost_of_capital, float(option.life)), start)
                   for o, option in enumerate(options)},
        route_ends=tuple((sets.blocs.index(route.source), sets.blocs.index(route.destination)) for route in instance.routes.values()),
        route_capacity=np.array([[float(route.capacity) * years for route in instance.routes.values()] for years in grid.years])
        .reshape(len(grid), len(sets.routes)),
        route_cost=np.array([float(route.cost) for route in instance.routes.values()]),
    )  # fmt: skip


def _stocks(instance: Instance) -> tuple[Floats, Floats]:
    """Months of demand held at rest and on the first day [b,c]."""
    cover = np.array(
        [
            [float(bloc.cover[c] if c in bloc.cover else instance.tiers[c].cover) for c in instance.tiers]
            for bloc in instance.blocs.values()
        ]
    )
    opening = np.array(
        [
            [float((bloc.opening or {}).get(c, usual[at])) for at, c in enumerate(instance.tiers)]
            for bloc, usual in zip(instance.blocs.values(), cover, strict=True)
        ]
    )
    return cover, opening


def _first_month(instance: Instance) -> Floats:
    """A month of demand at the start [b,k,c], tonnes."""
    return np.array([[[float(bloc.demand[k]) / 12 * float(bloc.tiers[c]) if c in bloc.tiers else 0.0 for c in instance.tiers]
                      for k in instance.products] for bloc in instance.blocs.values()])  # fmt: skip


def _raised(instance: Instance, grid: Grid) -> Floats:
    """Factor on the working cover by period [t]: what a shock that was lived through adds, half of it every half-life."""
    raised = instance.stocks.raised
    if raised is None:
        return np.ones(len(grid))
    begins = month_index(raised.begins)
    years = grid.middle + (int(grid.start[0]) - begins) / 12.0
    left = np.power(0.5, np.maximum(years, 0.0) / float(raised.half_life))
    return np.where(grid.start >= begins, 1.0 + float(raised.by) * left, 1.0)


def _grown(rate: float, growth: float, grid: Grid) -> Floats:
    return rate * np.power(1.0 + growth, grid.middle) * grid.years


def _reserves(instance: Instance, grid: Grid) -> tuple[Floats, Floats]:
    """Months of mandated reserve [t,b] and the price of its slack [b] in USD/kg/month."""
    months = np.zeros((len(grid), len(instance.blocs)))
    penalty = np.zeros(len(instance.blocs))
    for b, bloc in enumerate(instance.blocs.values()):
        if bloc.reserve is not None:
            months[:, b] = float(bloc.reserve.months) * (grid.start >= month_index(bloc.reserve.begins))
            penalty[b] = float(bloc.reserve.penalty)
    return months, penalty
