"""The model behind the agent: Anthropic, or the offline model."""

import functools
import logging
import os

from google.adk.models import BaseLlm

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines


@functools.cache
def load_model() -> BaseLlm:
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


def connect(model_id: str) -> BaseLlm:
    """Return the Anthropic model; ADK's name "claude-…" alone would mean Vertex AI."""
    from typing import Any

    from anthropic import AsyncAnthropic
    from google.adk.models.anthropic_llm import AnthropicLlm

    from values import mended

    client = AsyncAnthropic(api_key=credentials.api_key())
    create: Any = client.messages.create

    async def create_mended(**options: Any) -> Any:
        # ADK makes JSON of every answer, which half a character breaks.
        return mended(await create(**options))

    client.messages.create = create_mended  # type: ignore[method-assign]
    return AnthropicLlm(model=model_id, client=client, max_tokens=8192)
