"""A model without a network, for the first run and for the tests.

It repeats the prompt, and calls the tool that the prompt names.
"""

import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from autogen_core import FunctionCall
from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    ModelFamily,
    ModelInfo,
    RequestUsage,
    UserMessage,
)
from autogen_core.tools import Tool, ToolSchema

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


class OfflineModel(ChatCompletionClient):
    """The model interface of AutoGen, without structured output."""

    component_config_schema = None

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        **kwargs: Any,
    ) -> CreateResult:
        """Return the call of a tool, or the reply."""
        prompts = [str(message.content) for message in messages if isinstance(message, UserMessage)]
        last = messages[-1]
        answered = last.content if isinstance(last, FunctionExecutionResultMessage) else []
        schemas = [tool if isinstance(tool, dict) else tool.schema for tool in tools]
        said = await answer(
            prompts,
            {schema["name"]: schema.get("parameters", {}) for schema in schemas},
            [result.content for result in answered],
        )
        usage = self.actual_usage()
        if isinstance(said, str):
            return CreateResult(finish_reason="stop", content=said, usage=usage, cached=False)
        call = FunctionCall(id=said.id, name=said.name, arguments=json.dumps(said.arguments))
        return CreateResult(
            finish_reason="function_calls", content=[call], usage=usage, cached=False
        )

    async def create_stream(
        self, messages: Sequence[LLMMessage], **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Yield the call of a tool, or the reply: word by word, then whole."""
        result = await self.create(messages, **kwargs)
        if isinstance(result.content, str):
            for word in words(result.content):
                yield word
        yield result

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def actual_usage(self) -> RequestUsage:
        """Return no usage: there are no tokens."""
        return RequestUsage(0, 0)

    total_usage = actual_usage

    def count_tokens(self, messages: Sequence[LLMMessage], **kwargs: Any) -> int:
        """Return no usage: there are no tokens."""
        return 0

    remaining_tokens = count_tokens

    @property
    def model_info(self) -> ModelInfo:
        """Describe the model: text alone."""
        return ModelInfo(
            vision=False,
            function_calling=True,
            json_output=False,
            structured_output=False,
            family=ModelFamily.UNKNOWN,
        )

    capabilities = model_info
