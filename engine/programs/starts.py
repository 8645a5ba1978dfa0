"""Where a hot program begins: at the kept basis whose right-hand sides are nearest, or cold where none is near.

A step of a hot start costs more than twice one of a cold start, which is presolved and perturbed; what makes a hot start cheap is
that it takes few. Measured on the buyers' program of april-2025, steps grow with the number of right-hand sides that have changed,
and beyond a quarter of them a cold start is the cheaper one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from coercivity.engine.programs.hot import Floats, HotProgram

KEPT = 64
# Share of changed right-hand sides within which the last basis is taken as it is, and beyond which none is worth a start.
NEAR, FAR = 0.05, 0.28


class Starts:
    """The bases of a program by the right-hand sides that they were optimal for; the one used longest ago is forgotten."""

    def __init__(self, program: HotProgram) -> None:
        self.program = program
        self._kept: list[tuple[Floats, Any]] = []

    def begin(self, sides: Floats) -> None:
        """Let the next solve, at these right-hand sides, begin where it is likely to be shortest.

        Parameters
        ----------
        sides : all that change from solve to solve, in an order of the caller's, always the same
        """
        if not self._kept:
            return
        changed = [float(np.mean(sides != kept)) for kept, _ in self._kept]
        if changed[-1] <= NEAR:
            return  # the solver still holds the last one
        nearest = int(np.argmin(changed))
        if changed[nearest] > FAR:
            self.program.forget()
        elif nearest < len(self._kept) - 1:
            self._kept.append(self._kept.pop(nearest))
            self.program.start_from(self._kept[-1][1])

    def keep(self, sides: Floats) -> None:
        """Keep the basis of the solve that was just made at these right-hand sides."""
        self._kept = [*self._kept[-KEPT + 1 :], (sides, self.program.basis())]
