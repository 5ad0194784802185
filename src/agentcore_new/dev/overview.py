"""What one screen says of a running agent, as lines that fit it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from agentcore_new.dev.event_lines import (
    Data,
    as_line,
    clock,
    complaint,
    outcome,
    problem,
    short_seconds,
)
from agentcore_new.dev.events import Event
from agentcore_new.dev.said import harmless, one_line

KEPT_TURNS = 200  # more than the highest terminal shows
LOG_LINES = 8
LEAST_ROOM = 3  # of a table: a blank line, the titles, a row
LEAST_WIDTH = 4
ROOMY = 100  # so wide a terminal has room between columns
# of an event that changes nothing else, the line is shown until the next one
NEWS = ("machine-failed", "machine-ended", "reloading", "reloaded", "healed", "stopping")


@dataclass(slots=True)
class Turn:
    """A request as it is shown: how it began, and when it has ended, how."""

    at: float
    started: Data
    ended: Data | None = None


@dataclass(slots=True)
class Overview:
    """What the events so far come to."""

    about: Data = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)
    problem: Event | None = None
    news: Event | None = None
    is_stopping: bool = False
    order: deque[int] = field(default_factory=deque)

    def take(self, event: Event) -> None:
        """Take in what has happened."""
        if event.kind == "listening":
            self.about = event.data
        elif event.kind == "turn-started":
            self._keep(event.data["turn"], Turn(event.at, event.data))
        elif event.kind == "turn-ended":
            number = event.data["turn"]
            begun = self.turns.get(number) or Turn(event.at, event.data)
            begun.ended = event.data
            self._keep(number, begun)
        elif event.kind == "syntax-error":
            self.problem = event
        elif event.kind in ("healed", "reloaded"):
            self.problem = None
        elif event.kind in ("machine-failed", "machine-ready"):
            # a file that cannot be read says more than what fails for it, and what runs nothing
            if not (self.problem and self.problem.kind == "syntax-error"):
                self.problem = event if event.kind == "machine-failed" else None
        elif event.kind == "stopping":
            self.is_stopping = True
        if event.kind in NEWS:
            self.news = event

    def _keep(self, number: int, turn: Turn) -> None:
        if number not in self.turns:
            self.order.append(number)
        self.turns[number] = turn
        while len(self.order) > KEPT_TURNS:
            del self.turns[self.order.popleft()]


def lines_of(
    overview: Overview, machines: Sequence[Mapping[str, Any]], width: int, height: int
) -> list[Text]:
    """Return the screen: at most `height` lines, none wider than `width`.

    What is wrong comes before the machines, those before the requests.
    """
    top = [*_heading(overview), *_problem(overview.problem, max(3, height // 2))]
    end = [Text(_ending(overview), "dim")]
    room = max(0, height - len(top) - len(end))
    machine_rows = [_machine_row(machine) for machine in machines]
    # one half of the room each, and what one does not need the other has
    for_turns = min(2 * len(overview.order) + 2, room // 2) if room >= 2 * LEAST_ROOM else 0
    shown = _table(MACHINE_COLUMNS, machine_rows, width, room - for_turns)
    turn_rows = [_turn_row(overview.turns[number]) for number in reversed(overview.order)]
    shown += _table(TURN_COLUMNS, turn_rows, width, room - len(shown))
    lines = [*top[: max(0, height - 1)], *shown, *end][:height]
    for line in lines:
        line.truncate(max(1, width), overflow="ellipsis")
    return lines


def _heading(overview: Overview) -> list[Text]:
    about = overview.about
    if not about:
        return [Text("Starting …", "bold")]
    folder = one_line(str(about.get("folder", "")))
    machines = "a machine per session" if about.get("per_session") else "one process for all"
    facts = [folder, machines]
    if about.get("idle_seconds"):
        facts.append(f"ends after {short_seconds(about['idle_seconds'])} idle")
    if about.get("offline"):
        facts.append("offline")
    lines = [
        Text.assemble((one_line(str(about.get("url", ""))), "bold cyan")),
        Text(" · ".join(facts), "dim"),
    ]
    if overview.news:
        lines.append(Text(as_line(overview.news)))
    return lines


def _problem(event: Event | None, most: int) -> list[Text]:
    if event is None:
        return []
    data = event.data
    if event.kind == "syntax-error":
        said = [f"Syntax error in {problem(data)}", f"  {data.get('text') or ''}".rstrip()]
    else:
        log = [f"  {line}" for line in (data.get("log") or [])[-LOG_LINES:]]
        hint = [str(data["hint"])] if data.get("hint") else []
        said = [f"The agent did not start: {data.get('why')}", *hint, *log]
    texts = [harmless(line).replace("\t", "    ").replace("\n", " ") for line in said if line]
    first, *rest = [Text(""), *(Text(text) for text in texts)]
    rest[0].stylize("bold red")
    # the end of a log says more than its beginning
    kept = [rest[0], *rest[1:][-(most - 2) :]] if len(rest) >= most else rest
    return [first, *kept]


def _ending(overview: Overview) -> str:
    if overview.is_stopping:
        return "Stopping: the machines have 15 s to end."
    return "Ctrl-C stops it, with all machines. To ask: agentcore-new invoke"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, how wide it is at most, and whether it has what room is left."""

    title: str
    widest: int
    grows: bool = False
    to_the_right: bool = False


