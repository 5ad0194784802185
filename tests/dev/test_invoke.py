"""What `agentcore-new invoke` asks and prints, of agents of ours and of others."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.projects import Variant
from contract.server import free_port, serve
from typer.testing import CliRunner, Result

from agentcore_new import cli
from agentcore_new.dev import client
from dev.talking import (
    END,
    SESSION,
    USER,
    Agent,
    body,
    chunk,
    events,
    objects,
    raw_stream,
    running,
    stream,
)

GIVEN = "my-first-session-of-33-characters"
CUT = "Error: The agent's answer stopped in the middle. Its log may say why.\n"


@pytest.fixture
def agent() -> Iterator[Agent]:
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def _buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pipes as people have them, whatever the tests run under."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def invoke(*words: str, typed: str | bytes | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli.app, ["invoke", *words], input=typed, catch_exceptions=False)


def start(agent: Agent, *words: str) -> "subprocess.Popen[str]":
    """Run the command as a program, whose output is a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "agentcore_new", "invoke", *words, "--url", agent.url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# What is asked.


def test_the_prompt_the_session_and_the_user_reach_the_agent(agent: Agent) -> None:
    words = ("Grüße\n--x", "--session", GIVEN, "--user", "Zoë", "--url", agent.url)
    assert invoke(*words).exit_code == 0
    [(headers, payload)] = agent.asked
    assert payload == {"prompt": "Grüße\n--x"}
    assert headers[SESSION] == GIVEN
    assert headers[USER].encode("latin-1").decode() == "Zoë"
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept"] == "text/event-stream, application/json"


def test_without_a_session_each_question_has_its_own_and_there_is_no_user(agent: Agent) -> None:
    for _ in range(2):
        invoke("hello", "--url", agent.url)
    first, second = agent.sessions
    assert first != second
    assert {len(first), len(second)} == {36}
    assert all(headers[USER] is None for headers, _ in agent.asked)


@pytest.mark.parametrize("end", ["", "/", "/invocations"])
def test_the_address_may_end_as_people_write_it(agent: Agent, end: str) -> None:
    assert invoke("hello", "--url", agent.url + end).stdout == "hello\n"


