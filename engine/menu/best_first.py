"""Best-first search of a menu that is too large to screen: an expectation leads, neighbourhoods and a sample close.

Accepts: any menu that :mod:`coercivity.engine.menu.enumeration` accepts; every commitment costs one hot linear program.

The search

1. looks at the seeds (commitments that somebody has named) and at all changes of one slot of the best of them;
2. looks at what :mod:`coercivity.engine.menu.expectation` puts first, a round at a time, fitting again after each, until two rounds
   bring nothing better;
3. looks at the changes of one slot of the best, then of two, those of the highest expectation first; whenever a round brings
   something better it goes on from there;
4. looks at a random sample of the rest, which has never been ranked.

A caller that wants an answer soon asks for the changes of one slot only, and for no sample.

What it says: no commitment within two slots (or one) of the best is worth more (each was looked at), and of n drawn at random from the
rest none is, so that with 95 % confidence at most 1 − 0.05^(1/n) of them are. That is no proof: the bound holds for what was looked at.
The model's error is told from commitments that it had not seen when it ranked them.

Bound: none of the whole menu; that of what was looked at rests on the screen alone.
Source: own; n without a hit and 95 % give 3/n (the rule of three).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.menu.enumeration import Choice, Looking, Progress, Screening, in_runs
from coercivity.engine.menu.expectation import Expectation, changes
from coercivity.engine.parallel import Team
from coercivity.engine.programs.hot import Floats

# Commitments that are looked at together, so that every process has work; and how many rounds without anything better end a stage.
ROUND, PATIENCE = 16, 2
# None better of so many drawn: at most a twentieth of the rest, with 95 % confidence.
SAMPLE = 59
CONFIDENCE = 0.95


def best_first(
    team: Team,
    options: Sequence[int],
    seeds: Iterable[Choice],
    worth: Callable[[NDArray[np.int64], Floats], Floats],
    deadline: float | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    better: Callable[[float, int], None] | None = None,
    is_foretold: bool = False,
    is_wide: bool = True,
    stop: Callable[[], bool] = lambda: False,
) -> Screening:
    """Search a menu without looking at all of it; what was looked at, and in ``looking`` how far that goes.

    Parameters
    ----------
    team : whose processes each keep a :class:`~coercivity.engine.protocols.Screen`, asked as
        :func:`~coercivity.engine.menu.enumeration.asked` does
    options : number of options in each slot
    seeds : commitments to begin with
    worth : values of commitments (n, slots) from what the screen says of them (n, k)
    deadline : ``time.monotonic()`` after which no further round is started; the seeds are looked at all the same
    progress : called with (looked at, all)
    better : called with (value, looked at) whenever a round has brought something better
    is_foretold : the screens also ``foretell`` what they can of a commitment without its program
    is_wide : look at all changes of two slots of the best and at a sample; else at those of one slot
    stop : asked before every round but the first; once it says so what was looked at is returned
    """
    started = time.monotonic()
    foresight = partial(in_runs, team, "foretell") if is_foretold else None
    random, expectation = np.random.default_rng(seed), Expectation(options, foresight)
    search = _Search(options, team, worth, deadline, progress, random, better, expectation, is_wide, stop)
    looking = search.run(list(seeds) or [tuple(0 for _ in options)])
    choices = np.array(list(search.rows), dtype=np.int64).reshape(-1, len(options))
    complete = len(choices) == search.total
    numbers = np.array(list(search.rows.values()))
    return Screening(choices, numbers, complete, time.monotonic() - started, looking, search.is_late and stop())


@dataclass
class _Search:
    options: Sequence[int]
    team: Team
    worth: Callable[[NDArray[np.int64], Floats], Floats]
    deadline: float | None
    progress: Progress | None
    random: np.random.Generator
    better: Callable[[float, int], None] | None
    expectation: Expectation
    is_wide: bool
    stop: Callable[[], bool]
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
        """Search, from these commitments on."""
        self.look(seeds)
        self.look(changes(self.best, 1, self.options))
        neighbourhood, drawn = 0, 0
        while not self.is_late:
            best, neighbourhood = self.best, 0
            self._follow()
            for slots in (1, 2) if self.is_wide else (1,):
                if self.best == best and not self.is_late:
                    self._climb(slots)
                    neighbourhood = neighbourhood if self.is_late or self.best != best else slots
            if self.best == best and not self.is_late:
                drawn = self._sample() if self.is_wide else 0
                if self.best == best:
                    break
        return self.told(neighbourhood, drawn)

    def told(self, neighbourhood: int, drawn: int) -> Looking:
        """How far it has looked, with so many slots changed and so many commitments drawn."""
        # Of what it ranked last: the first guesses, from fewer commitments than it has numbers, say nothing of the end.
        error = float(np.mean(self.errors[-PATIENCE * ROUND :])) if self.errors else 0.0
        share = 1.0 - (1.0 - CONFIDENCE) ** (1.0 / drawn) if drawn else 1.0
        if len(self.values) == self.total:
            share = 0.0
        return Looking(neighbourhood, drawn, share, error, not self.is_late)

    def look(self, choices: Iterable[Choice]) -> None:
        """Look at commitments in rounds, those that are known left out, until the deadline."""
        fresh = [choice for choice in dict.fromkeys(choices) if choice not in self.values]
        for first in range(0, len(fresh), ROUND):
            is_over = self.deadline is not None and time.monotonic() > self.deadline
            if self.values and (is_over or self.stop()):
                self.is_late = True
                return
            # Neighbours beside each other, so that a hot program has little to change.
            batch = sorted(fresh[first : first + ROUND])
            self.rows.update(zip(batch, in_runs(self.team, "screen", batch), strict=True))
            before = max(self.values.values(), default=-np.inf)
            values = self.worth(np.array(batch, dtype=np.int64), np.array([self.rows[choice] for choice in batch]))
            self.values.update(zip(batch, (float(value) for value in values), strict=True))
            if self.progress:
                self.progress(len(self.values), self.total)
            if self.better and values.max() > before:
                self.better(float(values.max()), len(self.values))

    def _follow(self) -> None:
        """Look at what is expected to be best, a round at a time, until it is believed that there is nothing better."""
        idle = 0
        while not self.is_late and idle < PATIENCE:
            best = self.best
            self.expectation.fit(self.values)
            fresh = self.expectation.promising(self.values, ROUND)
            if not fresh:
                return
            expected = dict(zip(fresh, self.expectation.of(fresh).tolist(), strict=True))
            self.look(fresh)
            self.errors += [abs(self.values[one] - value) for one, value in expected.items() if one in self.values]
            idle = idle + 1 if self.best == best else 0

    def _climb(self, slots: int) -> None:
        """Look at the changes of so many slots of the best until a round brings something better."""
        best = self.best
        self.expectation.fit(self.values)
        near = self.expectation.ranked(one for one in changes(best, slots, self.options) if one not in self.values)
        for first in range(0, len(near), ROUND):
            self.look(near[first : first + ROUND])
            if self.best != best or self.is_late:
                return

    def _sample(self) -> int:
        """Look at commitments drawn at random from the rest; how many were."""
        wanted, drawn = min(SAMPLE, self.total - len(self.values)), dict[Choice, None]()
        if self.total <= 10 * len(self.values):
            # Few are left: drawing until enough of them are met would take long.
            every = np.ndindex(*self.options)
            rest = [choice for choice in every if choice not in self.values]
            drawn.update((rest[at], None) for at in self.random.choice(len(rest), wanted, replace=False))
        while len(drawn) < wanted:
            choice = tuple(int(self.random.integers(count)) for count in self.options)
            if choice not in self.values:
                drawn[choice] = None
        self.look(drawn)
        return sum(choice in self.values for choice in drawn)
