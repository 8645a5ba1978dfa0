"""The leader's home a second time, for the audit: one scenario after the other, one class after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from coercivity.engine.programs.hot import Floats
from coercivity.models.licensing.data.reactions import Firm

if TYPE_CHECKING:
    from coercivity.models.licensing.audit.recompute import Audit


@dataclass(frozen=True)
class HomeFigures:
    """By scenario and period [w,t]: million USD undiscounted, and the share of export capacity that is gone."""

    support: Floats
    glut: Floats
    downstream: Floats
    lost: Floats


class HomeAudit:
    """What planned exports bring about in the leader's own country."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.instance = audit, audit.instance
        self.usual = audit.forecast.sum(axis=(1, 2))
        leader = self.instance.leader
        self.growth = np.exp(np.log1p(float(leader.home_growth)) * audit.middle)
        self.years = audit.length / 12.0

    def figures(self) -> HomeFigures:
        """Everything at home, scenario by scenario."""
        planned = np.minimum(self.audit.licences, self.audit.forecast[None]).sum(axis=(2, 3))
        found = HomeFigures(*(np.zeros_like(planned) for _ in range(4)))
        for w, exports in enumerate(planned):
            found.glut[w], price = self._glut(exports)
            found.downstream[w] = self._moved(exports)
            for firm in self.instance.firms.values():
                short = self._short(firm, exports, price)
                if firm.rescue == "support":
                    found.support[w] += short
                elif short.any():
                    found.lost[w, int(np.flatnonzero(short)[0]) :] += float(firm.export_share)
        return found

    def _output(self, exports: Floats) -> Floats:
        """What is made in every period: exports of a lag ago, and before the announcement the usual trade."""
        home = self.instance.home
        lag = 0.0 if home is None else float(home.adjustment)
        edges = np.append(self.audit.first, self.audit.horizon).astype(float)
        sold = np.concatenate(([0.0], np.cumsum(exports)))
        monthly = self.usual[0] / self.audit.length[0]
        at = [
            float(np.interp(edge - lag, edges, sold)) + monthly * min(0.0, edge - lag - edges[0]) for edge in edges
        ]  # fmt: skip
        return np.diff(at)

    def _glut(self, exports: Floats) -> tuple[Floats, Floats]:
        """Net value of what is stored, and by how much the home price falls, USD/kg."""
        home, leader = self.instance.home, self.instance.leader
        value, fall = np.zeros(len(exports)), np.zeros(len(exports))
        if home is None:
            return value, fall
        first = self.audit.forecast[0].sum(axis=0)
        costs = [float(np.average(row, weights=first if first.sum() > 0 else None)) for row in self.audit.borne]
        drift = self._output(self.usual) - self.usual
        left, price, stock = self._output(exports) - exports, float(home.price), 0.0
        for t, used in enumerate(float(leader.home_use) * self.years * self.growth):
            surplus = left[t] - (drift[t] * exports[t] / self.usual[t] if self.usual[t] > 0 else 0.0)
            change = max(surplus, -stock)
            room = float(home.elasticity) * used
            dumped = min((stock + change) * (1.0 - math.exp(-float(home.dumped) * self.years[t])), room)
            stock += change - dumped
            fall[t] = price * dumped / room if room > 0 else 0.0
            earned = dumped * (price - fall[t] / 2.0) - costs[t] * change
            value[t] = (earned - float(home.storage_cost) * stock * self.audit.length[t]) / 1000.0
        return value, fall

    def _short(self, firm: Firm, exports: Floats, fall: Floats) -> Floats:
        """What a class lacks in every period once its cash is gone."""
        cash, full = float(firm.cash), float(firm.cash)
        found = np.zeros(len(exports))
        for t, sold in enumerate(exports):
            abroad = float(firm.export_share) * float(firm.export_margin) * sold
            margin = float(firm.home_margin) - float(firm.price_exposure) * fall[t]
            sales = float(firm.home_sales) * self.growth[t] * self.years[t]
            fixed = float(firm.fixed_cost) * self.growth[t] * self.years[t]
            cash += (abroad + sales * margin) / 1000.0 - fixed
            found[t] = max(0.0, -cash)
            cash = min(max(cash, 0.0), full)
        return found

    def _moved(self, exports: Floats) -> Floats:
        """What the industry earns that has come to where the material is."""
        rule, here = self.instance.downstream, 0.0
        found = np.zeros(len(exports))
        if rule is None:
            return found
        for t, sold in enumerate(exports):
            most = float(rule.limit) * self.usual[t] / self.years[t]
            then = min(most, here + float(rule.share) * (self.usual[t] - sold))
            found[t] = float(rule.value) * (here + then) / 2.0 * self.years[t] / 1000.0
            here = max(here, then)
        return found
