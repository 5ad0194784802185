"""What the page is told and may ask, by the whole command."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dev.running import TENANT, USER, Dev, dev, new_session, quick_agent, told
from dev.stand_in import POLICY


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    base = tmp_path_factory.mktemp("page-api")
    with dev(quick_agent(base / "agent"), home=base / "home") as running:
        running.folder = base / "agent"
        running.wait("machine-ready")
        yield running


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/api/turns/0"])
def test_a_browser_is_told_to_run_and_load_nothing_else(running: Dev, path: str) -> None:
    headers = running.request("GET", path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_that_opens_is_told_all_that_there_is(running: Dev) -> None:
    one, other = new_session(), new_session()
    for session in (one, other):
        running.ask("hello", session, **{USER: "ada", TENANT: "acme"})
    with running.page(one) as messages:
        assert next(messages)["agent"]["folder"] == str(running.folder)
        sessions = {each["id"]: each for each in next(messages)["sessions"]}
        assert (sessions[one]["user"], sessions[one]["tenant"]) == ("ada", "acme")
        assert sessions[one]["machine"]["id"] != sessions[other]["machine"]["id"]
        assert told(messages, "problem")["problem"] is None
        (spare,) = told(messages, "machines")["machines"]
        assert spare["id"] not in [each["machine"]["id"] for each in sessions.values()]
        assert told(messages, "turn")["turn"]["session"] == one


def test_of_the_turns_of_other_sessions_a_page_is_told_nothing(running: Dev) -> None:
    one, other = new_session(), new_session()
    running.ask("hello", one)
    with running.page(one) as messages:
        assert told(messages, "turn")["turn"]["prompt"] == "hello"
        running.ask("secret", other)
        running.ask("again", one)
        assert told(messages, "turn")["turn"]["prompt"] == "again"


def test_with_a_session_its_machine_goes(running: Dev) -> None:
    session = new_session()
    running.ask("hello", session)
    with running.page() as messages:
        told(messages, "sessions")
        running.api("DELETE", f"sessions/{session}")
        assert told(messages, "gone")["id"] == session
    ended = running.wait("machine-ended", session=session)
    assert ended["why"] == "Its session was deleted."


@pytest.mark.parametrize("name", ["user", "tenant"])
def test_a_user_who_would_add_a_header_is_refused(running: Dev, name: str) -> None:
    answer = running.request("POST", "/api/sessions", {name: "ada\r\nX-Other: y"})
    assert (answer.status, answer.json["error"]) == (
        400,
        f"The {name} has characters that no header can have.",
    )


def test_calls_of_a_turn_are_found_by_the_trace_of_its_caller(running: Dev) -> None:
    session, trace = new_session(), "c" * 32
    running.ask("hello", session, traceparent=f"00-{trace}-{'d' * 16}-01")
    export = ExportTraceServiceRequest()
    span = export.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = bytes.fromhex(trace), b"12345678"
    for key, value in (("operation", "execute_tool"), ("tool", "add")):
        span.attributes.add(key=f"gen_ai.{key}.name").value.string_value = value
    body = export.SerializeToString()
    assert running.request("POST", "/v1/traces", body).status == 200
    number = running.wait("turn-ended", session=session)["turn"]
    assert [call["name"] for call in running.api("GET", f"turns/{number}")["calls"]] == ["add"]


def test_what_cannot_be_read_is_told_until_it_is_mended(running: Dev) -> None:
    broken, main = running.folder / "broken.py", running.folder / "main.py"
    broken.write_text("a = 1\ndef tool(:\n")
    running.wait("syntax-error")
    number = len(running.all("machine-ready"))
    # that the rest is good, or that machines come up, mends nothing
    main.write_text(main.read_text() + "\n")
    running.wait("syntax-error", 2)
    running.ask("hello", new_session())
    running.wait("machine-ready", number + 1)
    with running.page() as messages:
        problem = told(messages, "problem")["problem"]
        assert (problem["kind"], problem["file"], problem["line"]) == ("syntax", "broken.py", 2)
        assert running.all("healed") == running.all("reloading") == []
        broken.write_text("a = 1\n")
        assert told(messages, "problem")["problem"] is None
    running.wait("healed")


def test_an_agent_that_does_not_start_for_a_mistake_is_told_by_the_mistake(running: Dev) -> None:
    main = running.folder / "main.py"
    good, failures = main.read_text(), len(running.all("machine-failed"))
    number = len(running.all("syntax-error"))
    main.write_text(good + "def tool(:\n")
    wrong = running.wait("syntax-error", number + 1)
    # the first has what was there to spare; the next is started by what is there now
    for _ in range(2):
        running.ask("hello", new_session())
    running.wait("machine-failed", failures + 1)
    with running.page() as messages:
        problem = told(messages, "problem")["problem"]
        assert (problem["kind"], problem["line"]) == ("syntax", wrong["line"])
        main.write_text(good)
        assert told(messages, "problem")["problem"] is None
