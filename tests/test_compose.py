"""The compose file: two replicas of the agent behind a proxy, with one database."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from every_project import every_project

from agentcore_new.answers import complete
from agentcore_new.render import render

FILE = "compose.yaml"


@pytest.fixture(scope="module")
def project() -> dict[str, str]:
    """A project that has one."""
    return render(complete({"framework": "adk", "session_store": "postgres", "container": True}))


@pytest.fixture(scope="module")
def services(project: dict[str, str]) -> dict[str, Any]:
    """What it runs."""
    found: dict[str, Any] = yaml.safe_load(project[FILE])["services"]
    return found


def test_it_is_there_for_replicas_alone() -> None:
    for answers, files in every_project():
        wanted = answers["container"] and answers["session_store"] == "postgres"
        assert (FILE in files) == wanted


def test_it_is_as_its_schema_wants(project: dict[str, str], tmp_path: Path) -> None:
    # no engine of containers runs here
    file = tmp_path / FILE
    file.write_text(project[FILE])
    command = (sys.executable, "-m", "check_jsonschema")
    subprocess.run([*command, "--builtin-schema", "vendor.compose-spec", file], check=True)


def test_two_replicas_share_the_database_that_is_there(services: dict[str, Any]) -> None:
    agent, database = services["agent"], services["database"]
    assert agent["deploy"]["replicas"] == 2
    assert agent["depends_on"] == {"database": {"condition": "service_healthy"}}
    url = urlsplit(agent["environment"]["DATABASE_URL"].replace(":?", ""))
    user, password = (database["environment"][f"POSTGRES_{name}"] for name in ("USER", "PASSWORD"))
    assert (url.scheme, url.username, url.path) == ("postgresql", user, f"/{user}")
    assert f":{password}@database/" in agent["environment"]["DATABASE_URL"]
    assert "ports" not in agent | database


def test_the_proxy_asks_replicas_as_they_are_served(
    services: dict[str, Any], project: dict[str, str]
) -> None:
    config = yaml.safe_load(project[FILE])["configs"]["proxy"]["content"]
    assert "server agent:8080 resolve;" in config
    assert "EXPOSE 8080" in project["Dockerfile"]
    (port,) = services["proxy"]["ports"]
    assert port.startswith("127.0.0.1:")
    for setting in ("proxy_buffering off;", "proxy_next_upstream off;"):
        assert setting in config
