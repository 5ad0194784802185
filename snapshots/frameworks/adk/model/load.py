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

from google.adk.models import BaseLlm

from model import credentials
from model.settings import is_offline, model_id

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
#if gemini
# With both names of the key set, Google's SDK says that it takes GOOGLE_API_KEY; it takes ours.
logging.getLogger("google_genai._api_client").addFilter(
    lambda record: "GOOGLE_API_KEY" not in record.getMessage()
)
#end


@functools.cache
def load_model() -> BaseLlm:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if is_offline():
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
    return connect(model_id())


def connect(model_id: str) -> BaseLlm:
#if bedrock
    """Return the Bedrock model, through LiteLLM."""
    import os

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
#elif anthropic
    """Return the Anthropic model; ADK's name "claude-…" alone would mean Vertex AI."""
    from typing import Any

    from anthropic import AsyncAnthropic
    from google.adk.models.anthropic_llm import AnthropicLlm

    from serving.values import mended

    client = AsyncAnthropic(api_key=credentials.api_key())
    create: Any = client.messages.create

    async def create_mended(**options: Any) -> Any:
        # ADK makes JSON of every answer, which half a character breaks.
        return mended(await create(**options))

    client.messages.create = create_mended  # type: ignore[method-assign]
    return AnthropicLlm(model=model_id, client=client, max_tokens=8192)
#elif model_provider=openai
    """Return the OpenAI model."""
    from google.adk.integrations.openai import OpenAILlm

    return OpenAILlm(model=model_id, api_key=credentials.api_key())
#elif gemini
    """Return the Gemini model."""
    from google.adk.models import Gemini
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions

    client = Client(
        api_key=credentials.api_key(),
        http_options=HttpOptions(retry_options=HttpRetryOptions(attempts=3)),
    )
    return Gemini(model=model_id, client=client)
#end
