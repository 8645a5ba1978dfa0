"""Commitment: what a strategy is worth, and the best one on the menu.

Evaluation solves the followers' program for a strategy, resolves the ties between best responses, and books
the leader's payoff. The search screens every joint strategy of the menu on the hot path and proves its optimum
(:mod:`engine.methods.enumeration`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from engine.face import Interval, multiplier_range, quantity_range
from engine.methods.enumeration import Best, Choice, Screening, resolve, screen_menu
from engine.solver import LinearProgram, LinearSolution
from models.licensing.announcement import Announcement, Menu, Path, menu_of, path_from_rules, relieved
from models.licensing.evaluate import Followers, Layout, Response
from models.licensing.instance import Instance
from models.licensing.market import Market
from models.licensing.payoff import LeaderBooks, Payoff, concession_value, payoff_of, probability_of
from models.licensing.periods import Floats

# The tilt of the screening bound: a response that costs buyers a thousandth of the leader's gain more still
# counts as a tie there. Smaller is tighter until the solver's tolerance is felt.
TILT = 1e-3
# Two values closer than this, in million USD, count as equal: a hundred dollars in a million.
VALUE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Evaluation:
    """A strategy with its best response.

    Attributes
    ----------
    response : an optimistic best response (of all optimal plans one that is best for the leader)
    payoff : term by term at that response
    optimistic, pessimistic : range of the payoff over the buyers' best responses, million USD
    """

    name: str
    response: Response
    payoff: Payoff
    optimistic: float
    pessimistic: float

    @property
    def announced(self) -> Announcement:
        """What the buyers heard."""
        return self.response.announced


class Game:
    """One instance, its followers kept hot, and the leader's books."""

    def __init__(self, instance: Instance, followers: Followers | None = None) -> None:
        self.instance = instance
        self.followers = followers or Followers(instance)
        self.market = self.followers.market
        self.announcer = self.followers.announcer
        self.books = LeaderBooks(instance, self.market)
        self.menu = menu_of(instance)
        self._relieved_cost: dict[tuple[Path, bool, bool], float] = {}

    @cached_property
    def reference_pressure(self) -> float:
        """Pressure of the concession's reference strategy, million USD; 0 without one."""
        concession = self.instance.concession
        if concession is None or concession.reference is None:
            return 0.0
        announced = self.announcer.named(concession.reference)
        return self.pressure(announced, self.followers.respond(announced).cost)

    def pressure(self, announced: Announcement, cost: float) -> float:
        """Rise of the buyers' expected cost that the measures against the target cause, million USD."""
        if self.instance.concession is None:
            return 0.0
        path = relieved(self.instance, announced.path)
        if path == announced.path:
            return 0.0
        key = (path, announced.fed, announced.leakage)
        if key not in self._relieved_cost:
            fed = self.instance.strategies[announced.name].fed_volumes if announced.fed else None
            relief = self.announcer.announce(path, announced.name, fed, announced.leakage)
            self._relieved_cost[key] = self.followers.respond(relief).cost
        return (cost - self._relieved_cost[key]) / 1000.0

    def probability(self, pressure: float) -> float:
        """Probability of the concession at a pressure in million USD."""
        concession = self.instance.concession
        reference = self.reference_pressure if concession is not None and concession.reference else 0.0
        return probability_of(concession, pressure, reference)

    def announce(self, name: str, leakage: bool = True) -> Announcement:
        """The announcement of a named strategy."""
        strategy = self.instance.strategies[name]
        return self.announcer.announce(path_from_rules(self.instance, strategy), name, strategy.fed_volumes, leakage)

    def evaluate(self, announced: Announcement) -> Evaluation:
        """The best response to a strategy, the leader's payoff and its range over ties."""
        # From scratch, so that the answer among equals does not depend on what was solved before.
        self.followers.hot.forget()
        response = self.followers.respond(announced)
        pressure = self.pressure(announced, response.cost)
        probability = self.probability(pressure)
        program = self.followers.layout.announced_program(announced)
        quantities = quantity_range(program, response.solution, self.export_gain(announced))
        rents = self._rent_range(program, response)
        fixed = self.books.fixed(announced.path, self.announcer) + probability * concession_value(self.books)[0]
        best = replace(response, solution=_at(program, response.solution, quantities.high_point, rents.high_point))
        return Evaluation(
            announced.name,
            best,
            payoff_of(self.books, self.announcer, best, pressure, probability),
            optimistic=fixed + (quantities.high + rents.high) / 1000.0,
            pessimistic=fixed + (quantities.low + rents.low) / 1000.0,
        )

    def export_gain(self, announced: Announcement) -> Floats:
        """The leader's discounted gain per unit of every column, thousand USD."""
        return _column_gain(self.followers.layout, self.books.gain(announced))

    def _rent_range(self, program: LinearProgram, response: Response) -> Interval:
        """Range of the leader's rents over the optimal multipliers, with multipliers that reach its ends."""
        weight = _rent_weight(self.instance, self.books, self.followers.layout, response.announced)
        if not weight.any():
            return Interval(0.0, 0.0, response.solution.dual, response.solution.dual)
        return multiplier_range(program, response.solution, -weight)

    # -- the search ------------------------------------------------------------------------------------------

    def slot_effect(self) -> list[float]:
        """How many tonnes of forecast each slot of the menu governs: phase by phase, bundle by bundle."""
        groups = self.announcer.members
        return [
            float(sum(self.market.forecast[first:last][:, groups[group]].sum() for group in bundle))
            for first, last in self.announcer.bounds
            for bundle in self.menu.bundles
        ]

    def best_commitment(
        self, jobs: int = 1, limit: float | None = None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Evaluation, Best, Screening]:
        """The best joint strategy on the menu, with the bound that proves it.

        Parameters
        ----------
        jobs : worker processes
        limit : seconds after which the search stops without a proof
        progress : called with (strategies screened, all)
        """
        deadline = None if limit is None else time.monotonic() + limit
        factory = partial(LicenceScreen, self.instance, self.market, self.followers.layout)
        options = [len(self.menu.postures)] * self.menu.slots
        screening = screen_menu(factory, options, self.slot_effect(), jobs, deadline, progress)
        best = resolve(screening.choices, self.upper_bounds(screening), self.exact, VALUE_TOLERANCE)
        return best.detail, best, screening

    def exact(self, choice: Choice) -> tuple[float, Evaluation]:
        """The optimistic value of a strategy on the menu, with its evaluation."""
        evaluation = self.evaluate(self.announcer.announce(self.menu.path(choice), "optimal"))
        return evaluation.optimistic, evaluation

    def upper_bounds(self, screening: Screening) -> Floats:
        """Upper bound of the leader's optimistic value for every screened strategy, million USD."""
        high, low, gain = screening.numbers.T / 1000.0
        fixed = np.array([self.books.fixed(self.menu.path(choice), self.announcer) for choice in screening.choices])
        concession = self.instance.concession
        if concession is None:
            return fixed + gain
        pressure = high - self._relieved_low(screening, low)
        paths = [self.menu.path(choice) for choice in screening.choices]
        free = [relieved(self.instance, path) == path for path in paths]
        worth = concession_value(self.books)[0]
        chances = [0.0 if none else self.probability(value) for none, value in zip(free, pressure, strict=True)]
        return fixed + gain + worth * np.array(chances)

    def _relieved_low(self, screening: Screening, low: Floats) -> Floats:
        """Lower bound of the buyers' cost once the target is relieved, for every screened strategy, million USD."""
        known = {tuple(choice): value for choice, value in zip(screening.choices.tolist(), low, strict=True)}
        found: dict[Path, float] = {}
        values = np.empty(len(low))
        for position, choice in enumerate(screening.choices):
            path = relieved(self.instance, self.menu.path(choice))
            if path not in found:
                other = self.menu.choice(path)
                if other in known:
                    found[path] = known[other]
                else:
                    found[path] = self.followers.respond(self.announcer.announce(path)).cost / 1000.0
            values[position] = found[path]
        return values

    def deviations(self, path: Path) -> list[Choice]:
        """All strategies on the menu that differ from ``path`` in one slot; none for a path that is not on the menu."""
        base = self.menu.choice(path)
        if base is None:
            return []
        return [
            (*base[:slot], option, *base[slot + 1 :])
            for slot in range(self.menu.slots) for option in range(len(self.menu.postures)) if option != base[slot]
        ]  # fmt: skip

    def screened_bounds(self, choices: list[Choice]) -> Floats:
        """Upper bounds of the leader's value for some strategies of the menu, million USD."""
        screen = LicenceScreen(self.instance, self.market, self.followers.layout)
        numbers = np.array([screen.screen(choice) for choice in choices])
        return self.upper_bounds(Screening(np.array(choices), numbers, False, 0.0))


