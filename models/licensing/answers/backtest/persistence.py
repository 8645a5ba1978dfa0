"""The other naive forecast: what was last on record goes on, and where nothing was, trade stays as it stood."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from coercivity.models.licensing.answers.backtest.measures import MEASURES, Seen
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.record import Observation
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.periods import Floats

NAME = "persistence"
# What is counted over a window, so that a longer one holds more of it.
FLOWS = frozenset({"exports", "export_gap", "rival_sales", "shortage", "export_value", "lost_output"})
# What a record of something else says nothing about.
RELATIVE = frozenset(
    {"recouped", "concession_lag", "licence_use", "licensed_share", "first_stop", "leverage", "pressure"}
)


def persisted(game: Game, response: Response, key: str, fact: Observation) -> float | None:
    """What persistence says about a fact: the last record of its kind that was known, else the state at the start.

    Known is what ended before the fact begins and by the state of knowledge of the calibration; without a calibration
    nothing of the game's own time was known. ``response`` gives the shape of the market and nothing else.
    """
    last = _last(game, key, fact)
    if last is None:
        return AT_REST.get(fact.measure, MEASURES[fact.measure])(Rest(game, response, fact))
    recorded = last.recorded
    assert recorded is not None
    rate = _months(fact) / _months(last) if fact.measure in FLOWS else 1.0
    return float(recorded.value) * rate


def _months(fact: Observation) -> int:
    return month_index(fact.ends) - month_index(fact.begins) + 1


def _kind(fact: Observation) -> tuple[object, ...]:
    return fact.strategy, fact.measure, fact.bloc, fact.product, fact.segment, fact.rival


def _last(game: Game, key: str, fact: Observation) -> Observation | None:
    """The last record of the same kind that was known before a fact; none for shares of what the fact itself adds."""
    calibration = game.instance.calibration
    if calibration is None or fact.measure in RELATIVE or fact.plus is not None:
        return None
    known = min(month_index(calibration.until), month_index(fact.begins) - 1)
    found = [
        other
        for name, other in game.instance.observations.items()
        if name != key and _kind(other) == _kind(fact) and other.plus is None and month_index(other.ends) <= known
    ]
    return max(found, key=lambda other: month_index(other.ends), default=None)


class Rest(Seen):
    """A market that goes on as it stood on the day of the announcement, through the window of a fact."""

    @property
    def imports(self) -> Floats:
        """What was bought of the leader [t,b,k], tonnes."""
        return self._steady("imports")

    @property
    def rival_sales(self) -> Floats:
        """What was bought elsewhere [t,b,k], tonnes."""
        return self.demand - self.imports

    @property
    def reexports(self) -> Floats:
        """Nothing went round."""
        return np.zeros_like(self.demand)

    @property
    def demand(self) -> Floats:
        """Demand of the first day [t,b,k], tonnes."""
        return self._steady("demand")

    @property
    def revenue(self) -> Floats:
        """What the leader was paid [t,b,k], thousand USD."""
        return np.asarray(self.imports * self.market.price[0])

    def _steady(self, key: str) -> Floats:
        yearly = [
            [float(getattr(bloc, key)[k]) for k in self.instance.products] for bloc in self.instance.blocs.values()
        ]
        return np.asarray(self.market.grid.years[:, None, None] * np.asarray(yearly)[None])


def _asked(seen: Seen) -> float | None:
    """The leader's price, averaged by demand as the buyers' price is."""
    weight = seen.total(seen.demand)
    return seen.total(seen.demand * seen.market.price[0]) / weight if weight else None


def _sold(seen: Seen) -> float:
    """What a rival could sell, or what all of them sold."""
    if seen.fact.rival is None:
        return seen.total(seen.rival_sales)
    return float((seen.weight * seen.market.grid.years).sum() * float(seen.instance.rivals[seen.fact.rival].capacity))


AT_REST: Mapping[str, Callable[[Seen], float | None]] = {
    "price": _asked,
    "price_ratio": lambda _: 1.0,
    "rival_sales": _sold,
    "designed_out": lambda _: 0.0,
    "shortage": lambda _: 0.0,
    "premium": lambda _: 0.0,
    "lost_output": lambda _: 0.0,
    "pain": lambda _: 0.0,
    **dict.fromkeys(RELATIVE, lambda _: None),
}
