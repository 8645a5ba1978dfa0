"""The two streams: the result and nothing else on stdout, the progress of a long job on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from coercivity.engine.errors import refused
from coercivity.engine.report.text import Block, Line, lines, printable, steerless, to_csv, to_json

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

ANSI = {"bold": "\x1b[1m", "dim": "\x1b[2m", "bold green": "\x1b[1;32m"}


def width() -> int:
    """Columns of the terminal; 100 where there is none and COLUMNS does not say."""
    return shutil.get_terminal_size((100, 24)).columns


def is_unicode() -> bool:
    """Whether stdout takes every letter."""
    return sys.stdout is None or (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def show(
    form: str, data: Any, blocks: Callable[[], Sequence[Block]], rows: Callable[[], Sequence[Mapping[str, Any]]] = list
) -> None:
    """Write a result to stdout as ``json``, ``csv`` or a table; what the form does not need is not made.

    Raises as :func:`write`.
    """
    if form == "json":
        write(to_json(data, ascii_only=not is_unicode()))
    elif form == "csv":
        write(to_csv(rows()))
    else:
        write_lines(lines(blocks(), width()))


def write_lines(written: Sequence[Line]) -> None:
    """Write lines to stdout, set off on a terminal that wants it; raises as :func:`write`."""
    is_refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    is_plain = is_refused or sys.stdout is None or not sys.stdout.isatty()
    texts = ((line, steerless(line.text)) for line in written)
    styled = (f"{ANSI[line.style]}{text}\x1b[0m" if line.style and not is_plain else text for line, text in texts)
    _put("".join(f"{text}\n" for text in styled))


def write(text: str) -> None:
    """Write the result to stdout, without what would steer a terminal; a reader that has gone away is no error.

    Raises
    ------
    CoercivityError
        It cannot be written, e.g. because the disk is full.
    """
    _put(steerless(text))


def _put(text: str) -> None:
    stream: Any = sys.stdout
    if stream is None:
        return
    try:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What Python flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise refused("stdout", "cannot be written", error, "write to another place") from None


def note(words: str) -> None:
    """Write a note to stderr; a stream that is closed or gone is no error."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{steerless(words)}\n")
            sys.stderr.flush()


class Progress:
    """Called with (stage, done, total) while a job runs; used as a context.

    Parameters
    ----------
    quiet : show nothing at all
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet or sys.stderr is None
        self._bar: Bar | None = None
        self._tasks: dict[str, Any] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        # In a notebook the bar is a widget of it, and stderr is no terminal.
        is_live = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
        if not self._quiet and is_live and os.environ.get("TERM") != "dumb":
            self._bar = _bar()
            self._bar.start()
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage has come."""
        stage = printable(stage)
        self._counts[stage] = (done, total)
        if self._bar is None:
            return
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            # A stage of one step has no length that could be shown: the bar only moves.
            self._tasks[stage] = self._bar.add_task(stage, total=total if total > 1 else None)
        self._bar.update(self._tasks[stage], completed=done)

    def say(self, words: str) -> None:
        """A line that stays, beside the progress: what is known before everything is."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(steerless(words), markup=False, highlight=False)
        else:
            note(words)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet:
            counts = [f"{stage} {done:,}/{total:,}" for stage, (done, total) in self._counts.items() if total > 1]
            seconds = time.monotonic() - self._started
            note(f"{', '.join(counts) or 'done'} in {seconds:.1f} s")


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many are done in a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.{0 if task.speed >= 10 else 1}f}/s" if task.speed and task.total else "")

    class Count(MofNCompleteColumn):
        """Done of all, where there is more than one."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text("")

    columns = (TextColumn("{task.description}", markup=False), BarColumn(None), Count(), Rate(), TimeLeft())
    return Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
