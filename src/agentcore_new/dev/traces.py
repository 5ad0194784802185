"""What an agent tells OpenTelemetry of its turns: their calls of models and tools.

Names are those of the semantic conventions for generative AI. Only calls are kept, no texts.
"""

import secrets
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Kind = Literal["model", "tool"]
KINDS: Mapping[str, Kind] = {
    "chat": "model",
    "generate_content": "model",
    "text_completion": "model",
    "execute_tool": "tool",
}
# What a call is of; the first of them that a span has.
NAMES: Mapping[Kind, tuple[str, ...]] = {
    "model": ("gen_ai.request.model", "gen_ai.response.model"),
    "tool": ("gen_ai.tool.name",),
}
# As they are called today, and as they were before.
TOKENS = (
    ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
)
# An agent that runs wild must not take the memory of who looks at it.
MAX_BYTES = 64_000_000
MAX_TRACES = 1_000
MAX_SPANS = 10_000  # a trace


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a model or of a tool.

    Args:
        name: Of the model or the tool.
        kind: Which of them it is.
        start: In seconds since 1970.
        seconds: How long it took.
        failed: It did not give a result.
        tokens: Those that went in and came out, where they are told.
    """

    name: str
    kind: Kind
    start: float
    seconds: float
    failed: bool
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    parent: bytes
    operation: str
    call: Call | None


class Traces:
    """The calls of the last traces, from whatever exports they come in.

    A span ends before the one that it is in, and may be told long before it.
    """

    def __init__(self) -> None:
        self._traces: OrderedDict[str, dict[bytes, _Span]] = OrderedDict()

    def take(self, body: bytes, content_encoding: str = "") -> set[str]:
        """Take an OTLP export over HTTP; return the ids of the traces that it tells of.

        Raises:
            ValueError: It is none.
        """
        told = set()
        for span in _spans(body, content_encoding):
            trace = span.trace_id.hex()
            told.add(trace)
            spans = self._traces.setdefault(trace, {})
            if len(spans) < MAX_SPANS:
                spans[span.span_id] = _span(span)
        for trace in told:
            self._traces.move_to_end(trace)
        while len(self._traces) > MAX_TRACES:
            self._traces.popitem(last=False)
        return told

    def calls(self, trace: str) -> list[Call]:
        """Return what is known by now of a trace, in the order of their start."""
        spans = self._traces.get(trace, {})
        found = [
            span.call
            for number, span in spans.items()
            if span.call and not _is_told_around(number, spans)
        ]
        return sorted(found, key=lambda call: call.start)

    def forget(self, trace: str) -> None:
        """Keep nothing of a trace."""
        self._traces.pop(trace, None)


def calls(body: bytes, content_encoding: str = "") -> dict[str, list[Call]]:
    """Return the calls of one export by trace id, as it tells them alone.

    Raises:
        ValueError: It is no OTLP export.
    """
    traces = Traces()
    return {trace: traces.calls(trace) for trace in sorted(traces.take(body, content_encoding))}


def new_trace() -> tuple[str, str]:
    """Return the id of a new trace, and the `traceparent` that begins it."""
    trace = secrets.token_hex(16)
    return trace, f"00-{trace}-{secrets.token_hex(8)}-01"


def _is_told_around(number: bytes, spans: Mapping[bytes, _Span]) -> bool:
    """Whether a span that it is in tells the same: a client does so within its framework."""
    seen = {number}
    call, number = spans[number].call, spans[number].parent
    while call and number in spans and number not in seen:
        seen.add(number)
        if around := spans[number].call:
            return around.kind == call.kind and (call.kind == "model" or around.name == call.name)
        if spans[number].operation:  # an agent within a tool, say: what it calls is its own
            return False
        number = spans[number].parent
    return False


def _spans(body: bytes, content_encoding: str) -> Iterator[Span]:
    try:
        request = ExportTraceServiceRequest.FromString(_unpacked(body, content_encoding))
    except DecodeError as error:
        raise ValueError("This is no OTLP export of traces.") from error
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from (span for span in scope.spans if any(span.trace_id) and any(span.span_id))


def _unpacked(body: bytes, content_encoding: str) -> bytes:
    match content_encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            unpacking = zlib.decompressobj(wbits=31)
            try:
                data = unpacking.decompress(body, MAX_BYTES)
            except zlib.error as error:
                raise ValueError("This is not packed by gzip.") from error
            if not unpacking.eof:
                raise ValueError("What is packed by gzip is cut, or too large.")
            return data
    raise ValueError(f"The content encoding must be gzip or none, not {content_encoding!r}.")


def _span(span: Span) -> _Span:
    told = {each.key: _value(each.value) for each in span.attributes}
    operation = str(told.get("gen_ai.operation.name") or "")
    kind = KINDS.get(operation)
    call = kind and Call(
        name=_name(span, operation, kind, told),
        kind=kind,
        start=span.start_time_unix_nano / 1e9,
        seconds=max(0, span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        tokens=_tokens(told),
    )
    return _Span(span.parent_span_id, operation, call)


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def _name(span: Span, operation: str, kind: Kind, told: Mapping[str, object]) -> str:
    named = [str(told.get(name) or "") for name in NAMES[kind]]
    return next(filter(None, [*named, span.name.removeprefix(f"{operation} ")]), operation)


def _tokens(told: Mapping[str, object]) -> tuple[int, int] | None:
    counts = []
    for names in TOKENS:
        given = (told[name] for name in names if name in told)
        count = next((count for count in given if isinstance(count, int | float)), None)
        counts.append(count)
    if all(count is None for count in counts):
        return None
    into, out = (int(count or 0) for count in counts)
    return into, out
