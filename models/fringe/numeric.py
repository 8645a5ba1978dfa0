"""The fringe games solved a second time, by search and linear programming, without any formula of closed_form.

Followers answer by bisection on their own margin. Leaders search their quantity by golden section on every piece of
it that has no kink, the kinks being candidates themselves. The dispatch of block curves is a linear program in
HiGHS, traced over the leader's quantity; nothing here imports the closed forms.

Accuracy: prices and quantities to some 10⁻⁹, relative to the range that was searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram
from coercivity.models.fringe.instance import BlockMarket, DominantFirm, Duopoly, Promise, Squeeze, check_lag
from coercivity.models.fringe.outcome import (
    BlockOutcome,
    DominantOutcome,
    DuopolyOutcome,
    PromiseOutcome,
    Regime,
    SqueezeOutcome,
    Stage,
)

Curve = Callable[[float], float]
GOLDEN = (5.0**0.5 - 1.0) / 2.0
NEAR = 1e-9  # shares of the range searched that count as nothing


def root(rising: Curve, low: float, high: float) -> float:
    """Where a rising function changes sign between two points, to the last bit; an end where it does not."""
    if rising(low) >= 0.0:
        return low
    if rising(high) <= 0.0:
        return high
    for _ in range(400):
        middle = low + (high - low) / 2.0
        if not low < middle < high:
            break
        low, high = (low, middle) if rising(middle) > 0.0 else (middle, high)
    return high


def peak(payoff: Curve, points: Sequence[float]) -> float:
    """Where a payoff that is concave between neighbouring points, in ascending order, is largest."""
    candidates = list(points)
    for low, high in pairwise(points):
        if high > low:
            candidates.append(_inner_peak(payoff, low, high))
    return max(candidates, key=payoff)


def _inner_peak(payoff: Curve, low: float, high: float) -> float:
    width, left, right = high - low, low, high
    for _ in range(60):
        step = GOLDEN * (right - left)
        first, second = right - step, left + step
        left, right = (first, right) if payoff(first) < payoff(second) else (left, second)
    best = (left + right) / 2.0
    # Near its top a payoff is flat in rounding, and golden section sees half the digits. A parabola through points
    # farther out sees nearly all of them.
    step = min(width / 64.0, best - low, high - best)
    before, at, after = payoff(best - step), payoff(best), payoff(best + step)
    bend = before - 2.0 * at + after
    if step < 1e-6 * width or bend >= 0.0:
        return best
    polished = best + step * (before - after) / (2.0 * bend)
    return polished if abs(polished - best) < 1e-3 * width else best


# -- the dominant firm -------------------------------------------------------------------------------------------


def _residual(firm: DominantFirm, price: float) -> float:
    """What demand wants at a price beyond what the fringe sells."""
    fringe = firm.fringe_slope * max(0.0, price - firm.fringe_floor)
    return firm.demand_intercept - firm.demand_slope * price - fringe


def _payoff(firm: DominantFirm, quantity: float) -> float:
    return (_clearing(firm, quantity) - firm.leader_cost) * quantity


def _clearing(firm: DominantFirm, quantity: float) -> float:
    return root(lambda price: quantity - _residual(firm, price), 0.0, firm.demand_intercept / firm.demand_slope)


def dominant(firm: DominantFirm) -> DominantOutcome:
    """The leader's best quantity by search; the price clears the market."""
    cost = firm.leader_cost
    most = max(0.0, _residual(firm, cost))  # more would sell below cost
    kink = max(0.0, firm.demand_intercept - firm.demand_slope * firm.fringe_floor)
    quantity = peak(lambda sold: _payoff(firm, sold), sorted({0.0, min(kink, most), most}))
    price = _clearing(firm, quantity)
    fringe = firm.fringe_slope * max(0.0, price - firm.fringe_floor)
    # Where supply is steep, the rounding of the price is a quantity too.
    steep = firm.fringe_slope * firm.demand_intercept / firm.demand_slope
    has_fringe = fringe > max(NEAR * firm.demand_intercept, 1e-13 * steep)
    if quantity <= NEAR * firm.demand_intercept:
        return DominantOutcome(price, 0.0, fringe, 0.0, None, Regime.LEADER_OUT if has_fringe else Regime.NO_TRADE)
    # Held at a limit price is who would sell less if there were no fringe.
    less, alone = quantity * (1.0 - 1e-5), replace(firm, fringe_slope=0.0)
    is_held = _payoff(alone, less) > _payoff(alone, quantity)
    regime = Regime.INTERIOR if has_fringe else Regime.LIMIT if is_held else Regime.MONOPOLY
    return DominantOutcome(price, quantity, fringe, _payoff(firm, quantity), (price - cost) / price, regime)


