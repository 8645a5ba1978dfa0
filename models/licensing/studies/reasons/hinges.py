"""The search for what a ranking hinges on: both ends of every stated range, then the break-even of those that turn it.

Points are weighed on the hot path and remembered in a ledger by what they are about, so that the next question about the
same instance finds them. Numbers that the leader's books read come first, then those of small blocks (a discount rate,
fear), those of which there are many (one rival's cost) last: where time ends the search, it has looked at what is cheaper
and likelier to matter.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.menu.breakeven import Bracket, Kind, Turn, bracket_secant, enclose, is_line
from coercivity.engine.protocols import Executor
from coercivity.engine.study.designs import one_at_a_time
from coercivity.engine.study.memory.content import key_of
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import InProcess, Pool, Run, Until
from coercivity.engine.study.work.running import Progress
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.answers.verdict.hinges import TIE, Backing, Hinge, Hinges, Swing, first_of
from coercivity.models.licensing.buyers.evaluate import Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import kind_of
from coercivity.models.licensing.data.strategies import Rule, Strategy
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.studies.session import Effort, Session
from coercivity.models.licensing.studies.study import Outcomes
from coercivity.models.licensing.studies.vary import Varied, uncertain
from coercivity.models.licensing.studies.worker import OPTIMAL, PointWorker

BOOKS = ("leader", "concession", "home", "downstream", "firms")  # blocks that the leader's books read
READ_BY = {
    "margin": ("leader.price.*", "leader.unit_cost.*"), "idle": ("leader.idle_cost",),
    "export_tax": ("leader.tax_passed_on", "postures.*.export_tax", "postures.*.export_duty"),
    "captured_rent": ("leader.rents.*",), "exporter_rent": ("leader.rents.*",), "buffer": ("leader.buffer_cost", "buyers.price_risk.*"),
    "support": ("leader.public_funds", "firms.*"), "glut": ("home.*",), "downstream": ("downstream.*",), "concession": ("concession.*",),
    "retaliation": ("countermeasures.*.cost",),
}  # fmt: skip
"""Where the numbers stand that a term of the payoff multiplies."""
NEAREST = 4  # strategies that are weighed where time is short
LOOKING = 0.75  # share of the time for the ends of ranges; the rest is for closing in on what turns the ranking
TOLD = 12  # swings that are told
WIDTH = 1e-6  # of a bracket, as a share of the larger of its ends
MOST = 30  # evaluations that a break-even may cost
EASY = 1e-3  # million USD: a difference this small is none
Report = Callable[[str, Progress], None]


@dataclass(frozen=True)
class Means:
    """How a search is done, which what it finds does not depend on, but for how far it comes.

    Attributes
    ----------
    seconds : after which no further number is begun; None looks at everything
    again : what was found before, to be found again: as many numbers, the same strategies
    layout : of the instance's program, where it is known
    stop : asked now and then; once it says so no further number is begun
    """

    ledger: Ledger
    jobs: int = 1
    seconds: float | None = None
    report: Report = lambda stage, state: None
    again: Hinges | None = None
    layout: Layout | None = None
    stop: Callable[[], bool] = lambda: False


def hinges_of(instance: Instance, answers: Sequence[Answer], means: Means) -> Hinges:
    """What the ranking of some evaluated strategies hinges on.

    Parameters
    ----------
    answers : of named strategies, and perhaps of the best on the menu, which is taken as it stands
    """
    game, names = with_optimum(instance, answers)
    worth = {names[one.strategy.name]: one.leader.value_musd for one in answers}
    lead = first_of(answers)
    order = _material(worth, names[lead.strategy.name])
    named = _material({name: value for name, value in worth.items() if name in instance.strategies}, None)
    weighed = list(dict.fromkeys([*order, *named[:1]]))
    if means.seconds is not None:
        weighed = list(dict.fromkeys([*order[:NEAREST], *named[:1]]))
    if means.again is not None:
        weighed = [names[name] for name in means.again.weighed if name in names]
    left_out = [name for name in worth if name not in weighed]
    back = {ours: theirs for theirs, ours in names.items()}
    terms = {names[one.strategy.name]: one.leader.terms_musd for one in answers}
    found = _Search(game, weighed, worth, back, means, _differences(terms, weighed)).run()
    return replace(found, weighed=[back[name] for name in weighed], left_out=[back[name] for name in left_out])


def _differences(terms: Mapping[str, Mapping[str, float]], weighed: Sequence[str]) -> dict[str, float]:
    """By place in the file how much of the difference between the first and the next its numbers multiply, million USD."""
    found: dict[str, float] = {}
    if len(weighed) > 1:
        first, other = (terms[name] for name in weighed[:2])
        for term, places in READ_BY.items():
            for place in places:
                found[place] = max(found.get(place, 0.0), abs(first.get(term, 0.0) - other.get(term, 0.0)))
    return found


def _material(worth: Mapping[str, float], lead: str | None) -> list[str]:
    """The first, and after it those that are worth clearly less, best first."""
    ranked = sorted(worth, key=lambda name: -worth[name])
    if not ranked:
        return []
    top = worth[ranked[0]]
    return [lead or ranked[0], *(name for name in ranked if top - worth[name] > TIE * abs(top))]


def with_optimum(instance: Instance, answers: Sequence[Answer]) -> tuple[Instance, dict[str, str]]:
    """An instance in which the best on the menu is a strategy like others, and what each answer's strategy is called there."""
    names = {one.strategy.name: one.strategy.name for one in answers}
    best = next((one for one in answers if one.strategy.is_optimum), None)
    if best is None:
        return instance, names
    called = "best_on_menu"
    while called in instance.strategies:
        called += "_"
    rules = tuple(
        Rule(posture=row.posture, phase=row.phase, group=row.group, product=row.product) for row in best.strategy.path
    )
    strategy = Strategy(title=best.strategy.title, rules=rules)
    game = instance.model_copy(update={"strategies": {**instance.strategies, called: strategy}})
    return game, names | {best.strategy.name: called}


