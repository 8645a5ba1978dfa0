"""What the leader would do once buyers have invested: every pair of announced and played strategy, on the hot path.

Plants ordered and designs changed are those of the buyers' best response to what was announced, on the whole tree.
Then the leader plays something else: buyers hear it, buy, store and do without anew, but cannot build or redesign
otherwise. Values are those of the screening (:mod:`coercivity.models.licensing.leader.search`), so they are optimistic within its tilt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from coercivity.engine.menu.discretion import Discretion, discretion
from coercivity.engine.menu.repeated import LAGS, CriticalDiscount, critical_discount
from coercivity.engine.parallel import Crew, spread
from coercivity.models.licensing.announcement.announce import Announcement, relieved
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.buyers.evaluate import Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Fed
from coercivity.models.licensing.leader.payoff import concession_value, probability_of
from coercivity.models.licensing.leader.search import LicenceScreen
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats

SUNK = ("expansion", "design_order")
# What tempts nobody, in million USD: the screening's tilt is worth about as much.
NOTHING = 1.0


@dataclass(frozen=True)
class Move:
    """A strategy of the small menu: a path, with the name of the named strategy whose record is fed in, if any."""

    name: str
    path: Path
    conceded: Path
    record: str | None = None


@dataclass(frozen=True)
class Play:
    """Payoffs of every pair, and what follows from them.

    Attributes
    ----------
    payoffs : [i, j] announced and believed i, played j; million USD
    carrying_on, giving_in : [i] after a refusal and with sunk investment: the threat carried out, and the target
        relieved in the phases that begin after the decision; neither with a concession
    """

    moves: tuple[Move, ...]
    payoffs: Floats
    carrying_on: Floats
    giving_in: Floats
    found: Discretion

    def is_credible(self, number: int) -> bool:
        """Whether carrying out the threat is the leader's best reply to a refusal."""
        return bool(self.carrying_on[number] >= self.giving_in[number] - NOTHING)

    def repeated(self, number: int, lag: float) -> CriticalDiscount:
        """The least discount factor at which a promise is kept, if breaking it brings discretion for ever."""
        kept, best = float(self.payoffs[number, number]), float(self.payoffs[number].max())
        return critical_discount(best if best > kept + NOTHING else kept, kept, self.found.value, lag)

    def by_lag(self, number: int, lags: Sequence[float] = LAGS) -> dict[float, float | None]:
        """The same for several build lags in years."""
        return {lag: self.repeated(number, lag).value for lag in lags}


def surrendered(instance: Instance, path: Path) -> Path:
    """The path with the target relieved in the phases that begin once it has been asked."""
    concession = instance.concession
    if concession is None:
        return path
    from coercivity.models.licensing.data.quantity import month_index

    decided = month_index(instance.calendar.start) + float(concession.begins)
    later = [month_index(phase.begins) >= decided for phase in instance.phases.values()]
    freed = relieved(instance, path)
    return tuple(new if late else old for old, new, late in zip(path, freed, later, strict=True))


def build_lag(instance: Instance) -> float | None:
    """Mean lead time of what rivals can build, weighted by potential, in years; None where nothing can be built."""
    found = [rival.expansion for rival in instance.rivals.values() if rival.expansion is not None]
    total = sum(float(expansion.potential) for expansion in found)
    if total <= 0:
        return None
    return sum(float(expansion.potential) * float(expansion.lead_time) for expansion in found) / total / 12.0


