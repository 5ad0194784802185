"""What a person at a terminal meets who talks to an agent, or watches one."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from dev.talking import Agent, chunk, events, objects, running, stream

SOURCE = Path(__file__).parents[2] / "src"
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
ENTER = "\r"
UP = "\x1b[A"
CTRL_C = "\x03"
CTRL_D = "\x04"
READY = "\x1b[?2004h"  # where a line is read, what is pasted is to come as such


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    # nobody here says where the cursor is, for which each line would wait
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def agent() -> Iterator[Agent]:
    with running() as started:
        yield started


@contextmanager
def terminal(*words: str, size: tuple[int, int] = (30, 120)) -> Iterator["pexpect.spawn[str]"]:
    process = pexpect.spawn(
        sys.executable, list(words), encoding="utf-8", dimensions=size, timeout=20
    )
    process.delaybeforesend = None  # what is sent before it is asked for waits for it
    try:
        yield process
    finally:
        process.close(force=True)


def invoke(agent: Agent, *words: str) -> tuple[str, ...]:
    return ("-m", "agentcore_new", "invoke", *words, "--url", agent.url)


def enter(process: "pexpect.spawn[str]", *keys: str) -> None:
    """Type a line when one is asked for."""
    process.expect_exact(READY)
    process.send("".join(keys) + ENTER)


def rest(process: "pexpect.spawn[str]") -> str:
    """Return what is still printed, and wait for the end."""
    process.expect(pexpect.EOF)
    process.close()
    return COLOUR.sub("", process.before or "")


# One question.


def test_what_would_change_the_terminal_is_written_out(agent: Agent) -> None:
    agent.answers = [stream("\x1b[31mred\x1b", "]0;title\x07 \u202eabc\x9b2J\r\n", "ü\t🙂")]
    with terminal(*invoke(agent, "hello", "--session", "s1")) as process:
        process.expect(pexpect.EOF)
    # nothing is said of a session that was given
    assert process.before == ("\\x1b[31mred\\x1b]0;title\\x07 \\u202eabc\\x9b2J\r\nü\t🙂\r\n")


def test_it_is_said_how_to_go_on(agent: Agent) -> None:
    with terminal(*invoke(agent, "hello", "--user", "ada b")) as process:
        shown = rest(process)
    [session] = agent.sessions
    assert shown == (
        "hello\r\nTo go on in this session: agentcore-new invoke"
        f" --session {session} --user 'ada b' --url {agent.url}\r\n"
    )
    assert process.exitstatus == 0


def test_ctrl_c_ends_it_and_leaves_the_agent(agent: Agent) -> None:
    agent.answers, agent.held = [events("first\n")], chunk(b"never")
    with subprocess.Popen(
        [sys.executable, *invoke(agent, "hello")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # what runs in the background of a shell ignores Ctrl-C, and so would what it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "first\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130
    assert agent.left.wait(20)


# A conversation.


def test_lines_are_of_one_session_until_a_new_one_begins(agent: Agent) -> None:
    agent.answers = [stream("first\x1b[2J"), objects({"result": "second"}), stream("third")]
    with terminal(*invoke(agent)) as process:
        process.expect("Ctrl-D ends")
        enter(process, "/help")
        process.expect_exact("/new    begins another session")
        enter(process, "  one ")
        process.expect_exact("first\\x1b[2J")
        enter(process)
        enter(process, UP)
        process.expect("second")
        enter(process, "/new")
        process.expect("To go on in this session: agentcore-new invoke --session (\\S+) --url")
        assert isinstance(process.match, re.Match)
        before = process.match[1]
        process.expect("A new session.")
        enter(process, "/other")
        process.expect("third")
        process.expect_exact(READY)
        process.send(CTRL_D)
        shown = rest(process)
    assert process.exitstatus == 0
    assert agent.prompts == ["one", "one", "/other"]
    first, second, third = agent.sessions
    assert first == second == before != third
    assert f"agentcore-new invoke --session {third} --url {agent.url}" in shown


def test_ctrl_c_stops_the_answer_and_an_error_ends_nothing(agent: Agent) -> None:
    agent.answers = [events("begun"), objects({"error": "No model."}, 502), stream("well")]
    agent.held = chunk(b"never")
    with terminal(*invoke(agent, "--session", "mine")) as process:
        enter(process, "one")
        process.expect("begun")
        process.send(CTRL_C)
        process.expect("Stopped.")
        assert agent.left.wait(20)
        agent.held = b""
        process.expect_exact(READY)
        process.send("dropped")
        process.expect("dropped")
        process.send(CTRL_C)
        enter(process, "two")
        process.expect("Error: The agent answered 502: No model.")
        enter(process, "three")
        process.expect("well")
        enter(process, "/exit")
        shown = rest(process)
    assert process.exitstatus == 0
    assert "Traceback" not in shown
    assert agent.prompts == ["one", "two", "three"]
    assert agent.sessions == ["mine"] * 3


def test_without_a_terminal_to_answer_on_nothing_is_asked(agent: Agent, tmp_path: Path) -> None:
    command = " ".join([sys.executable, *invoke(agent), ">", str(tmp_path / "out")])
    process = pexpect.spawn("/bin/sh", ["-c", command], encoding="utf-8", timeout=20)
    assert "Error: There is no prompt." in rest(process)
    assert process.exitstatus == 2
    assert agent.asked == []


# The screen of `dev`.

WATCH = """
import signal, sys, threading
from agentcore_new.dev.events import Event
from agentcore_new.dev.screen import screen_for

machines = [{"id": 7, "pid": 4321, "state": "ready", "age": 1.0, "session": "a" * 40}]
end = threading.Event()
signal.signal(signal.SIGINT, lambda *_: end.set())
with screen_for(lambda: machines, json_log=False) as screen:
    screen.show(Event("listening", {"url": "http://127.0.0.1:8000", "folder": "/my-agent"}))
    sys.stdin.readline()
    screen.show(Event("syntax-error", {"file": "agent.py", "line": 3, "message": "bad \\x1b[2J"}))
    end.wait(30)
    screen.show(Event("stopping"))
print("the end")
"""


def test_the_screen_is_drawn_anew_follows_the_terminal_and_goes() -> None:
    with terminal("-c", WATCH, size=(24, 80)) as process:
        process.expect_exact("\x1b[?1049h")
        process.expect("http://127.0.0.1:8000")
        process.expect("a{36}|a+…a+")
        process.expect("Ctrl-C stops it")
        process.setwinsize(12, 50)
        process.send("\r")
        process.expect_exact("Syntax error in agent.py:3: bad \\x1b[2J")
        process.expect_exact("\x1b[H")
        process.expect("Ctrl-C stops it")
        drawn = COLOUR.sub("", str(process.before)).splitlines()
        assert len(drawn) <= 12
        assert max(map(len, drawn)) <= 50
        process.sendintr()
        process.expect_exact("\x1b[?1049l")
        process.expect("the end")
        rest(process)
    assert process.exitstatus == 0
