"""What OpenTelemetry is told of turns: a trace each, whole, with no texts unless they are wanted.

The projects run as their Dockerfile starts them, and tell a receiver of OTLP on loopback.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from fake_models import FakeModels

from agentcore_new import options
from contract.client import until
from contract.otlp import SERVER, Receiver, Span, Trace, receiving
from contract.projects import TRACED, Variant, each
from contract.server import Server, serve, turns_of

pytestmark = [pytest.mark.real, each(TRACED)]

# what an entrypoint of a container would start
STARTED = ("python", "-m", "serving.telemetry", "opentelemetry-instrument")
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
TEXTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
PROVIDERS = {row.value: row.telemetry_name or row.value for row in options.PROVIDERS}
CALLS = ("chat", "generate_content")
OLDER = "call_llm"  # around each call, before ADK 2.13
# of the agent's tool, and of nothing else that is told
SUM = "<<tool=add_numbers:1234567:7654321>>"


@contextmanager
def traced(
    variant: Variant,
    models: FakeModels,
    folder: Path,
    receiver: Receiver,
    **environment: str,
) -> Iterator[Server]:
    """A server that tells the receiver."""
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **QUICK, **environment}
    given = {**models.env(variant.provider), **told}
    with serve(variant, folder, given, launcher=True, by=STARTED) as running:
        yield running


@pytest.fixture(scope="session")
def server(
    variant: Variant,
    model_server: FakeModels,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One that tells the receiver."""
    folder = tmp_path_factory.mktemp(str(variant))
    with traced(variant, model_server, folder, receiver) as running:
        yield running


@pytest.fixture
def session(request: pytest.FixtureRequest) -> str:
    """An id that no other test uses."""
    return f"{request.node.name}-of-33-characters-or-more"


def trace_of(receiver: Receiver, session: str) -> Trace:
    """That of the only turn of a session."""
    (trace,) = receiver.wait(session)
    return trace


def check_turn(variant: Variant, turn: Span, session: str) -> None:
    """The span of a turn says whose it is and who answers."""
    name = f"{variant.framework}_agent"
    assert turn.name == f"invoke_agent {name}"
    assert turn.kind == SERVER
    said = {"gen_ai.agent.name": name, "gen_ai.provider.name": PROVIDERS[variant.provider]}
    said |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": session}
    assert said.items() <= turn.attributes.items()
    assert turn.attributes["gen_ai.request.model"]


def check_whole(trace: Trace) -> None:
    """Every span is within that which it is in, and in the end within the turn."""
    for span in trace.spans:
        for around in trace.path(span):
            assert around.start <= span.start
            assert span.end <= around.end


def test_a_turn_is_a_trace_with_the_calls_of_model_and_tool(
    variant: Variant, server: Server, receiver: Receiver, session: str
) -> None:
    reply = server.client.ask(f"sum {SUM}", session)
    assert "8888888" in reply.text
    trace = trace_of(receiver, session)
    check_turn(variant, trace.turn, session)
    check_whole(trace)
    assert not any(span.failed for span in trace.spans)
    first, second = trace.of(*CALLS)
    (tool,) = trace.of("execute_tool")
    assert first.end <= tool.start <= tool.end <= second.start
    for call in (first, second):
        model = trace.turn.attributes["gen_ai.request.model"]
        named = str(call.attributes["gen_ai.request.model"])
        assert named.endswith(model)  # LiteLLM has the provider before it
        assert call.name in (call.operation, f"{call.operation} {named}")
        assert call.attributes["gen_ai.usage.input_tokens"] > 0
        assert call.attributes["gen_ai.usage.output_tokens"] > 0
    assert tool.name == "execute_tool add_numbers"
    assert tool.attributes["gen_ai.tool.name"] == "add_numbers"
    # no call is told twice, and nothing is told that nobody could make sense of
    known = ("invoke_agent", "create_agent", "invoke_workflow", "execute_event_loop_cycle")
    told = {span.operation for span in trace.spans if span.name != OLDER}
    assert told <= {*CALLS, *known, "execute_tool"}


def test_no_text_is_told(server: Server, receiver: Receiver, session: str) -> None:
    texts = ["a prompt to itself", "words of the reply", "0987654", "a prompt that fails"]
    prompts = [texts[0], f'<<reply=["{texts[1]}"]>>', "<<tool=add_numbers:987654:0>>"]
    for prompt in prompts:
        assert not server.client.ask(prompt, session).error
    assert server.client.ask(f"{texts[3]} <<fail=400>>", session).error
    receiver.wait(session, turns=4)
    assert receiver.has(session)
    for text in [*texts, "987654", "You are a helpful assistant"]:
        assert not receiver.has(text), text


