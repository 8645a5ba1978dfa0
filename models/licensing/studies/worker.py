"""One point of a study: the instance at its values, and what each strategy is worth there, on a program kept hot.

The payoff is read from one linear program a strategy, with costs tilted by :data:`TILT` towards the leader: it is an
upper bound of the optimistic value, exact but for that tilt. Each strategy starts from its own basis of the point
before, because the same strategy at a neighbouring point is nearer than another one at this point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from coercivity.engine.data.values import same
from coercivity.models.licensing.announcement.announce import Announcement, told
from coercivity.models.licensing.answers.threshold.parameter import Parameter
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.buyers.programs import Program, Programs
from coercivity.models.licensing.buyers.window import Window
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.belief import believed
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.payoff import concession_value, probability_of
from coercivity.models.licensing.leader.search import LicenceScreen
from coercivity.models.licensing.market.arrays import Market, market_of
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.studies.substitution import Writer

# A hundredth of the search's tilt: errors of the payoff stay below a tenth of a million USD, and above the solver's.
TILT = 1e-5
NOTHING = 1e-9  # tonnes; a share of less is of nothing
DIGITS = 9  # of a share that are kept
OPTIMAL = "optimal"
KEPT = 2  # windows that are kept: that of the stated values and the last one

# A point of the buyers' program, and what it costs them, million USD.
Known = tuple[Floats, float]
What = Literal["evaluate", "solve"]


@dataclass(frozen=True)
class Question:
    """What is asked at every point.

    Attributes
    ----------
    instance : as stated, with variants and overrides
    market, layout : of that instance, so that workers need not build them
    parameters : what varies
    strategies : named ones, weighed at every point
    what : ``solve`` also finds the best strategy on the menu at every point
    """

    instance: Instance
    market: Market
    layout: Layout
    parameters: tuple[Parameter, ...]
    strategies: tuple[str, ...]
    what: What = "evaluate"

    def __call__(self) -> PointWorker:
        """A worker of its own, for one process."""
        return PointWorker(self)


class PointWorker:
    """Answers the question at one point after the other; lives in one process.

    What only the leader's books multiply costs no program: where the buyers hear of a strategy what they hear of it at the
    stated values, in the same market, their answer to it at the stated values is theirs again. Buyers who are indifferent
    then choose as they do there.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.writer = Writer(question.instance, question.parameters)
        self.programs = Programs(question.market, question.layout)
        self._windows: list[Window] = []

    def __call__(self, values: Sequence[float]) -> dict[str, Any]:
        """The strategies at values of the parameters, as plain data.

        Returns
        -------
        dict with ``payoff`` (million USD), ``probability`` and ``pressure`` (million USD) by strategy, ``share`` of the
        leader by strategy, a list by calendar year from ``first_year`` on (None where nothing is traded); with ``solve``
        also ``path``, the best strategy, and ``bound``

        Raises
        ------
        InvalidInstance
            The values do not fit together.
        InfeasibleProgram
            A followers' program has no optimum at these values.
        """
        followers, screen = self._screen(values)
        found: dict[str, Any] = {key: {} for key in ("payoff", "probability", "pressure", "share")}
        found["first_year"] = int(followers.market.grid.start[0]) // 12
        for name in self.question.strategies:
            for key, value in screen.measure(name).items():
                found[key][name] = value
        if self.question.what == "solve":
            evaluation, best, _ = Game(followers.instance, followers).best_commitment()
            found["payoff"][OPTIMAL] = evaluation.optimistic
            found["probability"][OPTIMAL] = evaluation.payoff.probability
            found["pressure"][OPTIMAL] = evaluation.payoff.pressure
            found["share"][OPTIMAL] = shares(followers, evaluation.response.solution.primal)
            found["path"], found["bound"] = evaluation.announced.path, best.bound
        return found

    def payoffs(self, values: Sequence[float], strategies: Sequence[str]) -> dict[str, float]:
        """What some strategies are worth at values of the parameters, million USD; raises as a call."""
        _, screen = self._screen(values)
        return {name: screen.measure(name)["payoff"] for name in strategies}

    def _screen(self, values: Sequence[float]) -> tuple[Followers, PointScreen]:
        instance = self.writer.instance(values)
        market = market_of(instance)
        known = self._stated if same(market, self.question.market) else {}
        return self._screen_of(instance, market, known)

    def _screen_of(
        self, instance: Instance, market: Market, known: Mapping[bytes, Known]
    ) -> tuple[Followers, PointScreen]:
        followers, program = self.programs.followers(instance, market)
        screen = PointScreen(followers, program, known)
        window = screen.books.window
        if window is not None:
            like = next((one for one in self._windows if window.takes_over(one)), None)
            self._windows = [*([] if like is None else [like]), window][-KEPT:]
        return followers, screen

    @cached_property
    def _stated(self) -> dict[bytes, Known]:
        """The answers at the stated values by what buyers hear; from scratch, so that no point before has a say in ties."""
        instance, market = self.question.instance, self.question.market
        _, screen = self._screen_of(instance, market, {})
        bases, screen.program.bases = screen.program.bases, {}
        screen.program.hot.forget()
        for name in self.question.strategies:
            screen.measure(name)
        screen.program.bases |= bases
        return screen.answers


