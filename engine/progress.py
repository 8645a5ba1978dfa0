"""Progress of a long job on stderr: a bar on a terminal, one line otherwise."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


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
        if not self._quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._bar = _bar()
            self._bar.start()
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage has come."""
        self._counts[stage] = (done, total)
        if self._bar is None:
            return
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._bar.update(task, visible=False)
            # A stage of one step has no length that could be shown: the bar only moves.
            self._tasks[stage] = self._bar.add_task(stage, total=total if total > 1 else None)
        self._bar.update(self._tasks[stage], completed=done)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet:
            counts = [f"{stage} {done:,}/{total:,}" for stage, (done, total) in self._counts.items() if total > 1]
            print(", ".join([*counts, f"{time.monotonic() - self._started:.1f} s"]), file=sys.stderr)  # noqa: T201


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many are done in a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed and task.total else "")

    class Count(MofNCompleteColumn):
        """Done of all, where there is more than one."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text("")

    columns = (TextColumn("{task.description}"), BarColumn(None), Count(), Rate(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