def test_texts_are_told_where_they_are_wanted(
    variant: Variant, model_server: FakeModels, session: str, tmp_path: Path
) -> None:
    wanted = {TEXTS: "true"}
    with receiving() as own, traced(variant, model_server, tmp_path, own, **wanted) as server:
        reply = server.client.ask("a prompt that is wanted", session).text
        turn = trace_of(own, session).turn
    for attribute, role, text in (
        ("gen_ai.input.messages", "user", "a prompt that is wanted"),
        ("gen_ai.output.messages", "assistant", reply),
    ):
        (message,) = json.loads(turn.attributes[attribute])
        assert message["role"] == role
        assert message["parts"] == [{"type": "text", "content": text}]


def test_a_turn_that_fails_is_told_so(
    variant: Variant, server: Server, receiver: Receiver, session: str
) -> None:
    assert server.client.ask("no <<fail=400>>", session).error
    trace = trace_of(receiver, session)
    check_turn(variant, trace.turn, session)
    check_whole(trace)
    assert trace.turn.failed
    assert trace.turn.attributes["error.type"] == "502"
    (call,) = trace.of(*CALLS)
    assert call.failed
    assert server.client.ask("yes", session).text == "turn 1: yes"
    assert not receiver.wait(session, turns=2)[1].turn.failed


def test_a_turn_over_its_time_is_told_so(
    server: Server, models: FakeModels, receiver: Receiver, session: str
) -> None:
    with turns_of(server, seconds=0.5):
        assert server.client.ask("held <<hold=over>>", session).error
    models.release("over")
    trace = trace_of(receiver, session)
    assert trace.turn.failed
    assert trace.turn.attributes["error.type"] == "504"


def test_a_turn_whose_client_has_gone_is_told_whole(
    server: Server, models: FakeModels, receiver: Receiver, session: str
) -> None:
    with server.client.connection(f"gone {SUM} <<hold=gone>>", session):
        models.wait_held("gone")
    server.client.fence()
    models.release("gone")
    trace = trace_of(receiver, session)
    check_whole(trace)
    assert not trace.turn.failed
    assert len(trace.of(*CALLS)) == 2
    assert len(trace.of("execute_tool")) == 1


def test_turns_at_once_are_not_mixed_up(server: Server, receiver: Receiver, session: str) -> None:
    sessions = [f"{session}-{n}" for n in range(32)]
    replies = server.client.together(
        [(f"sum <<tool=add_numbers:{n}:1>>", s) for n, s in enumerate(sessions)]
    )
    assert not [reply.error for reply in replies if reply.error]
    traces = [trace_of(receiver, each) for each in sessions]
    assert len({trace.turn.trace for trace in traces}) == 32
    for trace in traces:
        check_whole(trace)
        assert len(trace.of(*CALLS)) == 2
        assert len(trace.of("execute_tool")) == 1


def test_turns_of_a_session_that_waits_are_traces_of_their_own(
    server: Server, models: FakeModels, receiver: Receiver, session: str
) -> None:
    first = server.client.begin("first <<hold=line>>", session)
    models.wait_held("line")
    second = server.client.begin("second", session)
    until(lambda: server.client.ping() == "HealthyBusy")
    models.release("line")
    assert not first.result().error + second.result().error
    one, other = receiver.wait(session, turns=2)
    assert one.turn.trace != other.turn.trace
    assert [len(trace.of(*CALLS)) for trace in (one, other)] == [1, 1]


def test_a_turn_goes_on_with_the_trace_of_its_caller(
    server: Server, receiver: Receiver, session: str
) -> None:
    trace, caller = uuid4().hex, uuid4().hex[:16]
    headers = {"traceparent": f"00-{trace}-{caller}-01".encode()}
    body = json.dumps({"prompt": "hello", "session_id": session}).encode()
    assert server.client.post(body, headers).status_code == 200
    turn = trace_of(receiver, session).turn
    assert (turn.trace, turn.parent) == (trace, caller)


def test_nothing_but_turns_is_told(server: Server, receiver: Receiver, session: str) -> None:
    before = {span.trace for span in receiver.spans}
    server.client.ping()
    server.client.fence()
    server.client.ask("hello", session)
    trace = trace_of(receiver, session)
    others = {span.trace for span in receiver.spans} - before - {trace.turn.trace}
    assert others == set()
    assert trace.turn.parent == ""


def test_the_last_turn_before_the_end_is_told(
    variant: Variant, model_server: FakeModels, receiver: Receiver, session: str, tmp_path: Path
) -> None:
    slow = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with traced(variant, model_server, tmp_path, receiver, **slow) as server:
        server.client.ask("the last", session)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(15)
    assert len(receiver.traces(session)) == 1
