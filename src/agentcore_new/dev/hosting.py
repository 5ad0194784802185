"""The front's side of the host: it has the host start processes, and knows how they end."""

import asyncio
import json
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore_new.dev.project import Project
from agentcore_new.errors import CannotServe

HOST = Path(__file__).with_name("host.py")
START_SECONDS = 30.0
# Beyond the grace of its processes; then it is killed.
CLOSE_SECONDS = 5.0
# They say where our own interpreter is; the agent has another.
OURS = ("VIRTUAL_ENV", "PYTHONHOME", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a file is no Python.

    Args:
        file: Which.
        line: Where in it, if it is at a line.
        text: That line.
        message: What is wrong.
    """

    file: Path
    line: int | None
    text: str
    message: str


class Process:
    """One that runs main.py, and all that it has started.

    Args:
        pid: Its own, and that of its group.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.exit_code: int | None = None  # negative: by a signal
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Return how it ended, once it has."""
        while self.exit_code is None:
            await self._ended.wait()
        return self.exit_code

    def terminate(self) -> None:
        """Tell it to end, if it has not."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        self._signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        """Note how it ended."""
        self.exit_code = code
        self._ended.set()

    def _signal(self, number: int) -> None:
        if self.exit_code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


class Host:
    """Has imported the packages of a project, and starts its processes from there.

    Args:
        project: Whose.
        environment: That of whoever runs us, and all that packages may look at at their import.
        log: What it says itself is appended there.
        grace: How many seconds processes have to end, when it is closed or nobody is here any more.
    """

    def __init__(
        self, project: Project, environment: Mapping[str, str], log: Path, *, grace: float = 15.0
    ) -> None:
        self.lost = asyncio.Event()  # it has ended by itself
        self.over = asyncio.Event()  # it has, or it is closed
        self.has_loaded = False  # what the project imports
        self._project = project
        self._environment = environment
        self._log = log
        self._grace = grace
        self._closing = False
        self._fault: CannotServe | None = None
        self._greeted = asyncio.Event()
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked_so_far = 0
        self._processes: dict[int, Process] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._orders: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; it goes on with its imports by itself. It is to be closed, whatever happens.

        Raises:
            CannotServe: The project's Python does not run; whatever is asked then says the same.
        """
        try:
            await self._start()
        except CannotServe as error:
            self._fault = error
            raise

    async def _start(self) -> None:
        given = {
            "folder": str(self._project.folder.resolve()),
            "traces": self._project.traces,
            "grace": self._grace,
        }
        python = self._project.python
        try:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    python,
                    HOST,
                    json.dumps(given),
                    cwd=self._project.folder,
                    env=_environment(self._environment),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    limit=2**20,
                    start_new_session=True,  # Ctrl-C in the terminal is for the front alone
                )
        except OSError as error:
            raise CannotServe(
                f"{python} cannot be started: {error.strerror}.", hint=_HINT
            ) from error
        self._orders = self._process.stdin
        self._listening = asyncio.create_task(self._listen(self._process))
        greeted = asyncio.create_task(self._greeted.wait())
        try:
            await asyncio.wait(
                (greeted, self._listening),
                timeout=START_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            greeted.cancel()
            if not self._greeted.is_set():
                await self._kill()
        if not self._greeted.is_set():
            said = self._log.read_text(errors="replace").strip().splitlines()
            raise CannotServe(
                f"{python} does not run: {said[-1].rstrip('.') if said else 'it says nothing'}.",
                hint=_HINT,
            )

    async def fork(self, port: int, log: Path, environment: Mapping[str, str]) -> Process:
        """Start a process that serves on the port.

        Args:
            port: A free one of 127.0.0.1.
            log: What it prints is appended there.
            environment: What it has beside that of the host.

        Raises:
            CannotServe: The system refuses, or the host is gone.
        """
        given = {**environment, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        answer = await self._ask(port=port, log=str(log.absolute()), environment=given)
        if "error" in answer:
            raise CannotServe(f"The agent cannot be started: {answer['error']}.")
        process: Process = answer["process"]
        return process

    async def check(self, files: Iterable[Path]) -> SyntaxProblem | None:
        """Return why the first of the files that is no Python is none; nothing of them is run.

        Raises:
            CannotServe: The host is gone.
        """
        paths = [str(self._project.folder / file) for file in files]
        found = (await self._ask(check=paths))["problem"]
        return SyntaxProblem(**{**found, "file": Path(found["file"])}) if found else None

    async def close(self) -> None:
        """End all processes, and the host itself."""
        self._closing = True
        self.over.set()
        if not (self._orders and self._listening):
            return
        self._orders.close()
        try:
            await asyncio.wait([self._listening], timeout=self._grace + CLOSE_SECONDS)
        finally:
            await self._kill()

    async def _ask(self, **order: Any) -> dict[str, Any]:  # noqa: ANN401 - fit for JSON
        if self._fault:
            raise self._fault
        if self._closing or self.lost.is_set() or not self._orders:
            raise _gone(self._log)
        self._asked_so_far += 1
        number = self._asked_so_far
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._orders.write(json.dumps({"id": number, **order}).encode() + b"\n")
            return await answer
        finally:
            self._asked.pop(number, None)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Take what the host tells until it ends, and see that nothing outlives it."""
        while process.stdout and (line := await process.stdout.readline()):
            with suppress(ValueError):  # whatever runs before the host may print
                self._take(json.loads(line))
        for running in [*self._processes.values()]:
            running.kill()
            self._ended(running.pid, -signal.SIGKILL)
        await process.wait()
        if not self._closing and self._greeted.is_set():
            self.lost.set()
        self.over.set()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(_gone(self._log))

    def _take(self, told: dict[str, Any]) -> None:
        if "hello" in told:
            self._greeted.set()
        elif "loaded" in told:
            self.has_loaded = True
        elif "ended" in told:
            self._ended(told["ended"], told["code"])
        elif "id" in told:
            answer = self._asked.pop(told["id"], None)
            waited_for = answer is not None and not answer.done()
            if "pid" in told:
                process = self._processes[told["pid"]] = told["process"] = Process(told["pid"])
                if not waited_for:
                    process.kill()
            if answer is not None and waited_for:
                answer.set_result(told)

    def _ended(self, pid: int, code: int) -> None:
        if process := self._processes.pop(pid, None):
            process.end(code)

    async def _kill(self) -> None:
        """Kill it if it still runs, and take its last words."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        if self._listening:
            await self._listening


_HINT = "Create the project's environment, as its README says."


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: value for name, value in environment.items() if name not in OURS},
        "PYTHONUNBUFFERED": "1",
    }


def _gone(log: Path) -> CannotServe:
    return CannotServe(
        "The process that starts the agent has ended.", hint=f"What it said is in {log}."
    )
