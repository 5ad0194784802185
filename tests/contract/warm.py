"""A project that has its framework imported already: to start it takes as long as to fork."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from contract.client import until
from contract.environments import python_of
from contract.projects import Variant
from contract.server import AUDIT, Server, free_port, reached_out

FORKING = Path(__file__).with_name("forking.py")
# root may read and write everything, whatever its mode; a server is to be refused as others are
LIKE_OTHERS = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    if os.geteuid() == 0
    else ()
)


class Fork:
    """A process that the warm one has started: what tests do with a `subprocess.Popen`."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self._exit = folder / "exit"

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return int(self._exit.read_text()) if self._exit.exists() else None

    def wait(self, timeout: float = 60) -> int:
        """Wait until it has ended, and return how."""
        give_up = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > give_up:
                raise subprocess.TimeoutExpired("main.py", timeout)
            time.sleep(0.005)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has, and is about to say so
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Tell it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Warm:
    """The project of a variant, in a folder of its own, from `with` to the end of it.

    Args:
        variant: What is started.
        folder: Where everything goes.
        environment: What every start has of it.
    """

    def __init__(self, variant: Variant, folder: Path, environment: Mapping[str, str]) -> None:
        self.variant = variant
        self._folder = folder
        self._environment = environment
        self._modules: list[str] = []
        self._numbers = count(1)

    def __enter__(self) -> Self:
        project = self.variant.write(self._folder / "project")
        self._log = (self._folder / "stderr").open("wb")
        self._process = subprocess.Popen(
            [*LIKE_OTHERS, str(python_of(self.variant.framework)), str(FORKING)],
            cwd=project,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self._folder),
                "PYTHONPATH": str(AUDIT),
                "PYTHONUNBUFFERED": "1",
                "CONTRACT_AUDIT": str(self._folder / "audit"),
                **self._environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process:  # which closes stdin, waits, and closes the rest
            pass
        self._log.close()
        if kind is None:
            assert reached_out((self._folder / "audit").read_text().splitlines()) == []

    def learn(self, store: Mapping[str, str]) -> None:
        """Run one turn, to import from now on what that has imported."""
        with self.start(store) as server:
            reply = server.client.ask("hello", "learning")
            assert reply.text == "turn 1: hello", server.output("stderr")
            server.process.send_signal(signal.SIGUSR1)
            imported = server.folder / "imported"
            until(lambda: imported.exists() and imported.read_text().endswith("]"))
            self._modules = json.loads(imported.read_text())

    @contextmanager
    def start(
        self, store: Mapping[str, str], constants: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Iterator[Server]:
        """Serve the project, with what names its store; `constants` are others, by module."""
        with self.starting(store, constants) as server:
            server.wait_until_up()
            yield server

    @contextmanager
    def starting(
        self, store: Mapping[str, str], constants: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Iterator[Server]:
        """The same, without waiting until it is up."""
        number, port = next(self._numbers), free_port()
        folder = self._folder / f"start-{number}"
        folder.mkdir()
        order = {
            "folder": str(folder),
            "environment": {"PORT": str(port), **store},
            "constants": constants or {},
            "modules": self._modules,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = self._process.stdout.readline()
        assert pid, (self._folder / "stderr").read_text()
        server = Server(self.variant, Fork(int(pid), folder), port, folder)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()
            server.client.close()
