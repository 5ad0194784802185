"""Agents and callers that do what HTTP allows, and nobody expects."""

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.running import SESSION, Dev, dev, new_session, quick_agent, until

ODD = Path(__file__).parent / "agents/odd/main.py"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    home = tmp_path_factory.mktemp("odd")
    folder = quick_agent(home / "agent")
    (folder / "main.py").write_text(ODD.read_text("utf-8"), "utf-8")
    with dev(folder, "--idle-seconds", "1", home=home / "home") as running:
        yield running


def text_of(running: Dev, session: str) -> str:
    number = running.wait("turn-ended", session=session)["turn"]
    return str(running.api("GET", f"turns/{number}")["turn"]["text"])


def test_an_answer_that_is_packed_can_be_read_by_all(running: Dev) -> None:
    session = new_session()
    answer = running.ask("gzip hello", session, **{"Accept-Encoding": "gzip"})
    assert answer.json == {"result": "hello"}
    assert text_of(running, session) == "hello"


def test_an_agent_is_asked_for_no_packed_answer(running: Dev) -> None:
    answer = running.ask("headers", new_session(), **{"Accept-Encoding": "gzip, br"})
    headers = {name.lower(): value for name, value in json.loads(answer.json["result"])}
    assert headers["accept-encoding"] == "identity"


def test_a_payload_that_is_packed_reaches_the_agent_as_it_is(running: Dev) -> None:
    body = gzip.compress(json.dumps({"prompt": "hello"}).encode())
    headers = {SESSION: new_session(), "Content-Encoding": "gzip"}
    answer = running.request("POST", "/invocations", body, headers)
    assert (answer.status, answer.json) == (200, {"prompt": "hello"})


def test_an_agent_that_sends_one_elsewhere_is_not_followed(running: Dev) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        answer = running.ask(f"elsewhere {url}", new_session())
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert answer.status == 424
    assert answer.json["message"] == "Received error (307) from runtime."


def test_an_answer_that_is_nested_too_deep_is_passed_on_as_text(running: Dev) -> None:
    session = new_session()
    assert len(running.ask("deep", session).body) == 100_000
    assert text_of(running, session) == "[" * 100_000


def sent(running: Dev, *headers: bytes) -> bytes:
    """Send a request byte for byte, and return the answer."""
    body = b'{"prompt": "hello"}'
    head = [b"POST /invocations HTTP/1.1", *headers, b"Content-Length: %d" % len(body)]
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(b"\r\n".join([*head, b"Connection: close", b"", body]))
        with connection.makefile("rb") as file:
            return file.read()


def test_a_header_that_is_no_text_does_not_reach_the_agent(running: Dev) -> None:
    session = new_session()
    named = f"{SESSION}: {session}".encode()
    answer = sent(running, b"Host: localhost", named, b"X-Odd: \xff\xfe", b"X-Good: \xc3\xa4")
    assert answer.startswith(b"HTTP/1.1 200 ")
    number = running.wait("turn-ended", session=session)["turn"]
    request = running.api("GET", f"turns/{number}")["request"]
    assert [name for name, _ in request["dropped"]] == ["X-Odd"]
    assert ["X-Good", "ä"] in request["headers"]


def test_a_host_that_is_no_name_is_refused(running: Dev) -> None:
    assert sent(running, b"Host: [").startswith(b"HTTP/1.1 403 ")


def test_a_prompt_that_is_no_text_is_refused(running: Dev) -> None:
    session = running.api("POST", "sessions", {})["id"]
    answer = running.request("POST", f"/api/sessions/{session}/turns", b'{"prompt": "\\ud800"}')
    assert (answer.status, answer.json["error"]) == (
        400,
        "The prompt has characters that no text has.",
    )


def test_a_time_that_is_none_keeps_no_machine(running: Dev) -> None:
    session = new_session()
    running.ask("hello", session)
    assert running.wait("machine-ended", session=session)["why"] == "It was idle for 1 s."


def test_an_agent_without_actions_is_asked_its_turns_alone(running: Dev) -> None:
    session = running.api("POST", "sessions", {})["id"]
    with socket.create_connection(("127.0.0.1", running.port)) as page:  # that shows the session
        page.sendall(
            f"GET /api/events?session={session} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        page.recv(1)
        running.api("POST", f"sessions/{session}/turns", {"prompt": "sleep 1"})
        machine = running.wait("turn-ended", session=session)["machine"]
    log = until(lambda: running.api("GET", f"machines/{machine}/log")["text"])
    assert log.count("asked") == 1
