"""Runs an agent until told to stop: the steps of `agentcore-new dev`, in their order."""

import asyncio
import os
import signal
import socket
import time
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
from agentcore_new.dev.hosting import Host
from agentcore_new.dev.invocation import Invocations
from agentcore_new.dev.logs import make_folder
from agentcore_new.dev.machine import Machine, StartFailed
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.page_api import Page
from agentcore_new.dev.page_events import Pages
from agentcore_new.dev.platform import Limits
from agentcore_new.dev.problem import Problem
from agentcore_new.dev.project import Project, find
from agentcore_new.dev.screen import screen_for
from agentcore_new.dev.turns import Record
from agentcore_new.dev.watching import changes
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
    if project.traces and not any(given.get(name) for name in KEEPS_TRACES):
        # The page shows the calls of models and tools, as soon as there are some.
        given |= {OTLP: url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    return given


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


class Hosts:
    """The host there is: another one has the packages as they are by then.

    Args:
        project: Whose packages.
        variables: The environment of the agent.
        log: What it says.
    """

    def __init__(self, project: Project, variables: Mapping[str, str], log: Path) -> None:
        self._given = (project, variables, log)
        self.now = Host(*self._given)
        self._replaced = asyncio.Event()

    async def start(self) -> Host:
        """Start one, in the place of the one before.

        Raises:
            CannotServe: The project's Python does not run.
        """
        before, self.now = self.now, Host(*self._given)
        self._replaced.set()
        self._replaced = asyncio.Event()
        await before.close()
        await self.now.start()
        return self.now

    async def replaced(self, host: Host) -> None:
        """Wait until there is another one."""
        while self.now is host:
            await self._replaced.wait()

    async def close(self) -> None:
        """End it."""
        await self.now.close()


class Restarting:
    """Starts everything anew: by hand, or when the host was lost."""

    def __init__(self, hosts: Hosts, machines: Machines) -> None:
        self._hosts = hosts
        self._machines = machines
        self._one = asyncio.Lock()

    async def restart(self) -> None:
        """End all machines and the host, and start what a new session gets."""
        async with self._one:
            await self._machines.renew(self._hosts.start, "All were started anew.")

    async def when_lost(self) -> None:
        """Start anew whenever the host has ended by itself; until cancelled.

        One that ended at its imports would do so again: it waits for a change, or for somebody.
        """
        while True:
            host = self._hosts.now
            await host.over.wait()
            if host is self._hosts.now and host.has_loaded:
                await self.restart()
            else:
                await self._hosts.replaced(host)


class Reloading:
    """Runs the agent's new code whenever it changes.

    Args:
        project: Whose code.
        hosts: Look whether it can be read.
        machines: Run it.
        restarting: Starts all anew, where there is no host.
        events: Who is told.
    """

    def __init__(
        self,
        project: Project,
        hosts: Hosts,
        machines: Machines,
        restarting: Restarting,
        events: Events,
    ) -> None:
        self._project = project
        self._hosts = hosts
        self._machines = machines
        self._restarting = restarting
        self._events = events

    async def run(self) -> None:
        """Follow the changes, until cancelled."""
        async with asyncio.TaskGroup() as telling:
            await self._follow(telling)

    async def _follow(self, telling: asyncio.TaskGroup) -> None:
        wrong: set[Path] = set()  # what could not be read the last time
        async for files in changes(self._project.folder):
            begun = time.monotonic()
            sources = {file for file in files if file.suffix == ".py"} | wrong
            try:
                problem = await self._hosts.now.check(file for file in sources if file.exists())
            except CannotServe:
                await self._restarting.restart()
                continue
            if problem:
                wrong = sources
                self._events.tell(
                    "syntax-error",
                    file=self._name(problem.file),
                    line=problem.line,
                    text=problem.text,
                    message=problem.message,
                )
                continue
            wrong = set()
            self._events.tell("reloading", files=[self._name(file) for file in files])
            machine = await self._machines.reload()
            # The next change is not to wait for it: it may mend what does not come up.
            telling.create_task(self._tell(machine, begun))

    async def _tell(self, machine: Machine | None, begun: float) -> None:
        try:
            if machine:
                await asyncio.shield(machine.up)
        except StartFailed:
            return  # it is told already, or there is newer code
        self._events.tell("reloaded", seconds=round(time.monotonic() - begun, 3))

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._project.folder))


class Stopping:
    """The signals that say to stop; a second one says at once."""

    def __init__(self) -> None:
        self.hurry = asyncio.Event()
        self._told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signal)

    async def wait(self) -> None:
        """Wait for the first."""
        await self._told.wait()

    def _signal(self) -> None:
        if self._told.is_set():
            self.hurry.set()
        self._told.set()


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
