"""Strategies read off one hot program: revenue, cost, and leverage at the end of each phase."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, fields

import numpy as np

from coercivity.engine.menu.enumeration import Choice
from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.buyers.evaluate import Followers, Layout, Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.belief import believed, held_until_decision, with_chance
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.payoff import LeaderBooks, Payoff, payoff_of
from coercivity.models.licensing.leader.search import TILT
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.reading.leverage import CutOff, State, state_after

RECEIPTS = ("margin", "export_tax", "captured_rent", "exporter_rent", "concession", "downstream")
OUTLAYS = ("idle", "buffer", "support", "glut", "retaliation")


def receipts_and_outlays(books: LeaderBooks, response: Response, payoff: Payoff) -> tuple[float, float]:
    """Revenue and cost of a payoff, million USD of present value; the first less the second is the payoff."""
    announced, period = response.announced, books.market.tree.period
    exports = response.plan["imports"].sum(axis=(1, 2, 3))
    worth = announced.leader_weight * books.discount[period] * ~books.strategic[period]
    idle = float(books.instance.leader.idle_cost) * float(worth @ (announced.exporter_capacity - exports)) / 1000.0
    # Of a tax nothing is said where no posture takes one.
    revenue = sum(payoff.terms.get(term, 0.0) for term in RECEIPTS) + payoff.terms["tail"] + idle
    return revenue, idle - sum(payoff.terms[term] for term in OUTLAYS)


@dataclass(frozen=True)
class Reading:
    """Revenue, cost and leverage of a strategy; ``leverage`` [phase], million USD."""

    revenue: float
    cost: float
    leverage: Floats


class Appraiser:
    """Reads strategies off one hot program; a screen of :mod:`coercivity.engine.menu.enumeration`."""

    def __init__(self, instance: Instance, market: Market, layout: Layout, cutoff: CutOff, phases: list[int]) -> None:
        self.game = Game(instance, Followers(instance, market, layout))
        # Costs with the target relieved are found on a program of their own, so that both keep their basis.
        self.relief = Game(instance, Followers(instance, market, layout))
        # A copy, so that the program which it keeps hot stays in this process.
        self.cutoff = copy.copy(cutoff)
        self.ends = [self.game.announcer.bounds[phase][1] - 1 for phase in phases]
        self.everybody = [tuple(range(len(market.sets.blocs)))]
        self.programs = 0
        self._cost: Floats | None = None
        self._losses: dict[bytes, float] = {}

    def screen(self, choice: Choice) -> tuple[float, ...]:
        """Revenue, cost, programs solved so far by this process, and leverage by phase, of a strategy on the menu."""
        before = self.programs
        found = self.read(self.game.announcer.announce(self.game.menu.path(choice)))
        return found.revenue, found.cost, float(self.programs - before), *found.leverage.tolist()

    def read(self, announced: Announcement) -> Reading:
        """The figures of a strategy under the tilted best response."""
        game, chance = self.game, 0.0
        if game.is_conditional:
            belief = believed(game.followers, game.books, announced, all_of_them=False)
            announced = with_chance(announced, game.market, belief.chance)
            chance = belief.chance * held_until_decision(announced, game.market)
            self._cost = None
        response, buyers_cost = self._respond(announced)
        if not game.is_conditional:
            known = len(self.relief._relieved_cost)
            chance = self.relief.probability(self.relief.pressure(announced, buyers_cost))
            self.programs += len(self.relief._relieved_cost) - known
        payoff = payoff_of(game.books, game.announcer, response, 0.0, chance)
        return Reading(*receipts_and_outlays(game.books, response, payoff), self.leverage(response))

    def _respond(self, announced: Announcement) -> tuple[Response, float]:
        """The tilted best response and the buyers' own cost of it, thousand USD."""
        game, hot = self.game, self.game.followers.hot
        gain = game.export_gain(announced)
        cost = game.followers.layout.cost(announced) - TILT * gain
        if self._cost is None or not np.array_equal(cost, self._cost):
            hot.set_cost(cost)
            self._cost = cost
        game.followers.load_limits(announced)
        solution = hot.solve("followers of a strategy on the menu")
        self.programs += 1
        tilted = Response(game.market, game.followers.layout, announced, solution)
        return tilted, solution.objective + TILT * float((gain * solution.primal).sum())

    def leverage(self, response: Response) -> Floats:
        """Loss of all buyers from the cut-off at the end of each phase [phase], million USD."""
        losses = []
        for end in self.ends:
            state = state_after(response, end)
            key = _digest(state)
            if not state.licence.any():  # what delivers nothing cannot be cut off
                self._losses[key] = 0.0
            if key not in self._losses:
                # One length and one set of blocs; the first figure is what it costs the buyers.
                self._losses[key] = float(np.ravel(self.cutoff.losses(state, self.everybody))[0])
                self.programs += 2
            losses.append(self._losses[key])
        return np.array(losses)


def _digest(state: State) -> bytes:
    """What two states have in common that agree to a kilogram everywhere."""
    parts = [np.round(np.asarray(getattr(state, field.name), dtype=float), 3) for field in fields(state)]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).digest()
