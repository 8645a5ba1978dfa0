"""Rivals as arrays: what stands, what can be ordered, what public money does, and what plants pay to stand.

A rival's capacity is one *line*, or one for each step of its cost. Axes: t periods, j rivals, l lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.reactions import Contract, Line, Rival
from coercivity.models.licensing.market.investment import Investment, annuity, investment
from coercivity.models.licensing.market.periods import Floats, Grid
from coercivity.models.licensing.market.prices import prices_of


def _lines(instance: Instance) -> list[tuple[int, Rival, Line]]:
    return [(j, rival, line) for j, rival in enumerate(instance.rivals.values()) for line in rival.lines]


def lines_of(instance: Instance) -> tuple[int, ...]:
    """The rival of every line, by number."""
    return tuple(j for j, _, _ in _lines(instance))


def delivered(instance: Instance) -> dict[tuple[int, int], float]:
    """Cost of a kilogram of rival j in bloc b, USD/kg; what differs between its lines is in :func:`gate`."""
    blocs = list(instance.blocs)
    return {
        (j, blocs.index(b)): float(freight) + (rival.lines[0].unit_cost if len(rival.lines) == 1 else 0.0)
        for j, rival in enumerate(instance.rivals.values())
        for b, freight in rival.serves.items()
    }


def gate(instance: Instance) -> dict[int, float]:
    """Cost of a kilogram at the gate by line, USD/kg, for rivals of several lines."""
    return {number: line.unit_cost for number, (_, rival, line) in enumerate(_lines(instance)) if len(rival.lines) > 1}


def upkeep(instance: Instance) -> dict[int, float]:
    """What capacity pays to stand, by line: USD a year per kg/yr."""
    return {
        number: float(rival.standing_cost)
        for number, (_, rival, _) in enumerate(_lines(instance))
        if rival.standing_cost is not None
    }


def potential(instance: Instance) -> Floats:
    """Most that can be ordered [l], t/yr."""
    return np.array([
        line.share * float(rival.expansion.potential) if rival.expansion else 0.0 for _, rival, line in _lines(instance)
    ])  # fmt: skip


def _contracts(instance: Instance) -> dict[tuple[int, int], Contract]:
    """What is promised, by rival and bloc (j, b)."""
    blocs = list(instance.blocs)
    return {
        (j, blocs.index(bloc)): contract
        for j, rival in enumerate(instance.rivals.values())
        for bloc, contract in (rival.contract or {}).items()
    }


def contracts(instance: Instance) -> dict[tuple[int, int], float]:
    """Most of what a rival sells that may go to a bloc (j, b), where that is a limit."""
    shares = {pair: float(one.share) for pair, one in _contracts(instance).items() if one.share is not None}
    return {pair: share for pair, share in shares.items() if share < 1.0}


def premiums(instance: Instance) -> dict[tuple[int, int], float]:
    """What a bloc under contract pays rival j beyond the leader's price (j, b), USD/kg."""
    return {pair: float(one.premium) for pair, one in _contracts(instance).items() if one.premium is not None}


@dataclass(frozen=True)
class Feed:
    """Feed from the leader: the bloc under whose licences it comes, the part of capacity that needs it, months in stock."""

    bloc: int
    dependence: float
    stock: float


def feeds(instance: Instance) -> dict[int, Feed]:
    """By rival what it needs of the leader's; only of those that need something."""
    blocs = list(instance.blocs)
    return {
        j: Feed(blocs.index(rival.feed.bloc or rival.owner), float(rival.feed.dependence), float(rival.feed.stock))
        for j, rival in enumerate(instance.rivals.values())
        if rival.feed is not None and float(rival.feed.dependence) > 0
    }


def by_products(instance: Instance) -> dict[int, tuple[int, float]]:
    """By rival the one whose product it comes with, and most that it sells per tonne of that."""
    names = list(instance.rivals)
    return {
        j: (names.index(rival.by_product.of), float(rival.by_product.ratio))
        for j, rival in enumerate(instance.rivals.values())
        if rival.by_product is not None and rival.serves
    }


def expansions(instance: Instance, grid: Grid) -> dict[int, Investment]:
    """What rivals can be asked to build, by line."""
    found = {}
    for number, (_, rival, line) in enumerate(_lines(instance)):
        order = rival.expansion
        if order is not None and float(order.potential) > 0:
            opens = month_index(order.opens) if order.opens else int(grid.start[0])
            yearly = annuity(line.capex, float(instance.cost_of_capital), float(order.life))
            found[number] = investment(grid, float(order.lead_time), yearly, opens, rival.slip)
    return found


def capacity(instance: Instance, grid: Grid) -> Floats:
    """Existing and committed capacity of each line in each period [t,l], in tonnes."""
    capacity = np.zeros((len(grid), len(_lines(instance))))
    for number, (_, rival, line) in enumerate(_lines(instance)):
        capacity[:, number] = line.share * float(rival.capacity) * grid.years
        slips, late = (float(rival.slip.share), float(rival.slip.by)) if rival.slip else (0.0, 0.0)
        for addition in rival.committed:
            for share, begins in ((1.0 - slips, 0.0), (slips, late)):
                served = grid.overlap(month_index(addition.begins) + begins, float(grid.end[-1])) / 12.0
                capacity[:, number] += line.share * share * float(addition.capacity) * served
    return capacity


def capital_support(instance: Instance, grid: Grid) -> Floats:
    """Share of the capital cost of each line's orders that treasuries pay whatever happens [t,l]."""
    support = np.zeros((len(grid), len(_lines(instance))))
    for number, (_, rival, _) in enumerate(_lines(instance)):
        if rival.support is not None:
            support[:, number] = float(rival.support.capital) * (grid.start >= month_index(rival.support.begins))
    return support


def subsidy(instance: Instance, grid: Grid) -> Floats:
    """What a guaranteed price is worth beyond the leader's price on each line's sales [t,l], USD/kg."""
    subsidy = np.zeros((len(grid), len(_lines(instance))))
    price, products = prices_of(instance, grid), list(instance.products)
    for number, (_, rival, line) in enumerate(_lines(instance)):
        if rival.support is not None and rival.support.floor is not None:
            paid = np.maximum(0.0, float(rival.support.floor) - price[:, products.index(rival.product)])
            running = grid.overlap(month_index(rival.support.begins), float(grid.end[-1])) / grid.length
            # A buyer is never paid to take it: the treasury covers at most what the rival's output costs.
            subsidy[:, number] = running * np.minimum(paid, line.unit_cost)
    return subsidy
