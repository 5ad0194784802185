"""The API key that the model is called with."""

import os

from botocore.exceptions import BotoCoreError, ClientError


class MissingCredentials(Exception):
    """There is no API key; the message names the variable to set and is for the log alone."""


def api_key() -> str:
    """Return the key from the environment, else from AgentCore Identity."""
    key = os.environ.get("OPENAI_API_KEY")
    if key:
        return key
    provider = os.environ.get("AGENTCORE_CREDENTIAL_PROVIDER")
    if not provider:
        raise MissingCredentials(
            "No API key: set OPENAI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
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
            f"AgentCore Identity gave no key for OPENAI_API_KEY: {error}"
        ) from error
