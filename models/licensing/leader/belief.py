"""Whether the target concedes, where strategies are conditional: buyers weigh both outcomes, and the chance they expect is borne out.

With a window (:mod:`coercivity.models.licensing.buyers.window`) the pain that conceding spares is known before buyers answer, and
with it the chance, whatever its form. Otherwise types decide, at a fixed point of what buyers expect and what they then do.

A type concedes if its stake is less than the pain it is spared. Buyers decide before they know and weigh both
branches of the tree with the probability P: whoever counts on a concession is less prepared for a refusal, so that
expectations can fulfil themselves. With finitely many types P takes finitely many values; going up from none, each time
to the probability that the pain then spared gives, ends at the least fixed point as long as that pain rises with P.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from coercivity.models.licensing.announcement.announce import HAZARD_FLOOR, Announcement
from coercivity.models.licensing.buyers.evaluate import Followers, Response
from coercivity.models.licensing.leader.payoff import LeaderBooks, probability_of, stakes, willing
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats


@dataclass(frozen=True)
class Belief:
    """What buyers expect of the target.

    Attributes
    ----------
    chance : probability of a concession while licences hold; with types and no window the least fixed point
    spared : pain that conceding spares, million USD
    others : further fixed points, each as (chance, pain spared)
    """

    chance: float
    spared: float
    others: tuple[tuple[float, float], ...] = ()


def with_chance(announced: Announcement, market: Market, chance: float) -> Announcement:
    """The announcement as heard by buyers who expect a concession with a probability.

    Nobody is certain: a branch of probability zero would leave its decisions undetermined.
    """
    odds = float(np.clip(chance, HAZARD_FLOOR, 1.0 - HAZARD_FLOOR))
    floored = np.where(announced.hazard == 0, HAZARD_FLOOR, announced.hazard)
    leader = np.where(announced.hazard == 0, HAZARD_FLOOR, announced.leader_hazard)
    weights = (market.tree.weights(floored, odds), market.tree.weights(leader, odds))
    return replace(announced, weight=weights[0], leader_weight=weights[1], chance=chance)


def held_until_decision(announced: Announcement, market: Market) -> float:
    """Probability that licences hold until the target decides, as the leader sees it."""
    odds = float(np.clip(announced.chance, HAZARD_FLOOR, 1.0 - HAZARD_FLOOR))
    return float(announced.leader_weight[market.tree.path(market.tree.scenarios - 1)[market.tree.conceded]] / odds)


def spared_by(response: Response, costs: Floats) -> float:
    """Cost from the decision on if the target refuses, less that if it concedes, both while licences hold; million USD.

    A later breakdown is left out on both sides: a concession does not rule it out, and the tree cannot say so.
    ``costs`` is the discounted cost of each node, unweighted, in thousand USD. Constants of the program are the
    same on both sides.
    """
    tree = response.market.tree
    assert tree.conceded is not None
    later = slice(tree.conceded, None)
    conceded = tree.path(tree.scenarios - 1)[later]
    return float(costs[tree.path(0)[later]].sum() - costs[conceded].sum()) / 1000.0


def believed(followers: Followers, books: LeaderBooks, announced: Announcement, all_of_them: bool) -> Belief:
    """What buyers expect of the target under an announcement; ``all_of_them`` asks for other fixed points too."""
    if books.window is None:
        return settled(followers, books, announced, all_of_them)
    fed = books.instance.strategies[announced.name].fed if announced.fed else {}
    pain = books.window.spared(announced.path, fed)
    return Belief(chance_at(books, pain), pain)


def chance_at(books: LeaderBooks, pain: float) -> float:
    """The chance of a concession that spares so much pain over the window, million USD; by types, a curve or in proportion."""
    concession = books.instance.concession
    assert concession is not None
    return willing(stakes(books), pain) if concession.types else probability_of(concession, pain, books.reference_pain)


def settled(followers: Followers, books: LeaderBooks, announced: Announcement, all_of_them: bool) -> Belief:
    """The least fixed point for an announcement, and the others if they are asked for."""
    kinds = stakes(books)
    unit = followers.layout.node_unit_cost

    def spared(chance: float) -> float:
        heard = with_chance(announced, followers.market, chance)
        response = followers.respond(heard)
        return spared_by(response, unit(heard, response.solution.primal))

    chance, pain = _least(kinds, spared)
    others = _others(kinds, spared, chance) if all_of_them else ()
    return Belief(chance, pain, others)


def _least(kinds: list[tuple[float, float]], spared: Callable[[float], float]) -> tuple[float, float]:
    chance = 0.0
    while True:
        pain = spared(chance)
        found = willing(kinds, pain)
        if found <= chance + 1e-12:
            return chance, pain
        chance = found


def _others(
    kinds: list[tuple[float, float]], spared: Callable[[float], float], least: float
) -> tuple[tuple[float, float], ...]:
    levels = np.cumsum([weight for _, weight in kinds])
    found = []
    for level in levels[levels > least + 1e-12]:
        pain = spared(float(level))
        if abs(willing(kinds, pain) - float(level)) < 1e-9:
            found.append((float(level), pain))
    return tuple(found)
