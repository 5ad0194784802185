"""A model without a network: it repeats the prompt, for the first run and for the tests."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolSpec


async def reply(turn: int, prompt: str) -> str:
    """Return the whole reply; every call of the model awaits this once, so tests can replace it."""
    return f"Offline reply {turn} to: {prompt}"


def words(text: str) -> list[str]:
    """Split a reply as a model streams it: the parts joined are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


class OfflineModel(Model):
    """The model interface of Strands, without tools and structured output."""

    def update_config(self, **model_config: Any) -> None:
        """Ignore the settings: there is nothing to set."""

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {"model_id": "offline"}

    async def stream(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[StreamEvent]:
        """Yield the reply to the last user message, word by word."""
        prompts = [
            "".join(block.get("text", "") for block in message["content"])
            for message in messages
            if message["role"] == "user"
        ]
        text = await reply(len(prompts), prompts[-1])
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        for word in words(text):
            yield {"contentBlockDelta": {"delta": {"text": word}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}

    def structured_output(
        self,
        output_model: type[Any],
        prompt: Messages,
        system_prompt: str | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Refuse: the offline model has no structured output."""
        raise NotImplementedError
