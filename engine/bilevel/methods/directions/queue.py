"""The open nodes of the tree, in arrays that grow: a heap holds their bounds and where they are.

Accepts: what :mod:`coercivity.engine.bilevel.methods.directions.method` accepts.
Bound: none of its own.
Source: as of :mod:`coercivity.engine.bilevel.methods.directions.tree`.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import fields

import numpy as np

from coercivity.engine.bilevel.methods.directions.batch import Nodes


class Queue:
    """Solved nodes that wait to be expanded, those with the least bounds first, and of these the latest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int]] = []
        self._free: list[int] = []
        self._kept: Nodes | None = None
        self._added = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def least(self) -> float:
        """The least bound; +inf where nothing waits."""
        return self._heap[0][0] if self._heap else math.inf

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return 0 if self._kept is None else sum(getattr(self._kept, one.name).nbytes for one in fields(Nodes))

    def add(self, nodes: Nodes) -> None:
        """Let nodes wait."""
        if not len(nodes):
            return
        self._make_room(nodes)
        assert self._kept is not None
        where = [self._free.pop() for _ in range(len(nodes))]
        for one in fields(Nodes):
            getattr(self._kept, one.name)[where] = getattr(nodes, one.name)
        for bound, slot in zip(nodes.bound.tolist(), where, strict=True):
            self._added += 1
            heapq.heappush(self._heap, (bound, -self._added, slot))

    def taken(self, count: int) -> Nodes:
        """The next ones, which wait no longer."""
        assert self._kept is not None
        where = [heapq.heappop(self._heap)[2] for _ in range(min(count, len(self._heap)))]
        self._free.extend(where)
        return self._kept.at(np.array(where, dtype=np.intp))

    def _make_room(self, nodes: Nodes) -> None:
        missing = len(nodes) - len(self._free)
        if missing <= 0:
            return
        size = 0 if self._kept is None else len(self._kept)
        more = max(missing, size, 64)
        blank = nodes.at(np.zeros(more, dtype=np.intp))
        self._kept = blank if self._kept is None else Nodes.joined([self._kept, blank])
        self._free.extend(range(size, size + more))
