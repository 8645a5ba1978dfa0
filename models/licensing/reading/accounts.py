"""Who bears what: the followers' cost split over blocs, leader and outsiders, so that it adds up.

By strong duality the value of the followers' program is the sum of multiplier × right-hand side over all rows
and bounds. Each of them has an owner: a demand row the bloc that consumes (it pays its market price), a licence
row the importers of the bloc and, for the captured share, the leader, a plant's capacity its owner, a re-export
route its owner; but what scarcity makes a plant's output worth beyond the price of a contract is the bloc's that
has it. So what a bloc bears is what it pays, outages included, less the rents that its own importers
and producers earn, and

    Σ blocs + leader + outside = value of the followers' program

holds to the solver's tolerance (it is checked in every certificate). With ties between multipliers the split
is one of several; the sum is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.rents import share_captured
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.charges import full_charge, public_share, standing_charge
from coercivity.models.licensing.market.periods import Floats

# Their right-hand sides are zero: they make one thing dearer and another cheaper, and nobody earns by them.
WITHOUT_RENT = ("cost_steps", "contract_share", "by_product", "closing")

OF_LINES = ("step_sales", "ordered", "expansion", "closed")


@dataclass(frozen=True)
class Accounts:
    """Expected discounted cost by owner, thousand USD; a negative cost is an income."""

    blocs: Floats
    leader: float
    outside: float

    @property
    def total(self) -> float:
        """The sum over all owners."""
        return float(self.blocs.sum() + self.leader + self.outside)


def accounts_of(instance: Instance, market: Market, response: Response) -> Accounts:
    """The followers' cost under a best response, split by owner."""
    return _Ledger(instance, market, response).accounts()


def accounts_by_law(instance: Instance, market: Market, response: Response) -> dict[str, Floats]:
    """The same split further: by law of the program, the blocs first, then the leader, then outside; thousand USD."""
    ledger = _Ledger(instance, market, response)
    ledger.accounts()
    return ledger.by_law


def public_money(market: Market, response: Response) -> float:
    """What treasuries abroad spend on rivals, expected and discounted at the buyers' rate, thousand USD.

    It is in nobody's account: the followers' program sees what is left to pay.
    """
    tree, plan, announced = market.tree, response.plan, response.announced
    odds = announced.weight * market.discount[tree.period]
    sold = made_by(market, response)
    spent = float((odds[:, None] * market.subsidy[tree.period] * sold).sum())
    for line in market.expansions:
        per_order = np.array([
            full_charge(market, line, t) * public_share(market, announced.funding, line, t)
            for t in range(len(market.grid))
        ])  # fmt: skip
        spent += float((announced.weight * per_order[tree.period]) @ plan["expansion"][:, line])
    return spent


def made_by(market: Market, response: Response) -> Floats:
    """What every line of the rivals makes on each node [n,l], tonnes."""
    by_rival = response.plan["rival_sales"].sum(axis=(2, 3))
    several = np.isin(np.arange(len(market.lines)), list(market.line_cost))
    return np.where(several, response.plan["step_sales"], by_rival[:, list(market.lines)])


