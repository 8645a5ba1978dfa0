"""A search that does not look at everything: it finds what enumeration proves, and says how far it has looked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from coercivity.engine.menu.best_first import SAMPLE, best_first
from coercivity.engine.menu.enumeration import Choice, Looking, Screening, asked
from coercivity.engine.parallel import Team
from coercivity.models.licensing.leader.commit import Game
from tests.small_games import POOL, instance_of, small_data

SLOTS, OPTIONS = 6, 5


@dataclass
class Table:
    """A screen whose values are additive over slots but for an interaction of a given size."""

    seed: int
    interaction: float
    slots: int = SLOTS
    options: int = OPTIONS

    def screen(self, choice: Choice) -> tuple[float, ...]:
        """The value of a commitment."""
        random = np.random.default_rng(self.seed)
        alone = random.normal(size=(self.slots, self.options))
        pairs = self.interaction * random.normal(size=(self.slots, self.slots, self.options, self.options))
        value = sum(alone[slot, option] for slot, option in enumerate(choice))
        value += sum(pairs[i, j, choice[i], choice[j]] for i, j in itertools.combinations(range(self.slots), 2))
        return (float(value),)


def searched(table: Table, **wishes: object) -> tuple[Screening, Looking]:
    options = [table.options] * table.slots
    with Team(partial(asked, lambda: table), 1) as team:
        found = best_first(team, options, [(0,) * table.slots], lambda _, rows: rows[:, 0], **wishes)  # type: ignore[arg-type]
    assert found.looking is not None
    return found, found.looking


def best_of(table: Table) -> float:
    return max(table.screen(choice)[0] for choice in itertools.product(range(table.options), repeat=table.slots))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_additive_is_found_at_once(seed: int) -> None:
    table = Table(seed, 0.0)
    screening, looking = searched(table)
    assert screening.numbers.max() == pytest.approx(
        sum(np.random.default_rng(seed).normal(size=(SLOTS, OPTIONS)).max(axis=1))
    )
    assert looking.error == pytest.approx(0.0, abs=1e-9)
    assert len(screening.choices) < 0.03 * OPTIONS**SLOTS


@pytest.mark.parametrize("seed", range(4))
def test_what_is_nearly_additive_is_found(seed: int) -> None:
    table = Table(seed, 0.02, slots=5, options=4)
    screening, looking = searched(table)
    assert screening.numbers.max() == pytest.approx(best_of(table))
    assert looking.finished and looking.neighbourhood == 2
    assert not screening.complete


def test_it_says_how_far_it_has_looked() -> None:
    table = Table(3, 0.5)
    screening, looking = searched(table)
    assert looking.neighbourhood == 2 and looking.sampled == SAMPLE and looking.finished
    assert looking.share == pytest.approx(1 - 0.05 ** (1 / SAMPLE)) == pytest.approx(0.0495, abs=1e-3)
    seen = {tuple(choice) for choice in screening.choices.tolist()}
    assert len(seen) == len(screening.choices)
    best = tuple(screening.choices[int(screening.numbers[:, 0].argmax())].tolist())
    near = [
        choice for choice in itertools.product(range(OPTIONS), repeat=SLOTS)
        if 0 < sum(one != other for one, other in zip(choice, best, strict=True)) <= 2
    ]  # fmt: skip
    assert set(near) <= seen
    assert looking.error > 0.0


def test_a_small_menu_is_looked_at_whole() -> None:
    screening, looking = searched(Table(1, 1.0, slots=2, options=3))
    assert screening.complete and looking.share == 0.0


def test_a_deadline_keeps_what_is_there() -> None:
    screening, looking = searched(Table(1, 0.5), deadline=0.0)
    assert not looking.finished and looking.neighbourhood == 0 and looking.sampled == 0 and looking.share == 1.0
    assert len(screening.choices) >= 1 and not screening.complete


def test_it_is_the_same_every_time_and_with_two_processes() -> None:
    table = Table(5, 0.5, slots=4, options=4)
    found = []
    for jobs in (1, 2):
        with Team(partial(asked, partial(Table, 5, 0.5, 4, 4)), jobs) as team:
            found.append(best_first(team, [4] * 4, [(0,) * 4], worth))
    one, two = found
    assert table.screen((0,) * 4)
    assert one.choices.tolist() == two.choices.tolist()


def worth(_: object, rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows[:, 0])


@pytest.mark.parametrize("seed", range(0, POOL, 2))
def test_it_finds_the_proved_best_of_small_games(seed: int) -> None:
    game = Game(instance_of(small_data(seed)))
    _, proved, whole = game.best_commitment()
    _, found, screening = game.best_commitment(is_proved=False)
    assert whole.looking is None and screening.looking is not None
    assert len(screening.choices) <= len(game.menu)
    assert found.value == pytest.approx(proved.value, rel=1e-6, abs=1e-6)
