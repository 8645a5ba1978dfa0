"""The server of the cockpit: loopback only, its own page only; whatever it is asked for it answers with data or a sentence.

A page elsewhere could ask a server on this machine for something, or a name elsewhere be led to it: so what names another
host, or comes from another origin, is refused before anything is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.desk.cockpit.facts import facts
from coercivity.models.licensing.desk.cockpit.keeping import kept
from coercivity.models.licensing.desk.cockpit.solver import Certifying, Solver, refusal
from coercivity.models.licensing.desk.cockpit.turns import Turns
from coercivity.models.licensing.desk.cockpit.wishes import Kind, client_of, making_of, parsed, wish_of

LARGEST = 100_000  # bytes of a wish
MOST_CERTIFICATES = 2  # that are made at once
REMEMBERED = 8  # certificates that can still be asked for
FILES = {
    "": "cockpit.html",
    "cockpit.css": "cockpit.css",
    "cockpit.js": "cockpit.js",
    "drawing.js": "drawing.js",
    "teaching.js": "teaching.js",
}
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Lets only requests of this machine's own page through, and puts the headers of caution on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        what = self._refused(Request(scope))
        answered: ASGIApp = (
            self.app if what is None else said({"refused": what, "fix": "open the address it printed"}, 403)
        )
        await answered(scope, receive, sent)

    def _refused(self, request: Request) -> str | None:
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return "The cockpit answers under this machine's own address only."
        if any(origin.lower() not in self.origins for origin in origins):
            return "The cockpit answers its own page only."
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "The cockpit answers its own page only."
        return None


def said(data: dict[str, Any], status: int = 200) -> JSONResponse:
    """Data as an answer."""
    return JSONResponse(data, status)


class Cockpit:
    """What the routes share: the game, the solver, whose turn it is, the certificates in the making."""

    def __init__(self, instance: Instance, given: str, runs: Path) -> None:
        self.instance, self.given, self.runs = instance, given, runs
        self.solver = Solver(instance)
        self.turns = Turns(self.solver.ask)
        self.certificates: dict[str, Certifying] = {}
        self._facts: dict[str, Any] | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Wishes are let through while the server runs; no process outlives it."""
        warming = asyncio.create_task(asyncio.to_thread(self.solver.start))
        running = asyncio.create_task(self.turns.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.to_thread(self.solver.close)
            for one in self.certificates.values():
                await asyncio.to_thread(one.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await warming

    async def file(self, request: Request) -> Response:
        """A file of the page."""
        name = FILES[request.url.path.removeprefix("/")]
        text = resources.files(__package__).joinpath("static", name).read_text("utf-8")
        return Response(text, media_type=TYPES[name.rpartition(".")[2]])

    async def game(self, request: Request) -> Response:
        """What does not change while the page is open."""
        if self._facts is None:
            self._facts = await run_in_threadpool(facts, self.instance, self.given, self.runs)
        return said(self._facts)

    async def reading(self, request: Request) -> Response:
        """A strategy read at changed assumptions."""
        return await self._answer(request, "read")

    async def verdict(self, request: Request) -> Response:
        """All named strategies compared at changed assumptions, in words."""
        return await self._answer(request, "verdict")

    async def leverage(self, request: Request) -> Response:
        """What a cut-off would cost at the end of each year."""
        return await self._answer(request, "leverage")

    async def _answer(self, request: Request, kind: Kind) -> Response:
        data = parsed(await body_of(request))
        answer = await self.turns.wish(client_of(data), kind, wish_of(data))
        return said(answer, 422 if "refused" in answer else 200)

    async def keep(self, request: Request) -> Response:
        """The command and the variant of a view."""
        wish = wish_of(parsed(await body_of(request)))
        return said(await run_in_threadpool(kept, self.instance, self.given, wish))

    async def certify(self, request: Request) -> Response:
        """Begin a certificate, or a brief."""
        data = parsed(await body_of(request))
        wish, what = wish_of(data), making_of(data)
        states = [await run_in_threadpool(one.state) for one in list(self.certificates.values())]
        if sum(state["state"] == "running" for state in states) >= MOST_CERTIFICATES:
            return said({"refused": "Other certificates or briefs are being made.", "fix": "cancel one, or wait"}, 429)
        name = secrets.token_urlsafe(12)
        self.certificates[name] = await run_in_threadpool(Certifying, self.instance, wish, what)
        for old in list(self.certificates)[:-REMEMBERED]:
            await run_in_threadpool(self.certificates.pop(old).cancel)
        return said({"certificate": name}, 202)

    async def certificate(self, request: Request) -> Response:
        """How far a certificate has come; a DELETE cancels it."""
        one = self.certificates.get(request.path_params["name"])
        if one is None:
            return said({"refused": "There is no such certificate.", "fix": "begin another"}, 404)
        return said(await run_in_threadpool(one.cancel if request.method == "DELETE" else one.state))


async def body_of(request: Request) -> bytes:
    """The body of a request, as far as it is JSON and not too large.

    Raises
    ------
    UsageError
        It is not.
    """
    # A form of a foreign page cannot be sent with this type.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("the wish", "it is not JSON", "send application/json")
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > LARGEST:
            raise UsageError("the wish", f"it has more than {LARGEST:,} bytes", "wish for less")
    return found


async def refuse(request: Request, error: Exception) -> Response:
    """An error as a sentence."""
    return said(refusal(error), 400 if isinstance(error, CoercivityError) else 500)


def application(cockpit: Cockpit, port: int) -> Starlette:
    """The server's routes behind its guard."""
    routes = [
        *(Route(f"/{name}", cockpit.file) for name in FILES),
        Route("/api/game", cockpit.game),
        Route("/api/reading", cockpit.reading, methods=["POST"]),
        Route("/api/verdict", cockpit.verdict, methods=["POST"]),
        Route("/api/leverage", cockpit.leverage, methods=["POST"]),
        Route("/api/kept", cockpit.keep, methods=["POST"]),
        Route("/api/certificates", cockpit.certify, methods=["POST"]),
        Route("/api/certificates/{name}", cockpit.certificate, methods=["GET", "DELETE"]),
    ]
    guard = Middleware(Guard, port=port)
    return Starlette(
        routes=routes,
        middleware=[guard],
        lifespan=cockpit.lifespan,
        exception_handlers={CoercivityError: refuse, Exception: refuse},
    )
