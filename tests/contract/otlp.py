"""A receiver of OTLP over HTTP on loopback, which keeps every span that it is told of."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

SECONDS = 20.0
SERVER = 2  # the kind of a span


@dataclass(frozen=True, slots=True)
class Span:
    """One span, as it came."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    start: int  # in nanoseconds since 1970
    end: int
    failed: bool
    attributes: dict[str, Any]

    @property
    def operation(self) -> str:
        """What it is a span of, by the conventions for generative AI."""
        return str(self.attributes.get("gen_ai.operation.name", ""))


class Trace:
    """The spans of one trace, as far as they have come, in the order of their start.

    What a turn left behind that was over its time may end after it, and comes later.
    """

    def __init__(self, turn: Span, spans: list[Span]) -> None:
        self.turn = turn
        self.spans = sorted(spans, key=lambda span: span.start)

    def is_whole(self) -> bool:
        """Whether every span is in the turn's, or in one that is."""
        ids = {span.id for span in self.spans}
        return all(span.parent in ids for span in self.spans if span is not self.turn)

    def of(self, *operations: str) -> list[Span]:
        """Those of an operation below that of the turn, in the order of their start.

        Within such a one, a client may tell of the same once more.
        """
        found = [span for span in self.spans if span.operation in operations]
        return [span for span in found if not any(each in found for each in self.path(span))]

    def path(self, span: Span) -> list[Span]:
        """The spans that it is in, up to that of the turn."""
        by_id = {each.id: each for each in self.spans}
        path = []
        while span is not self.turn:
            span = by_id[span.parent]
            path.append(span)
        return path


class Receiver(ThreadingHTTPServer):
    """Takes what comes to any path; of spans it makes something."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths: set[str] = set()
        self.bodies: list[bytes] = []
        self.spans: list[Span] = []

    @property
    def endpoint(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, path: str, body: bytes) -> None:
        """Keep a request."""
        self.bodies.append(body)
        if path.endswith("/v1/traces"):
            self.spans += _spans(body)
        self.paths.add(path)

    def traces(self, session: str) -> list[Trace]:
        """Those of the turns of a session, as far as they have come, in order."""
        spans = [*self.spans]
        turns = [span for span in spans if span.attributes.get("session.id") == session]
        turns.sort(key=lambda span: span.start)
        return [Trace(turn, [each for each in spans if each.trace == turn.trace]) for turn in turns]

    def wait(self, session: str, turns: int = 1) -> list[Trace]:
        """Those of so many turns of a session, once they are there and whole."""
        give_up = time.monotonic() + SECONDS
        while len(traces := self.traces(session)) < turns or not all(
            trace.is_whole() for trace in traces
        ):
            assert time.monotonic() < give_up, f"no {turns} traces of {session}, or none is whole"
            time.sleep(0.05)
        return traces

    def has(self, text: str) -> bool:
        """Whether a text came, in whatever."""
        return any(text.encode() in body for body in [*self.bodies])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.take(self.path, body)
        self.send_response_only(200, "OK")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, for as long as the block runs."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def _spans(body: bytes) -> Iterator[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    kind=span.kind,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes={each.key: _value(each.value) for each in span.attributes},
                )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
