"""The model behind the agent: Google Gemini, or the offline model."""

import functools
import logging
import os

from agents import Model

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines


@functools.cache
def load_model() -> Model:
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


def connect(model_id: str) -> Model:
    """Return the Gemini model, through any-llm."""
    from agents.extensions.models.any_llm_model import AnyLLMModel

    return AnyLLMModel(
        f"gemini/{model_id}",
        api_key=credentials.api_key(),
        api="chat_completions",
    )