def squeeze(case: Squeeze) -> SqueezeOutcome:
    """The leader's best quantity by search while the fringe is stuck, and the least that earns as much as usual."""
    firm, usual = case.firm, dominant(case.firm).profit

    def price(quantity: float) -> float:
        return max(0.0, (firm.demand_intercept - case.fringe - quantity) / firm.demand_slope)

    def payoff(quantity: float) -> float:
        return (price(quantity) - firm.leader_cost) * quantity

    quantity = peak(payoff, [0.0, max(0.0, firm.demand_intercept - case.fringe)])
    best = payoff(quantity)
    enough = None if usual > best * (1.0 + NEAR) else root(lambda sold: payoff(sold) - usual, 0.0, quantity)
    return SqueezeOutcome(quantity, price(quantity), best, usual, enough)


# -- commitment and discretion -----------------------------------------------------------------------------------


def promise(game: Promise, lag: float = 1.0) -> PromiseOutcome:
    """The three stages by search and bisection, and the discount factor at which keeping the promise breaks even.

    Raises
    ------
    InvalidParameters
        The lag is not a positive number.
    """
    check_lag(lag)
    widest = game.choke_price / game.price_slope

    def price(quantity: float, fringe: float) -> float:
        return game.choke_price - game.price_slope * (quantity + fringe)

    def built(quantity: float) -> float:
        """What the fringe builds when it expects a quantity: its margin is zero on the last unit."""
        return root(lambda fringe: game.fringe_cost_slope * fringe - price(quantity, fringe), 0.0, widest)

    def best(fringe: float) -> float:
        """What the leader sells against a fringe that is there."""
        return peak(lambda quantity: price(quantity, fringe) * quantity, [0.0, widest])

    def stage(quantity: float, fringe: float) -> Stage:
        paid = price(quantity, fringe)
        return Stage(quantity, fringe, paid, paid * quantity)

    sold = peak(lambda quantity: price(quantity, built(quantity)) * quantity, [0.0, widest])
    kept, broken = stage(sold, built(sold)), stage(best(built(sold)), built(sold))
    expected = root(lambda fringe: game.fringe_cost_slope * fringe - price(best(fringe), fringe), 0.0, widest)
    feared = stage(best(expected), expected)

    def regret(discount: float) -> float:
        """What keeping the promise adds to the discounted average of breaking it."""
        sunk = 1.0 - discount**lag
        gain: float = kept.profit - sunk * broken.profit - (1.0 - sunk) * feared.profit
        return gain

    return PromiseOutcome(kept, feared, broken, lag, root(regret, 0.0, 1.0))


# -- two firms ---------------------------------------------------------------------------------------------------


def _answer(game: Duopoly, cost: float, other: float) -> float:
    """A firm's best quantity against another's: its marginal profit is zero there, or it stays out."""
    a, b = game.choke_price, game.price_slope
    return root(lambda own: cost + b * own - (a - b * (own + other)), 0.0, a / b)


def _settled(game: Duopoly, leader: float, follower: float, is_held: bool) -> DuopolyOutcome:
    a, b = game.choke_price, game.price_slope
    price, least = a - b * (leader + follower), NEAR * a / b
    if leader <= least:
        regime = Regime.LEADER_OUT if follower > least else Regime.NO_TRADE
    elif follower > least:
        regime = Regime.INTERIOR
    else:
        regime = Regime.LIMIT if is_held else Regime.MONOPOLY
    profits = (price - game.leader_cost) * leader, (price - game.follower_cost) * follower
    return DuopolyOutcome(leader, follower, price, *profits, regime)


