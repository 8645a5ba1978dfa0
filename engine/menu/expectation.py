"""What is expected of commitments that nobody has looked at, from those that were.

The leader's value is nearly additive over slots: one number a slot and option, by least squares. What can be told of a commitment
without the program, a part of its value and a few traits in which the remainder is nearly linear, sharpens that: products of
probabilities, say, which no sum over slots can follow.

Accepts: any menu, and what a game can tell of its commitments before anybody answers.
Bound: none; an expectation only says where to look first.
Source: own; additive models of a menu are those of main effects in the design of experiments.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from coercivity.engine.menu.enumeration import Choice
from coercivity.engine.programs.hot import Floats

Foresight = Callable[[Sequence[Choice]], Sequence[tuple[float, ...]]]
"""What can be told of commitments without the program: of each a part of its value, and traits in which the rest is nearly linear."""
# A menu up to this size is ranked whole where it is ranked by slots alone; of a larger one what is near the best.
RANKED = 20_000
# Commitments from which the expectation is climbed where foresight makes it worth climbing.
STARTS = 8
# Commitments that slots alone expect most of, and that are foretold beside those that were climbed to.
SHORT = 48


class Expectation:
    """The model of one menu; :meth:`fit` it before asking.

    Parameters
    ----------
    options : number of options in each slot
    """

    def __init__(self, options: Sequence[int], foresight: Foresight | None = None) -> None:
        self.options, self.foresight = options, foresight
        self._told: dict[Choice, tuple[float, ...]] = {}
        self._effects: Floats = np.zeros(0)

    def fit(self, values: Mapping[Choice, float]) -> None:
        """Learn from commitments and their values; of several models that fit alike the one of the smallest effects."""
        known = list(values)
        part, columns = self._columns(known)
        rest = np.array([values[choice] for choice in known]) - part
        self._effects = np.asarray(np.linalg.lstsq(columns, rest, rcond=None)[0], dtype=float)

    def of(self, choices: Sequence[Choice]) -> Floats:
        """Expected values of commitments (n,)."""
        part, columns = self._columns(choices)
        expected: Floats = part + columns @ self._effects
        return expected

    def ranked(self, choices: Iterable[Choice]) -> list[Choice]:
        """Commitments, those of the highest expectation first."""
        listed = list(choices)
        return [listed[at] for at in np.argsort(-self.of(listed), kind="stable")] if listed else []

    def promising(self, values: Mapping[Choice, float], count: int) -> list[Choice]:
        """The commitments of the highest expectation that have not been looked at.

        By slots alone the whole menu is ranked. Foresight costs some milliseconds a commitment: there the expectation is
        climbed from the best that were looked at, one slot at a time; what was met on the way, and what slots alone then expect
        most of, is ranked.
        """
        best = sorted(values, key=lambda choice: -values[choice])
        if self.foresight is None:
            met: Iterable[Choice] = self._listed(best[0])
        else:
            climbed = [choice for start in best[:STARTS] for choice in self._climb(start)]
            met = dict.fromkeys([*climbed, *self._shortlist(best[0])])
        return self.ranked(choice for choice in met if choice not in values)[:count]

    def _climb(self, start: Choice) -> Iterator[Choice]:
        here, height = start, float(self.of([start])[0])
        while True:
            near = list(changes(here, 1, self.options))
            yield from near
            expected = self.of(near)
            if not near or expected.max() <= height:
                return
            here, height = near[int(expected.argmax())], float(expected.max())

    def _shortlist(self, best: Choice) -> list[Choice]:
        """Those of the menu near the best that slots alone, fitted to all that has been foretold, expect most of."""
        told = list(self._told)
        effects = np.linalg.lstsq(self._slots(told), self.of(told), rcond=None)[0]
        fresh = [choice for choice in self._listed(best) if choice not in self._told]
        return [fresh[at] for at in np.argsort(-(self._slots(fresh) @ effects), kind="stable")[:SHORT]]

    def _listed(self, best: Choice) -> Iterator[Choice]:
        """The whole menu, or of a large one what differs from the best in up to three slots, no more than can be ranked."""
        if int(np.prod(self.options, dtype=object)) <= RANKED:
            yield from itertools.product(*(range(count) for count in self.options))
            return
        near = itertools.chain.from_iterable(changes(best, slots, self.options) for slots in (1, 2, 3))
        yield from itertools.islice(near, RANKED)

    def _columns(self, choices: Sequence[Choice]) -> tuple[Floats, Floats]:
        """The part of the value that can be told, and the model's columns: ones, one a slot and option, the traits."""
        told = self._foretold(choices)
        return told[:, 0], np.hstack([self._slots(choices), told[:, 1:]])

    def _slots(self, choices: Sequence[Choice]) -> Floats:
        """A column of ones, and one for every slot and option."""
        picked = np.array(choices, dtype=np.int64).reshape(len(choices), len(self.options))
        slots = [picked[:, slot : slot + 1] == np.arange(count) for slot, count in enumerate(self.options)]
        return np.hstack([np.ones((len(choices), 1)), *slots]).astype(float)

    def _foretold(self, choices: Sequence[Choice]) -> Floats:
        if self.foresight is None:
            return np.zeros((len(choices), 1))
        fresh = [choice for choice in dict.fromkeys(choices) if choice not in self._told]
        self._told.update(zip(fresh, self.foresight(fresh), strict=True))
        return np.array([self._told[choice] for choice in choices])


def changes(base: Choice, slots: int, options: Sequence[int]) -> Iterator[Choice]:
    """All commitments that differ from one in so many slots.

    >>> list(changes((0, 1), 1, (2, 2)))
    [(1, 1), (0, 0)]
    """
    for places in itertools.combinations(range(len(options)), slots):
        others = [[option for option in range(options[at]) if option != base[at]] for at in places]
        for picked in itertools.product(*others):
            changed = list(base)
            for at, option in zip(places, picked, strict=True):
                changed[at] = option
            yield tuple(changed)
