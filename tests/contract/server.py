"""A generated project, running: its process, its log, and what it reached out to."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from contract.client import Client
from contract.databases import Database
from contract.environments import python_of
from contract.projects import Variant
from contract.stores import InMemory, Store

AUDIT = Path(__file__).with_name("audit")
LAUNCHER = Path(__file__).with_name("launcher.py")
START_SECONDS = 60.0
AS_GENERATED = {
    "ahead": "0",
    "wall-ahead": "0",
    "turn-seconds": "870",
    "write-seconds": "60",
    "unread-bytes": "67108864",
}
LOOPBACK = {"'127.0.0.1'", "'::1'", "'localhost'"}
_CLOSED = re.compile(r"Closed session (.*)")


class Process(Protocol):
    """What a test does with the process of a server, as `subprocess` offers it."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float = ...) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Server:
    """One process; what is said here about its log holds after `client.fence()`."""

    def __init__(
        self,
        variant: Variant,
        process: Process,
        port: int,
        folder: Path,
        store: Store | None = None,
    ) -> None:
        self.variant = variant
        self.process = process
        self.port = port
        self.folder = folder
        self.store = store or InMemory()
        self.client = Client(port)

    @property
    def database(self) -> Database:
        """The one in which its sessions are."""
        assert not isinstance(self.store, InMemory)
        return self.store

    @property
    def control(self) -> Path:
        """Where the launcher looks for orders."""
        return self.folder / "control"

    def wait_until_up(self) -> None:
        """Return when /ping answers."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                self.client.ping()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"{self.variant} did not start:\n{self.output('stderr')}")

    def wait_until_closed(self) -> None:
        """Return when nobody can connect any more, though turns may still run."""
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except ConnectionRefusedError:
                return
            time.sleep(0.02)
        raise TimeoutError("the server does not shut down")

    def output(self, name: str) -> str:
        """What the process has written to stdout or stderr."""
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")

    def printed(self) -> str:
        """What it has printed after what it says at its start."""
        said_at_the_start = 2
        return "".join(self.output("stdout").splitlines(keepends=True)[said_at_the_start:])

    def answered_by(self) -> str:
        """What it says at its start of who answers."""
        first, _, _ = self.output("stdout").partition("\n")
        start, _, rest = first.partition(", answered by ")
        assert start == f"Serving on http://127.0.0.1:{self.port}"
        return rest.removesuffix(". Try it, twice:")

    def records(self) -> list[dict[str, Any]]:
        """The log of the runtime: each line of JSON on stderr."""
        lines = self.output("stderr").split("\n")
        return [json.loads(line) for line in lines if line.startswith('{"timestamp"')]

    def launcher_records(self) -> list[dict[str, Any]]:
        """The log of everything, as the launcher writes it."""
        text = (self.control / "records.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def closed(self, prefix: str = "") -> list[str]:
        """The sessions that were closed, in order, of those whose id starts with `prefix`."""
        self.client.fence()
        return self.closed_at_last(prefix)

    def closed_at_last(self, prefix: str = "") -> list[str]:
        """The same, when the server no longer answers."""
        found = [_CLOSED.fullmatch(record["message"]) for record in self.records()]
        return [match[1] for match in found if match and match[1].startswith(prefix)]

    def tools_begun(self) -> int:
        """How many tools have begun, under the launcher."""
        file = self.control / "tools.txt"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def looked(self) -> list[int]:
        """How many expired sessions there were at each look, under the launcher."""
        file = self.control / "looked.txt"
        return [int(line) for line in file.read_text().splitlines()] if file.exists() else []

    def time_of_day(self) -> float:
        """What it is for the process, under the launcher."""
        return time.time() + self.number("ahead") + self.number("wall-ahead")

    def number(self, name: str) -> float:
        """One of those that the launcher goes by."""
        return float((self.control / name).read_text())

    def order(self, name: str, text: object) -> None:
        """Give the launcher a number, or another order, whole: it may read it at any moment."""
        new = self.control / f"{name}.new"
        new.write_text(str(text))
        new.replace(self.control / name)

    def closed_with(self) -> dict[str, int]:
        """How many turns each session had that was closed, under the launcher."""
        file = self.control / "closed.jsonl"
        return dict(map(json.loads, file.read_text().splitlines())) if file.exists() else {}

    def resident(self, *, peak: bool = False) -> int:
        """The memory of the process in bytes: what it holds now, or the most that it ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = re.findall(rf"^{'VmHWM' if peak else 'VmRSS'}:\s*(\d+) kB$", status, re.M)
        return int(kilobytes) * 1024

    def connections(self) -> list[str]:
        """Every address that the process looked up or talked to."""
        return (self.folder / "audit").read_text().splitlines()


@contextmanager
def limited(server: Server, name: str, value: float) -> Iterator[None]:
    """Have another limit for turns that begin now, on a server that the launcher runs."""
    server.order(name, value)
    try:
        yield
    finally:
        server.order(name, AS_GENERATED[name])


def turns_of(server: Server, *, seconds: float) -> AbstractContextManager[None]:
    """Let a turn that begins now take so long."""
    return limited(server, "turn-seconds", seconds)


@contextmanager
def told(server: Server, name: str, text: str = "") -> Iterator[None]:
    """Give the launcher an order for the block."""
    server.order(name, text)
    try:
        yield
    finally:
        (server.control / name).unlink()


@contextmanager
def serve(
    variant: Variant,
    folder: Path,
    environment: Mapping[str, str],
    *,
    store: Store | None = None,
    launcher: bool = False,
    by: Sequence[str] = (),
    instead: Sequence[str] = (),
) -> Iterator[Server]:
    """Write the project into `folder` and run it, by the launcher or by itself.

    With `by`, that is a command of the project's environment which starts Python in its turn, and
    `instead` is one that finds by itself what to start.

    Its sessions are in the store; without one they are wherever the environment says. Nothing of
    the environment of the tests reaches it; at the end, nothing but this machine may have been
    reached by it.
    """
    project = variant.write(folder / "project")
    control = folder / "control"
    control.mkdir()
    for name, value in AS_GENERATED.items():
        (control / name).write_text(value)
    python, port = python_of(variant.framework), free_port()
    audited = folder / "python"  # whoever starts Python may put others before the audit
    audited.write_text(f'#!/bin/sh\nPYTHONPATH="{AUDIT}:$PYTHONPATH" exec "{python}" "$@"\n')
    audited.chmod(0o755)
    command: Sequence[str | Path] = [*by, audited, LAUNCHER if launcher else "main.py"]
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            instead or command,
            cwd=project,
            env={
                "PATH": f"{python.parent}:{os.defpath}",
                "HOME": str(folder),
                "PORT": str(port),
                "PYTHONPATH": str(AUDIT),
                "PYTHONUNBUFFERED": "1",  # what is printed is seen at once
                "CONTRACT_AUDIT": str(folder / "audit"),
                "CONTRACT_CONTROL": str(control),
                **environment,
                **(store.environment if store else {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    server = Server(variant, process, port, folder, store)
    try:
        server.wait_until_up()
        yield server
    finally:
        process.kill()
        process.wait()
        server.client.close()
    assert reached_out(server.connections()) == []


def reached_out(connections: list[str]) -> list[str]:
    """Those of `Server.connections` that lead to another machine."""
    return [line for line in connections if line.split()[1] not in LOOPBACK]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
