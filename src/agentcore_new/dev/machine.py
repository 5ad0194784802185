"""One machine: a process of the agent, from its start to its end."""

import asyncio
import secrets
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
import psutil

from agentcore_new.dev.causes import last_lines, likely
from agentcore_new.dev.events import Events
from agentcore_new.dev.logs import full_disk
from agentcore_new.dev.platform import Limits
from agentcore_new.dev.said import parsed
from agentcore_new.errors import CannotServe

if TYPE_CHECKING:
    from agentcore_new.dev.hosting import Host, Process

State = Literal["starting", "ready", "stopping", "ended"]

PING_SECONDS = 5.0  # to answer how it is
FIRST_PINGS = 0.01  # between two, until there is an answer
OTHER_PINGS = 0.25  # when there is one, but not the one that is wanted
# Below those that systems give to whoever asks for any: one of these stays free until it is used.
PORTS = range(20_000, 32_000)
_numbers = count(secrets.randbelow(len(PORTS)))  # two of us rarely ask for the same


class StartFailed(Exception):
    """An agent did not come up.

    Args:
        why: What happened.
        hint: The likely cause, and what to do; empty if none is known.
        log: The last lines that it wrote.
    """

    def __init__(self, why: str, hint: str, log: list[str]) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.log = log


def free_port() -> int:
    """Return a port of the loopback address that nobody has, and that nobody is given meanwhile.

    Raises:
        OSError: There is none.
    """
    for number in islice(_numbers, len(PORTS)):
        port = PORTS[number % len(PORTS)]
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port of this machine is free")


@dataclass(slots=True, eq=False)
class Machine:
    """A process of the agent; times are of the monotonic clock, in seconds.

    Args:
        id: Its number.
        log: The file with all that it writes.
        limits: What it is given.
        session: Whose it is; None if it waits for one, or has them all.
    """

    id: int
    log: Path
    limits: Limits
    session: str | None = None
    state: State = "starting"
    port: int = 0
    pid: int | None = None
    health: str | None = None
    memory: int | None = None
    refusal: int | None = None  # the status of an answer to /ping that says nothing
    why: str | None = None
    turns: int = 0
    used: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    stale: bool = False  # its code has changed since
    up: "asyncio.Future[None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    told: asyncio.Event = field(default_factory=asyncio.Event)  # to stop
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    process: "Process | None" = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_stopping(self) -> bool:
        """Whether it has been told to stop."""
        return self.state == "stopping"

    @property
    def idle(self) -> bool:
        """Whether nothing of it is missed when it stops."""
        return self.state == "ready" and not self.turns and self.health != "HealthyBusy"

    def as_object(self) -> dict[str, Any]:
        """What is shown of it."""
        now = time.monotonic()
        running = self.state in ("ready", "stopping")
        return {
            "id": self.id,
            "pid": self.pid,
            "state": self.state,
            "health": self.health if running else None,
            "age": round(now - self.started, 1),
            "idle": round(now - self.used, 1) if self.idle else None,
            "memory": self.memory if running else None,
            "turns": self.turns,
            "why": self.why,
        }


async def start(
    machine: Machine, host: "Host", http: aiohttp.ClientSession, events: Events
) -> None:
    """Start the process, and wait until it answers or has ended; sets `up` in any case."""
    events.tell("machine-starting", machine=machine.id, session=machine.session)
    try:
        await _come_up(machine, host, http)
    except StartFailed as failed:
        machine.up.set_exception(failed)
        machine.up.exception()  # it is no loss if nobody waits for it
        if machine.is_stopping:
            return
        machine.why = failed.why
        events.tell(
            "machine-failed",
            machine=machine.id,
            session=machine.session,
            why=failed.why,
            hint=failed.hint,
            log=failed.log,
        )
        return
    machine.state = "ready"
    machine.used = time.monotonic()
    machine.up.set_result(None)
    events.tell(
        "machine-ready",
        machine=machine.id,
        session=machine.session,
        pid=machine.pid,
        seconds=round(time.monotonic() - machine.started, 3),
    )


