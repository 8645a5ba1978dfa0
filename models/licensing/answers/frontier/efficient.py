"""Revenue, cost and leverage as objectives of their own: the Pareto set of the menu, and the named strategies on it.

Revenue is what the leader receives: margin on exports, captured rents, the expected concession, downstream industry.
Cost is what it spends or forgoes: idle capacity, buffer and corridor, support of firms, glut (net, so that it may be
negative), retaliation. The tail's part is split in the same way, its margin and rents to revenue, its idle capacity to
cost. So revenue − cost is the payoff, exactly. Leverage is the loss of all buyers from an unannounced cut-off of the
shortest length, at the end of each phase, while licences hold. All in million US dollars; revenue and cost are
expected present values, leverage is a loss at its own date.

The search reads one answer of the buyers per strategy: the best response once their costs are tilted by a thousandth of
the leader's gain (:mod:`coercivity.models.licensing.leader.search`). The members that are best for some weights, up to a number, and the
named strategies are then evaluated exactly; rates of exchange between payoff and leverage are those of exact figures,
and the largest difference between the two readings is stated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.menu.enumeration import Choice, Screening, screen_menu
from coercivity.engine.menu.pareto import (
    dominators,
    exchange_rates,
    ladder,
    nondominated,
    ranges,
    shortfall,
    support,
    tolerances,
)
from coercivity.engine.parallel import spread
from coercivity.models.licensing.answers.commands import Progress, reproduced, silent
from coercivity.models.licensing.answers.frontier.objectives import Appraiser, receipts_and_outlays
from coercivity.models.licensing.answers.frontier.sentences import sentences
from coercivity.models.licensing.answers.frontier.values import (
    Covered,
    CutOffAsked,
    Differences,
    Exact,
    Frontier,
    Member,
    Placed,
    Rates,
    Read,
    Weights,
)
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.reading.leverage import CutOff

SCHEMA_VERSION = 1
# Figures of one strategy that differ by less than this share of the largest count as equal.
EQUAL = 1e-6
# How many members of the set are evaluated exactly, beside the named strategies.
EXACT = 24
READING = "optimistic, tilted: the buyers' best response once their costs are tilted by 0.001 of the leader's gain"


def _exact(
    instance: Instance, market: Market, layout: Layout, cutoff: CutOff, phases: list[int]
) -> Callable[[tuple[str, Choice]], Exact]:
    """In a worker process: the exact evaluation of a named strategy, or of a choice on the menu if it has no name."""
    appraiser = Appraiser(instance, market, layout, cutoff, phases)
    game, names = appraiser.game, [list(instance.phases)[at] for at in phases]

    def evaluated(task: tuple[str, Choice]) -> Exact:
        name, choice = task
        announced = game.announce(name) if name else game.announcer.announce(game.menu.path(choice))
        evaluation = game.evaluate(announced)
        revenue, cost = receipts_and_outlays(game.books, evaluation.response, evaluation.payoff)
        leverage = appraiser.leverage(evaluation.response).tolist()
        return Exact(
            revenue, cost, evaluation.payoff.value, evaluation.pessimistic, dict(zip(names, leverage, strict=True))
        )

    return evaluated


def frontier(
    instance: Instance,
    jobs: int = 1,
    limit: float | None = None,
    phase: str | None = None,
    progress: Progress = silent,
) -> Frontier:
    """The Pareto set of the menu over revenue, cost and leverage, with the named strategies placed on it.

    Parameters
    ----------
    jobs : worker processes
    limit : seconds after which the search stops; the set is then that of the strategies covered
    phase : only leverage at the end of this phase counts; default: every phase's, and weights are for the last

    Raises
    ------
    UsageError
        The instance states no leverage, or has no such phase.
    """
    if instance.leverage is None:
        what = "states no cut-off, so that leverage has no measure"
        raise UsageError(instance.name, what, "add leverage: {lengths: [3 month], until: …, recovery: 6 month}")
    if phase is not None:
        check_name("--phase", phase, instance.phases, "phases")
    progress("building", 0, 1)
    study = _Study(instance, phase)
    result = study.answer(study.search(jobs, limit, progress), jobs, progress)
    return replace(result, sentences=sentences(result))


class _Study:
    """One question: the points, the set, and who stands where."""

    def __init__(self, instance: Instance, phase: str | None) -> None:
        self.instance = instance
        names = list(instance.phases)
        self.phases = [names.index(phase)] if phase is not None else list(range(len(names)))
        self.phase = names[self.phases[-1]]
        followers = Followers(instance)
        cutoff = CutOff(instance, followers.market)
        cutoff.lengths = [min((length for length in cutoff.lengths if length > 0), default=0.0)]
        self.length = cutoff.lengths[0]
        self.shared = (instance, followers.market, followers.layout, cutoff, self.phases)
        self.appraiser = Appraiser(*self.shared)
        self.game = self.appraiser.game

    def search(self, jobs: int, limit: float | None, progress: Progress) -> Screening:
        """Read every strategy of the menu."""
        deadline = None if limit is None else time.monotonic() + limit
        options = [len(self.game.menu.postures)] * self.game.menu.slots
        factory = partial(Appraiser, *self.shared)
        return screen_menu(factory, options, self.game.slot_effect(), jobs, deadline, partial(progress, "searching"))

    def answer(self, screening: Screening, jobs: int, progress: Progress) -> Frontier:
        """Everything that is reported, but in words."""
        numbers = screening.numbers
        points = np.column_stack([numbers[:, 0], -numbers[:, 1], numbers[:, 3:]])
        tolerance = tolerances(points, EQUAL)
        efficient = nondominated(points, tolerance)
        by_payoff = efficient[np.argsort(-(points[efficient, 0] + points[efficient, 1]), kind="stable")]
        choices: list[Choice] = [tuple(screening.choices[at].tolist()) for at in by_payoff]
        three, width = points[by_payoff][:, [0, 1, -1]], tolerance[[0, 1, -1]]
        inner = sorted(set(nondominated(three, width).tolist()))
        members = self._members(choices, points[by_payoff], inner, float(width[-1]))
        named = list(self._named(members, three[inner], inner, width))
        exact = self._evaluate(members, choices, named, jobs, progress)
        members = [replace(one, exact=exact.get(("", choice))) for one, choice in zip(members, choices, strict=True)]
        named = [replace(one, exact=exact[one.label, ()]) for one in named]
        rates = self._rates(members, float(width[-1])), self._rates(named, float(width[-1]))
        end = self.appraiser.ends[-1]
        return Frontier(
            schema_version=SCHEMA_VERSION,
            command="frontier",
            instance=subject_of(self.instance),
            phase=self.phase,
            phases=tuple(list(self.instance.phases)[at] for at in self.phases),
            cut_off=CutOffAsked(self.length, self.game.market.grid.names()[end], "all blocs"),
            reading=READING,
            search=Covered(
                menu=len(self.game.menu),
                covered=len(screening.choices),
                share=len(screening.choices) / len(self.game.menu),
                complete=screening.complete,
                seconds=screening.seconds,
                programs=int(numbers[:, 2].sum()),
            ),
            efficient=len(members),
            efficient_in_three=len(inner),
            supported=sum(member.weights is not None for member in members),
            members=tuple(replace(one, worth_in_payoff=rates[0].get(one.label)) for one in members),
            named=tuple(replace(one, worth_in_payoff_among_named=rates[1].get(one.label)) for one in named),
            exact=_differences([*members, *named]),
            sentences=(),
            manifest=reproduced(self.instance),
        )

    def _read(self, label: str, point: Floats) -> Read:
        leverage = {list(self.instance.phases)[at]: float(x) for at, x in zip(self.phases, point[2:], strict=True)}
        return Read(label, float(point[0]), float(-point[1]), float(point[0] + point[1]), leverage)

    def _path(self, choice: Choice) -> dict[str, dict[str, str]]:
        """The posture of each bundle of groups, by phase."""
        path, groups = self.game.menu.path(choice), self.game.market.sets.groups
        return {
            phase: {
                "+".join(groups[g] for g in bundle): " / ".join(dict.fromkeys(postures[bundle[0]]))
                for bundle in self.game.menu.bundles
            }
            for phase, postures in zip(self.instance.phases, path, strict=True)
        }

    def _known(self) -> dict[Choice, str]:
        """The choices on the menu that are a named strategy."""
        found = {}
        for name, strategy in self.instance.strategies.items():
            choice = None if strategy.fed_volumes else self.game.menu.choice(self.game.announce(name).path)
            if choice is not None:
                found[choice] = name
        return found

    def _members(self, choices: Sequence[Choice], points: Floats, inner: list[int], width: float) -> list[Member]:
        """The set, and for which weights each member is best; rates of exchange are those of the search."""
        known, three = self._known(), points[inner][:, [0, 1, -1]]
        scale = ranges(three)
        weights: dict[int, Weights] = {}
        in_revenue: dict[int, Rates | None] = {}
        for at, position in enumerate(inner):
            found = support(three, at, scale)
            if found.is_supported:
                weights[position] = Weights(*found.weights.tolist())
                rates = exchange_rates(three, at, 2)
                in_revenue[position] = rates and _span(*rates)
        rungs = ladder(three[:, 0] + three[:, 1], three[:, 2], width)
        in_payoff = {inner[rung.position]: _span(rung.low, rung.high) for rung in rungs}
        return [
            Member(
                **vars(self._read(known.get(choice, f"menu-{at + 1}"), points[at])),
                path=self._path(choice),
                is_efficient_in_three=at in inner,
                weights=weights.get(at),
                worth_in_revenue=in_revenue.get(at),
                worth_in_payoff=in_payoff.get(at),
                exact=None,
            )
            for at, choice in enumerate(choices)
        ]

    def _named(self, members: list[Member], three: Floats, inner: list[int], width: Floats) -> Iterator[Placed]:
        """The named strategies under the same reading, and what the set has that is better."""
        scale = ranges(three)
        names = list(self.instance.strategies)
        rows = []
        for name in names:
            read = self.appraiser.read(self.game.announce(name))
            rows.append(np.array([read.revenue, -read.cost, *read.leverage]))
        own = np.array(rows)
        for at, name in enumerate(names):
            point = own[at][[0, 1, -1]]
            better = dominators(three, point, width)
            gains = (three[better] - point) / scale
            best = None if not len(better) else members[inner[int(better[np.argmax(gains.sum(axis=1))])]]
            yield Placed(
                **vars(self._read(name, own[at])),
                is_efficient=best is None,
                dominated_by=None if best is None else best.label,
                dominated_by_named=tuple(names[j] for j in dominators(own[:, [0, 1, -1]], point, width)),
                distance=shortfall(three, point, scale),
                worth_in_payoff_among_named=None,
                exact=None,
            )

    def _evaluate(
        self, members: list[Member], choices: list[Choice], named: list[Placed], jobs: int, progress: Progress
    ) -> dict[tuple[str, Choice], Exact]:
        """What is shown, evaluated exactly, by name or choice: the named ones, the ladder, supported members by payoff."""
        order = sorted(
            (at for at, member in enumerate(members) if member.weights is not None),
            key=lambda at: (members[at].worth_in_payoff is None, at),
        )
        tasks: list[tuple[str, Choice]] = [("", choices[at]) for at in order[:EXACT]]
        tasks += [(block.label, ()) for block in named]
        found = {}
        for task, exact in spread(partial(_exact, *self.shared), tasks, jobs):
            found[task] = exact
            progress("evaluating", len(found), len(tasks))
        return found

    def _rates(self, blocks: Sequence[Member] | Sequence[Placed], width: float) -> dict[str, Rates]:
        """At which rates of exchange each is best, from what was evaluated exactly, by label."""
        known = [(block.label, block.exact) for block in blocks if block.exact is not None]
        payoff = [exact.payoff_musd for _, exact in known]
        rungs = ladder(payoff, [exact.leverage_musd[self.phase] for _, exact in known], width)
        return {known[rung.position][0]: _span(rung.low, rung.high) for rung in rungs}


def _span(low: float, high: float) -> Rates:
    """The rates between which a strategy is best; None for no upper end."""
    return low, high if np.isfinite(high) else None


def _differences(blocks: Sequence[Member | Placed]) -> Differences:
    """How far the exact evaluations lie from the reading of the search."""
    known = [(block, block.exact) for block in blocks if block.exact is not None]
    return Differences(
        evaluated=len(known),
        largest_difference_payoff_musd=max(abs(block.payoff_musd - exact.payoff_musd) for block, exact in known),
        largest_difference_leverage_musd=max(
            abs(value - exact.leverage_musd[phase])
            for block, exact in known
            for phase, value in block.leverage_musd.items()
        ),
    )
