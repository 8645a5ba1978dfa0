"""The processes of the cockpit, seen from the server: one owns the solver and is kept, one is started for a certificate.

A process that dies over a wish is started anew and asked once more; a wish that takes two of them down is refused in a
sentence. Processes end with their parent.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from coercivity.engine.errors import CoercivityError
from coercivity.engine.parallel import deaf_to_interrupt, end_with_parent
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.desk.cockpit.wishes import Kind, Making, Wish

Said = dict[str, Any]

# Which of the reader's answers a kind of wish asks for.
ANSWERS: dict[Kind, Callable[[Any, Wish], Said]] = {
    "read": lambda reader, wish: reader.read(wish),
    "verdict": lambda reader, wish: reader.verdict(wish),
    "leverage": lambda reader, wish: reader.leverage(wish),
}
STRIKES = 2  # processes that one wish may take down
PATIENCE = 120.0  # seconds after which a process that does not answer counts as dead
HINT = 1.0  # seconds that a process has to end when nobody talks to it any more
LAST_WORDS = 5.0  # seconds that it has to end once it is told to

CLOSED: Said = {"refused": "The cockpit is being closed.", "fix": "start it again"}


def refusal(error: Exception) -> Said:
    """What went wrong, as a sentence for the page; a fault of the program says that it is one."""
    if isinstance(error, CoercivityError):
        findings = getattr(error, "findings", None)
        if findings:
            return {"refused": "; ".join(f"{one.path}: {one.what}" for one in findings), "fix": findings[0].fix}
        return {"refused": f"{error.where}: {error.what}", "fix": error.fix}
    return {
        "refused": f"The program failed: {type(error).__name__}.",
        "fix": "please report it, with the link to this view",
    }


def answer_wishes(pipe: Connection, instance: Instance) -> None:
    """What the process does that owns the solver: one wish after the other, until nobody asks any more."""
    end_with_parent()
    from coercivity.models.licensing.desk.cockpit.reading import Reader

    try:
        reader: Reader | None = Reader(instance)
        failed: Said = {}
    except Exception as error:
        reader, failed = None, refusal(error)
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, wish = pipe.recv()
            try:
                said = failed if reader is None else ANSWERS[kind](reader, wish)
            except Exception as error:
                said = refusal(error)
            pipe.send(said)


class Solver:
    """The process that owns the solver; asked by one thread at a time."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.started = 0
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, unless it runs."""
        with self._lock:
            if not self._closed:
                self._running()

    def ask(self, kind: Kind, wish: Wish) -> Said:
        """The answer to a wish, or the sentence in which it is refused."""
        with self._lock:
            for _ in range(STRIKES):
                if self._closed:
                    return CLOSED
                pipe = self._running()
                try:
                    pipe.send((kind, wish))
                    if pipe.poll(PATIENCE):
                        said: Said = pipe.recv()
                        return said
                except (EOFError, OSError):
                    pass
                self._end()
        fix = "change something else, or start the cockpit again"
        return {"refused": f"The solver's process ended {STRIKES} times over this wish.", "fix": fix}

    def close(self) -> None:
        """End the process for good, by force where it is long at something."""
        self._closed = True
        process = self._process
        if not self._lock.acquire(timeout=LAST_WORDS) and process is not None:
            process.kill()  # whoever waits for its answer then hears that there is none
            self._lock.acquire()
        self._end()
        self._lock.release()

    def _running(self) -> Connection:
        if self._pipe is None or not self._process.is_alive():
            self._end()
            self._process, self._pipe = spawn(answer_wishes, self.instance)
            self.started += 1
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            finish(self._process)
        self._process = self._pipe = None


def spawn(target: Callable[..., None], *args: Any) -> tuple[Any, Connection]:
    """A process and the pipe to it; spawned, because a forked solver would share threads and locks with its parent."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *args), daemon=True)
    with deaf_to_interrupt():
        process.start()
    theirs.close()
    return process, ours


def finish(process: Any) -> None:
    """End a process whose pipe was closed, by force if it does not take the hint."""
    process.join(HINT)
    if process.is_alive():
        process.terminate()
        process.join(LAST_WORDS)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()


# -- certificates ------------------------------------------------------------------------------------------------


def make_in_full(pipe: Connection, instance: Instance, wish: Wish, what: Making) -> None:
    """What a process does that makes a certificate or a brief, with every check; told as it goes."""
    end_with_parent()
    from coercivity.models.licensing.desk.cockpit import full

    def told(stage: str, done: int, total: int) -> None:
        pipe.send({"state": "running", "stage": stage, "done": done, "total": total})

    with contextlib.suppress(EOFError, OSError):
        try:
            game, name = full.game_of(instance, wish)
            made = full.certificate(game, name, told) if what == "certificate" else full.brief(game, told)
        except Exception as error:
            pipe.send({"state": "refused", **refusal(error)})
            return
        pipe.send({"state": "done", **made})


class Certifying:
    """One certificate or brief in the making, in a process that may be ended at any time."""

    def __init__(self, instance: Instance, wish: Wish, what: Making = "certificate") -> None:
        self.wish = wish
        self._said: Said = {"state": "running", "stage": "starting", "done": 0, "total": 1}
        self._process: Any
        self._process, self._pipe = spawn(make_in_full, instance, wish, what)
        self._lock = threading.Lock()
        self._ended = False

    def state(self) -> Said:
        """How far it has come."""
        with self._lock:
            if not self._ended:
                try:
                    while self._pipe.poll():
                        self._said = self._pipe.recv()
                except (EOFError, OSError):
                    if self._said["state"] == "running":
                        self._said = {
                            "state": "refused",
                            "refused": "The process ended before it was done.",
                            "fix": "try again",
                        }
                if self._said["state"] != "running":
                    self._end()
            return self._said

    def cancel(self) -> Said:
        """End it; what is done already stays."""
        self.state()
        with self._lock:
            if not self._ended:
                self._said = {"state": "cancelled"}
                self._end()
            return self._said

    def _end(self) -> None:
        self._ended = True
        self._pipe.close()
        finish(self._process)