class PointScreen(LicenceScreen):
    """Strategies at one point; every one of them, and every one with the target relieved, has a basis to start from.

    Parameters
    ----------
    known : answers of the buyers in this market, as points of their program, by what they hear
    """

    def __init__(self, followers: Followers, program: Program, known: Mapping[bytes, Known]) -> None:
        super().__init__(followers.instance, followers.market, followers.layout, TILT, followers)
        self.program, self.known = program, known
        self.answers: dict[bytes, Known] = {}
        self.primal: Floats = np.zeros(0)

    @cached_property
    def mate(self) -> LicenceScreen:
        """Itself: a basis is remembered for every strategy, with the target relieved or not."""
        return self

    def bound(self, announced: Announcement) -> tuple[float, float, float, float, float]:
        """As in the search, from the basis that the strategy had at the point before."""
        if self.followers.market.tree.conceded is not None and self.books.window is None:
            self._start(announced)  # beliefs are settled by programs of their own
        return super().bound(announced)

    def _start(self, announced: Announcement) -> None:
        basis = self.program.bases.get((announced.name, announced.path))
        if basis is not None:
            self.program.hot.start_from(basis)

    def _bound(self, announced: Announcement) -> tuple[float, float, float, float]:
        heard = told(announced)
        if heard in self.known and not self.has_rents:
            self.primal, cost = self.known[heard]
            return self._booked(announced, cost)
        self._start(announced)
        found = super()._bound(announced)
        self.program.bases[announced.name, announced.path] = self.program.hot.basis()
        self.primal = self.program.hot.primal()
        self.answers[heard] = (self.primal, found[0])
        return found

    def _booked(self, announced: Announcement, cost: float) -> tuple[float, float, float, float]:
        """The same numbers from an answer that is known: nothing but the leader's books is read anew."""
        gain = self.books.gain(announced)[tuple(self.index[:, :3].T)]
        exports = float((gain * self.primal[self.exports_at]).sum())
        return cost, cost, exports / 1000.0, self.books.fixed(announced, self.followers.announcer)

    def measure(self, name: str) -> dict[str, Any]:
        """What a strategy is worth, what it wrings from the target, and the leader's share by year."""
        announced = self.followers.announcer.named(name)
        high, _, gain, fixed, chance = self.bound(announced)
        share = shares(self.followers, self.primal)
        concession, pressure = self.concession, 0.0
        if self.books.window is not None:
            pressure = believed(self.followers, self.books, announced, all_of_them=False).spared
        elif concession is not None and self.followers.market.tree.conceded is None:
            pressure = self._pressure(announced, high)
            chance = probability_of(concession, pressure, self._reference)
        payoff = fixed + gain + concession_value(self.books)[0] * chance
        return {"payoff": payoff, "probability": chance, "pressure": pressure, "share": share}

    def _pressure(self, announced: Announcement, cost: float) -> float:
        relief = self.relieved_cost(announced)
        return 0.0 if np.isnan(relief) else cost - relief


def shares(followers: Followers, primal: Floats) -> list[float | None]:
    """The leader's share of what is bought abroad while licences hold, by calendar year; None where nothing is."""
    layout, grid = followers.layout, followers.market.grid
    sold = []
    for variable in ("imports", "rival_sales"):
        index, at = layout.columns[variable]
        is_trunk = index[:, 0] < len(grid)  # nodes of the trunk come first, one a period
        sold.append(np.bincount(index[is_trunk, 0], weights=primal[at[is_trunk]], minlength=len(grid)))
    exports, rivals = sold
    found: list[float | None] = []
    for year in range(int(grid.start[0]) // 12, (int(grid.end[-1]) - 1) // 12 + 1):
        part = grid.overlap(12.0 * year, 12.0 * (year + 1)) / grid.length
        total = float(part @ (exports + rivals))
        found.append(round(float(part @ exports) / total, DIGITS) if total > NOTHING else None)
    return found
