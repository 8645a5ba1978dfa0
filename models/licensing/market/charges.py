"""What an order costs over the periods it serves, and how a bloc's licence is split over its tiers."""

from __future__ import annotations

from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats


def licence_of(market: Market, volumes: Floats, n: int, b: int, k: int, c: int) -> float | None:
    """Licensed tonnes of one tier: the bloc's volume [n,b,k] split by demand; None where there is no cap."""
    licence = float(volumes[n, b, k])
    if licence == float("inf"):
        return None
    tonnes = market.demand[int(market.tree.period[n]), b, k].sum(axis=-1)
    total = float(tonnes.sum())
    return licence * float(tonnes[c]) / total if total > 0 else 0.0


def expansion_charge(market: Market, j: int, period: int) -> float:
    """Discounted annuities that buyers pay for one t/yr ordered in a period, thousand USD, before countermeasures."""
    return full_charge(market, j, period) * (1.0 - float(market.capital_support[period, j]))


def redesign_charge(market: Market, b: int, o: int, e: int, period: int) -> float:
    """Discounted cost of designing the whole segment out from an order in a period on, thousand USD."""
    order = market.redesigns[o]
    per_kilogram = order.annuity + float(market.option_running[o])
    tonnes = market.demand[:, b, market.option_from[o], :, e].sum(axis=-1)
    return float(per_kilogram * (order.served[period] * tonnes * market.discount).sum())


def public_share(market: Market, funding: Floats, j: int, period: int) -> float:
    """Share of the capital cost of an order that treasuries pay, countermeasures included."""
    return 1.0 - (1.0 - float(market.capital_support[period, j])) * (1.0 - float(funding[period, j]))


def full_charge(market: Market, j: int, period: int) -> float:
    """Discounted annuities of one t/yr ordered in a period, whoever pays them, thousand USD."""
    order = market.expansions[j]
    return float(order.annuity * (order.served[period] * market.grid.years * market.discount).sum())
