"""A model without a network: it repeats the prompt, for the first run and for the tests."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


async def reply(turn: int, prompt: str) -> str:
    """Return the whole reply; every call of the model awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


def words(text: str) -> list[str]:
    """Split a reply as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


async def answer(messages: list[BaseMessage]) -> str:
    """Return the reply to the last user message."""
    prompts = [message.text for message in messages if isinstance(message, HumanMessage)]
    return await reply(len(prompts), prompts[-1])


class OfflineModel(BaseChatModel):
    """The model interface of LangChain, asynchronous alone, without structured output."""

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "OfflineModel":
        """Accept tools and never call one."""
        return self

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
        message = AIMessage(await answer(messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for word in words(await answer(messages)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
