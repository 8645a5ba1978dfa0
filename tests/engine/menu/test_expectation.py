"""What is expected of commitments: exact where the value is additive, sharper where something can be told beforehand."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest

from coercivity.engine.menu.best_first import best_first
from coercivity.engine.menu.enumeration import Choice, asked
from coercivity.engine.menu.expectation import Expectation, changes
from coercivity.engine.parallel import Team

OPTIONS = (3, 4, 2, 3)
EVERY = list(itertools.product(*(range(count) for count in OPTIONS)))
ALONE = [np.random.default_rng(slot).normal(size=count) for slot, count in enumerate(OPTIONS)]


def additive(choice: Choice) -> float:
    return float(sum(ALONE[slot][option] for slot, option in enumerate(choice)))


def odds(choice: Choice) -> float:
    """A product over slots, which no sum follows."""
    return float(np.prod([1.0 - 0.3 * option for option in choice]))


def some(seed: int, count: int) -> list[Choice]:
    picked = np.random.default_rng(seed).choice(len(EVERY), count, replace=False)
    return [EVERY[at] for at in picked]


def test_sums_over_slots_are_foretold_exactly() -> None:
    model = Expectation(OPTIONS)
    model.fit({choice: additive(choice) for choice in some(1, 40)})
    assert model.of(EVERY) == pytest.approx([additive(choice) for choice in EVERY], abs=1e-9)
    assert model.ranked(EVERY)[0] == max(EVERY, key=additive)


@pytest.mark.parametrize(
    "told", [lambda some: [(9.0 * odds(one),) for one in some], lambda some: [(0.0, odds(one)) for one in some]]
)
def test_what_can_be_told_is_exact_where_slots_are_not(told: object) -> None:
    def value(choice: Choice) -> float:
        return additive(choice) + 9.0 * odds(choice)

    known = {choice: value(choice) for choice in some(2, 45)}
    plain, sharp = Expectation(OPTIONS), Expectation(OPTIONS, told)  # type: ignore[arg-type]
    plain.fit(known)
    sharp.fit(known)
    right = np.array([value(choice) for choice in EVERY])
    assert np.abs(sharp.of(EVERY) - right).max() < 1e-8 < 0.1 < np.abs(plain.of(EVERY) - right).max()


def test_promising_ones_are_new_and_come_best_first() -> None:
    for foresight in (None, lambda some: [(odds(one),) for one in some]):
        model, known = Expectation(OPTIONS, foresight), {choice: additive(choice) for choice in some(3, 30)}
        model.fit(known)
        found = model.promising(known, 5)
        assert len(found) == 5 and not set(found) & set(known)
        assert list(model.of(found)) == sorted(model.of(found), reverse=True)


def test_changes_of_so_many_slots() -> None:
    base = (0, 1, 0, 2)
    for slots in (1, 2, 4):
        near = list(changes(base, slots, OPTIONS))
        right = [one for one in EVERY if sum(a != b for a, b in zip(one, base, strict=True)) == slots]
        assert sorted(near) == sorted(right)


class Pair:
    """A value that only two slots together bring, told by a product."""

    def screen(self, choice: Choice) -> tuple[float, ...]:
        """The value."""
        return (additive(choice) - 9.0 * odds(choice),)

    def foretell(self, choice: Choice) -> tuple[float, ...]:
        """The product."""
        return (-9.0 * odds(choice),)


@pytest.mark.parametrize("is_wide", [True, False])
def test_a_near_search_says_that_it_was_near(is_wide: bool) -> None:
    with Team(partial(asked, Pair), 1) as team:
        found = best_first(team, OPTIONS, [(0, 0, 0, 0)], lambda _, rows: rows[:, 0], is_foretold=True, is_wide=is_wide)
    assert found.looking is not None
    best = max(EVERY, key=lambda choice: additive(choice) - 9.0 * odds(choice))
    assert tuple(found.choices[int(found.numbers[:, 0].argmax())].tolist()) == best
    if not is_wide:
        assert (found.looking.neighbourhood, found.looking.sampled, found.looking.share) == (1, 0, 1.0)
    near = {tuple(one) for one in changes(best, 2 if is_wide else 1, OPTIONS)}
    assert near <= {tuple(choice) for choice in found.choices.tolist()}
