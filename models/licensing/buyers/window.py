"""What conceding spares the buyers: the pain still to come from the decision on, over a window, with investment frozen.

On a monthly program from the day of the announcement, in which nothing can be ordered or redesigned and licences hold,

    T = v(the measures to the end of the window) − v(the measures up to the decision, then the target relieved).

Both are optimal values, so T is the same for all best responses and depends on no probability: it is known before buyers
answer, and strategies that agree up to the end of the window share it. Stock that is left then is credited at the export
price in both. What was felt before the decision is in neither: no concession brings it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from coercivity.engine.data.values import same
from coercivity.engine.programs.hot import HotProgram, LinearProgram, ScaledProgram
from coercivity.models.licensing.announcement.announce import Announcement, Announcer, relieved
from coercivity.models.licensing.announcement.feed import fed_capacity
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.buyers.evaluate import Layout, layout_of
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Fed
from coercivity.models.licensing.data.window import decision_month, in_window
from coercivity.models.licensing.market.arrays import Market, market_of
from coercivity.models.licensing.market.periods import Floats, tree_of


@dataclass(frozen=True)
class Measures:
    """What buyers hear of the months of the window: licences, taxes and corridors [t,b,k], routes [t,r]."""

    licence: Floats
    tax: Floats
    relief: Floats
    routes: Floats

    def then(self, later: Measures, month: int) -> Measures:
        """These up to a month, and others from it on."""
        return Measures(
            *(
                np.concatenate([mine[:month], theirs[month:]])
                for mine, theirs in (
                    (self.licence, later.licence),
                    (self.tax, later.tax),
                    (self.relief, later.relief),
                    (self.routes, later.routes),
                )
            )
        )

    def told(self) -> bytes:
        """A hash of everything in it."""
        parts = (self.licence, self.tax, self.relief, self.routes)
        return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).digest()


class Window:
    """The window of one instance; values that several strategies share are computed once."""

    def __init__(self, instance: Instance) -> None:
        self.instance = in_window(instance)
        self.decided = decision_month(instance)
        market = market_of(self.instance, tree_of(self.instance.calendar.months, ()))
        self.market = replace(market, closing_stock=np.zeros_like(market.closing_stock), has_releases=False)
        self.announcer = Announcer(self.instance, self.market)
        self._costs: dict[bytes, float] = {}

    def takes_over(self, other: Window) -> bool:
        """Take the program and the costs of another window over if its market is the same; whether it is."""
        if not same(self.market, other.market):
            return False
        vars(self).update({name: getattr(other, name) for name in ("layout", "_left", "_hot")})
        self._costs = other._costs
        return True

    def take(self, layout: Layout, hot: HotProgram) -> None:
        """Use a layout of this window's market, and a solver that holds its program."""
        vars(self).update(layout=layout, _hot=hot)

    def spared(self, path: Path, fed: Mapping[str, Fed]) -> float:
        """The pain that conceding would spare under a path of postures, million USD."""
        freed = relieved(self.instance, path)
        if freed == path:
            return 0.0
        measures = self._measures(path, fed)
        conceded = measures.then(self._measures(freed, fed), self.decided)
        if conceded.told() == measures.told():
            return 0.0
        return (self._cost(measures) - self._cost(conceded)) / 1000.0

    def _measures(self, path: Path, fed: Mapping[str, Fed]) -> Measures:
        inside = {month: given for month, given in fed.items() if month in self._months}
        heard = self.announcer
        return Measures(
            heard.licences.trunk(path, inside),
            heard.taxes.on_nodes(path, None),
            heard.corridors(path),
            heard.routes(path),
        )

    @cached_property
    def _months(self) -> frozenset[str]:
        return frozenset(self.market.grid.names())

    def _cost(self, measures: Measures) -> float:
        """The buyers' cost in thousand USD."""
        key = measures.told()
        if key not in self._costs:
            announced = self._announced(measures)
            layout, hot = self.layout, self._hot
            cost = layout.cost(announced)
            index, at = self._left
            cost[at] -= self.market.price[index[:, 0], index[:, 2]]
            hot.set_cost(cost)
            hot.set_row_upper(*layout.limits(announced))
            hot.require_optimum("the window of the concession")
            self._costs[key] = hot.objective
        return self._costs[key]

    def _announced(self, measures: Measures) -> Announcement:
        months = len(self.market.grid)
        sure, shape = np.ones(months), measures.licence.shape
        return Announcement(
            "window", (), measures.licence, measures.routes, sure, sure, np.zeros(0), np.zeros(0),
            drawable=measures.licence, release=np.full(shape, np.inf), exporter_capacity=self.market.exporter_capacity,
            relief=measures.relief, tax=measures.tax, funding=np.zeros((months, len(self.market.sets.rivals))),
            feed=fed_capacity(self.market, measures.licence),
        )  # fmt: skip

    @cached_property
    def layout(self) -> Layout:
        """The program's layout."""
        nothing = np.zeros_like(self.market.forecast)
        closed = Measures(nothing, nothing, nothing, np.zeros_like(self.market.route_capacity))
        return layout_of(self.market, self._announced(closed))

    @cached_property
    def _left(self) -> tuple[np.ndarray, np.ndarray]:
        return left_over(self.layout, self.market)

    @cached_property
    def _hot(self) -> HotProgram:
        return ScaledProgram(self.layout.program)


def left_over(layout: Layout, market: Market) -> tuple[np.ndarray, np.ndarray]:
    """Index and position of the columns of stock that is left in the last period."""
    last = len(market.grid) - 1
    stock = [layout.columns[name] for name in ("cover", "surplus", "reserve")]
    found = [(index, at) for index, at in stock if len(at)]
    index = np.concatenate([index[index[:, 0] == last, :4] for index, _ in found])
    return index, np.concatenate([at[index[:, 0] == last] for index, at in found])


def with_salvage(layout: Layout, market: Market) -> LinearProgram:
    """A program without a future: the stock that is left at the end is credited at the export price."""
    cost = layout.unit_cost.copy()
    index, at = left_over(layout, market)
    cost[at] -= market.price[index[:, 0], index[:, 2]]
    return replace(layout.program, cost=cost)
