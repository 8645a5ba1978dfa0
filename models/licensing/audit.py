"""The figures again, from the instance alone: no Pyomo, none of the arrays of the market, another program.

Here stand what was announced, month by month, and the leader's payoff. The buyers' program, written a second
time in another way, is :mod:`models.licensing.audit_program`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.face import multiplier_range, quantity_range
from engine.solver import Floats, LinearSolution, solve_once
from models.licensing.audit_program import ScenarioProgram
from models.licensing.instance import Instance
from models.licensing.moves import Posture
from models.licensing.quantity import Quantity, month_index

Postures = tuple[tuple[tuple[str, ...], ...], ...]
FLOOR = 1e-3  # probability of a branch that cannot break down; there it is a copy of the trunk


@dataclass(frozen=True)
class Claim:
    """What is to be checked: postures [phase][group][product], volumes fed in, and whether goods leak."""

    path: Postures
    fed: Mapping[str, Quantity]
    leakage: bool = True


class Audit:
    """The arithmetic of one instance under one claim."""

    def __init__(self, instance: Instance, claim: Claim) -> None:
        self.instance, self.claim = instance, claim
        calendar = instance.calendar
        lengths = [1] * calendar.months + [3] * calendar.quarters + [12] * calendar.years
        self.length = np.array(lengths)
        self.first = month_index(calendar.start) + np.concatenate(([0], np.cumsum(lengths)[:-1]))
        self.horizon = int(self.first[-1] + self.length[-1])
        self.blocs, self.products = list(instance.blocs), list(instance.products)
        self.tiers, self.segments = list(instance.tiers), list(instance.segments)
        self.rivals, self.options, self.routes = list(instance.rivals), list(instance.options), list(instance.routes)
        self.groups = list(instance.groups)
        phases = list(instance.phases.values())
        self.starts = [month_index(phase.begins) for phase in phases] + [month_index(instance.tail)]
        self.strikes = [month_index(phase.breakdown or phase.begins) for phase in phases]
        self.middle = (self.first - self.first[0] + self.length / 2.0) / 12.0

    # -- what was announced, month by month ------------------------------------------------------------------

    def posture(self, month: int, bloc: str, k: int) -> Posture | None:
        """The posture in force in a month; None in the tail."""
        if month >= self.starts[-1]:
            return None
        phase = max(p for p, start in enumerate(self.starts[:-1]) if start <= month)
        group = self.groups.index(self.instance.blocs[bloc].group)
        return self.instance.postures[self.claim.path[phase][group][k]]

    def hazards(self, leader: bool) -> list[float]:
        """Hazard of each phase: the greatest among the postures in force."""
        found = []
        for phase in self.claim.path:
            postures = [self.instance.postures[name] for group in phase for name in group]
            own = [p.leader_hazard if leader and p.leader_hazard is not None else p.hazard for p in postures]
            found.append(max(float(hazard) for hazard in own))
        return found

    def probabilities(self, leader: bool) -> Floats:
        """Probability of every scenario: never, then each phase."""
        buyers = self.hazards(False)
        hazards = [FLOOR if base == 0 else own for base, own in zip(buyers, self.hazards(leader), strict=True)]
        left, found = 1.0, []
        for hazard in hazards:
            found.append(left * hazard)
            left *= 1.0 - hazard
        return np.array([left, *found])

    @cached_property
    def forecast(self) -> Floats:
        """Imports from the leader that licences are shares of, [t,b,k] tonnes per period."""
        return self._grown("imports")

    @cached_property
    def demand(self) -> Floats:
        """Demand [t,b,k,c,e], tonnes per period."""
        total = self._grown("demand")
        found = np.zeros((*total.shape, len(self.tiers), len(self.segments)))
        for b, bloc in enumerate(self.instance.blocs.values()):
            for c, tier in enumerate(self.tiers):
                for k, product in enumerate(self.instance.products.values()):
                    for e, segment in enumerate(self.segments):
                        share = float(bloc.tiers.get(tier, 0.0)) * float(product.segments.get(segment, 0.0))
                        found[:, b, k, c, e] = total[:, b, k] * share
        return found

    def _grown(self, field: str) -> Floats:
        found = np.zeros((len(self.first), len(self.blocs), len(self.products)))
        for b, bloc in enumerate(self.instance.blocs.values()):
            for i, k in enumerate(self.products):
                growth = (1.0 + float(bloc.growth[k])) ** self.middle
                found[:, b, i] = float(getattr(bloc, field)[k]) / 12.0 * self.length * growth
        return found

    @cached_property
    def exporters(self) -> Floats:
        """Export capacity [t], tonnes per period."""
        leader = self.instance.leader
        return np.asarray(
            float(leader.capacity) / 12.0 * self.length * (1.0 + float(leader.capacity_growth)) ** self.middle
        )

    def period(self, month: int) -> int:
        """The period that a month belongs to."""
        return int(np.searchsorted(self.first, month, side="right")) - 1

    @cached_property
    def licences(self) -> Floats:
        """Licensed tonnes [w,t,b,k], infinite where trade is open."""
        trunk = np.zeros_like(self.forecast)
        for b, bloc in enumerate(self.blocs):
            for k in range(len(self.products)):
                for month in range(int(self.first[0]), self.starts[-1]):
                    self._deliver(trunk, month, b, bloc, k)
                for t, month in enumerate(self.first):
                    posture = self.posture(int(month), bloc, k)
                    if posture is None or posture.licensed == "open":
                        trunk[t, b, k] = np.inf
        for name, tonnes in self.claim.fed.items():
            t = self.period(month_index(name))
            share = self.forecast[t] / self.forecast[t].sum()
            trunk[t] = np.where(np.isinf(trunk[t]), np.inf, float(tonnes) * share)
        hazards = self.hazards(False)
        broken = [trunk if hazard == 0 else self._broken(trunk, h) for h, hazard in enumerate(hazards)]
        return np.array([trunk, *broken])

    def _deliver(self, trunk: Floats, month: int, b: int, bloc: str, k: int) -> None:
        """Applications of one month arrive, spread over a month's length, a processing time later."""
        posture = self.posture(month, bloc, k)
        if posture is None or posture.licensed == "open":
            return
        filed = self.period(month)
        tonnes = float(posture.licensed) * self.forecast[filed, b, k] / self.length[filed]
        arrives = month + (float(posture.processing) if posture.processing else 0.0) * 12.0 / 365.0
        early = int(np.floor(arrives))
        for slot, part in ((early, early + 1 - arrives), (early + 1, arrives - early)):
            if part > 0 and slot < self.horizon:
                trunk[self.period(slot), b, k] += part * tonnes

    def _broken(self, trunk: Floats, phase: int) -> Floats:
        licence = trunk.copy()
        for b, bloc in enumerate(self.blocs):
            group = self.groups.index(self.instance.blocs[bloc].group)
            for k in range(len(self.products)):
                spell = self.instance.postures[self.claim.path[phase][group][k]].breakdown
                ends = self.strikes[phase] + float(spell.lasts)
                for t, (first, length) in enumerate(zip(self.first, self.length, strict=True)):
                    hit = max(0.0, min(first + length, ends) - max(first, self.strikes[phase])) / length
                    if hit > 0:
                        is_open = np.isinf(trunk[t, b, k])
                        usual = self.forecast[t, b, k] if is_open else trunk[t, b, k]
                        rest = self.exporters[t] if is_open else trunk[t, b, k]
                        licence[t, b, k] = float(spell.delivered) * hit * usual + (1.0 - hit) * rest
        return licence

    def route_limit(self, t: int, r: int) -> float:
        """Re-export capacity of a route in a period, tonnes."""
        route = self.instance.routes[self.routes[r]]
        closed = 0.0
        for k in range(len(self.products)):
            posture = self.posture(int(self.first[t]), route.source, k)
            if posture is not None and posture.end_use_control is not None:
                closed = max(closed, float(posture.end_use_control))
        return float(route.capacity) / 12.0 * float(self.length[t]) * (1.0 - closed) if self.claim.leakage else 0.0

    def factors(self, rate: float) -> Floats:
        """Discount factors at mid-period [t]."""
        return np.asarray(np.exp(-np.log1p(rate) * self.middle))

    # -- the leader ------------------------------------------------------------------------------------------

    def leader_terms(self, exports: Floats, probability: float, captured: Floats, exporter: Floats) -> dict[str, float]:
        """Terms of the payoff from exports [w,t,b,k], the probability of a concession and the leader's rents [w,t].

        Rents are undiscounted thousand USD; the terms are million USD.
        """
        leader, profit = self.instance.leader, self.profit
        chance = self.probabilities(leader=True)
        factor = self.factors(float(leader.discount_rate))
        strategic = self.first < self.starts[-1]
        margin = np.zeros(len(self.first))
        idle = np.zeros(len(self.first))
        for w, odds in enumerate(chance):
            for t in range(len(self.first)):
                sold = exports[w, t].sum(axis=0)
                margin[t] += odds * factor[t] * float(profit @ sold) / 1000.0
                idle[t] -= odds * factor[t] * float(leader.idle_cost) * (self.exporters[t] - sold.sum()) / 1000.0
        rents = [chance @ (rent * factor) / 1000.0 for rent in (captured, exporter)]
        return {
            "margin": float(margin[strategic].sum()),
            "captured_rent": float(rents[0][strategic].sum()),
            "exporter_rent": float(rents[1][strategic].sum()),
            "idle": float(idle[strategic].sum()),
            "buffer": -self._buffer(factor),
            "concession": probability * self.concession_worth(factor),
            "tail": float((margin + idle + rents[0] + rents[1])[~strategic].sum()),
        }

    def discounted_rent(self, rent: Floats) -> float:
        """Expected present value of a rent [w,t] in undiscounted thousand USD; million USD."""
        factor = self.factors(float(self.instance.leader.discount_rate))
        return float((self.probabilities(leader=True) @ (rent * factor)).sum() / 1000.0)

    def _buffer(self, factor: Floats) -> float:
        cost = 0.0
        for t, month in enumerate(self.first):
            for b, bloc in enumerate(self.blocs):
                for k in range(len(self.products)):
                    posture = self.posture(int(month), bloc, k)
                    if posture is not None and posture.buffer is not None:
                        held = float(posture.buffer) * self.forecast[t, b, k] / self.length[t]
                        cost += factor[t] * held * float(self.instance.leader.buffer_cost) * self.length[t]
        return cost / 1000.0

    def concession_worth(self, factor: Floats) -> float:
        """Discounted value of a certain concession, million USD."""
        concession = self.instance.concession
        if concession is None:
            return 0.0
        begins = self.first[0] + float(concession.begins)
        ends = begins + 12.0 * float(concession.lasts)
        yearly = float(concession.value) * float(concession.share)
        months = np.maximum(0.0, np.minimum(self.first + self.length, ends) - np.maximum(self.first, begins))
        return float((factor * months).sum() * yearly / 12.0)

    @cached_property
    def gain(self) -> Floats:
        """The leader's discounted gain per tonne exported [w,t,k], thousand USD."""
        leader = self.instance.leader
        per_tonne = self.profit + float(leader.idle_cost)
        factor = self.factors(float(leader.discount_rate))
        return np.asarray(np.einsum("w,t,k->wtk", self.probabilities(leader=True), factor, per_tonne))

    @property
    def profit(self) -> Floats:
        """Price less variable cost [k], USD/kg."""
        leader = self.instance.leader
        return np.array([float(leader.price[k]) - float(leader.unit_cost[k]) for k in self.products])

    # -- the buyers ------------------------------------------------------------------------------------------

    @cached_property
    def followers(self) -> ScenarioProgram:
        """The buyers' program, scenario by scenario."""
        return ScenarioProgram(self)

    @cached_property
    def solution(self) -> LinearSolution:
        """Its optimum, solved cold."""
        return solve_once(self.followers.program, "independent followers' program")

    def ranges(self) -> tuple[float, float, float, float]:
        """Least and greatest gain from quantities and from rents over all best responses, thousand USD."""
        program = self.followers.program
        quantities = quantity_range(program, self.solution, self.followers.column_gain(self.gain))
        weight = self.followers.rent_weight()
        if not weight.any():
            return quantities.low, quantities.high, 0.0, 0.0
        rents = multiplier_range(program, self.solution, -weight)
        return quantities.low, quantities.high, rents.low, rents.high
