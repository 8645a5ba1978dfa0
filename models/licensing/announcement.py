"""From a strategy to what the buyers hear: licensed volumes, closed routes and probabilities.

Everything that a strategy changes in the followers' program stands here, as arrays, so that the formulation,
the hot evaluation and any later method start from the same reading of the instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.licensing.instance import Instance
from models.licensing.market import Market
from models.licensing.moves import Posture, Strategy
from models.licensing.periods import Floats, phase_bounds
from models.licensing.quantity import Quantity, month_index

DAYS_PER_MONTH = 365.0 / 12.0
# A branch that no posture makes possible keeps this probability and a copy of the trunk's licences, so that no
# dual is divided by zero and no decision is distorted.
HAZARD_FLOOR = 1e-3

Path = tuple[tuple[tuple[str, ...], ...], ...]
"""Postures by phase, group and product."""


@dataclass(frozen=True)
class Announcement:
    """What a strategy says, on the nodes of the market's tree.

    Attributes
    ----------
    path : postures [phase][group][product]
    licence : [n,b,k] tonnes per period that may be bought; infinite under open trade
    route_capacity : [n,r] tonnes per period
    weight : [n] probability of each node as the buyers see it
    leader_weight : [n] the same as the leader sees it
    hazard, leader_hazard : [h]
    fed : whether volumes of the record were fed in
    """

    name: str
    path: Path
    licence: Floats
    route_capacity: Floats
    weight: Floats
    leader_weight: Floats
    hazard: Floats
    leader_hazard: Floats
    fed: bool = False
    leakage: bool = True


def path_from_rules(instance: Instance, strategy: Strategy) -> Path:
    """The postures that a strategy's rules give, a later rule over an earlier one.

    Raises
    ------
    ValueError
        Some phase, group or product is left without a posture.
    """
    chosen: dict[tuple[str, str, str], str] = {}
    for rule in strategy.rules:
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
        self._flow_cache: dict[tuple[int, str], Floats] = {}
        self._path_nodes = [market.tree.path(scenario) for scenario in range(market.tree.scenarios)]

    def named(self, name: str) -> Announcement:
        """The announcement of a strategy of the instance."""
        strategy = self.instance.strategies[name]
        return self.announce(path_from_rules(self.instance, strategy), name, strategy.fed_volumes)

    def announce(
        self, path: Path, name: str = "", fed: Mapping[str, Quantity] | None = None, leakage: bool = True
    ) -> Announcement:
        """What the buyers hear when the leader commits to ``path``.

        Parameters
        ----------
        path : postures [phase][group][product]
        fed : tonnes licensed in a month to all buyers together; replaces the postures' volumes in that month
        leakage : whether re-export is possible at all
        """
        market, tree = self.market, self.market.tree
        hazard, leader_hazard = self.hazards(path)
        trunk = self._trunk_licence(path, fed or {})
        licence = np.empty((len(tree), *trunk.shape[1:]))
        licence[: tree.periods] = trunk
        for phase in range(len(tree.strikes)):
            branch = trunk if hazard[phase] == 0 else self._broken(path, phase, trunk)
            nodes = self._path_nodes[phase + 1]
            licence[nodes[tree.strikes[phase] :]] = branch[tree.strikes[phase] :]
        return Announcement(
            name=name,
            path=path,
            licence=licence,
            route_capacity=self._routes(path)[tree.period]
            if leakage
            else np.zeros((len(tree), len(market.sets.routes))),
            weight=tree.weights(np.where(hazard == 0, HAZARD_FLOOR, hazard)),
            leader_weight=tree.weights(np.where(hazard == 0, HAZARD_FLOOR, leader_hazard)),
            hazard=hazard,
            leader_hazard=leader_hazard,
            fed=bool(fed),
            leakage=leakage,
        )

    def hazards(self, path: Path) -> tuple[Floats, Floats]:
        """Hazard of each phase for buyers and leader: that of the least reliable posture in force.

        The licensing system breaks down as a whole; a buyer who sees its neighbour squeezed fears for itself.
        """
        postures = self.instance.postures
        used = [{name for group in phase for name in group} for phase in path]
        buyers = np.array([max(float(postures[name].hazard) for name in names) for names in used])
        leader = np.array([max(_leader_hazard(postures[name]) for name in names) for names in used])
        return buyers, leader

    def buffer(self, path: Path) -> Floats:
        """Tonnes that the leader holds ready in each period [t]."""
        held = np.zeros(len(self.market.grid))
        monthly = self.market.forecast / self.market.grid.length[:, None, None]
        for phase, (first, last) in enumerate(self.bounds):
            for group, members in enumerate(self.members):
                for k in range(len(self.market.sets.products)):
                    buffer = self.instance.postures[path[phase][group][k]].buffer
                    if buffer is not None:
                        held[first:last] += float(buffer) * monthly[first:last][:, members, k].sum(axis=1)
        return held

    def _flow(self, phase: int, name: str) -> Floats:
        """Share of each period's forecast that applications filed in ``phase`` deliver, [t, filing t]."""
        key = (phase, name)
        if key not in self._flow_cache:
            grid, posture = self.market.grid, self.instance.postures[name]
            delay = (float(posture.processing) if posture.processing else 0.0) / DAYS_PER_MONTH
            flow = np.zeros((len(grid), len(grid)))
            for filed in range(*self.bounds[phase]):
                moved = grid.overlap(grid.start[filed] + delay, grid.end[filed] + delay)
                flow[:, filed] = float(posture.licensed) * moved / grid.length[filed]
            self._flow_cache[key] = flow
        return self._flow_cache[key]

    def _trunk_licence(self, path: Path, fed: Mapping[str, Quantity]) -> Floats:
        """Licensed tonnes [t,b,k] while licences hold: applications delivered a processing time after they were filed."""
        market = self.market
        licence = np.zeros_like(market.forecast)
        opened = np.ones_like(market.forecast, dtype=bool)
        for phase, (first, last) in enumerate(self.bounds):
            for group, members in enumerate(self.members):
                for k in range(len(market.sets.products)):
                    name = path[phase][group][k]
                    if self.instance.postures[name].licensed == "open":
                        continue
                    opened[first:last, members, k] = False
                    licence[:, members, k] += self._flow(phase, name) @ market.forecast[:, members, k]
        licence[opened] = np.inf
        for month, tonnes in fed.items():
            period = int(np.flatnonzero(market.grid.start == month_index(month))[0])
            forecast = market.forecast[period]
            volume = float(tonnes) * forecast / forecast.sum()
            licence[period] = np.where(opened[period], np.inf, volume)
        return licence

    def _broken(self, path: Path, phase: int, trunk: Floats) -> Floats:
        """Licensed tonnes [t,b,k] when licences break down in ``phase``: for a while only a share is delivered."""
        grid = self.market.grid
        strike = float(grid.start[self.market.tree.strikes[phase]])
        licence = trunk.copy()
        for group, members in enumerate(self.members):
            for k in range(len(self.market.sets.products)):
                broken = self.instance.postures[path[phase][group][k]].breakdown
                hit = grid.overlap(strike, strike + float(broken.lasts)) / grid.length
                for period in np.flatnonzero(hit > 0):
                    usual = trunk[period, members, k]
                    base = np.where(np.isinf(usual), self.market.forecast[period, members, k], usual)
                    # Where trade was open, the part of the period after the spell is bounded by the exporters alone.
                    rest = np.where(np.isinf(usual), self.market.exporter_capacity[period], usual)
                    licence[period, members, k] = (
                        float(broken.delivered) * hit[period] * base + (1.0 - hit[period]) * rest
                    )
        return licence

    def _routes(self, path: Path) -> Floats:
        """Re-export capacity [t,r] that end-use control leaves open."""
        market = self.market
        capacity = market.route_capacity.copy()
        for phase, (first, last) in enumerate(self.bounds):
            for r, (source, _) in enumerate(market.route_ends):
                names = path[phase][self.group_of[source]]
                control = max(_end_use_control(self.instance.postures[name]) for name in names)
                capacity[first:last, r] *= 1.0 - control
        return capacity


