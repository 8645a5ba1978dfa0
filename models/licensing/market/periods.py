"""Time: uneven periods, phases as runs of periods, and the tree of breakdowns (a fishbone).

Node 0 … T−1 are the trunk, on which licences hold. One branch leaves it per phase, at the period in which
licences would break down, and a last one where the target may concede, if that changes what buyers are licensed.
A scenario is a draw: nothing happens, or the phase of the breakdown, or the concession.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coercivity.models.licensing.data.instance import Calendar, Instance
from coercivity.models.licensing.data.quantity import month_index, month_name

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Periods: first month (absolute index) and length in months, shape (T,) each."""

    start: Ints
    length: Ints

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> Ints:
        """First month after each period, shape (T,)."""
        return self.start + self.length

    @property
    def years(self) -> Floats:
        """Length of each period in years, shape (T,)."""
        return self.length / 12.0

    @property
    def middle(self) -> Floats:
        """Years from the start of the game to the middle of each period, shape (T,)."""
        years: Floats = (self.start - self.start[0] + self.length / 2.0) / 12.0
        return years

    def discount(self, rate: float) -> Floats:
        """Discount factors at mid-period for a yearly rate, shape (T,)."""
        return np.power(1.0 + rate, -self.middle)

    def names(self) -> list[str]:
        """One label per period: 2025-04, 2026Q3, 2031."""
        return [self._name(first, length) for first, length in zip(self.start, self.length, strict=True)]

    @staticmethod
    def _name(first: int, length: int) -> str:
        if length == 12 and first % 12 == 0:
            return f"{first // 12}"
        if length == 3 and first % 3 == 0:
            return f"{first // 12}Q{first % 12 // 3 + 1}"
        return month_name(int(first)) + (f"+{length}m" if length != 1 else "")

    def period_of(self, month: str) -> int:
        """The period that begins with ``month``.

        Raises
        ------
        ValueError
            No period begins there.
        """
        found = np.flatnonzero(self.start == month_index(month))
        if len(found) == 0:
            raise ValueError(f"{month} is not the beginning of a period")
        return int(found[0])

    def overlap(self, begins: float, ends: float) -> Floats:
        """Months of each period inside [begins, ends), absolute months, shape (T,)."""
        months: Floats = np.maximum(0.0, np.minimum(self.end, ends) - np.maximum(self.start, begins))
        return months

    def served(self, period: int, lead_time: float) -> Floats:
        """Share of each period that lies after an order at the beginning of ``period`` has arrived, shape (T,)."""
        arrival = self.start[period] + lead_time
        return self.overlap(arrival, float(self.end[-1])) / self.length


def grid_of(calendar: Calendar) -> Grid:
    """The periods that a calendar states.

    >>> grid_of(Calendar(start="2025-04", months=2, quarters=1, years=1)).names()
    ['2025-04', '2025-05', '2025-06+3m', '2025-09+12m']
    """
    length = np.array([1] * calendar.months + [3] * calendar.quarters + [12] * calendar.years, dtype=np.int64)
    start = month_index(calendar.start) + np.concatenate(([0], np.cumsum(length)[:-1]))
    return Grid(start.astype(np.int64), length)


