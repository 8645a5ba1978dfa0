"""The answers to one game: of a named strategy, of the best on the menu, and of a saved one again."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.menu.enumeration import Best, Choice, Looking, Screening, in_runs, resolve
from coercivity.engine.parallel import Crew, Team
from coercivity.engine.proof.certificate import Certificate
from coercivity.models.licensing.announcement.announce import Announcement, path_from_rules, path_if_conceded
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.results import Assessment, answer_of, assess, assess_evaluated, path_rows
from coercivity.models.licensing.answers.values import Answer, BestFirst, Commitment, Named, PathRow, Search
from coercivity.models.licensing.audit.certify import Auditor, Figures
from coercivity.models.licensing.audit.recompute import Claim
from coercivity.models.licensing.audit.search import Looked
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Rule, Strategy
from coercivity.models.licensing.leader.commit import Evaluation, Game, tolerance_of
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.reading.leverage import CutOff

Progress = Callable[[str, int, int], None]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Optimum:
    """The best commitment on the menu: its answer, its path, and how far the menu was searched."""

    answer: Answer
    path: Path
    search: Search


@dataclass(frozen=True)
class Found:
    """The best commitment that a search of the menu has found: evaluated, with its bound, and what was looked at."""

    evaluation: Evaluation
    best: Best
    screening: Screening


class StrategyAnswers:
    """The answers to one game, and what they share: the game, the baseline, the cut-off program, the auditor."""

    def __init__(self, instance: Instance, followers: Followers | None = None) -> None:
        self.instance = instance
        self.game = Game(instance, followers)
        self.cutoff = CutOff(instance, self.game.market) if instance.leverage is not None else None
        self.auditor = Auditor(instance)
        self._base: Assessment | None = None
        self.bounds: dict[Choice, float] = {}
        self.has_deviations = True

    @property
    def base(self) -> Assessment:
        """Open trade, against which pain is measured."""
        if self._base is None:
            self._base = assess(self.game, self.game.announce(self.instance.baseline), self.cutoff)
        return self._base

    def named(self, name: str) -> Answer:
        """The answer to a strategy of the instance."""
        if name not in self.instance.strategies:
            near = difflib.get_close_matches(name, list(self.instance.strategies), 1)
            known = ", ".join(self.instance.strategies)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                "--strategy", f"{self.instance.name} has no strategy {name!r}", f"{hint}strategies: {known}"
            )
        announced = self.game.announce(name)
        assessment = self.base if name == self.instance.baseline else assess(self.game, announced, self.cutoff)
        gain, deviation = self.deviation(assessment.evaluation) if self.has_deviations else (None, None)
        return self.answer(assessment, self._certificate(assessment, deviation_gain=gain), deviation)

    def first_look(self, team: Team | None = None) -> dict[str, float]:
        """What the named strategies are worth to the leader, million USD, best first: read on the hot path and not certified."""
        names = list(self.instance.strategies)
        worth = dict(zip(names, in_runs(team or self.game.screens(), "named_worth", names), strict=True))
        return dict(sorted(worth.items(), key=lambda pair: -pair[1]))

    def search(
        self,
        jobs: int | Crew,
        limit: float | None,
        progress: Progress,
        is_proved: bool = True,
        tell: Tell | None = None,
        is_wide: bool = True,
        team: Team | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Found:
        """The best commitment on the menu; without a proof the best that a best-first search has found until it is stopped.

        A search that is not wide looks at changes of one slot of the best and no further.
        """
        better = None if tell is None else partial(_told_better, tell)
        searching = partial(progress, "searching")
        found = self.game.best_commitment(jobs, limit, searching, is_proved, better, is_wide, stop=stop, team=team)
        evaluation, best, screening = found
        self.bounds = dict(
            zip(map(tuple, screening.choices.tolist()), self.game.upper_bounds(screening).tolist(), strict=True)
        )
        return Found(evaluation, best, screening)

    def optimum(self, *asked: Any, **named: Any) -> Optimum:
        """The certified answer to what :meth:`search` finds; takes the same."""
        return self.certified(self.search(*asked, **named))

    def certified(self, found: Found) -> Optimum:
        """The answer to the best commitment that a search has found, certified."""
        best, screening = found.best, found.screening
        looking = screening.looking
        path = self.game.menu.path(best.choice)
        assessment = assess_evaluated(self.game, found.evaluation, self.cutoff)
        gain, deviation = self.deviation(assessment.evaluation)
        assumptions = self.assumptions(len(screening.choices), screening.complete, looking)
        looked = looked_at(self.game, best, screening)
        certificate = self._certificate(assessment, best.bound, assumptions, gain, looked)
        search = Search(
            len(self.game.menu), len(screening.choices), best.resolved, screening.seconds, screening.complete,
            None if looking is None or screening.complete else told_of(looking),
        )  # fmt: skip
        return Optimum(self.answer(assessment, certificate, deviation), path, search)

    def assumptions(
        self, screened: int, is_complete: bool, looking: Looking | BestFirst | None = None
    ) -> tuple[str, ...]:
        """What a bound rests on that was found by looking at so many strategies, in a search that says whether it ended."""
        found = []
        if not is_complete and looking is not None and looking.finished:
            found.append(
                f"the search looked at {screened:,} of {len(self.game.menu):,} strategies, best first: the bound holds for those only"
            )
        elif screened < len(self.game.menu) or not is_complete:
            found.append(
                f"the search was stopped after {screened:,} of {len(self.game.menu):,} strategies: "
                "the bound holds for those only"
            )
        if self.game.is_conditional and self.game.books.window is None:
            found.append(
                "the bound takes the chance of a concession from one best response to each strategy; buyers who are indifferent "
                "might make another type concede"
            )
        return tuple(found)

    def answer(
        self, assessment: Assessment, certificate: Certificate, best_deviation: Sequence[PathRow] | None
    ) -> Answer:
        """The answer to a strategy that was judged."""
        return answer_of(self.game, assessment, self.base, certificate, best_deviation)

    def deviation(self, evaluation: Evaluation) -> tuple[float | None, list[PathRow] | None]:
        """What the best change of one slot would add, and that change; None for a path that is not on the menu."""
        # Volumes that were fed in belong to the record: a change of posture beside them has no meaning.
        choices = [] if evaluation.announced.fed else self.game.deviations(evaluation.announced.path)
        if not choices:
            return None, None
        known = [self.bounds.get(choice) for choice in choices]
        bounds = self.game.screened_bounds(choices) if None in known else np.array(known, dtype=float)
        best = resolve(np.array(choices), bounds, self.game.exact, tolerance_of(bounds))
        ours, other = (self.game.menu.path(best.choice), evaluation.announced.path)
        changed = [row for row in path_rows(self.game, ours) if row not in path_rows(self.game, other)]
        return best.value - evaluation.optimistic, changed

    def _certificate(
        self,
        assessment: Assessment,
        bound: float | None = None,
        assumptions: tuple[str, ...] = (),
        deviation_gain: float | None = None,
        looked: Looked | None = None,
    ) -> Certificate:
        announced = assessment.evaluation.announced
        return self.auditor.certify(
            claim_of(self.instance, announced),
            figures_of(self.game, assessment),
            bound,
            assumptions,
            deviation_gain,
            looked,
            announced.name if announced.name in self.instance.strategies else None,
        )

    def without_leakage(self, answer: Answer, path: Path) -> Answer:
        """An answer that also says what the strategy is worth to the leader when nothing is re-exported."""
        announced = self._announced(answer.strategy, path, leakage=False)
        leader = replace(answer.leader, value_without_leakage_musd=self.game.evaluate(announced).optimistic)
        return replace(answer, leader=leader)

    def assessed(self, stated: Commitment, path: Path) -> Assessment:
        """A saved answer's strategy, assessed anew from its path alone."""
        is_base = stated.name == self.instance.baseline
        return self.base if is_base else assess(self.game, self._announced(stated, path), self.cutoff)

    def _announced(self, stated: Commitment, path: Path, leakage: bool = True) -> Announcement:
        """The announcement of a stated strategy, with the volumes fed in if it has any."""
        strategy = self.instance.strategies.get(stated.name)
        fed = strategy.fed if strategy is not None and stated.fed else None
        conceded = path_if_conceded(self.instance, strategy) if strategy is not None else None
        return self.game.announcer.announce(path, stated.name, fed, leakage, conceded)


