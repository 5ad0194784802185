"""What generated projects depend on: bounded both ways, and resolvable on every Python."""

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pins
import pytest
import uv
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from agentcore_new import options
from agentcore_new.answers import complete
from agentcore_new.render import render

UV = uv.find_uv_bin()
# Asked now: the tests have a home folder of their own, and must not download everything anew.
UV_CACHE = subprocess.check_output([UV, "cache", "dir"], text=True).strip()

PAIRS = [(f.value, p.value) for f in options.FRAMEWORKS for p in options.PROVIDERS]
# AgentCore is Amazon Linux 2023 on Arm: it loads what is built for glibc 2.34 and what is older.
MACHINES = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
# What the AgentCore CLI packages for: the next one where uv says in these words what is missing.
CLI_MACHINES = ("aarch64-manylinux2014", "aarch64-manylinux_2_28", "aarch64-manylinux_2_34")
MISSING = re.compile(
    "has no wheels with a matching (platform|Python ABI) tag|no compatible (wheels|tags) found"
    "|has no usable wheels|platforms: .*manylinux",
    re.IGNORECASE,
)
by_pair = pytest.mark.parametrize(("framework", "provider"), PAIRS)
by_machine = pytest.mark.parametrize("machine", MACHINES)


# What the options need beside what every project of the pair does.
ADDED = {
    ("memory", False): set(),
    ("memory", True): {"pydantic"},
    ("sqlite", False): {"aiosqlite", "platformdirs", "sqlalchemy"},
    ("postgres", False): {"asyncpg", "sqlalchemy"},
    ("agentcore-memory", False): {"boto3"},
}
# AWS's distribution of OpenTelemetry, or where that does not fit, the plain one.
AWS_TELEMETRY = {"aws-opentelemetry-distro", "opentelemetry-api"}
PLAIN_TELEMETRY = {
    "opentelemetry-api",
    "opentelemetry-distro",
    "opentelemetry-exporter-otlp-proto-http",
}
START = "dependencies = [\n"


@cache
def pyproject_of(
    framework: str, provider: str, store: str, transcript: bool, tracing: bool = False
) -> str:
    answers: dict[str, options.Value | None] = {
        "framework": framework,
        "model_provider": provider,
        "session_store": store,
        "transcript": transcript,
        "tracing": tracing,
    }
    return render(complete(answers))["pyproject.toml"]


@cache
def pyproject(framework: str, provider: str) -> str:
    """One with the requirements of all options: what resolves with them does with fewer."""
    whole = pyproject_of(framework, provider, "memory", True, True)
    for store in options.SESSION_STORE.values:
        text = pyproject_of(framework, provider, str(store), True)
        for line in text.partition(START)[2].partition("\n]\n")[0].splitlines():
            if line not in whole.splitlines():
                whole = whole.replace(START, f"{START}{line}\n", 1)
    return whole


