"""What buyers' governments do once too little is licensed: costs to the leader and funding for rivals.

An instrument is set off by the announcement, never by an outcome of the market, so it only changes data of the
followers' program and constants of the leader's payoff.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.reactions import Countermeasure
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats


@dataclass(frozen=True)
class Answer:
    """What is set off.

    Attributes
    ----------
    windows : by countermeasure, the spells in which it bites, as absolute months
    cost : [t] to the leader, million USD
    funding : [t,j] share of the capital cost of orders that is paid
    """

    windows: dict[str, list[tuple[float, float]]]
    cost: Floats
    funding: Floats


class Governments:
    """Watches announcements for the countermeasures of an instance."""

    def __init__(self, instance: Instance, market: Market) -> None:
        self.measures = instance.countermeasures
        self.market = market
        self.watched = {name: market.sets.blocs.index(measure.bloc) for name, measure in self.measures.items()}

    def answer(self, licence: Floats, tax: Floats) -> Answer:
        """What the licences [t,b,k] in tonnes and the taxes [t,b,k] in USD/kg, announced while they hold, set off."""
        market, grid = self.market, self.market.grid
        cost, left = np.zeros(len(grid)), np.ones((len(grid), len(market.sets.rivals)))
        windows = {}
        for name, measure in self.measures.items():
            bloc = self.watched[name]
            # More than is needed of one product does not make up for another that is withheld.
            needed = market.forecast[:, bloc]
            share = np.minimum(licence[:, bloc], needed).sum(axis=-1) / np.maximum(needed.sum(axis=-1), 1e-12)
            is_cause = share < float(measure.threshold)
            if measure.tax is not None:
                worth = np.maximum((needed * market.price).sum(axis=-1), 1e-12)
                is_cause |= (needed * tax[:, bloc]).sum(axis=-1) / worth > float(measure.tax) + 1e-12
            windows[name] = self._windows(measure, is_cause)
            for begins, ends in windows[name]:
                months = grid.overlap(begins, ends)
                cost += float(measure.cost) * months / 12.0
                for rival, part in measure.funding.items():
                    left[:, market.sets.rivals.index(rival)] *= 1.0 - float(part) * months / grid.length
        return Answer(windows, cost, 1.0 - left)

    def _windows(self, measure: Countermeasure, below: np.ndarray) -> list[tuple[float, float]]:
        grid, found = self.market.grid, []
        lasts, free = 12.0 * float(measure.lasts), -np.inf
        for begins, ends in _runs(below, grid.start, grid.end):
            fires = max(float(begins), free) + float(measure.patience)
            if fires > ends:
                continue
            first = fires + float(measure.delay)
            last = first + lasts
            while last < ends:  # renewed as long as the cause is still there
                last += lasts
            found.append((first, last))
            free = last
        return found


def _runs(below: np.ndarray, start: np.ndarray, end: np.ndarray) -> list[tuple[int, int]]:
    """Runs of periods in which something holds, as absolute months."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], below, [False])).astype(int)))
    return [(int(start[first]), int(end[last - 1])) for first, last in zip(edges[::2], edges[1::2], strict=True)]
