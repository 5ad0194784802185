#only tracing
"""What the OpenAI Agents SDK tells OpenTelemetry of a turn, by its own traces."""

from typing import Any

from agents.tracing import (
    FunctionSpanData,
    GenerationSpanData,
    ResponseSpanData,
    Trace,
    TracingProcessor,
    set_trace_provider,
)
from agents.tracing import Span as AgentsSpan
from agents.tracing.provider import DefaultTraceProvider
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from serving.tracing import model_attributes


def take_over() -> None:
    """Have the SDK tell OpenTelemetry of its calls, and nobody else: by itself it tells OpenAI."""
    provider = DefaultTraceProvider()
    provider.register_processor(Spans())
    set_trace_provider(provider)


class Spans(TracingProcessor):
    """A span for each call of the model and of a tool."""

    def __init__(self) -> None:
        self._open: dict[str, Span] = {}

    def on_span_start(self, span: AgentsSpan[Any]) -> None:
        """Begin one, in the span of the turn."""
        data = span.span_data
        if isinstance(data, FunctionSpanData):
            name, kind = f"execute_tool {data.name}", SpanKind.INTERNAL
            attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": data.name}
        elif isinstance(data, GenerationSpanData | ResponseSpanData):
            model = model_attributes()
            name, kind = f"chat {model['gen_ai.request.model']}", SpanKind.CLIENT
            attributes = {"gen_ai.operation.name": "chat", **model}
        else:
            return
        tracer = trace.get_tracer(__name__)
        self._open[span.span_id] = tracer.start_span(name, kind=kind, attributes=attributes)

    def on_span_end(self, span: AgentsSpan[Any]) -> None:
        """End it."""
        ended = self._open.pop(span.span_id, None)
        if ended is None:
            return
        for tokens in ("input_tokens", "output_tokens"):
            if usage := getattr(span.span_data, "usage", None):
                ended.set_attribute(f"gen_ai.usage.{tokens}", usage[tokens])
        if span.error:
            ended.set_attribute("error.type", "_OTHER")  # it tells but the words of an exception
            ended.set_status(StatusCode.ERROR)
        ended.end()

    def on_trace_start(self, trace: Trace) -> None:
        """Do nothing: the turn has a trace already."""

    def on_trace_end(self, trace: Trace) -> None:
        """Do nothing."""

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self) -> None:
        """Do nothing."""
