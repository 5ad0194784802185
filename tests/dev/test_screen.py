"""What is shown of a running agent: on one screen, as lines, as JSON."""

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from agentcore_new.dev.event_lines import as_json, as_line
from agentcore_new.dev.events import Event
from agentcore_new.dev.overview import Overview, lines_of
from agentcore_new.dev.screen import Lines, screen_for
from agentcore_new.dev.terminal_screen import SHORTEST_SECONDS, TerminalScreen

NOON = 1_790_000_000.0
SESSION = "0d7b6a2e-9d1f-4a53-8a51-d38b1f3a{:04}"
LISTENING = Event(
    "listening",
    {
        "url": "http://127.0.0.1:8000",
        "folder": "/home/ada/shop",
        "per_session": True,
        "idle_seconds": 900,
        "offline": True,
    },
)
SYNTAX = Event(
    "syntax-error",
    {"file": "agent.py", "line": 12, "text": "def tool(:", "message": "invalid syntax"},
)
FAILED = Event(
    "machine-failed",
    {
        "machine": 4,
        "session": None,
        "why": "It ended with 1.",
        "hint": "Set GEMINI_API_KEY.",
        "log": [f"line {number}" for number in range(30)] + ["KeyError: 'GEMINI_API_KEY'"],
    },
)
READY = Event("machine-ready", {"machine": 5, "session": None, "pid": 77, "seconds": 1.5})


def machine(number: int, **different: Any) -> dict[str, Any]:
    return {
        "id": number,
        "session": SESSION.format(number),
        "pid": 40_000 + number,
        "state": "ready",
        "health": "Healthy",
        "age": 75.0,
        "idle": 3.0,
        "memory": 123_456_789,
        "turns": 0,
        "why": None,
        **different,
    }


def started(number: int, **different: Any) -> Event:
    data = {"turn": number, "session": SESSION.format(number), "machine": number}
    return Event("turn-started", data | different, NOON + number)


def ended(number: int, **different: Any) -> Event:
    done = {
        "turn": number,
        "session": SESSION.format(number),
        "machine": number,
        "state": "done",
        "status": 200,
        "original": None,
        "error": None,
        "seconds": 2.345,
        "first": 0.4,
        "bytes": 100,
    }
    return Event("turn-ended", done | different, NOON + number + 2)


def failed(number: int, sentence: str = "The model did not answer.") -> Event:
    """A turn that the platform makes a 424 of."""
    original = {"status": 502, "body": json.dumps({"error": sentence})}
    return ended(number, state="failed", status=424, original=original, first=None)


EVERY_KIND = [
    LISTENING,
    Event("machine-starting", {"machine": 1, "session": SESSION}),
    READY,
    FAILED,
    Event("machine-ended", {"machine": 1, "session": None, "pid": 7, "why": "idle for 900 s"}),
    started(1),
    ended(1),
    failed(2),
    Event("reloading", {"files": ["agent.py", "main.py"]}),
    Event("reloaded", {"seconds": 0.4}),
    SYNTAX,
    Event("healed"),
    Event("stopping"),
]


def shown(
    *happened: Event,
    machines: list[dict[str, Any]] | None = None,
    width: int = 80,
    height: int = 40,
) -> list[str]:
    """The lines of the screen, as a console of that size has them."""
    overview = Overview()
    for event in happened:
        overview.take(event)
    console = Console(
        record=True, file=io.StringIO(), width=width, height=height, force_terminal=True
    )
    console.print(Text("\n").join(lines_of(overview, machines or [], width, height)))
    return console.export_text().splitlines()


# The screen.


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_screen_with_room_has_everything(width: int) -> None:
    lines = shown(
        LISTENING,
        *(started(1), started(2), started(3), ended(1), failed(2)),
        machines=[machine(1), machine(2, health="HealthyBusy", idle=None, age=4_000.0)],
        width=width,
    )
    assert lines[0] == "http://127.0.0.1:8000"
    assert lines[1].startswith("/home/ada/shop · a machine per session · ends a")
    (one,) = [line for line in lines if "40001" in line]
    (two,) = [line for line in lines if "40002" in line]
    assert one.split()[-8:] == ["ready", "75", "s", "3", "s", "healthy", "123", "MB"]
    assert two.split()[-6:] == ["ready", "67", "min", "busy", "123", "MB"]
    for number, line in ((1, one), (2, two)):
        assert f"{number} 0d7b6a" in line.replace("  ", " ")
        assert f"{number:04} " in line  # ids differ at their ends
    third, second, wrong, first = lines[-5:-1]
    assert third.endswith("running")
    assert "424 (502)" in second
    assert wrong == "  The model did not answer."
    assert first.split()[-5:] == ["200", "2.35", "s", "0.40", "s"]
    assert lines[-1].startswith("Ctrl-C stops it")
    if width == 140:
        assert SESSION.format(1) in one
        assert SESSION.format(1) in first


