"""A model without a network, for the first run and for the tests.

It repeats the prompt, and calls the tool that the prompt names.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from agents import (
    FunctionTool,
    Model,
    ModelResponse,
    ModelSettings,
    Tool,
    TResponseInputItem,
    Usage,
)
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)

from model.offline_calls import Call, find_call, shown


async def reply(turn: int, prompt: str) -> str:
    """Return the reply; every turn awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


async def answer(prompts: list[str], tools: dict[str, Any], results: list[Any]) -> str | Call:
    """Return what the model answers: the call of a tool, or the whole text.

    Args:
        prompts: What the user has said in the session.
        tools: The name of each tool, with the JSON schema of its parameters.
        results: What the tool has returned, if it was called for the last prompt.
    """
    call = find_call(prompts[-1], tools)
    if call and not results:
        return call
    text = await reply(len(prompts), prompts[-1])
    return " ".join([text, *(f"{call.name}: {shown(result)}" for result in results if call)])


def words(text: str) -> list[str]:
    """Split a text as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def item(said: str | Call) -> ResponseOutputMessage | ResponseFunctionToolCall:
    """Wrap an answer as the Responses API does."""
    if isinstance(said, Call):
        return ResponseFunctionToolCall(
            arguments=json.dumps(said.arguments),
            call_id=said.id,
            name=said.name,
            type="function_call",
        )
    return ResponseOutputMessage(
        id="offline",
        content=[ResponseOutputText(annotations=[], text=said, type="output_text")],
        role="assistant",
        status="completed",
        type="message",
    )


class OfflineModel(Model):
    """The model interface of the Agents SDK, without structured output."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> ModelResponse:
        """Return the call of a tool, or the reply."""
        said = await self._answer(input, tools)
        return ModelResponse(output=[item(said)], usage=Usage(), response_id=None)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        *args: Any,
        **kwargs: Any,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Yield the reply word by word, then all of the answer."""
        said = await self._answer(input, tools)
        parts = words(said) if isinstance(said, str) else []
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
            output=[item(said)],
            parallel_tool_calls=False,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(
            response=response, sequence_number=len(parts), type="response.completed"
        )

    async def _answer(self, input: str | list[TResponseInputItem], tools: list[Tool]) -> str | Call:
        items: Any = [{"role": "user", "content": input}] if isinstance(input, str) else input
        functions = [tool for tool in tools if isinstance(tool, FunctionTool)]
        return await answer(
            [str(each["content"]) for each in items if each.get("role") == "user"],
            {function.name: function.params_json_schema for function in functions},
            [each["output"] for each in items[-1:] if each.get("type") == "function_call_output"],
        )
