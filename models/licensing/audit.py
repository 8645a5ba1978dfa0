"""The figures again, from the instance alone: no Pyomo, none of the arrays of the market, another program.

The buyers' program is written scenario by scenario, each with decisions of its own that are tied together by
explicit non-anticipation rows; stock is one variable above a floor with gaps; orders enter capacity directly,
without cumulative states; licences are delivered month by month. It must give the same value as the fishbone
of :mod:`models.licensing.formulation`, and a claimed plan must be feasible here and cost as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from engine.face import multiplier_range, quantity_range
from engine.solver import Floats, LinearProgram, LinearSolution, solve_once
from models.licensing.instance import Instance, Posture
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
        rows = [[[float(getattr(bloc, field)[k]) / 12.0 * months * (1.0 + float(bloc.growth[k])) ** years for k in self.products]
                 for bloc in self.instance.blocs.values()] for months, years in zip(self.length, self.middle, strict=True)]  # fmt: skip
        return np.array(rows)

    @cached_property
    def exporters(self) -> Floats:
        """Export capacity [t], tonnes per period."""
        leader = self.instance.leader
        return float(leader.capacity) / 12.0 * self.length * (1.0 + float(leader.capacity_growth)) ** self.middle

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
        return np.exp(-np.log1p(rate) * self.middle)

    # -- the leader ------------------------------------------------------------------------------------------

    def leader_terms(self, exports: Floats, probability: float) -> dict[str, float]:
        """Terms of the payoff that follow from exports [w,t,b,k] and the probability of a concession; million USD."""
        leader = self.instance.leader
        chance = self.probabilities(leader=True)
        factor = self.factors(float(leader.discount_rate))
        strategic = self.first < self.starts[-1]
        margin = np.zeros(len(self.first))
        idle = np.zeros(len(self.first))
        for w, odds in enumerate(chance):
            for t in range(len(self.first)):
                sold = exports[w, t].sum(axis=0)
                profit = sum((float(leader.price[k]) - float(leader.unit_cost[k])) * sold[i] for i, k in enumerate(self.products))
                margin[t] += odds * factor[t] * profit / 1000.0
                idle[t] -= odds * factor[t] * float(leader.idle_cost) * (self.exporters[t] - sold.sum()) / 1000.0
        return {
            "margin": float(margin[strategic].sum()),
            "idle": float(idle[strategic].sum()),
            "buffer": -self._buffer(factor),
            "concession": probability * self.concession_worth(factor),
            "tail": float((margin + idle)[~strategic].sum()),
        }

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
        per_tonne = np.array([float(leader.price[k]) - float(leader.unit_cost[k]) + float(leader.idle_cost) for k in self.products])
        return np.einsum("w,t,k->wtk", self.probabilities(leader=True), self.factors(float(leader.discount_rate)), per_tonne)

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
        rents = multiplier_range(program, self.solution, -weight) if weight.any() else (0.0, 0.0)
        return quantities.low, quantities.high, rents[0], rents[1]


class ScenarioProgram:
    """The buyers' program with a copy of every decision in every scenario."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.instance = audit, audit.instance
        self.scenarios, self.periods = len(audit.strikes) + 1, len(audit.first)
        self.chance = audit.probabilities(leader=False)
        self.factor = audit.factors(float(self.instance.buyers.discount_rate))
        sizes = {"b": len(audit.blocs), "k": len(audit.products), "c": len(audit.tiers), "e": len(audit.segments), "j": len(audit.rivals),
                 "o": len(audit.options), "r": len(audit.routes), "s": len(self.instance.stocks.cover_steps)}  # fmt: skip
        self.blocks: dict[str, np.ndarray] = {}
        self.width = 0
        for name, axes in BLOCKS.items():
            shape = (self.scenarios, self.periods, *(sizes[axis] for axis in axes))
            self.blocks[name] = self.width + np.arange(int(np.prod(shape))).reshape(shape)
            self.width += int(np.prod(shape))
        self.cost, self.upper = np.zeros(self.width), np.full(self.width, np.inf)
        self.offset = 0.0
        self.entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.licence_rows: dict[int, tuple[int, int, int, int, int]] = {}
        self.exporter_rows: dict[int, tuple[int, int]] = {}
        self.program = self._write()

    def column_gain(self, gain: Floats) -> Floats:
        """A gain per tonne exported [w,t,k] as one per column."""
        column = np.zeros(self.width)
        imports = self.blocks["imports"]
        column[imports] = np.broadcast_to(gain[:, :, None, :, None], imports.shape)
        return column

    def rent_weight(self) -> Floats:
        """The leader's value of a unit of every row's multiplier, its sign turned; thousand USD."""
        audit, rents = self.audit, self.instance.leader.rents
        weight = np.zeros(len(self.low))
        odds = audit.probabilities(leader=True)
        factor = audit.factors(float(self.instance.leader.discount_rate))
        for row, (w, t, *_) in self.licence_rows.items():
            scale = odds[w] * factor[t] / (self.chance[w] * self.factor[t])
            weight[row] = float(rents.licence) * scale * self.high[row]
        for row, (w, t) in self.exporter_rows.items():
            scale = odds[w] * factor[t] / (self.chance[w] * self.factor[t])
            weight[row] = float(rents.exporter) * scale * self.high[row]
        return weight

    def point(self, plan: Mapping[str, Floats]) -> Floats:
        """A claimed plan, every quantity by scenario and period, as a point of this program."""
        x = np.zeros(self.width)
        for name in ("imports", "rival_sales", "reexport", "unmet", "expansion", "design_order"):
            x[self.blocks[name]] = plan[name]
        stock = plan["surplus"] + plan["cover"].sum(axis=-1) + plan["reserve"]
        x[self.blocks["stock"]] = stock
        target = self.cover_target + self.reserve_target
        x[self.blocks["beyond"]] = np.maximum(0.0, stock - target[None])
        missing = np.maximum(0.0, target[None] - stock)
        slack = np.minimum(missing, self.reserve_target[None])
        x[self.blocks["reserve_gap"]] = slack
        missing = missing - slack
        for s, step in enumerate(self.instance.stocks.cover_steps):
            part = np.minimum(missing, float(step.share) * self.cover_target[None])
            x[self.blocks["gap"][..., s]] = part
            missing = missing - part
        return x

    def violation(self, x: Floats) -> float:
        """The greatest violation of any law or bound by a point, in the law's own unit."""
        program = self.program
        activity = program.matrix @ x
        with np.errstate(invalid="ignore"):
            worst = [np.max(program.row_lower - activity), np.max(activity - program.row_upper)]
        return float(max(0.0, *worst, np.max(-x), np.max(x - program.col_upper)))

    # -- writing ---------------------------------------------------------------------------------------------

    def _row(self, columns: np.ndarray, values: np.ndarray | float, low: float, high: float) -> int:
        columns = np.atleast_1d(columns).ravel()
        self.entries.append((np.full(len(columns), len(self.low)), columns, np.broadcast_to(values, columns.shape)))
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def _write(self) -> LinearProgram:
        self._targets()
        self._orders()
        for w in range(self.scenarios):
            for t in range(self.periods):
                self._costs(w, t)
                self._balances(w, t)
                self._limits(w, t)
            self._totals(w)
        self._non_anticipation()
        rows = np.concatenate([entry[0] for entry in self.entries])
        columns = np.concatenate([entry[1] for entry in self.entries])
        values = np.concatenate([entry[2] for entry in self.entries]).astype(float)
        matrix = sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(len(self.low), self.width)))
        return LinearProgram(
            self.cost, matrix, np.array(self.low), np.array(self.high), np.zeros(self.width), self.upper, self.offset
        )

    def _targets(self) -> None:
        audit = self.audit
        shape = audit.demand.shape[:-1]
        self.cover_target, self.reserve_target = np.zeros(shape), np.zeros(shape)
        self.initial = np.zeros(shape[1:])
        for b, bloc in enumerate(self.instance.blocs.values()):
            for c, tier in enumerate(audit.tiers):
                cover = float(bloc.cover.get(tier, self.instance.tiers[tier].cover))
                monthly = audit.demand[:, b, :, c].sum(axis=-1) / audit.length[:, None]
                self.cover_target[:, b, :, c] = cover * monthly
                if bloc.reserve is not None:
                    begun = audit.first >= month_index(bloc.reserve.begins)
                    self.reserve_target[:, b, :, c] = float(bloc.reserve.months) * monthly * begun[:, None]
                for k, product in enumerate(audit.products):
                    self.initial[b, k, c] = cover * float(bloc.demand[product]) / 12.0 * float(bloc.tiers.get(tier, 0.0))

    def _orders(self) -> None:
        """Which share of a period an order serves [order t, t], for rivals and options; forbid orders that come too late."""
        audit = self.audit
        self.serves_rival, self.serves_option = {}, {}
        for j, name in enumerate(audit.rivals):
            expansion = self.instance.rivals[name].expansion
            if expansion is None:
                self.upper[self.blocks["expansion"][:, :, j]] = 0.0
                continue
            opens = month_index(expansion.opens) if expansion.opens else int(audit.first[0])
            self.serves_rival[j] = self._service(float(expansion.lead_time))
            late = (self.serves_rival[j].sum(axis=1) == 0) | (audit.first < opens)
            self.upper[self.blocks["expansion"][:, late, j]] = 0.0
        for o, name in enumerate(audit.options):
            option = self.instance.options[name]
            self.serves_option[o] = self._service(float(option.lead_time))
            yearly = float(option.yearly_limit) * audit.length / 12.0
            yearly = np.where(self.serves_option[o].sum(axis=1) == 0, 0.0, yearly)
            self.upper[self.blocks["design_order"][:, :, :, o]] = yearly[None, :, None, None]
            for e, segment in enumerate(audit.segments):
                if float(option.potential.get(segment, 0.0)) == 0:
                    self.upper[self.blocks["design_order"][:, :, :, o, e]] = 0.0

    def _service(self, lead: float) -> Floats:
        audit = self.audit
        after = (audit.first + audit.length)[None, :] - np.maximum(audit.first[None, :], (audit.first + lead)[:, None])
        return np.clip(after / audit.length[None, :], 0.0, 1.0)

    def _costs(self, w: int, t: int) -> None:
        audit, at, stocks = self.audit, self.blocks, self.instance.stocks
        money = self.chance[w] * self.factor[t]
        months = float(audit.length[t])
        for k, product in enumerate(audit.products):
            self.cost[at["imports"][w, t, :, k]] = money * float(self.instance.leader.price[product])
        for r, route in enumerate(self.instance.routes.values()):
            self.cost[at["reexport"][w, t, r]] = money * float(route.cost)
        for e, segment in enumerate(self.instance.segments.values()):
            self.cost[at["unmet"][w, t, ..., e]] = money * float(segment.value)
        self.cost[at["stock"][w, t]] = money * months * float(stocks.holding_cost)
        self.cost[at["beyond"][w, t]] = money * months * float(stocks.surplus_cost)
        for s, step in enumerate(stocks.cover_steps):
            self.cost[at["gap"][w, t, ..., s]] = money * months * float(step.penalty)
            self.upper[at["gap"][w, t, ..., s]] = float(step.share) * self.cover_target[t]
        self.upper[at["reserve_gap"][w, t]] = self.reserve_target[t]
        for b, bloc in enumerate(self.instance.blocs.values()):
            if bloc.reserve is not None:
                self.cost[at["reserve_gap"][w, t, b]] = money * months * float(bloc.reserve.penalty)
        for j, rival in enumerate(self.instance.rivals.values()):
            for b, name in enumerate(audit.blocs):
                if name in rival.serves:
                    self.cost[at["rival_sales"][w, t, j, b]] = money * (float(rival.unit_cost) + float(rival.serves[name]))
                else:
                    self.upper[at["rival_sales"][w, t, j, b]] = 0.0
        self._charges(w, t)

    def _charges(self, w: int, t: int) -> None:
        """Annuities from the arrival of an order on; with probability one or the scenario's, by linearity alike."""
        audit, odds = self.audit, self.chance[w]
        rate = float(self.instance.cost_of_capital)
        for j, served in self.serves_rival.items():
            expansion = self.instance.rivals[audit.rivals[j]].expansion
            assert expansion is not None
            yearly = _annuity(float(expansion.capex), rate, float(expansion.life))
            years = float((served[t] * audit.length * self.factor).sum()) / 12.0
            self.cost[self.blocks["expansion"][w, t, j]] = odds * yearly * years
        for o, served in self.serves_option.items():
            option = self.instance.options[audit.options[o]]
            per_kilogram = _annuity(float(option.cost), rate, float(option.life)) + float(option.running_cost)
            k = audit.products.index(option.product)
            tonnes = np.einsum("t,tbe->be", served[t] * self.factor, audit.demand[:, :, k].sum(axis=2))
            self.cost[self.blocks["design_order"][w, t, :, o]] = odds * per_kilogram * tonnes

    def _relief(self, w: int, t: int, b: int, k: int, c: int, segments: list[int]) -> tuple[np.ndarray, np.ndarray]:
        columns, values = [], []
        for o, served in self.serves_option.items():
            option = self.instance.options[self.audit.options[o]]
            source = self.audit.products.index(option.product)
            signs = [1.0] * (source == k) + [-1.0] * (option.moves_to is not None and self.audit.products.index(option.moves_to) == k)
            orders = np.flatnonzero(served[:, t] > 0)
            for sign in signs:
                for e in segments:
                    columns.append(self.blocks["design_order"][w, orders, b, o, e])
                    values.append(sign * served[orders, t] * self.audit.demand[t, b, source, c, e])
        if not columns:
            return np.zeros(0, dtype=int), np.zeros(0)
        return np.concatenate(columns), np.concatenate(values)

    def _balances(self, w: int, t: int) -> None:
        audit, at = self.audit, self.blocks
        every = list(range(len(audit.segments)))
        ends = [(audit.blocs.index(route.source), audit.blocs.index(route.destination)) for route in self.instance.routes.values()]
        made = [audit.products.index(rival.product) for rival in self.instance.rivals.values()]
        for b in range(len(audit.blocs)):
            inward = [r for r, (_, to) in enumerate(ends) if to == b]
            outward = [r for r, (source, _) in enumerate(ends) if source == b]
            for k in range(len(audit.products)):
                sellers = [j for j, product in enumerate(made) if product == k]
                for c in range(len(audit.tiers)):
                    columns = [at["imports"][w, t, b, k, c : c + 1], at["rival_sales"][w, t, sellers, b, c], at["unmet"][w, t, b, k, c],
                               at["reexport"][w, t, inward, k, c]]  # fmt: skip
                    values = [np.ones(sum(len(part) for part in columns))]
                    out = [at["reexport"][w, t, outward, k, c], at["stock"][w, t, b, k, c : c + 1]]
                    values.append(-np.ones(sum(len(part) for part in out)))
                    need = float(audit.demand[t, b, k, c].sum())
                    if t:
                        out.append(at["stock"][w, t - 1, b, k, c : c + 1])
                        values.append(np.ones(1))
                    else:
                        need -= float(self.initial[b, k, c])
                    relief, by = self._relief(w, t, b, k, c, every)
                    self._row(np.concatenate([*columns, *out, relief]), np.concatenate([*values, by]), need, np.inf)
                    self._stock_rows(w, t, b, k, c)
                    self._segment_rows(w, t, b, k, c)

    def _stock_rows(self, w: int, t: int, b: int, k: int, c: int) -> None:
        at, target = self.blocks, float(self.cover_target[t, b, k, c] + self.reserve_target[t, b, k, c])
        floor = np.concatenate([at["stock"][w, t, b, k, c : c + 1], at["gap"][w, t, b, k, c], at["reserve_gap"][w, t, b, k, c : c + 1]])
        self._row(floor, 1.0, target, np.inf)
        self._row(np.array([at["stock"][w, t, b, k, c], at["beyond"][w, t, b, k, c]]), np.array([1.0, -1.0]), -np.inf, target)
        if t == self.periods - 1:
            self._row(at["stock"][w, t, b, k, c : c + 1], 1.0, float(self.initial[b, k, c]), np.inf)

    def _segment_rows(self, w: int, t: int, b: int, k: int, c: int) -> None:
        unmet, demand = self.blocks["unmet"][w, t, b, k, c], self.audit.demand[t, b, k, c]
        top = len(demand) - 1
        for e in range(top):
            if self.instance.buyers.rationing == "pro_rata":
                self._row(unmet[[e, top]], np.array([demand[top], -demand[e]]), 0.0, 0.0)
            else:
                relief, by = self._relief(w, t, b, k, c, [e])
                self._row(np.append(unmet[e], relief), np.append(1.0, by), -np.inf, float(demand[e]))

    def _limits(self, w: int, t: int) -> None:
        audit, at = self.audit, self.blocks
        licence, tonnes = audit.licences[w, t], audit.demand[t].sum(axis=-1)
        for b in range(len(audit.blocs)):
            for k in range(len(audit.products)):
                total = float(tonnes[b, k].sum())
                for c in range(len(audit.tiers)):
                    if np.isfinite(licence[b, k]):
                        cap = licence[b, k] * tonnes[b, k, c] / total if total > 0 else 0.0
                        row = self._row(at["imports"][w, t, b, k, c : c + 1], 1.0, -np.inf, float(cap))
                        self.licence_rows[row] = (w, t, b, k, c)
        row = self._row(at["imports"][w, t], 1.0, -np.inf, float(audit.exporters[t]))
        self.exporter_rows[row] = (w, t)
        for r in range(len(audit.routes)):
            self._row(at["reexport"][w, t, r], 1.0, -np.inf, audit.route_limit(t, r))
        for j, rival in enumerate(self.instance.rivals.values()):
            years = float(audit.length[t]) / 12.0
            capacity = float(rival.capacity) * years
            for addition in rival.committed:
                ran = audit.first[t] + audit.length[t] - max(int(audit.first[t]), month_index(addition.begins))
                capacity += float(addition.capacity) * max(0.0, float(ran)) / 12.0
            sold = at["rival_sales"][w, t, j].ravel()
            if j in self.serves_rival:
                orders = np.flatnonzero(self.serves_rival[j][:, t] > 0)
                columns = np.concatenate([sold, at["expansion"][w, orders, j]])
                values = np.concatenate([np.ones(len(sold)), -years * self.serves_rival[j][orders, t]])
                self._row(columns, values, -np.inf, capacity)
            else:
                self._row(sold, 1.0, -np.inf, capacity)

    def _totals(self, w: int) -> None:
        audit = self.audit
        for j in self.serves_rival:
            expansion = self.instance.rivals[audit.rivals[j]].expansion
            assert expansion is not None
            self._row(self.blocks["expansion"][w, :, j], 1.0, -np.inf, float(expansion.potential))
        for b in range(len(audit.blocs)):
            for e, segment in enumerate(audit.segments):
                for o, name in enumerate(audit.options):
                    limit = float(self.instance.options[name].potential.get(segment, 0.0))
                    self._row(self.blocks["design_order"][w, :, b, o, e], 1.0, -np.inf, limit)
                for product in audit.products:
                    same = [o for o, name in enumerate(audit.options) if self.instance.options[name].product == product]
                    if same:
                        self._row(self.blocks["design_order"][w][:, b][:, same][:, :, e].ravel(), 1.0, -np.inf, 1.0)

    def _non_anticipation(self) -> None:
        for w, strike in enumerate(self.audit.strikes, start=1):
            before = np.flatnonzero(self.audit.first < strike)
            for at in self.blocks.values():
                for mine, other in zip(at[w, before].ravel(), at[0, before].ravel(), strict=True):
                    self._row(np.array([mine, other]), np.array([1.0, -1.0]), 0.0, 0.0)


BLOCKS = {
    "imports": "bkc", "rival_sales": "jbc", "reexport": "rkc", "unmet": "bkce", "stock": "bkc", "beyond": "bkc",
    "gap": "bkcs", "reserve_gap": "bkc", "expansion": "j", "design_order": "boe",
}  # fmt: skip


def _annuity(price: float, rate: float, life: float) -> float:
    return price / life if rate == 0 else price * rate / (1.0 - (1.0 + rate) ** -life)
