"""Feed: what rivals that live on the leader's ore, oxide or alloy can make where it licenses less of them.

A rival's feed comes under the licences of one bloc for its product. What is not licensed is drawn from a stock of feed until
that is used up; after that the part of the capacity that depends on it stands idle. New plants bring feed of their own.
"""

from __future__ import annotations

import numpy as np

from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats, Ints


def fed_capacity(market: Market, licence: Floats) -> Floats | None:
    """What the plants that stand at first can make of the feed they get [n,j], tonnes a period; None where nobody needs it.

    Parameters
    ----------
    licence : [n,b,k] tonnes licensed for a period, infinite under open trade
    """
    if not market.feeds:
        return None
    tree, total = market.tree, standing(market)
    found = np.full((len(tree), len(market.sets.rivals)), np.inf)
    paths = np.array([tree.path(scenario) for scenario in range(tree.scenarios)])
    for j, feed in market.feeds.items():
        share = licensed_share(market, licence, j)
        made = total[:, j] * running(share[paths].T, market.grid.length, feed.dependence, feed.stock).T
        found[paths, j] = made
        found[paths[0], j] = made[0]  # the trunk last: every scenario passes through some of it
    return found


def standing(market: Market) -> Floats:
    """Capacity without orders of each rival [t,j], tonnes a period."""
    total = np.zeros((len(market.grid), len(market.sets.rivals)))
    for line, j in enumerate(market.lines):
        total[:, j] += market.capacity[:, line]
    return total


def licensed_share(market: Market, licence: Floats, j: int) -> Floats:
    """Share of a rival's usual feed that is licensed on each node [n], at most one."""
    bloc, product = market.feeds[j].bloc, market.rival_product[j]
    usual = market.forecast[market.tree.period, bloc, product]
    whole = np.divide(licence[:, bloc, product], usual, out=np.ones_like(usual), where=usual > 0)
    share: Floats = np.minimum(whole, 1.0)
    return share


def running(share: Floats, months: Ints | Floats, dependence: float, stock: float) -> Floats:
    """Share of a capacity that runs in period after period [t] or [t,…], drawing on ``stock`` months of feed.

    >>> running(np.array([1.0, 0.25, 0.25]), np.array([1, 1, 1]), 0.5, 1.0).tolist()
    [1.0, 1.0, 0.75]
    """
    length = np.asarray(months, dtype=float).reshape(-1, *[1] * (share.ndim - 1))
    missing = (1.0 - share) * length
    # Drawn is what is missing until the stock is used up: beyond it all that is missing is.
    short = np.diff(np.maximum(np.cumsum(missing, axis=0) - stock, 0.0), axis=0, prepend=0.0)
    found: Floats = 1.0 - dependence * short / length
    return found


def left_of(share: Floats, months: Ints | Floats, stock: float) -> float:
    """Months of feed that are left of a stock after those periods."""
    return max(0.0, stock - float(((1.0 - share) * months).sum()))
