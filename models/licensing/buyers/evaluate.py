"""The hot path: from an announcement to the buyers' best response without building a model again.

Pyomo writes the followers' program once; its matrices stay in the solver. A strategy changes only licence and
route right-hand sides and, through the probabilities of the tree, the costs: every column belongs to one node,
so its cost is the node's probability times a fixed number. Search and every study run on this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from coercivity.engine.programs.compiled import Compiled, compile_pyomo
from coercivity.engine.programs.hot import HotProgram, LinearProgram, LinearSolution, ScaledProgram
from coercivity.engine.programs.starts import Starts
from coercivity.models.licensing.announcement.announce import Announcement, Announcer
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market, market_of
from coercivity.models.licensing.market.periods import Floats

AXES = {
    "imports": "nbkc", "surplus": "nbkc", "unmet": "nbkce", "cover": "nbkcs", "reserve": "nbkc",
    "rival_sales": "njbc", "step_sales": "nl", "reexport": "nrkc", "expansion": "nl", "ordered": "nl", "closed": "nl", "design_order": "nboe",
    "designed_out": "nboe",
}  # fmt: skip
"""The axes of every variable of the formulation, in the letters of :mod:`coercivity.models.licensing.market.arrays`."""


@dataclass(frozen=True)
class Layout:
    """Where the formulation's variables and laws stand in the program, and what a strategy changes there.

    It holds arrays only, so that a worker process can take it without Pyomo.
    """

    program: LinearProgram
    columns: Mapping[str, tuple[np.ndarray, np.ndarray]]
    rows: Mapping[str, tuple[np.ndarray, np.ndarray]]
    unit_cost: Floats
    column_node: np.ndarray
    licence_share: Floats
    release_share: Floats
    period: np.ndarray
    discount: Floats
    lines: np.ndarray

    @property
    def licence_rows(self) -> np.ndarray:
        """Positions of the licence rows."""
        return self.rows["export_licence"][1]

    @property
    def route_rows(self) -> np.ndarray:
        """Positions of the re-export rows."""
        return self.rows["reexport_capacity"][1]

    def licence_limits(self, announced: Announcement) -> Floats:
        """Right-hand sides of the licence rows."""
        return self._volumes("export_licence", announced.drawable, self.licence_share)

    def release_limits(self, announced: Announcement) -> Floats:
        """Right-hand sides of the rows of quarterly releases."""
        return self._volumes("quarterly_release", announced.release, self.release_share)

    def is_released(self, release: Floats) -> np.ndarray:
        """Of the licence rows those of a month whose quarter is released as a whole, at these sides of the releases' rows."""
        at = self.rows["quarterly_release"][1]
        if not len(at):
            return np.zeros(len(self.licence_rows), dtype=bool)
        bought = np.isfinite(release).astype(float) @ abs(self.program.matrix[at])
        return np.asarray(abs(self.program.matrix[self.licence_rows]) @ bought > 0)

    def _volumes(self, law: str, volumes: Floats, share: Floats) -> Floats:
        """Volumes [n,b,k] split over tiers, at the rows of a law."""
        index = self.rows[law][0]
        if not len(index):
            return np.zeros(0)
        volume = volumes[index[:, 0], index[:, 1], index[:, 2]]
        # An open licence has no cap for a tier of no demand either: infinity times zero is not a number.
        caps: Floats = np.multiply(volume, share, out=np.full(len(volume), np.inf), where=np.isfinite(volume))
        return caps

    def route_limits(self, announced: Announcement) -> Floats:
        """Right-hand sides of the re-export rows."""
        index = self.rows["reexport_capacity"][0]
        return np.asarray(announced.route_capacity[index[:, 0], index[:, 1]]) if len(index) else np.zeros(0)

    def limits(self, announced: Announcement) -> tuple[np.ndarray, Floats]:
        """Positions of all rows whose right-hand side the announcement sets, and those sides."""
        exporters = self.rows["exporter_capacity"]
        rows = [self.licence_rows, self.rows["quarterly_release"][1], self.route_rows, exporters[1]]
        sides = [
            self.licence_limits(announced),
            self.release_limits(announced),
            self.route_limits(announced),
            announced.exporter_capacity[exporters[0][:, 0]],
        ]
        if announced.feed is not None:
            index, at = self.rows["rival_feed"]
            rows.append(at)
            sides.append(announced.feed[index[:, 0], index[:, 1]])
        return np.concatenate(rows), np.concatenate(sides)

    def cost(self, announced: Announcement) -> Floats:
        """Costs of all columns under the announcement's probabilities, taxes, corridors and funding."""
        unit = self.unit_cost
        if announced.relief.any() or announced.tax.any() or announced.funding.any():
            unit = unit.copy()
            index, at = self.columns["imports"]
            surcharge = announced.tax - announced.relief
            unit[at] += self.discount[index[:, 0]] * surcharge[index[:, 0], index[:, 1], index[:, 2]]
            index, at = self.columns["expansion"]
            if len(at):
                unit[at] *= 1.0 - announced.funding[self.period[index[:, 0]], self.lines[index[:, 1]]]
        return np.asarray(announced.weight[self.column_node] * unit)

    def node_unit_cost(self, announced: Announcement, primal: Floats) -> Floats:
        """Discounted cost of a plan on each node [n], not weighted with the node's probability, thousand USD."""
        unweighted = self.cost(replace(announced, weight=np.ones(len(announced.weight))))
        return np.bincount(self.column_node, weights=unweighted * primal, minlength=len(announced.weight)).astype(float)

    def announced_program(self, announced: Announcement) -> LinearProgram:
        """The whole program of an announcement, as frozen matrices."""
        upper = self.program.row_upper.copy()
        rows, sides = self.limits(announced)
        upper[rows] = sides
        return replace(self.program, cost=self.cost(announced), row_upper=upper)