def test_no_proxy_is_asked(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert invoke("hello", "--url", agent.url).stdout == "hello\n"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_what_is_piped_in_is_the_prompt(agent: Agent, end: str) -> None:
    result = invoke("--url", agent.url, typed=f"one\n\ntwö{end}".encode())
    assert result.exit_code == 0
    assert agent.prompts == ["one\n\ntwö"]


# What is printed.


ANSWERS = [
    (stream("a", " b\n", "", "ü🙂"), "a b\nü🙂\n"),
    (stream("whole line\n"), "whole line\n"),
    (stream(""), "\n"),
    (objects({"result": "a\nb"}), "a\nb\n"),
    (objects({"result": ""}), "\n"),
    (objects("text"), "text\n"),
    (objects({"output": {"a": "ü"}}), '{\n  "output": {\n    "a": "ü"\n  }\n}\n'),
    (objects({"result": {"a": 1}, "error": None}), None),
    (body("plain\ttext", kind="text/plain; charset=utf-8"), "plain\ttext\n"),
    (body("no JSON", kind="application/octet-stream"), "no JSON\n"),
    (body("1\n{}\n", kind="application/x-ndjson"), "1\n{}\n"),
    (b"HTTP/1.0 200 OK\r\n\r\nno kind", "no kind\n"),
    (body("[" * 50_000), "[" * 50_000 + "\n"),
    (stream({"data": "a"}, {"text": "b"}, {"delta": "c", "error": ""}), "abc\n"),
    (stream("a", {"event": "x"}, {"n": 1}, "b"), 'a\n{"event": "x"}\n{"n": 1}\nb\n'),
    (raw_stream(b"data: two\n\ndata:  words\n\ndata: 5\n\n"), "two words5\n"),
    (raw_stream(b': hi\r\nevent: x\r\nid: 1\r\ndata: "a"\r\n\r\ndata:"b"\r\n\r\n'), "ab\n"),
    (raw_stream(b"data: one\ndata: two\n\n"), "one\ntwo\n"),
    (raw_stream(b'data: "the last has no end"\n'), "the last has no end\n"),
    (stream("\x1b[31mred\x07\r\n"), "\x1b[31mred\x07\r\n"),
    (body('data: "old"\n\n', kind="text/event-stream"), "old\n"),
]


@pytest.mark.parametrize(("answer", "printed"), ANSWERS, ids=map(str, range(len(ANSWERS))))
def test_an_answer_is_printed_as_text(agent: Agent, answer: bytes, printed: str | None) -> None:
    agent.answers = [answer]
    result = invoke("hello", "--url", agent.url)
    assert (result.exit_code, result.stderr) == (0, "")
    if printed is None:
        assert json.loads(result.stdout) == {"result": {"a": 1}, "error": None}
    else:
        assert result.stdout_bytes.decode() == printed


def test_an_answer_may_come_in_any_pieces(agent: Agent) -> None:
    whole = 'data: "Grüße 🙂"\r\n\r\ndata: "x"\n\n'.encode()
    pieces = b"".join(chunk(whole[at : at + 1]) for at in range(len(whole)))
    agent.answers = [events() + pieces + END]
    assert invoke("hello", "--url", agent.url).stdout == "Grüße 🙂x\n"


def test_each_piece_is_printed_when_it_comes(agent: Agent) -> None:
    agent.answers, agent.held = [events("first", "\n")], chunk(b'data: "second"\n\n') + END
    with start(agent, "hello") as process:
        assert process.stdout
        assert process.stdout.readline() == "first\n"
        agent.go_on.set()
        assert process.communicate() == ("second\n", "")
    assert process.returncode == 0


def test_who_has_read_enough_ends_it_quietly(agent: Agent) -> None:
    agent.answers = [stream(*("line\n" for _ in range(50_000)))]
    with start(agent, "hello") as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


# What goes wrong.


FAILURES = [
    (events("a", {"error": "No model."}), "a\n", "Error: No model.\n"),
    (stream({"error": {"message": "No\nmodel."}}), "", "Error: No model.\n"),
    (stream({"error": {"code": 7}}), "", 'Error: {"code": 7}\n'),
    (objects({"error": "No \x1b[2J."}), "", "Error: No \\x1b[2J.\n"),
    (objects({"error": "No prompt."}, 400), "", "Error: The agent answered 400: No prompt.\n"),
    (objects({"detail": "Busy."}, 503), "", "Error: The agent answered 503: Busy.\n"),
    (body("Sorry\n", 500, "text/plain"), "", "Error: The agent answered 500: Sorry\n"),
    (body("<h1>!</h1>", 502, "text/html"), "", "Error: The agent answered 502.\n"),
    (body("", 307), "", "Error: The agent answered 307.\n"),
    (
        objects({"message": "x", "original": {"status": 502, "body": '{"error": "No."}'}}, 424),
        "",
        "Error: The agent answered 502: No.\n",
    ),
    (
        objects({"message": "x", "original": {"status": 500, "body": ""}}, 424),
        "",
        "Error: The agent answered 500.\n",
    ),
    (objects({"message": "Failed.", "original": 1}, 424), "", "Failed."),
    (events("half"), "half\n", CUT),
    (events("half") + b"20\r\ndata:", "half\n", CUT),
    (body('{"result": "x"}')[:-3], "", CUT),
    (
        b'HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "a"\n\ndata: "b',
        "a\n",
        CUT,
    ),
    (b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"result": "', "", CUT),
    (b"", "", " closed the connection without an answer. Its log may say why.\n"),
    (b"220 mail.example ESMTP\r\n", "", " is no HTTP agent.\n"),
]


@pytest.mark.parametrize(
    ("answer", "printed", "error"), FAILURES, ids=map(str, range(len(FAILURES)))
)
def test_a_failure_is_one_line_and_no_success(
    agent: Agent, answer: bytes, printed: str, error: str
) -> None:
    agent.answers = [answer]
    result = invoke("hello", "--url", agent.url)
    assert result.exit_code == 1
    assert result.stdout == printed
    assert result.stderr.endswith(error) if error[0] == " " else error in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_an_agent_may_think_for_longer_than_it_takes_to_connect(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.1)
    agent.answers, agent.held = [b""], stream("well")
    later = threading.Timer(0.3, agent.go_on.set)
    later.start()
    assert invoke("hello", "--url", agent.url).stdout == "well\n"
    later.join()


@pytest.mark.parametrize(
    ("begun", "printed", "error"),
    [
        (b"", "", " has been silent for an hour.\n"),
        (events("a"), "a\n", " stopped in the middle: it has been silent for an hour.\n"),
    ],
    ids=["before", "within"],
)
def test_an_agent_that_falls_silent_is_not_waited_for_for_ever(
    begun: bytes, printed: str, error: str, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENT_SECONDS", 0.1)
    agent.answers, agent.held = [begun], stream("never")
    result = invoke("hello", "--url", agent.url)
    assert (result.exit_code, result.stdout) == (1, printed)
    assert result.stderr.endswith(error)
    assert agent.left.wait(20)


def test_where_nobody_answers_it_is_said_what_to_start() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = invoke("hello", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: Nobody answers at {url}. `agentcore-new dev` starts")
    assert len(result.stderr.splitlines()) == 1


def test_what_speaks_no_tls_is_not_asked(agent: Agent) -> None:
    result = invoke("hello", "--url", agent.url.replace("http:", "https:"))
    assert result.exit_code == 1
    assert "cannot be reached: TLS failed" in result.stderr
    assert agent.asked == []


@pytest.mark.parametrize(
    "words",
    [
        ("x", "--url", "127.0.0.1:8000"),
        ("x", "--url", "ftp://127.0.0.1"),
        ("x", "--url", "http://"),
        ("x", "--url", "http://127.0.0.1:99999"),
        ("x", "--url", "http://[::1"),
        ("x", "--url", "http://ada:secret@127.0.0.1"),
        ("x", "--url", "http://127.0.0.1/?a=b"),
        ("x", "--url", "http://127.0.0.1/a b"),
        ("x", "--url", "http://127.0.0.1/\r\nX: y"),
        ("x", "--session", ""),
        ("x", "--session", "a\r\nX: y"),
        ("x", "--session", "s" * 257),
        ("x", "--user", ""),
        ("x", "--user", "u" * 1_025),
        ("x", "y"),
        ("",),
        (" \n",),
        (),
    ],
)
def test_wrong_usage_is_one_line_and_nobody_is_asked(words: tuple[str, ...], agent: Agent) -> None:
    url = () if "--url" in words else ("--url", agent.url)
    result = invoke(*words, *url, typed="\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert agent.asked == []


def test_what_is_piped_in_must_be_text(agent: Agent) -> None:
    result = invoke("--url", agent.url, typed=b"\xff\xfe")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: What is piped in is no text in UTF-8.\n",
    )


# A generated project.


@pytest.mark.real
@pytest.mark.xdist_group("invoke")
@pytest.mark.parametrize("streams", [False, True], ids=["json", "stream"])
def test_a_generated_project_answers_in_its_session(streams: bool, tmp_path: Path) -> None:
    environment = {"AGENT_OFFLINE": "1"}
    with serve(Variant("openai", "openai", streams), tmp_path, environment) as server:
        url = f"http://127.0.0.1:{server.port}"
        words = [sys.executable, "-m", "agentcore_new", "invoke", "--url", url]
        said = [
            subprocess.run(
                [*words, "--session", GIVEN],
                input="hello",
                env=os.environ,
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        ]
        refused = invoke(" x" * 200_000, "--url", url)
    assert [(each.stdout, each.stderr) for each in said] == [
        ("Offline reply 1 to: hello\n", ""),
        ("Offline reply 2 to: hello\n", ""),
    ]
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The agent answered 4")
