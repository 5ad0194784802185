"""The one screen on a terminal: drawn anew when something has happened, and each second."""

import os
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text

from agentcore_new.dev.events import Event
from agentcore_new.dev.overview import Overview, lines_of
from agentcore_new.dev.screen import Machines

REDRAWN_SECONDS = 1.0  # ages grow
SHORTEST_SECONDS = 0.25  # between two drawings
# What writing to a terminal that has gone leads to.
GONE = (OSError, ValueError)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to us: rich would end the program."""
        raise BrokenPipeError


class TerminalScreen:
    """Draws in a thread of its own: a terminal that is held up holds up nobody else.

    Args:
        machines: Tells of the machines as they are now.
        to: The terminal.
    """

    def __init__(self, machines: Machines, to: TextIO) -> None:
        self._machines = machines
        self._overview = Overview()
        self._lock = threading.Lock()  # of the overview
        self._news = threading.Event()
        self._ended = threading.Event()
        self._console = _Console(file=to, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._thread = threading.Thread(target=self._draw_on, name="screen", daemon=True)

    def __enter__(self) -> Self:
        with suppress(*GONE):
            self._live.start()
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._news.set()
        if self._thread.ident is None:  # there was no terminal to begin with
            return
        self._thread.join(REDRAWN_SECONDS)
        if self._thread.is_alive():  # the terminal is held up, and would hold us up
            return
        with suppress(*GONE):
            self._live.stop()

    def show(self, event: Event) -> None:
        """Take an event in, and have it drawn soon."""
        with self._lock:
            self._overview.take(event)
        self._news.set()

    def _draw_on(self) -> None:
        while not self._ended.is_set():
            self._news.clear()
            lines = self._lines()
            try:
                self._live.update(Text("\n").join(lines), refresh=True)
            except GONE:
                return
            self._ended.wait(SHORTEST_SECONDS)
            self._news.wait(REDRAWN_SECONDS)

    def _lines(self) -> list[Text]:
        machines = self._machines()
        self._follow_size()
        width, height = self._console.size
        with self._lock:
            return lines_of(self._overview, machines, width, height)

    def _follow_size(self) -> None:
        """Take the size that the terminal has now, whatever the environment says it once had."""
        with suppress(OSError, ValueError):
            columns, rows = os.get_terminal_size(self._console.file.fileno())
            if columns and rows:
                self._console.size = ConsoleDimensions(columns, rows)
