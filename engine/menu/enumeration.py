"""Enumeration of a finite menu with hot-started best responses, and a proof of the optimum.

Accepts: a leader with finitely many joint commitments whose follower is a linear program for each of them.

For every commitment one linear program is solved in which the follower's costs are tilted a little towards the
leader's gain from quantities, g, and the right-hand sides against its gain from multipliers, d:

    min (c − ε g)·x  subject to  A x ≥ b − ε d,     solved by x_ε with multipliers y_ε.

For every best response x and every optimal multiplier y of the untilted program (c, b),

    c·x_ε ≥ y·(b − ε d)       so  −d·y ≤ (c·x_ε − c·x)/ε      (weak duality, y in the tilted primal)
    (c − ε g)·x ≥ y_ε·b       so   g·x ≤ (c·x − y_ε·b)/ε      (weak duality, x in the tilted dual)

and the sum of the two is, by strong duality of the tilted program, g·x − d·y ≤ g·x_ε − d·y_ε. So the leader's
value at the tilted solution is an upper bound on its optimistic value, for any ε > 0, at the price of one hot
linear program and without solving for ties. Commitments are then taken in the order of their bounds and their
ties resolved exactly, until the next bound is not above the best value found.

Bound: rests on no assumption beyond the solver's feasibility tolerances.
Source: weak duality; the tilt is a Lagrangian relaxation of the follower's optimality (Dempe 2002, chapter 5).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.parallel import Crew, Team, spread
from coercivity.engine.programs.hot import Floats
from coercivity.engine.protocols import Screen

Choice = tuple[int, ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Looking:
    """How far a search that is no proof has looked.

    Attributes
    ----------
    neighbourhood : no change of so many slots of the best is better, all of them looked at
    sampled : commitments drawn at random from the rest, none of them better
    share : at most this share of the rest is better, with 95 % confidence; 1 without a sample
    error : mean error of the additive model on commitments that it had not seen, in the unit of the values
    finished : whether it ended by itself, and not by its deadline
    """

    neighbourhood: int
    sampled: int
    share: float
    error: float
    finished: bool


@dataclass(frozen=True)
class Screening:
    """What the screening of a menu found.

    Attributes
    ----------
    choices : every commitment that was screened
    numbers : (commitments, k) what :class:`Screen` returned for each
    complete : whether the whole menu was screened
    seconds : wall-clock time
    looking : how far a search has looked that does not look at the whole menu
    is_interrupted : whether somebody ended it
    """

    choices: NDArray[np.int64]
    numbers: Floats
    complete: bool
    seconds: float
    looking: Looking | None = None
    is_interrupted: bool = False


def gray_code(options: Sequence[int]) -> Iterator[Choice]:
    """All choices, each differing from the one before in one slot by one step; the last slot moves fastest.

    >>> list(gray_code([2, 3]))
    [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]
    """
    if not options:
        yield ()
        return
    for position, head in enumerate(gray_code(options[:-1])):
        steps = range(options[-1]) if position % 2 == 0 else range(options[-1] - 1, -1, -1)
        for step in steps:
            yield (*head, step)


def ordered_choices(options: Sequence[int], effect: Sequence[float]) -> Iterator[Choice]:
    """All choices in an order in which slots of little effect move fastest, so that hot starts are short."""
    slots = sorted(range(len(options)), key=lambda slot: -effect[slot])
    for code in gray_code([options[slot] for slot in slots]):
        choice = [0] * len(options)
        for slot, value in zip(slots, code, strict=True):
            choice[slot] = value
        yield tuple(choice)


def screen_menu(
    factory: Callable[[], Screen],
    options: Sequence[int],
    effect: Sequence[float],
    jobs: int | Crew = 1,
    deadline: float | None = None,
    progress: Progress | None = None,
    run_length: int = 50,
    stop: Callable[[], bool] = lambda: False,
) -> Screening:
    """Screen every commitment of a menu.

    Parameters
    ----------
    factory : makes a screen; it must be picklable when ``jobs`` > 1
    options : number of options in each slot
    effect : how much a change of each slot moves the follower's program
    jobs : worker processes, each with a hot program of its own, or those that there are
    deadline : ``time.monotonic()`` after which no further run is started
    progress : called with (done, total)
    stop : asked before every run; once it says so what was screened is returned
    """
    started = time.monotonic()
    total = int(np.prod(options, dtype=object))
    found: list[tuple[list[Choice], list[tuple[float, ...]]]] = []
    done = 0
    runs = _runs(ordered_choices(options, effect), run_length, deadline, stop)
    for (_, choices), numbers in spread(partial(asked, factory), (("screen", run) for run in runs), jobs):
        found.append((choices, numbers))
        done += len(choices)
        if progress:
            progress(done, total)
    return Screening(
        np.array([choice for choices, _ in found for choice in choices], dtype=np.int64).reshape(-1, len(options)),
        np.array([row for _, numbers in found for row in numbers], dtype=float),
        done == total,
        time.monotonic() - started,
        is_interrupted=done < total and stop(),
    )


def _runs(
    choices: Iterator[Choice], length: int, deadline: float | None, stop: Callable[[], bool]
) -> Iterator[list[Choice]]:
    # The first run is always screened, so that a search cut short still has a result.
    yield list(itertools.islice(choices, length))
    while run := list(itertools.islice(choices, length)):
        if (deadline is not None and time.monotonic() > deadline) or stop():
            return
        yield run


def asked(factory: Callable[[], object]) -> Callable[[tuple[str, list[Any]]], list[Any]]:
    """What asks a screen one of its questions, by name, about each of a run, for a process of its own."""
    screen = factory()
    return lambda task: [getattr(screen, task[0])(one) for one in task[1]]


def in_runs(team: Team, question: str, ones: Sequence[Any]) -> list[Any]:
    """What the screens of a team answer about each; every process has a run of neighbours."""
    size = -(-len(ones) // team.jobs)
    runs = [(question, list(ones[at : at + size])) for at in range(0, len(ones), max(1, size))]
    return [answer for answers in team(runs) for answer in answers]


@dataclass(frozen=True)
class Best:
    """The best commitment and the bound that proves it.

    Attributes
    ----------
    choice : the winner
    value : its exact optimistic value
    bound : no commitment that was screened is worth more
    resolved : how many commitments had their ties resolved
    detail : what ``exact`` returned for the winner
    """

    choice: Choice
    value: float
    bound: float
    resolved: int
    detail: Any


def resolve(
    choices: NDArray[np.int64], bounds: Floats, exact: Callable[[Choice], tuple[float, Any]], tolerance: float
) -> Best:
    """Take commitments in the order of their bounds and resolve ties until no other can be better.

    Parameters
    ----------
    choices, bounds : commitments and an upper bound of each
    exact : the exact value of a commitment, with a detail that is returned for the winner
    tolerance : two values closer than this count as equal; the earlier choice then wins
    """
    order = np.lexsort((np.arange(len(bounds)), -bounds))
    best: tuple[float, Choice, Any] | None = None
    resolved = 0
    for position in order:
        if best is not None and bounds[position] <= best[0] + tolerance:
            return Best(best[1], best[0], max(best[0], float(bounds[position])), resolved, best[2])
        choice = tuple(int(option) for option in choices[position])
        value, detail = exact(choice)
        resolved += 1
        if best is None or value > best[0]:
            best = (value, choice, detail)
    assert best is not None, "a menu has at least one commitment"
    return Best(best[1], best[0], best[0], resolved, best[2])
