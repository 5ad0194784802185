"""Shows what happens: on a terminal as one screen, elsewhere as lines, for programs as JSON."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from agentcore_new.dev.event_lines import as_json, as_line
from agentcore_new.dev.events import Event

# The machines as they are now: what the page has of each, and "session". It is called from the
# thread that draws, so it must not go through what another thread changes.
Machines = Callable[[], Sequence[Mapping[str, Any]]]


class Screen(Protocol):
    """What shows events, from when it is entered to when it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None: ...

    def show(self, event: Event) -> None:
        """Show an event; this returns at once and never fails."""


class Lines:
    """One line an event.

    Args:
        write: Makes the line.
        to: Where it is written; if nobody reads there any more, nothing is.
    """

    def __init__(self, write: Callable[[Event], str], to: TextIO) -> None:
        self._write = write
        self._to = to
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        pass

    def show(self, event: Event) -> None:
        """Write its line."""
        if not self._is_open:
            return
        try:
            print(self._write(event), file=self._to, flush=True)
        except (OSError, ValueError):
            self._is_open = False
            leave(self._to)


def leave(stream: TextIO) -> None:
    """Have nothing more go to a stream that nobody reads: at the end Python would complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return  # it is no file, or closed altogether


def screen_for(machines: Machines, *, json_log: bool, to: TextIO | None = None) -> Screen:
    """Return what fits the place that is written to.

    Args:
        machines: Tells of the machines as they are now.
        json_log: JSON is asked for.
        to: Where it goes, standard output unless it is said.
    """
    out = to or sys.stdout
    if json_log:
        return Lines(as_json, out)
    if not out.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return Lines(as_line, out)
    # Imported where it is seen: it costs more than all the rest.
    from agentcore_new.dev.terminal_screen import TerminalScreen

    return TerminalScreen(machines, out)
