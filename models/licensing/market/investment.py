"""What an order brings and costs: plants of rivals, and designs of the buyers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coercivity.models.licensing.data.reactions import Slip
from coercivity.models.licensing.market.periods import Floats, Grid


@dataclass(frozen=True)
class Investment:
    """What an order of one unit at the beginning of a period brings and costs.

    ``served`` (T orders, T periods) is the share of each period in which the unit serves; ``possible`` (T) says
    whether an order can be made and arrives within the horizon; ``arrival`` (T) is the absolute month in which it
    does, but for the share ``slips``, which comes ``late`` months later; ``annuity`` is in USD per kg/yr and year.
    """

    served: Floats
    possible: np.ndarray
    arrival: Floats
    annuity: float
    slips: float = 0.0
    late: float = 0.0

    def running(self, end: float) -> Floats:
        """Share of an order of each period that runs by the month ``end``, shape (T,)."""
        return (1.0 - self.slips) * (self.arrival <= end) + self.slips * (self.arrival + self.late <= end)

    def increments(self, period: int) -> Floats:
        """What cumulative orders at ``period`` add to what serves in each period, shape (T,): the weights of :meth:`lags`."""
        later = self.served[period + 1] if period + 1 < len(self.served) else 0.0
        added: Floats = self.served[period] - later
        return added

    def lags(self, period: int) -> list[tuple[int, float]]:
        """Weights on cumulative orders at earlier periods that add up to what serves in ``period``."""
        share = np.append(self.served[: period + 1, period], 0.0)
        steps = share[:-1] - share[1:]
        return [(int(order), float(steps[order])) for order in np.flatnonzero(np.abs(steps) > 1e-12)]


def annuity(capex: float, rate: float, life: float) -> float:
    """Yearly payment per unit that repays ``capex`` over ``life`` years at ``rate``.

    >>> round(annuity(100.0, 0.10, 20.0), 4)
    11.746
    """
    return capex / life if rate == 0 else capex * rate / (1.0 - (1.0 + rate) ** -life)


def investment(grid: Grid, lead_time: float, yearly: float, opens: int, slip: Slip | None = None) -> Investment:
    """What orders in each period bring, given the lead time in months and the first month of orders."""
    slips, late = (float(slip.share), float(slip.by)) if slip is not None else (0.0, 0.0)
    served = np.array([
        (1.0 - slips) * grid.served(period, lead_time) + slips * grid.served(period, lead_time + late)
        for period in range(len(grid))
    ])  # fmt: skip
    possible = (served.sum(axis=1) > 0) & (grid.start >= opens)
    return Investment(served, possible, np.asarray(grid.start + lead_time, dtype=float), yearly, slips, late)
