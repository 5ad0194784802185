"""What a project's README says of another provider is what the provider changes, and no more."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import permutations
from typing import Any

import pytest
import typer
from every_project import every_project

from agentcore_new import options
from agentcore_new.answers import complete, template_variables
from agentcore_new.cli import app
from agentcore_new.options import Value
from agentcore_new.package_data import template_root
from agentcore_new.render import Renderer

CREATE = typer.main.get_command(app).commands["create"]  # type: ignore[attr-defined]
PYPROJECT = "pyproject.toml"
OWN: dict[str, Value] = {
    "project_name": "shop-2",
    "description": 'It\'s "mine" & $HOME `id` \\',
    "model_id": "a-model",
}


@cache
def section(text: str) -> str:
    """The part of a project's README that is about another provider."""
    (found,) = re.findall(r"^## [^\n]*provider[^\n]*\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return str(found)


def given(text: str) -> dict[str, Any]:
    """What the command of that section gives to `create`."""
    return parsed(section(text))


@cache
def parsed(section: str) -> dict[str, Any]:
    """The same, of which there are few."""
    (command,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    program, name, *words = shlex.split(command.replace("\\\n", " "))
    assert (program, name) == ("agentcore-new", "create")
    given: dict[str, Any] = CREATE.make_context(name, words).params
    return given


def different(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def without_dependencies(text: str) -> dict[str, Any]:
    content = tomllib.loads(text)
    del content["project"]["dependencies"]
    return content


def test_the_command_makes_the_same_project_with_another_provider() -> None:
    renderer = Renderer(template_root())
    for answers, files in every_project():
        own = {**answers, **OWN}
        readme = renderer.text("README.md", template_variables(own))
        for project, text in ((answers, files["README.md"]), (own, readme)):
            assert text
            words = given(text)
            assert words["model_provider"] == "PROVIDER"
            assert words["git"] is False
            assert words["output_dir"].parts[0] == ".."
            assert words["output_dir"].name not in ("..", project["project_name"])
            for provider in options.MODEL_PROVIDER.values:
                answered = {question.name: words[question.name] for question in options.QUESTIONS}
                made = complete(answered | {"model_provider": provider})
                wanted = {**project, "model_provider": provider, "model_id": None}
                assert made == complete(wanted)


@pytest.mark.parametrize("framework", options.FRAMEWORK.values)
def test_just_the_files_that_are_named_differ(framework: str) -> None:
    projects: dict[tuple[Value, ...], dict[Value, Mapping[str, str]]] = {}
    for answers, files in every_project():
        if answers["framework"] == framework:
            provider = answers["model_provider"]
            rest = [answers[each.name] for each in options.OPTIONS]
            rest.remove(provider)
            projects.setdefault(tuple(rest), {})[provider] = files
    for by_provider in projects.values():
        pairs = list(permutations(by_provider.values(), 2))
        differing = set().union(*(different(one, other) for one, other in pairs))
        for one, other in pairs:
            named = {*re.findall(r"`([^`\s]+)`", section(one["README.md"]))} & {*one}
            assert named == differing
            assert without_dependencies(one[PYPROJECT]) == without_dependencies(other[PYPROJECT])
