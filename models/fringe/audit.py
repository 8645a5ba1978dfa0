"""The figures of the fringe games again, by arithmetic from the instance alone: no method, no formula of theirs.

Each function returns checks that an answer must pass: markets clear, followers are on their first-order conditions,
the leader's figures add up, and the leader's one-sided conditions hold. Its payoff is concave in its quantity in
every game with lines (the price falls faster on the far side of the kink), so these conditions are enough for a
global optimum; with blocks all candidates are tried.
"""

from __future__ import annotations

import math

import numpy as np

from coercivity.engine.proof.check import Check, at_most, compare
from coercivity.models.fringe.instance import BlockMarket, DominantFirm, Duopoly, Promise, Squeeze
from coercivity.models.fringe.outcome import (
    BlockOutcome,
    DominantOutcome,
    DuopolyOutcome,
    PromiseOutcome,
    Regime,
    SqueezeOutcome,
    Stage,
)

# A price this close to a kink, as a share of the choke price, counts as on it.
AT_KINK = 1e-9


def _zero(name: str, gap: float, scale: float) -> Check:
    """The check that a residual vanishes, measured on a scale of the game."""
    return Check(name, abs(gap), scale)


def _one_sided(margin: float, quantity: float, below: float, above: float, scale: float) -> tuple[Check, Check]:
    """The leader gains neither by selling more nor by selling less.

    ``below`` and ``above`` say by how much the price falls per unit on either side of the quantity.
    """
    less = 0.0 if quantity == 0.0 else max(0.0, quantity * below - margin)
    return (
        Check("leader would not sell more", max(0.0, margin - quantity * above), scale),
        Check("leader would not sell less", less, scale),
    )


# -- the dominant firm -------------------------------------------------------------------------------------------


def _earned(firm: DominantFirm, price: float) -> float:
    fringe = firm.fringe_slope * max(0.0, price - firm.fringe_floor)
    left = firm.demand_intercept - firm.demand_slope * price - fringe
    return (price - firm.leader_cost) * max(0.0, left)


def _most_earned(firm: DominantFirm) -> float:
    """The largest payoff at the kink and at the tops of both pieces, wherever these lie."""
    a, b, s, f = firm.demand_intercept, firm.demand_slope, firm.fringe_slope, firm.fringe_floor
    prices = [f, *(0.5 * (zero + firm.leader_cost) for zero in (a / b, (a + s * f) / (b + s)))]
    return max(0.0, *(_earned(firm, price) for price in prices))


def dominant(firm: DominantFirm, found: DominantOutcome) -> tuple[Check, ...]:
    """Checks of a dominant firm's price; prices are measured against a/b, quantities against a."""
    b, s, choke = firm.demand_slope, firm.fringe_slope, firm.demand_intercept / firm.demand_slope
    price, quantity, fringe = found.price, found.quantity, found.fringe
    demand = max(0.0, firm.demand_intercept - b * price)
    supplied = s * max(0.0, price - firm.fringe_floor)
    near = AT_KINK * choke
    below = 1.0 / (b + s) if price >= firm.fringe_floor - near else 1.0 / b
    above = 1.0 / (b + s) if price > firm.fringe_floor + near else 1.0 / b
    margin, turnover = price - firm.leader_cost, (price + firm.leader_cost) * quantity
    lerner = margin / price if quantity > 0.0 else None
    return (
        _zero("market clears", demand - quantity - fringe, firm.demand_intercept),
        _zero("fringe takes the price", fringe - supplied, max(firm.demand_intercept, s * choke)),
        _zero("quantities are not negative", min(0.0, quantity, fringe), firm.demand_intercept),
        compare("leader's profit", found.profit, margin * quantity, turnover),
        *_one_sided(margin, quantity, below, above, choke),
        at_most("no price pays more", _most_earned(firm), found.profit, turnover),
        _lerner(found.lerner, lerner),
        _regime(firm, found),
    )


def _lerner(claimed: float | None, recomputed: float | None) -> Check:
    if claimed is None or recomputed is None:
        return Check("Lerner index", 0.0 if claimed is recomputed else math.inf, 1.0)
    return compare("Lerner index", claimed, recomputed)


