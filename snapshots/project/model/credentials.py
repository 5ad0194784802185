#if bedrock
"""The AWS credentials that the model is called with."""

import os

import boto3
from botocore.exceptions import BotoCoreError


class MissingCredentials(Exception):
    """There are no AWS credentials; the message says what to set and is for the log alone."""


def aws_session() -> boto3.Session:
    """Return a session that has a region and credentials."""
    try:
        region = os.environ.get("AWS_REGION") or boto3.Session().region_name or "us-east-1"
        session = boto3.Session(region_name=region)
        if os.environ.get("AWS_BEARER_TOKEN_BEDROCK") or session.get_credentials():
            return session
    except BotoCoreError as error:
        raise MissingCredentials(f"The AWS credentials cannot be read: {error}") from error
    raise MissingCredentials(
        "No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
        " or AWS_BEARER_TOKEN_BEDROCK; on AgentCore the role of the runtime is used"
    )
#else
"""The API key that the model is called with."""

import os

from botocore.exceptions import BotoCoreError, ClientError


class MissingCredentials(Exception):
    """There is no API key; the message names the variable to set and is for the log alone."""


def api_key() -> str:
    """Return the key from the environment, else from AgentCore Identity."""
#if anthropic
    key = os.environ.get("ANTHROPIC_API_KEY")
#elif model_provider=openai
    key = os.environ.get("OPENAI_API_KEY")
#elif gemini
    key = os.environ.get("GEMINI_API_KEY")
#end
    if key:
        return key
    provider = os.environ.get("AGENTCORE_CREDENTIAL_PROVIDER")
    if not provider:
        raise MissingCredentials(
#if anthropic
            "No API key: set ANTHROPIC_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif model_provider=openai
            "No API key: set OPENAI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif gemini
            "No API key: set GEMINI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#end
        )
    return identity_key(provider)


def identity_key(provider: str) -> str:
    """Return the key that AgentCore Identity keeps under this provider name."""
    from bedrock_agentcore.identity.auth import requires_api_key

    try:

        @requires_api_key(provider_name=provider)
        def read(*, api_key: str) -> str:
            return api_key

        return str(read())
    except (BotoCoreError, ClientError, ValueError) as error:
        raise MissingCredentials(
#if anthropic
            f"AgentCore Identity gave no key for ANTHROPIC_API_KEY: {error}"
#elif model_provider=openai
            f"AgentCore Identity gave no key for OPENAI_API_KEY: {error}"
#elif gemini
            f"AgentCore Identity gave no key for GEMINI_API_KEY: {error}"
#end
        ) from error
#end