class _Here:
    """Runs points on the worker of a search, so that break-evens start from the answers at the ends."""

    def __init__(self, search: _Search) -> None:
        self.search = search

    def outcomes(
        self, runs: Sequence[Run], todo: Sequence[int], factory: Callable[[], Any]
    ) -> Iterator[tuple[int, Outcome]]:
        """As of any executor."""
        return InProcess().outcomes(runs, todo, lambda: self.search.worker)


class _Search:
    """One instance and the strategies that are weighed in it."""

    def __init__(
        self,
        game: Instance,
        weighed: Sequence[str],
        worth: Mapping[str, float],
        back: Mapping[str, str],
        means: Means,
        differences: Mapping[str, float],
    ) -> None:
        self.differences = differences
        self.game, self.weighed, self.back, self.means = game, list(weighed), back, means
        self.named = [name for name in self.weighed if back[name] != OPTIMAL]
        self.lead = self.weighed[0]
        self.worth = worth
        started = time.monotonic()
        self.ends = math.inf if means.seconds is None else started + means.seconds
        self.looks_until = math.inf if means.seconds is None else started + LOOKING * means.seconds
        self.unclosed: list[str] = []

    def run(self) -> Hinges:
        """Look at the ends, then close in on what turns the ranking."""
        empty = Hinges(0, 0, 0, True, [], [], self.back[self.lead], self._lead_as_stated(), [], [], [], [])
        try:
            every = _ordered(uncertain(self.game), self.differences)
        except UsageError as error:
            return replace(empty, note=str(error.what))
        if empty.lead_musd is None:
            return replace(empty, ranges=len(every), note="no strategy is worth clearly less than the first")
        again = self.means.again
        axes = every if again is None else every[: again.looked]
        if not axes:
            return replace(empty, ranges=len(every), complete=False)
        session = self._session()
        study = replace(session.study(axes, one_at_a_time([one.axis for one in axes]), self.weighed), is_ordered=True)
        self.worker = PointWorker(study.question)
        outcomes = session.ask(study, "ranges")
        self.base, self.axes, self.study = [one.axis.value for one in axes], axes, study
        ends = outcomes.payoff[1:].reshape(len(axes), 2, -1)
        looked = [
            at
            for at in range(len(axes))
            if all(status is not None for status in outcomes.status[2 * at + 1 : 2 * at + 3])
        ]
        fit = [at for at in looked if np.isfinite(ends[at]).all()]
        found = self._turns(self.lead, fit, ends, outcomes)
        others = self._turns(self.named[0], fit, ends, outcomes) if self.named[0] != self.lead else []
        return replace(
            empty,
            ranges=len(every),
            looked=len(looked),
            unfit=len(looked) - len(fit),
            complete=len(looked) == len(every) and not self.unclosed,
            turns=found,
            named_turns=others,
            unclosed=list(dict.fromkeys(self.unclosed)),
            swings=self._swings(fit, ends, outcomes),
        )

    def _lead_as_stated(self) -> float | None:
        behind = [self.worth[name] for name in self.weighed if name != self.lead and self._is_behind(self.lead, name)]
        return self.worth[self.lead] - max(behind) if behind else None

    def _is_behind(self, first: str, name: str) -> bool:
        """Whether a strategy is worth clearly less as stated."""
        return self.worth[first] - self.worth[name] > TIE * abs(self.worth[first])

    def _session(self) -> Session:
        # Where time is short no process is started: each would have to begin from scratch.
        is_short = self.means.seconds is not None or self.means.jobs == 1
        executor: Executor = _Here(self) if is_short else Pool(self.means.jobs)
        effort = Effort(
            Until(executor, self.looks_until, self.means.stop),
            self.means.jobs,
            self.means.ledger,
        )
        return Session(self.game, effort, self.means.report, layout=self.means.layout)

    def _turns(self, first: str, fit: Sequence[int], ends: Floats, outcomes: Outcomes) -> list[Hinge]:
        """The hinges of one leading strategy, the nearest to the stated value first."""
        column = {name: at for at, name in enumerate(self.weighed)}
        rivals = [name for name in (self.weighed if first == self.lead else self.named) if self._is_behind(first, name)]
        found: list[Hinge] = []
        for at in fit:
            for side in (0, 1):
                mine = ends[at, side, column[first]]
                over = [name for name in rivals if ends[at, side, column[name]] - mine > TIE * abs(mine)]
                hinge = self._hinge(first, at, side, over, ends[at], outcomes.payoff[0]) if over else None
                found += [] if hinge is None else [hinge]
        return sorted(found, key=lambda one: one.within)

    def _hinge(self, first: str, at: int, side: int, over: Sequence[str], ends: Floats, stated: Floats) -> Hinge | None:
        """Close in on where the first is overtaken; nothing where the stated value lies at that end, or time is over."""
        one, column = self.axes[at], {name: place for place, name in enumerate(self.weighed)}
        now, end = one.axis.value, (one.axis.low, one.axis.high)[side]
        if now == end:
            return None
        places = [column[name] for name in over]

        def lead(payoff: Floats) -> float:
            return float(payoff[column[first]] - payoff[places].max())

        turn = self._known(first, at, side) or self._closed(
            first, one, over, [lead(ends[0]), lead(stated), lead(ends[1])], side
        )
        if turn is None:
            self.unclosed.append(one.axis.name)
            return None
        self._remember(first, at, side, turn)
        by = min(over, key=lambda name: self._reaches(first, name, column, ends[side], stated))
        parameter = one.parameter
        return Hinge(
            parameter=one.axis.name,
            unit=parameter.unit,
            now=now,
            low=one.axis.low,
            high=one.axis.high,
            break_even=turn.value,
            bracket=(turn.low, turn.high),
            within=abs(turn.value - now) / abs(end - now),
            leads=self.back[first],
            overtaken_by=self.back[by],
            lead_musd=float(stated[column[first]] - stated[column[by]]),
            at_end_musd=float(ends[side][column[first]] - ends[side][column[by]]),
            says=turn.kind.value,
            backing=backing_of(self.game, one.axis.name),
        )

    @staticmethod
    def _reaches(first: str, name: str, column: Mapping[str, int], end: Floats, stated: Floats) -> float:
        """How far towards an end a strategy overtakes the first, if both go there on straight lines."""
        before, after = (float(payoff[column[first]] - payoff[column[name]]) for payoff in (stated, end))
        return before / (before - after)

    def _closed(self, first: str, one: Varied, over: Sequence[str], leads: Sequence[float], side: int) -> Turn | None:
        """The break-even of one number: in closed form where its lead is a straight line, else enclosed on hot programs."""
        axis = one.axis
        points, values = zip(
            *sorted({axis.low: leads[0], axis.value: leads[1], axis.high: leads[2]}.items()), strict=True
        )
        ends = sorted([(axis.value, leads[1]), ((axis.low, axis.high)[side], leads[2 * side])])
        bracket = Bracket(ends[0][0], ends[1][0], ends[0][1], ends[1][1])
        if is_line(points, values):
            at = bracket_secant(bracket)
            return Turn(at, at, at, 0.0, bracket.at_high > 0, Kind.AFFINE, 0)
        again = self.means.again
        if (again is not None and axis.name in again.unclosed) or (time.monotonic() > self.ends or self.means.stop()):
            return None
        at = self.axes.index(one)

        def lead(value: float) -> float:
            payoff = self.worker.payoffs([*self.base[:at], value, *self.base[at + 1 :]], [first, *over])
            return payoff[first] - max(payoff[name] for name in over)

        width = WIDTH * max(abs(bracket.low), abs(bracket.high))
        if one.parameter.is_whole:
            return None
        try:
            return enclose(lead, bracket, width, MOST, None, EASY)
        except CoercivityError:
            # Between two values that fit there may be one that does not.
            return None

    def _key(self, first: str, at: int, side: int) -> str:
        return key_of("break-even", self.study.runs()[2 * at + 1 + side].key, sorted(self.weighed), first, WIDTH)

    def _known(self, first: str, at: int, side: int) -> Turn | None:
        key = self._key(first, at, side)
        outcome = self.means.ledger.known([key]).get(key)
        if outcome is None or outcome.status is not Status.DONE:
            return None
        told = dict(outcome.values)
        return Turn(**{**told, "kind": Kind[str(told["kind"])]})

    def _remember(self, first: str, at: int, side: int, turn: Turn) -> None:
        told = {**vars(turn), "kind": turn.kind.name}
        self.means.ledger.add(self._key(first, at, side), Outcome(Status.DONE, told))

    def _swings(self, fit: Sequence[int], ends: Floats, outcomes: Outcomes) -> list[Swing]:
        others = [at for at, name in enumerate(self.weighed) if self._is_behind(self.lead, name)]

        def lead(payoff: Floats) -> float:
            return float(payoff[0] - payoff[others].max())

        found = []
        for at in fit:
            axis = self.axes[at].axis
            low, high, now = lead(ends[at, 0]), lead(ends[at, 1]), lead(outcomes.payoff[0])
            width = max(low, high, now) - min(low, high, now)
            backing = backing_of(self.game, axis.name)
            unit = self.axes[at].parameter.unit
            found.append(Swing(axis.name, unit, axis.value, axis.low, axis.high, low, high, width, backing))
        return sorted(found, key=lambda one: -one.swing_musd)[:TOLD]


def _ordered(axes: Sequence[Varied], differences: Mapping[str, float]) -> list[Varied]:
    """Numbers that multiply most of what the first two differ by, then others that the leader's books read, then small blocks.

    Most of those that the books read cost no program. Of equals, those that are stated at an end of their range come first:
    all that is in doubt lies on one side.
    """
    blocks = [one.axis.name.partition(".")[0] for one in axes]
    count = Counter(blocks)

    def place(at: int) -> tuple[float, bool, bool, int]:
        axis = axes[at].axis
        moved = max((size for path, size in differences.items() if fnmatchcase(axis.name, path)), default=0.0)
        is_inside = axis.low < axis.value < axis.high
        return -moved, blocks[at] not in BOOKS, is_inside, count[blocks[at]]

    order = sorted(range(len(axes)), key=place)
    return [axes[at] for at in order]


def backing_of(instance: Instance, path: str) -> Backing:
    """What a number of an instance rests on."""
    number = dict(instance.quantities())[path]
    reason = "; ".join(text for text in (number.derivation, number.assumption) if text)
    return Backing(kind_of(number), number.grade, list(number.source), reason)
