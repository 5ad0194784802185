"""What answers on the port: `/invocations` and `/ping`, for whoever is on this machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from agentcore_new.dev import platform
from agentcore_new.dev.invocation import Invocations, Refused
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.platform import Headers

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Client:
    """A client over HTTP, who gets the answer as it comes."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response: web.StreamResponse | None = None

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head."""
        self.response = web.StreamResponse(status=status, headers=headers)
        await self.response.prepare(self._request)

    async def write(self, chunk: bytes) -> None:
        """Send a piece."""
        if self.response:
            await self.response.write(chunk)

    async def end(self) -> web.StreamResponse:
        """Send the end, and return all of it."""
        if self.response is None:
            return web.Response(status=500)
        await self.response.write_eof()
        return self.response


def add_routes(app: web.Application, invocations: Invocations, machines: Machines) -> None:
    """Add what AgentCore has, and what an agent has."""

    async def invoke(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"message": _TOO_LARGE}, status=413)
        client = Client(request)
        try:
            turn = invocations.begin([*request.headers.items()], body)
            if task := asyncio.current_task():
                turn.stop = task.cancel
            await invocations.run(turn, body, client)
        except Refused as refused:
            if client.response:  # too late for a status: that it breaks off says it
                _break_off(request)
                return client.response
            return web.json_response(refused.as_object(), status=refused.status)
        except ConnectionError:  # the client has gone
            return client.response or web.Response(status=499)
        return await client.end()

    async def ping(_: web.Request) -> web.Response:
        busy = any(each.turns or each.health == "HealthyBusy" for each in machines)
        status = "HealthyBusy" if busy else "Healthy"
        return web.json_response({"status": status, "time_of_last_update": int(time.time())})

    app.router.add_post("/invocations", invoke)
    app.router.add_get("/ping", ping)


_TOO_LARGE = f"The payload has more than {platform.MAX_PAYLOAD_BYTES:,} bytes."


def _break_off(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()


@web.middleware
async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another origin asks, whatever name it has for this address."""
    if fault := foreign(
        request.host,
        request.headers.get("Origin"),
        request.headers.get("Sec-Fetch-Site"),
        opens_page=request.path == "/" and request.headers.get("Sec-Fetch-Mode") == "navigate",
    ):
        return web.json_response({"message": fault}, status=403)
    return await handler(request)


def foreign(host: str, origin: str | None, site: str | None, *, opens_page: bool) -> str | None:
    """Why a request is refused; None if it is from this machine and from no other page.

    Args:
        host: Its Host.
        origin: Its Origin, which browsers send with all that can change something.
        site: Its Sec-Fetch-Site, which browsers send always.
        opens_page: Whether somebody goes to the page, by a link.
    """
    if _name_of(host) not in LOOPBACK:
        return f"There is no {host} here, only localhost."
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return f"Pages of {origin} may not talk to this agent."
    if site not in (None, "same-origin", "none") and not opens_page:
        return "Pages of other origins may not talk to this agent."
    return None


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
