"""The model behind the agent: Anthropic, or the offline model."""

import functools
import logging
import os

from strands.models import Model

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
        or "claude-sonnet-5-5"
    )
    return connect(model_id)


def connect(model_id: str) -> Model:
    """Return the Anthropic model."""
    from strands.models.anthropic import AnthropicModel

    return AnthropicModel(
        client_args={"api_key": credentials.api_key()},
        model_id=model_id,
        max_tokens=8192,
    )
