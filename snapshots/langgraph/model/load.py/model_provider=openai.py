"""The model behind the agent: OpenAI, or the offline model."""

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
        or "gpt-6.1-sol"
    )
    return connect(model_id)


def connect(model_id: str) -> BaseChatModel:
    """Return the OpenAI model."""
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(model=model_id, api_key=SecretStr(credentials.api_key()))
