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
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.menu.enumeration import Choice, Screening, screen_menu
from coercivity.engine.menu.pareto import (
    Indices,
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
from coercivity.models.licensing.answers.commands import Progress, described, reproduced, silent
from coercivity.models.licensing.answers.objectives import Appraiser, receipts_and_outlays
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.pages.frontier import sentences
from coercivity.models.licensing.reading.leverage import CutOff

SCHEMA_VERSION = 1
# Figures of one strategy that differ by less than this share of the largest count as equal.
EQUAL = 1e-6
# How many members of the set are evaluated exactly, beside the named strategies.
EXACT = 24
READING = "optimistic, tilted: the buyers' best response once their costs are tilted by 0.001 of the leader's gain"


def _exact(
    instance: Instance, market: Market, layout: Layout, cutoff: CutOff, phases: list[int]
) -> Callable[[tuple[str, Choice]], dict[str, Any]]:
    """In a worker process: the exact evaluation of a named strategy, or of a choice on the menu if it has no name."""
    appraiser = Appraiser(instance, market, layout, cutoff, phases)
    game = appraiser.game

    def evaluated(task: tuple[str, Choice]) -> dict[str, Any]:
        name, choice = task
        announced = game.announce(name) if name else game.announcer.announce(game.menu.path(choice))
        evaluation = game.evaluate(announced)
        revenue, cost = receipts_and_outlays(game.books, evaluation.response, evaluation.payoff)
        return {
            "revenue_musd": revenue,
            "cost_musd": cost,
            "payoff_musd": evaluation.payoff.value,
            "pessimistic_musd": evaluation.pessimistic,
            "leverage_musd": appraiser.leverage(evaluation.response).tolist(),
        }

    return evaluated


def frontier(
    instance: Instance,
    jobs: int = 1,
    limit: float | None = None,
    phase: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
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
    desk = _Study(instance, phase)
    screening = desk.search(jobs, limit, progress)
    result = {
        "schema_version": SCHEMA_VERSION,
        "command": "frontier",
        "instance": described(instance),
        **desk.answer(screening, jobs, progress),
    }
    return result | {"sentences": sentences(result), "manifest": reproduced(instance)}


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

    def answer(self, screening: Screening, jobs: int, progress: Progress) -> dict[str, Any]:
        """Everything that is reported."""
        numbers = screening.numbers
        points = np.column_stack([numbers[:, 0], -numbers[:, 1], numbers[:, 3:]])
        tolerance = tolerances(points, EQUAL)
        efficient = nondominated(points, tolerance)
        by_payoff = efficient[np.argsort(-(points[efficient, 0] + points[efficient, 1]), kind="stable")]
        chosen = points[by_payoff]
        three, width = chosen[:, [0, 1, -1]], tolerance[[0, 1, -1]]
        inner = set(nondominated(three, width).tolist())
        members = [
            {
                **self._figures(f"menu-{at + 1}", chosen[at]),
                "path": self._path(screening.choices[by_payoff[at]]),
                "is_efficient_in_three": at in inner,
            }
            for at in range(len(chosen))
        ]
        self._name_known(members, screening, by_payoff)
        self._support(members, three, sorted(inner), float(width[-1]))
        named = list(self._named(members, three, width))
        self._evaluate(members, [tuple(screening.choices[at].tolist()) for at in by_payoff], named, jobs, progress)
        self._exact_ladders(members, named, float(width[-1]))
        return self._summary(screening, numbers, members) | {
            "members": members,
            "named": named,
            "exact": _differences([*members, *named]),
        }

    def _summary(self, screening: Screening, numbers: Floats, members: list[dict[str, Any]]) -> dict[str, Any]:
        end = self.appraiser.ends[-1]
        return {
            "phase": self.phase,
            "phases": [list(self.instance.phases)[at] for at in self.phases],
            "cut_off": {"months": self.length, "after": self.game.market.grid.names()[end], "of": "all blocs"},
            "reading": READING,
            "search": {
                "menu": len(self.game.menu),
                "covered": len(screening.choices),
                "share": len(screening.choices) / len(self.game.menu),
                "complete": screening.complete,
                "seconds": screening.seconds,
                "programs": int(numbers[:, 2].sum()),
            },
            "efficient": len(members),
            "efficient_in_three": sum(member["is_efficient_in_three"] for member in members),
            "supported": sum(member["weights"] is not None for member in members),
        }

    def _figures(self, label: str, point: Floats) -> dict[str, Any]:
        leverage = {list(self.instance.phases)[at]: float(x) for at, x in zip(self.phases, point[2:], strict=True)}
        return {
            "label": label,
            "revenue_musd": float(point[0]),
            "cost_musd": float(-point[1]),
            "payoff_musd": float(point[0] + point[1]),
            "leverage_musd": leverage,
        }

    def _path(self, choice: Floats) -> dict[str, dict[str, str]]:
        """The posture of each bundle of groups, by phase."""
        path, groups = self.game.menu.path(tuple(choice)), self.game.market.sets.groups
        return {
            phase: {"+".join(groups[g] for g in bundle): postures[bundle[0]][0] for bundle in self.game.menu.bundles}
            for phase, postures in zip(self.instance.phases, path, strict=True)
        }

    def _name_known(self, members: list[dict[str, Any]], screening: Screening, order: Indices) -> None:
        """A member that is a named strategy goes by that name."""
        for name, strategy in self.instance.strategies.items():
            choice = None if strategy.fed_volumes else self.game.menu.choice(self.game.announce(name).path)
            if choice is not None:
                for member, at in zip(members, order, strict=True):
                    if tuple(screening.choices[at].tolist()) == choice:
                        member["label"] = name

    def _support(self, members: list[dict[str, Any]], three: Floats, inner: list[int], width: float) -> None:
        """For which weights each member is best; None for one that never is."""
        scale = ranges(three[inner])
        for member in members:
            member |= {"weights": None, "worth_in_revenue": None, "worth_in_payoff": None}
        for at, position in enumerate(inner):
            found = support(three[inner], at, scale)
            if found.is_supported:
                weights = dict(zip(("revenue", "cost", "leverage"), found.weights.tolist(), strict=True))
                members[position]["weights"] = weights
                rates = exchange_rates(three[inner], at, 2)
                members[position]["worth_in_revenue"] = rates and _span(*rates)
        for rung in ladder(three[inner, 0] + three[inner, 1], three[inner, 2], width):
            members[inner[rung.position]]["worth_in_payoff"] = _span(rung.low, rung.high)

    def _named(self, members: list[dict[str, Any]], three: Floats, width: Floats) -> Iterator[dict[str, Any]]:
        """The named strategies under the same reading, and what the set has that is better."""
        inner = [at for at, member in enumerate(members) if member["is_efficient_in_three"]]
        scale = ranges(three[inner])
        names = list(self.instance.strategies)
        rows = []
        for name in names:
            read = self.appraiser.read(self.game.announce(name))
            rows.append(np.array([read.revenue, -read.cost, *read.leverage]))
        own = np.array(rows)
        rungs = ladder(own[:, 0] + own[:, 1], own[:, -1], float(width[-1]))
        spans = {rung.position: _span(rung.low, rung.high) for rung in rungs}
        for at, name in enumerate(names):
            point = own[at][[0, 1, -1]]
            better = dominators(three[inner], point, width)
            gains = (three[inner][better] - point) / scale
            best = None if not len(better) else members[inner[int(better[np.argmax(gains.sum(axis=1))])]]
            others = [names[j] for j in dominators(own[:, [0, 1, -1]], point, width)]
            yield {
                **self._figures(name, own[at]),
                "is_efficient": best is None,
                "dominated_by": best and best["label"],
                "dominated_by_named": others,
                "distance": shortfall(three[inner], point, scale),
                "worth_in_payoff_among_named": spans.get(at),
            }

    def _evaluate(
        self, members: list[dict[str, Any]], choices: list[Choice], named: list[dict[str, Any]], jobs: int, progress: Progress
    ) -> None:  # fmt: skip
        """Evaluate exactly what is shown: the named strategies, the ladder, then supported members by payoff."""
        order = sorted(
            (at for at, member in enumerate(members) if member["weights"] is not None),
            key=lambda at: (members[at]["worth_in_payoff"] is None, at),
        )
        rows = {("", choices[at]): members[at] for at in order[:EXACT]}
        rows |= {(block["label"], ()): block for block in named}
        for block in [*members, *named]:
            block["exact"] = None
        work = spread(partial(_exact, *self.shared), list(rows), jobs)
        for done, (task, found) in enumerate(work, start=1):
            found["leverage_musd"] = dict(zip(rows[task]["leverage_musd"], found["leverage_musd"], strict=True))
            rows[task]["exact"] = found
            progress("evaluating", done, len(rows))

    def _exact_ladders(self, members: list[dict[str, Any]], named: list[dict[str, Any]], width: float) -> None:
        """The rates of exchange once more, from what was evaluated exactly."""
        for blocks, key in ((members, "worth_in_payoff"), (named, "worth_in_payoff_among_named")):
            known = [block for block in blocks if block["exact"] is not None]
            for block in blocks:
                block[key] = None
            payoff = [block["exact"]["payoff_musd"] for block in known]
            for rung in ladder(payoff, [block["exact"]["leverage_musd"][self.phase] for block in known], width):
                known[rung.position][key] = _span(rung.low, rung.high)


def _span(low: float, high: float) -> list[float | None]:
    """The rates between which a strategy is best; None for no upper end."""
    return [low, high if np.isfinite(high) else None]


def _differences(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """How far the exact evaluations lie from the reading of the search."""
    known = [block for block in blocks if block["exact"] is not None]
    return {
        "evaluated": len(known),
        "largest_difference_payoff_musd": max(abs(b["payoff_musd"] - b["exact"]["payoff_musd"]) for b in known),
        "largest_difference_leverage_musd": max(
            abs(value - b["exact"]["leverage_musd"][phase])
            for b in known
            for phase, value in b["leverage_musd"].items()
        ),
    }
