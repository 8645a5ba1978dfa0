"""Finite games as files of Gambit, so that others can open them: strategic form (.nfg) and tree (.efg).

A mixture that the follower sees is no move of a finite tree. So the tree has the leader's *pure* commitment: it moves, chance
draws the type, the type sees both; with ``is_simultaneous`` the type does not see the move, which is the game without
commitment. The strategic form is that one too, with a player for each type, who earns what it would earn if it were drawn;
its equilibria are those of the Bayesian game. Numbers are written as exact decimals, and chances as fractions that sum to
one, as Gambit asks for.

Source: Gambit, *Game representation formats*.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from coercivity.engine.data.text import save
from coercivity.engine.errors import UsageError
from coercivity.engine.finite.game import FiniteGame

# Beyond this a strategic form is a file that nobody opens.
MOST = 1_000_000


def write_gambit(game: FiniteGame, path: str | Path, *, is_simultaneous: bool = False) -> Path:
    """Write ``.nfg`` or ``.efg``, as the name says.

    Raises
    ------
    UsageError
        Another ending, a file that is there already, or too many entries.
    """
    name = str(path)
    if not name.endswith((".nfg", ".efg")):
        raise UsageError(name, "the name says no format of Gambit", "let it end in .nfg or .efg")
    if Path(path).exists():
        raise UsageError(name, "it is there already, and is not written over", "choose another name, or remove it")
    entries = len(game.actions) * (
        game.answers() if name.endswith(".nfg") else sum(len(kind.actions) for kind in game.types)
    )
    if entries > MOST:
        raise UsageError(name, f"{entries:.3g} entries, more than {MOST:,}", "write the tree, .efg, or fewer types")
    save(path, strategic(game) if name.endswith(".nfg") else tree(game, is_simultaneous))
    return Path(path)


def strategic(game: FiniteGame) -> str:
    """The simultaneous game in strategic form, text of an .nfg file.

    Players are the leader and each type; payoffs stand profile by profile, the leader's action running fastest.
    """
    players = ["leader", *(kind.name for kind in game.types)]
    actions = [game.actions, *(kind.actions for kind in game.types)]
    lines = [
        f"NFG 1 R {_quoted(game.name)} {_listed(players)}",
        "",
        f"{{ {' '.join(_listed(one) for one in actions)} }}",
    ]
    lines += [_quoted("simultaneous moves; a player for each type of the follower"), ""]
    chances = _chances(game)
    payoffs = []
    for reverse in itertools.product(*(range(len(one)) for one in reversed(actions))):
        leader, *answers = reversed(reverse)
        pairs = list(zip(game.types, answers, strict=True))
        mean = sum(
            (p * _exact(kind.leader[leader, j]) for p, (kind, j) in zip(chances, pairs, strict=True)), Fraction(0)
        )
        payoffs.append(" ".join([str(mean), *(_decimal(kind.follower[leader, j]) for kind, j in pairs)]))
    return "\n".join([*lines, *payoffs]) + "\n"


def tree(game: FiniteGame, is_simultaneous: bool = False) -> str:
    """The game as a tree, text of an .efg file: the leader moves, chance draws the type, the type moves."""
    return "\n".join(_nodes(game, is_simultaneous)) + "\n"


def _nodes(game: FiniteGame, is_simultaneous: bool) -> Iterator[str]:
    yield f"EFG 2 R {_quoted(game.name)} {_listed(['leader', 'follower'])}"
    yield _quoted(
        "the follower does not see the leader's move"
        if is_simultaneous
        else "pure commitment: the follower sees the leader's move"
    )
    yield ""
    yield f'p "" 1 1 "leader" {_listed(game.actions)} 0'
    drawn = " ".join(f"{_quoted(kind.name)} {chance}" for kind, chance in zip(game.types, _chances(game), strict=True))
    outcome, many = itertools.count(1), len(game.types)
    for i, action in enumerate(game.actions):
        if many > 1:
            yield f'c "" {i + 1} "" {{ {drawn} }} 0'
        for t, kind in enumerate(game.types):
            at = t + 1 if is_simultaneous else i * many + t + 1
            seen = kind.name if is_simultaneous else f"{kind.name} after {action}"
            yield f'p "" 2 {at} {_quoted(seen)} {_listed(kind.actions)} 0'
            for j, answer in enumerate(kind.actions):
                number, label = next(outcome), _quoted(f"{action}, {answer}")
                yield f't "" {number} {label} {{ {_decimal(kind.leader[i, j])}, {_decimal(kind.follower[i, j])} }}'


def _chances(game: FiniteGame) -> list[Fraction]:
    """The types' chances as fractions that sum to one; thirds that were written as decimals become thirds again."""
    found = [_exact(kind.probability) for kind in game.types]
    if sum(found) != 1:
        found = [chance.limit_denominator(10**6) for chance in found]
    return [chance / sum(found) for chance in found]


def _exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(float(value))))


def _decimal(value: float) -> str:
    return format(Decimal(repr(float(value))), "f")


def _quoted(words: str) -> str:
    # Within a label a quote is escaped, and so is the escape.
    return '"' + " ".join(words.replace("\\", "\\\\").replace('"', '\\"').split()) + '"'


def _listed(words: list[str] | tuple[str, ...]) -> str:
    return "{ " + " ".join(map(_quoted, words)) + " }"