def _told_better(tell: Tell, value: float, looked: int) -> None:
    tell(f"Best found so far: {value:,.0f} million USD, after {looked:,} strategies.")


def told_of(looking: Looking) -> BestFirst:
    """How far a best-first search has looked, as a result says it."""
    return BestFirst(looking.neighbourhood, looking.sampled, looking.share, looking.error, looking.finished)


def looked_at(game: Game, best: Best, screening: Screening) -> Looked | None:
    """What a search says of itself, for the judge; None where it was not finished."""
    if not screening.complete:
        return None
    # In an order that does not tell how the search went, which whoever verifies it may do otherwise.
    order = sorted(range(len(screening.choices)), key=screening.choices.tolist().__getitem__)
    return Looked(screening.choices[order], game.upper_bounds(screening)[order], best.resolved)


def claim_of(instance: Instance, announced: Announcement) -> Claim:
    """What an announcement claims, for the audit."""
    fed = instance.strategies[announced.name].fed if announced.fed else {}
    return Claim(announced.path, fed, announced.leakage, announced.conceded, announced.chance)


def figures_of(game: Game, assessment: Assessment) -> Figures:
    """What an assessment claims, in plain numbers."""
    evaluation, response = assessment.evaluation, assessment.response
    tree = game.market.tree
    nodes = np.array([tree.path(scenario) for scenario in range(tree.scenarios)])
    plan = {name: values[nodes] for name, values in response.plan.items()}
    return Figures(
        terms=evaluation.payoff.terms,
        value=evaluation.payoff.value,
        optimistic=evaluation.optimistic,
        pessimistic=evaluation.pessimistic,
        buyers_cost=response.cost / 1000.0,
        probability=evaluation.payoff.probability,
        pressure=evaluation.payoff.pressure,
        exports=plan["imports"].sum(axis=-1),
        captured_rent=evaluation.payoff.rents["captured_rent"][nodes],
        exporter_rent=evaluation.payoff.rents["exporter_rent"][nodes],
        plan=plan,
        reconciliation=(assessment.accounts.total - response.cost) / 1000.0,
    )


