"""The receiver of OTLP puts traces together, in whatever order their spans come."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from contract import otlp
from contract.otlp import Receiver
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE, SESSION = b"t" * 16, "a session"
TURN = Span(
    name="turn",
    trace_id=TRACE,
    span_id=b"turn----",
    parent_span_id=b"a caller",
    start_time_unix_nano=1,
    end_time_unix_nano=8,
    attributes=[KeyValue(key="session.id", value=AnyValue(string_value=SESSION))],
)
AGENT, CALL = (
    Span(
        name=name,
        trace_id=TRACE,
        span_id=own,
        parent_span_id=parent,
        start_time_unix_nano=start,
        end_time_unix_nano=9,
        attributes=[KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value=name))],
    )
    for name, own, parent, start in (
        ("agent", b"agent---", TURN.span_id, 2),
        ("chat", b"chat----", b"agent---", 3),
    )
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that nothing has come to."""
    with Receiver() as made:
        yield made


def send(receiver: Receiver, *spans: Span) -> None:
    """Have these come together."""
    scope = ScopeSpans(spans=spans)
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope])])
    receiver.take("/v1/traces", request.SerializeToString())


def test_a_turn_is_known_before_all_that_it_left_behind_has_come(receiver: Receiver) -> None:
    send(receiver, CALL)
    assert receiver.traces(SESSION) == []
    send(receiver, TURN)
    (trace,) = receiver.traces(SESSION)
    assert (trace.turn.name, trace.is_whole()) == ("turn", False)
    send(receiver, AGENT)
    (trace,) = receiver.traces(SESSION)
    assert (trace.turn.name, trace.is_whole()) == ("turn", True)


def test_what_comes_after_its_turn_is_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [[TURN, CALL], [AGENT]]
    waited = SimpleNamespace(
        monotonic=time.monotonic, sleep=lambda _: send(receiver, *batches.pop(0))
    )
    monkeypatch.setattr(otlp, "time", waited)
    (trace,) = receiver.wait(SESSION)
    assert batches == []
    (call,) = trace.of("chat")
    assert [span.name for span in trace.path(call)] == ["agent", "turn"]


def test_a_trace_that_is_never_whole_is_an_error(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "SECONDS", 0.0)
    send(receiver, TURN, CALL)
    with pytest.raises(AssertionError, match="a session"):
        receiver.wait(SESSION)
