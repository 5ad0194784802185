#only tracing
"""What AutoGen tells OpenTelemetry of a turn: it has spans of its own, but none of the model."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    LLMMessage,
    ModelInfo,
    RequestUsage,
)
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from serving.tracing import fail, model_attributes


class TracedClient(ChatCompletionClient):
    """A client of which each call is a span."""

    component_config_schema = None

    def __init__(self, client: ChatCompletionClient) -> None:
        self._client = client

    async def create(self, messages: Sequence[LLMMessage], **options: Any) -> CreateResult:
        """Ask the model."""
        with _span() as span:
            result = await self._client.create(messages, **options)
            _tell_usage(span, result)
            return result

    async def create_stream(
        self, messages: Sequence[LLMMessage], **options: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Ask the model, piece by piece."""
        with _span() as span:
            async for piece in self._client.create_stream(messages, **options):
                if isinstance(piece, CreateResult):
                    _tell_usage(span, piece)
                yield piece

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    def actual_usage(self) -> RequestUsage:
        """Return that of the client."""
        return self._client.actual_usage()

    def total_usage(self) -> RequestUsage:
        """Return that of the client."""
        return self._client.total_usage()

    def count_tokens(self, messages: Sequence[LLMMessage], **options: Any) -> int:
        """Count as the client does."""
        return self._client.count_tokens(messages, **options)

    def remaining_tokens(self, messages: Sequence[LLMMessage], **options: Any) -> int:
        """Count as the client does."""
        return self._client.remaining_tokens(messages, **options)

    @property
    def model_info(self) -> ModelInfo:
        """The model of the client."""
        return self._client.model_info

    capabilities = model_info


@contextmanager
def _span() -> Iterator[Span]:
    model = model_attributes()
    # Not the current one: a stream that is left would end it in another context.
    span = trace.get_tracer(__name__).start_span(
        f"chat {model['gen_ai.request.model']}",
        kind=SpanKind.CLIENT,
        attributes={"gen_ai.operation.name": "chat", **model},
    )
    try:
        yield span
    except (Exception, asyncio.CancelledError) as error:
        fail(span, error)
        raise
    finally:
        span.end()


def _tell_usage(span: Span, result: CreateResult) -> None:
    span.set_attribute("gen_ai.usage.input_tokens", result.usage.prompt_tokens)
    span.set_attribute("gen_ai.usage.output_tokens", result.usage.completion_tokens)
