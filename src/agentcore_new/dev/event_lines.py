"""Each event as a line for a person, and as an object for programs."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agentcore_new.dev.events import Event
from agentcore_new.dev.said import one_line, sentence_in

Data = Mapping[str, Any]


def as_json(event: Event) -> str:
    """Return an event as one line of JSON, of ASCII characters only."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"event": event.kind, "at": at, **event.data}, default=str)


def as_line(event: Event) -> str:
    """Return an event as one harmless line that begins with the time of day."""
    say = _SAID.get(event.kind)
    said = say(event.data) if say else event.kind
    return f"{clock(event.at)} {one_line(said, 1_000)}"


def clock(at: float) -> str:
    """Return the time of day, where we are."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")


def short_seconds(seconds: float | None) -> str:
    """Return a time as a table has it: exact where it is short, and never long."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def outcome(data: Data) -> str:
    """Return how a turn ended: its status, with the agent's own where the platform hides it."""
    status = str(data.get("status") or data.get("state") or "")
    original = data.get("original")
    return f"{status} ({original['status']})" if original else status


def complaint(data: Data) -> str:
    """Return what went wrong with a turn, in the agent's own words where there are any."""
    original = data.get("original")
    own = sentence_in(str(original["body"])) if original else ""
    return own or one_line(str(data.get("error") or ""))


def problem(data: Data) -> str:
    """Return what a syntax error is, with its place."""
    line = data.get("line")
    place = f"{data.get('file')}:{line}" if line else f"{data.get('file')}"
    return f"{place}: {data.get('message')}"


def _machine(data: Data) -> str:
    session = data.get("session")
    return f"Machine {data.get('machine')}" + (f" of {session}" if session else "")


def _listening(data: Data) -> str:
    return f"Listening on {data.get('url')} for the agent in {data.get('folder')}"


def _ready(data: Data) -> str:
    took = short_seconds(data.get("seconds"))
    return f"{_machine(data)} is ready after {took} (process {data.get('pid')})"


def _failed(data: Data) -> str:
    log = data.get("log") or []
    last = f" Its log ends: {' | '.join(map(str, log[-3:]))}" if log else ""
    hint = f" {data['hint']}" if data.get("hint") else ""
    return f"{_machine(data)} failed: {data.get('why')}{hint}{last}"


def _ended(data: Data) -> str:
    return f"{_machine(data)} has ended: {data.get('why')}"


def _turn_ended(data: Data) -> str:
    said = f"Turn {data.get('turn')} of {data.get('session')}: {outcome(data)}"
    if took := short_seconds(data.get("seconds")):
        said += f", {took}"
    if first := short_seconds(data.get("first")):
        said += f", first token after {first}"
    if wrong := complaint(data):
        said += f": {wrong}"
    return said


_SAID: Mapping[str, Callable[[Data], str]] = {
    "listening": _listening,
    "machine-starting": lambda data: f"{_machine(data)} starts",
    "machine-ready": _ready,
    "machine-failed": _failed,
    "machine-ended": _ended,
    "turn-started": lambda data: f"Turn {data.get('turn')} of {data.get('session')} begins",
    "turn-ended": _turn_ended,
    "reloading": lambda data: f"Reloading: {', '.join(map(str, data.get('files') or []))}",
    "reloaded": lambda data: f"Reloaded in {short_seconds(data.get('seconds'))}",
    "syntax-error": lambda data: f"Syntax error in {problem(data)}: {data.get('text') or ''}",
    "healed": lambda _data: "The error is mended",
    "stopping": lambda _data: "Stopping",
}