def layout_of(market: Market, reference: Announcement) -> Layout:
    """Build the formulation once, in Pyomo, and note where everything stands; any announcement serves as reference."""
    # Every licence row must exist, so the reference is closed: an open licence would have no row to change. And costs
    # are those of nobody's help: a strategy adds taxes, and takes corridors and funding off them.
    nothing = np.zeros_like(reference.licence)
    closed = replace(
        reference,
        drawable=nothing,
        release=nothing,
        relief=nothing,
        tax=nothing,
        funding=np.zeros_like(reference.funding),
    )
    return _layout(market, closed, compile_pyomo(build(market, closed)))


def _layout(market: Market, reference: Announcement, compiled: Compiled) -> Layout:
    columns = {name: (_indices(index), at) for name, (index, at) in compiled.columns.items()}
    rows = {name: (_indices(index), at) for name, (index, at) in compiled.rows.items()}
    node = np.zeros(compiled.program.shape[1], dtype=np.int64)
    for index, at in columns.values():
        if len(at):
            node[at] = index[:, 0]
    period = market.tree.period
    return Layout(
        compiled.program,
        columns,
        rows,
        compiled.program.cost / reference.weight[node],
        node,
        tier_share(market, rows["export_licence"][0]),
        tier_share(market, rows["quarterly_release"][0]),
        period,
        market.discount[period],
        np.array(market.lines, dtype=np.int64),
    )


def tier_share(market: Market, index: np.ndarray) -> Floats:
    """Share of each tier in the demand of its bloc, for rows of axes nbkc."""
    if not len(index):
        return np.zeros(0)
    tonnes = market.demand.sum(axis=-1)[market.tree.period[index[:, 0]], index[:, 1], index[:, 2]]
    total = tonnes.sum(axis=-1)
    picked = np.take_along_axis(tonnes, index[:, 3:4], axis=1)[:, 0]
    shares: Floats = np.divide(picked, total, out=np.zeros_like(picked), where=total > 0)
    return shares


def _indices(index: list[Any]) -> np.ndarray:
    rows = [entry if isinstance(entry, tuple) else (entry,) for entry in index]
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(rows[0]) if rows else 0)


