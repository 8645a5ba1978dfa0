"""From a strategy to what everybody hears: licensed volumes, closed routes, probabilities, and what they set off.

Everything that a strategy changes in the followers' program stands here, as arrays, so that the formulation,
the hot evaluation and any later method start from the same reading of the instance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from coercivity.models.licensing.announcement.corridor import relief_by_width
from coercivity.models.licensing.announcement.countermeasures import Answer, Governments
from coercivity.models.licensing.announcement.feed import fed_capacity
from coercivity.models.licensing.announcement.home import HomeFlows, HomeMarket
from coercivity.models.licensing.announcement.licences import Licences, Path
from coercivity.models.licensing.announcement.taxes import Taxes
from coercivity.models.licensing.announcement.trust import TrustPath, kept_fear
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Fed, Posture, Rule, Strategy
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats, phase_bounds

# A branch that no posture makes possible keeps this probability and a copy of the trunk's licences, so that no
# dual is divided by zero and no decision is distorted.
HAZARD_FLOOR = 1e-3


@dataclass(frozen=True)
class Announcement:
    """What a strategy says, on the nodes of the market's tree, and what it sets off.

    Attributes
    ----------
    path : postures [phase][group][product]; ``conceded`` likewise, once the target has conceded
    licence : [n,b,k] tonnes licensed for a period; infinite under open trade
    drawable : [n,b,k] tonnes that may be bought in it: the whole quarter's, where licences are released by the quarter
    release : [n,b,k] tonnes that may be bought in the quarter that ends with the node; infinite where none is released
    route_capacity : [n,r] tonnes per period
    exporter_capacity : [n] tonnes per period, after firms that are gone
    relief : [n,b,k] USD/kg by which a corridor lowers the buyers' cost of an uncertain price
    tax : [n,b,k] USD/kg that buyers pay beyond the price, and the leader earns
    funding : [t,j] share of the capital cost of orders that countermeasures pay
    weight : [n] probability of each node as the buyers see it
    leader_weight : [n] the same as the leader sees it
    hazard, leader_hazard : [h]
    chance : of the concession that the weights hold; 0 where none changes a licence
    trust : state of trust in which each phase begins; empty without an automaton
    fed : whether volumes of the record were fed in
    feed : [n,j] tonnes that rivals' plants standing at first can make of the leader's feed; None where nobody needs any
    """

    name: str
    path: Path
    licence: Floats
    route_capacity: Floats
    weight: Floats
    leader_weight: Floats
    hazard: Floats
    leader_hazard: Floats
    drawable: Floats
    release: Floats
    exporter_capacity: Floats
    relief: Floats
    tax: Floats
    funding: Floats
    conceded: Path = ()
    chance: float = 0.0
    trust: tuple[str, ...] = ()
    fed: bool = False
    leakage: bool = True
    feed: Floats | None = None


def told(announced: Announcement) -> bytes:
    """A hash of everything that an announcement changes in the followers' program."""
    parts = (
        announced.drawable, announced.release, announced.route_capacity, announced.exporter_capacity, announced.weight,
        announced.relief, announced.tax, announced.funding, *([] if announced.feed is None else [announced.feed]),
    )  # fmt: skip
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).digest()


def path_from_rules(instance: Instance, strategy: Strategy) -> Path:
    """The postures that a strategy's rules give, a later rule over an earlier one.

    Raises
    ------
    ValueError
        Some phase, group or product is left without a posture.
    """
    return _ruled(instance, strategy.rules)


def path_if_conceded(instance: Instance, strategy: Strategy) -> Path:
    """The postures once the target has conceded: what the strategy says, or else the target relieved."""
    path = path_from_rules(instance, strategy)
    if strategy.if_conceded:
        return _ruled(instance, (*strategy.rules, *strategy.if_conceded))
    return relieved(instance, path) if instance.concession is not None else path


def _ruled(instance: Instance, rules: Sequence[Rule]) -> Path:
    chosen: dict[tuple[str, str, str], str] = {}
    for rule in rules:
        for phase in instance.phases if rule.phase is None else (rule.phase,):
            for group in instance.groups if rule.group is None else (rule.group,):
                for product in instance.products if rule.product is None else (rule.product,):
                    chosen[phase, group, product] = rule.posture
    return tuple(
        tuple(
            tuple(_chosen(chosen, phase, group, product) for product in instance.products) for group in instance.groups
        )
        for phase in instance.phases
    )


def _chosen(chosen: dict[tuple[str, str, str], str], phase: str, group: str, product: str) -> str:
    if (phase, group, product) not in chosen:
        raise ValueError(f"no rule gives a posture for phase {phase}, group {group}, product {product}")
    return chosen[phase, group, product]


