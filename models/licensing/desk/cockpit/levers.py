"""Leverage over time, as the page draws it: one number a year, quick and not certified."""

from __future__ import annotations

from typing import Any

from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.reading.leverage import CutOff, state_after


def leverage_by_year(instance: Instance, response: Response) -> dict[str, Any]:
    """What a cut-off of every stated length would cost all buyers from the end of each year on, million USD.

    ``losses`` is by length and year, beginning with ``first_year``; None in a year in which no period ends. Empty where the
    instance states no leverage.
    """
    if instance.leverage is None:
        return {"first_year": 0, "months": [], "losses": []}
    grid, until = response.market.grid, month_index(instance.leverage.until)
    last = {(int(grid.end[t]) - 1) // 12: t for t in range(len(grid)) if grid.end[t] <= until + 1}
    first = int(grid.start[0]) // 12
    cutoff, everybody = CutOff(instance, response.market), [tuple(range(len(response.market.sets.blocs)))]
    losses: list[list[float | None]] = [[None] * (max(last, default=first) - first + 1) for _ in cutoff.lengths]
    for year, period in last.items():
        cutoff.forget()
        found, _ = cutoff.losses(state_after(response, period), everybody)
        for length, loss in enumerate(found[:, 0]):
            losses[length][year - first] = float(loss)
    return {"first_year": first, "months": cutoff.lengths, "losses": losses}
