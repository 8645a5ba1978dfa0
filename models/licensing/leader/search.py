"""Screening of the menu: one hot linear program per strategy, whose value bounds the leader's from above."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from coercivity.engine.menu.enumeration import Choice
from coercivity.engine.programs.starts import Starts
from coercivity.models.licensing.announcement.announce import Announcement, relieved, told
from coercivity.models.licensing.announcement.menu import Menu, menu_of
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.belief import believed, held_until_decision, with_chance
from coercivity.models.licensing.leader.payoff import LeaderBooks, concession_value, probability_of
from coercivity.models.licensing.leader.rents import rent_cap, rent_weight
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats

# The tilt of the screening bound: a response that costs buyers a thousandth of the leader's gain more still
# counts as a tie there. Smaller is tighter until the solver's tolerance is felt.
TILT = 1e-3


def column_gain(layout: Layout, gain: Floats) -> Floats:
    """A gain per tonne exported [n,b,k] on the columns of the program."""
    column = np.zeros(layout.program.shape[1])
    index, at = layout.columns["imports"]
    column[at] = gain[index[:, 0], index[:, 1], index[:, 2]]
    return column


class LicenceScreen:
    """Screens strategies of the menu on one hot program (see :mod:`coercivity.engine.menu.enumeration`).

    ``programs`` counts the linear programs solved, those that settle beliefs left out, and ``steps`` the solver's in them.

    Parameters
    ----------
    tilt : share of the leader's gain by which a response may cost buyers more and still count as a tie
    followers : whose program to use; default: one of its own
    """

    def __init__(
        self,
        instance: Instance,
        market: Market,
        layout: Layout,
        tilt: float = TILT,
        followers: Followers | None = None,
    ) -> None:
        self.followers = followers or Followers(instance, market, layout)
        self.tilt = tilt
        self.books = LeaderBooks(instance, market)
        self.menu: Menu = menu_of(instance)
        self.index, self.exports_at = layout.columns["imports"]
        rents = instance.leader.rents
        self.has_rents = float(rents.licence) > 0 or float(rents.exporter) > 0
        self.is_capped = self.has_rents and rents.premium is not None
        self._full: np.ndarray | None = None
        self.concession = instance.concession
        self._relieved: dict[bytes, float] = {}
        self.programs, self.steps = 0, 0
        self._loaded: tuple[object, ...] | None = None
        self._gain: Floats = np.zeros(0)
        self.starts: Starts | None = None

    def wander(self) -> LicenceScreen:
        """Itself, with bases kept to begin from: for strategies that are looked at in no order."""
        self.starts = self.followers.starts
        return self

    @cached_property
    def mate(self) -> LicenceScreen:
        """A second program, kept for strategies with the target relieved: the first one stays where its neighbours are."""
        return LicenceScreen(self.followers.instance, self.followers.market, self.followers.layout)

    def screen(self, choice: Choice) -> tuple[float, float, float, float, float]:
        """A bound from above of the buyers' cost, and one from below of their cost once the target is relieved (not a

        number where nothing weighs on it); a bound from above of the leader's gain, what follows from the announcement
        alone, all in million USD; and with types the probability of a concession.
        """
        announced = self.followers.announcer.announce(self.menu.path(choice))
        high, _, gain, fixed, chance = self.bound(announced)
        return high, self.relieved_cost(announced), gain, fixed, chance

    def foretell(self, choice: Choice) -> tuple[float, ...]:
        """What is known of a strategy before buyers answer: a part of its value, million USD, and how likely which end is.

        Exports are sold on a tree whose weights are products of the hazards of all phases, which no sum over slots follows.
        """
        followers, chance = self.followers, 0.0
        announced = followers.announcer.announce(self.menu.path(choice))
        if followers.market.tree.conceded is not None and self.books.window is not None:
            chance = believed(followers, self.books, announced, all_of_them=False).chance
            announced = with_chance(announced, followers.market, chance)
            chance *= held_until_decision(announced, followers.market)
        part = self.books.fixed(announced, followers.announcer) + chance * concession_value(self.books)[0]
        return part, *announced.leader_weight[followers.market.tree.leaves()].tolist()

    def named_worth(self, name: str) -> float:
        """The leader's value of a named strategy, as :meth:`worth`."""
        return self.worth(self.followers.announcer.named(name))

    def relieved_cost(self, announced: Announcement) -> float:
        """A bound from below of the buyers' cost once the target is relieved, million USD; not a number if it is free."""
        if self.concession is None or self.followers.market.tree.conceded is not None:
            return float("nan")
        if relieved(self.followers.instance, announced.path) == announced.path:
            return float("nan")
        fed = self.followers.instance.strategies[announced.name].fed if announced.fed else {}
        spared = self.followers.announcer.spared(announced, fed)
        key = told(spared)
        if key not in self._relieved:
            self._relieved[key] = self.mate.bound(spared)[1]
            self.programs += 1
        return self._relieved[key]

    def forget_relief(self) -> None:
        """Forget costs with the target relieved, because something else in the program has changed."""
        self._relieved.clear()

    def bound(self, announced: Announcement) -> tuple[float, float, float, float, float]:
        """Bounds of the buyers' cost from above and below and of the leader's gain from above, then as :meth:`screen`."""
        if self.followers.market.tree.conceded is None:
            return *self._bound(announced), 0.0
        belief = believed(self.followers, self.books, announced, all_of_them=False)
        if self.books.window is None:
            self._loaded = None  # settling beliefs has told the solver other costs
        return self._conditional(announced, belief.chance)

    def worth(self, announced: Announcement) -> float:
        """The leader's value, million USD, with the concession that the strategy brings; at most the screening's tilt too high."""
        high, _, gain, fixed, chance = self.bound(announced)
        if self.concession is not None and self.followers.market.tree.conceded is None:
            relief = self.relieved_cost(announced)
            chance = 0.0 if np.isnan(relief) else probability_of(self.concession, high - relief, self._reference)
        return fixed + gain + concession_value(self.books)[0] * chance

    @cached_property
    def _reference(self) -> float:
        """Pressure of the strategy that the concession's probability is stated for, million USD."""
        concession = self.concession
        if concession is None or concession.reference is None:
            return 0.0
        announced = self.followers.announcer.named(concession.reference)
        relief = self.relieved_cost(announced)
        return 0.0 if np.isnan(relief) else self.bound(announced)[0] - relief

    def worth_at(self, announced: Announcement, chance: float) -> float:
        """The leader's value, million USD, if the target conceded with a given chance whatever the pressure."""
        worth = concession_value(self.books)[0]
        if self.followers.market.tree.conceded is None:
            _, _, gain, fixed = self._bound(announced)
            return fixed + gain + worth * chance
        _, _, gain, fixed, probability = self._conditional(announced, chance)
        return fixed + gain + worth * probability

    def _conditional(self, announced: Announcement, chance: float) -> tuple[float, float, float, float, float]:
        heard = with_chance(announced, self.followers.market, chance)
        return *self._bound(heard), chance * held_until_decision(heard, self.followers.market)

    def _bound(self, announced: Announcement) -> tuple[float, float, float, float]:
        sides = self.followers.load_limits(announced, self.starts)
        rents = self._rents(announced) if self.has_rents else None
        found, full = self._bound_at(announced, rents, self._full)
        if self.is_capped and (self._full is None or (full != self._full).any()):
            # The bound holds whatever rows are taken to earn the whole premium; it is close where they do.
            other, _ = self._bound_at(announced, rents, full)
            found = min(found, other, key=lambda numbers: numbers[2])
        self._full = full
        if self.starts is not None:
            self.starts.keep(sides)
        return *found, self.books.fixed(announced, self.followers.announcer)

    def _bound_at(
        self, announced: Announcement, rents: tuple[Floats, Floats] | None, full: np.ndarray | None
    ) -> tuple[tuple[float, float, float], np.ndarray]:
        """As :meth:`_bound`, with some rows taken to earn the whole premium; and the rows that do."""
        hot = self.followers.hot
        weight, tilt, sure = (None, self.tilt, 0.0) if rents is None else self._load_rents(announced, *rents, full)
        self._load_costs(announced, tilt)
        self.programs += 1
        hot.require_optimum(f"followers of {announced.name or announced.path}")
        self.steps += hot.iterations
        # A product and a sum, not a matrix product: on a vector this short a threaded BLAS waits longer than it works.
        exports, rent, earns = float((self._gain * hot.primal()[self.exports_at]).sum()), 0.0, np.zeros(0, dtype=bool)
        if rents is not None and weight is not None:
            multiplier = -hot.solution().dual
            rent, earns = float((weight * multiplier).sum()), multiplier > rents[1]
        high, low = hot.objective + tilt * exports, hot.objective - tilt * rent
        return (high / 1000.0, low / 1000.0, (exports + rent + sure) / 1000.0), earns

    def _load_costs(self, announced: Announcement, tilt: float) -> None:
        """Tilted costs; neighbours in the search's order mostly share their probabilities, and so all costs."""
        parts = (announced.weight, announced.leader_weight, announced.relief, announced.tax, announced.funding)
        key = (tilt, *(part.tobytes() for part in parts))
        if key == self._loaded:
            return
        self._gain = self.books.gain(announced)[tuple(self.index[:, :3].T)]
        cost = self.followers.layout.cost(announced)
        cost[self.exports_at] -= tilt * self._gain
        self.followers.hot.set_cost(cost)
        self._loaded = key

    def _rents(self, announced: Announcement) -> tuple[Floats, Floats]:
        """The leader's gain from a unit of every row's multiplier, and the multiplier beyond which it gains no more."""
        instance, market, layout = self.followers.instance, self.followers.market, self.followers.layout
        weight = rent_weight(instance, market, layout, announced, self.books.rent_scale(announced))
        return weight, rent_cap(instance, market, layout, announced)

    def _load_rents(
        self, announced: Announcement, weight: Floats, cap: Floats, full: np.ndarray | None
    ) -> tuple[Floats, float, float]:
        """Right-hand sides tilted against the leader's gain from multipliers; that gain by row, the tilt, and what is sure.

        No row earns more than the premium: those that are taken to do are not tilted, and what they earn is added instead.
        """
        sure = 0.0
        if full is not None and full.any():
            weight, sure = np.where(full, 0.0, weight), float((weight[full] * cap[full]).sum())
        rows, limits = self.followers.layout.limits(announced)
        # No limit may be tilted below zero, or the bound would speak of another tilt than the one applied.
        share = np.divide(weight[rows], limits, out=np.zeros(len(rows)), where=np.isfinite(limits) & (limits > 0))
        tilt = min(self.tilt, 0.5 / float(share.max())) if share.max() > 0 else self.tilt
        self.followers.hot.set_row_upper(rows, limits - tilt * weight[rows])
        return weight, tilt, sure


def wanderer(instance: Instance, market: Market, layout: Layout) -> LicenceScreen:
    """A screen for strategies that are looked at in no order."""
    return LicenceScreen(instance, market, layout).wander()
