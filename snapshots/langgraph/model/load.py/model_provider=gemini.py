"""The model behind the agent: Google Gemini, or the offline model."""

import functools
import logging
import os

from langchain_core.language_models import BaseChatModel

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines


@functools.cache
def load_model() -> BaseChatModel:
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


def connect(model_id: str) -> BaseChatModel:
    """Return the Gemini model."""
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(
        model=model_id,
        api_key=credentials.api_key(),
        max_retries=3,  # attempts; with its own 6 a turn takes half a minute to fail
    )
