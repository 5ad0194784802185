"""The model behind the agent: Amazon Bedrock, or the offline model."""

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
        or "global.anthropic.claude-sonnet-4-6"
    )
    return connect(model_id)


def connect(model_id: str) -> BaseLlm:
    """Return the Bedrock model, through LiteLLM."""
    # LiteLLM fetches its price list from the internet at import unless told not to.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm
    from google.adk.models.lite_llm import LiteLlm

    litellm.suppress_debug_info = True  # it prints advice for every error
    logging.getLogger("LiteLLM").setLevel(logging.WARNING)
    session = credentials.aws_session()
    return LiteLlm(
        f"bedrock/converse/{model_id}",
        aws_region_name=session.region_name,
        num_retries=2,
        allowed_openai_params=["tools"],  # LiteLLM refuses them to models that it does not know
    )