class _Ledger:
    """Collects multiplier × right-hand side by owner: blocs first, then the leader, then outside."""

    def __init__(self, instance: Instance, market: Market, response: Response) -> None:
        self.instance, self.market, self.response = instance, market, response
        self.names = list(market.sets.blocs)
        self.leader, self.outside = len(self.names), len(self.names) + 1
        self.totals = np.zeros(len(self.names) + 2)
        self.by_law: dict[str, Floats] = {}
        owners = [self._owner(rival.owner) for rival in instance.rivals.values()]
        self.rival_owner = np.array(owners, dtype=int)
        self.line_owner = np.array([owners[j] for j in market.lines], dtype=int)

    def accounts(self) -> Accounts:
        self._rows()
        for law, book in (
            ("bounds", self._bounds),
            ("constants", self._constants),
            ("contracts", self._contracts),
        ):
            self._told(law, book)
        return Accounts(self.totals[:-2], float(self.totals[self.leader]), float(self.totals[self.outside]))

    def _told(self, law: str, book: Callable[[], None]) -> None:
        """Book something, and note by itself what it comes to."""
        before = self.totals.copy()
        book()
        self.by_law[law] = self.totals - before

    def _owner(self, name: str) -> int:
        return self.names.index(name) if name in self.names else self.outside

    def _book(self, owners: np.ndarray, values: Floats) -> None:
        np.add.at(self.totals, owners, values)

    def _rows(self) -> None:
        layout, solution = self.response.layout, self.response.solution
        program = layout.announced_program(self.response.announced)
        side = np.where(solution.dual > 0, program.row_lower, program.row_upper)
        worth = np.where(solution.dual != 0, solution.dual * np.where(np.isfinite(side), side, 0.0), 0.0)
        routes = np.array([self._owner(route.owner) for route in self.instance.routes.values()], dtype=int)
        for law, (index, at) in layout.rows.items():
            if not len(at) or law in WITHOUT_RENT:
                continue
            self._told(law, partial(self._row, law, index, worth[at], routes))

    def _row(self, law: str, index: np.ndarray, value: Floats, routes: np.ndarray) -> None:
        if law in ("export_licence", "quarterly_release"):
            captured = share_captured(self.instance, self.market, self.response, law)
            self._book(index[:, 1], (1.0 - captured) * value)
            self.totals[self.leader] += float((captured * value).sum())
        elif law == "exporter_capacity":
            captured = share_captured(self.instance, self.market, self.response, law)
            self._share_exporters(float((captured * value).sum()), float(((1.0 - captured) * value).sum()))
        elif law == "rival_feed":
            self._book(self.rival_owner[index[:, 1]], value)
        elif law in ("rival_capacity", "expansion_total"):
            self._book(self.line_owner[index[:, 1]], value)
        elif law == "reexport_capacity":
            self._book(routes[index[:, 1]], value)
        else:
            self._book(index[:, 1], value)

    def _feed_rents(self) -> Iterator[tuple[tuple[int, int], float]]:
        """What a kilogram of feed is worth to a rival on a node, beside what its capacity is worth."""
        index, at = self.response.layout.rows["rival_feed"]
        for (n, j), worth in zip(index.tolist(), -self.response.solution.dual[at], strict=True):
            yield (n, j), float(worth)

    def _contracts(self) -> None:
        """What a plant earns beyond its contract's price goes to the bloc under contract; the sum stays what it is."""
        market, made = self.market, made_by(self.market, self.response)
        plan, period = self.response.plan, self.market.tree.period
        index, at = self.response.layout.rows["rival_capacity"]
        rent = np.zeros(made.shape)
        rent[tuple(index.T)] = -self.response.solution.dual[at]
        for (n, j), worth in self._feed_rents():
            rent[n, market.lines_of(j)] += worth
        sold = plan["rival_sales"].sum(axis=3)
        whole = sold.sum(axis=2)
        weight = self.response.announced.weight * market.discount[period]
        stands = np.maximum(market.capacity[period] - market.grid.years[period][:, None] * plan["closed"], 0.0)
        for (j, b), premium in market.contract_premium.items():
            goes = np.divide(sold[:, j, b], whole[:, j], out=np.zeros(len(whole)), where=whole[:, j] > 0)
            asked = market.price[period, market.rival_product[j]] + premium
            for line in market.lines_of(j):
                gate = market.rival_cost[j, b] + market.line_cost.get(line, 0.0) - market.subsidy[period, line]
                beyond = np.maximum(rent[:, line] - weight * np.maximum(asked - gate, 0.0), 0.0)
                moved = float((goes * np.minimum(made[:, line], stands[:, line]) * beyond).sum())
                self.totals[self.line_owner[line]] += moved
                self.totals[b] -= moved

    def _share_exporters(self, captured: float, left: float) -> None:
        """What the leader does not capture of the exporters' rent stays with importers, by their forecast imports."""
        self.totals[self.leader] += captured
        forecast = self.market.forecast.sum(axis=(0, 2))
        self.totals[:-2] += left * forecast / forecast.sum()

    def _bounds(self) -> None:
        layout, solution = self.response.layout, self.response.solution
        upper = layout.program.col_upper
        worth = np.where(
            (solution.reduced_cost < 0) & np.isfinite(upper),
            solution.reduced_cost * np.where(np.isfinite(upper), upper, 0),
            0.0,
        )
        for name, (index, at) in layout.columns.items():
            if len(at):
                owners = self.line_owner[index[:, 1]] if name in OF_LINES else index[:, 1]
                if name == "rival_sales":
                    owners = index[:, 2]
                self._book(owners, worth[at])

    def _constants(self) -> None:
        """The part of the objective that no decision changes: penalties at empty shelves, upkeep of what stands at first."""
        market = self.market
        months = market.discount * market.grid.length
        cover = np.einsum("t,tbkc,s->b", months, market.cover_target, market.step_share * market.step_penalty)
        reserve = np.einsum("t,tbkc,b->b", months, market.reserve_target, market.reserve_penalty)
        self.totals[:-2] += cover + reserve
        for line in market.upkeep:
            self.totals[self.line_owner[line]] += standing_charge(market, line)
