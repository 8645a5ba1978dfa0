"""The buyers' program a second time, for the audit: another program that must have the same value.

It is written scenario by scenario, each with decisions of its own that are tied together by explicit
non-anticipation rows; stock is one variable above a floor with gaps; orders enter capacity directly, without
cumulative states. It must give the same value as the fishbone of the formulation, and a claimed plan must be
feasible here and cost as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from coercivity.engine.programs.hot import Floats, LinearProgram
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.audit.rivals import RivalRows
from coercivity.models.licensing.data.quantity import month_index

if TYPE_CHECKING:
    from coercivity.models.licensing.audit.recompute import Audit

BLOCKS = {
    "imports": "bkc", "rival_sales": "jbc", "reexport": "rkc", "unmet": "bkce", "stock": "bkc", "beyond": "bkc",
    "gap": "bkcs", "reserve_gap": "bkc", "expansion": "l", "design_order": "boe", "standing": "u", "made": "v",
}  # fmt: skip
"""The axes of every decision after scenario and period, in the letters of the model's page; u: lines that pay to stand, v: of rivals of several."""


@dataclass
class Laws:
    """The rows of an instance that no claim changes: written once, and read by every program after that."""

    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


class ScenarioProgram:
    """The buyers' program with a copy of every decision in every scenario."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.instance = audit, audit.instance
        self.scenarios, self.periods = len(audit.departures) + 1, len(audit.first)
        self.chance = audit.probabilities(leader=False)
        self.factor = audit.factors(float(self.instance.buyers.discount_rate))
        axes_of = (audit.blocs, audit.products, audit.tiers, audit.segments, audit.rivals, audit.options, audit.routes)
        sizes = dict(zip("bkcejor", map(len, axes_of), strict=True)) | {"s": len(self.instance.stocks.cover_steps)}
        self.rivals = RivalRows(self)
        sizes |= {"l": len(self.rivals.lines), "u": len(self.rivals.standing), "v": len(self.rivals.several)}
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
        self.release_rows: dict[int, tuple[int, int, int, int, int]] = {}
        self.exporter_rows: dict[int, tuple[int, int]] = {}
        self.program = self._write()

    def column_gain(self, gain: Floats) -> Floats:
        """A gain per tonne exported [w,t,b,k] as one per column."""
        column = np.zeros(self.width)
        imports = self.blocks["imports"]
        column[imports] = np.broadcast_to(gain[..., None], imports.shape)
        return column

    def pain_weight(self) -> Floats:
        """Cost from the decision on if the target refuses and licences hold, less that if it concedes, by column."""
        decided = self.audit.decided
        assert decided is not None
        later = np.flatnonzero(self.audit.first >= decided)
        weight = np.zeros(self.width)
        for at in self.blocks.values():
            denied, given = at[0, later], at[-1, later]
            weight[denied] = self.cost[denied] / self.chance[0]
            weight[given] = -self.cost[given] / self.chance[-1]
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
        x[self.blocks["standing"]] = self.rivals.left_standing(plan)
        x[self.blocks["made"]] = plan["step_sales"][..., self.rivals.several]
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

    def row(self, columns: np.ndarray, values: np.ndarray | float, low: float, high: float) -> int:
        """Add a law, low ≤ values · columns ≤ high, and say which row it is."""
        columns = np.atleast_1d(columns).ravel()
        self.entries.append((np.full(len(columns), len(self.low)), columns, np.broadcast_to(values, columns.shape)))
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def _write(self) -> LinearProgram:
        self._targets()
        self.rivals.orders()
        self._orders()
        laws = self.audit.laws
        if laws.entries:
            self.entries, self.low, self.high = list(laws.entries), list(laws.low), list(laws.high)
        else:
            self._standing_laws()
            joined = [np.concatenate(part) for part in zip(*self.entries, strict=True)]
            laws.entries, laws.low, laws.high = [(joined[0], joined[1], joined[2])], list(self.low), list(self.high)
        for w in range(self.scenarios):
            for t in range(self.periods):
                self._costs(w, t)
                self._limits(w, t)
        rows = np.concatenate([entry[0] for entry in self.entries])
        columns = np.concatenate([entry[1] for entry in self.entries])
        values = np.concatenate([entry[2] for entry in self.entries]).astype(float)
        matrix = sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(len(self.low), self.width)))
        return LinearProgram(
            self.cost, matrix, np.array(self.low), np.array(self.high), np.zeros(self.width), self.upper, self.offset
        )

    def _standing_laws(self) -> None:
        """All that the instance alone decides."""
        for w in range(self.scenarios):
            for t in range(self.periods):
                self._balances(w, t)
                self.rivals.rows(w, t)
                self.rivals.ties(w, t)
            self._totals(w)
        self._non_anticipation()

    def _targets(self) -> None:
        audit = self.audit
        shape = audit.demand.shape[:-1]
        self.cover_target, self.reserve_target = np.zeros(shape), np.zeros(shape)
        self.initial, self.closing = np.zeros(shape[1:]), np.zeros(shape[1:])
        for b, bloc in enumerate(self.instance.blocs.values()):
            for c, tier in enumerate(audit.tiers):
                cover = float(bloc.cover[tier] if tier in bloc.cover else self.instance.tiers[tier].cover)
                monthly = audit.demand[:, b, :, c].sum(axis=-1) / audit.length[:, None]
                self.cover_target[:, b, :, c] = cover * monthly * self._lesson()[:, None]
                if bloc.reserve is not None:
                    begun = audit.first >= month_index(bloc.reserve.begins)
                    self.reserve_target[:, b, :, c] = float(bloc.reserve.months) * monthly * begun[:, None]
                for k, product in enumerate(audit.products):
                    share = float(bloc.tiers.get(tier, 0.0))
                    monthly_use = float(bloc.demand[product]) / 12.0 * share
                    self.closing[b, k, c] = cover * monthly_use
                    self.initial[b, k, c] = float((bloc.opening or {}).get(tier, cover)) * monthly_use

    def _lesson(self) -> Floats:
        """What is meant to be held, over the cover, period by period: a shock is forgotten month by month."""
        raised, audit = self.instance.stocks.raised, self.audit
        found = np.ones(len(audit.first))
        if raised is not None:
            begins, kept = month_index(raised.begins), 0.5 ** (1.0 / (12.0 * float(raised.half_life)))
            for t, (first, months) in enumerate(zip(audit.first, audit.length, strict=True)):
                if first >= begins:
                    found[t] += float(raised.by) * kept ** (first + months / 2.0 - begins)
        return found

    def _orders(self) -> None:
        """Share of a period that a design serves [order t, t]; none that comes too late."""
        audit = self.audit
        self.serves_option = {}
        for o, name in enumerate(audit.options):
            option = self.instance.options[name]
            self.serves_option[o] = audit.service(float(option.lead_time))
            yearly = float(option.yearly_limit) * audit.length / 12.0
            yearly = np.where(self.serves_option[o].sum(axis=1) == 0, 0.0, yearly)
            self.upper[self.blocks["design_order"][:, :, :, o]] = yearly[None, :, None, None]
            for e, segment in enumerate(audit.segments):
                if float(option.potential.get(segment, 0.0)) == 0:
                    self.upper[self.blocks["design_order"][:, :, :, o, e]] = 0.0

    def _costs(self, w: int, t: int) -> None:
        audit, at, stocks = self.audit, self.blocks, self.instance.stocks
        money = self.chance[w] * self.factor[t]
        months = float(audit.length[t])
        for k in range(len(audit.products)):
            for b, name in enumerate(audit.blocs):
                price = audit.asked[t, k] + audit.tax[w, t, b, k] - audit.calmed(t, name, k)
                self.cost[at["imports"][w, t, b, k]] = money * price
        for r, route in enumerate(self.instance.routes.values()):
            self.cost[at["reexport"][w, t, r]] = money * float(route.cost)
        for k, name in enumerate(audit.products):
            first = float(self.instance.leader.price[name])
            for e, segment in enumerate(self.instance.segments.values()):
                stated = first * (1.0 + float(segment.above or 0.0)) if segment.value is None else float(segment.value)
                self.cost[at["unmet"][w, t, :, k, :, e]] = money * stated
        self.cost[at["stock"][w, t]] = money * months * float(stocks.holding_cost)
        self.cost[at["beyond"][w, t]] = money * months * float(stocks.surplus_cost)
        for s, step in enumerate(stocks.cover_steps):
            self.cost[at["gap"][w, t, ..., s]] = money * months * float(step.penalty)
            self.upper[at["gap"][w, t, ..., s]] = float(step.share) * self.cover_target[t]
        self.upper[at["reserve_gap"][w, t]] = self.reserve_target[t]
        for b, bloc in enumerate(self.instance.blocs.values()):
            if bloc.reserve is not None:
                self.cost[at["reserve_gap"][w, t, b]] = money * months * float(bloc.reserve.penalty)
        self.rivals.costs(w, t)
        self._charges(w, t)

    def _charges(self, w: int, t: int) -> None:
        """Annuities from the arrival of an order on; with probability one or the scenario's, by linearity alike."""
        audit, odds = self.audit, self.chance[w]
        rate = float(self.instance.cost_of_capital)
        for o, served in self.serves_option.items():
            option = self.instance.options[audit.options[o]]
            per_kilogram = rules.annuity(float(option.cost), rate, float(option.life)) + float(option.running_cost)
            k = audit.products.index(option.product)
            tonnes = np.einsum("t,tbe->be", served[t] * self.factor, audit.demand[:, :, k].sum(axis=2))
            self.cost[self.blocks["design_order"][w, t, :, o]] = odds * per_kilogram * tonnes

    def _relief(self, w: int, t: int, b: int, k: int, c: int, segments: list[int]) -> tuple[np.ndarray, np.ndarray]:
        columns, values = [], []
        for o, served in self.serves_option.items():
            option = self.instance.options[self.audit.options[o]]
            source = self.audit.products.index(option.product)
            target = None if option.moves_to is None else self.audit.products.index(option.moves_to)
            signs = [1.0] * (source == k) + [-1.0] * (target == k)
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
        number = {name: position for position, name in enumerate(audit.blocs)}
        ends = [(number[route.source], number[route.destination]) for route in self.instance.routes.values()]
        made = [audit.products.index(rival.product) for rival in self.instance.rivals.values()]
        for b in range(len(audit.blocs)):
            inward = [r for r, (_, to) in enumerate(ends) if to == b]
            outward = [r for r, (source, _) in enumerate(ends) if source == b]
            for k in range(len(audit.products)):
                sellers = [j for j, product in enumerate(made) if product == k]
                for c in range(len(audit.tiers)):
                    columns = [at["imports"][w, t, b, k, c : c + 1], at["rival_sales"][w, t, sellers, b, c]]
                    columns += [at["unmet"][w, t, b, k, c], at["reexport"][w, t, inward, k, c]]
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
                    self.row(np.concatenate([*columns, *out, relief]), np.concatenate([*values, by]), need, np.inf)
                    self._stock_rows(w, t, b, k, c)
                    self._segment_rows(w, t, b, k, c)

    def _stock_rows(self, w: int, t: int, b: int, k: int, c: int) -> None:
        target = float(self.cover_target[t, b, k, c] + self.reserve_target[t, b, k, c])
        names = ("stock", "beyond", "reserve_gap")
        stock, beyond, reserve_gap = (self.blocks[name][w, t, b, k, c : c + 1] for name in names)
        self.row(np.concatenate([stock, self.blocks["gap"][w, t, b, k, c], reserve_gap]), 1.0, target, np.inf)
        self.row(np.concatenate([stock, beyond]), np.array([1.0, -1.0]), -np.inf, target)
        if t == self.periods - 1:
            self.row(stock, 1.0, float(self.closing[b, k, c]), np.inf)

    def _segment_rows(self, w: int, t: int, b: int, k: int, c: int) -> None:
        unmet, demand = self.blocks["unmet"][w, t, b, k, c], self.audit.demand[t, b, k, c]
        if self.instance.buyers.rationing == "pro_rata":
            stated = self.instance.products[self.audit.products[k]].segments
            steps = np.array([segment.above is not None for segment in self.instance.segments.values()])
            shares = np.array([float(stated.get(segment, 0.0)) for segment in self.audit.segments])
            shares = np.where(steps, 0.0, shares) / max(float(shares[~steps].sum()), 1e-300)
            for e, share in enumerate(shares):
                if steps[e]:
                    relief, by = self._relief(w, t, b, k, c, [e])
                    self.row(np.append(unmet[e], relief), np.append(1.0, by), -np.inf, float(demand[e]))
                else:  # what a use misses is its share of what all of them miss that cannot give up
                    self.row(unmet, (np.arange(len(shares)) == e) * 1.0 - np.where(steps, 0.0, share), 0.0, 0.0)
            return
        for e in range(len(demand) - 1):
            relief, by = self._relief(w, t, b, k, c, [e])
            self.row(np.append(unmet[e], relief), np.append(1.0, by), -np.inf, float(demand[e]))
        shared = self.instance.buyers.shared_shortage
        if shared is not None and float(shared) > 0:
            # Of every tonne missed anywhere, and not given up for its price, the last use misses this much at least.
            last = float(self.instance.products[self.audit.products[k]].segments.get(self.audit.segments[-1], 0.0))
            missed = np.array([segment.above is None for segment in self.instance.segments.values()])
            self.row(unmet, (np.arange(len(unmet)) == len(unmet) - 1) - float(shared) * last * missed, 0.0, np.inf)

    def _limits(self, w: int, t: int) -> None:
        audit, at = self.audit, self.blocks
        licence, release, tonnes = audit.releases[0][w, t], audit.releases[1][w, t], audit.demand[t].sum(axis=-1)
        for b in range(len(audit.blocs)):
            for k in range(len(audit.products)):
                total = float(tonnes[b, k].sum())
                for c in range(len(audit.tiers)):
                    share = tonnes[b, k, c] / total if total > 0 else 0.0
                    if np.isfinite(licence[b, k]):
                        row = self.row(at["imports"][w, t, b, k, c : c + 1], 1.0, -np.inf, float(licence[b, k] * share))
                        self.licence_rows[row] = (w, t, b, k, c)
                    if np.isfinite(release[b, k]):
                        quarter = at["imports"][w, t - 2 : t + 1, b, k, c]
                        row = self.row(quarter, 1.0, -np.inf, float(release[b, k] * share))
                        self.release_rows[row] = (w, t, b, k, c)
        row = self.row(at["imports"][w, t], 1.0, -np.inf, float(audit.standing[w, t]))
        self.exporter_rows[row] = (w, t)
        for r in range(len(audit.routes)):
            self.row(at["reexport"][w, t, r], 1.0, -np.inf, audit.route_limit(t, r))
        self.rivals.feed(w, t)

    def _totals(self, w: int) -> None:
        audit = self.audit
        self.rivals.totals(w)
        for b in range(len(audit.blocs)):
            for e, segment in enumerate(audit.segments):
                for o, name in enumerate(audit.options):
                    limit = float(self.instance.options[name].potential.get(segment, 0.0))
                    self.row(self.blocks["design_order"][w, :, b, o, e], 1.0, -np.inf, limit)
                for product in audit.products:
                    same = [o for o, name in enumerate(audit.options) if self.instance.options[name].product == product]
                    if same:
                        self.row(self.blocks["design_order"][w][:, b][:, same][:, :, e].ravel(), 1.0, -np.inf, 1.0)

    def _non_anticipation(self) -> None:
        for w, strike in enumerate(self.audit.departures, start=1):
            before = np.flatnonzero(self.audit.first < strike)
            for at in self.blocks.values():
                for mine, other in zip(at[w, before].ravel(), at[0, before].ravel(), strict=True):
                    self.row(np.array([mine, other]), np.array([1.0, -1.0]), 0.0, 0.0)
