"""The leader's payoff, term by term.

    payoff =  margin          (price − variable cost) × exports, over the strategic phases
            + export_tax      what buyers pay beyond the price, where a posture takes a tax
            + captured_rent   the leader's share of the licence rent
            + exporter_rent   the leader's share of the rent on scarce export capacity
            − idle            export capacity that stands still: fixed cost and lost work
            − buffer          stock that a posture keeps ready, and the swings that a price corridor absorbs
            − support         what keeping firms solvent costs beyond the money itself: the marginal cost of public funds
            ± glut            output that is not exported: its cost, storage, and what it fetches at home or later abroad
            + downstream      industry that follows the material to the leader
            + concession      probability × value × share, while it lasts
            − retaliation     what countermeasures cost the leader
            + tail            margin, tax, rents and idle capacity after the last strategic phase

Each term is reported by year, expected and undiscounted, and in total, discounted at the leader's rate. In all
of them the weights of the tree are the leader's own probabilities. Million US dollars throughout. Only margin,
idle, rents and tail depend on what buyers do; the others are known once the strategy is announced.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from coercivity.models.licensing.announcement.announce import Announcement, Announcer, path_from_rules
from coercivity.models.licensing.announcement.taxes import is_taxed
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.buyers.window import Window
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Concession
from coercivity.models.licensing.leader.rents import captured
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.market.prices import costs_of

TERMS = (
    "margin", "export_tax", "captured_rent", "exporter_rent", "idle", "buffer", "support", "glut", "downstream", "concession",
    "retaliation", "tail",
)  # fmt: skip


@dataclass(frozen=True)
class LeaderBooks:
    """The leader's accounts for one market: what a tonne, a rent and a month of buffer are worth, on each node.

    Attributes
    ----------
    discount : [t] the leader's factors
    strategic : [t] whether a period belongs to a strategic phase
    margin : [t,k] USD/kg
    """

    instance: Instance
    market: Market

    @property
    def discount(self) -> Floats:
        """The leader's discount factors [t]."""
        return self.market.grid.discount(float(self.instance.leader.discount_rate))

    @property
    def strategic(self) -> np.ndarray:
        """Which periods belong to the strategic phases [t]."""
        return np.arange(len(self.market.grid)) < self.market.grid.period_of(self.instance.tail)

    @property
    def margin(self) -> Floats:
        """Price less variable cost by period and product [t,k], USD/kg."""
        return np.asarray(self.market.price - costs_of(self.instance, self.market.grid))

    @cached_property
    def window(self) -> Window | None:
        """The window over which conceding spares pain; None where the instance states none."""
        concession = self.instance.concession
        return None if concession is None or concession.window is None else Window(self.instance)

    @cached_property
    def reference_pain(self) -> float:
        """What conceding spares under the concession's reference strategy, million USD; 0 without one."""
        concession = self.instance.concession
        if self.window is None or concession is None or concession.reference is None:
            return 0.0
        strategy = self.instance.strategies[concession.reference]
        return self.window.spared(path_from_rules(self.instance, strategy), strategy.fed)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the payoff, in their order; of a tax nothing is said where no posture takes one."""
        return TERMS if is_taxed(self.instance) else tuple(term for term in TERMS if term != "export_tax")

    def gain(self, announced: Announcement) -> Floats:
        """Discounted expected gain of one more tonne exported, [n,b,k] in thousand USD: margin, tax, less idle capacity."""
        period = self.market.tree.period
        weight = announced.leader_weight * self.discount[period]
        earned = self.margin[period][:, None, :] + float(self.instance.leader.idle_cost) + announced.tax
        return np.asarray(weight[:, None, None] * earned)

    def rent_scale(self, announced: Announcement) -> Floats:
        """Leader's discounted expected value of one unit of a node's undiscounted rent, [n]."""
        return np.asarray(announced.leader_weight * self.discount[self.market.tree.period])

    def fixed(self, announced: Announcement, announcer: Announcer) -> float:
        """What no tonne sold changes: idle capacity at zero exports and all that follows from the announcement; million USD."""
        period = self.market.tree.period
        idle = float(self.instance.leader.idle_cost) * announced.exporter_capacity * announced.leader_weight
        flows = self.announced_flows(announced, announcer)
        return float(sum(self.discount @ flow for flow in flows.values()) - (self.discount[period] @ idle) / 1000.0)

    def announced_flows(self, announced: Announcement, announcer: Announcer) -> dict[str, Floats]:
        """Terms that follow from the announcement alone, by period [t], expected and undiscounted; million USD."""
        leader, home = self.instance.leader, announcer.home_flows(announced)
        odds = announced.leader_weight[self.market.tree.leaves()]
        ends = self.market.tree.branch[self.market.tree.leaves()]
        odds = odds[np.argsort(ends)]
        funds = 0.0 if leader.public_funds is None else float(leader.public_funds)
        held = announcer.buffer(announced.path) * self.market.grid.length * float(leader.buffer_cost)
        return {
            "buffer": -(held + announcer.corridor(announced.path)) / 1000.0,
            "support": -funds * (odds @ home.support),
            "glut": odds @ home.glut,
            "downstream": odds @ home.downstream,
            "retaliation": -announcer.set_off(announced.licence, announced.tax).cost,
        }


@dataclass(frozen=True)
class Payoff:
    """The leader's payoff under one best response.

    Attributes
    ----------
    terms : discounted million USD by term
    by_year : expected undiscounted million USD, {term: {year: value}}
    rents : captured licence rent and exporter rent on each node [n], undiscounted thousand USD
    probability : of the concession
    pressure : million USD; with types, what conceding spares the buyers
    """

    terms: dict[str, float]
    by_year: dict[str, dict[int, float]]
    rents: dict[str, Floats]
    probability: float
    pressure: float

    @property
    def value(self) -> float:
        """The payoff: the sum of its terms."""
        return sum(self.terms.values())


def concession_value(books: LeaderBooks) -> tuple[float, Floats]:
    """Value of a certain concession: discounted in total, and undiscounted by period [t]; million USD."""
    concession, grid = books.instance.concession, books.market.grid
    if concession is None:
        return 0.0, np.zeros(len(grid))
    begins = float(grid.start[0]) + float(concession.begins)
    months = grid.overlap(begins, begins + 12.0 * float(concession.lasts))
    yearly = float(concession.value) * float(concession.share)
    flow = yearly * months / 12.0
    return float((flow * books.discount).sum()), flow


def probability_of(concession: Concession | None, pressure: float, reference: float) -> float:
    """Probability that the target concedes at a pressure, both pressures in million USD; not for types.

    >>> probability_of(None, 5.0, 1.0)
    0.0
    """
    if concession is None or pressure <= 0:
        return 0.0
    if concession.curve:
        at = [float(point.pressure) for point in concession.curve]
        return float(np.interp(pressure, at, [float(point.probability) for point in concession.curve]))
    assert concession.probability is not None and concession.cap is not None
    if reference <= 0:
        return 0.0
    return min(float(concession.cap), float(concession.probability) * pressure / reference)


def stakes(books: LeaderBooks) -> list[tuple[float, float]]:
    """Stake and probability of each type of target, by rising stake; million USD, discounted at the buyers' rate.

    The stake is what the concession would cost the target over the months in which it would be in force.
    """
    concession, grid = books.instance.concession, books.market.grid
    assert concession is not None
    begins = float(grid.start[0]) + float(concession.begins)
    years = grid.overlap(begins, begins + 12.0 * float(concession.lasts)) / 12.0
    factor = float(concession.share) * float(years @ books.market.discount)
    return sorted((float(kind.stake) * factor, float(kind.weight)) for kind in concession.types.values())


def willing(kinds: list[tuple[float, float]], spared: float) -> float:
    """Probability of a type whose stake is less than the pain it is spared.

    >>> willing([(10.0, 0.25), (50.0, 0.75)], 20.0)
    0.25
    """
    return sum(weight for stake, weight in kinds if stake < spared)


def payoff_of(
    books: LeaderBooks, announcer: Announcer, response: Response, pressure: float, probability: float
) -> Payoff:
    """The leader's payoff term by term under a best response."""
    market, announced = books.market, response.announced
    leader, period = books.instance.leader, market.tree.period
    exports = response.plan["imports"].sum(axis=3)
    per_node = {
        "margin": (exports.sum(axis=1) * books.margin[period]).sum(axis=1),
        "export_tax": (exports * announced.tax).sum(axis=(1, 2)),
        **captured(books.instance, market, response),
        "idle": -float(leader.idle_cost) * (announced.exporter_capacity - exports.sum(axis=(1, 2))),
    }
    expected = {
        term: np.bincount(period, weights=announced.leader_weight * value, minlength=len(market.grid)) / 1000.0
        for term, value in per_node.items()
    }
    strategic = books.strategic
    flows = {term: np.where(strategic, value, 0.0) for term, value in expected.items()}
    flows |= books.announced_flows(announced, announcer)
    flows["concession"] = probability * concession_value(books)[1]
    flows["tail"] = np.where(strategic, 0.0, sum(expected.values()))
    return Payoff(
        terms={term: float((flows[term] * books.discount).sum()) for term in books.terms},
        by_year={term: _by_year(flows[term], market) for term in books.terms},
        rents={term: per_node[term] for term in ("captured_rent", "exporter_rent")},
        probability=probability,
        pressure=pressure,
    )


def _by_year(flow: Floats, market: Market) -> dict[int, float]:
    """A flow by period as one by calendar year; a period that spans two years is split by months."""
    found: dict[int, float] = {}
    for first, length, value in zip(market.grid.start, market.grid.length, flow, strict=True):
        for month in range(int(first), int(first + length)):
            found[month // 12] = found.get(month // 12, 0.0) + float(value) / float(length)
    return found
