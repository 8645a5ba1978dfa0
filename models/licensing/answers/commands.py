"""The main jobs: solve one strategy or find the best, and compare them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.desk.interrupts import Stop, stoppable
from coercivity.engine.parallel import Crew, Team, crew_of, spread
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.engine.report.notebook import Shown
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.announcement.menu import menu_of
from coercivity.models.licensing.answers.game import Found, Optimum, StrategyAnswers, Tell, namer_of
from coercivity.models.licensing.answers.promises import Promises, promises
from coercivity.models.licensing.answers.subject import Subject, subject_of
from coercivity.models.licensing.answers.values import Answer, Named, Search
from coercivity.models.licensing.answers.verdict.first import FirstPage, first_page
from coercivity.models.licensing.answers.verdict.hinges import Hinges
from coercivity.models.licensing.answers.verdict.verdict import Verdict, verdict_of
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.leader.commit import Game

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]
SCHEMA_VERSION = 1
# Strategies on a menu beyond which it is searched best-first unless a proof is asked for: some minutes of a large instance.
LARGE = 1000
# Part of a limit that the search of such a menu may take.
SEARCHING = 0.5
Look = Callable[[Callable[[], Mapping[str, float]]], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, repr=False)
class Result(Shown):
    """What every result says of itself."""

    schema_version: int  # of this layout
    command: str  # that was asked
    instance: Subject  # the game


@dataclass(frozen=True, kw_only=True, repr=False)
class Solution(Answer, Result):
    """The answer to one strategy, or to the best on the menu."""

    search: Search | None  # of the menu; None for a strategy that was named
    manifest: Mapping[str, Any]  # what a later reader needs to repeat the run and to check the result
    interrupted: str | None = sometimes()  # the stage that Ctrl-C ended

    __repr__ = Shown.__repr__

    @property
    def answers(self) -> Sequence[Answer]:
        """The answer itself."""
        return [self]


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Result):
    """The named strategies and the best on the menu side by side."""

    strategies: Sequence[Named | Answer]  # the answers; the best on the menu comes last
    promises: Promises | None  # whether promises and threats would be kept; None where that was not asked
    verdict: Verdict  # what wins, by how much, and on what it hinges
    search: Search  # of the menu
    manifest: Mapping[str, Any]  # what a later reader needs to repeat the run and to check the result
    hinges: Hinges | None = sometimes()  # what stated ranges turn; none where nobody looked
    first: FirstPage | None = sometimes()  # what somebody reads who reads one screen
    # million USD by name; strategies that time was too short to answer and to certify, at a first look
    uncertified: Mapping[str, float] | None = sometimes()
    interrupted: str | None = sometimes()  # the stage that Ctrl-C ended

    @property
    def answers(self) -> Sequence[Answer]:
        """The answers of all strategies."""
        return self.strategies

    def to_frame(self) -> pd.DataFrame:
        """One row a strategy: payoff, its terms, and what buyers bear."""
        import pandas as pd

        rows = {
            answer.strategy.name: {
                "value_musd": answer.leader.value_musd,
                **answer.leader.terms_musd,
                "probability": answer.leader.probability,
                "market_pain_musd": answer.market.market_pain_musd,
                "shortage_t": answer.market.shortage_t,
            }
            for answer in self.strategies
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("strategy")


def is_stopped(result: Solution | Comparison) -> bool:
    """Whether a limit ended the search."""
    search = result.search
    if search is None or search.complete:
        return False
    return search.best_first is None or not search.best_first.finished


def gap(result: Solution | Comparison) -> float | None:
    """How far the best value may lie below its bound, million USD; None where no bound was sought."""
    certificates = [answer.certificate for answer in result.answers]
    gaps = [one.bound_musd - one.optimistic_musd for one in certificates if one.bound_musd is not None]
    return max(0.0, *gaps) if gaps else None


INTERRUPTED = {
    "searching": "before the whole menu was searched",
    "certifying": "while answers were certified",
    "promises": "before promises were looked at",
    "ranges": "before all stated ranges were looked at",
}
"""What is missing where Ctrl-C ended a stage."""


def status(result: Solution | Comparison) -> str:
    """Why the run ended, in a few words."""
    if result.interrupted is not None:
        return f"interrupted {INTERRUPTED.get(result.interrupted, result.interrupted)}"
    return "stopped by its limit before the whole menu was searched" if is_stopped(result) else "finished"


def shortfall(result: Solution | Comparison, require: str | None) -> str | None:
    """In which way a result proves less than was asked for, as a sentence; None where it proves enough.

    ``require`` is the name of a proof level; None asks for BILEVEL_FEASIBLE and for a search that was not
    stopped. In a comparison a strategy that was named, and not searched for, cannot prove more than that.
    """
    level = ProofLevel[require or "BILEVEL_FEASIBLE"]
    below = []
    for answer in result.answers:
        wanted = min(level, ProofLevel.BILEVEL_FEASIBLE) if isinstance(answer, Named) else level
        if ProofLevel[answer.certificate.proof] < wanted:
            below.append(f"{answer.strategy.name} proves {answer.certificate.proof}, below {wanted.name}")
    if below:
        return "; ".join(below)
    if require is None and result.search is not None and is_stopped(result):
        done = f"{result.search.screened:,} of {result.search.menu:,} strategies"
        return f"the limit was reached after {done}: the optimum is not proved"
    return None


def silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def solve(
    instance: Instance,
    strategy: str | None = None,
    jobs: int | Crew = 1,
    limit: float | None = None,
    progress: Progress = silent,
    prove: bool = False,
    tell: Tell | None = None,
) -> Solution:
    """The best commitment on the menu, or a named strategy, evaluated and certified.

    Parameters
    ----------
    strategy : a strategy of the instance; None searches the menu
    jobs : worker processes of the search, or those that there are
    limit : seconds after which the search stops without a proof
    prove : search the whole menu however large; else one of more than :data:`LARGE` strategies is searched best-first
    tell : called with sentences about what is known before the answer is whole

    Raises
    ------
    UsageError
        The instance has no strategy of that name.
    InfeasibleProgram
        The buyers' program has no finite optimum.
    """
    progress("building", 0, 1)
    search = interrupted = None
    if strategy is None:
        with crew_of(jobs) as crew:
            is_long = is_large(instance)
            workers = crew.begin(__name__) if is_long else crew.jobs
            answers = StrategyAnswers(instance)
            with stoppable(tell) as stop:
                found = answers.search(workers, limit, progress, prove or not is_long, tell, stop=stop)
                progress("certifying", 0, 1)
                best = answers.certified(found)
                interrupted = _interrupted(found, stop)
        answer, search = best.answer, best.search
    else:
        answers = StrategyAnswers(instance)
        progress("evaluating", 0, 1)
        answer = answers.named(strategy)
    progress("done", 1, 1)
    return Solution(
        schema_version=SCHEMA_VERSION,
        command="solve",
        instance=subject_of(instance),
        **vars(answer),
        search=search,
        manifest=reproduced(instance),
        interrupted=interrupted,
    )


def _interrupted(found: Found, stop: Stop) -> str | None:
    """The stage that was ended, once answers are certified."""
    if found.screening.is_interrupted:
        return "searching"
    return "certifying" if stop() else None


def is_large(instance: Instance) -> bool:
    """Whether a menu is too large to be searched whole without being asked to."""
    return len(menu_of(instance)) > LARGE


def compare(
    instance: Instance,
    jobs: int | Crew = 1,
    limit: float | None = None,
    progress: Progress = silent,
    leakage: bool | None = None,
    prove: bool = False,
    with_promises: bool = False,
    tell: Tell | None = None,
    wide: bool = False,
    look: Look | None = None,
    certify: int | None = None,
    answers: StrategyAnswers | None = None,
) -> Comparison:
    """Every named strategy and the best on the menu side by side, with a verdict.

    Parameters
    ----------
    jobs : worker processes, or those that there are
    limit : seconds, after which the search stops. Where the menu is large it has half of them; the rest is for named strategies in the
        order of a first look, the baseline before all, and those that are not reached are told uncertified
    leakage : also value each strategy with re-export switched off; default: where the menu is small
    prove : search the whole menu and tell promises; else one of more than :data:`LARGE` strategies is searched best-first
    with_promises : also tell whether promises and threats would be kept; always where the menu is small
    tell : called with sentences about what is known before the answer is whole
    wide : of a large menu look further from the best, and at what changing one slot of every named strategy would add
    certify : answer and certify the baseline and so many named strategies, in the order of a first look; default: all
    look : called, where the menu is large, with what takes a first look; tells and returns what named strategies are worth
    """
    begun = time.monotonic()
    is_whole = prove or not is_large(instance)
    leakage = is_whole if leakage is None else leakage
    until = None if limit is None or is_whole else begun + limit
    is_looked = certify is not None or until is not None or (look is not None and not is_whole)
    with crew_of(jobs) as crew, stoppable(tell) as stop:
        answers = answers or StrategyAnswers(instance)
        workers = crew if is_large(instance) else crew.jobs  # a small game is done before processes have begun

        def search(team: Team) -> Found:
            left = limit if limit is None or until is None else max(0.0, begun + SEARCHING * limit - time.monotonic())
            return answers.search(workers, left, progress, is_whole, tell, wide, team, stop)

        worth, searched = _searched(answers, workers, search, (look or _taken) if is_looked else None)
        if searched.screening.is_interrupted:  # the baseline, which pain is measured against, and no more
            certify, is_whole, leakage, with_promises = 0, False, False, False
        names = _first(worth or instance.strategies, instance.baseline, certify)
        namer = namer_of(answers, leakage, is_whole or wide)
        best, found = _certified(answers, searched, names, namer, workers, progress, until, stop)
        optimum = answers.without_leakage(best.answer, best.path) if leakage else best.answer
        is_kept = is_whole or with_promises
        kept, ended = _kept(answers.game, best.path, is_kept, workers, progress, stop, _interrupted(searched, stop))
    ordered = [*(found[name] for name in instance.strategies if name in found), optimum]
    left = _uncertified(answers, found, worth)
    return Comparison(
        schema_version=SCHEMA_VERSION, command="compare", instance=subject_of(instance),
        strategies=ordered, promises=kept, verdict=verdict_of(instance, ordered, kept, best.search),
        search=best.search, manifest=reproduced(instance),
        first=first_page(instance, ordered, best.search, None, left),
        uncertified=left, interrupted=ended,
    )  # fmt: skip


def _taken(take: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    """A first look that nobody is told."""
    return take()


def _searched(
    answers: StrategyAnswers, workers: int | Crew, search: Callable[[Team], Found], look: Look | None
) -> tuple[Mapping[str, float] | None, Found]:
    """What named strategies are worth at a first look, if that is taken, and what a search finds; both on the same programs."""
    with answers.game.screens(workers if isinstance(workers, Crew) else 1) as team:
        worth = None if look is None else look(partial(answers.first_look, team))
        return worth, search(team)


def _certified(
    answers: StrategyAnswers,
    searched: Found,
    names: Sequence[str],
    namer: Callable[[], Callable[[str], Named]],
    jobs: int | Crew,
    progress: Progress,
    until: float | None,
    stop: Stop,
) -> tuple[Optimum, dict[str, Named]]:
    """The answers to the best of a search and to named strategies; those only that are done by a moment of the monotonic clock.

    Where there are processes, they answer the named ones while the best is certified here, unless that has to tell first how
    long each takes.
    """
    is_begun = isinstance(jobs, Crew) and until is None
    work = spread(namer, names, jobs) if is_begun else iter(())
    progress("certifying", 0, 1)
    started = time.monotonic()
    best = answers.certified(searched)
    each = time.monotonic() - started  # seconds that a named strategy takes too
    if not is_begun:
        tasks = names if until is None else _in_time(names, until - 2.0 * each)
        work = spread(namer, tasks, jobs, each * len(names))
    found: dict[str, Named] = {}
    for name, answer in work:
        found[name] = answer
        progress("comparing", len(found), len(names))
        if stop() and answers.instance.baseline in found:  # pain is measured against it
            break
    return best, found


def _uncertified(
    answers: StrategyAnswers, found: Collection[str], worth: Mapping[str, float] | None
) -> dict[str, float] | None:
    """What the strategies without an answer are worth at a first look, which is taken if it was not; None where all have one."""
    if len(found) == len(answers.instance.strategies):
        return None
    return {name: value for name, value in (worth or answers.first_look()).items() if name not in found}


def _kept(
    game: Game, path: Path, is_asked: bool, jobs: int | Crew, progress: Progress, stop: Stop, ended: str | None
) -> tuple[Promises | None, str | None]:
    """Which promises would be kept, where that is asked and no stage was ended; and the stage that was."""
    if not is_asked or ended is not None:
        return None, ended

    def telling(done: int, total: int) -> None:
        progress("breaking promises", done, total)
        if stop() and done < total:
            raise KeyboardInterrupt

    try:
        return promises(game, path, jobs, telling), None
    except KeyboardInterrupt:
        if not stop():
            raise
        return None, "promises"


def _first(names: Iterable[str], always: str, count: int | None) -> list[str]:
    """So many of the names, in their order, after one that is always there."""
    return [always, *[name for name in names if name != always][:count]]


def _in_time(names: Iterable[str], until: float) -> Iterator[str]:
    """Names one after the other, the first in any case, until a moment after which none would be answered in time."""
    for number, name in enumerate(names):
        if number and time.monotonic() > until:
            return
        yield name


def reproduced(instance: Instance) -> dict[str, Any]:
    """What a later reader needs to check the result: the instance as it was solved."""
    return {"effective_instance": effective(instance)}
