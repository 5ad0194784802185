"""Environment variables that point the real SDKs at the fake server."""

import os

KEY = "fake-key"
SECRET_KEY = "fake-secret"
REGION = "eu-north-1"  # not the one that a project falls back to

NOTHING_FOUND = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def environment(provider: str, url: str) -> dict[str, str]:
    """What an SDK of this provider needs to talk to `url`; no proxy, no outside address."""
    return {"NO_PROXY": "127.0.0.1,localhost", **_PROVIDERS[provider](url)}


def identity(url: str) -> dict[str, str]:
    """What finds AgentCore Identity at `url`, from a machine with a role of its own."""
    return {"AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": url, **credentials()}


def credentials() -> dict[str, str]:
    """Keys of AWS, and nothing of the account of whoever runs the tests."""
    return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, **NOTHING_FOUND}


def _bedrock(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        # LiteLLM and the anthropic SDK have names of their own for the same thing
        "AWS_BEDROCK_RUNTIME_ENDPOINT": url,
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        **credentials(),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": "ap-south-1",  # of boto3 alone: the other goes first
    }


def _anthropic(url: str) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}


def _openai(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": KEY,
    }


def _gemini(url: str) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY}


_PROVIDERS = {
    "bedrock": _bedrock,
    "anthropic": _anthropic,
    "openai": _openai,
    "gemini": _gemini,
}
