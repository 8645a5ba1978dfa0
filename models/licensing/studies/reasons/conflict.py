"""Which laws of the buyers' program cannot hold together under a strategy, by name, product and period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coercivity.engine.desk.conflicts import Conflicts, conflicts_of
from coercivity.engine.programs.linear import LinearProgram
from coercivity.models.licensing.buyers.evaluate import AXES, LAW_AXES, Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market


def conflicts(instance: Instance, strategy: str | None) -> Conflicts:
    """Why the buyers' program has no solution under a strategy, or under the first that has none; else that it has one.

    Raises
    ------
    SolverFailed
        The solver gave up.
    """
    followers = Followers(instance)
    found: Conflicts | None = None
    for name in [strategy] if strategy else list(instance.strategies):
        program = followers.layout.announced_program(followers.announcer.named(name))
        found = told(f"{instance.name} under {name}", followers, program)
        if not found.has_solution:
            return found
    assert found is not None
    return found


def told(subject: str, followers: Followers, program: LinearProgram) -> Conflicts:
    """Why one program of these followers has no solution."""
    laws = _names(followers.market, followers.layout.rows, LAW_AXES)
    columns = _names(followers.market, followers.layout.columns, AXES)
    return conflicts_of(
        subject, program, lambda row: laws.get(row, f"row {row}"), lambda at: columns.get(at, f"column {at}")
    )


def _names(market: Market, addresses: Mapping[str, Any], axes: Mapping[str, Any]) -> dict[int, str]:
    """What every row or column is called: its law, then bloc, product, rival and period where it has them."""
    sets, names = market.sets, market.grid.names()
    words = {"b": sets.blocs, "k": sets.products, "j": sets.rivals, "r": sets.routes}
    found = {}
    for law, (index, at) in addresses.items():
        letters = axes.get(law, "")
        for entry, place in zip(index.tolist(), at.tolist(), strict=True):
            told = []
            for position, letter in enumerate(letters or ""):
                value = entry[position]
                if letter == "n":
                    period = names[market.tree.period[value]]
                    told.append(period if value < len(names) else f"{period} after a turn")
                elif letter in words:
                    told.append(words[letter][value])
            if not letters and entry:
                period = names[market.tree.period[entry[0]]] if entry[0] < len(market.tree.period) else ""
                told.append(period)
            found[int(place)] = f"{law.replace('_', ' ')} ({', '.join(told)})" if told else law.replace("_", " ")
    return found
