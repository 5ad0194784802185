#if bedrock
"""The AWS credentials that the model is called with."""

import os

import boto3
from botocore.exceptions import BotoCoreError


class MissingCredentials(Exception):
    """There are no AWS credentials; the message says what to set and is for the log alone."""


def origin() -> str:
    """Say where the credentials come from, without asking for them."""
    variables = ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")
    return f"credentials of {next(filter(os.environ.get, variables), 'the AWS configuration')}"


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


def origin() -> str:
    """Say where the key comes from, without asking for it."""
    try:
        return f"key of {_variable()}"
    except MissingCredentials as error:
        return str(error)


def api_key() -> str:
    """Return the key from the environment, else from AgentCore Identity."""
    variable = _variable()
    value = os.environ[variable].strip()
    names_provider = variable.endswith(("_PROVIDER", "_NAME"))
    return identity_key(value) if names_provider else value


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


def _variable() -> str:
    """Return the variable that holds the key, or names its provider in AgentCore Identity."""
    variable = (
#if anthropic
        _given("ANTHROPIC_API_KEY")  # what one sets oneself goes first
        or _given_by_cli("AGENTCORE_CREDENTIAL_", "ANTHROPIC")
#elif model_provider=openai
        _given("OPENAI_API_KEY")  # what one sets oneself goes first
        or _given_by_cli("AGENTCORE_CREDENTIAL_", "OPENAI")
#elif gemini
        _given("GEMINI_API_KEY")  # what one sets oneself goes first
        or _given("GOOGLE_API_KEY")
        or _given_by_cli("AGENTCORE_CREDENTIAL_", "GEMINI")
#end
        or _given("AGENTCORE_CREDENTIAL_PROVIDER")  # so does one's own provider
#if anthropic
        or _given_by_cli("CREDENTIAL_", "ANTHROPIC_NAME")
#elif model_provider=openai
        or _given_by_cli("CREDENTIAL_", "OPENAI_NAME")
#elif gemini
        or _given_by_cli("CREDENTIAL_", "GEMINI_NAME")
#end
    )
    if not variable:
        raise MissingCredentials(
#if anthropic
            "No API key: set ANTHROPIC_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif model_provider=openai
            "No API key: set OPENAI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif gemini
            "No API key: set GEMINI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#end
        )
    return variable


def _given(name: str) -> str:
    return name if os.environ.get(name, "").strip() else ""


def _given_by_cli(prefix: str, suffix: str) -> str:
    # Between them the AgentCore CLI puts the name of its project, and maybe of the agent.
    named = [name for name in os.environ if name.startswith(prefix) and name.endswith(suffix)]
    given = [name for name in sorted(named) if _given(name)]
    if len({os.environ[name].strip() for name in given}) > 1:
        raise MissingCredentials(
            f"More than one API key to choose from ({', '.join(given)}):"
#if anthropic
            " set ANTHROPIC_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif model_provider=openai
            " set OPENAI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#elif gemini
            " set GEMINI_API_KEY, or AGENTCORE_CREDENTIAL_PROVIDER on AgentCore"
#end
        )
    return next(iter(given), "")
#end
