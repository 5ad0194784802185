"""Runs a project with limits that a test can reach, without a change to its text.

Started by the interpreter of the project's environment, in the project's folder. What happens at
which moment is told by files in the folder that CONTRACT_CONTROL names:

    ahead           seconds by which the clocks of the session cache and of the store are ahead
    wall-ahead      seconds by which the time of day is ahead of that, that of the runtime too
    turn-seconds    how long a turn may take
    write-seconds   how long a client may take nothing of its reply
    unread-bytes    how much may be unread by all clients together
    opening-waits   while it exists, opening a session whose id says "open-hangs" does not end
    closing-waits   while it exists, closing a session does not end
    looking-waits   while it exists, nobody is told which sessions were found to have expired
    tool-waits      while it exists, tools do not end, and hold their thread
    tool-says       while it exists, tools return this text, as JSON, instead of what they would
    tools.txt       written: a line for every tool that begins
    looked.txt      written: a line for each time that some were looked for
    closed.jsonl    written: each session that is closed, with the number of its turns
    records.jsonl   written: every log record, whatever its logger
    models.txt      written: a line for every model that is made
"""

import asyncio
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

MAX_TURNS = 3
MAX_SESSIONS = 4
MAX_SESSION_BYTES = 2_000_000
MAX_BYTES = 5_000_000
MAX_LINE = 12
GRACE_SECONDS, READ_SECONDS, CLOSE_SECONDS = 1.5, 2.0, 3.0
# a stream that nobody reads backs up into the server after 64 KiB and little more
SEND_BUFFER = 4096


class Records(logging.Handler):
    """Writes every record as a line of JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._file = path.open("a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        line = {"level": record.levelno, "logger": record.name, "text": self.format(record)}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class SmallSocket(socket.socket):
    """What a connection inherits from the socket that listens is a small buffer."""

    def listen(self, backlog: int = 1024, /) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        super().listen(backlog)


def run(control: Path) -> None:
    """Serve the project in the current folder."""
    socket.socket = SmallSocket  # type: ignore[misc]
    sys.path.insert(0, str(Path.cwd()))
    logging.basicConfig(level=logging.INFO, handlers=[Records(control / "records.jsonl")])
    turns: Any = import_module("serving.turns")  # first: others copy its limits
    turns.MAX_TURNS, turns.MAX_SESSION_BYTES = MAX_TURNS, MAX_SESSION_BYTES
    hold_tools(control)
    load: Any = import_module("model.load")
    replies: Any = import_module("serving.replies")
    server: Any = import_module("serving.server")
    sessions: Any = import_module("serving.sessions")
    server.GRACE_SECONDS, server.READ_SECONDS = GRACE_SECONDS, READ_SECONDS
    server.CLOSE_SECONDS = CLOSE_SECONDS
    connect, plain_failures = load.connect, turns.plain_failures

    def number(name: str) -> float:
        return float((control / name).read_text())

    def counted(model_id: str) -> Any:
        with (control / "models.txt").open("a") as file:
            file.write(model_id + "\n")
        return connect(model_id)

    def limited() -> Any:
        turns.TURN_SECONDS = number("turn-seconds")
        replies.WRITE_SECONDS = number("write-seconds")
        replies.MAX_UNREAD_BYTES = number("unread-bytes")
        return plain_failures()

    async def opened(open_session: Any, key: Any) -> Any:
        # the first one to open such a session fails, and takes its time
        marker = control / f"opened-{key.session}" if key else None
        if marker is not None and "open-fails" in marker.name and not marker.exists():
            marker.touch()
            await asyncio.sleep(0.1)
            raise RuntimeError("cannot open")
        while key and "open-hangs" in key.session and (control / "opening-waits").exists():
            await asyncio.sleep(0.01)
        return await open_session(key)

    async def closed(close_session: Any, key: Any, session: Any) -> None:
        while (control / "closing-waits").exists():
            await asyncio.sleep(0.01)
        if key and "close-fails" in key.session:
            raise RuntimeError("cannot close")
        await close_session(key, session)
        if key:
            with (control / "closed.jsonl").open("a") as file:
                file.write(json.dumps([key.session, len(session.turns)]) + "\n")

    def clock() -> float:
        return time.monotonic() + number("ahead")

    def time_of_day() -> float:
        return time.time() + number("ahead") + number("wall-ahead")

    make_cache = sessions.SessionCache.__init__

    def make_small_cache(cache: Any, *functions: Any, **options: Any) -> None:
        limits = {"maxsize": MAX_SESSIONS, "maxbytes": MAX_BYTES, "maxline": MAX_LINE}
        make_cache(cache, *functions, **(options | limits), clock=clock)

    load.connect = counted
    turns.plain_failures = limited
    sessions.SessionCache.__init__ = make_small_cache
    agent: Any = import_module("agent")
    agent.open_session = partial(opened, agent.open_session)
    agent.close_session = partial(closed, agent.close_session)
    main: Any = import_module("main")
    runtime: Any = import_module("bedrock_agentcore.runtime.app")
    runtime.time = SimpleNamespace(**vars(time) | {"time": time_of_day})
    for name in ("expiry", "memory", "sql"):
        module: Any = sys.modules.get(f"serving.store.{name}")
        if module:
            module.time = SimpleNamespace(monotonic=clock, time=time_of_day)
    if kept := getattr(main, "kept", None):
        hold_looking(kept.store, control)
    main.serve(main.app)


def hold_tools(control: Path) -> None:
    """Let tools do what the files say."""
    tools: Any = import_module("serving.tools")
    prepared = tools.prepared

    def held(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def tool(*args: Any, **kwargs: Any) -> Any:
            with (control / "tools.txt").open("a") as file:
                file.write(f"{function.__name__}\n")
            while (control / "tool-waits").exists():
                time.sleep(0.01)
            says = control / "tool-says"
            return json.loads(says.read_text()) if says.exists() else function(*args, **kwargs)

        return prepared(tool)

    tools.prepared = held


def hold_looking(store: Any, control: Path) -> None:
    """Let a look for expired sessions do what the files say."""
    unused = store.unused

    async def held(*args: Any) -> Any:
        found = await unused(*args)
        with (control / "looked.txt").open("a") as file:
            file.write(f"{len(found)}\n")
        while (control / "looking-waits").exists():
            await asyncio.sleep(0.01)
        return found

    store.unused = held


if __name__ == "__main__":
    run(Path(os.environ["CONTRACT_CONTROL"]))
