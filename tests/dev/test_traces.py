"""Calls of models and tools, from what an agent tells OpenTelemetry."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.otlp import Receiver, receiving
from contract.projects import TRACED, Variant
from contract.server import serve
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentcore_new.dev import traces
from agentcore_new.dev.traces import Call, Traces, calls, new_trace

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "f" * 32
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "a-model"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add_numbers"}
AGENT = {"gen_ai.operation.name": "invoke_agent"}


def span(number: int, about: dict[str, Any], *, within: int = 0, trace: str = TRACE) -> Span:
    """A span that starts at second 100 + number and takes half a second."""
    made = Span(
        trace_id=bytes.fromhex(trace),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=within.to_bytes(8, "big") if within else b"",
        name=about.get("name", "a span"),
        start_time_unix_nano=(100 + number) * 10**9,
        end_time_unix_nano=(100 + number) * 10**9 + 5 * 10**8,
    )
    for key, value in about.items():
        if key != "name":
            kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
            setattr(made.attributes.add(key=key).value, kind, value)
    return made


def export(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    for each in spans:  # a resource each: they need not be in one
        request.resource_spans.add().scope_spans.add().spans.append(each)
    return bytes(request.SerializeToString())


def test_calls_of_models_and_tools_are_told_by_trace_in_order() -> None:
    tokens = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3}
    failed = span(3, TOOL, within=1)
    failed.status.code = failed.status.STATUS_CODE_ERROR
    body = export(
        failed,
        span(2, CHAT | tokens, within=1),
        span(4, {**CHAT, "gen_ai.operation.name": "generate_content"}, trace=OTHER),
        span(1, AGENT),
        span(5, {"http.request.method": "POST"}, within=1),
    )
    assert calls(body, "") == {
        TRACE: [
            Call("a-model", "model", 102.0, 0.5, failed=False, tokens=(12, 3)),
            Call("add_numbers", "tool", 103.0, 0.5, failed=True, tokens=None),
        ],
        OTHER: [Call("a-model", "model", 104.0, 0.5, failed=False, tokens=None)],
    }


@pytest.mark.parametrize(
    ("about", "name", "tokens"),
    [
        ({"gen_ai.operation.name": "chat", "name": "chat m"}, "m", None),
        ({"gen_ai.operation.name": "chat", "name": "chat"}, "chat", None),
        ({"gen_ai.operation.name": "execute_tool", "name": "execute_tool t"}, "t", None),
        ({"gen_ai.operation.name": "execute_tool", "name": ""}, "execute_tool", None),
        ({**CHAT, "gen_ai.usage.prompt_tokens": 7}, "a-model", (7, 0)),
        ({**CHAT, "gen_ai.usage.completion_tokens": 7.0}, "a-model", (0, 7)),
        ({**CHAT, "gen_ai.usage.input_tokens": "many"}, "a-model", None),
        ({"gen_ai.operation.name": "chat", "gen_ai.response.model": "r"}, "r", None),
    ],
)
def test_what_is_not_told_is_made_up_for(
    about: dict[str, Any], name: str, tokens: tuple[int, int] | None
) -> None:
    ((call,),) = calls(export(span(1, about))).values()
    assert (call.name, call.tokens) == (name, tokens)


@pytest.mark.parametrize(
    ("spans", "counted"),
    [
        # a client tells of the same within its framework, perhaps within a request
        ([span(1, CHAT), span(2, CHAT, within=1)], ["a-model"]),
        ([span(1, CHAT), span(2, {}, within=1), span(3, CHAT, within=2)], ["a-model"]),
        ([span(1, TOOL), span(2, TOOL, within=1)], ["add_numbers"]),
        # a tool that asks a model, and one that calls another
        ([span(1, TOOL), span(2, CHAT, within=1)], ["add_numbers", "a-model"]),
        (
            [span(1, TOOL), span(2, {**TOOL, "gen_ai.tool.name": "other"}, within=1)],
            ["add_numbers", "other"],
        ),
        # an agent that is a tool
        (
            [span(1, TOOL), span(2, AGENT, within=1), span(3, TOOL, within=2)],
            ["add_numbers", "add_numbers"],
        ),
        (
            [span(1, CHAT), span(2, TOOL, within=1), span(3, CHAT, within=2)],
            ["a-model", "add_numbers", "a-model"],
        ),
        # one that is in itself
        ([span(1, CHAT, within=1)], ["a-model"]),
        ([span(1, {}, within=2), span(2, {}, within=1), span(3, CHAT, within=1)], ["a-model"]),
    ],
)
def test_one_call_is_counted_once(spans: list[Span], counted: list[str]) -> None:
    assert [call.name for call in calls(export(*spans))[TRACE]] == counted
    # whatever comes first, and in whatever export
    for order in (spans, spans[::-1]):
        kept = Traces()
        for each in order:
            assert kept.take(export(each)) == {TRACE}
        assert [call.name for call in kept.calls(TRACE)] == counted


def test_a_trace_with_no_calls_is_told_too() -> None:
    assert calls(export(span(1, AGENT))) == {TRACE: []}
    assert calls(b"") == {}


def test_what_is_packed() -> None:
    body = export(span(1, CHAT))
    assert calls(gzip.compress(body), "gzip") == calls(gzip.compress(body), " GZIP") == calls(body)
    assert calls(body, "identity") == calls(body)


WHOLE = export(span(1, CHAT))
NONE = {
    "no protobuf": (b"no protobuf", ""),
    "JSON": (b'{"resourceSpans": []}', ""),
    "packed and not said so": (gzip.compress(WHOLE), ""),
    "not packed": (WHOLE, "gzip"),
    "nothing": (b"", "gzip"),
    "packed and cut": (gzip.compress(WHOLE)[:-4], "gzip"),
    "cut": (WHOLE[:-1], ""),
    "another packing": (WHOLE, "br"),
    "too large": (gzip.compress(WHOLE + bytes(1_000)), "gzip"),
}


@pytest.mark.parametrize(("body", "encoding"), NONE.values(), ids=NONE)
def test_what_is_no_export_is_refused(
    body: bytes, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MAX_BYTES", 1_000)
    with pytest.raises(ValueError, match=r"\.$"):
        calls(body, encoding)


def test_spans_of_no_trace_are_left_out() -> None:
    nowhere, nobody = span(1, CHAT), span(1, CHAT)
    nowhere.trace_id, nobody.span_id = b"", bytes(8)
    assert calls(export(nowhere, nobody, span(2, TOOL))) == calls(export(span(2, TOOL)))


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_TRACES", 2)
    monkeypatch.setattr(traces, "MAX_SPANS", 3)
    kept = Traces()
    ids = [f"{number:032x}" for number in range(1, 4)]
    for trace in (*ids[:2], ids[0], ids[2]):  # the second is the one told of longest ago
        kept.take(export(*[span(number, TOOL, trace=trace) for number in range(1, 6)]))
    assert [len(kept.calls(trace)) for trace in ids] == [3, 0, 3]
    kept.forget(ids[0])
    kept.forget(OTHER)
    assert kept.calls(ids[0]) == []


def test_each_new_trace_is_another() -> None:
    made = [new_trace() for _ in range(100)]
    assert len({trace for trace, _ in made}) == 100
    for trace, header in made:
        version, told, parent, flags = header.split("-")
        assert (version, told, flags) == ("00", trace, "01")
        assert (len(trace), len(parent)) == (32, 16)
        assert int(trace, 16)
        assert int(parent, 16)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


# those whose spans are their framework's own, and not of serving/spans.py
OWN = [each for each in TRACED if each.stream and each.framework in ("adk", "strands")]


@pytest.mark.real
@pytest.mark.parametrize("variant", OWN, ids=str)
def test_a_project_tells_each_call_of_a_turn_once(
    variant: Variant, receiver: Receiver, tmp_path: Path
) -> None:
    told = {
        "AGENT_OFFLINE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    by = ("python", "-m", "serving.telemetry", "opentelemetry-instrument")
    session = f"{variant}-of-33-characters-or-more"
    body = json.dumps({"prompt": "What is 2 + 3?", "session_id": session}).encode()
    trace, header = new_trace()
    with serve(variant, tmp_path, told, by=by) as server:
        reply = server.client.post(body, {"traceparent": header.encode()})
        assert reply.status_code == 200
        receiver.wait(session)
    kept = Traces()
    for export in receiver.bodies:
        kept.take(export)
    found = kept.calls(trace)
    assert [call.kind for call in found] == ["model", "tool", "model"]
    assert found[1].name == "add_numbers"
    assert not any(call.failed for call in found)
