"""Best-first search of a menu that is too large to screen: an additive model leads, neighbourhoods and a sample close.

Accepts: any menu that :mod:`coercivity.engine.menu.enumeration` accepts; every commitment costs one hot linear program.

The leader's value is nearly additive over slots: what a posture adds hardly depends on what stands in the others. So a
least-squares model of what was looked at, one number a slot and option, ranks the rest. The search

1. looks at the seeds (commitments that somebody has named) and at all changes of one slot of the best of them;
2. looks at what the model ranks highest, a round at a time, fitting again after each, until that brings nothing better;
3. looks at the changes of one slot of the best, then of two, those that the model likes first; whenever a round brings
   something better it goes on from there;
4. looks at a random sample of the rest, which has never been ranked.

What it says: no commitment within two slots of the best is worth more (each was looked at), and of n drawn at random from the rest
none is, so that with 95 % confidence at most 1 − 0.05^(1/n) of them are. That is no proof: the bound holds for what was looked at.
The model's error is told from commitments that it had not seen when it ranked them.

Bound: none of the whole menu; that of what was looked at rests on the screen alone.
Source: own; additive models of a menu are those of main effects in the design of experiments, n without a hit and 95 % give 3/n (the rule of three).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.menu.enumeration import Choice, Looking, Progress, Screening, screener
from coercivity.engine.parallel import Team
from coercivity.engine.programs.hot import Floats
from coercivity.engine.protocols import Screen

# Commitments that are looked at together, so that every process has work; and how many the model may rank.
ROUND, RANKED = 16, 20_000
# None better of so many drawn: at most a twentieth of the rest, with 95 % confidence.
SAMPLE = 59
CONFIDENCE = 0.95


def best_first(
    factory: Callable[[], Screen],
    options: Sequence[int],
    seeds: Iterable[Choice],
    worth: Callable[[NDArray[np.int64], Floats], Floats],
    jobs: int = 1,
    deadline: float | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    better: Callable[[float, int], None] | None = None,
) -> Screening:
    """Search a menu without looking at all of it; what was looked at, and in ``looking`` how far that goes.

    Parameters
    ----------
    factory : makes a screen; it must be picklable when ``jobs`` > 1
    options : number of options in each slot
    seeds : commitments to begin with
    worth : values of commitments (n, slots) from what the screen says of them (n, k)
    deadline : ``time.monotonic()`` after which no further round is started; the seeds are looked at all the same
    progress : called with (looked at, all)
    better : called with (value, looked at) whenever a round has brought something better
    """
    started = time.monotonic()
    with Team(partial(screener, factory), jobs) as team:
        search = _Search(options, team, worth, deadline, progress, np.random.default_rng(seed), better)
        looking = search.run(list(seeds) or [tuple(0 for _ in options)])
    choices = np.array(list(search.rows), dtype=np.int64).reshape(-1, len(options))
    complete = len(choices) == search.total
    numbers = np.array(list(search.rows.values()))
    return Screening(choices, numbers, complete, time.monotonic() - started, looking)


@dataclass
class _Search:
    options: Sequence[int]
    team: Team
    worth: Callable[[NDArray[np.int64], Floats], Floats]
    deadline: float | None
    progress: Progress | None
    random: np.random.Generator
    better: Callable[[float, int], None] | None
    rows: dict[Choice, tuple[float, ...]] = field(default_factory=dict)
    values: dict[Choice, float] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    is_late: bool = False

    @property
    def total(self) -> int:
        """Commitments on the menu."""
        return int(np.prod(self.options, dtype=object))

    @property
    def best(self) -> Choice:
        """The best one looked at; of equals the first."""
        return max(self.values, key=lambda choice: self.values[choice])

    def run(self, seeds: list[Choice]) -> Looking:
        self.look(seeds)
        self.look(self._changes(self.best, 1))
        neighbourhood, drawn = 0, 0
        while not self.is_late:
            best, neighbourhood = self.best, 0
            self._follow_model()
            for slots in (1, 2):
                if self.best == best and not self.is_late:
                    self._climb(self._changes(best, slots))
                    neighbourhood = neighbourhood if self.is_late or self.best != best else slots
            if self.best == best and not self.is_late:
                drawn = self._sample()
                if self.best == best:
                    break
        error = float(np.mean(self.errors)) if self.errors else 0.0
        share = 1.0 - (1.0 - CONFIDENCE) ** (1.0 / drawn) if drawn else 1.0
        if len(self.values) == self.total:
            share = 0.0
        return Looking(neighbourhood, drawn, share, error, not self.is_late)

    def look(self, choices: Iterable[Choice]) -> None:
        """Look at commitments in rounds, those that are known left out, until the deadline."""
        fresh = [choice for choice in dict.fromkeys(choices) if choice not in self.values]
        for first in range(0, len(fresh), ROUND):
            if self.values and self.deadline is not None and time.monotonic() > self.deadline:
                self.is_late = True
                return
            # Neighbours beside each other, so that a hot program has little to change; a run for every process.
            batch = sorted(fresh[first : first + ROUND])
            size = -(-len(batch) // self.team.jobs)
            runs = [batch[at : at + size] for at in range(0, len(batch), size)]
            for run, found in zip(runs, self.team(runs), strict=True):
                self.rows.update(zip(run, found, strict=True))
            before = max(self.values.values(), default=-np.inf)
            values = self.worth(np.array(batch, dtype=np.int64), np.array([self.rows[choice] for choice in batch]))
            self.values.update(zip(batch, (float(value) for value in values), strict=True))
            if self.progress:
                self.progress(len(self.values), self.total)
            if self.better and values.max() > before:
                self.better(float(values.max()), len(self.values))

    def _climb(self, choices: Iterable[Choice]) -> None:
        """Look at commitments, those that the model likes first, until a round brings something better."""
        best, listed = self.best, [choice for choice in self._by_model(choices) if choice not in self.values]
        for first in range(0, len(listed), ROUND):
            self.look(listed[first : first + ROUND])
            if self.best != best or self.is_late:
                return

    def _changes(self, base: Choice, slots: int) -> Iterator[Choice]:
        """All commitments that differ from one in so many slots."""
        for places in itertools.combinations(range(len(self.options)), slots):
            others = [[option for option in range(self.options[at]) if option != base[at]] for at in places]
            for picked in itertools.product(*others):
                changed = list(base)
                for at, option in zip(places, picked, strict=True):
                    changed[at] = option
                yield tuple(changed)

    def _follow_model(self) -> None:
        """Look at what the model ranks highest, a round at a time, as long as that finds something better."""
        while not self.is_late:
            best = self.best
            fresh = self._by_model(choice for choice in self._ranked() if choice not in self.values)[:ROUND]
            if not fresh:
                return
            expected = self._model(fresh)
            self.look(fresh)
            seen = [(choice, value) for choice, value in zip(fresh, expected, strict=True) if choice in self.values]
            self.errors += [abs(self.values[choice] - float(value)) for choice, value in seen]
            if self.best == best:
                return

    def _ranked(self) -> Iterator[Choice]:
        """The whole menu, or of a large one what differs from the best in up to three slots, no more than can be ranked."""
        if self.total <= RANKED:
            yield from itertools.product(*(range(count) for count in self.options))
            return
        near = itertools.chain.from_iterable(self._changes(self.best, slots) for slots in (2, 3))
        yield from itertools.islice(near, RANKED)

    def _by_model(self, choices: Iterable[Choice]) -> list[Choice]:
        """Commitments in the order in which the model ranks them."""
        listed = list(choices)
        if not listed:
            return []
        return [listed[at] for at in np.argsort(-self._model(listed), kind="stable")]

    def _model(self, choices: Sequence[Choice]) -> Floats:
        """What the additive model expects of commitments: least squares over those looked at, the shortest solution."""
        known = list(self.values)
        answer, *_ = np.linalg.lstsq(
            self._coded(known), np.array([self.values[choice] for choice in known]), rcond=None
        )
        expected: Floats = self._coded(choices) @ answer
        return expected

    def _coded(self, choices: Sequence[Choice]) -> Floats:
        """A column for every slot and option, and one of ones."""
        picked = np.array(choices, dtype=np.int64).reshape(len(choices), -1)
        parts = [picked[:, slot : slot + 1] == np.arange(count) for slot, count in enumerate(self.options)]
        return np.hstack([np.ones((len(choices), 1)), *parts]).astype(float)

    def _sample(self) -> int:
        """Look at commitments drawn at random from the rest; how many were."""
        left = self.total - len(self.values)
        wanted, drawn = min(SAMPLE, left), dict[Choice, None]()
        if self.total <= RANKED:
            rest = [choice for choice in self._ranked() if choice not in self.values]
            drawn.update((rest[at], None) for at in self.random.choice(len(rest), wanted, replace=False))
        while len(drawn) < wanted:
            choice = tuple(int(self.random.integers(count)) for count in self.options)
            if choice not in self.values:
                drawn[choice] = None
        self.look(drawn)
        return sum(choice in self.values for choice in drawn)
