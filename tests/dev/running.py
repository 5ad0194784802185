"""`agentcore-new dev` as users start it: a process, what it says, and what it answers."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psutil

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
TENANT = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"
SECONDS = 60.0
Messages = Iterator[Any]
QUICK = Path(__file__).parent / "agents/quick/main.py"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def new_session() -> str:
    return str(uuid4())


def until(holds: Callable[[], Any], what: str = "it") -> Any:
    """Wait until something is true, and return it."""
    give_up = time.monotonic() + SECONDS
    while not (value := holds()):
        assert time.monotonic() < give_up, f"waited too long for {what}"
        time.sleep(0.01)
    return value


def messages_in(lines: Iterator[str]) -> Messages:
    """The messages; not for ever, since something is said in any case."""
    give_up = time.monotonic() + SECONDS
    for line in lines:
        assert time.monotonic() < give_up
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def told(messages: Messages, kind: str) -> Any:
    """The next message of a kind."""
    return next(message for message in messages if message["type"] == kind)


def quick_agent(folder: Path) -> Path:
    """A folder with the quick agent, whose environment is that of the tests."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(QUICK.read_text("utf-8"), "utf-8")
    return with_python(folder, Path(sys.executable))


def with_python(folder: Path, python: Path) -> Path:
    """Give the project in a folder the environment of an interpreter as its own."""
    (folder / ".venv").symlink_to(python.parents[1], target_is_directory=True)
    return folder


class Dev:
    """A running `agentcore-new dev --json-log`."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.was_ended = False
        self.folder = Path()  # of the agent
        self._errors = errors
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def all(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """The events of a kind, with these values."""
        return [
            event
            for event in [*self.events]
            if event["event"] == kind and all(event[name] == wanted[name] for name in wanted)
        ]

    def wait(self, kind: str, number: int = 1, **wanted: Any) -> dict[str, Any]:
        """Wait for so many events of a kind, and return the last of them."""

        def found() -> bool:
            assert self.process.poll() is None or self.all(kind, **wanted), self.said()
            return len(self.all(kind, **wanted)) >= number

        until(found, f"{kind}, having {self.events}")
        return self.all(kind, **wanted)[number - 1]

    def said(self) -> str:
        """What it wrote to stderr."""
        return self._errors.read_text("utf-8")

    @property
    def port(self) -> int:
        return int(self.wait("listening")["url"].rpartition(":")[2])

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, and wait for the whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            connection.request(method, path, None if body is None else content, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read().decode())
        finally:
            connection.close()

    def ask(self, prompt: str, session: str | None = None, **headers: str) -> Answer:
        """Send a prompt, as a client of AgentCore does."""
        named = {SESSION: session} if session else {}
        return self.request("POST", "/invocations", {"prompt": prompt}, {**named, **headers})

    @contextmanager
    def stream(self, prompt: str, session: str) -> Iterator[Iterator[str]]:
        """Send a prompt; the data of each event, as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        body = json.dumps({"prompt": prompt})
        connection.request("POST", "/invocations", body, {SESSION: session})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        try:
            yield (
                line.decode().removeprefix("data: ").strip()
                for line in response
                if line.startswith(b"data:")
            )
        finally:
            response.close()
            connection.close()

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Do what the page does."""
        answer = self.request(method, f"/api/{path}", body)
        assert answer.status < 300, answer
        return answer.json

    def end(self, *numbers: int) -> int:
        """Send these signals, one after the other, and return how it ended."""
        self.was_ended = True
        for number in numbers:
            self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def processes(self) -> list[psutil.Process]:
        """All that it has started, and all that these have."""
        return psutil.Process(self.process.pid).children(recursive=True)

    @contextmanager
    def page(self, session: str = "") -> Iterator[Messages]:
        """What a page is told that shows that session."""
        url = f"http://127.0.0.1:{self.port}/api/events"
        with httpx.stream("GET", url, params={"session": session}, timeout=30) as response:
            yield messages_in(response.iter_lines())

    def sessions(self) -> dict[str, Any]:
        """What a page that opens is told of each session: unlike `events`, never late."""
        with self.page() as messages:
            return {each["id"]: each for each in told(messages, "sessions")["sessions"]}

    def turns(self) -> int:
        """How many turns there have been."""
        return sum(session["turns"] for session in self.sessions().values())

    def machine_of(self, session: str) -> Any:
        """The machine that the session has."""
        return self.sessions()[session]["machine"]["id"]


def command(folder: Path, *words: str, program: Path = Path(sys.executable)) -> list[str]:
    """The command line, on any free port."""
    return [str(program), "-P", "-m", "agentcore_new", "dev", str(folder), "--port", "0", *words]


@contextmanager
def dev(
    folder: Path,
    *words: str,
    home: Path,
    program: Path = Path(sys.executable),
    **environment: str,
) -> Iterator[Dev]:
    """Run it on a project; at the end it is told to stop, and nothing of it is left."""
    home.mkdir(parents=True, exist_ok=True)
    errors = home / f"stderr-{uuid4().hex[:8]}"
    with errors.open("w") as file:
        process = subprocess.Popen(
            command(folder, "--json-log", *words, program=program),
            env={**os.environ, "HOME": str(home), "QUICK_HOME": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            start_new_session=True,
        )
    running = Dev(process, errors)
    started: list[psutil.Process] = []
    try:
        yield running
        assert running.was_ended or process.poll() is None, running.said()
    finally:
        if process.poll() is None:
            started = running.processes()
            try:
                running.end(signal.SIGINT)
            finally:
                process.kill()
        assert process.stdout
        running.reader.join(SECONDS)
        process.stdout.close()
    assert alive(started) == []
    assert running.said() == ""


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return [each for each in processes if each.is_running() and each.status() != "zombie"]
