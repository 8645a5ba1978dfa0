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


def expansion_charge(market: Market, line: int, period: int) -> float:
    """Discounted annuities that buyers pay for one t/yr ordered in a period, thousand USD, before countermeasures."""
    return full_charge(market, line, period) * (1.0 - float(market.capital_support[period, line]))


def redesign_charge(market: Market, b: int, o: int, e: int, period: int) -> float:
    """Discounted cost of designing the whole segment out from an order in a period on, thousand USD."""
    order = market.redesigns[o]
    per_kilogram = order.annuity + float(market.option_running[o])
    tonnes = market.demand[:, b, market.option_from[o], :, e].sum(axis=-1)
    return float(per_kilogram * (order.served[period] * tonnes * market.discount).sum())


def upkeep_charge(market: Market, line: int, period: int) -> float:
    """Discounted upkeep of what one t/yr of cumulative orders at a period adds to what stands, thousand USD.

    Summed over the periods from an order on it is the upkeep of that order for as long as it serves.
    """
    served = market.expansions[line].increments(period)
    return float(market.upkeep.get(line, 0.0) * (served * market.grid.years * market.discount).sum())


def standing_charge(market: Market, line: int) -> float:
    """Discounted upkeep of what stands or comes whatever the leader does, if none of it closes, thousand USD."""
    return float(market.upkeep[line] * (market.discount * market.capacity[:, line]).sum())


def public_share(market: Market, funding: Floats, line: int, period: int) -> float:
    """Share of the capital cost of an order that treasuries pay, countermeasures included."""
    spared = (1.0 - float(market.capital_support[period, line])) * (1.0 - float(funding[period, market.lines[line]]))
    return 1.0 - spared


def full_charge(market: Market, line: int, period: int) -> float:
    """Discounted annuities of one t/yr ordered in a period, whoever pays them, thousand USD."""
    order = market.expansions[line]
    return float(order.annuity * (order.served[period] * market.grid.years * market.discount).sum())
