"""Every environment variable that README and .env.example name does what they say of it.

Those of the server itself are tested where they matter: PORT by every server here, AGENT_OFFLINE=1
with the offline server of `test_projects`, DATABASE_URL in `test_stores`.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_models import FakeModels, Recorded, certificate
from fake_models.environment import KEY, REGION, SECRET_KEY, identity
from fake_models.identity import UNKNOWN, key_of

from contract.projects import PAIRS, PROVIDERS, Variant, each
from contract.server import Server, serve

pytestmark = pytest.mark.real

# the model is made the same way, streamed or not
WHOLE = [variant for variant in PAIRS if not variant.stream]
BEDROCK = [variant for variant in WHOLE if variant.provider == "bedrock"]
WITH_KEY = [variant for variant in WHOLE if variant.provider != "bedrock"]
BY_PROVIDER = list({variant.provider: variant for variant in WITH_KEY}.values())

ELSEWHERE = {"AGENT_OFFLINE", "PORT", "DATABASE_URL"}
OF_AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"}
MODEL = "another-model-1"
ARN = "arn:aws:bedrock:eu-west-3:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
PROFILE = """
[profile at-work]
region = eu-west-3
aws_access_key_id = key-of-the-profile
aws_secret_access_key = secret-of-the-profile
"""
TOKEN = {"WorkloadAccessToken": b"token-of-the-platform"}


def asked(server: Server, models: FakeModels) -> Recorded:
    """How the model was asked for the reply to a prompt."""
    response = server.client.post(json.dumps({"prompt": "hello"}).encode(), TOKEN)
    assert response.json() == {"result": "turn 1: hello"}
    (request,) = models.requests_for("hello")
    return request


def settings(models: FakeModels, variant: Variant, **given: str) -> dict[str, str]:
    """What reaches the fake models, without a key or a region, and these."""
    kept = models.env(variant.provider).items()
    without = {*OF_AWS, PROVIDERS[variant.provider].api_key_variable}
    return {name: value for name, value in kept if name not in without} | given


def aws_keys() -> dict[str, str]:
    """What AWS_PROFILE and the bearer token are instead of."""
    return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


@each(WHOLE)
def test_every_variable_is_tested(variant: Variant) -> None:
    files = variant.files()
    named = set(re.findall(r"^# ([A-Z_]+)=", files[".env.example"], re.MULTILINE))
    named |= set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", files["README.md"]))
    own = {"MODEL_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", *OF_AWS}
    if variant.provider != "bedrock":
        keys = PROVIDERS[variant.provider].key_variables
        own = {"MODEL_ID", "AGENTCORE_CREDENTIAL_PROVIDER", *keys}
    constants = set(re.findall(r"`([A-Z_]+)` in `[\w/]+\.py`", files["README.md"]))
    assert named - constants <= own | ELSEWHERE
    assert own - named <= {"AWS_DEFAULT_REGION"}


@each(WHOLE)
def test_the_default_model_its_key_and_its_region(server: Server, models: FakeModels) -> None:
    request = asked(server, models)
    provider = PROVIDERS[server.variant.provider]
    assert (request.model, request.key) == (provider.default_model_id, KEY)
    variable = provider.api_key_variable
    origin = f"key of {variable}" if variable else "credentials of AWS_ACCESS_KEY_ID"
    said = f"{provider.default_model_id} of {provider.title} ({origin})"
    assert server.answered_by() == said
    assert request.region == (REGION if server.variant.provider == "bedrock" else "")


@each(BEDROCK)
@pytest.mark.parametrize("model_id", [MODEL, ARN], ids=["model", "arn"])
def test_a_profile(variant: Variant, models: FakeModels, tmp_path: Path, model_id: str) -> None:
    (tmp_path / "aws").write_text(PROFILE)
    own = {"AWS_PROFILE": "at-work", "AWS_CONFIG_FILE": str(tmp_path / "aws")}
    given = settings(models, variant, MODEL_ID=model_id, AGENT_OFFLINE="0", **own)
    with serve(variant, tmp_path, given) as server:
        request = asked(server, models)
        assert server.answered_by() == f"{model_id} of Amazon Bedrock (credentials of AWS_PROFILE)"
    assert (request.key, request.region) == ("key-of-the-profile", "eu-west-3")
    assert request.model == model_id


@each(BEDROCK[:1])
def test_a_profile_that_is_not_there(variant: Variant, models: FakeModels, tmp_path: Path) -> None:
    with serve(variant, tmp_path, settings(models, variant, AWS_PROFILE="at-home")) as server:
        response = server.client.post(b'{"prompt": "hello"}')
        assert response.status_code == 500
        assert response.json()["error"].startswith("The agent is not configured. Request id: ")
        assert [record for record in server.records() if "at-home" in record["message"]]


@each(BEDROCK)
def test_a_bearer_token(variant: Variant, tmp_path: Path) -> None:
    pem = certificate.write(tmp_path)  # boto3 shows a token to nobody but over TLS
    own = {"AWS_BEARER_TOKEN_BEDROCK": "token-of-bedrock", "MODEL_ID": ""}
    with FakeModels(tls=certificate.context(pem)) as models:
        given = settings(models, variant, **own, **certificate.trust(pem))
        with serve(variant, tmp_path, given) as server:
            request = asked(server, models)
            assert "(credentials of AWS_BEARER_TOKEN_BEDROCK)" in server.answered_by()
    assert request.key == "token-of-bedrock"
    assert request.model == PROVIDERS["bedrock"].default_model_id


@each(BEDROCK)
@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "ap-south-1"}, "ap-south-1"),
        ({"AWS_DEFAULT_REGION": "ap-south-1", "AWS_REGION": ""}, "ap-south-1"),
    ],
    ids=["none", "default", "empty"],
)
def test_the_region(
    variant: Variant, models: FakeModels, tmp_path: Path, given: dict[str, str], region: str
) -> None:
    own = settings(models, variant, **aws_keys(), **given)
    with serve(variant, tmp_path, own) as server:
        assert asked(server, models).region == region


@each(WITH_KEY)
def test_a_key_of_agentcore_identity(variant: Variant, models: FakeModels, tmp_path: Path) -> None:
    own = {"AGENTCORE_CREDENTIAL_PROVIDER": "my-keys", "MODEL_ID": MODEL, "AGENT_OFFLINE": "0"}
    given = settings(models, variant, **own) | identity(models.url)
    with serve(variant, tmp_path, given) as server:
        request = asked(server, models)
        said = server.answered_by()
    assert (request.key, request.model) == (key_of("my-keys"), MODEL)
    assert said.startswith(f"{MODEL} of ")
    assert said.endswith(" (key of AGENTCORE_CREDENTIAL_PROVIDER)")


@each([variant for variant in WITH_KEY if variant.provider == "gemini"])
@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"GOOGLE_API_KEY": "of-google"}, "of-google"),
        ({"GOOGLE_API_KEY": "of-google", "GEMINI_API_KEY": " "}, "of-google"),
        ({"GOOGLE_API_KEY": "of-google", "GEMINI_API_KEY": "of-gemini"}, "of-gemini"),
    ],
    ids=["google", "blank", "both"],
)
def test_googles_name_for_the_key(
    variant: Variant, models: FakeModels, tmp_path: Path, given: dict[str, str], key: str
) -> None:
    with serve(variant, tmp_path, settings(models, variant, **given)) as server:
        assert asked(server, models).key == key
        variable = "GEMINI_API_KEY" if key == "of-gemini" else "GOOGLE_API_KEY"
        assert f"(key of {variable})" in server.answered_by()
        # of both, Google's SDK would take the other, and says that it does
        assert "GOOGLE_API_KEY" not in server.output("stderr")


# how the AgentCore CLI names a key locally, and deployed the provider of it in AgentCore Identity
def local(provider: str, of: str = "MYPROJECT") -> str:
    return f"AGENTCORE_CREDENTIAL_{of}{provider.upper()}"


def deployed(provider: str, of: str = "MYPROJECT") -> str:
    return f"CREDENTIAL_{of}{provider.upper()}_NAME"


@each(BY_PROVIDER)
def test_a_key_of_the_agentcore_cli(variant: Variant, models: FakeModels, tmp_path: Path) -> None:
    names = {local(other): f"of-{other}" for other in PROVIDERS}
    own = names | {"AGENTCORE_CREDENTIAL_PROVIDER": UNKNOWN, "LOCAL_DEV": "1"}
    with serve(variant, tmp_path, settings(models, variant, **own)) as server:
        assert asked(server, models).key == f"of-{variant.provider}"
        assert f"(key of {local(variant.provider)})" in server.answered_by()


@each(BY_PROVIDER)
def test_a_provider_of_the_agentcore_cli(
    variant: Variant, models: FakeModels, tmp_path: Path
) -> None:
    names = {deployed(other): f"My-Project.{other}" for other in PROVIDERS}
    own = names | {local(variant.provider): "", "CREDENTIAL_A_TOOL_NAME": UNKNOWN}
    given = settings(models, variant, **own) | identity(models.url)
    with serve(variant, tmp_path, given) as server:
        assert asked(server, models).key == key_of(f"My-Project.{variant.provider}")
        assert f"(key of {deployed(variant.provider)})" in server.answered_by()


@each(BY_PROVIDER)
def test_a_provider_of_ones_own_goes_first(
    variant: Variant, models: FakeModels, tmp_path: Path
) -> None:
    names = {deployed(variant.provider, of): f"of-{of}" for of in ("ONE", "TWO")}
    own = names | {"AGENTCORE_CREDENTIAL_PROVIDER": "my-keys"}
    given = settings(models, variant, **own) | identity(models.url)
    with serve(variant, tmp_path, given) as server:
        assert asked(server, models).key == key_of("my-keys")


@each(BY_PROVIDER)
@pytest.mark.parametrize("way", [local, deployed], ids=["local", "deployed"])
def test_of_two_keys_of_the_agentcore_cli_none_is_guessed(
    variant: Variant, models: FakeModels, tmp_path: Path, way: Callable[[str, str], str]
) -> None:
    names = {way(variant.provider, of): f"key-of-{of.lower()}" for of in ("ONE", "TWO")}
    given = settings(models, variant, **names) | identity(models.url)
    with serve(variant, tmp_path, given) as server:
        response = server.client.post(b'{"prompt": "hello"}', TOKEN)
        assert response.status_code == 500
        assert response.json()["error"].startswith("The agent is not configured. Request id: ")
        messages = [record["message"] for record in server.records()]
        assert "More than one API key to choose from" in server.answered_by()
    (cause,) = [message for message in messages if all(name in message for name in names)]
    assert PROVIDERS[variant.provider].api_key_variable in cause
    assert "key-of" not in cause
    assert models.requests == []


@each(BY_PROVIDER)
def test_a_provider_that_identity_does_not_know(
    variant: Variant, models: FakeModels, tmp_path: Path
) -> None:
    own = {"AGENTCORE_CREDENTIAL_PROVIDER": UNKNOWN, "MODEL_ID": ""}
    given = settings(models, variant, **own) | identity(models.url)
    with serve(variant, tmp_path, given) as server:
        response = server.client.post(b'{"prompt": "hello"}', TOKEN)
        assert response.status_code == 500
        assert response.json()["error"].startswith("The agent is not configured. Request id: ")
        messages = [record["message"] for record in server.records()]
    variable = PROVIDERS[variant.provider].api_key_variable
    (cause,) = [message for message in messages if variable in message]
    assert f"there is no {UNKNOWN}" in cause


@each(BY_PROVIDER)
def test_a_key_of_ones_own_goes_first(variant: Variant, models: FakeModels, tmp_path: Path) -> None:
    given = models.env(variant.provider) | {"AGENTCORE_CREDENTIAL_PROVIDER": UNKNOWN}
    with serve(variant, tmp_path, given | identity(models.url)) as server:
        request = asked(server, models)
    assert (request.key, request.model) == (KEY, PROVIDERS[variant.provider].default_model_id)
