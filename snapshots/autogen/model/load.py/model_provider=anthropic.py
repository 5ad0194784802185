"""The model behind the agent: Anthropic, or the offline model."""

import functools
import logging
import os

from autogen_core.models import ChatCompletionClient

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
# This logger writes prompts and replies at INFO, where they must not be.
logging.getLogger("autogen_core.events").setLevel(logging.WARNING)


@functools.cache
def load_model() -> ChatCompletionClient:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if os.environ.get("AGENT_OFFLINE") == "1":
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
    model_id = (
        os.environ.get("MODEL_ID")  # replaces the default
        or "claude-sonnet-5-5"
    )
    return connect(model_id)


def connect(model_id: str) -> ChatCompletionClient:
    """Return the Anthropic model."""
    from autogen_core.models import ModelFamily, ModelInfo
    from autogen_ext.models.anthropic import AnthropicChatCompletionClient

    client = AnthropicChatCompletionClient(
        model=model_id,
        api_key=credentials.api_key(),
        max_tokens=8192,
        model_info=ModelInfo(
            vision=True,
            function_calling=True,
            json_output=True,
            structured_output=True,
            family=ModelFamily.CLAUDE_4_SONNET,
        ),
    )
    return without_thoughts(client)


def without_thoughts(client: ChatCompletionClient) -> ChatCompletionClient:
    """Hide Claude's thoughts from AutoGen, which streams them, and later sends them as replies."""
    from typing import Any

    messages: Any = client._client.messages  # type: ignore[attr-defined]
    create = messages.create

    async def create_without(**options: Any) -> Any:
        answer = await create(**options)
        if hasattr(answer, "content"):
            answer.content = [block for block in answer.content if block.type != "thinking"]
            return answer
        return (event async for event in answer if not is_thought(event))

    def is_thought(event: Any) -> bool:
        return bool(event.type == "content_block_delta" and event.delta.type == "thinking_delta")

    messages.create = create_without
    return client
