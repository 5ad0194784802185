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
from langchain_core.language_models import BaseChatModel

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
def load_model() -> BaseChatModel:
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


def connect(model_id: str) -> BaseChatModel:
#if bedrock
    """Return the Bedrock model."""
    from langchain_aws import ChatBedrockConverse
    from langchain_aws.utils import parse_model_provider

    return ChatBedrockConverse(
        model=model_id,
        client=credentials.aws_session().client("bedrock-runtime", config=BOTO_CONFIG),
        provider=parse_model_provider(model_id.rpartition("/")[2]),  # of an ARN, it must be said
    )
#elif anthropic
    """Return the Anthropic model."""
    from langchain_anthropic import ChatAnthropic
    from pydantic import SecretStr

    return ChatAnthropic(  # type: ignore[call-arg]  # mypy knows the aliases of these alone
        model=model_id,
        api_key=SecretStr(credentials.api_key()),
        max_tokens=8192,
    )
#elif model_provider=openai
    """Return the OpenAI model."""
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(model=model_id, api_key=SecretStr(credentials.api_key()))
#elif gemini
    """Return the Gemini model."""
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(
        model=model_id,
        api_key=credentials.api_key(),
        max_retries=3,  # attempts; with its own 6 a turn takes half a minute to fail
    )
#end
