"""Finite games of a leader who commits and a follower of one of several types, as payoff matrices.

The leader commits to a mixture x over its actions. The follower knows x and its own type t, drawn with probability p_t,
and answers with a best action. Both maximise.

Payoffs of a type that differ by a rounding error (0.1 + 0.2 and 0.3) are one number: within each row of its matrix they are
settled on a common one, once, before anything is compared. Beyond that no tolerance is relative to the largest payoff, which
may be a forbidden move's −1e9: a difference at a mixture is measured against the sizes that it is made of there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.data.strict_json import parsed
from coercivity.engine.data.text import broken, text_of
from coercivity.engine.errors import UsageError

Floats = NDArray[np.float64]
FORMAT = "finite-game/1"
KEYS = ("format", "name", "source", "leader", "types")
TYPE_KEYS = ("name", "probability", "actions", "leader", "follower")
FIX = "see the example in instances/finite"
# Payoffs nearer than this, against their size, differ by the rounding of a sum or two.
ROUNDING = 8.0 * float(np.finfo(float).eps)
# What a mixture is worth is known to this part of the sizes it is made of.
TIE = 1e-9


@dataclass(frozen=True)
class FollowerType:
    """A type of the follower.

    ``leader`` and ``follower`` are what either earns, shape (leader's actions, type's actions).
    """

    name: str
    probability: float
    actions: tuple[str, ...]
    leader: Floats
    follower: Floats

    @cached_property
    def settled(self) -> Floats:
        """The type's payoffs with those that differ by rounding alone made equal, row by row; shape as ``follower``."""
        return np.array([_settled(row) for row in self.follower])

    def equivalent(self, action: int) -> NDArray[np.intp]:
        """The actions that pay the type the same as this one whatever the leader does, itself among them."""
        return np.flatnonzero(np.all(self.settled == self.settled[:, [action]], axis=0))

    def lead(self, action: int) -> Floats:
        """What an action pays the type more than each of its actions, shape (leader's actions, type's actions)."""
        return np.asarray(self.settled[:, [action]] - self.settled)

    def rounding(self, action: int) -> Floats:
        """By how much the rounding of payoffs may move :meth:`lead`; zero where two are the same."""
        size = np.abs(self.settled)
        may_move = self.lead(action) != 0.0
        return np.asarray(np.where(may_move, ROUNDING / 4.0 * (size[:, [action]] + size), 0.0))

    def best_responses(self, mixture: Floats) -> NDArray[np.intp]:
        """The actions that no other beats at a mixture by more than :data:`TIE` of the sizes that the difference is made of."""
        is_best = []
        for action in range(len(self.actions)):
            lead = self.lead(action)
            is_best.append(bool(np.all(mixture @ lead >= -TIE * (np.abs(mixture) @ np.abs(lead)))))
        return np.flatnonzero(is_best)


@dataclass(frozen=True)
class FiniteGame:
    """The leader's actions and the follower's types; payoffs are maximised.

    >>> game = game_of(CONITZER_SANDHOLM, "example")
    >>> game.worth(np.array([2 / 3, 1 / 3]))
    (3.6666666666666665, 1.6666666666666665)
    """

    name: str
    actions: tuple[str, ...]
    types: tuple[FollowerType, ...]

    def answers(self) -> int:
        """In how many ways the types can answer together."""
        return math.prod(len(kind.actions) for kind in self.types)

    def each_answer(self) -> Iterator[tuple[int, ...]]:
        """Every way in which the types can answer together, an action each."""
        return itertools.product(*(range(len(kind.actions)) for kind in self.types))

    def worth(self, mixture: Floats) -> tuple[float, float]:
        """What the leader expects of a mixture if ties are broken for it, and if they are broken against it."""
        best = worst = 0.0
        for kind in self.types:
            worth = (mixture @ kind.leader)[kind.best_responses(mixture)]
            best, worst = best + kind.probability * float(worth.max()), worst + kind.probability * float(worth.min())
        return best, worst


def _settled(row: Floats) -> Floats:
    """Numbers with each chain of neighbours nearer than a rounding error set to its first.

    >>> _settled(np.array([0.1 + 0.2, 5.0, 0.3, 0.0]))
    array([0.3, 5. , 0.3, 0. ])
    """
    found, order = row.copy(), np.argsort(row, kind="stable")
    for before, at in itertools.pairwise(order):
        if row[at] - row[before] <= ROUNDING * max(abs(row[at]), abs(row[before])):
            found[at] = found[before]
    return found


# Conitzer and Sandholm (2006), figure 1.
CONITZER_SANDHOLM: Mapping[str, Any] = {
    "format": FORMAT,
    "name": "conitzer_sandholm2006",
    "leader": {"actions": ["up", "down"]},
    "types": [
        {
            "name": "follower", "probability": 1.0, "actions": ["left", "right"],
            "leader": [[2, 4], [1, 3]], "follower": [[1, 0], [0, 2]],
        }
    ],
}  # fmt: skip


