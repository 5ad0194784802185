"""Hosts of agents in tests: what they start, and that nothing of it is left."""

import asyncio
import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from contract.server import free_port

from agentcore_new.dev.hosting import Host, Process
from agentcore_new.dev.project import Project

PYTHON = Path(sys.executable)
FRONT = Path(__file__).with_name("front.py")
SECONDS = 30.0
SESSION = "a-session-id-of-33-characters-or-more"
# What serves of the standard library, and what it does when it is told to stop.
QUICK = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "Healthy"}')

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
"""
SERVE = "server.serve_forever()\n"
# It has a process of its own that no signal but one ends.
GRANDCHILD = """
import subprocess, sys
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", stubborn])
"""


@dataclass
class Hosted:
    """A host, with what it has started."""

    host: Host
    folder: Path
    logs: Path
    ports: list[int] = field(default_factory=list)

    async def fork(self, **environment: str) -> Process:
        """Start a process, with a log and a port of its own."""
        self.ports.append(free_port())
        return await self.host.fork(self.ports[-1], self.log_of(-1), environment)

    async def serving(self, **environment: str) -> Process:
        """Start a process, and wait until it serves."""
        process = await self.fork(**environment)
        await answering(self.ports[-1], process, self.log_of(-1))
        return process

    def log_of(self, number: int) -> Path:
        """That of one of the processes."""
        return self.logs / f"agent-{self.ports[number]}.log"

    def said(self, number: int = -1) -> str:
        """What a process has printed."""
        return self.log_of(number).read_text()


@asynccontextmanager
async def hosted(
    folder: Path,
    python: Path,
    environment: Mapping[str, str] | None = None,
    *,
    traces: bool = False,
    grace: float = 15.0,
) -> AsyncIterator[Hosted]:
    """A host of the project in the folder, its logs beside that; at the end nothing is left."""
    logs = folder.with_name(f"{folder.name}-logs")
    logs.mkdir()
    project = Project(folder, python, actions=False, traces=traces)
    host = Host(project, {**os.environ, **(environment or {})}, logs / "host.log", grace=grace)
    await host.start()
    try:
        yield Hosted(host, folder, logs)
    finally:
        await host.close()
    assert processes_in(folder) == []


async def answering(port: int, process: Process, log: Path) -> None:
    """Return when /ping does."""
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while process.exit_code is None:
            try:
                await client.get(f"http://127.0.0.1:{port}/ping")
            except httpx.TransportError:
                await asyncio.sleep(0.01)
            else:
                return
    raise AssertionError(log.read_text())


async def until(holds: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.01)


def processes_in(folder: Path) -> list[list[str]]:
    """The command of each process whose folder that is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def environment_in(folder: Path) -> tuple[Path, Path]:
    """Make a virtual environment; its interpreter, and where its packages are."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    return folder / "bin" / "python", packages


@contextmanager
def front(folder: Path, logs: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A front in a process and group of its own, and the pid of its only agent, which serves."""
    port = free_port()
    command = [PYTHON, FRONT, folder, logs, str(port), "1.0"]
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        try:
            assert started.stdout
            agent = psutil.Process(int(started.stdout.readline()))
            try:
                wait_for(port)
                yield started, agent.pid
            finally:  # where a test fails, because it outlives the front
                with suppress(psutil.NoSuchProcess):
                    agent.kill()
        finally:
            started.kill()


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError


async def ask(port: int, prompt: str, session: str = SESSION) -> str:
    """What an agent answers."""
    headers = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": session}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/invocations", json={"prompt": prompt}, headers=headers
        )
    assert answer.status_code == 200, answer.text
    return answer.text