async def _come_up(machine: Machine, host: "Host", http: aiohttp.ClientSession) -> None:
    try:
        machine.port = free_port()
        machine.process = process = await _process(machine, host)
    except (CannotServe, OSError) as error:
        hint = error.hint if isinstance(error, CannotServe) else ""
        raise StartFailed(str(error), hint, []) from None
    machine.pid = process.pid
    machine.started = time.monotonic()
    ended = asyncio.ensure_future(process.wait())
    answers = asyncio.ensure_future(_answers(machine, http))
    try:
        await asyncio.wait(
            (ended, answers),
            timeout=machine.limits.start_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if machine.is_stopping:
            raise StartFailed(machine.why or "It was stopped.", "", [])
        if ended.done():
            raise _failed(machine, f"The agent's process {end_of(ended.result())} at its start.")
        if not answers.done():
            process.kill()
            seconds = f"{machine.limits.start_seconds:g}"
            if machine.refusal is None:
                raise _failed(machine, f"The agent did not answer /ping within {seconds} s.")
            raise StartFailed(_NO_PING.format(machine.refusal), _PING_HINT, last_lines(machine.log))
    finally:
        answers.cancel()
        ended.cancel()


async def _process(machine: Machine, host: "Host") -> "Process":
    """Have one started; one that is told to stop does not wait for it, nor for slow imports."""
    forking = asyncio.ensure_future(host.fork(machine.port, machine.log, {}))
    told = asyncio.ensure_future(machine.told.wait())
    try:
        await asyncio.wait((forking, told), return_when=asyncio.FIRST_COMPLETED)
        if machine.is_stopping and not forking.done():
            raise StartFailed(machine.why or "It was stopped.", "", [])
        return await forking
    finally:
        forking.cancel()
        told.cancel()


_NO_PING = "The agent answered /ping with status {}, and never said how it is."
_PING_HINT = 'AgentCore needs a GET /ping that answers {"status": "Healthy"}'


def _failed(machine: Machine, why: str) -> StartFailed:
    lines = last_lines(machine.log)
    return StartFailed(why, likely(lines) or full_disk(machine.log.parent), lines)


async def _answers(machine: Machine, http: aiohttp.ClientSession) -> None:
    while not await ping(machine, http):
        await asyncio.sleep(FIRST_PINGS if machine.refusal is None else OTHER_PINGS)


async def ping(machine: Machine, http: aiohttp.ClientSession) -> bool:
    """Ask the agent how it is, and return whether it said so.

    As on AgentCore, HealthyBusy is use, and so is what the agent says of its last change.
    """
    try:
        async with http.get(
            f"{machine.url}/ping", timeout=aiohttp.ClientTimeout(PING_SECONDS)
        ) as response:
            machine.refusal = response.status
            said = parsed(await response.text(errors="replace"))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        said = None
    if not isinstance(said, dict) or said.get("status") not in ("Healthy", "HealthyBusy"):
        machine.health = None
        return False
    machine.health = said["status"]
    machine.refusal = None
    now = time.monotonic()
    if machine.health == "HealthyBusy":
        machine.used = now
    elif (ago := _seconds_since(said.get("time_of_last_update"))) is not None:
        machine.used = max(machine.used, now - ago)
    return True


def _seconds_since(moment: object) -> float | None:
    """How long ago a time of day is; None if it is none, or one to come, in milliseconds say."""
    now = time.time()
    return now - moment if isinstance(moment, int | float) and 0 <= moment <= now else None


def measure(machine: Machine) -> None:
    """Note how much memory the process has."""
    try:
        machine.memory = psutil.Process(machine.pid).memory_info().rss if machine.pid else None
    except psutil.Error:
        machine.memory = None


async def watch(machine: Machine, process: "Process", events: Events) -> None:
    """Wait until its process has ended, and say so."""
    code = await process.wait()
    # Why it was told to stop says more than how it ended.
    failed_to_start = machine.state == "starting"
    machine.why = machine.why or f"The process {end_of(code)}."
    machine.state = "ended"
    machine.health = machine.memory = None
    machine.gone.set()
    if not failed_to_start:
        events.tell(
            "machine-ended",
            machine=machine.id,
            session=machine.session,
            pid=machine.pid,
            why=machine.why,
        )


async def stop(machine: Machine, why: str, *, kill: bool = False) -> None:
    """End the process: SIGTERM, and SIGKILL when its time is over; or SIGKILL at once."""
    if machine.state == "ended":
        return
    machine.why = machine.why or why
    told, machine.state = machine.is_stopping, "stopping"
    machine.told.set()
    if machine.process and kill:
        machine.process.kill()
    elif machine.process and not told:
        machine.process.terminate()
    try:
        async with asyncio.timeout(machine.limits.stop_seconds):
            await machine.gone.wait()
    except TimeoutError:
        if machine.process:
            machine.process.kill()
        await machine.gone.wait()


def end_of(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
