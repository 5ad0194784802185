"""The model behind the agent: Google Gemini, or the offline model."""

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
        or "gemini-3.8-flash"
    )
    return connect(model_id)


def connect(model_id: str) -> BaseLlm:
    """Return the Gemini model."""
    from google.adk.models import Gemini
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions

    client = Client(
        api_key=credentials.api_key(),
        http_options=HttpOptions(retry_options=HttpRetryOptions(attempts=3)),
    )
    return Gemini(model=model_id, client=client)
