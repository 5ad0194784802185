"""A model without a network: it repeats the prompt, for the first run and for the tests."""

import re
from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse, TResponseInputItem, Usage
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)


async def reply(turn: int, prompt: str) -> str:
    """Return the whole reply; every call of the model awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


def words(text: str) -> list[str]:
    """Split a reply as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def message(text: str) -> ResponseOutputMessage:
    """Wrap a reply as the Responses API does."""
    return ResponseOutputMessage(
        id="offline",
        content=[ResponseOutputText(annotations=[], text=text, type="output_text")],
        role="assistant",
        status="completed",
        type="message",
    )


class OfflineModel(Model):
    """The model interface of the Agents SDK, without tools and structured output."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        """Return the reply to the last user message."""
        text = await self._reply(input)
        return ModelResponse(output=[message(text)], usage=Usage(), response_id=None)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Yield the reply to the last user message, word by word."""
        text = await self._reply(input)
        parts = words(text)
        for number, word in enumerate(parts):
            yield ResponseTextDeltaEvent(
                content_index=0,
                delta=word,
                item_id="offline",
                logprobs=[],
                output_index=0,
                sequence_number=number,
                type="response.output_text.delta",
            )
        response = Response(
            id="offline",
            created_at=0,
            model="offline",
            object="response",
            output=[message(text)],
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(
            response=response, sequence_number=len(parts), type="response.completed"
        )

    async def _reply(self, input: str | list[TResponseInputItem]) -> str:
        items = [{"role": "user", "content": input}] if isinstance(input, str) else input
        prompts = [str(item.get("content")) for item in items if item.get("role") == "user"]
        return await reply(len(prompts), prompts[-1])
