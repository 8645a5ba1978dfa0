"""Where the studies of one command are done: one instance, one ledger, one executor, and a count of everything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coercivity.engine.errors import CoercivityError, ExitCode, UsageError, check_name
from coercivity.engine.protocols import Executor
from coercivity.engine.study.designs import Design
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome
from coercivity.engine.study.work.running import Finished, Progress, run_all, share_of
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.study import Outcomes, Study, study_of
from coercivity.models.licensing.studies.values import PointFailure
from coercivity.models.licensing.studies.vary import Varied
from coercivity.models.licensing.studies.worker import Question, What

TRIED = 3  # points that are timed for an estimate
CHUNK = 10_000  # points looked up at a time
Report = Callable[[str, Progress], None]


class Planned(CoercivityError):
    """A dry run: what would be done, and how long it would take."""

    exit_code = ExitCode.OK


@dataclass(frozen=True)
class Effort:
    """How a study is done, which its answer does not depend on.

    Attributes
    ----------
    part : i and n of the share of the points that is run here; all where None
    is_dry : only say what would be done
    """

    executor: Executor
    jobs: int
    ledger: Ledger
    part: tuple[int, int] | None = None
    max_failures: int | None = None
    is_dry: bool = False


def check_pair(instance: Instance, strategy: str | None, against: str | None, fix: str) -> None:
    """Nothing, where two strategies can be held against each other; one that is not named is not looked at.

    Raises
    ------
    UsageError
        No such strategy, it is held against itself (``fix`` says what to name), or there is no second one.
    """
    names = list(instance.strategies)
    for option, name in (("--strategy", strategy), ("--against", against)):
        if name is not None:
            check_name(option, name, names, "strategies")
    if strategy is not None and strategy == against:
        raise UsageError("--against", f"{against} is the strategy itself", fix)
    if len(names) < 2:
        raise UsageError(instance.name, "has a single strategy: nothing can be compared", "add another one")


@dataclass
class Session:
    """Asks questions of one instance; counts are summed over all that it was asked."""

    instance: Instance
    effort: Effort
    report: Report
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[PointFailure] = field(default_factory=list)
    layout: Layout | None = None  # of the instance's program, where it is known

    def __post_init__(self) -> None:
        self.followers = Followers(self.instance, None, self.layout)

    def study(
        self, varied: Sequence[Varied], design: Design, strategies: Sequence[str], what: What = "evaluate"
    ) -> Study:
        """A study of the instance."""
        return study_of(self.instance, self.followers, varied, design, strategies, what)

    def as_stated(self) -> dict[str, float]:
        """The payoff of every named strategy at the stated values, million USD."""
        question = Question(
            self.instance, self.followers.market, self.followers.layout, (), tuple(self.instance.strategies)
        )
        return dict(question()(())["payoff"])

    def pair(self, strategy: str | None, against: str | None) -> tuple[str, tuple[str, ...]]:
        """The strategy that a study is about and the others it is held against; default: the best two as stated.

        Raises
        ------
        UsageError
            No such strategy, or it is held against itself.
        """
        names = list(self.instance.strategies)
        # All the others are no strategy, but for one that is itself called so.
        named = None if against == "all" != strategy else against
        check_pair(self.instance, strategy, named, "name another one, or all")
        if strategy is None or against is None:
            stated = self.as_stated()
            ranked = sorted(names, key=lambda name: -stated[name])
            strategy = strategy or next(name for name in ranked if name != against)
            against = against or next(name for name in ranked if name != strategy)
        others = tuple(name for name in names if name != strategy) if against == "all" else (against,)
        return strategy, others

    def chosen(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The named strategies that ``--strategies`` asks for; all where it is left out."""
        names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
        for name in names:
            check_name("--strategies", name, self.instance.strategies, "strategies")
        return tuple(dict.fromkeys(names)) or tuple(self.instance.strategies)

    def ask(self, study: Study, stage: str, later: int = 0) -> Outcomes:
        """Run what is not known yet and return everything.

        Parameters
        ----------
        later : points that a further stage will need, for the estimate of a dry run

        Raises
        ------
        Planned
            A dry run was asked for.
        CoercivityError
            The ledger cannot be written, too many points failed, or the study was interrupted.
        """
        if self.effort.is_dry:
            raise self._planned(study, later)
        runs = study.runs()
        place = range(len(runs)) if self.effort.part is None else share_of(len(runs), self.effort.part)
        found = Outcomes.empty(study)

        def consume(at: int, outcome: Outcome) -> None:
            found.put(int(study.order[place[at]]), outcome)

        finished = run_all(
            runs.part(place),
            study.question,
            self.effort.ledger,
            self.effort.executor,
            progress=lambda state: self.report(stage, state),
            max_failures=self.effort.max_failures,
            consume=consume,
        )
        self._count(finished)
        self.failures += found.failures(study)
        return found

    def _count(self, finished: Finished) -> None:
        for name in ("total", "reused", "done", "infeasible", "failed"):
            self.counts[name] += getattr(finished, name)

    def _planned(self, study: Study, later: int) -> Planned:
        """What a study would cost, from a few of its points."""
        runs = study.runs()
        known = sum(
            len(self.effort.ledger.known([run.key for run in runs.part(range(at, min(at + CHUNK, len(runs))))]))
            for at in range(0, len(runs), CHUNK)
        )
        worker = study.question()
        worker(study.design.values[study.order[0]].tolist())  # the first one starts cold
        started = time.perf_counter()
        tried = [study.order[at] for at in range(1, min(1 + TRIED, len(runs)))] or [study.order[0]]
        for row in tried:
            try:
                worker(study.design.values[row].tolist())
            except CoercivityError:
                continue
        each = (time.perf_counter() - started) / len(tried)
        left = len(runs) - known + later
        share = 1 if self.effort.part is None else self.effort.part[1]
        hours = left * each / self.effort.jobs / share / 3600.0
        what = (
            f"{len(runs) + later:,} points ({study.design.kind.value}, {len(study.varied)} varied, "
            f"{len(study.strategies)} strategies), {known:,} of them known; {each:.3g} s a point, so about "
            f"{_duration(hours)} with {self.effort.jobs} process{'es' if self.effort.jobs > 1 else ''}"
            + (f" in each of {share} shards" if share > 1 else "")
        )
        return Planned(self.instance.name, what, "run it without --dry-run")


def _duration(hours: float) -> str:
    """A time as people say it.

    >>> _duration(0.001), _duration(0.5), _duration(30.0)
    ('4 s', '30 min', '30 h')
    """
    if hours < 1 / 60:
        return f"{max(1, round(3600 * hours))} s"
    return f"{round(60 * hours)} min" if hours < 2 else f"{hours:,.0f} h"
