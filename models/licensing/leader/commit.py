"""Commitment: what a strategy is worth, and the best one on the menu.

Evaluation solves the followers' program for a strategy, resolves the ties between best responses, and books
the leader's payoff. The search screens every joint strategy of the menu on the hot path and proves its optimum
(:mod:`coercivity.engine.menu.enumeration`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from coercivity.engine.menu.best_first import best_first
from coercivity.engine.menu.enumeration import Best, Choice, Screening, asked, in_runs, resolve, screen_menu
from coercivity.engine.parallel import Crew, Team
from coercivity.engine.programs.hot import LinearProgram, LinearSolution
from coercivity.engine.programs.ties import Interval, capped_range, multiplier_range, quantity_range
from coercivity.models.licensing.announcement.announce import (
    Announcement,
    path_from_rules,
    path_if_conceded,
    relieved,
    told,
)
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.announcement.menu import menu_of
from coercivity.models.licensing.buyers.evaluate import Followers, Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.belief import Belief, believed, held_until_decision, with_chance
from coercivity.models.licensing.leader.payoff import LeaderBooks, Payoff, concession_value, payoff_of, probability_of
from coercivity.models.licensing.leader.rents import rent_cap, rent_ceiling, rent_weight
from coercivity.models.licensing.leader.search import LicenceScreen, column_gain, wanderer
from coercivity.models.licensing.market.periods import Floats

# Two values closer than this part of the largest count as equal.
EQUAL = 1e-8
# To which a chance at which a threat pays is found.
CHANCE = 1e-3
# How large a menu has to be to try beforehand what a change of each slot costs the solver, and around how many strategies.
WORTH_TRYING, TRIED = 3000, 3


@dataclass(frozen=True)
class Evaluation:
    """A strategy with its best response.

    Attributes
    ----------
    response : an optimistic best response (of all optimal plans one that is best for the leader)
    payoff : term by term at that response
    optimistic, pessimistic : range of the payoff over the buyers' best responses, million USD
    belief : what buyers expect of the target, where its type decides
    """

    name: str
    response: Response
    payoff: Payoff
    optimistic: float
    pessimistic: float
    belief: Belief | None = None

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
        self._relieved_cost: dict[bytes, float] = {}

    @cached_property
    def reference_pressure(self) -> float:
        """Pressure of the concession's reference strategy, million USD; 0 without one."""
        concession = self.instance.concession
        if concession is None or concession.reference is None:
            return 0.0
        announced = self.announcer.named(concession.reference)
        return self.pressure(announced, self.followers.respond(announced).cost)

    @property
    def is_conditional(self) -> bool:
        """Whether the tree has a branch on which the target has conceded."""
        return self.market.tree.conceded is not None

    def pressure(self, announced: Announcement, cost: float) -> float:
        """Rise of the buyers' expected cost that the measures against the target cause, million USD; not for types."""
        if self.instance.concession is None:
            return 0.0
        if relieved(self.instance, announced.path) == announced.path:
            return 0.0
        spared, key = self._spared(announced)
        if key not in self._relieved_cost:
            self._relieved_cost[key] = self.followers.cost_of(spared)
        return (cost - self._relieved_cost[key]) / 1000.0

    def pressed(self, response: Response) -> float:
        """The pressure on the target under a best response, million USD, whatever makes it."""
        announced = response.announced
        if self.is_conditional:
            return believed(self.followers, self.books, announced, all_of_them=False).spared
        return self.pressure(announced, response.cost)

    def _spared(self, announced: Announcement) -> tuple[Announcement, bytes]:
        """The announcement with the target relieved, and what tells it from others."""
        fed = self.instance.strategies[announced.name].fed if announced.fed else {}
        spared = self.announcer.spared(announced, fed)
        return spared, told(spared)

    def harm(self, announced: Announcement, cost: float, bloc: int) -> float:
        """What the measures against one bloc cost all buyers, million USD: less than nothing where others gain more by them.

        The difference of two optimal values, so that no tie moves it: ``cost`` (thousand USD) less the buyers' cost with the
        bloc treated as under the baseline, what is feared and set off left as it is.
        """
        base = path_from_rules(self.instance, self.instance.strategies[self.instance.baseline])
        freed = self.announcer.freed(announced, base, bloc)
        if told(freed) == told(announced):
            return 0.0
        return (cost - self.followers.cost_of(freed)) / 1000.0

    def probability(self, pressure: float) -> float:
        """Probability of the concession at a pressure in million USD."""
        concession = self.instance.concession
        reference = self.reference_pressure if concession is not None and concession.reference else 0.0
        return probability_of(concession, pressure, reference)

    def announce(self, name: str, leakage: bool = True) -> Announcement:
        """The announcement of a named strategy."""
        strategy = self.instance.strategies[name]
        path, conceded = path_from_rules(self.instance, strategy), path_if_conceded(self.instance, strategy)
        return self.announcer.announce(path, name, strategy.fed, leakage, conceded)

    def evaluate(self, announced: Announcement) -> Evaluation:
        """The best response to a strategy, the leader's payoff and its range over ties."""
        # From scratch, so that the answer among equals does not depend on what was solved before.
        self.followers.hot.forget()
        belief = None
        if self.is_conditional:
            belief = believed(self.followers, self.books, announced, all_of_them=True)
            announced = with_chance(announced, self.market, belief.chance)
            self.followers.hot.forget()
        response = self.followers.respond(announced)
        pressure, probability = self._concession(announced, response.cost, belief)
        program = self.followers.layout.announced_program(announced)
        quantities = quantity_range(program, response.solution, self.export_gain(announced))
        rents = self._rent_range(program, response)
        fixed = self.books.fixed(announced, self.announcer) + probability * concession_value(self.books)[0]
        best = replace(response, solution=_at(program, response.solution, quantities.high_point, rents.high_point))
        return Evaluation(
            announced.name,
            best,
            payoff_of(self.books, self.announcer, best, pressure, probability),
            optimistic=fixed + (quantities.high + rents.high) / 1000.0,
            pessimistic=fixed + (quantities.low + rents.low) / 1000.0,
            belief=belief,
        )

    def _concession(self, announced: Announcement, cost: float, belief: Belief | None) -> tuple[float, float]:
        """Pressure and probability of the concession; with types, of one while licences hold as the leader sees it."""
        if belief is not None:
            return belief.spared, belief.chance * held_until_decision(announced, self.market)
        pressure = self.pressure(announced, cost)
        return pressure, self.probability(pressure)

    def export_gain(self, announced: Announcement) -> Floats:
        """The leader's discounted gain per unit of every column, thousand USD."""
        return column_gain(self.followers.layout, self.books.gain(announced))

    def _rent_range(self, program: LinearProgram, response: Response) -> Interval:
        """Range of the leader's rents over the optimal multipliers, with multipliers that reach its ends."""
        layout, announced = self.followers.layout, response.announced
        weight = rent_weight(self.instance, self.market, layout, announced, self.books.rent_scale(announced))
        if not weight.any():
            return Interval(0.0, 0.0, response.solution.dual, response.solution.dual)
        if self.instance.leader.rents.premium is not None:
            cap = rent_cap(self.instance, self.market, layout, announced)
            most = rent_ceiling(self.instance, self.market, layout, announced)
            return capped_range(program, response.solution, weight, cap, most)
        return multiplier_range(program, response.solution, -weight)

    def pays_from(self, announced: Announcement, rival: float) -> float | None:
        """The least chance of a concession from which a strategy is worth as much as ``rival`` million USD; None if none is.

        Buyers know the chance and answer it. It is found to a thousandth, on the hot path.
        """
        screen = LicenceScreen(self.instance, self.market, self.followers.layout, followers=self.followers).wander()

        def lead(chance: float) -> float:
            return screen.worth_at(announced, chance) - rival

        if lead(0.0) >= 0.0:
            return 0.0
        return None if lead(1.0) < 0.0 else float(brentq(lead, 0.0, 1.0, xtol=CHANCE))

    # -- the search ------------------------------------------------------------------------------------------

    def slot_effect(self) -> list[float]:
        """How much a change of each slot of the menu moves the buyers' program: tonnes of forecast, on a large menu steps of the solver.

        An early phase governs few tonnes and sets the chances of everything after it, so that on a large menu it pays to try.
        """
        if len(self.menu) < WORTH_TRYING:
            return self._governed()
        screen = LicenceScreen(self.instance, self.market, self.followers.layout)
        rng, options = np.random.default_rng(0), range(len(self.menu.postures))
        steps = [0.0] * self.menu.slots
        for around in rng.integers(len(options), size=(TRIED, self.menu.slots)).tolist():
            for slot in range(self.menu.slots):
                walk = [(*around[:slot], option, *around[slot + 1 :]) for option in options]
                screen.screen(walk[0])
                before = screen.steps
                for choice in walk[1:]:
                    screen.screen(choice)
                steps[slot] += screen.steps - before
        return steps

    def _governed(self) -> list[float]:
        """How many tonnes of forecast each slot of the menu governs."""
        members, found = self.announcer.members, []
        for slot in range(self.menu.slots):
            phase, groups, products = self.menu.governs(slot)
            first, last = self.announcer.bounds[phase]
            part = self.market.forecast[first:last][:, :, products]
            found.append(float(sum(part[:, members[group]].sum() for group in groups)))
        return found

    def screens(self, jobs: int | Crew = 1) -> Team:
        """Processes that each look at strategies in no order, on a program of their own (:class:`LicenceScreen`)."""
        factory = partial(wanderer, self.instance, self.market, self.followers.layout)
        return Team(partial(asked, factory), jobs)

    def best_commitment(
        self,
        jobs: int | Crew = 1,
        limit: float | None = None,
        progress: Callable[[int, int], None] | None = None,
        is_proved: bool = True,
        better: Callable[[float, int], None] | None = None,
        is_wide: bool = True,
        stop: Callable[[], bool] = lambda: False,
        team: Team | None = None,
    ) -> tuple[Evaluation, Best, Screening]:
        """The best joint strategy on the menu, with the bound that proves it.

        Parameters
        ----------
        jobs : worker processes, or those that there are
        limit : seconds after which the search stops without a proof
        progress : called with (strategies looked at, all)
        is_proved : look at the whole menu; else best-first, and the bound holds for what was looked at
        better : called with (million USD, strategies looked at) whenever a best-first search finds a better one
        is_wide : best-first, look at all changes of two slots of the best and at a sample; else at those of one slot
        stop : asked now and then; once it says so the best of what was looked at is returned
        team : best-first, the :meth:`screens` to ask, where there are some already
        """
        deadline = None if limit is None else time.monotonic() + limit
        options = [len(self.menu.postures)] * self.menu.slots
        if is_proved:
            factory = partial(LicenceScreen, self.instance, self.market, self.followers.layout)
            screening = screen_menu(factory, options, self.slot_effect(), jobs, deadline, progress, stop=stop)
            screening = screening if screening.complete else self._with_named(screening)
        else:
            seed = int(self.instance.fingerprint()[:8], 16)
            with contextlib.nullcontext(team) if team is not None else self.screens(jobs) as asking:
                screening = best_first(
                    asking, options, self.named_choices(), self._worth, deadline, progress, seed, better,
                    is_foretold=True, is_wide=is_wide, stop=stop,
                )  # fmt: skip
        bounds = self.upper_bounds(screening)
        best = resolve(screening.choices, bounds, self.exact, tolerance_of(bounds))
        return best.detail, best, screening

    def _with_named(self, screening: Screening) -> Screening:
        """A search that ended early, with the named strategies that it had not come to: no best may stand below one of those."""
        seen = set(map(tuple, screening.choices.tolist()))
        fresh = [choice for choice in self.named_choices() if choice not in seen]
        if not fresh:
            return screening
        with self.screens() as team:
            numbers = in_runs(team, "screen", fresh)
        return replace(
            screening,
            choices=np.vstack([screening.choices, np.array(fresh, dtype=np.int64)]),
            numbers=np.vstack([screening.numbers, np.array(numbers)]),
            complete=len(seen) + len(fresh) == len(self.menu),
        )

    def named_choices(self) -> list[Choice]:
        """The named strategies that are on the menu but for what was fed in, and every posture for all, to begin a search with."""
        paths = [path_from_rules(self.instance, strategy) for strategy in self.instance.strategies.values()]
        named = [choice for choice in map(self.menu.choice, paths) if choice is not None]
        alike = [(option,) * self.menu.slots for option in range(len(self.menu.postures))]
        return list(dict.fromkeys([*named, *alike]))

    def _worth(self, choices: NDArray[np.int64], numbers: Floats) -> Floats:
        return self.upper_bounds(Screening(choices, numbers, False, 0.0))

    def exact(self, choice: Choice) -> tuple[float, Evaluation]:
        """The optimistic value of a strategy on the menu, with its evaluation."""
        evaluation = self.evaluate(self.announcer.announce(self.menu.path(choice), "optimal"))
        return evaluation.optimistic, evaluation

    def upper_bounds(self, screening: Screening) -> Floats:
        """Upper bound of the leader's optimistic value for every screened strategy, million USD."""
        high, low, gain, fixed, chance = screening.numbers.T  # low: of the buyers' cost with the target relieved
        worth = concession_value(self.books)[0]
        if self.instance.concession is None or self.is_conditional:
            return np.asarray(fixed + gain + worth * chance)
        chances = [
            0.0 if np.isnan(relief) else self.probability(above - relief)
            for above, relief in zip(high, low, strict=True)
        ]
        return np.asarray(fixed + gain + worth * np.array(chances))

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


def tolerance_of(values: Floats) -> float:
    """By how much two of these values may differ and count as equal, in their unit."""
    return EQUAL * float(np.abs(values).max(initial=0.0))


def _at(program: LinearProgram, solution: LinearSolution, primal: Floats, dual: Floats) -> LinearSolution:
    """The same optimum at another optimal point and other optimal multipliers."""
    reduced_cost = program.cost - program.matrix.T @ dual
    return replace(solution, primal=primal, activity=program.matrix @ primal, dual=dual, reduced_cost=reduced_cost)