def path_of_rows(instance: Instance, rows: Sequence[PathRow]) -> Path:
    """The path that a saved result states.

    Raises
    ------
    UsageError
        A row names something that the instance does not have, or a posture is missing.
    """
    try:
        rules = tuple(Rule(posture=row.posture, phase=row.phase, group=row.group, product=row.product) for row in rows)
        path = path_from_rules(instance, Strategy(title="saved", rules=rules))
    except (KeyError, ValueError) as error:
        raise UsageError(
            "strategy.path", f"the saved path cannot be read: {error}", "save the result again with coercivity solve"
        ) from None
    for phase in path:
        for group in phase:
            for name in group:
                if name not in instance.postures:
                    raise UsageError(
                        "strategy.path", f"unknown posture {name!r}", "save the result again with coercivity solve"
                    )
    return path


def namer_of(answers: StrategyAnswers, leakage: bool, is_told: bool) -> Callable[[], Callable[[str], Named]]:
    """What makes, in any process, what answers named strategies; with what changing one slot would add, if that ``is_told``."""
    game, bounds = answers.game, answers.bounds if is_told else None
    return partial(_named, game.instance, game.market, game.followers.layout, bounds, leakage)


def _named(
    instance: Instance, market: Market, layout: Layout, bounds: dict[Choice, float] | None, leakage: bool
) -> Callable[[str], Named]:
    """What answers named strategies; without the bounds of a search it does not ask what changing one slot would add."""
    answers = StrategyAnswers(instance, Followers(instance, market, layout))
    answers.bounds, answers.has_deviations = bounds or {}, bounds is not None

    def named(name: str) -> Named:
        answer = answers.named(name)
        if leakage:
            answer = answers.without_leakage(answer, path_from_rules(instance, instance.strategies[name]))
        return Named(**vars(answer), search=None)

    return named
