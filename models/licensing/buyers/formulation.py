"""The followers' market as a linear program in Pyomo.

Buyers outside the leader's country take an announced strategy as given and minimise their expected discounted
cost over a tree of breakdowns. They choose, on every node n of the tree (period t, probability w):

    imports, rival_sales, reexport, unmet                      tonnes
    step_sales                                                 tonnes that each line of a rival of several costs makes
    cover, reserve, surplus                                    tonnes of stock: steps of the working cover, the
                                                               mandated reserve, and what is held beyond both
    expansion, ordered                                         tonnes per year, new and cumulative
    closed                                                     tonnes per year that have closed for good so far
    design_order, designed_out                                 shares of demand, new and cumulative

    min  Σ_n w_n δ_t ( (p+τ−ψ)·imports + (c+f−s)·rival_sales + (c−s)·step_sales + z·reexport + h·months·stock + h₊·months·surplus + Σ_e v_e·unmet
                       + Σ_s g_s·months·(step − cover) + g_R·months·(target − reserve) )
         + Σ_n w_n ( (1−φ)·A_l·expansion + A_o·design_order + o·δ_t·(capacity standing at first, and ordered since, − closed) )
    s.t. supply + stock drawn + unmet + designed out − moved here ≥ demand   [price]          demand_balance
         unmet ≤ demand left in the segment                                  [−]              unmet_cap
         imports ≤ licensed volume, split over tiers by demand               [licence rent]   export_licence
         Σ imports of a quarter ≤ what it was released for                   [release rent]   quarterly_release
         Σ imports ≤ exporters' capacity                                     [exporter rent]  exporter_capacity
         Σ rival_sales ≤ capacity now, committed, and ordered a lead time ago, less what has closed
                                                                             [rival rent]    rival_capacity
         Σ rival_sales ≤ what its feed allows of capacity standing at first, and ordered a lead time ago
                                                                             [feed rent]     rival_feed
         Σ rival_sales ≤ Σ step_sales                                        [gate price]     cost_steps
         closed ≥ closed before                                              [−]              closing
         sales to a bloc ≤ its contract's share of all sales                 [premium]        contract_share
         sales of a by-product ≤ ratio · sales of its main product           [−]              by_product
         ordered = ordered before + expansion                                [−]              expansion_total
         designed_out = designed_out before + design_order                   [−]              redesign_ratchet
         designed_out over all options ≤ 1                                   [−]              redesign_limit
         Σ reexport ≤ route capacity                                         [leakage rent]   reexport_capacity
         stock at the end ≥ working cover at the start                       [−]              final_stock
         unmet in proportion to demand (pro-rata rationing only)             [−]              rationing
         unmet of the dearest use ≥ its part of a shared shortage            [−]              shared_shortage
    with stock = Σ_s cover + reserve + surplus, cover ≤ step, reserve ≤ target, ordered ≤ potential,
         design_order ≤ yearly limit, designed_out ≤ potential

Money is in thousand US dollars (a tonne at 1 USD/kg). Decisions before a breakdown are equal across scenarios
because they are one variable of the trunk. The page README.md beside this file explains every symbol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyomo.environ as pyo

from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.buyers.consistency import UnitSystem, unit_of
from coercivity.models.licensing.buyers.rivals import Rivals
from coercivity.models.licensing.market.arrays import Market, quarters_of
from coercivity.models.licensing.market.charges import licence_of, redesign_charge


def build(market: Market, announced: Announcement, units: UnitSystem | None = None) -> pyo.ConcreteModel:
    """The followers' program for an announced strategy.

    Parameters
    ----------
    market : the followers' world
    announced : licences, routes and probabilities
    units : give :func:`coercivity.models.licensing.buyers.consistency.checked_units` to build a model that Pyomo's unit checker can read
    """
    return _Builder(market, announced, units or UnitSystem()).build()


class _Builder:
    """Builds one model; a method per law, so that a law is found by its name."""

    def __init__(self, market: Market, announced: Announcement, units: UnitSystem) -> None:
        self.market, self.announced, self.units = market, announced, units
        self.sets, self.tree, self.grid = market.sets, market.tree, market.grid
        self.period = [int(t) for t in self.tree.period]
        self.parent = [int(p) for p in self.tree.parent]
        self.nodes = range(len(self.tree))
        self.blocs, self.products = range(len(self.sets.blocs)), range(len(self.sets.products))
        self.tiers, self.segments = range(len(self.sets.tiers)), range(len(self.sets.segments))
        self.rivals, self.options = Rivals(market, announced, units), range(len(self.sets.options))
        self.routes, self.steps = range(len(self.sets.routes)), range(len(market.step_share))
        # Plain Python numbers: NumPy scalars would turn Pyomo's expressions into arrays.
        self.demand = market.demand.tolist()
        self.tonnes = market.demand.sum(axis=-1).tolist()
        self.lags_option = {o: [x.lags(t) for t in range(len(self.grid))] for o, x in market.redesigns.items()}

    def build(self) -> pyo.ConcreteModel:
        model = pyo.ConcreteModel(name="followers")
        self.cells = [(b, k, c) for b in self.blocs for k in self.products for c in self.tiers]
        self.designs = [
            (b, o, e)
            for b in self.blocs
            for o in self.options
            for e in self.segments
            if self.market.option_potential[o, e] > 0
        ]
        self.by_cell = {
            cell: list(self._designs_touching(*cell)) for cell in ((b, k) for b in self.blocs for k in self.products)
        }
        self._variables(model)
        self._demand_balance(model)
        self._unmet(model)
        self._trade(model)
        self.rivals.expansion(model)
        self.rivals.steps(model)
        self.rivals.ties(model)
        self._redesign(model)
        self._stocks(model)
        self._objective(model)
        return model

    def _variables(self, model: pyo.ConcreteModel) -> None:
        market, tonne = self.market, self.units.tonne
        nonneg = pyo.NonNegativeReals
        keys = [(n, *cell) for n in self.nodes for cell in self.cells]
        model.imports = pyo.Var(keys, domain=nonneg, units=unit_of(tonne))
        model.surplus = pyo.Var(keys, domain=nonneg, units=unit_of(tonne))
        model.unmet = pyo.Var([(*key, e) for key in keys for e in self.segments], domain=nonneg, units=unit_of(tonne))
        model.cover = pyo.Var([(*key, s) for key in keys for s in self.steps], domain=nonneg, units=unit_of(tonne))
        for n, b, k, c, s in model.cover:
            model.cover[n, b, k, c, s].setub(self._step(n, b, k, c, s) * tonne)
        reserves = [(n, b, k, c) for n, b, k, c in keys if market.reserve_target[self.period[n], b, k, c] > 0]
        model.reserve = pyo.Var(reserves, domain=nonneg, units=unit_of(tonne))
        for n, b, k, c in reserves:
            model.reserve[n, b, k, c].setub(float(market.reserve_target[self.period[n], b, k, c]) * tonne)
        self.rivals.sales(model)
        model.reexport = pyo.Var(
            [(n, r, k, c) for n in self.nodes for r in self.routes for k in self.products for c in self.tiers],
            domain=nonneg, units=unit_of(tonne),
        )  # fmt: skip
        self.rivals.investment(model)
        model.design_order = pyo.Var([(n, *d) for n in self.nodes for d in self.designs], domain=nonneg)
        for n, b, o, e in model.design_order:
            t = self.period[n]
            possible = float(market.redesigns[o].possible[t])
            model.design_order[n, b, o, e].setub(possible * float(market.option_limit[o] * self.grid.years[t]))
        model.designed_out = pyo.Var([(n, *d) for n in self.nodes for d in self.designs], domain=nonneg)
        for n, b, o, e in model.designed_out:
            model.designed_out[n, b, o, e].setub(float(market.option_potential[o, e]))

    def _step(self, n: int, b: int, k: int, c: int, s: int) -> float:
        return float(self.market.step_share[s] * self.market.cover_target[self.period[n], b, k, c])

    def _stock(self, model: pyo.ConcreteModel, n: int, b: int, k: int, c: int) -> Any:
        """Stock at the end of node n, from its parts: the steps fill from the bottom because the penalty is convex."""
        stock = model.surplus[n, b, k, c] + sum(model.cover[n, b, k, c, s] for s in self.steps)
        return stock + model.reserve[n, b, k, c] if (n, b, k, c) in model.reserve else stock

    def _designs_touching(self, b: int, k: int) -> Iterator[tuple[int, int, int]]:
        """(option, segment, +1 where it relieves product k of bloc b, −1 where it burdens it)."""
        for bloc, o, e in self.designs:
            if bloc == b and self.market.option_from[o] == k:
                yield o, e, 1
            if bloc == b and self.market.option_to[o] == k:
                yield o, e, -1

    def _effective(self, model: pyo.ConcreteModel, n: int, b: int, o: int, e: int) -> list[tuple[float, Any]]:
        """What option o has taken out of segment e by node n: weights on the cumulative orders of its ancestors."""
        return [
            (weight, model.designed_out[self.tree.ancestor(n, m), b, o, e])
            for m, weight in self.lags_option[o][self.period[n]]
        ]

    def _relief(self, model: pyo.ConcreteModel, n: int, b: int, k: int, c: int, segments: tuple[int, ...]) -> Any:
        """Tonnes that redesign takes out of the given segments of a cell, less what thrifting moves there."""
        t = self.period[n]
        return sum(
            sign * weight * self.demand[t][b][self.market.option_from[o]][c][e] * self.units.tonne * share
            for o, e, sign in self.by_cell[b, k] if e in segments
            for weight, share in self._effective(model, n, b, o, e)
        )  # fmt: skip

    def _demand_balance(self, model: pyo.ConcreteModel) -> None:
        market, tonne = self.market, self.units.tonne
        sellers = {(b, k): [j for j, bloc in market.rival_cost if bloc == b and market.rival_product[j] == k]
                   for b in self.blocs for k in self.products}  # fmt: skip
        inward = {b: [r for r in self.routes if market.route_ends[r][1] == b] for b in self.blocs}
        outward = {b: [r for r in self.routes if market.route_ends[r][0] == b] for b in self.blocs}
        everything = tuple(self.segments)
        model.demand_balance = pyo.Constraint([(n, *cell) for n in self.nodes for cell in self.cells])
        for n in self.nodes:
            for b, k, c in self.cells:
                supply = (
                    model.imports[n, b, k, c]
                    + sum(model.rival_sales[n, j, b, c] for j in sellers[b, k])
                    + sum(model.reexport[n, r, k, c] for r in inward[b])
                    - sum(model.reexport[n, r, k, c] for r in outward[b])
                    - self._stock(model, n, b, k, c)
                    + sum(model.unmet[n, b, k, c, e] for e in self.segments)
                    + self._relief(model, n, b, k, c, everything)
                )
                need = self.tonnes[self.period[n]][b][k][c]
                if self.parent[n] >= 0:
                    supply += self._stock(model, self.parent[n], b, k, c)
                else:
                    need -= float(market.initial_stock[b, k, c])
                model.demand_balance[n, b, k, c] = supply >= need * tonne

    def _unmet(self, model: pyo.ConcreteModel) -> None:
        """Cap every segment but the top one; or, under pro-rata rationing, let the shortage fall on all alike but steps of demand."""
        tonne, market = self.units.tonne, self.market
        steps = [e for e in self.segments if market.is_step[e]]
        capped = steps if market.pro_rata else [e for e in self.segments if e != market.top_segment]
        if capped or not market.pro_rata:
            model.unmet_cap = pyo.Constraint([(n, *cell, e) for n in self.nodes for cell in self.cells for e in capped])
            for n, b, k, c, e in model.unmet_cap.index_set():
                left = self.demand[self.period[n]][b][k][c][e] * tonne - self._relief(model, n, b, k, c, (e,))
                model.unmet_cap[n, b, k, c, e] = model.unmet[n, b, k, c, e] <= left
        if not market.pro_rata:
            self._shared_shortage(model)
            return
        alike = [e for e in self.segments if e not in steps]
        shares = [market.rationed_shares(k) for k in self.products]
        # One row a cell follows from the others; a row that reads 0 = 0 would be refused.
        last = [max(e for e in alike if share[e] > 0) for share in shares]
        model.rationing = pyo.Constraint(
            [(n, b, k, c, e) for n in self.nodes for b, k, c in self.cells for e in alike if e != last[k]]
        )
        for n, b, k, c, e in model.rationing.index_set():
            total = sum(model.unmet[n, b, k, c, other] for other in alike)
            model.rationing[n, b, k, c, e] = model.unmet[n, b, k, c, e] - shares[k][e] * total == 0.0 * tonne

    def _shared_shortage(self, model: pyo.ConcreteModel) -> None:
        """The dearest use bears at least its share of the part of a shortage that falls on all alike.

        What is given up for its price is no shortage.
        """
        market, top = self.market, self.market.top_segment
        least = [market.shared_shortage * market.segment_shares(k)[top] for k in self.products]
        # A use that is all of the demand bears all of the shortage anyway.
        shared = [k for k in self.products if least[k] > 0.0 and market.segment_shares(k)[top] < 1.0]
        cells = [cell for cell in self.cells if cell[1] in shared]
        model.shared_shortage = pyo.Constraint([(n, *cell) for n in self.nodes for cell in cells])
        for n, b, k, c in model.shared_shortage.index_set():
            total = sum(model.unmet[n, b, k, c, e] for e in self.segments if not market.is_step[e])
            model.shared_shortage[n, b, k, c] = (
                model.unmet[n, b, k, c, top] - least[k] * total >= 0.0 * self.units.tonne
            )

    def _trade(self, model: pyo.ConcreteModel) -> None:
        market, tonne = self.market, self.units.tonne
        model.export_licence = pyo.Constraint([(n, *cell) for n in self.nodes for cell in self.cells])
        for n in self.nodes:
            for b, k, c in self.cells:
                licensed = licence_of(market, self.announced.drawable, n, b, k, c)
                if licensed is not None:
                    model.export_licence[n, b, k, c] = model.imports[n, b, k, c] <= licensed * tonne
        self._releases(model)
        model.exporter_capacity = pyo.Constraint(list(self.nodes))
        self.rivals.capacity(model)
        self.rivals.feed(model)
        model.reexport_capacity = pyo.Constraint([(n, r) for n in self.nodes for r in self.routes])
        for n in self.nodes:
            sold = sum(model.imports[n, b, k, c] for b, k, c in self.cells)
            model.exporter_capacity[n] = sold <= float(self.announced.exporter_capacity[n]) * tonne
            for r in self.routes:
                flow = sum(model.reexport[n, r, k, c] for k in self.products for c in self.tiers)
                model.reexport_capacity[n, r] = flow <= float(self.announced.route_capacity[n, r]) * tonne

    def _releases(self, model: pyo.ConcreteModel) -> None:
        """A quarter's release limits its months together; the row stands at the last of them, on every branch."""
        last = {months[-1]: months for months in quarters_of(self.grid)} if self.market.has_releases else {}
        nodes = [n for n in self.nodes if self.period[n] in last]
        model.quarterly_release = pyo.Constraint([(n, *cell) for n in nodes for cell in self.cells])
        for n in nodes:
            months = [self.tree.ancestor(n, t) for t in last[self.period[n]]]
            for b, k, c in self.cells:
                released = licence_of(self.market, self.announced.release, n, b, k, c)
                if released is not None:
                    drawn = sum(model.imports[m, b, k, c] for m in months)
                    model.quarterly_release[n, b, k, c] = drawn <= released * self.units.tonne

    def _redesign(self, model: pyo.ConcreteModel) -> None:
        model.redesign_ratchet = pyo.Constraint(list(model.designed_out.index_set()))
        for n, b, o, e in model.designed_out.index_set():
            before = model.designed_out[self.parent[n], b, o, e] if self.parent[n] >= 0 else 0.0
            new = model.design_order[n, b, o, e]
            model.redesign_ratchet[n, b, o, e] = model.designed_out[n, b, o, e] - before - new == 0.0
        crowded = [
            (b, k, e) for b in self.blocs for k in self.products for e in self.segments
            if sum(self.market.option_potential[o, e] for o in self.options if self.market.option_from[o] == k) > 1.0
        ]  # fmt: skip
        model.redesign_limit = pyo.Constraint([(n, *cell) for n in self.nodes for cell in crowded])
        for n, b, k, e in model.redesign_limit.index_set():
            model.redesign_limit[n, b, k, e] = (
                sum(model.designed_out[n, b, o, e] for o in self.options
                    if self.market.option_from[o] == k and self.market.option_potential[o, e] > 0) <= 1.0
            )  # fmt: skip

    def _stocks(self, model: pyo.ConcreteModel) -> None:
        market, tonne = self.market, self.units.tonne
        leaves = [int(leaf) for leaf in self.tree.leaves()]
        model.final_stock = pyo.Constraint([(n, *cell) for n in leaves for cell in self.cells])
        for n, b, k, c in model.final_stock.index_set():
            model.final_stock[n, b, k, c] = (
                self._stock(model, n, b, k, c) >= float(market.closing_stock[b, k, c]) * tonne
            )

    def _objective(self, model: pyo.ConcreteModel) -> None:
        model.node_cost = pyo.Expression(list(self.nodes))
        for n in self.nodes:
            model.node_cost[n] = self._running_cost(model, n) + self._investment_cost(model, n)
        weight = [float(w) for w in self.announced.weight]
        model.expected_cost = pyo.Objective(
            expr=sum(weight[n] * model.node_cost[n] for n in self.nodes), sense=pyo.minimize
        )

    def _running_cost(self, model: pyo.ConcreteModel, n: int) -> Any:
        market, price, t = self.market, self.units.price, self.period[n]
        discount, months = float(market.discount[t]), float(self.grid.length[t])
        holding = discount * months * market.holding_cost
        surcharge = self.announced.tax[n] - self.announced.relief[n]
        cost = sum(
            discount * float(market.price[t, k] + surcharge[b, k]) * price * model.imports[n, b, k, c]
            for b, k, c in self.cells
        )
        cost += self.rivals.running_cost(model, n)
        cost += sum(
            discount * float(market.route_cost[r]) * price * model.reexport[n, r, k, c]
            for r in self.routes for k in self.products for c in self.tiers
        )  # fmt: skip
        cost += sum(holding * price * self._stock(model, n, b, k, c) for b, k, c in self.cells)
        beyond = discount * months * market.surplus_cost
        cost += sum(beyond * price * model.surplus[n, b, k, c] for b, k, c in self.cells)
        cost += sum(
            discount * months * float(market.step_penalty[s]) * price * (self._step(n, b, k, c, s) * self.units.tonne - model.cover[n, b, k, c, s])
            for b, k, c in self.cells for s in self.steps
        )  # fmt: skip
        cost += sum(
            discount * months * float(market.reserve_penalty[b]) * price
            * (float(market.reserve_target[t, b, k, c]) * self.units.tonne - model.reserve[n, b, k, c])
            for b, k, c in self.cells if (n, b, k, c) in model.reserve
        )  # fmt: skip
        return cost + sum(
            discount * float(market.segment_value[k, e]) * price * model.unmet[n, b, k, c, e]
            for b, k, c in self.cells
            for e in self.segments
        )

    def _investment_cost(self, model: pyo.ConcreteModel, n: int) -> Any:
        """Annuities over the periods that an order serves, charged where it is decided."""
        t, units = self.period[n], self.units
        cost = self.rivals.investment_cost(model, n)
        for b, o, e in self.designs:
            cost += redesign_charge(self.market, b, o, e, t) * units.thousand_usd * model.design_order[n, b, o, e]
        return cost