@dataclass(frozen=True)
class Menu:
    """The joint strategies that the search ranges over: one posture per slot, a slot being a phase and a bundle.

    Attributes
    ----------
    postures : the postures on the menu
    bundles : numbers of the groups that are treated alike
    phases, groups, products : sizes of a path
    """

    postures: tuple[str, ...]
    bundles: tuple[tuple[int, ...], ...]
    phases: int
    groups: int
    products: int

    @property
    def slots(self) -> int:
        """Number of decisions in a joint strategy."""
        return self.phases * len(self.bundles)

    def __len__(self) -> int:
        return len(self.postures) ** self.slots

    def path(self, choice: Sequence[int]) -> Path:
        """The path that fills slot ``phase · bundles + bundle`` with the posture of that number."""
        count = len(self.bundles)
        rows = []
        for phase in range(self.phases):
            names = [""] * self.groups
            for bundle, members in enumerate(self.bundles):
                for group in members:
                    names[group] = self.postures[int(choice[phase * count + bundle])]
            rows.append(tuple((name,) * self.products for name in names))
        return tuple(rows)

    def choice(self, path: Path) -> tuple[int, ...] | None:
        """The choice that gives a path; None if the path is not on the menu."""
        picked = []
        for phase in path:
            for members in self.bundles:
                names = {name for group in members for name in phase[group]}
                if len(names) != 1 or next(iter(names)) not in self.postures:
                    return None
                picked.append(self.postures.index(names.pop()))
        return tuple(picked)


def menu_of(instance: Instance) -> Menu:
    """The menu of an instance."""
    groups = tuple(instance.groups)
    bundles = instance.menu.bundles or tuple((group,) for group in groups)
    numbered = tuple(tuple(groups.index(group) for group in bundle) for bundle in bundles)
    return Menu(instance.menu.postures, numbered, len(instance.phases), len(groups), len(instance.products))


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
