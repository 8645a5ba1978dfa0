"""A study of a game: its question, its points, and the arrays of what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from coercivity.engine.study.designs import Design, close_order
from coercivity.engine.study.memory.content import key_of, program_version
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import Run
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.studies.substitution import Writer
from coercivity.models.licensing.studies.values import PointFailure
from coercivity.models.licensing.studies.vary import Varied
from coercivity.models.licensing.studies.worker import OPTIMAL, Question, What

PACKAGES = ("coercivity.engine", "coercivity.models.licensing")
# What a point costs in memory is a row of the design and a row of every outcome; messages are kept for this many.
SHOWN = 1000


@dataclass(frozen=True)
class Study:
    """One question at every point of a design.

    Attributes
    ----------
    varied : what the columns of the design are, in their order
    is_ordered : whether the rows are run as they stand; else neighbours follow each other
    """

    question: Question
    design: Design
    varied: tuple[Varied, ...]
    is_ordered: bool = False

    @cached_property
    def order(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """The rows of the design in the order in which they are run: neighbours are close."""
        return np.arange(len(self.design)) if self.is_ordered else close_order(self.design)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that have a payoff at every point."""
        return (*self.question.strategies, OPTIMAL) if self.question.what == "solve" else self.question.strategies

    def runs(self) -> Runs:
        """The runs in the order in which they are best done."""
        return Runs(self)


class Runs(Sequence[Run]):
    """The runs of a study, or some of them, made when they are asked for, so that a million of them need no memory."""

    def __init__(self, study: Study) -> None:
        self.study, self._places = study, range(len(study.design))
        question = study.question
        self._writer = Writer(question.instance, question.parameters)
        version = program_version(*PACKAGES, libraries=("highspy",))
        about = {"strategies": sorted(question.strategies), "what": question.what}
        self._base = key_of(question.instance.fingerprint(), about, version)

    def part(self, places: range) -> Runs:
        """The runs at some places."""
        found = copy(self)
        found._places = self._places[places.start : places.stop]
        return found

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, at: int) -> Run:  # type: ignore[override]  # a part of them is asked for by name
        values = self.study.design.values[self.study.order[self._places[at]]].tolist()
        return Run(key_of(self._base, self._writer.changes(values)), values)


def study_of(
    instance: Instance,
    followers: Followers,
    varied: Sequence[Varied],
    design: Design,
    strategies: Sequence[str],
    what: What = "evaluate",
) -> Study:
    """A study of an instance.

    Parameters
    ----------
    followers : of the instance as stated; workers take their market and their program over
    """
    parameters = tuple(one.parameter for one in varied)
    question = Question(instance, followers.market, followers.layout, parameters, tuple(strategies), what)
    return Study(question, design, tuple(varied))


@dataclass
class Outcomes:
    """What came out at the n points of a study, in the rows of its design; NaN where nothing did.

    Attributes
    ----------
    payoff, probability, pressure : (n, m) by strategy, million USD but for the probability
    share : (n, m, years) of the leader in what is bought abroad
    status : (n,) of every point; None where it was not run
    messages : why a point failed or has no solution, by row; the first :data:`SHOWN`
    paths : best strategy by row, for ``solve``
    """

    strategies: tuple[str, ...]
    payoff: Floats
    probability: Floats
    pressure: Floats
    share: Floats
    first_year: int
    status: list[Status | None]
    messages: dict[int, str] = field(default_factory=dict)
    paths: dict[int, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def empty(cls, study: Study) -> Outcomes:
        """Room for all points of a study."""
        n, m = len(study.design), len(study.strategies)
        grid = study.question.market.grid
        first, last = int(grid.start[0]) // 12, (int(grid.end[-1]) - 1) // 12
        payoff, probability, pressure = (np.full((n, m), np.nan) for _ in range(3))
        share = np.full((n, m, last - first + 1), np.nan)
        return cls(study.strategies, payoff, probability, pressure, share, first, [None] * n)

    def put(self, row: int, outcome: Outcome) -> None:
        """Note what came out at a row of the design."""
        self.status[row] = outcome.status
        self.seconds += outcome.seconds
        if outcome.status is not Status.DONE:
            if len(self.messages) < SHOWN:
                self.messages[row] = outcome.message
            return
        values = outcome.values
        for name, table in (("payoff", self.payoff), ("probability", self.probability), ("pressure", self.pressure)):
            table[row] = [values[name][strategy] for strategy in self.strategies]
        for at, strategy in enumerate(self.strategies):
            by_year = values["share"][strategy][: self.share.shape[2]]
            self.share[row, at, : len(by_year)] = [np.nan if value is None else value for value in by_year]
        if "path" in values:
            self.paths[row] = values["path"]

    @property
    def is_done(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(n,) which points have an answer."""
        return np.array([status is Status.DONE for status in self.status])

    def counts(self) -> dict[str, int]:
        """How many points ended how."""
        found = Counter("not run" if status is None else status.value for status in self.status)
        return {name: found.get(name, 0) for name in ("done", "infeasible", "failed", "not run")}

    def gap(self, strategy: str, against: Sequence[str]) -> Floats:
        """What a strategy is worth more than the best of others, (n,) million USD; its own payoff against nobody."""
        own = self.payoff[:, self.strategies.index(strategy)]
        if not against:
            return own
        others = self.payoff[:, [self.strategies.index(name) for name in against]]
        return np.asarray(own - others.max(axis=1))

    def failures(self, study: Study) -> list[PointFailure]:
        """The points without an answer, with the values that they have."""
        names, values = study.design.names, study.design.values
        return [
            PointFailure(row, str(self.status[row]), message, dict(zip(names, values[row].tolist(), strict=True)))
            for row, message in sorted(self.messages.items())
        ]