def _regime(firm: DominantFirm, found: DominantOutcome) -> Check:
    """How far the figures are from what the regime says of them, as a share of the choke price or of demand."""
    a, b, s = firm.demand_intercept, firm.demand_slope, firm.fringe_slope
    margin, choke = found.price - firm.leader_cost, a / b
    gap = {
        Regime.INTERIOR: (margin - found.quantity / (b + s)) / choke,
        Regime.LIMIT: (found.price - firm.fringe_floor) / choke,
        Regime.MONOPOLY: (margin - found.quantity / b) / choke,
        Regime.LEADER_OUT: found.quantity / a if found.fringe > 0.0 else math.inf,
        Regime.NO_TRADE: (found.quantity + found.fringe) / a,
    }[found.regime]
    return _zero("regime", gap, 1.0)


def squeeze(case: Squeeze, found: SqueezeOutcome) -> tuple[Check, ...]:
    """Checks of a squeeze; the usual profit is recomputed from the firm."""
    firm = case.firm
    b, c, room = firm.demand_slope, firm.leader_cost, firm.demand_intercept - case.fringe
    choke, quantity = firm.demand_intercept / b, found.quantity
    turnover = (found.price + c) * quantity
    enough = found.break_even
    if enough is None:
        # At the top of a parabola nothing can be said beyond the rounding of its height.
        earns = at_most("no quantity earns the usual profit", found.profit, found.usual_profit)
    else:
        earned = ((room - enough) / b - c) * enough
        earns = compare("break-even earns the usual profit", earned, found.usual_profit, firm.demand_intercept * choke)
    return (
        _zero("market clears", max(0.0, room - quantity) / b - found.price, choke),
        compare("leader's profit", found.profit, (found.price - c) * quantity, turnover),
        *_one_sided(found.price - c, quantity, 1.0 / b, 1.0 / b, choke),
        compare("usual profit", found.usual_profit, _most_earned(firm), choke * firm.demand_intercept * AT_KINK),
        earns,
        at_most("break-even is the smaller quantity", enough or 0.0, quantity, firm.demand_intercept),
    )


# -- commitment and discretion -----------------------------------------------------------------------------------


def promise(game: Promise, found: PromiseOutcome) -> tuple[Check, ...]:
    """Checks of the three stages and of the indifference at the critical discount factor."""
    b, k = game.price_slope, game.fringe_cost_slope
    scale = k * game.choke_price / (b + k)  # the leader's price at which the fringe would serve all
    kept, feared, broken = found.commitment, found.discretion, found.cheating
    checks = []
    for name, stage in (("commitment", kept), ("discretion", feared), ("cheating", broken)):
        falls = b * k / (b + k) if name == "commitment" else b
        checks += [*_stage(game, name, stage, falls, scale)]
        if name != "cheating":
            checks.append(_zero(f"{name}: fringe builds to its margin", k * stage.fringe - stage.price, scale))
    sunk = 1.0 - found.critical_discount**found.lag
    cheat = sunk * broken.profit + (1.0 - sunk) * feared.profit
    stake = max(broken.profit - feared.profit, 1e-8 * broken.profit)
    return (
        *checks,
        _zero("cheating meets the fringe of commitment", broken.fringe - kept.fringe, game.choke_price / b),
        at_most("discretion pays no more than commitment", feared.profit, kept.profit, 0.0),
        at_most("commitment pays no more than cheating", kept.profit, broken.profit, 0.0),
        _zero("indifferent at the critical discount factor", cheat - kept.profit, stake),
    )


def _stage(game: Promise, name: str, stage: Stage, falls: float, scale: float) -> tuple[Check, Check, Check]:
    price = game.choke_price - game.price_slope * (stage.quantity + stage.fringe)
    turnover = abs(stage.price * stage.quantity)
    return (
        _zero(f"{name}: market clears", price - stage.price, scale),
        compare(f"{name}: leader's profit", stage.profit, stage.price * stage.quantity, turnover),
        _zero(f"{name}: leader's first-order condition", stage.price - falls * stage.quantity, scale),
    )


# -- two firms ---------------------------------------------------------------------------------------------------


def _shared(game: Duopoly, found: DuopolyOutcome) -> tuple[Check, ...]:
    """What holds whoever moves first: price, profits, signs, and the follower's best answer."""
    a, b = game.choke_price, game.price_slope
    turnover = a * (found.leader + found.follower)
    answer = max(0.0, (a - b * found.leader - game.follower_cost) / (2.0 * b))
    return (
        _zero("market clears", a - b * (found.leader + found.follower) - found.price, a),
        compare("leader's profit", found.leader_profit, (found.price - game.leader_cost) * found.leader, turnover),
        compare(
            "follower's profit", found.follower_profit, (found.price - game.follower_cost) * found.follower, turnover
        ),
        _zero("quantities are not negative", min(0.0, found.leader, found.follower), a / b),
        _zero("follower answers best", found.follower - answer, a / b),
    )


