#if bedrock
"""The model behind the agent: Amazon Bedrock, or the offline model."""
#elif anthropic
"""The model behind the agent: Anthropic, or the offline model."""
#elif model_provider=openai
"""The model behind the agent: OpenAI, or the offline model."""
#elif gemini
"""The model behind the agent: Google Gemini, or the offline model."""
#end

import functools
import logging

from autogen_core.models import ChatCompletionClient

from model import credentials
from model.settings import is_offline, model_id

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
# This logger writes prompts and replies at INFO, where they must not be.
logging.getLogger("autogen_core.events").setLevel(logging.WARNING)


@functools.cache
def load_model() -> ChatCompletionClient:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if is_offline():
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
    return connect(model_id())


def connect(model_id: str) -> ChatCompletionClient:
#if bedrock
    """Return the Bedrock model: AutoGen has a client for Claude on Bedrock alone."""
    from autogen_core.models import ModelFamily, ModelInfo
    from autogen_ext.models.anthropic import AnthropicBedrockChatCompletionClient, BedrockInfo

    region = credentials.aws_session().region_name
    client = AnthropicBedrockChatCompletionClient(
        model=model_id,
        max_tokens=8192,
#elif anthropic/openai
#if anthropic
    """Return the Anthropic model."""
#else
    """Return the OpenAI model; AutoGen's own table of models ends in 2025."""
#end
    from autogen_core.models import ModelFamily, ModelInfo
#if anthropic
    from autogen_ext.models.anthropic import AnthropicChatCompletionClient

    client = AnthropicChatCompletionClient(
#else
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    return OpenAIChatCompletionClient(
#end
        model=model_id,
        api_key=credentials.api_key(),
#if anthropic
        max_tokens=8192,
#end
#elif gemini
    """Return the Gemini model, through its OpenAI-compatible endpoint."""
    import os
    from typing import Any

    from autogen_core.models import ModelFamily, ModelInfo
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    class GeminiClient(OpenAIChatCompletionClient):
        """Gemini 3 wants a thought signature with each tool call, and AutoGen drops what it got."""

        def _process_create_args(self, *args: Any, **kwargs: Any) -> Any:
            params: Any = super()._process_create_args(*args, **kwargs)
            signature = {"google": {"thought_signature": "skip_thought_signature_validator"}}
            for message in params.messages:
                for call in message.get("tool_calls", []):
                    call["extra_content"] = signature
            return params

    host = os.environ.get("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
    return GeminiClient(
        model=model_id,
        api_key=credentials.api_key(),
        base_url=f"{host}/v1beta/openai/",
#end
        model_info=ModelInfo(
            vision=True,
            function_calling=True,
            json_output=True,
            structured_output=True,
#if bedrock/anthropic
            family=ModelFamily.CLAUDE_4_SONNET,
        ),
#if bedrock
        # Without keys the client finds the credentials itself, and renews those of a role.
        bedrock_info=BedrockInfo(aws_region=region),  # type: ignore[typeddict-item]
#end
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
#elif model_provider=openai
            family=ModelFamily.GPT_5,
        ),
    )
#elif gemini
            family=ModelFamily.GEMINI_2_5_PRO,
        ),
    )
#end
