"""Leverage: what an unannounced cut-off would cost the buyers, from the state that a strategy has bred.

From the end of a period on, on a monthly grid of its own, the leader delivers nothing for m months; afterwards
deliveries run as before. Stocks, plants and designs are those of that day and no new investment is possible.
The loss is the extra cost over the uncut twin. Stock that is missing at the end of the window is charged at the
export price, in both twins alike. Also here: log power, and the concentration of sources.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from coercivity.engine.programs.hot import HotProgram, ScaledProgram
from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.announcement.feed import left_of, licensed_share, running, standing
from coercivity.models.licensing.buyers.evaluate import Response, layout_of
from coercivity.models.licensing.buyers.window import with_salvage
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats, Grid, tree_of
from coercivity.models.licensing.market.prices import costs_of


@dataclass(frozen=True)
class State:
    """The market at the end of a period while licences hold; flows are tonnes per month.

    Attributes
    ----------
    stock, cover_target : [b,k,c] tonnes
    demand : [b,k,c,e] after what redesign removed and thrifting moved
    capacity : [l] of rivals' lines, less what has closed
    standing : [j] capacity without orders, which feed from the leader may limit
    feed : [j] months of feed in stock, of rivals that need some
    feed_share : [j] share of their feed that is licensed
    licence : [b,k], infinite under open trade
    routes : [r]
    exporters : of all products together
    period : whose licences and prices are in force
    """

    stock: Floats
    cover_target: Floats
    demand: Floats
    capacity: Floats
    standing: Floats
    feed: Floats
    feed_share: Floats
    licence: Floats
    routes: Floats
    exporters: float
    period: int


def state_after(response: Response, period: int) -> State:
    """The state at the end of ``period`` on the trunk; licences are those of the period that follows."""
    market, announced = response.market, response.announced
    months = float(market.grid.length[period])
    following = min(period + 1, len(market.grid) - 1)
    after = float(market.grid.length[following])
    base, left = market.demand[period], remaining_demand(response, period)
    totals = base.sum(axis=-1)
    scale = np.divide(left.sum(axis=-1), totals, out=np.zeros_like(totals), where=totals > 0)
    feed, share = np.zeros(len(market.sets.rivals)), np.ones(len(market.sets.rivals))
    for j, need in market.feeds.items():
        licensed = licensed_share(market, announced.licence, j)
        feed[j] = left_of(licensed[: period + 1], market.grid.length[: period + 1], need.stock)
        share[j] = licensed[following]
    return State(
        stock=np.maximum(response.stock[period], 0.0),
        cover_target=market.cover_target[period] * scale,
        demand=left / months,
        capacity=np.maximum(market.capacity[period] / months + running_orders(response, period) / 12.0, 0.0),
        standing=standing(market)[period] / months,
        feed=feed,
        feed_share=share,
        licence=announced.licence[following] / after,
        routes=announced.route_capacity[following] / after,
        # Of the firms that are still there while licences hold.
        exporters=float(announced.exporter_capacity[period]) / months,
        period=following,
    )


def running_orders(response: Response, period: int) -> Floats:
    """Capacity ordered after the announcement that runs at the end of a trunk period, less what has closed [l], t/yr."""
    market = response.market
    capacity: Floats = -response.plan["closed"][period]
    for line, order in market.expansions.items():
        running = order.running(float(market.grid.end[period]))[: period + 1]
        capacity[line] += running @ response.plan["expansion"][: period + 1, line]
    return capacity


def remaining_demand(response: Response, period: int) -> Floats:
    """Demand of a trunk period after redesign and thrifting in force at its end, [b,k,c,e] tonnes."""
    market = response.market
    demand = market.demand[period].copy()
    for o, order in market.redesigns.items():
        arrived = np.flatnonzero(order.arrival[: period + 1] <= market.grid.end[period])
        share = response.plan["design_order"][arrived, :, o, :].sum(axis=0)
        source, target = market.option_from[o], market.option_to[o]
        moved = market.demand[period][:, source] * share[:, None, :]
        demand[:, source] -= moved
        if target is not None:
            demand[:, target] += moved
    left: Floats = np.maximum(demand, 0.0)
    return left


class CutOff:
    """The cut-off program of one instance: built once, then told the state and who is cut off for how long."""

    def __init__(self, instance: Instance, market: Market) -> None:
        assert instance.leverage is not None
        self.lengths = [float(length) for length in instance.leverage.lengths]
        self.price = market.price
        self.gain = market.price - costs_of(instance, market.grid) + float(instance.leader.idle_cost)
        self.market = _window(market, int(np.ceil(max(self.lengths) + float(instance.leverage.recovery))))
        nodes = len(self.market.grid)
        shape = (nodes, len(market.sets.blocs), len(market.sets.products))
        nothing, sure = np.zeros(shape), np.ones(nodes)
        self._announced = Announcement(
            "cut-off", (), nothing, np.zeros((nodes, len(market.sets.routes))), sure, sure, np.zeros(0), np.zeros(0),
            drawable=nothing, release=np.full(shape, np.inf), exporter_capacity=sure, relief=nothing, tax=nothing,
            funding=np.zeros((nodes, len(market.sets.rivals))),
        )  # fmt: skip
        self.layout = layout_of(self.market, self._announced)

    @cached_property
    def _hot(self) -> HotProgram:
        return ScaledProgram(with_salvage(self.layout, self.market))

    def losses(self, state: State, blocs: list[tuple[int, ...]]) -> tuple[Floats, Floats]:
        """Extra cost to the buyers of a cut-off, and what the leader forgoes, each [length, set of blocs] in million USD."""
        self._tell(state)
        uncut, earned = self._run(state, (), 0.0)
        found = np.array([[self._run(state, members, months) for members in blocs] for months in self.lengths])
        return (found[..., 0] - uncut) / 1000.0, (earned - found[..., 1]) / 1000.0

    def forget(self) -> None:
        """Solve the next one from scratch."""
        self._hot.forget()

    def _tell(self, state: State) -> None:
        hot, layout, steps = self._hot, self.layout, self.market.step_share
        total = state.demand.sum(axis=-1)
        index, at = layout.rows["demand_balance"]
        first = np.where(index[:, 0] == 0, state.stock[tuple(index[:, 1:].T)], 0.0)
        hot.set_row_lower(at, total[tuple(index[:, 1:].T)] - first)
        self._ask(self.price[state.period])
        for law, values in (
            ("unmet_cap", state.demand),
            ("rival_capacity", state.capacity),
            ("reexport_capacity", state.routes),
        ):
            if law in layout.rows and len(layout.rows[law][1]):
                index, at = layout.rows[law]
                hot.set_row_upper(at, values[tuple(index[:, 1:].T)])
        at = layout.rows["exporter_capacity"][1]
        hot.set_row_upper(at, np.full(len(at), state.exporters))
        index, at = layout.columns["cover"]
        hot.set_column_upper(at, state.cover_target[tuple(index[:, 1:4].T)] * steps[index[:, 4]])

    def _ask(self, price: Floats) -> None:
        """Tell the solver the leader's price [k], at which stock that is left is credited too; not where it never moves."""
        if (self.price == self.price[0]).all():
            return
        index, at = self.layout.columns["imports"]
        self._hot.set_cost(price[index[:, 2]], at)
        for name in ("cover", "surplus"):
            index, at = self.layout.columns[name]
            end = index[:, 0] == len(self.market.grid) - 1
            self._hot.set_cost(self.layout.unit_cost[at[end]] - price[index[end, 2]], at[end])

    def _run(self, state: State, members: tuple[int, ...], months: float) -> tuple[float, float]:
        """The buyers' cost and the leader's earnings with some blocs cut off for a while, thousand USD."""
        index, at = self.layout.rows["export_licence"]
        total = state.demand.sum(axis=-1)
        by_bloc = total.sum(axis=-1, keepdims=True)
        share = np.divide(total, by_bloc, out=np.zeros_like(total), where=by_bloc > 0)[tuple(index[:, 1:].T)]
        licence = state.licence[index[:, 1], index[:, 2]]
        limit = np.multiply(licence, share, out=np.full(len(at), np.inf), where=np.isfinite(licence))
        if members:
            # A cut of part of a month leaves the rest of it to the licence, or to the exporters alone.
            delivered = np.clip(index[:, 0] + 1 - months, 0.0, 1.0)
            cut = np.isin(index[:, 1], members) & (delivered < 1)
            open_limit = np.where(np.isfinite(limit), limit, state.exporters)
            limit = np.where(cut, delivered * open_limit, limit)
        self._hot.set_row_upper(at, limit)
        self._feed(state, members, months)
        self._hot.require_optimum("cut-off")
        index, at = self.layout.columns["imports"]
        return self._hot.objective, float(self.gain[state.period, index[:, 2]] @ self._hot.primal()[at])

    def _feed(self, state: State, members: tuple[int, ...], months: float) -> None:
        """What rivals can make of their feed, which is cut off with the bloc under whose licences it comes."""
        market, grid = self.market, self.market.grid
        if not market.feeds:
            return
        index, at = self.layout.rows["rival_feed"]
        limit = np.zeros((len(grid), len(market.sets.rivals)))
        for j, need in market.feeds.items():
            delivered = np.clip(np.arange(len(grid)) + 1 - months, 0.0, 1.0) if need.bloc in members else 1.0
            share = state.feed_share[j] * np.broadcast_to(delivered, len(grid))
            new = (
                state.capacity[[line for line, rival in enumerate(market.lines) if rival == j]].sum()
                - state.standing[j]
            )
            runs = running(share, grid.length, need.dependence, float(state.feed[j]))
            limit[:, j] = np.maximum(0.0, state.standing[j] * runs + max(0.0, new))
        self._hot.set_row_upper(at, limit[index[:, 0], index[:, 1]])


