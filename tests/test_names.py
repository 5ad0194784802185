import keyword
import re
from importlib.metadata import packages_distributions

import pytest
from every_project import every_project
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agentcore_new import names
from agentcore_new.errors import InvalidAnswer

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True)


def refusal(name: str) -> InvalidAnswer:
    with pytest.raises(InvalidAnswer) as raised:
        names.check(name)
    return raised.value


@pytest.mark.parametrize("name", ["a", "my-agent", "My_Agent2", "a" * 64, "user", "match", "x-"])
def test_a_good_name_is_kept(name: str) -> None:
    assert names.check(name) == name


@pytest.mark.parametrize(
    ("name", "why", "instead"),
    [
        ("", "empty", "my-agent"),
        ("   ", "empty", "my-agent"),
        ("../x", "path", "x"),
        ("/tmp/project", "path", "project"),
        ("a/b/", "path", "b"),
        (r"C:\agents\shop", "path", "shop"),
        ("..", "path", "my-agent"),
        ("my agent", "blank", "my-agent"),
        ("tab\there", "control", "tab-here"),
        ("nul\0", "control", "nul"),
        ("x\u202ey", "invisible", "xy"),
        ("café", "ASCII", "cafe"),
        ("日本", "ASCII", "my-agent"),
        ("1st", "start with a letter", "agent-1st"),
        ("-x", "start with a letter", "x"),
        ("_x", "start with a letter", "x"),
        ("a.b", "'.' is not", "a-b"),
        ("x" * 65, "65 characters", "x" * 64),
        ("class", "keyword", "class-agent"),
        ("None", "keyword", "None-agent"),
        ("main", "module", "main-agent"),
        ("agent", "module", "my-agent"),
        ("serving", "module", "serving-agent"),
        ("tests", "module", "tests-agent"),
        ("boto3", "depends", "boto3-agent"),
        ("mcp", "depends", "mcp-agent"),
        ("strands", "depends", "strands-agent"),
        ("Langchain_Core", "depends", "Langchain_Core-agent"),
        ("bedrock-agentcore", "depends", "bedrock-agentcore-agent"),
        ("pytest", "depends", "pytest-agent"),
    ],
)
def test_a_bad_name_is_refused_with_the_reason_and_a_good_one(
    name: str, why: str, instead: str
) -> None:
    error = refusal(name)
    assert why in error.message
    assert error.hint.endswith(f": {instead}")
    assert error.details["suggestion"] == instead
    assert "\n" not in error.message
    assert error.exit_code == 1


@given(st.text(max_size=80))
@example("class" * 20)
@example("FALSE")
@example("boto3/")
@example("\ud800")
def test_a_name_is_good_or_the_suggested_one_is(name: str) -> None:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name) and not is_taken(name):
        assert names.check(name) == name
    else:
        error = refusal(name)
        assert names.check(str(error.details["suggestion"]))
        assert error.message.isprintable()


def is_taken(name: str) -> bool:
    distribution = canonicalize_name(name).strip("-")
    words = {word.lower() for word in keyword.kwlist}
    return distribution in names.reserved_names() or name.lower() in words


@given(NAMES)
@example("a-_-b")
@example("user")
@example("USER")
def test_derived_names_are_valid_wherever_they_go(name: str) -> None:
    distribution = names.distribution_name(name)
    assert Requirement(f"{distribution}>=1").name == distribution == canonicalize_name(distribution)
    assert names.agent_name(name).isidentifier()
    assert names.agent_name(name) != "user"
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,23}", names.runtime_name(name))


def test_reserved_names_are_in_normal_form() -> None:
    reserved = names.reserved_names()
    assert reserved == {canonicalize_name(name) for name in reserved}
    assert {"agents", "google", "openai", "pydantic", "starlette", "yaml"} <= reserved


def test_reserved_are_the_names_of_all_direct_dependencies() -> None:
    text = "".join({files["pyproject.toml"] for _, files in every_project()})
    wanted = {canonicalize_name(name) for name in re.findall(r'"([\w.-]+)(?:\[\w+\])?>=', text)}
    assert len(wanted) > 10
    assert wanted <= names.reserved_names()


def test_reserved_are_the_modules_of_the_packages_that_are_here_too() -> None:
    modules = packages_distributions()
    here = {name for module in ("jinja2", "yaml", "httpx", "rich") for name in modules[module]}
    assert {canonicalize_name(name) for name in here} <= names.reserved_names()


def test_reserved_are_the_modules_of_the_project() -> None:
    tops = {
        canonicalize_name(path.split("/")[0].removesuffix(".py"))
        for _, files in every_project()
        for path in files
        if path.endswith(".py")
    }
    assert tops == set(names.PROJECT_MODULES)