def _at(program: LinearProgram, solution: LinearSolution, primal: Floats, dual: Floats) -> LinearSolution:
    """The same optimum at another optimal point and other optimal multipliers."""
    reduced_cost = program.cost - program.matrix.T @ dual
    return replace(solution, primal=primal, activity=program.matrix @ primal, dual=dual, reduced_cost=reduced_cost)


def _column_gain(layout: Layout, gain: Floats) -> Floats:
    column = np.zeros(layout.program.shape[1])
    index, at = layout.columns["imports"]
    column[at] = gain[index[:, 0], index[:, 2]]
    return column


def _rent_weight(instance: Instance, books: LeaderBooks, layout: Layout, announced: Announcement) -> Floats:
    """The leader's value of one unit of every row's multiplier (with its sign turned), thousand USD."""
    market, rents = books.market, instance.leader.rents
    node_scale = books.rent_scale(announced) / (announced.weight * market.discount[market.tree.period])
    weight = np.zeros(layout.program.shape[0])
    if float(rents.licence) > 0:
        index, at = layout.rows["export_licence"]
        limit = layout.licence_limits(announced)
        weight[at] = float(rents.licence) * node_scale[index[:, 0]] * np.where(np.isinf(limit), 0.0, limit)
    if float(rents.exporter) > 0:
        index, at = layout.rows["exporter_capacity"]
        nodes = index[:, 0]
        weight[at] = float(rents.exporter) * node_scale[nodes] * market.exporter_capacity[market.tree.period[nodes]]
    return weight


