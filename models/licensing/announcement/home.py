"""The leader's side at home: firms and their cash, the glut of what is not exported, makers who move in.

Everything here follows from planned exports: what is licensed, at most the forecast. So it is known once a strategy
is announced, is the same for all best responses of the buyers, and costs no linear program. Shapes: w scenarios
(paths through the tree), t periods, n classes of firms. Money is in million USD, undiscounted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import WEEKS_PER_MONTH
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.market.prices import costs_of


@dataclass(frozen=True)
class HomeFlows:
    """What happens at home under a strategy.

    Attributes
    ----------
    support : [w,t] paid by the state to firms whose cash is gone
    lost : [w,t] share of export capacity that has gone with them
    glut : [w,t] net value of what is stored, sold off at home or exported later; negative while it builds up
    stored : [w,t] tonnes at the end of each period
    price : [w,t] at home, USD/kg
    downstream : [w,t] earned by industry that has moved in
    weeks : {class: weeks from the announcement to the day its cash is gone while licences hold, None if never}
    supported : {class: support paid while licences hold}
    """

    support: Floats
    lost: Floats
    glut: Floats
    stored: Floats
    price: Floats
    downstream: Floats
    weeks: dict[str, float | None]
    supported: dict[str, float]


@dataclass(frozen=True)
class _Firms:
    """The classes of firms as arrays [n], in the units of the instance; ``is_rescued`` is 1 where the state pays."""

    export_share: Floats
    export_margin: Floats
    home_sales: Floats
    home_margin: Floats
    price_exposure: Floats
    fixed_cost: Floats
    cash: Floats
    is_rescued: Floats


class HomeMarket:
    """The domestic side of one instance."""

    def __init__(self, instance: Instance, market: Market) -> None:
        self.instance, self.market = instance, market
        self.grid = market.grid
        self.forecast = market.forecast.sum(axis=(1, 2))
        self.firms = list(instance.firms.values())
        names = [field.name for field in fields(_Firms)][:-1]
        columns = {name: np.array([float(getattr(firm, name)) for firm in self.firms]) for name in names}
        self.table = _Firms(**columns, is_rescued=np.array([float(firm.rescue == "support") for firm in self.firms]))
        leader = instance.leader
        growth = np.power(1.0 + float(leader.home_growth), self.grid.middle)
        self.home_use = float(leader.home_use) * self.grid.years * growth
        self.growth = growth
        cost, total = costs_of(instance, market.grid), market.forecast[0].sum(axis=0)
        self.unit_cost = cost @ total / total.sum() if total.sum() > 0 else cost.mean(axis=1)
        self.lagged, self.before = self._lags()

    def planned(self, licence: Floats) -> Floats:
        """Exports that firms plan for in each scenario [w,t], tonnes, given licences [n,b,k]."""
        tree = self.market.tree
        per_node = np.minimum(licence, self.market.forecast[tree.period]).sum(axis=(1, 2))
        return np.array([per_node[tree.path(scenario)] for scenario in range(tree.scenarios)])

    def flows(self, planned: Floats) -> HomeFlows:
        """What planned exports [w,t] bring about at home."""
        glut, stored, price = self._glut(planned)
        start = 0.0 if self.instance.home is None else float(self.instance.home.price)
        support, lost, weeks, supported = self._firms(planned, price - start)
        return HomeFlows(support, lost, glut, stored, price, self._downstream(planned), weeks, supported)

    def _lags(self) -> tuple[Floats, Floats]:
        """Weights of planned exports by period, and of the trade before the announcement, in the output of a period."""
        grid, home = self.grid, self.instance.home
        lag = 0.0 if home is None else float(home.adjustment)
        weights = np.zeros((len(grid), len(grid)))
        before = np.zeros(len(grid))
        for t in range(len(grid)):
            first, last = grid.start[t] - lag, grid.end[t] - lag
            weights[t] = grid.overlap(first, last) / grid.length
            before[t] = max(0.0, min(last, grid.start[0]) - first) / grid.length[0]
        return weights, before

    def _glut(self, planned: Floats) -> tuple[Floats, Floats, Floats]:
        """Net value of the glut, stored tonnes and the home price."""
        home, shape = self.instance.home, planned.shape
        if home is None:
            return np.zeros(shape), np.zeros(shape), np.zeros(shape)
        output = planned @ self.lagged.T + self.before * self.forecast[0]
        unsold = output - planned
        # Trade that only follows its forecast up or down is no glut: output is planned ahead for that.
        steady = self.forecast @ self.lagged.T + self.before * self.forecast[0] - self.forecast
        unsold = unsold - steady * np.where(self.forecast > 0, planned / self.forecast, 0.0)
        value, stored, price = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        stock = np.zeros(shape[0])
        for t in range(shape[1]):
            added, wanted = np.maximum(unsold[:, t], 0.0), np.maximum(-unsold[:, t], 0.0)
            drawn = np.minimum(stock, wanted)
            stock = stock + added - drawn
            elastic = float(home.elasticity) * self.home_use[t]
            dumped = np.minimum(stock * -np.expm1(-float(home.dumped) * self.grid.years[t]), elastic)
            stock = stock - dumped
            fall = float(home.price) * dumped / elastic if elastic > 0 else 0.0 * dumped
            # What producers lose on all they sell at home their customers gain; the extra use is worth the area
            # under the demand curve.
            worth = (float(home.price) - fall / 2.0) * dumped - self.unit_cost[t] * (added - drawn)
            value[:, t] = (worth - float(home.storage_cost) * stock * self.grid.length[t]) / 1000.0
            stored[:, t], price[:, t] = stock, float(home.price) - fall
        return value, stored, price

    def _firms(
        self, planned: Floats, change: Floats
    ) -> tuple[Floats, Floats, dict[str, float | None], dict[str, float]]:
        """Support, lost capacity, and by class the weeks to insolvency and the support while licences hold."""
        firms, shape = self.table, planned.shape
        support, lost = np.zeros(shape), np.zeros(shape)
        cash = np.repeat(firms.cash[None, :], shape[0], axis=0)
        gone = np.zeros(cash.shape, dtype=bool)
        weeks: list[float | None] = [None] * len(self.firms)
        supported = np.zeros(len(self.firms))
        earned = planned[:, :, None] * (firms.export_share * firms.export_margin)
        margin = firms.home_margin + firms.price_exposure * change[:, :, None]
        years = (self.growth * self.grid.years)[:, None]
        flows = (earned + firms.home_sales * years * margin) / 1000.0 - firms.fixed_cost * years
        for t in range(shape[1]):
            after = cash + flows[:, t]
            short = np.where(gone, 0.0, np.maximum(-after, 0.0))
            for i in np.flatnonzero(short[0] > 0):
                if weeks[i] is None:
                    months = (
                        self.grid.start[t] - self.grid.start[0] + self.grid.length[t] * cash[0, i] / -flows[0, t, i]
                    )
                    weeks[i] = float(months) * WEEKS_PER_MONTH
            cash = np.clip(after, 0.0, firms.cash)
            support[:, t] = short @ firms.is_rescued
            supported += short[0] * firms.is_rescued
            gone |= (short > 0) & (firms.is_rescued == 0)
            lost[:, t] = gone @ firms.export_share
        names = list(self.instance.firms)
        return support, lost, dict(zip(names, weeks, strict=True)), dict(zip(names, supported.tolist(), strict=True))

    def _downstream(self, planned: Floats) -> Floats:
        """What the industry earns that has followed the material."""
        rule, earned = self.instance.downstream, np.zeros(planned.shape)
        if rule is None:
            return earned
        moved = np.zeros(planned.shape[0])
        years = self.grid.years
        for t in range(planned.shape[1]):
            denied = (self.forecast[t] - planned[:, t]) / years[t]
            limit = float(rule.limit) * self.forecast[t] / years[t]
            after = np.minimum(limit, moved + float(rule.share) * denied * years[t])
            earned[:, t] = float(rule.value) * (moved + after) / 2.0 * years[t] / 1000.0
            moved = np.maximum(moved, after)
        return earned
