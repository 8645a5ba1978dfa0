"""``coercivity cockpit``: the page served on this machine until it is interrupted."""

from __future__ import annotations

import contextlib
import importlib.util
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from coercivity.engine.desk import terminal
from coercivity.engine.errors import UsageError
from coercivity.models.licensing.data.instance import Instance

LOOPBACK = "127.0.0.1"
INSTALL = "pip install starlette uvicorn (or, in the repository's folder, pip install '.[cockpit]')"


def given_as(name: str, sets: Sequence[str], variants: Sequence[str]) -> str:
    """An instance with its overrides, as the command line takes it; FILE for one that came over standard input.

    >>> given_as("april-2025", ["leader.discount_rate=8 %/yr"], ["no_leakage"])
    "april-2025 --variant no_leakage --set 'leader.discount_rate=8 %/yr'"
    """
    words = ["FILE" if name == "-" else shlex.quote(name)]
    words += [f"--variant {shlex.quote(one)}" for one in variants] + [f"--set {shlex.quote(one)}" for one in sets]
    return " ".join(words)


def require_extra() -> None:
    """Nothing, where what the page is served with is installed; raises UsageError where it is not."""
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise UsageError("cockpit", "it needs the extra 'cockpit', which is not installed", INSTALL)


def listening(port: int) -> socket.socket:
    """A socket on this machine's own address; port 0 takes any that is free.

    Raises
    ------
    UsageError
        The port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
    except OSError as error:
        found.close()
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--port {port}", f"cannot be used: {reason}", "choose another, or 0 for any") from None
    return found


def cockpit(instance: Instance, given: str, port: int, runs: str, is_opened: bool) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
    given : the instance, as the command line takes it
    runs : where saved results lie, which may say what the ranking hinges on
    is_opened : also open the page in a browser
    """
    require_extra()
    import uvicorn

    from coercivity.models.licensing.desk.cockpit.server import Cockpit, application

    with contextlib.closing(listening(port)) as bound:
        port = bound.getsockname()[1]
        address = f"http://{LOOPBACK}:{port}/"
        app = application(Cockpit(instance, given, Path(runs)), port)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=3
        )
        terminal.write(f"Cockpit of {instance.name}: {address} (Ctrl-C ends it)\n")
        if is_opened:
            import webbrowser

            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[bound])
