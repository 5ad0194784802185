"""A model without a network: it repeats the prompt, for the first run and for the tests."""

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    LLMMessage,
    ModelFamily,
    ModelInfo,
    RequestUsage,
    UserMessage,
)


async def reply(turn: int, prompt: str) -> str:
    """Return the whole reply; every call of the model awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


def words(text: str) -> list[str]:
    """Split a reply as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


class OfflineModel(ChatCompletionClient):
    """The model interface of AutoGen, without tools and structured output."""

    component_config_schema = None

    async def create(self, messages: Sequence[LLMMessage], **kwargs: Any) -> CreateResult:
        """Return the reply to the last user message."""
        prompts = [str(message.content) for message in messages if isinstance(message, UserMessage)]
        text = await reply(len(prompts), prompts[-1])
        usage = self.actual_usage()
        return CreateResult(finish_reason="stop", content=text, usage=usage, cached=False)

    async def create_stream(
        self, messages: Sequence[LLMMessage], **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Yield the reply to the last user message: word by word, then whole."""
        result = await self.create(messages)
        for word in words(str(result.content)):
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