@pytest.mark.parametrize("width", [20, 60, 80, 140])
@pytest.mark.parametrize("height", [1, 2, 4, 10, 24, 50])
@pytest.mark.parametrize("problem", [None, SYNTAX, FAILED], ids=["well", "syntax", "failed"])
def test_it_fits_whatever_happens(width: int, height: int, problem: Event | None) -> None:
    happened = [LISTENING, *map(started, range(100)), *map(failed, range(0, 100, 2))]
    happened += [problem] if problem else []
    lines = shown(
        *happened,
        machines=[machine(number, session="日本" * 80) for number in range(30)],
        width=width,
        height=height,
    )
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert lines[-1].startswith("Ctrl-C stops it")


def test_what_has_no_place_is_counted() -> None:
    lines = shown(
        LISTENING,
        *map(started, range(100)),
        machines=[machine(number) for number in range(30)],
        height=24,
    )
    machines = [line for line in lines if " 400" in line]
    turns = [line for line in lines if line.endswith("running")]
    assert len(machines) > 5
    assert len(turns) > 5
    assert f"… and {30 - len(machines)} more" in lines
    assert f"… and {100 - len(turns)} more" in lines
    assert SESSION.format(99) in turns[0]


def test_few_machines_leave_their_room_to_the_requests() -> None:
    lines = shown(LISTENING, *map(started, range(100)), machines=[machine(1)], height=24)
    assert sum(line.endswith("running") for line in lines) == 24 - 9


def test_where_there_is_room_for_one_of_them_it_is_the_machines() -> None:
    lines = shown(LISTENING, started(1), SYNTAX, machines=[machine(1)], height=10)
    assert any(" 40001 " in line for line in lines)
    assert not any("running" in line for line in lines)


def test_a_syntax_error_is_shown_until_it_is_mended() -> None:
    wrong = shown(LISTENING, SYNTAX, READY, FAILED)
    assert "Syntax error in agent.py:12: invalid syntax" in wrong
    assert "  def tool(:" in wrong
    for mended in (Event("healed"), Event("reloaded", {"seconds": 0.4})):
        assert not any("Syntax error" in line for line in shown(LISTENING, SYNTAX, mended))


@pytest.mark.parametrize("height", [12, 24])
def test_a_failed_start_is_shown_with_the_end_of_its_log_until_one_succeeds(height: int) -> None:
    wrong = shown(LISTENING, FAILED, machines=[machine(1)], height=height)
    assert "The agent did not start: It ended with 1." in wrong
    assert "  KeyError: 'GEMINI_API_KEY'" in wrong
    assert any("Set GEMINI_API_KEY." in line for line in wrong)
    assert not any("did not start" in line for line in shown(LISTENING, FAILED, READY))


def test_what_is_going_on_is_said() -> None:
    assert shown() == ["Starting …", shown()[-1]]
    assert any("Reloading: agent.py" in line for line in shown(*EVERY_KIND[:9]))
    assert shown(*EVERY_KIND)[-1] == "Stopping: the machines have 15 s to end."


HOSTILE = "\x1b[2J\x1b]0;x\x07[bold]\u202e\r\n:smile: \x9b1m"


def test_nothing_that_an_agent_says_changes_the_terminal() -> None:
    original = {"status": 500, "body": HOSTILE}
    lines = shown(
        Event("listening", {"url": HOSTILE, "folder": HOSTILE}),
        started(1, session=HOSTILE),
        ended(1, session=HOSTILE, status=424, original=original),
        ended(2, error=HOSTILE),
        Event("machine-failed", {"why": HOSTILE, "hint": HOSTILE, "log": [HOSTILE]}),
        machines=[machine(1, session=HOSTILE, state=HOSTILE, health=HOSTILE)],
        width=140,
    )
    text = "".join(lines)
    assert text.isprintable()
    assert "\u202e" not in text
    assert "[bold]" in text
    assert ":smile:" in text


def test_of_many_requests_the_last_are_kept() -> None:
    overview = Overview()
    for number in range(10_000):
        overview.take(started(number))
        overview.take(ended(number))
    assert len(overview.turns) == len(overview.order) == 200
    assert 9_999 in overview.turns


class Terminal(io.StringIO):
    """One that says so."""

    def isatty(self) -> bool:
        return True

    @property
    def drawn(self) -> int:
        return self.getvalue().count("Ctrl-C stops it")


