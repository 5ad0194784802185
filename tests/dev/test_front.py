"""What AgentCore does with a request is done here too, and nothing that another page asks is."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from dev.running import SESSION, TENANT, USER, Dev, dev, new_session, quick_agent, until


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("front")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Dev]:
    with dev(quick_agent(home / "agent"), home=home / "home") as running:
        yield running


def test_each_session_has_a_process_of_its_own_and_keeps_it(running: Dev) -> None:
    one, two = new_session(), new_session()
    answers = [running.ask("hello", session).json["result"] for session in (one, two, one, two)]
    numbers = [answer.split()[1] for answer in answers]
    processes = [answer.split()[3] for answer in answers]
    assert numbers == ["1", "1", "2", "2"]
    assert processes[:2] == processes[2:]
    assert processes[0] != processes[1]


@pytest.mark.parametrize("length", [1, 32, 257])
def test_a_session_id_that_agentcore_does_not_take_is_refused(running: Dev, length: int) -> None:
    before = running.turns()
    answer = running.ask("hello", "s" * length)
    assert answer.status == 400
    assert answer.json == {
        "message": f"The session id has {length} characters; AgentCore takes 33 to 256."
    }
    assert running.turns() == before


@pytest.mark.parametrize("length", [33, 256])
def test_one_that_it_takes_is_not(running: Dev, length: int) -> None:
    answer = running.ask("hello", "s" * length)
    assert (answer.status, answer.headers[SESSION]) == (200, "s" * length)


def test_a_caller_without_a_session_gets_one(running: Dev) -> None:
    first, second = running.ask("hello"), running.ask("hello")
    assert len({first.headers[SESSION], second.headers[SESSION]}) == 2
    again = running.ask("hello", first.headers[SESSION])
    assert again.json["result"].startswith("turn 2 ")


def test_a_user_id_that_is_too_long_is_refused(running: Dev) -> None:
    assert running.ask("hello", new_session(), **{USER: "u" * 1025}).status == 400
    assert running.ask("hello", new_session(), **{USER: "u" * 1024}).status == 200


def test_those_headers_reach_the_agent_that_agentcore_passes_on(running: Dev) -> None:
    session = new_session()
    pass_on = {
        USER: "ada",
        TENANT: "acme",
        "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Colour": "blue",
        "Accept": "text/event-stream",
        "Original-Host": "shop.example",  # it only begins as another one does
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    }
    drop = {
        "Authorization": "Bearer secret",
        "X-Amz-Date": "20261126T000000Z",
        "X-Amzn-Trace-Id": "Root=1",
        "Cookie": "a=b",
    }
    answer = running.ask("headers", session, **pass_on, **drop)
    arrived = {name.lower(): value for name, value in json.loads(answer.json["result"])}
    expected = {**pass_on, SESSION: session}
    assert {name: arrived.get(name.lower()) for name in expected} == expected
    assert not {name.lower() for name in drop} & {*arrived}
    number = running.wait("turn-ended", session=session)["turn"]
    dropped = running.api("GET", f"turns/{number}")["request"]["dropped"]
    assert {name for name, _ in dropped} == {*drop}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
def test_what_an_agent_says_of_a_failure_is_a_424_with_it(running: Dev, status: int) -> None:
    session = new_session()
    answer = running.ask(f"status {status}", session)
    assert answer.status == 424
    assert answer.json["message"] == f"Received error ({status}) from runtime."
    assert answer.json["original"] == {"status": status, "body": f'{{"error": "status {status}"}}'}
    ended = running.wait("turn-ended", session=session)
    assert (ended["state"], ended["status"], ended["original"]["status"]) == ("failed", 424, status)


def test_a_payload_of_100_mb_passes_and_a_larger_one_does_not(running: Dev) -> None:
    start, end = b'{"prompt": "size", "more": "', b'"}'
    largest = start + b"x" * (100_000_000 - len(start) - len(end)) + end
    headers = {SESSION: new_session()}
    assert running.request("POST", "/invocations", largest, headers).json["result"] == "100000000"
    larger = largest.replace(b"x", b"xx", 1)
    assert running.request("POST", "/invocations", larger, headers).status == 413


def test_a_stream_passes_piece_by_piece(running: Dev, home: Path) -> None:
    session = new_session()
    with running.stream("stream one @second @third", session) as pieces:
        for piece, then in (('"one "', "second"), ('"@second "', "third"), ('"@third "', "")):
            assert next(pieces) == piece
            if then:
                (home / "home" / then).touch()
        assert [*pieces] == []
    ended = running.wait("turn-ended", session=session)
    assert (ended["state"], ended["error"]) == ("done", None)
    exchange = running.api("GET", f"turns/{ended['turn']}")
    assert exchange["turn"]["text"] == "one @second @third "
    times = [event["at"] for event in exchange["events"]]
    assert times == sorted(times)
    assert ended["first"] == pytest.approx(times[0], abs=0.001)


def test_an_error_in_a_stream_is_one(running: Dev) -> None:
    session = new_session()
    with running.stream("stream one !", session) as pieces:
        assert [*pieces] == ['"one "', '{"error": "It failed."}']
    ended = running.wait("turn-ended", session=session)
    assert (ended["state"], ended["error"]) == ("failed", "It failed.")


def test_a_failure_is_told_with_the_cause_that_the_log_names(running: Dev) -> None:
    session = new_session()
    running.ask("log No API key: set OPENAI_API_KEY", session)
    with running.stream("stream one !", session) as pieces:
        assert len([*pieces]) == 2
    in_stream = running.wait("turn-ended", 2, session=session)
    running.ask("status 500", session)
    of_status = running.wait("turn-ended", 3, session=session)
    for ended, said in ((in_stream, "It failed."), (of_status, "Received error (500)")):
        assert ended["error"].startswith(said)
        assert "No API key: set OPENAI_API_KEY (in .env, say), or start with" in ended["error"]


def test_a_client_that_goes_holds_no_machine(running: Dev, home: Path) -> None:
    session = new_session()
    with running.stream("stream one @never two", session) as pieces:
        next(pieces)
    ended = running.wait("turn-ended", session=session)
    assert ended["state"] == "stopped"
    (home / "home/never").touch()
    assert running.ask("hello", session).json["result"].startswith("turn 2 ")


def test_an_agent_that_dies_before_it_answers_is_told_and_comes_back(running: Dev) -> None:
    session = new_session()
    answer = running.ask("die 3", session)
    assert answer.status == 424
    assert "The process ended with exit code 3." in answer.json["message"]
    assert running.wait("turn-ended", session=session)["state"] == "failed"
    assert running.ask("hello", session).json["result"].startswith("turn 1 ")


def test_a_stream_of_an_agent_that_dies_breaks_off(running: Dev) -> None:
    session = new_session()
    url = f"http://127.0.0.1:{running.port}/invocations"
    body, headers = {"prompt": "stream one #"}, {SESSION: session}
    with httpx.stream("POST", url, json=body, headers=headers) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()
    ended = running.wait("turn-ended", session=session)
    assert (ended["state"], ended["status"]) == ("failed", 424)
    assert "The process ended with exit code 1." in ended["error"]
    assert running.ask("hello", session).json["result"].startswith("turn 1 ")


def test_it_says_how_it_is_as_an_agent_does(running: Dev) -> None:
    assert running.request("GET", "/ping").json["status"] == "Healthy"
    with running.stream("stream one @told", new_session()) as pieces:
        next(pieces)
        assert running.request("GET", "/ping").json["status"] == "HealthyBusy"


OTHERS = (
    {"Origin": "https://example.com"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Host": "example.com"},
    {"Host": "127.0.0.1.example.com:8000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


@pytest.mark.parametrize("headers", OTHERS, ids=str)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/invocations"),
        ("GET", "/"),
        ("GET", "/api/events"),
        ("POST", "/api/sessions"),
        ("POST", "/api/machines/restart"),
        ("POST", "/v1/traces"),
        ("GET", "/ping"),
    ],
)
def test_pages_of_other_origins_are_refused(
    running: Dev, method: str, path: str, headers: dict[str, str]
) -> None:
    before = running.turns()
    answer = running.request(method, path, {"prompt": "hello"}, headers)
    assert answer.status == 403
    assert running.turns() == before


def test_its_own_page_is_not_nor_somebody_who_follows_a_link(running: Dev) -> None:
    own = {"Origin": f"http://127.0.0.1:{running.port}", "Sec-Fetch-Site": "same-origin"}
    assert running.request("POST", "/api/sessions", {}, own).status == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert running.request("GET", "/", headers=link).status == 200
    assert running.request("GET", "/ping", headers=link).status == 403


def test_a_form_of_another_page_can_change_nothing(running: Dev) -> None:
    plain = {"Content-Type": "text/plain"}
    assert running.request("POST", "/api/sessions", {}, plain).status == 415


def test_it_listens_on_the_loopback_address_alone(running: Dev) -> None:
    running.ask("hello", new_session())
    dev_itself = psutil.Process(running.process.pid)
    own = [dev_itself, *running.processes()]
    listening = {
        connection.laddr.ip
        for process in own
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_log_of_a_machine_is_in_the_cache_and_nothing_in_the_project(
    running: Dev, home: Path
) -> None:
    session = new_session()
    running.ask("log something to read", session)
    number = running.machine_of(session)
    log = until(lambda: (x := running.api("GET", f"machines/{number}/log"))["text"] and x)
    assert "something to read\n" in log["text"]
    later = running.api("GET", f"machines/{number}/log?from={log['next']}")
    assert later == {"text": "", "next": log["next"]}
    assert sorted(each.name for each in (home / "agent").iterdir()) == [".venv", "main.py"]
    caches = (home / "home/.cache/agentcore-new/dev").iterdir()
    assert [folder.name.startswith("agent-") for folder in caches] == [True]


def test_a_request_that_is_cut_off_asks_nobody(running: Dev) -> None:
    before = running.turns()
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        head = f"POST /invocations HTTP/1.1\r\nHost: localhost\r\n{SESSION}: {'s' * 40}\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert running.ask("hello", new_session()).status == 200
    assert running.turns() == before + 1