MACHINE_COLUMNS = (
    Column("id", 5, to_the_right=True),
    Column("session", 36, grows=True),
    Column("pid", 8, to_the_right=True),
    Column("state", 8),
    Column("age", 7, to_the_right=True),
    Column("idle", 7, to_the_right=True),
    Column("health", 7),
    Column("memory", 7, to_the_right=True),
)
TURN_COLUMNS = (
    Column("time", 8),
    Column("session", 36, grows=True),
    Column("status", 9),
    Column("took", 7, to_the_right=True),
    Column("first", 7, to_the_right=True),
)
HEALTH = {"Healthy": "healthy", "HealthyBusy": "busy"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and if there is more to say of it, a line below."""

    cells: list[str]
    below: str = ""


def _machine_row(machine: Mapping[str, Any]) -> Row:
    memory = machine.get("memory")
    return _row(
        str(machine.get("id", "")),
        str(machine.get("session") or "(waits)"),
        str(machine.get("pid") or ""),
        str(machine.get("state", "")),
        _whole_seconds(machine.get("age")),
        _whole_seconds(machine.get("idle")),
        HEALTH.get(str(machine.get("health")), ""),
        f"{memory / 1_000_000:.0f} MB" if memory else "",
    )


def _turn_row(turn: Turn) -> Row:
    session = str(turn.started.get("session") or "")
    if turn.ended is None:
        return _row(clock(turn.at), session, "running", "", "")
    took, first = (short_seconds(turn.ended.get(name)) for name in ("seconds", "first"))
    wrong = complaint(turn.ended)
    return _row(clock(turn.at), session, outcome(turn.ended), took, first, below=wrong)


def _row(*cells: str, below: str = "") -> Row:
    return Row([one_line(cell) for cell in cells], below)


def _whole_seconds(seconds: float | None) -> str:
    if seconds is None or seconds >= 100:
        return short_seconds(seconds)
    return f"{seconds:.0f} s"


def _table(columns: Sequence[Column], rows: Sequence[Row], width: int, room: int) -> list[Text]:
    """Return a table of at most `room` lines; what has no place is counted in the last one."""
    if not rows or room < LEAST_ROOM:
        return []
    widths, gap = _widths(columns, rows[:room], width), " " * _gap(width)
    titles = [column.title for column in columns]
    lines = [Text(""), _line(columns, titles, widths, gap, "bold")]
    for number, row in enumerate(rows):
        block = [_line(columns, row.cells, widths, gap)]
        block += [Text(f"  {row.below}", "red")] if row.below else []
        left = len(rows) - number
        if len(lines) + len(block) + (left > 1) > room:
            lines.append(Text(f"… and {left:,} more", "dim"))
            break
        lines += block
    return lines


def _gap(width: int) -> int:
    return 2 if width >= ROOMY else 1


def _widths(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int]:
    """Return how wide each column is; the one that grows has what the others leave."""
    table = [[column.title for column in columns], *(row.cells for row in rows)]
    wanted = [max(map(cell_len, each)) for each in zip(*table, strict=True)]
    widths = [min(*both) for both in zip(wanted, (each.widest for each in columns), strict=True)]
    surplus = sum(widths) + _gap(width) * (len(columns) - 1) - width
    grows = next(number for number, column in enumerate(columns) if column.grows)
    widths[grows] = max(LEAST_WIDTH, widths[grows] - max(0, surplus))
    return widths


def _line(
    columns: Sequence[Column], cells: Sequence[str], widths: list[int], gap: str, style: str = ""
) -> Text:
    parts = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        fitted = _fitted(cell, width)
        blank = " " * (width - cell_len(fitted))
        parts.append(blank + fitted if column.to_the_right else fitted + blank)
    return Text(gap.join(parts).rstrip(), style)


def _fitted(text: str, width: int) -> str:
    """Return `text` in so many cells: of a long one its beginning and its end, as ids differ."""
    if cell_len(text) <= width:
        return text
    end = (width - 1) // 3
    return f"{set_cell_size(text, width - 1 - end)}…{set_cell_size(text[::-1], end)[::-1]}"
