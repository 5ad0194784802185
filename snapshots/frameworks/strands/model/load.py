#if bedrock
"""The model behind the agent: Amazon Bedrock, or the offline model."""

import asyncio
#elif anthropic
"""The model behind the agent: Anthropic, or the offline model."""

#elif model_provider=openai
"""The model behind the agent: OpenAI, or the offline model."""

#elif gemini
"""The model behind the agent: Google Gemini, or the offline model."""

#end
import functools
import logging
#if bedrock
from concurrent.futures import ThreadPoolExecutor

import botocore.config
#else

#end
from strands.models import Model

from model import credentials
from model.settings import is_offline, model_id

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines
#if bedrock

CONCURRENT_CALLS = 128
BOTO_CONFIG = botocore.config.Config(
    max_pool_connections=CONCURRENT_CALLS,
    read_timeout=300,
    retries={"mode": "standard", "total_max_attempts": 3},
)
#elif gemini
# With both names of the key set, Google's SDK says that it takes GOOGLE_API_KEY; it takes ours.
logging.getLogger("google_genai._api_client").addFilter(
    lambda record: "GOOGLE_API_KEY" not in record.getMessage()
)
#end


@functools.cache
def load_model() -> Model:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if is_offline():
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
#if bedrock
    # boto3 blocks a thread for each call in flight, and asyncio's own executor has few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENT_CALLS))
#end
    return connect(model_id())


def connect(model_id: str) -> Model:
#if bedrock
    """Return the Bedrock model: a client per session would cost about 8 MB each."""
    from strands.models import BedrockModel

    return BedrockModel(
        boto_session=credentials.aws_session(),
        boto_client_config=BOTO_CONFIG,
        model_id=model_id,
    )
#elif anthropic
    """Return the Anthropic model."""
    from strands.models.anthropic import AnthropicModel

    return AnthropicModel(
        client_args={"api_key": credentials.api_key()},
        model_id=model_id,
        max_tokens=8192,
    )
#elif model_provider=openai
    """Return the OpenAI model."""
    from openai import AsyncOpenAI
    from strands.models.openai import OpenAIModel

    # Without a client of ours Strands opens a new one, and a new connection, for every call.
    return OpenAIModel(client=AsyncOpenAI(api_key=credentials.api_key()), model_id=model_id)
#elif gemini
    """Return the Gemini model."""
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions
    from strands.models.gemini import GeminiModel

    # Without a client of ours Strands opens a new one, and a new connection, for every call.
    client = Client(
        api_key=credentials.api_key(),
        http_options=HttpOptions(retry_options=HttpRetryOptions(attempts=3)),
    )
    return GeminiModel(client=client, model_id=model_id)
#end