class LicenceScreen:
    """Screens strategies of the menu on one hot program (see :mod:`engine.methods.enumeration`)."""

    def __init__(self, instance: Instance, market: Market, layout: Layout) -> None:
        self.followers = Followers(instance, market, layout)
        self.books = LeaderBooks(instance, market)
        self.menu: Menu = menu_of(instance)
        self.index, self.exports_at = layout.columns["imports"]
        rents = instance.leader.rents
        self.has_rents = float(rents.licence) > 0 or float(rents.exporter) > 0
        self._loaded: tuple[float, tuple[float, ...], tuple[float, ...]] | None = None
        self._gain: Floats = np.zeros(0)

    def screen(self, choice: Choice) -> tuple[float, float, float]:
        """Upper and lower bound of the buyers' cost, and upper bound of the leader's gain; thousand USD."""
        followers = self.followers
        announced = followers.announcer.announce(self.menu.path(choice))
        followers.load_limits(announced)
        weight, tilt = self._load_rents(announced) if self.has_rents else (None, TILT)
        self._load_costs(announced, tilt)
        followers.hot.require_optimum(f"followers of menu choice {choice}")
        # A product and a sum, not a matrix product: on a vector this short a threaded BLAS waits longer than it works.
        exports = float((self._gain * followers.hot.primal()[self.exports_at]).sum())
        rent = 0.0 if weight is None else float(-(weight * followers.hot.solution().dual).sum())
        objective = followers.hot.objective
        return objective + tilt * exports, objective - tilt * rent, exports + rent

    def _load_costs(self, announced: Announcement, tilt: float) -> None:
        """Tilted costs; neighbours in the search's order mostly share their probabilities, and so all costs."""
        key = (tilt, tuple(announced.hazard), tuple(announced.leader_hazard))
        if key == self._loaded:
            return
        self._gain = self.books.gain(announced)[self.index[:, 0], self.index[:, 2]]
        cost = self.followers.layout.cost(announced)
        cost[self.exports_at] -= tilt * self._gain
        self.followers.hot.set_cost(cost)
        self._loaded = key

    def _load_rents(self, announced: Announcement) -> tuple[Floats, float]:
        """Right-hand sides tilted against the leader's gain from multipliers; that gain by row, and the tilt."""
        layout = self.followers.layout
        weight = _rent_weight(self.followers.instance, self.books, layout, announced)
        exporters = layout.rows["exporter_capacity"][1]
        rows = np.concatenate([layout.licence_rows, exporters])
        limits = np.concatenate([layout.licence_limits(announced), layout.program.row_upper[exporters]])
        # No limit may be tilted below zero, or the bound would speak of another tilt than the one applied.
        share = np.divide(weight[rows], limits, out=np.zeros(len(rows)), where=np.isfinite(limits) & (limits > 0))
        tilt = min(TILT, 0.5 / float(share.max())) if share.max() > 0 else TILT
        self.followers.hot.set_row_upper(rows, limits - tilt * weight[rows])
        return weight, tilt
