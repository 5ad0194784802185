"""The model behind the agent: OpenAI, or the offline model."""

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
        or "gpt-6.1-sol"
    )
    return connect(model_id)


def connect(model_id: str) -> Model:
    """Return the OpenAI model."""
    from agents import OpenAIResponsesModel
    from openai import AsyncOpenAI

    return OpenAIResponsesModel(model_id, AsyncOpenAI(api_key=credentials.api_key()))
