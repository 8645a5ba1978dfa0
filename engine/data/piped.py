"""Standard input, which the argument ``-`` stands for: handed over by the command line, never reached for by the library."""

from __future__ import annotations

from typing import Any

from coercivity.engine.errors import UsageError


class Piped:
    """The stream that ``-`` is read from; none until one is handed over."""

    def __init__(self) -> None:
        self._whole: Any = None
        self._stream: Any = None

    def hand_over(self, stream: Any) -> None:
        """Read from this text or byte stream from now on; None where there is none."""
        # A text stream that nobody holds closes the bytes below it.
        self._whole, self._stream = stream, getattr(stream, "buffer", stream)

    def take(self, most: int = -1) -> bytes:
        """What the stream holds, up to so many bytes.

        Raises
        ------
        UsageError
            No stream was handed over, or it is closed.
        """
        if self._stream is None or self._stream.closed:
            raise UsageError("-", "there is no standard input", "name a file, or pipe one in")
        held = self._stream.read(most)
        return held.encode("utf-8") if isinstance(held, str) else bytes(held)

    def glimpse(self, bytes_: int) -> str:
        """The beginning of the stream, which stays in it; nothing where it cannot be looked at."""
        peek = getattr(self._stream, "peek", None)
        return "" if peek is None else str(peek(bytes_)[:bytes_].decode("utf-8", "replace"))


PIPED = Piped()
