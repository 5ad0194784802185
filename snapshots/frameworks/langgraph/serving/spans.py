#only tracing
"""What LangGraph tells OpenTelemetry of a turn."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from serving.tracing import fail, model_attributes


class Spans(AgentMiddleware[Any, Any, Any]):
    """A span for each call of the model and of a tool."""

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call the model."""
        model = model_attributes()
        attributes = {"gen_ai.operation.name": "chat", **model}
        with _span(f"chat {model['gen_ai.request.model']}", SpanKind.CLIENT, attributes) as span:
            response = await handler(request)
            for message in response.result:
                if isinstance(message, AIMessage) and (usage := message.usage_metadata):
                    span.set_attribute("gen_ai.usage.input_tokens", usage["input_tokens"])
                    span.set_attribute("gen_ai.usage.output_tokens", usage["output_tokens"])
            return response

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call a tool."""
        name = request.tool_call["name"]
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": str(request.tool_call["id"]),
        }
        with _span(f"execute_tool {name}", SpanKind.INTERNAL, attributes):
            return await handler(request)


@contextmanager
def _span(name: str, kind: SpanKind, attributes: Mapping[str, str]) -> Iterator[Span]:
    with trace.get_tracer(__name__).start_as_current_span(
        name,
        kind=kind,
        attributes=attributes,
        record_exception=False,  # what a provider says in one may be anything
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except (Exception, asyncio.CancelledError) as error:
            fail(span, error)
            raise
