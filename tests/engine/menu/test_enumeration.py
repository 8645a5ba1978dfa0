"""The search over a menu: every choice once, the true optimum under loose bounds, work spread over processes."""

from __future__ import annotations

import itertools
import os
import random
import time
from functools import partial

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coercivity.engine import parallel
from coercivity.engine.menu.enumeration import gray_code, ordered_choices, resolve, screen_menu
from coercivity.engine.parallel import spread

few = settings(max_examples=60, derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
seeds = st.integers(0, 10**6)


@few
@given(st.lists(st.integers(1, 4), min_size=0, max_size=5), st.randoms(use_true_random=False))
def test_every_choice_comes_once_and_neighbours_differ_by_one_step(options: list[int], draw: random.Random) -> None:
    effect = [draw.random() for _ in options]
    for walk in (list(gray_code(options)), list(ordered_choices(options, effect))):
        assert sorted(walk) == sorted(itertools.product(*map(range, options)))
        assert all(sum(abs(a - b) for a, b in zip(x, y, strict=True)) == 1 for x, y in itertools.pairwise(walk))
    if len(options) > 1:
        slowest = int(np.argmax(effect))
        changes = sum(x[slowest] != y[slowest] for x, y in itertools.pairwise(ordered_choices(options, effect)))
        assert changes == options[slowest] - 1


@few
@given(seeds, st.integers(1, 40), st.floats(0, 10))
def test_the_optimum_is_found_however_loose_the_bounds(seed: int, count: int, loose: float) -> None:
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 10, count) + 0.0
    bounds = values + loose * draw.random(count)
    found = resolve(
        np.arange(count).reshape(-1, 1), bounds, lambda choice: (values[choice[0]], f"no {choice[0]}"), 1e-6
    )
    assert found.value == values.max()
    assert values[found.choice[0]] == values.max()
    assert found.detail == f"no {found.choice[0]}"
    assert values.max() <= found.bound <= values.max() + 1e-6
    assert found.resolved <= max(1, (bounds > values.max() + 1e-6).sum() + (values == values.max()).sum())
    if loose == 0:
        assert found.resolved == 1


class Squares:
    """A screen whose number is the square of a choice's digits."""

    def __init__(self, base: int) -> None:
        self.base = base

    def screen(self, choice: tuple[int, ...]) -> tuple[float, ...]:
        return (float(sum(digit * self.base**place for place, digit in enumerate(choice)) ** 2),)


def test_a_menu_is_screened_in_full_or_says_that_it_is_not() -> None:
    told: list[tuple[int, int]] = []
    found = screen_menu(
        partial(Squares, 10), [3, 4, 5], [1, 2, 3], progress=lambda *done: told.append(done), run_length=7
    )
    assert found.complete
    assert len(set(map(tuple, found.choices.tolist()))) == 60
    for choice, row in zip(found.choices.tolist(), found.numbers, strict=True):
        assert row == Squares(10).screen(tuple(choice))
    assert told[-1] == (60, 60)
    late = screen_menu(partial(Squares, 10), [3, 4], [1, 2], deadline=-1.0, run_length=5)
    assert not late.is_interrupted
    assert not late.complete
    assert late.choices.shape == (5, 2)


@pytest.mark.parametrize("pressed", [0, 1, 2])
def test_whoever_stops_it_has_what_was_screened(pressed: int) -> None:
    told: list[int] = []
    kept = screen_menu(
        partial(Squares, 10), [3, 4], [1, 2], run_length=5,
        progress=lambda done, _: told.append(done), stop=lambda: len(told) >= pressed,
    )  # fmt: skip
    # The first run is screened in any case, so that there is something to be told.
    assert kept.is_interrupted and not kept.complete
    assert kept.choices.shape == (5 * max(1, pressed), 2)
    whole = screen_menu(partial(Squares, 10), [3, 4], [1, 2], run_length=5, progress=lambda *_: None)
    assert whole.complete and not whole.is_interrupted


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 0.0), (2, 0.0), (2, 60.0), (1, 60.0)])
def test_work_spread_over_processes_does_every_task_once(jobs: int, seconds: float) -> None:
    found = dict(spread(partial(partial, pow, 2), iter(range(12)), jobs, seconds))
    assert found == {task: 2**task for task in range(12)}


def test_processes_are_started_only_where_the_work_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here, factory = os.getpid(), partial(partial, slept, 0.02)
    assert {process for _, process in spread(factory, range(12), 2)} == {here}
    monkeypatch.setattr(parallel, "START_SECONDS", 0.05)
    places = [process for _, process in spread(factory, range(12), 2)]
    assert places[:2] == [here, here]
    assert here not in places[-6:]
    assert len(places) == 12
    assert {process for _, process in spread(factory, range(3), 1)} == {here}
    assert here not in {process for _, process in spread(factory, range(3), 2, 0.1)}


def slept(seconds: float, task: int) -> int:
    time.sleep(seconds)
    return os.getpid()
