"""Runs an agent until told to stop: the steps of `agentcore-new dev`, in their order."""

import asyncio
import os
import re
import socket
import webbrowser
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from agentcore_new.dev import platform
from agentcore_new.dev.events import Events
from agentcore_new.dev.front import add_routes, only_from_here
from agentcore_new.dev.hosts import Hosts, Restarting
from agentcore_new.dev.invocation import Invocations
from agentcore_new.dev.logs import make_folder
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.page_api import Page
from agentcore_new.dev.page_events import Pages
from agentcore_new.dev.platform import Limits
from agentcore_new.dev.problem import Problem
from agentcore_new.dev.project import Project, find
from agentcore_new.dev.reloading import Reloading
from agentcore_new.dev.screen import screen_for
from agentcore_new.dev.stopping import Stopping
from agentcore_new.dev.turns import Record
from agentcore_new.errors import CannotServe

OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
KEEPS_TRACES = (OTLP, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked for on the command line.

    Args:
        folder: Where the agent is.
        port: On which the front listens; 0 for any.
        offline: Whether the agent answers without a model.
        per_session: Whether each session has a process of its own.
        limits: What a machine is given.
        reload: Whether a change of the code is run at once.
        open_page: Whether a browser is told to show the page.
        json_log: Whether each event is a line of JSON, for programs.
    """

    folder: Path
    port: int = 8000
    offline: bool = False
    per_session: bool = True
    limits: Limits = field(default_factory=Limits)
    reload: bool = True
    open_page: bool = False
    json_log: bool = False


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Serve the agent until a signal says to stop.

    Args:
        settings: How.
        tell: Is told what takes long before there is anything to show.

    Raises:
        Error: There is no agent, or it cannot be served.
    """
    project = find(settings.folder, tell)
    with listener(settings.port) as listening:
        asyncio.run(_serve(project, settings, listening))


def listener(port: int) -> socket.socket:
    """Return what listens on the loopback address.

    Raises:
        CannotServe: Somebody else does.
    """
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise CannotServe(
            f"Port {port} cannot be used: {reason}.", hint="Give another one with --port."
        ) from None


async def _serve(project: Project, settings: Settings, listening: socket.socket) -> None:
    stopping = Stopping()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    events = Events()
    logs = make_folder(project.folder)
    hosts = Hosts(project, environment(project, settings, url), logs / "host.log")
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(client())
        opened.push_async_callback(hosts.close)
        machines = Machines(
            await hosts.start(),
            http,
            logs,
            settings.limits,
            events,
            per_session=settings.per_session,
        )
        screen = opened.enter_context(
            screen_for(lambda: shown(machines), json_log=settings.json_log)
        )
        events.listen(screen.show)
        opened.push_async_callback(_end, machines, stopping)
        agent = {
            "name": project.name,
            "folder": str(project.folder),
            "url": url,
            "per_session": settings.per_session,
            "idle_seconds": settings.limits.idle_seconds,
            "offline": settings.offline,
            "actions": project.actions,
            "limit": settings.limits.machines,
        }
        restarting = Restarting(hosts, machines)
        app = front(agent, machines, http, events, restarting.restart)
        await opened.enter_async_context(serving(app, listening))
        reloading = Reloading(project, hosts, machines, restarting, events)
        machines.prepare()
        tasks = [
            asyncio.ensure_future(machines.look_after()),
            asyncio.ensure_future(restarting.when_lost()),
        ]
        if settings.reload:
            tasks.append(asyncio.ensure_future(reloading.run()))
        opened.callback(_cancel, tasks)
        told = ("url", "folder", "per_session", "idle_seconds", "offline")
        events.tell("listening", **{name: agent[name] for name in told})
        if settings.open_page:
            webbrowser.open(url)
        await stopping.wait()
        events.tell("stopping")


def environment(project: Project, settings: Settings, url: str) -> Mapping[str, str]:
    """What the agent finds in its environment: what is there already, and what is asked for."""
    given = dict(os.environ)
    if settings.offline:
        given["AGENT_OFFLINE"] = "1"
    if project.traces and not (any(map(given.get, KEEPS_TRACES)) or _names(project.folder)):
        # The page shows the calls of models and tools, as soon as there are some.
        given |= {OTLP: url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    return given


def _names(folder: Path) -> bool:
    """Whether the project's own settings say where traces go."""
    try:
        text = (folder / ".env").read_text("utf-8", "replace")
    except OSError:
        return False
    named = "|".join(KEEPS_TRACES)
    return bool(
        re.search(rf"^[ \t]*(?:export[ \t]+)?(?:{named})[ \t]*=[ \t]*[^\s#]", text, re.MULTILINE)
    )


@asynccontextmanager
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """What asks the agents: on this machine, by no proxy, as often at a time as is wanted."""
    # A connection that an agent is about to close (uvicorn: after 5 s) is not to be used again.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},  # what is packed can be read by nobody here
        trust_env=False,
    ) as session:
        yield session


def front(
    agent: dict[str, object],
    machines: Machines,
    http: aiohttp.ClientSession,
    events: Events,
    restart: Callable[[], Coroutine[Any, Any, None]],
) -> web.Application:
    """Put together what answers on the port."""
    record = Record()
    pages = Pages(agent, record, machines, Problem(events), events)
    record.changed = pages.changed
    machines.changed = pages.machine_changed
    invocations = Invocations(machines, http, record, events)
    app = web.Application(middlewares=[only_from_here], client_max_size=platform.MAX_PAYLOAD_BYTES)
    add_routes(app, invocations, machines)
    follow = bool(agent["actions"])
    page = Page(pages, record, machines, invocations, restart, follow=follow)
    page.add_routes(app)

    async def close(_: web.Application) -> None:
        await page.close()

    app.on_shutdown.append(close)
    return app


@asynccontextmanager
async def serving(app: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    """Serve on that socket; at the end nobody is waited for."""
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=0.5,
        auto_decompress=False,  # what is packed is for the agent
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


def shown(machines: Machines) -> list[dict[str, object]]:
    """The machines that run, for the terminal."""
    return [
        each.as_object() | {"session": each.session} for each in machines if each.state != "ended"
    ]


async def _end(machines: Machines, stopping: Stopping) -> None:
    """End the machines in their own time, or at once when told again."""
    ending = asyncio.ensure_future(machines.close())
    hurrying = asyncio.ensure_future(stopping.hurry.wait())
    await asyncio.wait((ending, hurrying), return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        await machines.close(kill=True)
    hurrying.cancel()
    await ending


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
