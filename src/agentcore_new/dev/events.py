"""What happens while an agent runs, told to whoever shows it: the terminal, a log, the page."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What is told, and with what:
#
#   listening         url, folder, per_session, idle_seconds, offline
#   machine-starting  machine, session
#   machine-ready     machine, session, pid, seconds
#   machine-failed    machine, session, why, hint, log
#   machine-ended     machine, session, pid, why
#   turn-started      turn, session, machine
#   turn-ended        turn, session, machine, state, status, original, error, seconds, first, bytes
#   reloading         files
#   reloaded          seconds
#   syntax-error      file, line, text, message
#   healed
#   stopping
#
# `session` is None for a machine that waits for its session, or that has all of them.


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened.

    Args:
        kind: One of the above.
        data: What belongs to it, fit for JSON.
        at: When, in seconds since 1970.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


Listener = Callable[[Event], None]


class Events:
    """Tells each listener of each event, at once and in order."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Tell this one too, from now on."""
        self._listeners.append(listener)

    def tell(self, kind: str, **data: Any) -> None:  # noqa: ANN401 - anything fit for JSON
        """Tell everybody."""
        event = Event(kind, data)
        for listener in self._listeners:
            listener(event)
