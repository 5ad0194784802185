"""A model without a network, for the first run and for the tests.

It repeats the prompt, and calls the tool that the prompt names.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import ContentBlockDelta, ContentBlockStart, StreamEvent
from strands.types.tools import ToolSpec

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


class OfflineModel(Model):
    """The model interface of Strands, without structured output."""

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
        """Yield the call of a tool, or the reply word by word."""
        texts = [
            "".join(block.get("text", "") for block in message["content"])
            for message in messages
            if message["role"] == "user"
        ]
        results = [
            "".join(content.get("text", str(content)) for content in block["toolResult"]["content"])
            for block in messages[-1]["content"]
            if "toolResult" in block
        ]
        tools = {spec["name"]: spec["inputSchema"]["json"] for spec in tool_specs or []}
        prompts = [text for text in texts if text]  # results of tools come from the user too
        said = await answer(prompts, tools, results)
        start: ContentBlockStart = {}
        deltas: list[ContentBlockDelta]
        if isinstance(said, Call):
            start = {"toolUse": {"name": said.name, "toolUseId": said.id}}
            deltas = [{"toolUse": {"input": json.dumps(said.arguments)}}]
        else:
            deltas = [{"text": word} for word in words(said)]
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": start}}
        for delta in deltas:
            yield {"contentBlockDelta": {"delta": delta}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if isinstance(said, Call) else "end_turn"}}

    def structured_output(
        self,
        output_model: type[Any],
        prompt: Messages,
        system_prompt: str | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Refuse: the offline model has no structured output."""
        raise NotImplementedError