def play(
    instance: Instance,
    market: Market,
    layout: Layout,
    moves: Sequence[Move],
    reference: float,
    jobs: int | Crew = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Play:
    """The payoffs of all pairs of a small menu.

    Parameters
    ----------
    reference : pressure of the concession's reference strategy, million USD
    jobs : worker processes, or those that there are; each takes whole rows
    """
    moves = tuple(moves)
    payoffs = np.empty((len(moves), len(moves)))
    credible = np.empty((len(moves), 2))
    factory = partial(_row, instance, market, layout, moves, reference)

    workers = jobs if isinstance(jobs, Crew) else min(jobs, len(moves))
    for done, (_, (number, row, threat)) in enumerate(spread(factory, range(len(moves)), workers), 1):
        payoffs[number], credible[number] = row, threat

        if progress:
            progress(done, len(moves))
    found = discretion([move.name for move in moves], payoffs, NOTHING)
    return Play(moves, payoffs, credible[:, 0], credible[:, 1], found)


def _row(
    instance: Instance, market: Market, layout: Layout, moves: Sequence[Move], reference: float
) -> Callable[[int], tuple[int, Floats, tuple[float, float]]]:
    table = _Table(instance, market, layout, reference)

    def row(number: int) -> tuple[int, Floats, tuple[float, float]]:
        announced = table.announce(moves[number])
        table.sink(announced)
        values = np.array([table.value(table.announce(move)) for move in moves])
        carry = table.value(announced, concession=False)
        surrender = surrendered(instance, moves[number].path)
        give_in = carry if surrender == moves[number].path else table.value(
            table.announce(Move(moves[number].name, surrender, surrender, moves[number].record)), concession=False
        )  # fmt: skip
        return number, values, (carry, give_in)

    return row


class _Sunk(LicenceScreen):
    """A screen on which every strategy begins where it ended while other plants were held: that is nearer than its neighbours are."""

    def __init__(self, instance: Instance, market: Market, layout: Layout) -> None:
        super().__init__(instance, market, layout)
        self.bases: dict[tuple[str, Path, Path], Any] = {}

    @cached_property
    def mate(self) -> LicenceScreen:
        """A second program of the kind, kept for strategies with the target relieved."""
        return _Sunk(self.followers.instance, self.followers.market, self.followers.layout)

    def _bound(self, announced: Announcement) -> tuple[float, float, float, float]:
        heard = (announced.name, announced.path, announced.conceded)
        if (basis := self.bases.get(heard)) is not None:
            self.followers.hot.start_from(basis)
        found = super()._bound(announced)
        self.bases[heard] = self.followers.hot.basis()
        return found


class _Table:
    """A hot program on which investment is held at the answer to one strategy while another is played."""

    def __init__(self, instance: Instance, market: Market, layout: Layout, reference: float) -> None:
        self.instance, self.reference = instance, reference
        self.screen = _Sunk(instance, market, layout)
        self.followers = self.screen.followers
        self.columns = np.concatenate([layout.columns[name][1] for name in SUNK]).astype(np.int32)
        self.worth = concession_value(self.screen.books)[0]

    def announce(self, move: Move) -> Announcement:
        fed: Mapping[str, Fed] = {} if move.record is None else self.instance.strategies[move.record].fed
        return self.followers.announcer.announce(move.path, move.name, fed, conceded=move.conceded)

    def sink(self, announced: Announcement) -> None:
        """Hold plants and designs at the best response to an announcement."""
        programs = (self.followers.hot, self.screen.mate.followers.hot)
        for hot in programs:
            hot.free_columns(self.columns)
        self.screen.forget_relief()
        # From scratch, so that the plants of this row do not depend on the row before.
        programs[0].forget()
        kept, self.screen.bases = self.screen.bases, {}
        self.screen.bound(announced)
        self.screen.bases = kept
        plan = np.maximum(programs[0].primal()[self.columns], 0.0)
        for hot in programs:
            hot.fix_columns(self.columns, plan)

    def value(self, announced: Announcement, concession: bool = True) -> float:
        """The leader's value of playing an announcement now, million USD."""
        high, _, gain, fixed, chance = self.screen.bound(announced)
        if concession and self.followers.market.tree.conceded is None:
            chance = self._chance(announced, high)
        return fixed + gain + (self.worth * chance if concession else 0.0)

    def _chance(self, announced: Announcement, cost: float) -> float:
        relief = self.screen.relieved_cost(announced)
        return 0.0 if np.isnan(relief) else probability_of(self.instance.concession, cost - relief, self.reference)
