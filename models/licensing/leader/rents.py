"""What the leader captures of what scarcity earns: multiplier times right-hand side, at most a premium that someone has paid.

A multiplier is what the buyer who goes without would pay, an order above any premium on record. With `leader.rents.premium` the
leader's share counts of a kilogram's rent no more than that premium; the rest stays with the importers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.buyers.evaluate import Layout, Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats


def rent_weight(instance: Instance, market: Market, layout: Layout, announced: Announcement, scale: Floats) -> Floats:
    """The leader's value of one unit of every row's multiplier (with its sign turned), thousand USD.

    Parameters
    ----------
    scale : its discounted expected value of one unit of a node's undiscounted rent [n]
    """
    node_scale = scale / _odds(market, announced)
    weight = np.zeros(layout.program.shape[0])
    for _, share, nodes, at, limit in _scarce(instance, layout, announced):
        weight[at] = share * node_scale[nodes] * limit
    return weight


def rent_cap(instance: Instance, market: Market, layout: Layout, announced: Announcement) -> Floats:
    """The multiplier of every row from which on the leader captures no more, with its sign turned; infinite without a premium."""
    cap = np.full(layout.program.shape[0], np.inf)
    premium = instance.leader.rents.premium
    if premium is not None:
        odds = _odds(market, announced)
        for _, _, nodes, at, _ in _scarce(instance, layout, announced):
            cap[at] = float(premium) * odds[nodes]
    return cap


def rent_ceiling(instance: Instance, market: Market, layout: Layout, announced: Announcement) -> Floats:
    """What the multiplier of a licence never exceeds, with its sign turned: the worth of the last use; infinite for other rows."""
    most = np.full(layout.program.shape[0], np.inf)
    index, at = layout.rows["export_licence"]
    _, highest = instance.dearest()
    most[at] = highest * _odds(market, announced)[index[:, 0]]
    return most


def captured(instance: Instance, market: Market, response: Response) -> dict[str, Floats]:
    """Captured licence rent and exporter rent on each node [n], undiscounted thousand USD."""
    layout, announced = response.layout, response.announced
    odds, cap = _odds(market, announced), rent_cap(instance, market, layout, announced)
    found = {"captured_rent": np.zeros(len(market.tree)), "exporter_rent": np.zeros(len(market.tree))}
    for term, share, nodes, at, limit in _scarce(instance, layout, announced):
        rent = share * np.minimum(np.abs(response.solution.dual[at]), cap[at]) * limit
        np.add.at(found[term], nodes, rent / odds[nodes])
    return found


def share_captured(instance: Instance, market: Market, response: Response, law: str) -> Floats:
    """Share of the rent of every row of a law that the leader captures, in the order of the layout's rows."""
    layout, announced = response.layout, response.announced
    found, dual = np.zeros(layout.program.shape[0]), np.abs(response.solution.dual)
    cap = rent_cap(instance, market, layout, announced)
    for _, share, _, at, limit in _scarce(instance, layout, announced):
        counted = np.divide(cap[at], dual[at], out=np.ones(len(at)), where=dual[at] > cap[at])
        found[at] = share * counted * (limit > 0)
    return np.asarray(found[layout.rows[law][1]])


def _odds(market: Market, announced: Announcement) -> Floats:
    """What a dollar on a node counts for in the buyers' program [n]."""
    return np.asarray(announced.weight * market.discount[market.tree.period])


def _scarce(
    instance: Instance, layout: Layout, announced: Announcement
) -> Iterator[tuple[str, float, np.ndarray, np.ndarray, Floats]]:
    """The laws whose rents the leader captures: the term, its share, and of every row the node, the position and the tonnes."""
    rents = instance.leader.rents
    if float(rents.licence) > 0:
        licence, release = layout.licence_limits(announced), layout.release_limits(announced)
        if rents.premium is not None:
            # A month's licence is the quarter's where that is released as a whole, and a kilogram earns one premium.
            licence = np.where(layout.is_released(release), 0.0, licence)
        for law, limit in (("export_licence", licence), ("quarterly_release", release)):
            index, at = layout.rows[law]
            if len(at):
                yield "captured_rent", float(rents.licence), index[:, 0], at, np.where(np.isinf(limit), 0.0, limit)
    if float(rents.exporter) > 0:
        index, at = layout.rows["exporter_capacity"]
        yield "exporter_rent", float(rents.exporter), index[:, 0], at, announced.exporter_capacity[index[:, 0]]