def _window(market: Market, months: int) -> Market:
    """The market on a monthly grid without investment; the arrays that a state overwrites are placeholders."""
    grid = Grid(np.arange(months), np.ones(months, dtype=np.int64))
    monthly = market.demand[:1] / market.grid.length[0]
    empty = np.zeros((0, len(market.sets.segments)))
    return replace(
        market,
        sets=replace(market.sets, options=()),
        grid=grid,
        tree=tree_of(months, ()),
        discount=np.ones(months),
        price=np.repeat(market.price[:1], months, axis=0),
        demand=np.repeat(np.maximum(monthly, 1e-6), months, axis=0),
        cover_target=np.repeat(market.cover_target[:1], months, axis=0),
        reserve_target=np.zeros((months, *market.reserve_target.shape[1:])),
        initial_stock=np.zeros_like(market.initial_stock),
        closing_stock=np.zeros_like(market.closing_stock),
        exporter_capacity=np.ones(months),
        capacity=np.ones((months, len(market.lines))),
        # What stands is paid for in both twins, and nothing closes within a cut-off.
        upkeep={},
        subsidy=np.repeat(market.subsidy[-1:], months, axis=0),
        capital_support=np.zeros((months, len(market.lines))),
        has_releases=False,
        route_capacity=np.ones((months, len(market.sets.routes))),
        expansions={}, redesigns={}, option_from=(), option_to=(), option_potential=empty,
        option_limit=np.zeros(0), option_running=np.zeros(0),
    )  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Cut-off losses along a strategy: [period, length, set] in million USD; the last set is all blocs together.

    ``losses`` are the buyers', ``forgone`` the leader's own from the same cut-off.
    """

    periods: list[int]
    lengths: list[float]
    losses: Floats
    forgone: Floats


def leverage_curve(instance: Instance, cutoff: CutOff, response: Response) -> Curve:
    """The cut-off losses at quarter ends up to the date that the instance states, on the trunk."""
    market = response.market
    assert instance.leverage is not None
    until = month_index(instance.leverage.until)
    grid = market.grid
    # Quarter ends while periods are months; every end of a longer period, wherever its quarter or year ends.
    is_date = (grid.end % 3 == 0) | (grid.length > 1)
    periods = [t for t in range(len(grid)) if is_date[t] and grid.end[t] <= until + 1]
    blocs = [(b,) for b in range(len(market.sets.blocs))] + [tuple(range(len(market.sets.blocs)))]
    losses = []
    for t in periods:
        # From scratch, so that what the leader forgoes, which buyers' ties leave open, does not depend on what was asked before.
        cutoff.forget()
        losses.append(cutoff.losses(state_after(response, t), blocs))
    found = np.array(losses).reshape(len(periods), 2, len(cutoff.lengths), len(blocs))
    return Curve(periods, cutoff.lengths, found[:, 0], found[:, 1])


def log_power(share: float) -> float:
    """Market power −ln(1 − ω) of a share ω of the market.

    >>> round(log_power(0.9), 4), round(1 - log_power(0.8) / log_power(0.9), 3)
    (2.3026, 0.301)
    """
    return float("inf") if share >= 1.0 else float(-np.log1p(-share))
