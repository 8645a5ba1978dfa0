"""The followers' program of a changed market, assembled from arrays: what Pyomo would write, at the price of a solve.

A study changes numbers of the instance at every point, and with them right-hand sides, bounds, costs and those
coefficients that hold a demand or a lead time. The formulation in Pyomo stays the one that is read and trusted: it says
once which rows and columns there are, and a test holds what is assembled here against what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import LinearProgram
from coercivity.models.licensing.announcement.feed import standing
from coercivity.models.licensing.buyers.evaluate import Layout, tier_share
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.charges import expansion_charge, redesign_charge, standing_charge, upkeep_charge
from coercivity.models.licensing.market.investment import Investment
from coercivity.models.licensing.market.periods import Floats, Tree

MOVING = (
    (("demand_balance", "unmet_cap"), "designed_out"),
    (("rival_capacity", "rival_feed"), "ordered"),
    (("shared_shortage",), "unmet"),
    (("contract_share", "by_product"), "rival_sales"),
)
"""Laws and variables whose entries hold numbers of the instance."""
Entries = tuple[np.ndarray, np.ndarray, Floats]


def structure_of(market: Market) -> Hashable:
    """What decides which rows and columns the program has; markets that share it share a layout."""
    return (
        market.sets,
        market.grid.start.tobytes(),
        market.grid.length.tobytes(),
        market.tree.departures,
        market.tree.conceded,
        market.has_releases,
        market.rival_product,
        market.lines,
        tuple(market.line_cost),
        tuple(market.upkeep),
        tuple(market.contract_share),
        tuple((j, main) for j, (main, _) in market.by_product.items()),
        tuple(market.feeds),
        tuple(market.rival_cost),
        tuple(market.expansions),
        market.route_ends,
        market.option_from,
        market.option_to,
        (market.option_potential > 0).tobytes(),
        tuple(crowded_segments(market)),
        (market.reserve_target > 0).tobytes(),
        tuple(market.rationed_shares(k)[e] for k in range(len(market.sets.products)) for e in range(len(market.sets.segments)))
        if market.pro_rata else None,
        tuple(sharing(market)),
        market.is_step.tobytes(),
    )  # fmt: skip


def sharing(market: Market) -> dict[int, float]:
    """By product the part of a shortage that its last use bears at least; only where that is a law."""
    top = market.top_segment
    parts = {k: market.segment_shares(k)[top] for k in range(len(market.sets.products))}
    if market.pro_rata:
        return {}
    return {
        k: market.shared_shortage * part
        for k, part in parts.items()
        if market.shared_shortage * part > 0.0 and part < 1.0
    }


def crowded_segments(market: Market) -> list[tuple[int, int]]:
    """Products and segments (k, e) out of which the options together could take more than all."""
    found: list[tuple[int, int]] = []
    for k in range(len(market.sets.products)):
        mine = [o for o, source in enumerate(market.option_from) if source == k]
        total = market.option_potential[mine].sum(axis=0)
        found.extend((k, int(e)) for e in np.flatnonzero(total > 1.0))
    return found


class Assembler:
    """Writes the programs of all markets that share the structure of one.

    Parameters
    ----------
    layout : of the market for which Pyomo wrote the program
    market : that market
    """

    def __init__(self, layout: Layout, market: Market) -> None:
        self.layout, self.structure = layout, structure_of(market)
        self.tree = market.tree
        self._columns = {name: _positions(index, at) for name, (index, at) in layout.columns.items()}
        self._rows = {name: _positions(index, at) for name, (index, at) in layout.rows.items()}
        self._pairs = _ancestors(market.tree)
        self.fixed = self._without_moving_entries(layout.program.matrix)

    def layout_for(self, market: Market) -> Layout:
        """The layout of another market of the same structure, with its program."""
        unit_cost = self._unit_cost(market)
        period = market.tree.period
        return replace(
            self.layout,
            program=self._program(market, unit_cost),
            unit_cost=unit_cost,
            licence_share=tier_share(market, self.layout.rows["export_licence"][0]),
            release_share=tier_share(market, self.layout.rows["quarterly_release"][0]),
            discount=market.discount[period],
        )

    # -- the matrix ------------------------------------------------------------------------------------------------

    def _without_moving_entries(self, matrix: Any) -> Any:
        """The part of the matrix that no number of the instance changes: its ones and minus ones."""
        rows, columns = matrix.shape
        moving = sp.csr_array((rows, columns))
        for laws, variable in MOVING:
            is_row, is_column = np.zeros(rows), np.zeros(columns)
            for law in laws:
                if law in self.layout.rows:
                    is_row[self.layout.rows[law][1]] = 1.0
            is_column[self.layout.columns[variable][1]] = 1.0
            moving = moving + sp.diags_array(is_row).tocsr() @ matrix @ sp.diags_array(is_column).tocsr()
        fixed = sp.csr_array(matrix - moving)
        fixed.eliminate_zeros()
        return fixed

    def _shares(self, market: Market) -> list[Entries]:
        """What the last use misses at least of every tonne that is missed."""
        found = []
        nodes, sets = np.arange(len(self.tree)), market.sets
        for k, part in sharing(market).items():
            for b in range(len(sets.blocs)):
                for c in range(len(sets.tiers)):
                    row = self._rows["shared_shortage"][nodes, b, k, c]
                    for e in np.flatnonzero(~market.is_step):
                        value = np.full(len(nodes), float(e == market.top_segment) - part)
                        found.append((row, self._columns["unmet"][nodes, b, k, c, e], value))
        return found

    def _matrix(self, market: Market) -> Any:
        parts = [*self._shares(market), *self._orders(market), *self._designs(market), *self._ties(market)]
        if not parts:
            return self.fixed
        rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        moving = sp.csr_array((values, (rows, columns)), shape=self.fixed.shape)
        matrix = sp.csr_array(self.fixed + moving)
        matrix.eliminate_zeros()
        return matrix

    def _orders(self, market: Market) -> list[Entries]:
        """Capacity that was ordered a lead time ago, in the rows of rivals' capacity and of their feed."""
        found = []
        for line, order in market.expansions.items():
            node, before, weight = self._served(order)
            years = market.grid.years[market.tree.period[node]]
            columns, j = self._columns["ordered"][before, line], market.lines[line]
            found.append((self._rows["rival_capacity"][node, line], columns, -weight * years))
            if j in market.feeds:
                found.append((self._rows["rival_feed"][node, j], columns, -weight * years))
        return found

    def _ties(self, market: Market) -> list[Entries]:
        """What contracts leave to a bloc, and what comes with a main product."""
        found, nodes, tiers = [], np.arange(len(self.tree)), range(len(market.sets.tiers))
        for (j, b), share in market.contract_share.items():
            row = self._rows["contract_share"][nodes, j, b]
            for bloc in (bloc for rival, bloc in market.rival_cost if rival == j):
                value = np.full(len(nodes), float(bloc == b) - share)
                found += [(row, self._columns["rival_sales"][nodes, j, bloc, c], value) for c in tiers]
        for j, (main, ratio) in market.by_product.items():
            row = self._rows["by_product"][nodes, j]
            for rival, bloc in (pair for pair in market.rival_cost if pair[0] in (j, main)):
                value = np.full(len(nodes), 1.0 if rival == j else -ratio)
                found += [(row, self._columns["rival_sales"][nodes, rival, bloc, c], value) for c in tiers]
        return found

    def _designs(self, market: Market) -> list[Entries]:
        """Demand that was designed out a lead time ago, where it is missing and where thrifting moves it to."""
        found = []
        blocs, tiers = range(len(market.sets.blocs)), range(len(market.sets.tiers))
        for o, order in market.redesigns.items():
            node, before, weight = self._served(order)
            period, source, other = market.tree.period[node], market.option_from[o], market.option_to[o]
            for e in np.flatnonzero(market.option_potential[o] > 0):
                for b in blocs:
                    column = self._columns["designed_out"][before, b, o, e]
                    for c in tiers:
                        tonnes = weight * market.demand[period, b, source, c, e]
                        for k, sign in ((source, 1.0), (other, -1.0)):
                            if k is not None:
                                found.append((self._rows["demand_balance"][node, b, k, c], column, sign * tonnes))
                                if market.is_step[e] if market.pro_rata else e != market.top_segment:
                                    found.append((self._rows["unmet_cap"][node, b, k, c, e], column, sign * tonnes))
        return found

    def _served(self, order: Investment) -> tuple[np.ndarray, np.ndarray, Floats]:
        """Nodes, the nodes before them whose cumulative orders count there, and with which weight."""
        node, period, before = self._pairs
        here = self.tree.period[node]
        following = np.where(period < here, order.served[np.minimum(period + 1, len(order.served) - 1), here], 0.0)
        weight = order.served[period, here] - following
        counts = np.abs(weight) > 1e-12
        return node[counts], before[counts], weight[counts]

    # -- right-hand sides, bounds, costs ------------------------------------------------------------------------------

    def _program(self, market: Market, unit_cost: Floats) -> LinearProgram:
        program = self.layout.program
        row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
        for law, sides, target in (
            ("demand_balance", self._needs(market), row_lower),
            ("final_stock", market.closing_stock[None].repeat(len(market.tree), axis=0), row_lower),
            ("rival_capacity", market.capacity[market.tree.period], row_upper),
            ("rival_feed", standing(market)[market.tree.period], row_upper),
            ("unmet_cap", market.demand[market.tree.period], row_upper),
        ):
            if law in self.layout.rows and len(self.layout.rows[law][1]):
                index, at = self.layout.rows[law]
                target[at] = sides[tuple(index.T)]
        upper = program.col_upper.copy()
        for variable, bounds in self._upper_bounds(market).items():
            index, at = self.layout.columns[variable]
            if len(at):
                upper[at] = bounds[tuple(index.T)]
        return LinearProgram(
            unit_cost, self._matrix(market), row_lower, row_upper, program.col_lower, upper, _constant(market)
        )

    def _needs(self, market: Market) -> Floats:
        """Demand on every node [n,b,k,c], less the stock at the start on the first."""
        needs = market.demand.sum(axis=-1)[market.tree.period]
        needs[market.tree.parent < 0] -= market.initial_stock
        return np.asarray(needs)

    def _upper_bounds(self, market: Market) -> Mapping[str, Floats]:
        """Upper bounds of the variables that have one, over the variables' own axes."""
        period, sets = market.tree.period, market.sets
        shape = (len(period), len(sets.blocs), len(sets.options), len(sets.segments))
        possible = np.zeros((len(period), len(market.lines)))
        for line, order in market.expansions.items():
            possible[:, line] = np.where(order.possible[period], np.inf, 0.0)
        designs = np.zeros((len(period), len(sets.options)))
        for o, order in market.redesigns.items():
            designs[:, o] = order.possible[period] * market.option_limit[o] * market.grid.years[period]
        return {
            "cover": market.cover_target[period][..., None] * market.step_share,
            "reserve": market.reserve_target[period],
            "ordered": np.broadcast_to(market.potential, (len(period), len(market.lines))),
            "expansion": possible,
            "design_order": np.broadcast_to(designs[:, None, :, None], shape),
            "designed_out": np.broadcast_to(market.option_potential[None, None], shape),
        }

    def _unit_cost(self, market: Market) -> Floats:
        """Discounted cost of every column, not weighted with its node's probability."""
        period = market.tree.period
        discount, months = market.discount[period], market.grid.length[period]
        holding = discount * months * market.holding_cost
        by_index: dict[str, Floats] = {
            "imports": discount[:, None, None, None] * market.price[period][:, None, :, None],
            "surplus": (holding + discount * months * market.surplus_cost)[:, None, None, None],
            "unmet": discount[:, None, None, None, None] * market.segment_value[:, None],
            "cover": (holding[:, None] - (discount * months)[:, None] * market.step_penalty)[:, None, None, None, :],
            "reserve": (holding[:, None] - (discount * months)[:, None] * market.reserve_penalty)[:, :, None, None],
            "rival_sales": discount[:, None, None, None] * self._rival_cost(market)[period][..., None],
            "step_sales": discount[:, None] * self._line_cost(market)[period],
            "reexport": (discount[:, None] * market.route_cost)[:, :, None, None],
            "expansion": self._by_line(market, expansion_charge, market.expansions)[period],
            "ordered": self._by_line(market, upkeep_charge, market.expansions)[period],
            "closed": -(discount * market.grid.years[period])[:, None] * self._upkeep(market),
            "design_order": self._design_cost(market)[period],
        }
        cost = np.zeros(self.layout.program.shape[1])
        for variable, values in by_index.items():
            index, at = self.layout.columns[variable]
            if len(at):
                shape = tuple(index.max(axis=0) + 1)
                cost[at] = np.broadcast_to(_cut(values, shape), shape)[tuple(index.T)]
        return cost

    def _rival_cost(self, market: Market) -> Floats:
        """Cost of a kilogram from every rival in every bloc [t,j,b] after what treasuries pay."""
        cost = np.zeros((len(market.grid), len(market.sets.rivals), len(market.sets.blocs)))
        for (j, b), unit_cost in market.rival_cost.items():
            line, *more = market.lines_of(j)
            cost[:, j, b] = unit_cost - (0.0 if more else market.subsidy[:, line])
        return cost

    def _line_cost(self, market: Market) -> Floats:
        """Cost of a kilogram at the gate of every line [t,l], for rivals of several."""
        cost = np.zeros((len(market.grid), len(market.lines)))
        for line, gate in market.line_cost.items():
            cost[:, line] = gate - market.subsidy[:, line]
        return cost

    def _by_line(self, market: Market, charge: Callable[[Market, int, int], float], lines: Iterable[int]) -> Floats:
        """A charge of every line in every period [t,l]; none where nothing can be ordered."""
        cost = np.zeros((len(market.grid), len(market.lines)))
        for line in lines:
            cost[:, line] = [charge(market, line, period) for period in range(len(market.grid))]
        return cost

    def _upkeep(self, market: Market) -> Floats:
        """[l]"""
        return np.array([market.upkeep.get(line, 0.0) for line in range(len(market.lines))])

    def _design_cost(self, market: Market) -> Floats:
        """[t,b,o,e]"""
        sets = market.sets
        cost = np.zeros((len(market.grid), len(sets.blocs), len(sets.options), len(sets.segments)))
        for o in market.redesigns:
            for e in np.flatnonzero(market.option_potential[o] > 0):
                for b in range(len(sets.blocs)):
                    cost[:, b, o, e] = [redesign_charge(market, b, o, int(e), t) for t in range(len(market.grid))]
        return cost


