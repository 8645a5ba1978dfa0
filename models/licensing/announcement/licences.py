"""Licensed volumes: what a path of postures delivers while licences hold, in a breakdown, and after a concession."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from coercivity.models.licensing.announcement.trust import TrustPath
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.strategies import Fed
from coercivity.models.licensing.market.arrays import Market, quarters_of
from coercivity.models.licensing.market.periods import Floats, conceded_part

DAYS_PER_MONTH = 365.0 / 12.0
Path = tuple[tuple[tuple[str, ...], ...], ...]
"""Postures by phase, group and product."""


def split(recorded: Fed, forecast: Floats, blocs: Sequence[str]) -> Floats:
    """Fed tonnes by bloc and product [b,k]: by forecast imports [b,k], within a bloc where the blocs' shares are known."""
    if not recorded.shares:
        return np.asarray(recorded.tonnes * forecast / forecast.sum())
    return recorded.tonnes * _by_share(dict(recorded.shares), forecast, blocs)


def granted(shares: Mapping[str, float], forecast: Floats, blocs: Sequence[str]) -> Floats:
    """What all buyers import [t,b,k], given to blocs in other shares than those in which they import."""
    return np.asarray([month.sum() * _by_share(shares, month, blocs) for month in forecast])


def _by_share(shares: Mapping[str, float], forecast: Floats, blocs: Sequence[str]) -> Floats:
    """A tonne split by the blocs' shares, within a bloc by forecast imports [b,k]."""
    weight = np.array([shares.get(bloc, 0.0) for bloc in blocs])
    total = forecast.sum(axis=1, keepdims=True)
    return np.asarray(weight[:, None] * forecast / np.where(total > 0, total, 1.0))


# Paths whose licences are remembered: one strategy is read for what is feared, for its branches, and with the target relieved.
KEPT = 16


