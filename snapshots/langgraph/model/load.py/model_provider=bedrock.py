"""The model behind the agent: Amazon Bedrock, or the offline model."""

import asyncio
import functools
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import botocore.config
from langchain_core.language_models import BaseChatModel

from model import credentials

log = logging.getLogger("bedrock_agentcore.app")  # its handler writes JSON lines

CONCURRENT_CALLS = 128
BOTO_CONFIG = botocore.config.Config(
    max_pool_connections=CONCURRENT_CALLS,
    read_timeout=300,
    retries={"mode": "standard", "total_max_attempts": 3},
)


@functools.cache
def load_model() -> BaseChatModel:
    """Return the model, one for all sessions.

    Call it in a turn and not at import: its connections belong to the event loop that turns run on.
    """
    if os.environ.get("AGENT_OFFLINE") == "1":
        from model.offline import OfflineModel

        log.warning("AGENT_OFFLINE=1: replies come from the offline model")
        return OfflineModel()
    # boto3 blocks a thread for each call in flight, and asyncio's own executor has few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENT_CALLS))
    model_id = (
        os.environ.get("MODEL_ID")  # replaces the default
        or "global.anthropic.claude-sonnet-4-6"
    )
    return connect(model_id)


def connect(model_id: str) -> BaseChatModel:
    """Return the Bedrock model."""
    from langchain_aws import ChatBedrockConverse
    from langchain_aws.utils import parse_model_provider

    return ChatBedrockConverse(
        model=model_id,
        client=credentials.aws_session().client("bedrock-runtime", config=BOTO_CONFIG),
        provider=parse_model_provider(model_id.rpartition("/")[2]),  # of an ARN, it must be said
    )