@dataclass(frozen=True)
class Tree:
    """The fishbone: for every node its period, its parent (−1 at the root) and its branch (0: trunk).

    ``strikes`` holds the period at which branch 1 … S leaves the trunk, ``phases`` the phase of each; ``conceded`` the
    period of the branch S + 1 on which the target has conceded, None without one.
    """

    period: Ints
    parent: Ints
    branch: Ints
    strikes: tuple[int, ...]
    phases: tuple[int, ...]
    periods: int
    conceded: int | None = None

    def __len__(self) -> int:
        return len(self.period)

    @property
    def scenarios(self) -> int:
        """Number of draws: nothing happens, a breakdown in one of its months, the concession."""
        return len(self.departures) + 1

    @property
    def departures(self) -> tuple[int, ...]:
        """The period at which each branch leaves the trunk."""
        return self.strikes if self.conceded is None else (*self.strikes, self.conceded)

    def path(self, scenario: int) -> Ints:
        """The nodes of a scenario, one per period, shape (T,)."""
        nodes = np.arange(self.periods)
        if scenario:
            strike = self.departures[scenario - 1]
            nodes[strike:] = np.flatnonzero(self.branch == scenario)
        return nodes

    def ancestor(self, node: int, period: int) -> int:
        """The node of ``period`` on the way from the root to ``node``."""
        branch = int(self.branch[node])
        if branch == 0 or period < self.departures[branch - 1]:
            return period
        return node - int(self.period[node]) + period

    def leaves(self) -> Ints:
        """The nodes of the last period, one per scenario."""
        return np.flatnonzero(self.period == self.periods - 1)

    def weights(self, hazards: Floats, chance: float = 0.0) -> Floats:
        """Probability of each node, shape (N,).

        Parameters
        ----------
        hazards : of each phase, shape (H,)
        chance : of the concession, given that licences have held until it is decided; it is decided before a
            breakdown of the same month
        """
        weight = np.empty(len(self))
        trunk, hold = np.ones(self.periods), 1.0
        events = [(strike, 1, number) for number, strike in enumerate(self.strikes)]
        if self.conceded is not None:
            events.append((self.conceded, 0, len(self.strikes)))
        for period, is_breakdown, number in sorted(events):
            odds = self._hazard(number, hazards) if is_breakdown else chance
            weight[self.branch == number + 1] = hold * odds
            hold *= 1.0 - odds
            trunk[period:] = hold
        weight[: self.periods] = trunk
        return weight

    def _hazard(self, strike: int, hazards: Floats) -> float:
        """Chance that a strike comes if licences have held: alike in all months of its phase, together the phase's hazard."""
        hazard, months = float(hazards[self.phases[strike]]), self.phases.count(self.phases[strike])
        return hazard if months == 1 else float(1.0 - (1.0 - hazard) ** (1.0 / months))


def tree_of(
    periods: int, strikes: tuple[int, ...], conceded: int | None = None, phases: tuple[int, ...] | None = None
) -> Tree:
    """The fishbone with one branch per strike period, and one for the concession.

    ``phases`` is the phase of each strike; by default each has its own.

    >>> tree = tree_of(4, (1, 3))
    >>> tree.period.tolist(), tree.parent.tolist()
    ([0, 1, 2, 3, 1, 2, 3, 3], [-1, 0, 1, 2, 0, 4, 5, 2])
    >>> tree.weights(np.array([0.5, 0.2])).tolist()
    [1.0, 0.5, 0.5, 0.4, 0.5, 0.5, 0.5, 0.1]
    """
    period, parent, branch = list(range(periods)), list(range(-1, periods - 1)), [0] * periods
    departures = strikes if conceded is None else (*strikes, conceded)
    for number, strike in enumerate(departures, start=1):
        for step in range(strike, periods):
            parent.append(len(period) - 1 if step > strike else strike - 1)
            period.append(step)
            branch.append(number)
    own = tuple(range(len(strikes))) if phases is None else phases
    return Tree(np.array(period), np.array(parent), np.array(branch), tuple(strikes), own, periods, conceded)


def fishbone(instance: Instance, grid: Grid) -> Tree:
    """The tree of an instance: a branch for every month in which licences may break down, and one for the concession."""
    strikes = [
        (grid.period_of(month), h) for h, phase in enumerate(instance.phases.values()) for month in phase.strikes
    ]
    periods, phases = zip(*strikes, strict=True)
    return tree_of(len(grid), periods, conceded_from(instance, grid), phases)


def phase_bounds(instance: Instance, grid: Grid) -> list[tuple[int, int]]:
    """First period and one past the last period of each phase."""
    months = [*(phase.begins for phase in instance.phases.values()), instance.tail]
    bounds = [_bound(grid, month) for month in months]
    return list(itertools.pairwise(bounds))


def _bound(grid: Grid, month: str) -> int:
    """The period that begins with a month; past the last one, the number of periods."""
    return len(grid) if month_index(month) >= grid.end[-1] else grid.period_of(month)


def conceded_from(instance: Instance, grid: Grid) -> int | None:
    """The first period that begins once the target may have conceded; None where that changes no licence."""
    concession = instance.concession
    if concession is None or not concession.is_conditional:
        return None
    later = np.flatnonzero(grid.start >= grid.start[0] + float(concession.begins) - 1e-9)
    return int(later[0]) if len(later) else None


def conceded_part(instance: Instance, grid: Grid) -> Floats:
    """Share of each period in which a concession is in force [t]."""
    concession = instance.concession
    if concession is None:
        return np.zeros(len(grid))
    begins = float(grid.start[0]) + float(concession.begins)
    part: Floats = grid.overlap(begins, begins + 12.0 * float(concession.lasts)) / grid.length
    return part
