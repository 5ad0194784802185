"""What the README tells people to paste is what is tested."""

import re
from pathlib import Path

from agentcore_new import options
from agentcore_new.answers import complete
from agentcore_new.render import render

ROOT = Path(__file__).parents[1]


def commands() -> list[str]:
    """Every block of shell commands in the README."""
    return re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def test_ci_runs_the_command_for_the_tests_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    ran = [line.strip() for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    _, test = commands()
    assert ran == [test]


def test_the_tables_list_every_framework_and_provider() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for framework in options.FRAMEWORKS:
        row = f"| `{framework.value}` | {framework.title} | `{framework.default_provider}` |"
        assert row in readme
    for provider in options.PROVIDERS:
        key = f"`{provider.api_key_variable}`" if provider.api_key_variable else "AWS credentials"
        assert f"| `{provider.value}` | {provider.title} | {key} |" in readme


def test_the_picture_is_of_the_command_as_it_is() -> None:
    picture = (ROOT / "docs/create.svg").read_text("utf-8")
    for path in render(complete({"framework": "adk"})):
        assert Path(path).name in picture
