"""The model behind the agent: Google Gemini, or the offline model."""

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
        or "gemini-3.8-flash"
    )
    return connect(model_id)


def connect(model_id: str) -> ChatCompletionClient:
    """Return the Gemini model, through its OpenAI-compatible endpoint."""
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
        model_info=ModelInfo(
            vision=True,
            function_calling=True,
            json_output=True,
            structured_output=True,
            family=ModelFamily.GEMINI_2_5_PRO,
        ),
    )