def tables(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def required(text: str) -> dict[str, list[str]]:
    """Every requirement by the extra that asks for it; those of every project by an empty one."""
    table = tables(text)["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def requirements(framework: str, provider: str) -> list[Requirement]:
    """Every requirement of the pair, extras and options included."""
    whole = required(pyproject(framework, provider))
    return [Requirement(text) for texts in whole.values() for text in texts]


@pytest.mark.parametrize(("store", "transcript"), ADDED)
@by_pair
def test_an_option_adds_its_packages_alone(
    framework: str, provider: str, store: str, transcript: bool
) -> None:
    """So what holds with it holds without: the same requirements, and fewer."""
    plain = required(pyproject_of(framework, provider, "memory", False))
    whole = required(pyproject_of(framework, provider, store, transcript))
    added = [text for text in whole[""] if text not in plain[""]]
    assert {Requirement(text).name for text in added} == ADDED[store, transcript]
    assert whole == {**plain, "": whole[""]}
    assert [text for text in whole[""] if text not in added] == plain[""]


@by_pair
def test_tracing_adds_opentelemetry_alone(framework: str, provider: str) -> None:
    plain = required(pyproject_of(framework, provider, "memory", False))[""]
    whole = required(pyproject_of(framework, provider, "memory", False, True))[""]
    added = {Requirement(text).name for text in whole if text not in plain}
    assert added == (PLAIN_TELEMETRY if framework == "autogen" else AWS_TELEMETRY)
    assert [text for text in whole if text in plain] == plain


@by_pair
def test_every_requirement_has_a_lower_and_an_upper_bound(framework: str, provider: str) -> None:
    for requirement in requirements(framework, provider):
        operators = sorted(bound.operator for bound in requirement.specifier)
        assert operators == ["<", ">="], requirement


@by_pair
def test_no_package_is_required_twice(framework: str, provider: str) -> None:
    found = [requirement.name for requirement in requirements(framework, provider)]
    assert len(found) == len(set(found))


def test_a_package_has_the_same_bounds_for_every_provider() -> None:
    for framework in options.FRAMEWORKS:
        bounds: dict[str, SpecifierSet] = {}
        for provider in options.PROVIDERS:
            for requirement in requirements(framework.value, provider.value):
                known = bounds.setdefault(requirement.name, requirement.specifier)
                assert requirement.specifier == known, (framework.value, requirement.name)


@by_pair
def test_uv_and_pip_install_the_same_tools(framework: str, provider: str) -> None:
    """`uv sync` takes the group, `pip install '.[test]'` the extra: the group is the extra."""
    whole = tables(pyproject(framework, provider))
    assert whole["dependency-groups"]["dev"] == [f"{whole['project']['name']}[test]"]


@pytest.mark.parametrize("python", pins.PYTHONS)
def test_the_supported_pythons_are_those_that_are_resolved(python: str) -> None:
    supported = SpecifierSet(tables(pyproject("strands", "bedrock"))["project"]["requires-python"])
    assert f"{python}.0" in supported
    assert "3.10.99" not in supported
    assert "3.15.0" not in supported


@pytest.mark.parametrize("python", pins.PYTHONS)
@by_pair
def test_the_listed_versions_are_allowed(framework: str, provider: str, python: str) -> None:
    """So the lists say that the newest fit together, and CI need not ask the index of the day."""
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    versions = pins.versions(pins.of_projects(framework), **environment)
    for requirement in requirements(framework, provider):
        assert requirement.marker is None
        version = versions.get(canonicalize_name(requirement.name), "")
        assert version in requirement.specifier, f"{requirement}: python tests/pins"


@pytest.mark.real
@pytest.mark.pinned
@pytest.mark.parametrize("python", pins.PYTHONS)
@by_pair
def test_the_listed_versions_are_all_that_is_needed(
    framework: str, provider: str, python: str, tmp_path: Path
) -> None:
    file, listed = tmp_path / "pyproject.toml", tmp_path / "listed.txt"
    file.write_text(pyproject(framework, provider))
    listed.write_text("\n".join(pins.of_projects(framework)))
    resolved = resolve(file, python, "--constraints", str(listed))
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    versions = pins.versions(pins.of_projects(framework), **environment)
    assert resolved.items() - versions.items() == set()


@pytest.mark.real
@pytest.mark.unpinned
@pytest.mark.parametrize("python", pins.PYTHONS)
@by_pair
def test_the_newest_and_the_lowest_resolve(
    framework: str, provider: str, python: str, tmp_path: Path
) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(pyproject(framework, provider))
    resolved = resolve(file, python)
    for requirement in requirements(framework, provider):
        assert resolved[requirement.name] in requirement.specifier


@pytest.mark.real
@pytest.mark.pinned
@by_machine
@by_pair
def test_the_listed_versions_need_no_compiler_on_the_newest_python(
    framework: str, provider: str, machine: str, tmp_path: Path
) -> None:
    file, listed = tmp_path / "pyproject.toml", tmp_path / "listed.txt"
    file.write_text(pyproject(framework, provider))
    listed.write_text("\n".join(pins.of_projects(framework)))
    resolve(file, pins.PYTHONS[-1], *wheels(machine), "--constraints", str(listed))


@pytest.mark.real
@pytest.mark.unpinned
@by_machine
@by_pair
def test_the_newest_and_the_lowest_need_no_compiler_on_the_newest_python(
    framework: str, provider: str, machine: str, tmp_path: Path
) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(pyproject(framework, provider))
    resolve(file, pins.PYTHONS[-1], *wheels(machine))


@pytest.mark.real
@pytest.mark.unpinned
@by_pair
def test_the_agentcore_cli_packages_it_for_the_newest_python(
    framework: str, provider: str, tmp_path: Path
) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(pyproject(framework, provider))
    for machine in CLI_MACHINES:
        done = run_uv(file, pins.PYTHONS[-1], *wheels(machine))
        if done.returncode == 0:
            return
        assert MISSING.search(done.stderr), done.stderr
    pytest.fail(f"for no machine: {done.stderr}")


def wheels(machine: str) -> tuple[str, ...]:
    """What has uv resolve for a machine, and fail for a package that would be built there."""
    return ("--only-binary", ":all:", "--python-platform", machine)


def resolve(file: Path, python: str, *flags: str) -> dict[str, str]:
    """The versions that uv takes for a pyproject.toml; UV_RESOLUTION says which it prefers."""
    done = run_uv(file, python, *flags)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", done.stdout, re.MULTILINE))


def run_uv(file: Path, python: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [UV, "pip", "compile", "--no-annotate", "--no-header", "--all-extras"]
    command += ["--cache-dir", UV_CACHE, "--python", sys.executable, "--python-version", python]
    return subprocess.run(
        [*command, *flags, str(file)], capture_output=True, text=True, check=False
    )