def read_finite(path: str | Path) -> FiniteGame:
    """The finite game in a ``finite-game/1`` file.

    Raises
    ------
    Malformed
        It cannot be read, or says no finite game; with the place.
    """
    name = str(path)
    return game_of(parsed(text_of(path), name), name)


def game_of(data: Any, name: str) -> FiniteGame:
    """The finite game that plain data says; ``name`` is what to call it in messages.

    Keys: ``format``, ``name``, ``leader.actions``, and ``types``, each with ``name``, ``probability``, ``actions`` and two
    matrices, ``leader`` and ``follower``, with a row for each of the leader's actions; ``source`` is free.

    Raises
    ------
    Malformed
        An unknown or missing key, a matrix of another shape, a number that is none, probabilities that do not sum to one.
    """
    top = _table(data, name, KEYS, {"source"})
    if top["format"] != FORMAT:
        raise broken(name, f"format: {top['format']!r} is not known", f"write {FORMAT!r}")
    actions = _names(_table(top["leader"], f"{name}: leader", ("actions",))["actions"], f"{name}: leader.actions")
    if not isinstance(top["types"], list) or not top["types"]:
        raise broken(name, "types: not a list of at least one type", FIX)
    types = tuple(_type(entry, f"{name}: types[{at}]", len(actions)) for at, entry in enumerate(top["types"]))
    _names([kind.name for kind in types], f"{name}: types")
    if abs(sum(kind.probability for kind in types) - 1.0) > 1e-9:
        raise broken(
            name, f"types: probabilities sum to {sum(kind.probability for kind in types):g}", "let them sum to 1"
        )
    return FiniteGame(_name(top["name"], name), actions, types)


def data_of(game: FiniteGame) -> dict[str, Any]:
    """The game as the plain data that :func:`game_of` reads."""
    return {
        "format": FORMAT,
        "name": game.name,
        "leader": {"actions": list(game.actions)},
        "types": [
            {
                "name": kind.name, "probability": kind.probability, "actions": list(kind.actions),
                "leader": kind.leader.tolist(), "follower": kind.follower.tolist(),
            }
            for kind in game.types
        ],
    }  # fmt: skip


def _table(data: Any, where: str, keys: tuple[str, ...], free: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise broken(where, "not an object", FIX)
    for key in data:
        if key not in keys:
            raise broken(where, f"unknown key {key!r}", f"keys are {', '.join(keys)}")
    for key in keys:
        if key not in data and key not in (free or set()):
            raise broken(where, f"{key} is missing", FIX)
    return data


def _names(data: Any, where: str) -> tuple[str, ...]:
    if not isinstance(data, list) or not data or not all(isinstance(name, str) and name.strip() for name in data):
        raise broken(where, "not a list of names", 'write ["one", "two"]')
    if len(set(data)) < len(data):
        raise broken(where, "a name is there twice", "give each its own")
    return tuple(data)


def _name(data: Any, where: str) -> str:
    if not isinstance(data, str) or not data.strip():
        raise broken(where, f"name: {data!r} is not a text", 'write it in quotes, "like this"')
    return data


def _type(data: Any, where: str, height: int) -> FollowerType:
    table = _table(data, where, TYPE_KEYS)
    actions = _names(table["actions"], f"{where}.actions")
    chance = table["probability"]
    if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 < chance <= 1:
        raise broken(
            where, f"probability: {chance!r} is not a number above 0 and at most 1", "leave out types that never occur"
        )
    leader, follower = (_matrix(table[key], f"{where}.{key}", (height, len(actions))) for key in ("leader", "follower"))
    return FollowerType(_name(table["name"], where), float(chance), actions, leader, follower)


def _matrix(data: Any, where: str, shape: tuple[int, int]) -> Floats:
    is_whole = isinstance(data, list) and len(data) == shape[0]
    if not is_whole or not all(isinstance(row, list) and len(row) == shape[1] for row in data):
        raise broken(where, f"not {shape[0]} rows of {shape[1]} numbers", "a row for each action of the leader")
    for row in data:
        for value in row:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise broken(where, f"{value!r} is not a finite number", "write a number")
    return np.array(data, dtype=float)


def check_answers(game: FiniteGame, most: int) -> None:
    """Nothing, where the types' answers can be listed.

    Raises
    ------
    UsageError
        There are more than ``most``.
    """
    if game.answers() > most:
        what = f"its types can answer in {game.answers():.3g} ways, more than {most:,}"
        raise UsageError(game.name, what, "use fewer types or actions")