def stackelberg(game: Duopoly) -> DuopolyOutcome:
    """The leader's quantity by search, the follower's by bisection."""
    a, b, c = game.choke_price, game.price_slope, game.leader_cost

    def payoff(quantity: float) -> float:
        return (a - b * (quantity + _answer(game, game.follower_cost, quantity)) - c) * quantity

    kink = min(max(0.0, (a - game.follower_cost) / b), a / b)
    quantity = peak(payoff, sorted({0.0, kink, a / b}))
    less = quantity * (1.0 - 1e-5)
    is_held = (a - b * less - c) * less > (a - b * quantity - c) * quantity
    return _settled(game, quantity, _answer(game, game.follower_cost, quantity), is_held)


def cournot(game: Duopoly) -> DuopolyOutcome:
    """Mutual best answers, by answering in turn: every round shrinks the distance to four times less."""
    leader = 0.0
    for _ in range(60):
        follower = _answer(game, game.follower_cost, leader)
        leader = _answer(game, game.leader_cost, follower)
    return _settled(game, leader, follower, False)


# -- block curves ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Point:
    """The dispatch at a leader's quantity: what it is worth, what another unit would add, and its quantities."""

    quantity: float
    worth: float
    slope: float
    primal: Floats


class _Dispatch:
    """The linear program max Σ v d − Σ c x subject to Σ d ≤ q + Σ x, within the blocks."""

    def __init__(self, market: BlockMarket) -> None:
        values = [-block.price for block in market.demand] + [block.price for block in market.fringe]
        signs = [1.0] * len(market.demand) + [-1.0] * len(market.fringe)
        # No block sells more than all demand, and one far larger would set the scale of the program.
        self.size = sum(block.quantity for block in market.demand)
        sizes = np.array([min(block.quantity, self.size) for block in market.demand + market.fringe])
        # Scaled to about 1, since a solver's tolerances are absolute.
        self.price = max(abs(value) for value in values) or 1.0
        program = LinearProgram(
            np.array(values) / self.price,
            sp.csr_array(np.array([signs])),
            np.array([-np.inf]),
            np.array([0.0]),
            np.zeros(len(sizes)),
            sizes / self.size,
        )
        self.hot = HotProgram(program)

    def at(self, quantity: float) -> _Point:
        self.hot.set_row_upper(np.array([0], dtype=np.int32), np.array([quantity / self.size]))
        found = self.hot.solve("dispatch of the blocks")
        worth = -found.objective * self.price * self.size
        return _Point(quantity, worth, -float(found.dual[0]) * self.price, found.primal * self.size)

    def pieces(self, left: _Point, right: _Point) -> Iterator[tuple[float, _Point]]:
        """Slopes of the concave worth between two points, each with a point at the right end of its piece.

        Where the tangents at both ends meet below the curve there is a kink, or there is more to find.
        """
        stack, total = [(left, right)], right.quantity
        while stack:
            left, right = stack.pop()
            width = right.quantity - left.quantity
            if width <= NEAR * total:
                continue
            chord = (right.worth - left.worth) / width
            near = self.price * (NEAR + 1e-12 * self.size / width)
            meeting = left.quantity + width * (chord - right.slope) / max(left.slope - right.slope, near)
            is_straight = left.slope - chord <= near or chord - right.slope <= near
            if is_straight or not left.quantity < meeting < right.quantity:
                yield chord, right
                continue
            middle = self.at(meeting)
            stack += [(left, middle), (middle, right)]


def blocks(market: BlockMarket) -> BlockOutcome:
    """The leader's best point on the dispatch program, traced over all its quantities; ties in its favour."""
    dispatch, cost = _Dispatch(market), market.leader_cost
    start = dispatch.at(0.0)
    pieces = list(dispatch.pieces(start, dispatch.at(sum(block.quantity for block in market.demand))))
    price, point = max(pieces, key=lambda piece: (piece[0] - cost) * piece[1].quantity)
    if (price - cost) * point.quantity <= 0.0:
        price, point = max(pieces, key=lambda piece: piece[0])[0], start
    # By strong duality: worth = p q + Σ surplus of the blocks, so the leader's revenue is linear in both.
    rents = sum(max(0.0, block.price - price) * block.quantity for block in market.demand)
    rents += sum(max(0.0, price - block.price) * block.quantity for block in market.fringe)
    served, sold = np.split(point.primal, [len(market.demand)])
    profit = (price - cost) * point.quantity
    quantities = tuple(map(float, served)), tuple(map(float, sold))
    return BlockOutcome(price, point.quantity, *quantities, point.worth - rents, profit)