def _cut(values: Floats, shape: tuple[int, ...]) -> Floats:
    """The corner of an array that is as long as ``shape`` on every axis that is not of length one."""
    return values[
        tuple(slice(None) if have == 1 else slice(want) for have, want in zip(values.shape, shape, strict=True))
    ]


def _constant(market: Market) -> float:
    """Penalties at empty shelves, from which every tonne of cover is taken off, and the upkeep of what stands at first.

    It is the same for all probabilities, since those of the nodes of a period add up to one.
    """
    months = market.discount * market.grid.length
    cover = np.einsum("t,tbkc,s,s->", months, market.cover_target, market.step_share, market.step_penalty)
    reserve = np.einsum("t,tbkc,b->", months, market.reserve_target, market.reserve_penalty)
    return float(cover + reserve + sum(standing_charge(market, line) for line in market.upkeep))


def _positions(index: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Where a component stands in the program, by its index; −1 where it has no such entry."""
    if not len(at):
        return np.full((1,) * max(1, index.shape[1]), -1)
    found = np.full(index.max(axis=0) + 1, -1, dtype=np.int64)
    found[tuple(index.T)] = at
    return found


def _ancestors(tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of a node and a period up to its own: the node, the period, and the node of that period on its path."""
    pairs = [(n, m, tree.ancestor(n, m)) for n in range(len(tree)) for m in range(int(tree.period[n]) + 1)]
    node, period, before = np.array(pairs, dtype=np.int64).T
    return node, period, before
