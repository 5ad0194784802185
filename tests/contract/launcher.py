"""Runs a project with limits that a test can reach, without a change to its text.

Started by the interpreter of the project's environment, in the project's folder. What happens at
which moment is told by files in the folder that CONTRACT_CONTROL names:

    ahead           seconds by which the clocks of the session cache and transcripts are ahead
    wall-ahead      seconds by which the time of day is ahead of that
    turn-seconds    how long a turn may take
    closing-waits   while it exists, closing a session does not end
    tool-waits      while it exists, tools of a project with transcripts do not end
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
from datetime import UTC, datetime, timedelta
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MAX_TURNS = 3
MAX_SESSIONS = 4
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
    transcript = find_spec("chat") is not None
    if transcript:
        hold_tools(control)
    main: Any = import_module("main")
    load: Any = import_module("model.load")
    turns: Any = import_module("turns")
    main.MAX_TURNS = MAX_TURNS
    connect, complete = load.connect, main.complete
    open_session, close_session = main.open_session, main.close_session

    def counted(model_id: str) -> Any:
        with (control / "models.txt").open("a") as file:
            file.write(model_id + "\n")
        return connect(model_id)

    async def limited(turn: Any) -> Any:
        turns.TURN_SECONDS = float((control / "turn-seconds").read_text())
        return await complete(turn)

    async def opened(key: Any) -> Any:
        # the first one to open such a session fails, and takes its time
        marker = control / f"opened-{key.session}" if key else None
        if marker is not None and "open-fails" in marker.name and not marker.exists():
            marker.touch()
            await asyncio.sleep(0.1)
            raise RuntimeError("cannot open")
        return await open_session(key)

    async def closed(key: Any, session: Any) -> None:
        while (control / "closing-waits").exists():
            await asyncio.sleep(0.01)
        if key and "close-fails" in key.session:
            raise RuntimeError("cannot close")
        await close_session(key, session)

    def ahead(name: str = "ahead") -> float:
        return float((control / name).read_text())

    def clock() -> float:
        return time.monotonic() + ahead()

    def utc_now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead() + ahead("wall-ahead"))

    load.connect = counted
    main.complete = limited
    cache = import_module("sessions").SessionCache
    main.sessions = cache(opened, closed, maxsize=MAX_SESSIONS, clock=clock)
    if transcript:
        manager = import_module("chat.session").SessionManager
        main.transcripts = manager(clock=utc_now, monotonic=clock)
        main.transcripts.connect()
    main.app.run(port=int(os.environ["PORT"]), timeout_graceful_shutdown=30)


def hold_tools(control: Path) -> None:
    """Make every tool that is shown in a status wait for its end."""
    recording: Any = import_module("chat.recording")
    shown = recording.shown

    def held(function: Callable[..., Any]) -> Any:
        @wraps(function)
        async def tool(*args: Any, **kwargs: Any) -> Any:
            while (control / "tool-waits").exists():
                await asyncio.sleep(0.01)
            result = function(*args, **kwargs)
            return await result if asyncio.iscoroutine(result) else result

        return shown(tool)

    recording.shown = held


if __name__ == "__main__":
    run(Path(os.environ["CONTRACT_CONTROL"]))