def stackelberg(game: Duopoly, found: DuopolyOutcome) -> tuple[Check, ...]:
    """Checks of a leader's quantity and its follower's answer."""
    a, b, c = game.choke_price, game.price_slope, game.leader_cost
    kink = (a - game.follower_cost) / b  # from here on the follower is out, and no longer makes room for the leader
    near = AT_KINK * a / b
    below = b / 2.0 if 0.0 < found.leader <= kink + near else b
    above = b / 2.0 if found.leader < kink - near else b
    margin = found.price - c
    gap = {
        Regime.INTERIOR: (margin - found.leader * b / 2.0) / a,
        Regime.LIMIT: (found.leader - kink) * b / a,
        Regime.MONOPOLY: (margin - found.leader * b) / a,
    }
    return (
        *_shared(game, found),
        *_one_sided(margin, found.leader, below, above, a),
        _duopoly_regime(game, found, gap.get(found.regime, 0.0)),
    )


def cournot(game: Duopoly, found: DuopolyOutcome) -> tuple[Check, ...]:
    """Checks of two mutual best answers."""
    a, b = game.choke_price, game.price_slope
    answer = max(0.0, (a - b * found.follower - game.leader_cost) / (2.0 * b))
    return (
        *_shared(game, found),
        _zero("leader answers best", found.leader - answer, a / b),
        _duopoly_regime(game, found, math.inf if found.regime is Regime.LIMIT else 0.0),
    )


def _duopoly_regime(game: Duopoly, found: DuopolyOutcome, gap: float) -> Check:
    unit = game.price_slope / game.choke_price
    absent = {
        Regime.INTERIOR: 0.0 if min(found.leader, found.follower) > 0.0 else math.inf,
        Regime.LIMIT: found.follower * unit,
        Regime.MONOPOLY: found.follower * unit,
        Regime.LEADER_OUT: found.leader * unit if found.follower > 0.0 else math.inf,
        Regime.NO_TRADE: (found.leader + found.follower) * unit,
    }[found.regime]
    return Check("regime", abs(gap) + abs(absent), 1.0)


# -- block curves ------------------------------------------------------------------------------------------------


def blocks(market: BlockMarket, found: BlockOutcome) -> tuple[Check, ...]:
    """Checks of a dispatch: feasible, of no duality gap at the price, paid as said, and beaten by no other price."""
    value, wanted = (np.array([getattr(one, key) for one in market.demand]) for key in ("price", "quantity"))
    cost, offered = (np.array([getattr(one, key) for one in market.fringe]) for key in ("price", "quantity"))
    served, sold = np.array(found.served), np.array(found.dispatched)
    if served.shape != wanted.shape or sold.shape != offered.shape:
        return (Check("one figure for every block", math.inf, 1.0),)
    total, highest = float(wanted.sum()), float(max(value.max(), cost.max(initial=0.0))) or 1.0
    price, quantity, paid = found.price, found.quantity, found.price * found.quantity
    excess = quantity + float(sold.sum()) - float(served.sum())
    # What is left over can be thrown away, and then it is worth nothing.
    unsold = max(0.0, -excess) + max(0.0, excess) * price / highest
    outside = np.concatenate((-served, served - wanted, -sold, sold - offered)).max()
    rents = np.maximum(0.0, value - price) @ wanted + np.maximum(0.0, price - cost) @ offered
    worth = value @ served - cost @ sold
    steps = np.concatenate((value, cost))
    most = np.array([wanted[value >= step].sum() - offered[cost < step].sum() for step in steps])
    best = max(0.0, float(((steps - market.leader_cost) * np.maximum(0.0, most)).max()))
    turnover = (price + market.leader_cost) * quantity
    return (
        Check("one figure for every block", 0.0, 1.0),
        _zero("market clears", unsold, total),
        _zero("quantities are not negative", min(0.0, quantity), total),
        Check("blocks within their size", max(0.0, float(outside)), total),
        _zero("no duality gap in the dispatch", float(paid + rents - worth), highest * total),
        compare("revenue is price times quantity", found.revenue, paid, highest * total * 1e-3),
        compare("leader's profit", found.profit, paid - market.leader_cost * quantity, turnover),
        at_most("no price pays more", best, found.profit, highest * total * 1e-3),
    )
