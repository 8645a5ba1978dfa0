"""Followers of changing markets on few programs: markets of one structure share a layout and a place in the solver."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from coercivity.engine.programs.hot import HotProgram, ScaledProgram
from coercivity.models.licensing.buyers.assemble import Assembler, structure_of
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.market.arrays import Market, market_of

# Structures that are kept, the one used longest ago leaving first: a study rarely moves between more.
KEPT = 4
# Rows whose entries come and go with lead times or with a share of nothing; they stay rows although some have a single entry.
GROWING = ("rival_capacity", "unmet_cap", "rival_feed", "shared_shortage", "contract_share", "by_product")


@dataclass
class Program:
    """One structure: who writes its programs, its place in the solver, and bases to start from, by whatever name."""

    assembler: Assembler
    bases: dict[Hashable, Any] = field(default_factory=dict)

    @cached_property
    def hot(self) -> HotProgram:
        """The program in the solver."""
        layout = self.assembler.layout
        rows = [layout.rows[law][1] for law in GROWING if law in layout.rows]
        return ScaledProgram(layout.program, rows_to_keep=np.concatenate(rows) if rows else None)


class Programs:
    """Keeps the programs of the structures met last; Pyomo writes only the first program of each.

    Parameters
    ----------
    market, layout : of an instance for which the program is known already
    """

    def __init__(self, market: Market, layout: Layout) -> None:
        self._kept: dict[Hashable, Program] = {}
        self._add(layout, market)
        self.compiled = 0

    def _add(self, layout: Layout, market: Market) -> Program:
        program = Program(Assembler(layout, market))
        self._kept[program.assembler.structure] = program
        return program

    def followers(self, instance: Instance, market: Market | None = None) -> tuple[Followers, Program]:
        """The followers of an instance, with its program in the solver; followers handed out before lose theirs.

        Raises
        ------
        InfeasibleProgram
            The market cannot be written as a program.
        """
        market = market or market_of(instance)
        structure = structure_of(market)
        program = self._kept.pop(structure, None)
        if program is None:
            fresh = Followers(instance, market)
            self.compiled += 1
            program = self._add(fresh.layout, market)
            self._kept = dict(list(self._kept.items())[-KEPT:])
            layout = fresh.layout
        else:
            self._kept[structure] = program
            layout = program.assembler.layout_for(market)
        followers = Followers(instance, market, layout)
        program.hot.exchange(layout.program)
        followers.hot = program.hot
        return followers, program
