"""The rivals' part of the followers' program: what they sell, what stands, what is ordered and what closes for good.

Laws and costs are those of :mod:`coercivity.models.licensing.buyers.formulation`, whose builder calls them in its order.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.announcement.feed import standing
from coercivity.models.licensing.buyers.consistency import UnitSystem, unit_of
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.charges import expansion_charge, upkeep_charge


class Rivals:
    """Writes rivals into a model; a method per law."""

    def __init__(self, market: Market, announced: Announcement, units: UnitSystem) -> None:
        self.market, self.announced, self.units = market, announced, units
        self.tree, self.grid = market.tree, market.grid
        self.period = [int(t) for t in self.tree.period]
        self.parent = [int(p) for p in self.tree.parent]
        self.nodes, self.lines = range(len(self.tree)), range(len(market.lines))
        self.tiers = range(len(market.sets.tiers))
        self.served = {j: [b for rival, b in market.rival_cost if rival == j] for j in range(len(market.sets.rivals))}
        self.lags = {line: [x.lags(t) for t in range(len(self.grid))] for line, x in market.expansions.items()}

    # -- variables -------------------------------------------------------------------------------------------------

    def sales(self, model: pyo.ConcreteModel) -> None:
        """What is bought from rivals, and what each line of a rival of several makes."""
        model.rival_sales = pyo.Var(
            [(n, j, b, c) for n in self.nodes for j, b in self.market.rival_cost for c in self.tiers],
            domain=pyo.NonNegativeReals,
            units=unit_of(self.units.tonne),
        )
        model.step_sales = pyo.Var(
            [(n, line) for n in self.nodes for line in self.market.line_cost],
            domain=pyo.NonNegativeReals,
            units=unit_of(self.units.tonne),
        )

    def investment(self, model: pyo.ConcreteModel) -> None:
        """What is ordered, and what has closed."""
        market, nonneg, capacity = self.market, pyo.NonNegativeReals, unit_of(self.units.tonnes_per_year)
        keys = [(n, line) for n in self.nodes for line in market.expansions]
        # Orders that cannot be made are columns held at zero, so that a lead time changes no column.
        model.expansion = pyo.Var(keys, domain=nonneg, units=capacity)
        for n, line in model.expansion:
            if not market.expansions[line].possible[self.period[n]]:
                model.expansion[n, line].setub(0.0 * self.units.tonnes_per_year)
        model.ordered = pyo.Var(keys, domain=nonneg, units=capacity)
        for n, line in model.ordered:
            model.ordered[n, line].setub(float(market.potential[line]) * self.units.tonnes_per_year)
        model.closed = pyo.Var([(n, line) for n in self.nodes for line in market.upkeep], domain=nonneg, units=capacity)

    # -- laws ------------------------------------------------------------------------------------------------------

    def capacity(self, model: pyo.ConcreteModel) -> None:
        """A line sells what stands, what was committed and what was ordered a lead time ago, less what has closed."""
        market, tonne = self.market, self.units.tonne
        # A row that reads 0 ≤ capacity would be refused.
        moving = {*market.expansions, *market.upkeep, *market.line_cost}
        lines = [line for line in self.lines if line in moving or self.served[market.lines[line]]]
        model.rival_capacity = pyo.Constraint([(n, line) for n in self.nodes for line in lines])
        for n, line in model.rival_capacity.index_set():
            t, j = self.period[n], market.lines[line]
            has_steps = line in market.line_cost
            sales = model.step_sales[n, line] if has_steps else self._sold(model, n, j, self.served[j])
            years = float(self.grid.years[t]) * self.units.year
            lags = self.lags[line][t] if line in self.lags else []
            new = sum(weight * years * model.ordered[self.tree.ancestor(n, m), line] for m, weight in lags)
            gone = years * model.closed[n, line] if line in market.upkeep else 0.0 * tonne
            model.rival_capacity[n, line] = sales - new + gone <= float(market.capacity[t, line]) * tonne

    def feed(self, model: pyo.ConcreteModel) -> None:
        """What stands at first makes no more than its feed allows; new plants bring their own."""
        market, tonne = self.market, self.units.tonne
        model.rival_feed = pyo.Constraint([(n, j) for n in self.nodes for j in market.feeds])
        whole = standing(market)
        for n, j in model.rival_feed.index_set():
            t = self.period[n]
            years = float(self.grid.years[t]) * self.units.year
            new = sum(
                (
                    weight * years * model.ordered[self.tree.ancestor(n, m), line]
                    for line, rival in enumerate(market.lines)
                    if rival == j and line in self.lags
                    for m, weight in self.lags[line][t]
                ),
                0.0 * tonne,
            )
            fed = self.announced.feed
            limit = float(whole[t, j] if fed is None else fed[n, j])
            model.rival_feed[n, j] = self._sold(model, n, j, self.served[j]) - new <= limit * tonne

    def steps(self, model: pyo.ConcreteModel) -> None:
        """A rival of several lines sells what they make together: one flow to each bloc, whatever it was made at."""
        several = sorted({self.market.lines[line] for line in self.market.line_cost})
        model.cost_steps = pyo.Constraint([(n, j) for n in self.nodes for j in several])
        for n, j in model.cost_steps.index_set():
            made = sum(model.step_sales[n, line] for line in self.market.lines_of(j))
            model.cost_steps[n, j] = self._sold(model, n, j, self.served[j]) - made <= 0.0 * self.units.tonne

    def expansion(self, model: pyo.ConcreteModel) -> None:
        """Orders add up, and what has closed stays closed."""
        none = 0.0 * self.units.tonnes_per_year
        model.expansion_total = pyo.Constraint(list(model.ordered.index_set()))
        for n, line in model.ordered.index_set():
            before = model.ordered[self.parent[n], line] if self.parent[n] >= 0 else none
            model.expansion_total[n, line] = model.ordered[n, line] - before - model.expansion[n, line] == none
        later = [(n, line) for n, line in model.closed.index_set() if self.parent[n] >= 0]
        model.closing = pyo.Constraint(later)
        for n, line in later:
            model.closing[n, line] = model.closed[n, line] - model.closed[self.parent[n], line] >= none

    def ties(self, model: pyo.ConcreteModel) -> None:
        """Contracts leave a bloc its share of what is sold; a by-product comes with its main product."""
        market, none = self.market, 0.0 * self.units.tonne
        model.contract_share = pyo.Constraint([(n, *pair) for n in self.nodes for pair in market.contract_share])
        for n, j, b in model.contract_share.index_set():
            share = market.contract_share[j, b]
            model.contract_share[n, j, b] = (1.0 - share) * self._sold(model, n, j, [b]) - share * self._sold(
                model, n, j, [other for other in self.served[j] if other != b]
            ) <= none
        model.by_product = pyo.Constraint([(n, j) for n in self.nodes for j in market.by_product])
        for n, j in model.by_product.index_set():
            main, ratio = market.by_product[j]
            sold, beside = self._sold(model, n, j, self.served[j]), self._sold(model, n, main, self.served[main])
            model.by_product[n, j] = sold - ratio * beside <= none

    def _sold(self, model: pyo.ConcreteModel, n: int, j: int, blocs: list[int]) -> Any:
        """What a rival sells to some blocs on a node."""
        return 0.0 * self.units.tonne + sum(model.rival_sales[n, j, b, c] for b in blocs for c in self.tiers)

    # -- costs -----------------------------------------------------------------------------------------------------

    def running_cost(self, model: pyo.ConcreteModel, n: int) -> Any:
        """What is paid for a node's sales, and for what stands at the start, discounted."""
        market, price, t = self.market, self.units.price, self.period[n]
        discount = float(market.discount[t])
        cost = sum(
            discount * (unit_cost - self._paid(t, j)) * price * model.rival_sales[n, j, b, c]
            for (j, b), unit_cost in market.rival_cost.items()
            for c in self.tiers
        )
        cost += sum(
            discount * (gate - float(market.subsidy[t, line])) * price * model.step_sales[n, line]
            for line, gate in market.line_cost.items()
        )
        return cost + sum(
            discount * upkeep * price * (float(market.capacity[t, line]) * self.units.tonne
                                         - float(self.grid.years[t]) * self.units.year * model.closed[n, line])
            for line, upkeep in market.upkeep.items()
        )  # fmt: skip

    def _paid(self, t: int, j: int) -> float:
        """What treasuries pay on a rival's sales, where it has one cost."""
        line, *more = self.market.lines_of(j)
        return 0.0 if more else float(self.market.subsidy[t, line])

    def investment_cost(self, model: pyo.ConcreteModel, n: int) -> Any:
        """Annuities and upkeep over the periods that an order serves, charged where it is decided, discounted."""
        t, units = self.period[n], self.units
        cost = 0.0 * units.thousand_usd
        each = units.thousand_usd / units.tonnes_per_year
        for line in self.market.expansions:
            cost += (
                expansion_charge(self.market, line, t)
                * (1.0 - float(self.announced.funding[t, self.market.lines[line]]))
                * each
                * model.expansion[n, line]
            )
            if line in self.market.upkeep:
                cost += upkeep_charge(self.market, line, t) * each * model.ordered[n, line]
        return cost