@dataclass(frozen=True)
class Response:
    """The buyers' best response: the plan, its multipliers and its cost in thousand USD."""

    market: Market
    layout: Layout
    announced: Announcement
    solution: LinearSolution

    @cached_property
    def stock(self) -> Floats:
        """Stock at the end of each node [n,b,k,c], tonnes."""
        return np.asarray(self.plan["surplus"] + self.plan["cover"].sum(axis=-1) + self.plan["reserve"])

    @property
    def cost(self) -> float:
        """Expected discounted cost of all buyers together, thousand USD."""
        return self.solution.objective

    @cached_property
    def plan(self) -> dict[str, Floats]:
        """Every variable as a dense array; the axes are in :data:`AXES`."""
        return {name: self.dense(name, self.solution.primal, self.layout.columns) for name in AXES}

    def dense(self, name: str, values: Floats, addresses: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Floats:
        """Scatter the program's values of one component into an array over its axes."""
        market = self.market
        sets = market.sets
        sizes = {"n": len(market.tree), "b": len(sets.blocs), "k": len(sets.products), "c": len(sets.tiers), "e": len(sets.segments),
                 "s": len(market.step_share), "j": len(sets.rivals), "l": len(market.lines), "r": len(sets.routes), "o": len(sets.options)}  # fmt: skip
        array = np.zeros([sizes[axis] for axis in AXES.get(name, LAW_AXES.get(name, ""))])
        index, at = addresses[name]
        if len(at):
            array[tuple(index.T)] = values[at]
        return array

    def price(self, law: str) -> Floats:
        """The multiplier of a law in USD/kg of its node, undiscounted and per realised unit, non-negative."""
        array = self.dense(law, self.solution.dual, self.layout.rows)
        scale = self.announced.weight * self.market.discount[self.market.tree.period]
        return np.asarray(np.abs(array) / scale.reshape(-1, *[1] * (array.ndim - 1)))


LAW_AXES = {"demand_balance": "nbkc", "unmet_cap": "nbkce", "export_licence": "nbkc", "quarterly_release": "nbkc", "exporter_capacity": "n",
            "rival_capacity": "nl", "rival_feed": "nj", "contract_share": "njb", "reexport_capacity": "nr", "final_stock": "nbkc"}  # fmt: skip
"""The axes of the laws whose multipliers are reported."""


class Followers:
    """The followers' program of one instance, kept hot in the solver."""

    def __init__(self, instance: Instance, market: Market | None = None, layout: Layout | None = None) -> None:
        self.instance = instance
        self.market = market or market_of(instance)
        self.announcer = Announcer(instance, self.market)
        self.layout = layout or layout_of(self.market, self.announcer.named(next(iter(instance.strategies))))

    @cached_property
    def hot(self) -> HotProgram:
        """The program in the solver."""
        return ScaledProgram(self.layout.program)

    @cached_property
    def starts(self) -> Starts:
        """Bases to begin from, for announcements that come in no order."""
        return Starts(self.hot)

    def load(self, announced: Announcement) -> None:
        """Tell the solver what the announcement changes."""
        self.hot.set_cost(self.layout.cost(announced))
        self.load_limits(announced)

    def load_limits(self, announced: Announcement, starts: Starts | None = None) -> Floats:
        """Tell the solver the announced licences and routes only, which are returned; the probabilities are as before.

        With ``starts`` the next solve begins where it is likely to be shortest.
        """
        rows, sides = self.layout.limits(announced)
        if starts is not None:
            starts.begin(sides)
        self.hot.set_row_upper(rows, sides)
        return sides

    def respond(self, announced: Announcement) -> Response:
        """The buyers' best response to an announcement.

        Raises
        ------
        InfeasibleProgram
            The program has no finite optimum.
        """
        self.load(announced)
        return Response(
            self.market, self.layout, announced, self.hot.solve(f"followers of {announced.name or 'the strategy'}")
        )

    def cost_of(self, announced: Announcement) -> float:
        """The buyers' cost of an announcement, thousand USD: as of :meth:`respond`, from wherever it is soonest found."""
        sides = self.load_limits(announced, self.starts)
        self.hot.set_cost(self.layout.cost(announced))
        self.hot.require_optimum(f"followers of {announced.name or 'the strategy'}")
        self.starts.keep(sides)
        return self.hot.objective

    def respond_named(self, name: str) -> Response:
        """The buyers' best response to a strategy of the instance."""
        return self.respond(self.announcer.named(name))
