"""Ctrl-C that ends a search and not its answer: it is noted, and whoever works asks now and then whether to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

Stop = Callable[[], bool]
"""Asked now and then: whether somebody wants what there is by now."""
ENDS = "Ending here: what has been found is certified and told. Ctrl-C once more ends at once."


def never() -> bool:
    """Nobody wants an end."""
    return False


def stoppable(tell: Callable[[str], None] | None) -> AbstractContextManager[Stop]:
    """A stretch of work that ends early and in order on Ctrl-C, where somebody is told so; else Ctrl-C interrupts as ever."""
    return contextlib.nullcontext(never) if tell is None else _noted(tell)


@contextlib.contextmanager
def _noted(tell: Callable[[str], None]) -> Iterator[Stop]:
    pressed, before = threading.Event(), signal.getsignal(signal.SIGINT)
    # Signals are heard in the main thread alone; where Ctrl-C is ignored or somebody else's, it stays so.
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield never
        return

    def note(number: int, frame: Any) -> None:
        if pressed.is_set():
            signal.default_int_handler(number, frame)
        pressed.set()
        # From a thread of its own: this one may be half-way through writing to the same stream.
        threading.Thread(target=tell, args=(ENDS,), daemon=True).start()

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
