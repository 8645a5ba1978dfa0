"""Export taxes: what a posture takes on every kilogram, and what of it buyers pay.

A tax τ is written in USD/kg, or as a share of the leader's price. Exporters who compete with each other give a part back:
buyers pay the price and the share π of the tax, the leader (state and exporters together) earns as much more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Posture
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats, conceded_part


def tax_of(posture: Posture, price: Floats) -> Floats:
    """The tax of a posture on a product of that price in each period [t], USD/kg."""
    if posture.export_tax is not None:
        return np.full(len(price), float(posture.export_tax))
    if posture.export_duty is None:
        return np.zeros_like(price)
    return np.asarray(float(posture.export_duty) * price)


def is_taxed(instance: Instance) -> bool:
    """Whether some posture takes a tax."""
    return any(
        posture.export_tax is not None or posture.export_duty is not None for posture in instance.postures.values()
    )


class Taxes:
    """The taxes of an instance's postures, by path."""

    def __init__(
        self, instance: Instance, market: Market, bounds: Sequence[tuple[int, int]], members: Sequence[np.ndarray]
    ) -> None:
        self.instance, self.market, self.bounds, self.members = instance, market, bounds, members
        passed = instance.leader.tax_passed_on
        self.passed_on = 1.0 if passed is None else float(passed)
        prices = zip(market.sets.products, market.price.T, strict=True)
        self.by_posture = {
            (name, product): self.passed_on * tax_of(posture, price)
            for product, price in prices
            for name, posture in instance.postures.items()
        }
        self.are_none = not any(tax.any() for tax in self.by_posture.values())

    def on_nodes(self, path: Path, conceded: Path | None) -> Floats:
        """What buyers pay beyond the price [n,b,k], USD/kg; the posture's in a breakdown too, the other path's once conceded."""
        tree = self.market.tree
        trunk = self._by_period(path)
        found = trunk[tree.period]
        if tree.conceded is not None and conceded is not None and not self.are_none:
            part = conceded_part(self.instance, self.market.grid)[:, None, None]
            branch = part * self._by_period(conceded) + (1.0 - part) * trunk
            nodes = tree.path(tree.scenarios - 1)[tree.conceded :]
            found[nodes] = branch[tree.conceded :]
        return found

    def _by_period(self, path: Path) -> Floats:
        tax = np.zeros_like(self.market.forecast)
        if self.are_none:
            return tax
        for phase, (first, last) in enumerate(self.bounds):
            for group, members in enumerate(self.members):
                for k, product in enumerate(self.market.sets.products):
                    taken = self.by_posture[path[phase][group][k], product]
                    tax[first:last, members, k] = taken[first:last, None]
        return tax
