"""What the leader asks and what it costs it, by period: the stated figures times the factors that follow each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity, month_index
from coercivity.models.licensing.market.periods import Floats, Grid

Paths = Mapping[str, Mapping[str, Quantity]] | None


def prices_of(instance: Instance, grid: Grid) -> Floats:
    """The leader's price [t,k], USD/kg."""
    return _by_period(instance, grid, instance.leader.price, instance.leader.price_path)


def costs_of(instance: Instance, grid: Grid) -> Floats:
    """The leader's variable cost [t,k], USD/kg."""
    return _by_period(instance, grid, instance.leader.unit_cost, instance.leader.unit_cost_path)


def tariffs_of(instance: Instance, grid: Grid) -> Floats:
    """What blocs take on the leader's goods [t,b,k], USD/kg: what was named last as a share of the price, none before."""
    rates = [
        _factors(grid, bloc.tariff, 0.0) if bloc.tariff else np.zeros(len(grid)) for bloc in instance.blocs.values()
    ]
    return np.asarray(np.array(rates).T[:, :, None] * prices_of(instance, grid)[:, None, :])


def _by_period(instance: Instance, grid: Grid, stated: Mapping[str, Quantity], paths: Paths) -> Floats:
    columns = [float(stated[k]) * _factors(grid, (paths or {}).get(k, {})) for k in instance.products]
    return np.array(columns).T


def _factors(grid: Grid, path: Mapping[str, Quantity], before: float = 1.0) -> Floats:
    """The mean factor of each period [t]: ``before`` until the first month that is named, then what was named last."""
    steps = sorted((month_index(month), float(factor)) for month, factor in path.items())
    found = np.full(len(grid), before)
    for month, factor in steps:
        found += (factor - before) * grid.overlap(month, float(grid.end[-1])) / grid.length
        before = factor
    return found
