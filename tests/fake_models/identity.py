"""AgentCore Identity as far as a project asks it: the API key of a provider, for a token."""

import json

from fake_models.wire import dump

PATH = "/identities/api-key"
UNKNOWN = "no-such-provider"


def answer(raw: bytes) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of the answer."""
    asked = json.loads(raw)
    if not asked["workloadIdentityToken"]:
        return _error(400, "ValidationException", "a token is needed")
    provider = asked["resourceCredentialProviderName"]
    if provider == UNKNOWN:
        return _error(404, "ResourceNotFoundException", f"there is no {provider}")
    return 200, dump({"apiKey": key_of(provider)}), {}


def key_of(provider: str) -> str:
    """The key that is kept under this name."""
    return f"key-of-{provider}"


def _error(status: int, kind: str, message: str) -> tuple[int, bytes, dict[str, str]]:
    return status, dump({"message": message}), {"x-amzn-ErrorType": kind}
