"""What conceding spares over the window, for the audit: the independent program on months, once with and once without relief."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from coercivity.engine.programs.hot import Floats, LinearProgram, solve_once
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.audit.announced import Claim
from coercivity.models.licensing.audit.program import ScenarioProgram
from coercivity.models.licensing.audit.recompute import Audit
from coercivity.models.licensing.audit.rules import Postures
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Fed
from coercivity.models.licensing.data.window import decision_month, in_window


class _Months(Audit):
    """The months of the window under a path that may change at the decision; licences hold."""

    def __init__(self, instance: Instance, path: Postures, later: Postures, fed: Mapping[str, Fed]) -> None:
        super().__init__(in_window(instance), Claim(path, {}))
        months = {f"{month // 12}-{month % 12 + 1:02d}" for month in self.first.tolist()}
        self.claim = Claim(path, {month: given for month, given in fed.items() if month in months})
        self.strikes, self.struck, self.departures, self.decided = [], [], [], None
        self.switches, self.later = int(self.first[0]) + decision_month(instance), later

    def probabilities(self, leader: bool) -> Floats:
        """One scenario that is sure."""
        return np.ones(1)

    @cached_property
    def licences(self) -> Floats:
        """Licensed tonnes [1,t,b,k], before and after the decision."""
        before, after = self._delivered(self.path), self._delivered(self.later)
        is_after = (self.first >= self.switches)[:, None, None]
        return np.where(is_after, after, before)[None]

    @property
    def releases(self) -> tuple[Floats, Floats]:
        """Every month by itself."""
        return self.licences, np.full_like(self.licences, np.inf)

    @property
    def standing(self) -> Floats:
        """All firms stand."""
        return self.exporters[None]

    @property
    def spells(self) -> dict[str, list[tuple[float, float]]]:
        """Nothing that is set off matters to what stands already."""
        return {name: [] for name in self.instance.countermeasures}

    def calmed(self, t: int, bloc: str, k: int) -> float:
        """What a corridor takes off the cost of an uncertain price, of the path in force."""
        return self._as_of(t).calmed(t, bloc, k)

    def taxed(self, w: int, t: int, bloc: str, k: int) -> float:
        """The tax of the path in force."""
        return self._as_of(t).taxed(0, t, bloc, k)

    def route_limit(self, t: int, r: int) -> float:
        """The re-export that the path in force leaves open."""
        return self._as_of(t).route_limit(t, r)

    @cached_property
    def _held(self) -> tuple[Audit, Audit]:
        found = []
        for path in (self.path, self.later):
            audit = Audit(self.instance, Claim(path, {}))
            audit.departures, audit.decided = [], None
            found.append(audit)
        return found[0], found[1]

    def _as_of(self, t: int) -> Audit:
        return self._held[int(self.first[t] >= self.switches)]

    def cost(self) -> float:
        """The buyers' cost less what the stock that is left is worth at the export price, thousand USD."""
        return solve_once(_Unended(self).salvaged(), "independent window of the concession").objective


class _Unended(ScenarioProgram):
    """The program of a time after which the world goes on: stock that is left is worth the export price."""

    def _targets(self) -> None:
        super()._targets()
        self.closing = np.zeros_like(self.closing)

    def salvaged(self) -> LinearProgram:
        """The program with that worth."""
        cost, last = self.program.cost.copy(), int(self.audit.first[-1])
        for k, product in enumerate(self.audit.products):
            cost[self.blocks["stock"][0, -1, :, k]] -= rules.asked(self.instance, product, last, last + 1)
        return replace(self.program, cost=cost)


def spared(instance: Instance, path: Postures, fed: Mapping[str, Fed]) -> float:
    """The pain that conceding would spare under a path, million USD."""
    freed = rules.relieved(instance, path)
    return (_Months(instance, path, path, fed).cost() - _Months(instance, path, freed, fed).cost()) / 1000.0
