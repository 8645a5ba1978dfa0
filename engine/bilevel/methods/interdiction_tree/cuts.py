"""Packings of a follower whose items the leader takes away, and the cuts that they give.

A packing w that fits is, with what is blocked taken out, an answer to every x, so that the follower gains

    t  ≥  Σ_i p_i w_i (1 − Σ_{j blocks i} x_j).

Every w is maximal: whatever still fits is put in. And it is lifted by swaps: let b be outside of w and a inside, each with one binary
that blocks it. Where a is blocked and b is not, b can take its place, so that p_b (x_a − x_b) may be added on the right; at the other
three values of (x_a, x_b) that adds nothing or takes something away. No item is swapped twice, and all swaps together fit into
the room that w leaves in each row, so that any of them may be made.

Accepts: what :mod:`coercivity.engine.bilevel.methods.interdiction_tree.method` accepts.
Bound: a cut holds at every x by the answer that it names; rests on no assumption.
Source: Fischetti, Ljubić, Monaci and Sinnl (2019), *Interdiction games and monotonicity, with application to knapsack problems*,
INFORMS J. Computing 31, for maximal cuts and lifting by an item outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import solve_mixed

Bools = NDArray[np.bool_]

# A row is kept to within this.
ROOM = 1e-9


@dataclass(frozen=True)
class Packing:
    """What the follower packs: items of gain p, rows of weights, and the leader's binaries that block an item.

    Attributes
    ----------
    gain : what each item is worth to the follower, at least 0; shape (m,)
    weight, side : weight · y ≤ side, all at least 0; shapes (rows, m) and (rows,)
    blocked_by : whether a binary of the leader blocks an item, shape (m, n)
    only : the one binary that blocks an item; −1 where there is none, −2 where there are several
    """

    gain: Floats
    weight: Floats
    side: Floats
    blocked_by: Floats
    only: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        count = (self.blocked_by > 0.0).sum(axis=1)
        only = np.where(count == 1, self.blocked_by.argmax(axis=1), np.where(count == 0, -1, -2))
        object.__setattr__(self, "only", only)

    def left(self, x: Floats) -> Floats:
        """What each item is worth at x, blocked items nothing."""
        return np.asarray(self.gain * np.maximum(0.0, 1.0 - self.blocked_by @ x))

    def greedy(self, worth: Floats) -> Bools:
        """A maximal packing that looks good where items are worth this much: the best of two orders."""
        share = (self.weight / np.maximum(self.side, 1e-300)[:, None]).sum(axis=0)
        packings = [
            self._filled(np.lexsort((-self.gain, -order)))
            for order in (worth, np.where(worth > 0.0, worth / np.maximum(share, 1e-12), 0.0))
        ]
        return self._swapped(max(packings, key=lambda packing: float(worth @ packing)), worth)

    def _swapped(self, packing: Bools, worth: Floats) -> Bools:
        """A packing with items exchanged one for one as long as that is worth something, and then filled again."""
        packing, has_changed = packing.copy(), False
        room = self.side + ROOM - self.weight @ packing
        for _ in range(len(worth) if len(self.side) <= len(worth) else 0):
            a, b = np.flatnonzero(packing), np.flatnonzero(~packing & (worth > 0.0))
            if not len(a) or not len(b):
                break
            fits = np.all(self.weight[:, None, b] <= (room[:, None] + self.weight[:, a])[:, :, None], axis=0)
            rise = np.where(fits, worth[b][None, :] - worth[a][:, None], 0.0)
            one, other = divmod(int(rise.argmax()), len(b))
            if rise[one, other] <= 1e-9:
                break
            packing[a[one]], packing[b[other]], has_changed = False, True, True
            room = room + self.weight[:, a[one]] - self.weight[:, b[other]]
        return self.maximal(packing) if has_changed else packing

    def _filled(self, order: NDArray[np.intp]) -> Bools:
        """The items that fit, taken in an order."""
        room, taken = self.side + ROOM, np.zeros(len(self.gain), dtype=bool)
        for item in order:
            weight = self.weight[:, item]
            if (weight <= room).all():
                room = room - weight
                taken[item] = True
        return taken

    def maximal(self, packing: Bools) -> Bools:
        """A packing with whatever still fits, the most gainful first."""
        return self._filled(np.lexsort((-self.gain, ~packing)))

    def best(self, x: Floats, seconds: float) -> Bools | None:
        """The best packing at a whole x; None where it was not found in so many seconds."""
        free = self.blocked_by @ x < 0.5
        count = int(free.sum())
        if not count:
            return np.zeros(len(free), dtype=bool)
        program = LinearProgram(
            cost=-self.gain[free],
            matrix=sp.csr_array(self.weight[:, free]),
            row_lower=np.full(len(self.side), -np.inf),
            row_upper=self.side,
            col_lower=np.zeros(count),
            col_upper=np.ones(count),
        )
        found = solve_mixed(program, np.ones(count, dtype=bool), seconds=max(seconds, 0.1))
        if found.point is None or found.status is not SolveStatus.OPTIMAL:
            return None
        packing = np.zeros(len(free), dtype=bool)
        packing[free] = found.point > 0.5
        return packing

    def cut(self, packing: Bools, x: Floats) -> tuple[Floats, float]:
        """The lifted cut of a packing as t + coefficients · x ≥ constant, as strong at x as greedy swaps make it."""
        # An item that several block would be counted off more than once.
        packing = packing & (self.blocked_by @ x <= 1.0 + ROOM)
        inside = np.where(packing, self.gain, 0.0)
        coefficients, constant = np.asarray(inside @ self.blocked_by), float(inside.sum())
        a, b = (
            np.flatnonzero(packing & (self.only >= 0)),
            np.flatnonzero(~packing & (self.only >= -1) & (self.gain > 0.0)),
        )
        if len(a) and len(b):
            at = np.append(x, 0.0)
            extra = self.gain[b] * (at[self.only[a]][:, None] - at[self.only[b]][None, :])
            room = np.maximum(0.0, self.side - self.weight @ packing)
            for one, other in self._swaps(extra, self.weight[:, a], self.weight[:, b], room):
                coefficients[self.only[a[one]]] -= self.gain[b[other]]
                if self.only[b[other]] >= 0:
                    coefficients[self.only[b[other]]] += self.gain[b[other]]
        return coefficients, constant

    @staticmethod
    def _swaps(extra: Floats, outgoing: Floats, incoming: Floats, room: Floats) -> list[tuple[int, int]]:
        """Pairs of an item inside and one outside, the greatest entries first and none that is not positive.

        Each item is in one pair, and what all of them together may add to a row is no more than its room.
        """
        found, left, room = [], extra.copy(), room + ROOM
        while (at := int(left.argmax())) >= 0 and left.flat[at] > 1e-9:
            one, other = divmod(at, left.shape[1])
            more = np.maximum(0.0, incoming[:, other] - outgoing[:, one])
            if (more <= room).all():
                found.append((one, other))
                left[one, :] = left[:, other] = 0.0
                room = room - more
            else:
                left[one, other] = 0.0
        return found


def packing_of(problem: BilevelProblem, losses: Floats) -> Packing | str:
    """The packing of a problem whose leader blocks; or why its follower does not pack whole items.

    Parameters
    ----------
    losses : what each binary takes off the follower's gain where it blocks a column, shape (m, n)
    """
    n, own, rows = len(problem.leader), problem.follower, problem.follower_rows
    if not own.is_integer.all() or np.any(own.upper < 0.0) or np.any(np.minimum(own.upper, _caps(problem)) >= 2.0):
        return "the follower takes more than one of an item, or a part of one"
    cap = np.floor(np.minimum(own.upper, _caps(problem)) + ROOM)
    gain = np.where(cap >= 1.0, np.maximum(0.0, -problem.follower_objective.linear[n:]), 0.0)
    weight, side = [], []
    for sign, sides in ((1.0, rows.upper), (-1.0, -rows.lower)):
        matrix = sp.csr_array(rows.matrix) * sign
        for row in np.flatnonzero(np.isfinite(sides)):
            line = matrix[[row]].toarray().ravel()
            if not line[:n].any():
                weight.append(line[n:])
                side.append(float(sides[row]))
    if any(one < 0.0 for one in side):
        return "nothing fits the follower's rows"
    # What can never be taken is in no packing.
    impossible = np.flatnonzero(cap < 1.0)
    weight += [np.eye(len(own))[item] for item in impossible]
    side += [0.0] * len(impossible)
    blocked_by = (losses > 0.0).astype(float)
    return Packing(gain, np.array(weight).reshape(len(side), len(own)), np.array(side), blocked_by)


def _caps(problem: BilevelProblem) -> Floats:
    """The greatest value that rows with one column of the follower leave it where nothing is blocked, shape (m,)."""
    n, rows, caps = len(problem.leader), problem.follower_rows, np.full(len(problem.follower), np.inf)
    for sign, sides in ((1.0, rows.upper), (-1.0, -rows.lower)):
        matrix = sp.csr_array(rows.matrix) * sign
        for row in np.flatnonzero(np.isfinite(sides)):
            line = matrix[[row]].toarray().ravel()
            on_y = np.flatnonzero(line[n:])
            if len(on_y) == 1:
                caps[on_y[0]] = min(caps[on_y[0]], float(sides[row]) / line[n + on_y[0]])
    return caps
