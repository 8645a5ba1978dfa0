"""What one more tonne of a licence would be worth to the buyers, and how far that price holds.

The multiplier of a limit is the price of one more tonne; it holds as long as the limit moves within a range, whose ends are
sought on the hot program by moving the limit until the price is another one.
"""

from __future__ import annotations

import numpy as np

from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.studies.reasons.values import Price

MOST = 3  # prices that are told of a strategy
SAME = 0.01  # share of a price that is none other
STEPS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # shares of the limit by which it is moved
LAWS = {"export_licence": "licence"}


def prices_of(game: Game, evaluation: Evaluation) -> list[Price]:
    """The dearest licences of a strategy while licences hold, by what all of them together cost."""
    response, market = evaluation.response, game.market
    layout, announced = response.layout, response.announced
    index, at = layout.rows["export_licence"]
    trunk = index[:, 0] < len(market.grid)
    index, at = index[trunk], at[trunk]
    limits = dict(zip(*(part.tolist() for part in layout.limits(announced)), strict=True))
    limit = np.array([limits.get(int(row), np.inf) for row in at])
    multiplier = np.abs(response.solution.dual[at])
    spent = np.where(np.isfinite(limit), multiplier * np.where(np.isfinite(limit), limit, 0.0), 0.0)
    chosen = [int(row) for row in np.argsort(-spent)[:MOST] if spent[row] > 0]
    scale = announced.weight * market.discount[market.tree.period]
    found = []
    for row in chosen:
        n, bloc, product, *_ = index[row].tolist()
        low, high = _range(game, evaluation, int(at[row]), float(limit[row]), float(multiplier[row]))
        what = f"licences for {market.sets.products[product]} to {market.sets.blocs[bloc]}"
        name = market.grid.names()[market.tree.period[n]]
        price = float(multiplier[row] / scale[n])
        found.append(Price(evaluation.announced.name, what, name, price, float(limit[row]), low, high))
    return found


def _range(game: Game, evaluation: Evaluation, row: int, limit: float, price: float) -> tuple[float, float]:
    """Between which limits the price stays what it is; as far as was looked."""
    followers, announced = game.followers, evaluation.announced
    hot = followers.hot
    followers.respond(announced)
    ends = []
    for sign in (-1.0, 1.0):
        end = limit
        for step in STEPS:
            moved = limit * (1.0 + sign * step)
            hot.set_row_upper(np.array([row], dtype=np.int32), np.array([moved]))
            hot.require_optimum("the price of a licence")
            if abs(abs(float(hot.solution().dual[row])) - price) > SAME * price:
                break
            end = moved
        ends.append(end)
    followers.load_limits(announced)
    return ends[0], ends[1]
