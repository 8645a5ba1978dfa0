"""What was announced, for the audit: postures month by month, probabilities, licences, and what they set off.

It uses no Pyomo and none of the arrays of the market.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from coercivity.engine.programs.hot import Floats
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.audit.rules import Postures
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.reactions import Fading
from coercivity.models.licensing.data.strategies import Fed, Posture

FLOOR = 1e-3  # probability of a branch that cannot break down; there it is a copy of the trunk


@dataclass(frozen=True)
class Claim:
    """What is to be checked: postures [phase][group][product], volumes fed in, and whether goods leak.

    Where the target's type decides: the postures once it has conceded (none: it is relieved), and the chance of that.
    ``spared`` asks for the same with the target relieved, and what is feared and set off left as it is.
    """

    path: Postures
    fed: Mapping[str, Fed]
    leakage: bool = True
    conceded: Postures = ()
    chance: float = 0.0
    spared: bool = False


class Announced:
    """One instance under one claim, month by month."""

    def __init__(self, instance: Instance, claim: Claim) -> None:
        self.instance, self.claim = instance, claim
        self.path = rules.relieved(instance, claim.path) if claim.spared else claim.path
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
        struck = [(month_index(month), h) for h, phase in enumerate(phases) for month in phase.strikes]
        self.strikes, self.struck = [month for month, _ in struck], [h for _, h in struck]
        self.middle = (self.first - self.first[0] + self.length / 2.0) / 12.0
        wanted = instance.concession
        later = [month for month in self.first if wanted and wanted.is_conditional and month >= self.decision - 1e-9]
        self.decided = int(later[0]) if later else None
        self.departures = self.strikes if self.decided is None else [*self.strikes, self.decided]
        self.odds = min(max(claim.chance, FLOOR), 1.0 - FLOOR)

    # -- what was announced, month by month ------------------------------------------------------------------

    @property
    def decision(self) -> float:
        """The month from which a concession is in force."""
        wanted = self.instance.concession
        return float(self.first[0]) + (0.0 if wanted is None else float(wanted.begins))

    @property
    def relief_ends(self) -> float:
        """The month in which a concession is over."""
        wanted = self.instance.concession
        return self.decision + (0.0 if wanted is None else 12.0 * float(wanted.lasts))

    def posture(self, month: int, bloc: str, k: int, path: Postures | None = None) -> Posture | None:
        """The posture in force in a month; None in the tail."""
        if month >= self.starts[-1]:
            return None
        phase = max(p for p, start in enumerate(self.starts[:-1]) if start <= month)
        group = self.groups.index(self.instance.blocs[bloc].group)
        return self.instance.postures[(path or self.path)[phase][group][k]]

    def probabilities(self, leader: bool) -> Floats:
        """Probability of every scenario: nothing happens, a breakdown in each phase, the concession."""
        buyers, leaders = self.feared, rules.hazards(self.instance, self.claim.path, leader=True)
        own = leaders if leader else buyers
        events = []
        for w, (strike, h) in enumerate(zip(self.strikes, self.struck, strict=True), start=1):
            # Alike in every month that is reached, so that all months of the phase together have its hazard.
            whole = FLOOR if buyers[h] == 0 else own[h]
            events.append((strike, 1, w, 1.0 - np.exp(np.log1p(-whole) / self.struck.count(h))))
        if self.decided is not None:
            # Decided before a breakdown of the same month.
            events.append((self.decided, 0, len(self.departures), self.odds))
        left, found = 1.0, np.zeros(len(events) + 1)
        for _, _, scenario, hazard in sorted(events):
            found[scenario] = left * hazard
            left *= 1.0 - hazard
        found[0] = left
        return found

    @cached_property
    def feared(self) -> list[float]:
        """The buyers' hazard of each phase: with their fear, or what full deliveries have left of it."""
        trust = self.instance.trust
        found = rules.hazards(self.instance, self.claim.path, leader=False)
        if trust is None or trust.fading is None:
            return found
        open_ = rules.hazards(self.instance, self.claim.path, leader=False, fear=1.0)
        least = min(float(state.fear) for state in trust.states.values())
        states = rules.trust_states(self.instance, self.claim.path)
        fears = [least if state is None else float(state.fear) for state in states]
        return [
            min(rules.CEILING, plain * (least + (fear - least) * rest))
            for plain, fear, rest in zip(open_, fears, self._remembered(trust.fading), strict=True)
        ]

    def _remembered(self, fading: Fading) -> list[float]:
        """What is left of a fear in each phase, on average over its months."""
        given, since = self._delivered(self.claim.path), 0
        rest = np.ones(self.horizon - int(self.first[0]))
        for month in range(len(rest)):
            t = self.period(int(self.first[0]) + month)
            enough = given[t] > float(fading.full) * self.forecast[t] - 1e-9 * self.forecast[t]
            since = since + 1 if enough.all() else 0
            if since:
                # In the middle of the month.
                rest[month] = np.exp(-np.log(2.0) * (since - 0.5) / 12.0 / float(fading.half_life))
        spells = zip(self.starts[:-1], self.starts[1:], strict=True)
        return [float(rest[begins - int(self.first[0]) : ends - int(self.first[0])].mean()) for begins, ends in spells]

    def held(self) -> float:
        """Probability that licences hold until the target decides, as the leader sees it."""
        return float(self.probabilities(leader=True)[-1]) / self.odds

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
        """Export capacity [t] while all firms stand, tonnes per period."""
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
        trunk = self._delivered(self.path)
        hazards = self.feared
        strikes = zip(self.strikes, self.struck, strict=True)
        found = [trunk, *(trunk if hazards[h] == 0 else self._broken(trunk, h, strike) for strike, h in strikes)]
        if self.decided is not None:
            other = self._delivered(self.claim.conceded or rules.relieved(self.instance, self.claim.path))
            found.append(self._conceded(trunk, other))
        return np.array(found)

    def _delivered(self, path: Postures) -> Floats:
        """Licensed tonnes [t,b,k] of a path while licences hold."""
        trunk = np.zeros_like(self.forecast)
        for b, bloc in enumerate(self.blocs):
            for k in range(len(self.products)):
                for month in range(int(self.first[0]), self.starts[-1]):
                    self._deliver(trunk, month, b, k, path)
                for t, month in enumerate(self.first):
                    posture = self.posture(int(month), bloc, k, path)
                    if posture is None or posture.licensed == "open":
                        trunk[t, b, k] = np.inf
        for name, recorded in self.claim.fed.items():
            t, given = self.period(month_index(name)), dict(recorded.shares)
            for b, bloc in enumerate(self.blocs):
                usual = self.forecast[t, b]
                whole = float(usual.sum()) if given else float(self.forecast[t].sum())
                part = (given.get(bloc, 0.0) if given else 1.0) / whole if whole else 0.0
                capped = np.isfinite(trunk[t, b])
                trunk[t, b, capped] = recorded.tonnes * part * usual[capped]
        return trunk

    @cached_property
    def fed_months(self) -> frozenset[int]:
        """The months whose volumes are the record's."""
        return frozenset(month_index(name) for name in self.claim.fed)

    def _deliver(self, trunk: Floats, month: int, b: int, k: int, path: Postures) -> None:
        """Applications of one month arrive, spread over a month's length, a processing time later."""
        posture = self.posture(month, self.blocs[b], k, path)
        if posture is None or posture.licensed == "open":
            return
        filed = self.period(month)
        usual = float(self.forecast[filed, b, k])
        if posture.granted is not None:
            # Of what all import, the bloc is given its share; over products as it imports them.
            own, everybody = float(self.forecast[filed, b].sum()), float(self.forecast[filed].sum())
            usual *= float(posture.granted.get(self.blocs[b], 0.0)) * everybody / own if own else 0.0
        tonnes = float(posture.licensed) * usual / self.length[filed]
        arrives = month + (float(posture.processing) if posture.processing else 0.0) * 12.0 / 365.0
        early = int(np.floor(arrives))
        is_fed = month in self.fed_months
        for slot, part in ((early, early + 1 - arrives), (early + 1, arrives - early)):
            # What was filed in a fed month is in the record already; it is a licence again only under the same posture.
            lapses = is_fed and self.posture(slot, self.blocs[b], k, path) is not posture
            if part > 0 and slot < self.horizon and not lapses:
                trunk[self.period(slot), b, k] += part * tonnes

    def _broken(self, trunk: Floats, phase: int, strike: int) -> Floats:
        licence = trunk.copy()
        state = rules.trust_states(self.instance, self.claim.path)[phase]
        for b, bloc in enumerate(self.blocs):
            group = self.groups.index(self.instance.blocs[bloc].group)
            for k in range(len(self.products)):
                posture = self.instance.postures[self.path[phase][group][k]]
                spell = posture.breakdown if state is None or state.breakdown is None else state.breakdown
                at = self.period(strike)
                ready = float(posture.buffer or 0.0) * self.forecast[at, b, k] / self.length[at]
                for t, (first, length) in enumerate(zip(self.first, self.length, strict=True)):
                    hit = rules.shared(first, first + length, strike, strike + float(spell.lasts)) / length
                    if hit > 0:
                        is_open = np.isinf(trunk[t, b, k])
                        usual = hit * (self.forecast[t, b, k] if is_open else trunk[t, b, k])
                        rest = self.exporters[t] if is_open else trunk[t, b, k]
                        comes = min(usual, float(spell.delivered) * usual + ready)
                        ready -= comes - float(spell.delivered) * usual
                        licence[t, b, k] = comes + (1.0 - hit) * rest
        return licence

    def _conceded(self, trunk: Floats, other: Floats) -> Floats:
        """Licences [t,b,k] after the concession: the other path's in the months in which it lasts."""
        licence = trunk.copy()
        for t, (first, length) in enumerate(zip(self.first, self.length, strict=True)):
            part = rules.shared(first, first + length, self.decision, self.relief_ends) / length
            for cell in np.ndindex(trunk.shape[1:]):
                here, there = float(other[t][cell]), float(trunk[t][cell])
                paths = [tonnes for tonnes, weight in ((here, part), (there, 1.0 - part)) if weight > 0]
                if not np.isinf(paths).all():
                    here, there = min(here, self._most(t, here)), min(there, self._most(t, there))
                    licence[t][cell] = part * here + (1.0 - part) * there
                else:
                    licence[t][cell] = np.inf
        return licence

    def _most(self, t: int, licence: float) -> float:
        """What an open licence counts as in a period in which it is mixed with a cap: the exporters' capacity."""
        return float(self.exporters[t]) if np.isinf(licence) else licence

    @cached_property
    def releases(self) -> tuple[Floats, Floats]:
        """What may be bought in a period and in the quarter that ends with it, [w,t,b,k]; infinite without a limit."""
        drawable, quarter = self.licences.copy(), np.full_like(self.licences, np.inf)
        ends = [*self.starts[1:]]
        for t in range(2, len(self.first)):
            begins = int(self.first[t - 2])
            phases = [h for h, end in enumerate(ends) if self.starts[h] <= begins and begins + 3 <= end]
            if begins % 3 or (self.length[t - 2 : t + 1] != 1).any() or not phases:
                continue
            for b, bloc in enumerate(self.blocs):
                for k in range(len(self.products)):
                    posture = self.posture(begins, bloc, k)
                    if posture is not None and posture.release == "quarter" and posture.licensed != "open":
                        quarter[:, t, b, k] = self.licences[:, t - 2 : t + 1, b, k].sum(axis=1)
                        drawable[:, t - 2 : t + 1, b, k] = quarter[:, t, b, k][:, None]
        for w, month in enumerate(self.departures, start=1):
            drawable[w, self.first < month] = drawable[0, self.first < month]
        return drawable, quarter

    def calmed(self, t: int, bloc: str, k: int) -> float:
        """What a corridor takes off the buyers' cost of an uncertain price, USD/kg."""
        risk = self.instance.buyers.price_risk
        return 0.0 if risk is None else float(risk.premium) * self._swing(t, bloc, k)

    def _swing(self, t: int, bloc: str, k: int) -> float:
        """Expected swing that a corridor cuts off, USD/kg."""
        risk, posture = self.instance.buyers.price_risk, self.posture(int(self.first[t]), bloc, k)
        if risk is None or posture is None or posture.corridor is None:
            return 0.0
        return self._cut(float(risk.volatility), float(posture.corridor)) * float(self.asked[t, k])

    @staticmethod
    @cache
    def _cut(volatility: float, width: float) -> float:
        return rules.swing(volatility, width)

    def taxed(self, w: int, t: int, bloc: str, k: int) -> float:
        """What buyers pay beyond the price in a period of a scenario, USD/kg."""
        month = int(self.first[t])
        own = self._tax(self.posture(month, bloc, k), t, k)
        if self.decided is None or w < len(self.departures) or month < self.decided:
            return own
        other = self.claim.conceded or rules.relieved(self.instance, self.claim.path)
        given = rules.shared(month, month + float(self.length[t]), self.decision, self.relief_ends) / float(
            self.length[t]
        )
        return given * self._tax(self.posture(month, bloc, k, other), t, k) + (1.0 - given) * own

    def _tax(self, posture: Posture | None, t: int, k: int) -> float:
        """The share of a posture's tax that exporters do not give back."""
        if posture is None:
            return 0.0
        leader = self.instance.leader
        duty = 0.0 if posture.export_duty is None else float(posture.export_duty) * float(self.asked[t, k])
        kept = 1.0 if leader.tax_passed_on is None else float(leader.tax_passed_on)
        return kept * (duty if posture.export_tax is None else float(posture.export_tax))

    @property
    def is_taxed(self) -> bool:
        """Whether some posture takes a tax."""
        return any(
            (posture.export_tax or posture.export_duty) is not None for posture in self.instance.postures.values()
        )

    @cached_property
    def tax(self) -> Floats:
        """What buyers pay beyond the price [w,t,b,k], USD/kg."""
        found = np.zeros((len(self.departures) + 1, *self.forecast.shape))
        if not self.is_taxed:
            return found
        for w, t, b, k in np.ndindex(*found.shape):
            found[w, t, b, k] = self.taxed(w, t, self.blocs[b], k)
        return found

    def route_limit(self, t: int, r: int) -> float:
        """Re-export capacity of a route in a period, tonnes."""
        route = self.instance.routes[self.routes[r]]
        closed = 0.0
        for k in range(len(self.products)):
            posture = self.posture(int(self.first[t]), route.source, k)
            if posture is not None and posture.end_use_control is not None:
                closed = max(closed, float(posture.end_use_control))
        return float(route.capacity) / 12.0 * float(self.length[t]) * (1.0 - closed) if self.claim.leakage else 0.0

    @cached_property
    def asked(self) -> Floats:
        """The leader's price [t,k], USD/kg."""
        spells = [(int(first), int(first + length)) for first, length in zip(self.first, self.length, strict=True)]
        return np.array([[rules.asked(self.instance, k, *spell) for k in self.products] for spell in spells])

    @cached_property
    def borne(self) -> Floats:
        """The leader's variable cost [t,k], USD/kg."""
        spells = [(int(first), int(first + length)) for first, length in zip(self.first, self.length, strict=True)]
        return np.array([[rules.borne(self.instance, k, *spell) for k in self.products] for spell in spells])

    def service(self, lead: float) -> Floats:
        """Share of a period [t] that lies after the arrival of an order made at the start of another, [order t, t]."""
        after = (self.first + self.length)[None, :] - np.maximum(self.first[None, :], (self.first + lead)[:, None])
        return np.asarray(np.clip(after / self.length[None, :], 0.0, 1.0))

    def factors(self, rate: float) -> Floats:
        """Discount factors at mid-period [t]."""
        return np.asarray(np.exp(-np.log1p(rate) * self.middle))
