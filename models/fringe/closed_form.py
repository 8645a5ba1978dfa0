"""The fringe games solved by formula; the derivations are on the page, README.md.

Block curves have no formula: there the finite list of prices at which the optimum can lie is enumerated.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from coercivity.models.fringe.instance import Block, BlockMarket, DominantFirm, Duopoly, Promise, Squeeze, check_lag
from coercivity.models.fringe.outcome import (
    BlockOutcome,
    DominantOutcome,
    DuopolyOutcome,
    PromiseOutcome,
    Regime,
    SqueezeOutcome,
    Stage,
)

# Sums of blocks that differ by less than this share of all demand are equal.
ROUNDING = 1e-12


def dominant(firm: DominantFirm) -> DominantOutcome:
    """The price that pays a dominant firm most, given that its fringe takes the price (page, section 1)."""
    a, b, s, f, c = firm.demand_intercept, firm.demand_slope, firm.fringe_slope, firm.fringe_floor, firm.leader_cost
    choke = a / b
    without_leader = (a + s * f) / (b + s) if f < choke else choke
    if c >= without_leader:
        fringe = _fringe(firm, without_leader, 0.0)
        regime = Regime.LEADER_OUT if fringe > 0 else Regime.NO_TRADE
        return DominantOutcome(without_leader, 0.0, fringe, 0.0, None, regime)
    alone, beside = (choke + c) / 2.0, (without_leader + c) / 2.0
    if alone <= f or s == 0.0:
        regime, price, quantity = Regime.MONOPOLY, alone, (a - b * c) / 2.0
    elif beside <= f:
        regime, price, quantity = Regime.LIMIT, f, a - b * f
    else:
        regime, price, quantity = Regime.INTERIOR, beside, (a + s * f - (b + s) * c) / 2.0
    fringe = _fringe(firm, price, quantity) if regime is Regime.INTERIOR else 0.0
    return DominantOutcome(price, quantity, fringe, (price - c) * quantity, (price - c) / price, regime)


def _fringe(firm: DominantFirm, price: float, quantity: float) -> float:
    """What the fringe sells, from whichever of supply and demand is the flatter, and so the less hurt by rounding."""
    if firm.fringe_slope <= firm.demand_slope:
        return firm.fringe_slope * max(0.0, price - firm.fringe_floor)
    return max(0.0, firm.demand_intercept - firm.demand_slope * price - quantity)


def squeeze(case: Squeeze) -> SqueezeOutcome:
    """The best quantity while the fringe is stuck, and how little would do (page, section 2)."""
    b, usual = case.firm.demand_slope, dominant(case.firm).profit
    room = case.firm.demand_intercept - case.fringe - b * case.firm.leader_cost
    quantity = max(0.0, room / 2.0)
    profit = quantity * quantity / b
    price = max(0.0, case.firm.demand_intercept - case.fringe - quantity) / b
    return SqueezeOutcome(quantity, price, profit, usual, _break_even(max(0.0, room), b * usual))


def _break_even(room: float, area: float) -> float | None:
    """The smaller root of q (room − q) = area, in the form that does not cancel."""
    if area <= 0.0:
        return 0.0
    under = room * room - 4.0 * area
    if under < -ROUNDING * room * room or room <= 0.0:
        return None
    return 2.0 * area / (room + math.sqrt(max(0.0, under)))


def squeeze_profit(case: Squeeze, quantity: float) -> float:
    """What a quantity earns while the fringe is stuck; the price cannot fall below zero."""
    firm = case.firm
    price = max(0.0, firm.demand_intercept - case.fringe - quantity) / firm.demand_slope
    return (price - firm.leader_cost) * quantity


def promise(game: Promise, lag: float = 1.0) -> PromiseOutcome:
    """Commitment, discretion, cheating, and the patience that upholds commitment (page, section 3).

    ``lag`` is the time to build in periods. The least discount factor is taken from the ratio of the payoffs and
    not from their differences, so that it holds when the three payoffs are close; it rounds to 1 for lags
    beyond some 10^15 periods.

    Raises
    ------
    InvalidParameters
        The lag is not a positive number.
    """
    check_lag(lag)
    a, b, k = game.choke_price, game.price_slope, game.fringe_cost_slope
    price = k * a / (2.0 * (b + k))
    kept = Stage(a / (2.0 * b), price / k, price, k * a**2 / (4.0 * b * (b + k)))
    price = k * a / (b + 2.0 * k)
    feared = Stage(price / b, price / k, price, k**2 * a**2 / (b * (b + 2.0 * k) ** 2))
    price = a * (b + 2.0 * k) / (4.0 * (b + k))
    broken = Stage(price / b, kept.fringe, price, a**2 * (b + 2.0 * k) ** 2 / (16.0 * b * (b + k) ** 2))
    ratio = (b + 2.0 * k) ** 2 / (4.0 * k * (b + k))
    return PromiseOutcome(kept, feared, broken, lag, (ratio / (1.0 + ratio)) ** (1.0 / lag))


def stackelberg(game: Duopoly) -> DuopolyOutcome:
    """The leader sets its quantity first, and the follower answers it (page, section 4)."""
    a, b, c, other = game.choke_price, game.price_slope, game.leader_cost, game.follower_cost
    if a <= c and a <= other:
        return DuopolyOutcome(0.0, 0.0, a, 0.0, 0.0, Regime.NO_TRADE)
    if a + other <= 2.0 * c:
        return _alone(game, Regime.LEADER_OUT)
    if a + c <= 2.0 * other:
        return _alone(game, Regime.MONOPOLY)
    if a + 2.0 * c <= 3.0 * other:
        quantity = (a - other) / b
        return DuopolyOutcome(quantity, 0.0, other, (other - c) * quantity, 0.0, Regime.LIMIT)
    quantity, follower = (a + other - 2.0 * c) / (2.0 * b), (a + 2.0 * c - 3.0 * other) / (4.0 * b)
    profits = b * quantity**2 / 2.0, b * follower**2
    return DuopolyOutcome(quantity, follower, (a + 2.0 * c + other) / 4.0, *profits, Regime.INTERIOR)


def cournot(game: Duopoly) -> DuopolyOutcome:
    """Both firms set their quantities at once (page, section 4)."""
    a, b, c, other = game.choke_price, game.price_slope, game.leader_cost, game.follower_cost
    if a <= c and a <= other:
        return DuopolyOutcome(0.0, 0.0, a, 0.0, 0.0, Regime.NO_TRADE)
    if a + other <= 2.0 * c:
        return _alone(game, Regime.LEADER_OUT)
    if a + c <= 2.0 * other:
        return _alone(game, Regime.MONOPOLY)
    leader, follower = (a - 2.0 * c + other) / (3.0 * b), (a - 2.0 * other + c) / (3.0 * b)
    return DuopolyOutcome(leader, follower, (a + c + other) / 3.0, b * leader**2, b * follower**2, Regime.INTERIOR)


def _alone(game: Duopoly, regime: Regime) -> DuopolyOutcome:
    """One of the two firms as a monopolist."""
    a, b = game.choke_price, game.price_slope
    is_leader = regime is Regime.MONOPOLY
    cost = game.leader_cost if is_leader else game.follower_cost
    quantity, price = (a - cost) / (2.0 * b), (a + cost) / 2.0
    profit = b * quantity**2
    if is_leader:
        return DuopolyOutcome(quantity, 0.0, price, profit, 0.0, regime)
    return DuopolyOutcome(0.0, quantity, price, 0.0, profit, regime)


def blocks(market: BlockMarket) -> BlockOutcome:
    """The leader's best quantity and market-clearing price, ties in its favour (page, section 5).

    At a price the leader can sell at most what demand takes at that price or above, less what the fringe offers
    strictly below it. That most is a step function which falls only behind the price of a block, so a best price is
    the price of a block. Where nothing pays, the price is what a first unit would fetch.
    """
    demand, fringe = _cumulated(market.demand), _cumulated(market.fringe)
    least = ROUNDING * demand[1][-1]
    best: tuple[float, float, float] | None = None
    first = 0.0
    for price in sorted({*demand[0], *fringe[0]}):
        most = _above(demand, price) - fringe[1][bisect_left(fringe[0], price)]
        if most <= least:
            break
        first, profit = price, (price - market.leader_cost) * most
        if profit > 0.0 and (best is None or profit > best[2]):
            best = (price, most, profit)
    return _dispatched(market, *(best[:2] if best else (first, 0.0)))


Curve = tuple[list[float], list[float]]


def _cumulated(curve: Sequence[Block]) -> Curve:
    """Prices in ascending order and the quantity of the first 0, 1, 2, … blocks."""
    ordered = sorted(curve, key=lambda block: block.price)
    return [block.price for block in ordered], list(accumulate((block.quantity for block in ordered), initial=0.0))


def _above(curve: Curve, price: float) -> float:
    return curve[1][-1] - curve[1][bisect_left(curve[0], price)]


def _dispatched(market: BlockMarket, price: float, quantity: float) -> BlockOutcome:
    """The dispatch at a market-clearing price and leader's quantity; blocks at the price itself fill the gap."""
    demand, fringe = _cumulated(market.demand), _cumulated(market.fringe)
    wanted = demand[1][-1] - demand[1][bisect_right(demand[0], price)]
    gap = quantity - wanted + fringe[1][bisect_left(fringe[0], price)]
    served = _filled(market.demand, [block.price > price for block in market.demand], price, max(0.0, gap))
    dispatched = _filled(market.fringe, [block.price < price for block in market.fringe], price, max(0.0, -gap))
    value = math.fsum(
        block.price * taken - max(0.0, block.price - price) * block.quantity
        for block, taken in zip(market.demand, served, strict=True)
    )
    cost = math.fsum(
        block.price * sold + max(0.0, price - block.price) * block.quantity
        for block, sold in zip(market.fringe, dispatched, strict=True)
    )
    profit = (price - market.leader_cost) * quantity
    return BlockOutcome(price, quantity, served, dispatched, value - cost, profit)


def _filled(curve: Sequence[Block], is_full: Sequence[bool], price: float, gap: float) -> tuple[float, ...]:
    """Quantities by block: the full ones, and ``gap`` spread in order over those at the price."""
    taken = []
    for block, full in zip(curve, is_full, strict=True):
        part = block.quantity if full else min(gap, block.quantity) if block.price == price else 0.0
        gap -= 0.0 if full else part
        taken.append(part)
    return tuple(taken)
