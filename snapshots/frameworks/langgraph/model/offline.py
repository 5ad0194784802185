"""A model without a network, for the first run and for the tests.

It repeats the prompt, and calls the tool that the prompt names.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

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


async def answer_to(messages: list[BaseMessage], tools: list[dict[str, Any]]) -> str | Call:
    """Return what the model answers to the messages."""
    prompts = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    results = [message.text for message in messages[-1:] if isinstance(message, ToolMessage)]
    functions = [tool["function"] for tool in tools]
    schemas = {function["name"]: function["parameters"] for function in functions}
    return await answer(prompts, schemas, results)


class OfflineModel(BaseChatModel):
    """The model interface of LangChain, asynchronous alone, without structured output."""

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Have each call of the model told of the tools."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = await answer_to(messages, kwargs.get("tools", []))
        if isinstance(said, Call):
            call = ToolCall(name=said.name, args=said.arguments, id=said.id)
            message = AIMessage("", tool_calls=[call])
        else:
            message = AIMessage(said)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        said = await answer_to(messages, kwargs.get("tools", []))
        if isinstance(said, Call):
            call = tool_call_chunk(
                name=said.name, args=json.dumps(said.arguments), id=said.id, index=0
            )
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[call]))
        else:
            for word in words(said):
                yield ChatGenerationChunk(message=AIMessageChunk(content=word))