class Announcer:
    """Turns paths of postures into announcements for one market; pieces are computed once and reused."""

    def __init__(self, instance: Instance, market: Market) -> None:
        self.instance, self.market = instance, market
        self.bounds = phase_bounds(instance, market.grid)
        groups = market.sets.groups
        self.members = [
            np.array([b for b, bloc in enumerate(instance.blocs.values()) if bloc.group == group], dtype=int)
            for group in groups
        ]
        self.group_of = np.array([groups.index(bloc.group) for bloc in instance.blocs.values()], dtype=int)
        self.licences = Licences(instance, market, self.bounds, self.members)
        self.taxes = Taxes(instance, market, self.bounds, self.members)
        self.governments = Governments(instance, market)
        self.home = HomeMarket(instance, market)
        self._relief = relief_by_width(instance)
        self._has_exits = any(firm.rescue == "exit" for firm in instance.firms.values())

    def named(self, name: str) -> Announcement:
        """The announcement of a strategy of the instance."""
        strategy = self.instance.strategies[name]
        path, conceded = path_from_rules(self.instance, strategy), path_if_conceded(self.instance, strategy)
        return self.announce(path, name, strategy.fed, conceded=conceded)

    def announce(
        self,
        path: Path,
        name: str = "",
        fed: Mapping[str, Fed] | None = None,
        leakage: bool = True,
        conceded: Path | None = None,
        chance: float = 0.0,
    ) -> Announcement:
        """What everybody hears when the leader commits to ``path``.

        Parameters
        ----------
        path : postures [phase][group][product]
        fed : tonnes licensed in a month to all buyers together; replaces the postures' volumes in that month
        leakage : whether re-export is possible at all
        conceded : the path once the target has conceded; default: the target relieved
        chance : of the concession, where it changes licences (types); no less than the floor of a hazard
        """
        market, tree = self.market, self.market.tree
        trust = TrustPath(self.instance, _used(path), self._kept_fear(path, fed or {}))
        hazard, leader_hazard = self.hazards(path, trust)
        if tree.conceded is not None and conceded is None:
            conceded = relieved(self.instance, path)
        licence = self.licences.on_nodes(path, trust, hazard > 0, fed or {}, conceded)
        capacity = market.exporter_capacity[tree.period]
        if self._has_exits:
            capacity = capacity * (1.0 - self._on_nodes(self.home.flows(self.home.planned(licence)).lost))
        drawable, release = self.licences.drawable(path, licence)
        routes, tax = self.routes(path)[tree.period], self.taxes.on_nodes(path, conceded)
        odds = max(chance, HAZARD_FLOOR) if tree.conceded is not None else 0.0
        return Announcement(
            name=name,
            path=path,
            licence=licence,
            route_capacity=routes if leakage else np.zeros_like(routes),
            weight=tree.weights(np.where(hazard == 0, HAZARD_FLOOR, hazard), odds),
            leader_weight=tree.weights(np.where(hazard == 0, HAZARD_FLOOR, leader_hazard), odds),
            hazard=hazard,
            leader_hazard=leader_hazard,
            drawable=drawable,
            release=release,
            exporter_capacity=capacity,
            relief=self.corridors(path)[tree.period],
            tax=tax,
            funding=self.set_off(licence, tax).funding,
            conceded=conceded or (),
            chance=chance,
            trust=trust.states,
            fed=bool(fed),
            leakage=leakage,
            feed=fed_capacity(market, licence),
        )

    def spared(self, announced: Announcement, fed: Mapping[str, Fed]) -> Announcement:
        """The same announcement with the concession's target relieved, and what is feared left as it is.

        Only the target's licences, corridor and routes differ, so the difference of the buyers' costs is what the
        measures against the target do, and never the fear that they spread to others.
        """
        return self._under(announced, relieved(self.instance, announced.path), fed, announced.conceded or None)

    def freed(self, announced: Announcement, base: Path, bloc: int) -> Announcement:
        """The same announcement with one bloc treated as on the path ``base`` throughout, and what is feared left as it is."""
        other = self._under(announced, base, {}, base)
        is_source = np.array([source == bloc for source, _ in self.market.route_ends], dtype=bool)
        found = {name: getattr(announced, name).copy() for name in ("licence", "drawable", "release", "relief", "tax")}
        for name, values in found.items():
            values[:, bloc] = getattr(other, name)[:, bloc]
        routes = np.where(is_source, other.route_capacity, announced.route_capacity)
        feed = fed_capacity(self.market, found["licence"])
        return replace(announced, route_capacity=routes, feed=feed, **found)

    def _under(
        self, announced: Announcement, path: Path, fed: Mapping[str, Fed], conceded: Path | None
    ) -> Announcement:
        """What another path would give, with what is feared and set off left as it is."""
        trust = TrustPath(self.instance, _used(announced.path))
        licence = self.licences.on_nodes(path, trust, announced.hazard > 0, fed, conceded)
        drawable, release = self.licences.drawable(path, licence)
        routes = self.routes(path)[self.market.tree.period]
        return replace(
            announced,
            path=path,
            licence=licence,
            drawable=drawable,
            release=release,
            route_capacity=routes if announced.leakage else np.zeros_like(routes),
            relief=self.corridors(path)[self.market.tree.period],
            tax=self.taxes.on_nodes(path, conceded),
            feed=fed_capacity(self.market, licence),
        )

    def _kept_fear(self, path: Path, fed: Mapping[str, Fed]) -> list[float]:
        """The part of fear that full deliveries leave in each phase; nothing where fear does not fade."""
        trust = self.instance.trust
        if trust is None or trust.fading is None:
            return []
        market = self.market
        licence = self.licences.trunk(path, fed)
        return kept_fear(trust.fading, market.grid, self.bounds, licence, market.forecast)

    def hazards(self, path: Path, trust: TrustPath) -> tuple[Floats, Floats]:
        """Hazard of each phase for buyers, whose fear trust sets, and for the leader, who knows itself."""
        postures = [[self.instance.postures[name] for name in names] for names in _used(path)]
        buyers = np.array([trust.hazard(phase, found) for phase, found in enumerate(postures)])
        leader = np.array([max(_leader_hazard(posture) for posture in found) for found in postures])
        return buyers, leader

    def set_off(self, licence: Floats, tax: Floats) -> Answer:
        """The countermeasures that licences and taxes [n,b,k] set off, read where licences hold."""
        trunk = slice(0, len(self.market.grid))
        return self.governments.answer(licence[trunk], tax[trunk])

    def home_flows(self, announced: Announcement) -> HomeFlows:
        """What an announcement brings about at home."""
        return self.home.flows(self.home.planned(announced.licence))

    def buffer(self, path: Path) -> Floats:
        """Tonnes that the leader holds ready in each period [t]."""
        return self._by_posture(path, lambda posture: float(posture.buffer) if posture.buffer is not None else 0.0)

    def corridor(self, path: Path) -> Floats:
        """What the leader pays to keep the price in its corridor in each period [t], thousand USD."""
        risk = self.instance.buyers.price_risk
        if risk is None:
            return np.zeros(len(self.market.grid))
        absorbed = {width: swing for width, (_, swing) in self._relief.items()}
        months, price = self.market.grid.length, self.market.price
        return np.asarray(months * self._by_posture(
            path, lambda posture: 0.0 if posture.corridor is None else float(risk.absorption) * absorbed[float(posture.corridor)], price
        ))  # fmt: skip

    def _by_posture(self, path: Path, factor: Callable[[Posture], float], value: Floats | None = None) -> Floats:
        """Sum over groups and products of a posture's factor × monthly forecast (× a value [t,k]), [t]."""
        total = np.zeros(len(self.market.grid))
        monthly = self.market.forecast / self.market.grid.length[:, None, None]
        for phase, (first, last) in enumerate(self.bounds):
            for group, members in enumerate(self.members):
                for k in range(len(self.market.sets.products)):
                    weight = factor(self.instance.postures[path[phase][group][k]])
                    if weight:
                        worth = 1.0 if value is None else value[first:last, k]
                        total[first:last] += weight * worth * monthly[first:last][:, members, k].sum(axis=1)
        return total

    def corridors(self, path: Path) -> Floats:
        """What corridors take off the buyers' cost of an uncertain price [t,b,k], USD/kg."""
        relief = np.zeros_like(self.market.forecast)
        if self._relief:
            for phase, (first, last) in enumerate(self.bounds):
                for group, members in enumerate(self.members):
                    for k, price in enumerate(self.market.price.T):
                        width = self.instance.postures[path[phase][group][k]].corridor
                        if width is not None:
                            spared = self._relief[float(width)][0] * price[first:last]
                            relief[first:last, members, k] = spared[:, None]
        return relief

    def _on_nodes(self, values: Floats) -> Floats:
        """Values by scenario and period [w,t] on the nodes [n]."""
        tree = self.market.tree
        found = np.empty(len(tree))
        for scenario in reversed(range(tree.scenarios)):  # the trunk last: its own scenario passes through it
            found[tree.path(scenario)] = values[scenario]
        return found

    def routes(self, path: Path) -> Floats:
        """Re-export capacity [t,r] that end-use control leaves open."""
        market = self.market
        capacity = market.route_capacity.copy()
        for phase, (first, last) in enumerate(self.bounds):
            for r, (source, _) in enumerate(market.route_ends):
                names = path[phase][self.group_of[source]]
                control = max(_end_use_control(self.instance.postures[name]) for name in names)
                capacity[first:last, r] *= 1.0 - control
        return capacity


def _used(path: Path) -> list[frozenset[str]]:
    """The postures in force in each phase."""
    return [frozenset(name for group in phase for name in group) for phase in path]


def relieved(instance: Instance, path: Path) -> Path:
    """The path with the concession's target group under the relief posture in every phase."""
    concession = instance.concession
    assert concession is not None
    target = tuple(instance.groups).index(concession.target)
    return tuple(
        tuple((concession.relief,) * len(names) if group == target else names for group, names in enumerate(phase))
        for phase in path
    )


def _leader_hazard(posture: Posture) -> float:
    return float(posture.hazard if posture.leader_hazard is None else posture.leader_hazard)


def _end_use_control(posture: Posture) -> float:
    return 0.0 if posture.end_use_control is None else float(posture.end_use_control)
