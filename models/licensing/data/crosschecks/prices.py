"""Cross-checks of the leader's price and cost where they follow a path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coercivity.models.licensing.data.faults import Fault, Path, calendar_bounds, unknown, within
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity


def paths(instance: Instance) -> Iterator[Fault]:
    """Factors of products that exist and tariffs, within the calendar, and no price below its cost.

    A tonne that is sold at a loss would break the bound of the search, which counts on a gain that is never negative.
    """
    leader, bounds = instance.leader, calendar_bounds(instance)
    for key in ("price_path", "unit_cost_path"):
        for name, path in (getattr(leader, key) or {}).items():
            here: Path = ("leader", key, name)
            yield from unknown(here, "product", name, instance.products)
            if not path:
                yield here, "no month in it", "give a factor by month, or remove it"
            for month in path:
                yield from within((*here, month), month, bounds[0], bounds[-1])
    for name, bloc in instance.blocs.items():
        here = ("blocs", name, "tariff")
        if bloc.tariff is not None and not bloc.tariff:
            yield here, "no month in it", "give a rate by month, or remove it"
        for month in bloc.tariff or {}:
            yield from within((*here, month), month, bounds[0], bounds[-1])
    for name in instance.products:
        if name in leader.price and name in leader.unit_cost:
            yield from _loss(instance, name)


def highest(instance: Instance, product: str) -> float:
    """The highest price that is asked for a product at any time, USD/kg."""
    factors = [float(factor) for factor in (instance.leader.price_path or {}).get(product, {}).values()]
    return float(instance.leader.price[product]) * max([1.0, *factors])


def _loss(instance: Instance, name: str) -> Iterator[Fault]:
    """The first month from which a product is sold below its cost."""
    leader = instance.leader
    asked, borne = (leader.price_path or {}).get(name, {}), (leader.unit_cost_path or {}).get(name, {})
    for month in sorted({*asked, *borne}):
        price = float(leader.price[name]) * _factor(asked, month)
        cost = float(leader.unit_cost[name]) * _factor(borne, month)
        if price < cost:
            path: Path = ("leader", "price_path" if asked else "unit_cost_path", name)
            what = f"from {month} on the price, {price:g} USD/kg, is below the unit cost, {cost:g}"
            yield path, what, "raise the price, or give the cost a path too"
            return


def _factor(path: Mapping[str, Quantity], month: str) -> float:
    """What was named last."""
    named = [at for at in path if at <= month]
    return float(path[max(named)]) if named else 1.0
