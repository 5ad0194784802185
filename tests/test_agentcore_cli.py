"""The README's commands of the AgentCore CLI: each flag is one that it has, and none is missing.

Recorded from `--help` and from the refusals of @aws/agentcore 0.30.0, on 2026-11-25. The commands
of three projects were run with it, `create` with `--skip-install`; not `deploy`, which needs an
account.
"""

import re
import shlex

import pytest

from agentcore_new.answers import Answers, combinations
from agentcore_new.render import render

# by command: the flags that it demands, and others that it has
FLAGS = {
    ("create",): ({"--project-name"}, {"--no-agent", "--output-dir", "--skip-git"}),
    ("add", "agent"): (
        {"--type", "--name", "--language", "--framework", "--model-provider", "--code-location"},
        {"--api-key", "--build", "--entrypoint", "--request-header-allowlist"},
    ),
    ("deploy",): (set(), set()),
}
SWITCHES = {"--no-agent", "--skip-git"}
# of the frameworks that it knows, the one that goes with every provider
PROVIDERS = {"Strands": {"Bedrock", "Anthropic", "OpenAI", "Gemini"}}
PROJECT = re.compile(r"[A-Za-z][A-Za-z0-9]{0,22}")
MAX_DEPLOYED_NAME = 48


def block(answers: Answers) -> list[str]:
    """The commands of the README that deploy."""
    _, _, section = render(answers)["README.md"].partition("\n## Deploy it\n")
    return section.split("```")[1].removeprefix("sh\n").replace("\\\n", "").splitlines()


def given(command: str, words: list[str]) -> dict[str, str]:
    """Each flag of a command, with its value."""
    flags = iter(words)
    found = {flag: "" if flag in SWITCHES else next(flags) for flag in flags}
    demanded, others = FLAGS[tuple(command.split())]
    assert demanded <= found.keys() <= demanded | others, command
    return found


@pytest.mark.parametrize("name", ["shop", "a-Very-Long-Name" * 4])
def test_the_commands_are_complete(name: str) -> None:
    for combination in combinations():
        answers = {**combination, "project_name": name}
        install, create, enter, add, *changes, deploy = map(shlex.split, block(answers))
        assert install == ["npm", "install", "-g", "@aws/agentcore"]
        made = given("create", create[2:])["--project-name"]
        assert PROJECT.fullmatch(made)
        assert enter == ["cd", made]
        told = given("add agent", add[3:])
        assert told["--type"] == "byo"
        assert told["--language"] == "Python"
        assert told["--model-provider"] in PROVIDERS[told["--framework"]]
        assert told["--model-provider"].lower() == answers["model_provider"]
        assert ("--api-key" in told) == (answers["model_provider"] != "bedrock")
        assert told["--code-location"] == f"../{name}"
        assert told["--entrypoint"] == "main.py"
        assert (told.get("--build") == "Container") == answers["container"]
        assert len(f"{made}_{told['--name']}") <= MAX_DEPLOYED_NAME
        header = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"
        assert told["--request-header-allowlist"] == header
        assert [change[0] for change in changes] == ([] if answers["container"] else ["sed"])
        assert deploy == ["agentcore", "deploy"]
