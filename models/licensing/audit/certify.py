"""The certificate of a licensing strategy: every figure recomputed by :mod:`coercivity.models.licensing.audit.recompute`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from coercivity.engine.programs.hot import Floats
from coercivity.engine.proof.certificate import Certificate
from coercivity.engine.proof.check import Check, at_most, compare
from coercivity.models.licensing.audit.program import Laws
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.audit.rules import Postures, chance, path_if_conceded, path_of, relieved, willing
from coercivity.models.licensing.audit.search import Looked, search_checks
from coercivity.models.licensing.audit.window import spared
from coercivity.models.licensing.data.instance import Instance

FOLLOWER_GAP = "follower gap: the buyers' cost against an independent optimum"


@dataclass(frozen=True)
class Figures:
    """What a result claims, in plain numbers; million USD unless said otherwise.

    Attributes
    ----------
    terms : the leader's payoff by term
    exports : [w,t,b,k] tonnes
    captured_rent, exporter_rent : [w,t] what the leader earns of them, undiscounted thousand USD
    plan : every quantity of the buyers by scenario and period; None when only the figures were kept
    reconciliation : blocs + leader + outside − the buyers' cost
    """

    terms: Mapping[str, float]
    value: float
    optimistic: float
    pessimistic: float
    buyers_cost: float
    probability: float
    pressure: float
    exports: Floats
    captured_rent: Floats
    exporter_rent: Floats
    plan: Mapping[str, Floats] | None
    reconciliation: float

    @property
    def unit(self) -> float:
        """The size that a small figure is measured against: a part in ten thousand of the largest there is, million USD."""
        sizes = [
            abs(figure) for figure in (self.buyers_cost, self.value, *self.terms.values()) if math.isfinite(figure)
        ]
        return 1e-4 * max(sizes, default=0.0) or 1.0


class Auditor:
    """Audits strategies of one instance; the pressures that several of them share are computed once."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._costs: dict[str, float] = {}
        self._pains: dict[str, float] = {}
        self._laws = Laws()

    def _audit(self, claim: Claim) -> Audit:
        return Audit(self.instance, claim, self._laws)

    def _cost(self, claim: Claim) -> float:
        name = repr(claim)
        if name not in self._costs:
            self._costs[name] = self._audit(claim).solution.objective / 1000.0
        return self._costs[name]

    def pressure(self, claim: Claim, cost: float) -> float:
        """Rise of the buyers' cost that the measures against the target cause, million USD."""
        if self.instance.concession is None:
            return 0.0
        is_free = relieved(self.instance, claim.path) == claim.path
        return 0.0 if is_free else cost - self._cost(replace(claim, spared=True))

    @property
    def has_window(self) -> bool:
        """Whether pressure is what conceding would spare over a window."""
        return self.instance.concession is not None and self.instance.concession.window is not None

    def pain(self, claim: Claim) -> float:
        """What conceding would spare over the window, million USD."""
        name = repr((claim.path, sorted(claim.fed.items())))
        if name not in self._pains:
            self._pains[name] = spared(self.instance, claim.path, claim.fed)
        return self._pains[name]

    def chance(self, audit: Audit, pain: float) -> float:
        """The chance of a concession that spares so much over the window, in the form that the instance states it."""
        wanted = self.instance.concession
        if wanted is None or wanted.types:
            return willing(audit.stakes(), pain)
        reference = 0.0
        if pain > 0.0 and wanted.reference is not None:
            strategy = self.instance.strategies[wanted.reference]
            reference = self.pain(Claim(path_of(self.instance, strategy), strategy.fed))
        return chance(wanted, pain, reference)

    def probability(self, pressure: float) -> float:
        """Probability of the concession at a pressure, where no type decides."""
        concession = self.instance.concession
        reference = 0.0
        # Where nothing presses, or a curve says what a pressure does, the reference is not needed.
        is_scaled = pressure > 0.0 and concession is not None and not concession.curve
        if is_scaled and concession is not None and concession.reference is not None:
            strategy = self.instance.strategies[concession.reference]
            claim = Claim(path_of(self.instance, strategy), strategy.fed)
            reference = self.pressure(claim, self._cost(claim))
        return chance(concession, pressure, reference)

    def worth(self, path: Postures) -> float:
        """The optimistic value of a path where a best response does not decide about the concession, million USD."""
        audit = self._audit(Claim(path, {}))
        if self.has_window:
            odds = self.chance(audit, self.pain(audit.claim))
            audit = self._audit(replace(audit.claim, chance=odds))
            probability = odds * audit.held()
        else:
            cost = audit.solution.objective / 1000.0
            self._costs[repr(audit.claim)] = cost
            probability = self.probability(self.pressure(audit.claim, cost))
        shape = (len(audit.probabilities(leader=True)), len(audit.first))
        nothing, none = np.zeros(shape), np.zeros((*shape, len(audit.blocs), len(audit.products)))
        return sum(audit.leader_terms(none, probability, nothing, nothing).values()) + audit.most() / 1000.0

    def certify(
        self,
        claim: Claim,
        figures: Figures,
        bound: float | None = None,
        assumptions: tuple[str, ...] = (),
        deviation_gain: float | None = None,
        looked: Looked | None = None,
        name: str | None = None,
    ) -> Certificate:
        """Judge the figures of a strategy; ``bound`` is the claim that no strategy on the menu is worth more.

        ``name`` is that of a strategy of the instance, whose rules the path has to follow.
        ``looked`` is what the search that found it says of itself, where it was finished.
        """
        audit = self._audit(claim)
        optimum = audit.solution.objective / 1000.0
        self._costs[repr(claim)] = optimum
        bound_checks: tuple[Check, ...] = ()
        unit = figures.unit
        if bound is not None:
            bound_checks = (
                at_most("optimistic value within the bound", figures.optimistic, bound, unit),
                at_most("bound reached by the value", bound, figures.optimistic, unit),
            )
            if deviation_gain is not None:
                bound_checks += (
                    at_most("no deviation beats the bound", figures.optimistic + deviation_gain, bound, unit),
                )
            if looked is not None and (audit.decided is None or self.has_window):
                bound_checks += search_checks(self.instance, looked, bound, unit, self.worth)
        return Certificate(
            value=figures.value,
            optimistic=figures.optimistic,
            pessimistic=figures.pessimistic,
            leader_checks=(*self._path(claim, name), *self._leader(audit, figures)),
            follower_checks=self._followers(audit, figures, optimum),
            bound_checks=bound_checks,
            bound=bound,
            assumptions=assumptions,
            deviation_gain=deviation_gain,
        )

    def _path(self, claim: Claim, name: str | None) -> tuple[Check, ...]:
        """Whether path and record are those of a named strategy, before and after a concession."""
        if name is None:
            return ()
        strategy = self.instance.strategies[name]
        is_same = claim.path == path_of(self.instance, strategy)
        if claim.conceded and self.instance.concession is not None:
            is_same = is_same and claim.conceded == path_if_conceded(self.instance, strategy)
        is_on_record = dict(claim.fed) == dict(strategy.fed)
        return (
            Check("the path follows the strategy's rules", 0.0 if is_same else 1.0, 1.0),
            Check("the volumes on record are fed in", 0.0 if is_on_record else 1.0, 1.0),
        )

    def _leader(self, audit: Audit, figures: Figures) -> tuple[Check, ...]:
        """The strategy is one that the leader may play, and its payoff is what arithmetic says."""
        (believed, probability), unit = self._belief(audit, figures), figures.unit
        terms = audit.leader_terms(figures.exports, probability, figures.captured_rent, figures.exporter_rent)
        checks = [
            compare("terms sum to the payoff", figures.value, sum(figures.terms.values()), unit),
            *believed,
            compare("probability of the concession", figures.probability, probability, tolerance=1e-5),
        ]
        checks += [
            compare(f"term {name}", figures.terms[name], value, unit, tolerance=1e-5) for name, value in terms.items()
        ]
        checks += [
            compare("the plan is an optimistic one", figures.value, figures.optimistic, unit, tolerance=1e-5),
            at_most("pessimistic at most value", figures.pessimistic, figures.value, unit),
        ]
        return tuple(checks)

    def _belief(self, audit: Audit, figures: Figures) -> tuple[list[Check], float]:
        """Whether pressure and probability belong together, and the probability."""
        if self.has_window:
            pain = self.pain(audit.claim)
            odds = self.chance(audit, pain)
            checks = [
                compare("pressure", figures.pressure, pain, figures.unit, tolerance=1e-5),
                compare(
                    "the chance of a concession follows from what it spares", audit.claim.chance, odds, tolerance=1e-5
                ),
            ]
            return checks, audit.claim.chance * audit.held()
        if audit.decided is None:
            pressure = self.pressure(audit.claim, figures.buyers_cost)
            return [compare("pressure", figures.pressure, pressure, figures.unit, tolerance=1e-5)], self.probability(
                pressure
            )
        low, high = audit.pain_range()
        # Best responses of equal cost may be spared different pains: the claim has to be one of them.
        pain = min(max(figures.pressure, low), high)
        kinds, chance = audit.stakes(), audit.claim.chance
        lower = [level for level in np.cumsum([0.0, *(weight for _, weight in kinds)]) if level < chance - 1e-9]
        settled = [level for level in lower if self._is_settled(audit, kinds, float(level))]
        checks = [
            compare("pressure", figures.pressure, pain, figures.unit, tolerance=1e-5),
            compare("the chance of a concession is a fixed point", chance, willing(kinds, figures.pressure)),
            Check("no smaller chance is a fixed point", float(len(settled)), 1.0),
        ]
        return checks, chance * audit.held()

    def _is_settled(self, audit: Audit, kinds: list[tuple[float, float]], chance: float) -> bool:
        """Whether buyers who count on a smaller chance would leave it at that, whatever their best response."""
        other = self._audit(replace(audit.claim, chance=chance))
        return willing(kinds, other.pain_range()[1]) <= chance + 1e-9

    def _followers(self, audit: Audit, figures: Figures, optimum: float) -> tuple[Check, ...]:
        low, high, rent_low, rent_high = audit.ranges()
        nothing = np.zeros_like(figures.captured_rent)
        base = audit.leader_terms(np.zeros_like(figures.exports), figures.probability, nothing, nothing)
        fixed = sum(base.values())
        rents = audit.discounted_rent(figures.captured_rent + figures.exporter_rent)
        scale = max(figures.unit, abs(figures.optimistic), abs(figures.pessimistic))
        checks = [
            compare(FOLLOWER_GAP, figures.buyers_cost, optimum, figures.unit),
            compare(
                "optimistic value", figures.optimistic, fixed + (high + rent_high) / 1000.0, unit=scale, tolerance=1e-5
            ),
            compare(
                "pessimistic value", figures.pessimistic, fixed + (low + rent_low) / 1000.0, unit=scale, tolerance=1e-5
            ),
            at_most("rents at most what the multipliers allow", rents, rent_high / 1000.0, unit=scale, tolerance=1e-5),
            at_most("rents at least what the multipliers allow", rent_low / 1000.0, rents, unit=scale, tolerance=1e-5),
            Check(
                "blocs, leader and outside add up to the buyers' cost",
                abs(figures.reconciliation),
                max(figures.unit, abs(optimum)),
            ),
        ]
        if figures.plan is not None:
            program = audit.followers.program
            point = audit.followers.point(figures.plan)
            cost = float(program.cost @ point + program.offset) / 1000.0
            largest = float(np.abs(point).max()) or 1.0
            checks += [
                compare("cost of the plan, by arithmetic", figures.buyers_cost, cost, figures.unit),
                Check("the plan obeys every law", audit.followers.violation(point), largest),
            ]
        return tuple(checks)
