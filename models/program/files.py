"""Which files hold a bilevel program or a finite game, and what the options that belong to one say."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from coercivity.engine.bilevel.formats import Unreadable
from coercivity.engine.bilevel.methods.big_m import Declared
from coercivity.engine.data.piped import PIPED
from coercivity.engine.data.text import text_of
from coercivity.engine.errors import UsageError

MARKS = {"program": '"bilevel-neutral', "game": '"finite-game'}
PEEK = 4096
SHIPPED = Path(__file__).parents[2] / "instances"
PLACES = ("literature/pairs/{}.mps", "literature/{}.json", "finite/{}.json")


def located(name: str) -> str:
    """The file that a name stands for: itself, or a published problem that is shipped.

    Raises
    ------
    UsageError
        The name is nearly that of a shipped problem.

    >>> located("moore_bard1990").endswith("moore_bard1990.mps"), located("april-2025")
    (True, 'april-2025')
    """
    if name == Path(name).name and not Path(name).exists():
        for place in PLACES:
            if (SHIPPED / place.format(name)).exists():
                return str(SHIPPED / place.format(name))
        shipped = {file.stem for place in PLACES for file in SHIPPED.glob(place.format("*"))}
        if near := difflib.get_close_matches(name, shipped, 1, 0.85):
            raise UsageError(name, "neither a file nor a shipped problem", f"did you mean {near[0]!r}?")
    return name


def kind_of(name: str) -> str | None:
    """What a name stands for: a ``program`` (MPS, or JSON that says so), a finite ``game``, or neither.

    >>> kind_of("knapsack.mps.gz"), kind_of(located("conitzer_sandholm2006")), kind_of("april-2025")
    ('program', 'game', None)
    """
    kind = name.lower().removesuffix(".gz")
    if kind.endswith((".mps", ".aux", ".lp")):
        return "program"
    if name == "-":
        return _said(PIPED.glimpse(PEEK))
    if not kind.endswith(".json") or not Path(name).exists():
        return None
    try:
        return _said(text_of(name))
    except Unreadable:
        return "program"


def _said(text: str) -> str | None:
    return next((kind for kind, mark in MARKS.items() if mark in text), None)


def declared(options: Sequence[str], reason: str | None) -> Declared | None:
    """Bounds written ``multipliers=100`` or ``slacks.row=5``, for which one reason is given.

    Raises
    ------
    UsageError
        An option is not written so, or there is no reason.

    >>> declared(["multipliers=100", "slacks.cap=5"], "the backstop costs 100").slacks
    {'cap': 5.0}
    """
    if not options:
        if reason is not None:
            raise UsageError(
                "--because", "it is the reason for bounds, and none is declared", "add --declare, or leave it out"
            )
        return None
    bounds: dict[str, float | dict[str, float]] = {"multipliers": {}, "slacks": {}}
    for option in options:
        place, _, number = option.partition("=")
        kind, _, name = place.partition(".")
        fix = "write multipliers=100, or multipliers.ROW=100 for one row; slacks likewise"
        if kind not in bounds:
            raise UsageError(f"--declare {option}", f"{kind!r} is neither multipliers nor slacks", fix)
        try:
            value = float(number)
        except ValueError:
            raise UsageError(f"--declare {option}", f"{number!r} is not a number", fix) from None
        if not 0 <= value < float("inf"):
            raise UsageError(f"--declare {option}", "not a finite number ≥ 0", fix)
        held = bounds[kind]
        if name and isinstance(held, dict):
            held[name] = value
        else:
            bounds[kind] = value
    if reason is None:
        raise UsageError("--declare", "no reason is given", 'say why no multiplier is larger: --because "…"')
    return Declared(reason, bounds["multipliers"], bounds["slacks"])