@pytest.fixture
def _is_clever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.usefixtures("_is_clever")
def test_it_is_drawn_at_most_four_times_a_second() -> None:
    terminal, began = Terminal(), time.monotonic()
    with TerminalScreen(lambda: [machine(1)], terminal) as screen:
        screen.show(LISTENING)
        while terminal.drawn < 4:
            screen.show(started(1))
            time.sleep(0.001)
        assert time.monotonic() - began >= 3 * SHORTEST_SECONDS
    assert SHORTEST_SECONDS >= 0.25
    assert "http://127.0.0.1:8000" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[?25h\x1b[?1049l")


# Lines and JSON.


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.kind)
def test_an_event_is_an_object_on_a_line(event: Event) -> None:
    line = as_json(event)
    assert line.isascii()
    assert "\n" not in line
    said = json.loads(line)
    assert said.pop("event") == event.kind
    assert datetime.fromisoformat(said.pop("at")).timestamp() == pytest.approx(event.at, abs=1e-3)
    assert said == event.data


LINES = [
    "Listening on http://127.0.0.1:8000 for the agent in /home/ada/shop",
    f"Machine 1 of {SESSION} starts",
    "Machine 5 is ready after 1.50 s (process 77)",
    "Machine 4 failed: It ended with 1. Set GEMINI_API_KEY. Its log ends: line 28 |"
    " line 29 | KeyError: 'GEMINI_API_KEY'",
    "Machine 1 has ended: idle for 900 s",
    f"Turn 1 of {SESSION.format(1)} begins",
    f"Turn 1 of {SESSION.format(1)}: 200, 2.35 s, first token after 0.40 s",
    f"Turn 2 of {SESSION.format(2)}: 424 (502), 2.35 s: The model did not answer.",
    "Reloading: agent.py, main.py",
    "Reloaded in 0.40 s",
    "Syntax error in agent.py:12: invalid syntax: def tool(:",
    "The error is mended",
    "Stopping",
]


@pytest.mark.parametrize(
    ("event", "said"),
    list(zip(EVERY_KIND, LINES, strict=True)),
    ids=[event.kind for event in EVERY_KIND],
)
def test_an_event_is_a_line(event: Event, said: str) -> None:
    clock, _, rest = as_line(event).partition(" ")
    assert rest == said
    assert datetime.strptime(clock, "%H:%M:%S").second == datetime.fromtimestamp(event.at).second


def test_a_line_is_harmless_and_one() -> None:
    hostile: Mapping[str, Any] = {"why": HOSTILE, "log": [HOSTILE], "machine": 1}
    line = as_line(Event("machine-failed", hostile))
    assert line.isprintable()
    assert "\u202e" not in line


def test_what_is_unknown_is_shown_by_its_name() -> None:
    assert as_line(Event("new-kind", {"a": 1})).endswith(" new-kind")


def nobody() -> list[dict[str, Any]]:
    return []


def test_lines_go_to_a_pipe_and_to_a_terminal_that_can_do_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    for place in (io.StringIO(), Terminal()):
        with screen_for(nobody, json_log=False, to=place) as screen:
            screen.show(LISTENING)
        assert place.getvalue() == as_line(LISTENING) + "\n"
    with screen_for(nobody, json_log=True, to=(log := Terminal())) as screen:
        screen.show(SYNTAX)
    assert json.loads(log.getvalue())["event"] == "syntax-error"


@pytest.mark.usefixtures("_is_clever")
def test_a_terminal_has_the_screen() -> None:
    assert isinstance(screen_for(nobody, json_log=False, to=Terminal()), TerminalScreen)


# Places that go away.


class Gone(Terminal):
    """What can be written to no more, after so many times."""

    def __init__(self, error: Exception, after: int) -> None:
        super().__init__()
        self.error = error
        self.left = after
        self.tried = threading.Event()

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left >= 0:
            return super().write(text)
        self.tried.set()
        raise self.error


ERRORS = [BrokenPipeError(), OSError(5, "Input/output error"), ValueError("closed file")]


@pytest.mark.usefixtures("_is_clever")
@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "make", [lambda to: TerminalScreen(nobody, to), lambda to: Lines(as_line, to)]
)
def test_where_nobody_reads_any_more_nothing_fails(
    make: Callable[[Gone], Lines | TerminalScreen], error: Exception, after: int
) -> None:
    place = Gone(error, after)
    with make(place) as screen:
        for event in EVERY_KIND:
            screen.show(event)
        assert place.tried.wait(20)


@pytest.mark.parametrize("json_log", [False, True])
def test_a_reader_that_leaves_ends_nothing(
    json_log: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    code = f"""
import sys
from pathlib import Path
from agentcore_new.dev.events import Event
from agentcore_new.dev.screen import screen_for
with screen_for(list, json_log={json_log}) as screen:
    screen.show(Event("healed"))
    sys.stdin.readline()
    for _ in range(3):
        screen.show(Event("stopping"))
Path({str(tmp_path / "end")!r}).touch()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().endswith("\n")
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert (tmp_path / "end").exists()