class Licences:
    """Reads paths of postures as tonnes, for one market; what several paths share is computed once."""

    def __init__(
        self, instance: Instance, market: Market, bounds: Sequence[tuple[int, int]], members: Sequence[np.ndarray]
    ) -> None:
        self.instance, self.market, self.bounds, self.members = instance, market, bounds, members
        self.quarters = quarters_of(market.grid)
        self._flows: dict[tuple[int, str], Floats] = {}
        self._trunks: dict[Path, Floats] = {}
        self._bases = {
            name: granted(
                {bloc: float(share) for bloc, share in posture.granted.items()}, market.forecast, market.sets.blocs
            )
            for name, posture in instance.postures.items()
            if posture.granted is not None
        }
        self._path_nodes = [market.tree.path(scenario) for scenario in range(market.tree.scenarios)]

    def on_nodes(
        self,
        path: Path,
        trust: TrustPath,
        is_feared: np.ndarray,
        fed: Mapping[str, Fed],
        conceded: Path | None,
    ) -> Floats:
        """Licensed tonnes [n,b,k]; infinite where trade is open.

        Parameters
        ----------
        is_feared : [h] whether a phase's breakdown is possible; else its branch is a copy of the trunk
        fed : tonnes of the record by month
        conceded : the path once the target has conceded, if the tree has a branch for it
        """
        tree = self.market.tree
        trunk = self.trunk(path, fed)
        licence = np.empty((len(tree), *trunk.shape[1:]))
        for number, (strike, phase) in enumerate(zip(tree.strikes, tree.phases, strict=True), start=1):
            branch = self._broken(path, phase, strike, trunk, trust) if is_feared[phase] else trunk
            licence[self._path_nodes[number][strike:]] = branch[strike:]
        if tree.conceded is not None and conceded is not None:
            branch = self._relieved(trunk, self.trunk(conceded, fed))
            licence[self._path_nodes[-1][tree.conceded :]] = branch[tree.conceded :]
        licence[: tree.periods] = trunk
        return licence

    def drawable(self, path: Path, licence: Floats) -> tuple[Floats, Floats]:
        """What may be bought in a period and in the quarter that ends with it, both [n,b,k] tonnes.

        A posture that releases licences by the quarter lets buyers choose the month; a quarter counts if it lies in
        one phase. Elsewhere the month's licence stands and no quarter has a limit.
        """
        drawable, release = licence, np.full_like(licence, np.inf)
        for phase, (first, last) in enumerate(self.bounds):
            pooled = self._pooled(path, phase)
            if pooled.any():
                drawable = drawable.copy() if drawable is licence else drawable
                for months in self.quarters:
                    if first <= months[0] and months[-1] < last:
                        self._pool(months, pooled, licence, drawable, release)
        return drawable, release

    def _pooled(self, path: Path, phase: int) -> np.ndarray:
        """Blocs and products [b,k] whose licences a phase releases by the quarter."""
        pooled = np.zeros(self.market.forecast.shape[1:], dtype=bool)
        for group, members in enumerate(self.members):
            for k, name in enumerate(path[phase][group]):
                posture = self.instance.postures[name]
                pooled[members, k] = posture.release == "quarter" and posture.licensed != "open"
        return pooled

    def _pool(
        self, months: tuple[int, int, int], pooled: np.ndarray, licence: Floats, drawable: Floats, release: Floats
    ) -> None:
        # The trunk last: what a node may draw is the quarter of its own path, and the trunk's nodes are on many.
        for nodes in reversed(self._path_nodes):
            quarter = [int(nodes[t]) for t in months]
            total = licence[quarter].sum(axis=0)
            for node in quarter:
                drawable[node] = np.where(pooled, total, drawable[node])
            release[quarter[-1]] = np.where(pooled, total, release[quarter[-1]])

    def trunk(self, path: Path, fed: Mapping[str, Fed]) -> Floats:
        """Licensed tonnes [t,b,k] while licences hold: applications delivered a processing time after they were filed."""
        if fed:
            return self._trunk(path, fed)
        if path not in self._trunks:
            if len(self._trunks) >= KEPT:
                self._trunks.pop(next(iter(self._trunks)))
            self._trunks[path] = self._trunk(path, fed)
            self._trunks[path].flags.writeable = False
        return self._trunks[path]

    def _trunk(self, path: Path, fed: Mapping[str, Fed]) -> Floats:
        market = self.market
        licence = np.zeros_like(market.forecast)
        opened = np.ones_like(market.forecast, dtype=bool)
        for phase, (first, last) in enumerate(self.bounds):
            for group, members in enumerate(self.members):
                for k in range(len(market.sets.products)):
                    name = path[phase][group][k]
                    if self.instance.postures[name].licensed == "open":
                        continue
                    opened[first:last, members, k] = False
                    flow = self._flow(phase, name)
                    if fed:
                        flow = self._unfed(flow, path, fed, phase, group, k)
                    licence[:, members, k] += flow @ self._bases.get(name, market.forecast)[:, members, k]
        licence[opened] = np.inf
        for month, recorded in fed.items():
            period = int(np.flatnonzero(market.grid.start == month_index(month))[0])
            volume = split(recorded, market.forecast[period], market.sets.blocs)
            licence[period] = np.where(opened[period], np.inf, volume)
        return licence

    def _unfed(self, flow: Floats, path: Path, fed: Mapping[str, Fed], phase: int, group: int, k: int) -> Floats:
        """A flow without the filings of fed months that would arrive under another posture: the record has delivered them."""
        months = [int(np.flatnonzero(self.market.grid.start == month_index(month))[0]) for month in fed]
        filed = [t for t in months if self.bounds[phase][0] <= t < self.bounds[phase][1]]
        if not filed:
            return flow
        name, left = path[phase][group][k], flow.copy()
        for other, (first, last) in enumerate(self.bounds):
            if path[other][group][k] != name:
                left[first:last, filed] = 0.0
        return left

    def _flow(self, phase: int, name: str) -> Floats:
        """Share of each period's forecast that applications filed in ``phase`` deliver, [t, filing t]."""
        key = (phase, name)
        if key not in self._flows:
            grid, posture = self.market.grid, self.instance.postures[name]
            delay = (float(posture.processing) if posture.processing else 0.0) / DAYS_PER_MONTH
            assert posture.licensed != "open"
            flow = np.zeros((len(grid), len(grid)))
            for filed in range(*self.bounds[phase]):
                moved = grid.overlap(grid.start[filed] + delay, grid.end[filed] + delay)
                flow[:, filed] = float(posture.licensed) * moved / grid.length[filed]
            self._flows[key] = flow
        return self._flows[key]

    def _broken(self, path: Path, phase: int, period: int, trunk: Floats, trust: TrustPath) -> Floats:
        """Licensed tonnes [t,b,k] when licences break down in ``period`` of a phase: for a while a share, and the buffer, is delivered."""
        shape = trunk.shape[1:]
        delivered, lasts, buffer = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for group, members in enumerate(self.members):
            for k in range(len(self.market.sets.products)):
                posture = self.instance.postures[path[phase][group][k]]
                feared = trust.breakdown(phase, posture)
                delivered[members, k], lasts[members, k] = float(feared.delivered), float(feared.lasts)
                buffer[members, k] = 0.0 if posture.buffer is None else float(posture.buffer)
        return self._break(trunk, period, delivered, lasts, buffer)

    def _break(self, trunk: Floats, begins: int, delivered: Floats, lasts: Floats, buffer: Floats) -> Floats:
        """The trunk's licences [t,b,k] but for a spell: what is delivered in it, how many months it lasts, and the buffer, all [b,k]."""
        grid, market = self.market.grid, self.market
        licence, strike = trunk.copy(), grid.start[begins]
        held = buffer * market.forecast[begins] / grid.length[begins]
        for period in range(begins, len(grid)):
            hit = np.clip((strike + lasts - grid.start[period]) / grid.length[period], 0.0, 1.0)
            if not hit.any():
                break
            usual = trunk[period]
            base = np.where(np.isinf(usual), market.forecast[period], usual)
            # Where trade was open, the part of the period after the spell is bounded by the exporters alone.
            rest = np.where(np.isinf(usual), market.exporter_capacity[period], usual)
            missing = (1.0 - delivered) * hit * base
            drawn = np.minimum(held, missing)
            held = held - drawn
            licence[period] = np.where(hit > 0.0, delivered * hit * base + drawn + (1.0 - hit) * rest, licence[period])
        return licence

    def _relieved(self, trunk: Floats, conceded: Floats) -> Floats:
        """Licensed tonnes [t,b,k] on the branch of the concession: the other path while the concession lasts."""
        part = conceded_part(self.instance, self.market.grid)[:, None, None]
        capacity = np.broadcast_to(self.market.exporter_capacity[:, None, None], trunk.shape)
        here = np.where(np.isinf(conceded), capacity, conceded)
        there = np.where(np.isinf(trunk), capacity, trunk)
        mixed = part * here + (1.0 - part) * there
        # Open throughout, or open on both paths: no cap at all.
        free = np.isinf(conceded) & (np.isinf(trunk) | (part >= 1.0)) | (np.isinf(trunk) & (part <= 0.0))
        return np.where(free, np.inf, np.where(part <= 0.0, trunk, mixed))
