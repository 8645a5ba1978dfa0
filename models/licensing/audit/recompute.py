"""The figures again, from the instance alone: no Pyomo, none of the arrays of the market, another program.

Here stands the leader's payoff. What was announced, month by month, is :mod:`coercivity.models.licensing.audit.announced`; the
leader's home is :mod:`coercivity.models.licensing.audit.home`; the buyers' program, written a second time in another way, is
:mod:`coercivity.models.licensing.audit.program`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from coercivity.engine.programs.hot import Floats, LinearSolution, solve_once
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.audit.announced import Announced, Claim
from coercivity.models.licensing.audit.home import HomeAudit, HomeFigures
from coercivity.models.licensing.audit.program import Laws, ScenarioProgram
from coercivity.models.licensing.audit.rents import rent_groups, rent_weight
from coercivity.models.licensing.audit.rules import Postures
from coercivity.models.licensing.audit.ties import Pair
from coercivity.models.licensing.data.instance import Instance

__all__ = ["Audit", "Claim", "Postures"]


class Audit(Announced):
    """The arithmetic of one instance under one claim.

    Parameters
    ----------
    laws : what other claims of the same instance have written of the buyers' program
    """

    def __init__(self, instance: Instance, claim: Claim, laws: Laws | None = None) -> None:
        super().__init__(instance, claim)
        self.laws = laws or Laws()

    @cached_property
    def unspared(self) -> Audit:
        """The same with the target not relieved."""
        return Audit(self.instance, replace(self.claim, spared=False), self.laws)

    @cached_property
    def home(self) -> HomeFigures:
        """What happens in the leader's own country."""
        return HomeAudit(self).figures()

    @cached_property
    def standing(self) -> Floats:
        """Export capacity [w,t] of the firms that are still there, tonnes per period."""
        if self.claim.spared:
            return self.unspared.standing
        return np.asarray(self.exporters * (1.0 - self.home.lost))

    @cached_property
    def spells(self) -> dict[str, list[tuple[float, float]]]:
        """By countermeasure the spells in which it bites, as absolute months."""
        if self.claim.spared:
            return self.unspared.spells
        found = {}
        for name, measure in self.instance.countermeasures.items():
            b = self.blocs.index(measure.bloc)
            limit = float(measure.threshold) * self.forecast[:, b].sum(axis=-1)
            served = np.minimum(self.licences[0, :, b], self.forecast[:, b])
            is_cause = served.sum(axis=-1) < limit - 1e-12 * np.maximum(1.0, limit)
            if measure.tax is not None:
                paid = (self.tax[0, :, b] * self.forecast[:, b]).sum(axis=-1)
                is_cause |= paid > float(measure.tax) * (self.forecast[:, b] * self.asked).sum(axis=-1) * (1.0 + 1e-12)
            spells = rules.windows(measure, np.repeat(is_cause, self.length).tolist())
            found[name] = [(self.first[0] + begins, self.first[0] + ends) for begins, ends in spells]
        return found

    def funded(self, t: int, rival: str) -> float:
        """Share of the capital cost of an order placed in a period that countermeasures pay."""
        left = 1.0
        for name, measure in self.instance.countermeasures.items():
            for begins, ends in self.spells[name] if rival in measure.funding else ():
                months = rules.shared(self.first[t], self.first[t] + self.length[t], begins, ends)
                left *= 1.0 - float(measure.funding[rival]) * months / float(self.length[t])
        return 1.0 - left

    # -- the leader ------------------------------------------------------------------------------------------

    def leader_terms(self, exports: Floats, probability: float, captured: Floats, exporter: Floats) -> dict[str, float]:
        """Terms of the payoff from exports [w,t,b,k], the probability of a concession and the leader's rents [w,t].

        Rents are undiscounted thousand USD; the terms are million USD.
        """
        leader, profit = self.instance.leader, self.profit
        chance = self.probabilities(leader=True)
        factor = self.factors(float(leader.discount_rate))
        strategic = self.first < self.starts[-1]
        margin, taxed = np.zeros(len(self.first)), np.zeros(len(self.first))
        idle = np.zeros(len(self.first))
        for w, odds in enumerate(chance):
            for t in range(len(self.first)):
                sold = exports[w, t].sum(axis=0)
                margin[t] += odds * factor[t] * float(profit[t] @ sold) / 1000.0
                taxed[t] += odds * factor[t] * float((self.tax[w, t] * exports[w, t]).sum()) / 1000.0
                idle[t] -= odds * factor[t] * float(leader.idle_cost) * (self.standing[w, t] - sold.sum()) / 1000.0
        rents = [chance @ (rent * factor) / 1000.0 for rent in (captured, exporter)]
        at_home = {name: float(chance @ (getattr(self.home, name) @ factor)) for name in ("glut", "downstream")}
        return {
            "margin": float(margin[strategic].sum()),
            **({"export_tax": float(taxed[strategic].sum())} if self.is_taxed else {}),
            "captured_rent": float(rents[0][strategic].sum()),
            "exporter_rent": float(rents[1][strategic].sum()),
            "idle": float(idle[strategic].sum()),
            "buffer": -self._promises(factor),
            "support": -float(leader.public_funds or 0.0) * float(chance @ (self.home.support @ factor)),
            **at_home,
            "concession": probability * self.concession_worth(factor),
            "retaliation": -self._retaliation(factor),
            "tail": float((margin + taxed + idle + rents[0] + rents[1])[~strategic].sum()),
        }

    def discounted_rent(self, rent: Floats) -> float:
        """Expected present value of a rent [w,t] in undiscounted thousand USD; million USD."""
        factor = self.factors(float(self.instance.leader.discount_rate))
        return float((self.probabilities(leader=True) @ (rent * factor)).sum() / 1000.0)

    def _promises(self, factor: Floats) -> float:
        """What buffers and corridors cost."""
        risk = self.instance.buyers.price_risk
        absorption = 0.0 if risk is None else float(risk.absorption)
        cost = 0.0
        for t, month in enumerate(self.first):
            for b, bloc in enumerate(self.blocs):
                for k in range(len(self.products)):
                    posture = self.posture(int(month), bloc, k)
                    held = 0.0 if posture is None else float(posture.buffer or 0.0)
                    monthly = held * float(self.instance.leader.buffer_cost) + absorption * self._swing(t, bloc, k)
                    cost += factor[t] * monthly * self.forecast[t, b, k]
        return float(cost) / 1000.0

    def _retaliation(self, factor: Floats) -> float:
        """What countermeasures cost the leader."""
        cost = 0.0
        for name, measure in self.instance.countermeasures.items():
            for begins, ends in self.spells[name]:
                for t, (first, length) in enumerate(zip(self.first, self.length, strict=True)):
                    years = rules.shared(first, first + length, begins, ends) / 12.0
                    cost += factor[t] * years * float(measure.cost)
        return float(cost)

    def concession_worth(self, factor: Floats) -> float:
        """Discounted value of a certain concession, million USD."""
        concession = self.instance.concession
        if concession is None:
            return 0.0
        yearly = float(concession.value) * float(concession.share)
        return float(factor @ self._in_force()) * yearly

    def _in_force(self) -> Floats:
        """Years of each period in which a concession is in force."""
        ends = self.first + self.length
        spells = zip(self.first, ends, strict=True)
        return np.array([rules.shared(first, last, self.decision, self.relief_ends) for first, last in spells]) / 12.0

    def stakes(self) -> list[tuple[float, float]]:
        """What the concession would cost each type of target, million USD, and its probability, by rising stake."""
        wanted = self.instance.concession
        if wanted is None:
            return []
        worth = float(wanted.share) * float(self.factors(float(self.instance.buyers.discount_rate)) @ self._in_force())
        return sorted((float(kind.stake) * worth, float(kind.weight)) for kind in wanted.types.values())

    @cached_property
    def gain(self) -> Floats:
        """The leader's discounted gain per tonne exported [w,t,b,k], thousand USD."""
        leader = self.instance.leader
        per_tonne = self.profit[:, None, :] + float(leader.idle_cost) + self.tax
        factor = self.factors(float(leader.discount_rate))
        return np.asarray(np.einsum("w,t,wtbk->wtbk", self.probabilities(leader=True), factor, per_tonne))

    @property
    def profit(self) -> Floats:
        """Price less variable cost [t,k], USD/kg."""
        return self.asked - self.borne

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
        pair, gain = Pair(self.followers.program, self.solution), self.followers.column_gain(self.gain)
        return pair.least(gain), pair.most(gain), *self._rents(pair)

    def _rents(self, pair: Pair) -> tuple[float, float]:
        """Least and greatest gain from rents over all best responses; capped, what the least is not below."""
        weight = -rent_weight(self.followers)
        if not weight.any():
            return 0.0, 0.0
        if self.instance.leader.rents.premium is None:
            return pair.least_priced(weight), pair.most_priced(weight)
        group, worth, cap, most = rent_groups(self.followers)
        chord = np.where(np.isinf(most), 0.0, cap / np.maximum(cap, most))
        lower = np.where(group < 0, 0.0, np.append(worth * chord, 0.0)[group])
        return pair.least_priced(-lower), pair.most_capped(group, worth, cap)

    def most(self) -> float:
        """The greatest gain from quantities and rents together over all best responses, thousand USD."""
        pair = Pair(self.followers.program, self.solution)
        return pair.most(self.followers.column_gain(self.gain)) + self._rents(pair)[1]

    def pain_range(self) -> tuple[float, float]:
        """Least and greatest pain that conceding spares, over all best responses, million USD."""
        weight = self.followers.pain_weight()
        pair = Pair(self.followers.program, self.solution)
        return pair.least(weight) / 1000.0, pair.most(weight) / 1000.0
