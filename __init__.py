"""Coercivity: an open decision engine for export-licensing strategy.

The command line's verbs as functions; whatever they need is loaded when they are used.

    import coercivity as co

    game = co.load("april-2025")                      # an instance, shipped or your own
    co.solve(game, strategy="stewardship")            # one strategy; without a name the best on the menu
    co.compare(game)                                  # all of them, with a verdict
    co.threshold(game, "concession.value")            # what would turn the ranking
    co.montecarlo(game, runs=100)                     # under the ranges that the file states

    program = co.Program("mine")                      # any bilevel program, written with operators

Results are values: print one to read its report, look at its fields for the figures, and let a notebook show it.
``docs/python.md`` tells the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coercivity.engine.errors import CoercivityError
    from coercivity.models.door import (
        backtest,
        compare,
        discover,
        frontier,
        load,
        montecarlo,
        sensitivity,
        shipped,
        solve,
        sweep,
        threshold,
        to_plain,
        verify,
    )
    from coercivity.models.program.written import Program

_DOOR = "coercivity.models.door"
_PLACES = {
    **dict.fromkeys(
        ("load", "shipped", "solve", "compare", "frontier", "threshold", "backtest", "verify", "to_plain"), _DOOR
    ),
    **dict.fromkeys(("sweep", "montecarlo", "sensitivity", "discover"), _DOOR),
    "Program": "coercivity.models.program.written",
    "CoercivityError": "coercivity.engine.errors",
}

__all__ = [
    "CoercivityError",
    "Program",
    "backtest",
    "compare",
    "discover",
    "frontier",
    "load",
    "montecarlo",
    "sensitivity",
    "shipped",
    "solve",
    "sweep",
    "threshold",
    "to_plain",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("coercivity")
    if name not in _PLACES:
        raise AttributeError(f"module 'coercivity' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
