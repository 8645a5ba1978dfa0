"""Whose turn it is: every client has at most one wish waiting, and a later one takes the place of the earlier."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coercivity.models.licensing.desk.cockpit.wishes import Kind, Wish

MOST_WAITING = 500  # clients whose wish may wait
OVERTAKEN = {"overtaken": True}
FULL = {"refused": "Too many wishes are waiting.", "fix": "wait a little"}

Answer = dict[str, Any]


@dataclass
class Waiting:
    """A wish that waits, and who is told of its answer."""

    kind: Kind
    wish: Wish
    answer: asyncio.Future[Answer]


class Turns:
    """Lets one wish after the other through to the solver, of every client the latest.

    Parameters
    ----------
    ask : answers a wish of a kind; called in a thread, one call at a time
    """

    def __init__(self, ask: Callable[[Kind, Wish], Answer]) -> None:
        self._ask = ask
        self._waiting: dict[str, Waiting] = {}
        self._wanted = asyncio.Event()
        self.solved = self.overtaken = 0

    async def wish(self, client: str, kind: Kind, wish: Wish) -> Answer:
        """The answer to a wish; :data:`OVERTAKEN` where the client wished for something else before its turn came."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        before = self._waiting.get(client)
        if before is None and len(self._waiting) >= MOST_WAITING:
            return FULL
        # It takes the place in the queue too, so that nobody who changes their mind waits longer for it.
        self._waiting[client] = Waiting(kind, wish, answer)
        if before is not None:
            self._tell(before, OVERTAKEN)
            self.overtaken += 1
        self._wanted.set()
        return await answer

    async def run(self) -> None:
        """Let wishes through until cancelled."""
        while True:
            await self._wanted.wait()
            while self._waiting:
                client = next(iter(self._waiting))
                one = self._waiting.pop(client)
                if one.answer.done():  # nobody listens any more
                    continue
                self._tell(one, await asyncio.to_thread(self._ask, one.kind, one.wish))
                self.solved += 1
            self._wanted.clear()

    def _tell(self, one: Waiting, answer: Answer) -> None:
        if not one.answer.done():
            one.answer.set_result(answer)
