"""What the tests install is listed with its version, and the lists allow nothing else."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pins
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agentcore_new import options

ROOT = Path(__file__).parents[1]
LISTS = [pins.CONSTRAINTS, *sorted(pins.FOLDER.glob("*.txt"))]


def own_requirements() -> list[Requirement]:
    """What pyproject.toml asks for: to run, to test and to build."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    texts = [*table["project"]["dependencies"], *table["project"]["optional-dependencies"]["test"]]
    return [Requirement(text) for text in (*texts, *table["build-system"]["requires"])]


def apply_here(requirements: list[Requirement], extra: str = "") -> Iterator[Requirement]:
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def closure(requirements: list[Requirement]) -> set[str]:
    """These packages, and all that the installed ones of them need."""
    found: set[tuple[str, str]] = set()
    left = list(apply_here(requirements))
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in found:
                found.add((name, extra))
                needed = [Requirement(text) for text in requires(name) or ()]
                left += apply_here(needed, extra)
    return {name for name, _ in found}


def test_every_framework_has_its_lists_and_nothing_else_has() -> None:
    wanted = {file for row in options.FRAMEWORKS for file in pins.files_of(row.value)}
    assert wanted == {*LISTS[1:]}


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.name)
def test_a_list_has_names_and_versions_alone(file: Path) -> None:
    for line in pins.read(file):
        assert re.fullmatch(r"[a-z0-9-]+==[\w.!+-]+( ; [^#/@]+)?", line), line
    for python in pins.PYTHONS:
        versions = pins.versions(pins.read(file), python_version=python)
        assert len(versions) > 3


def test_what_pyproject_asks_for_is_pinned_to_what_it_allows() -> None:
    versions = pins.versions(pins.read(pins.CONSTRAINTS))
    for requirement in apply_here(own_requirements()):
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name}: python tests/pins"
        assert version in requirement.specifier, f"{requirement}: python tests/pins"


@pytest.mark.pinned
def test_a_test_tool_brings_nothing_that_is_not_pinned() -> None:
    found = closure(own_requirements())
    assert len(found) > 80
    assert found - pins.versions(pins.read(pins.CONSTRAINTS)).keys() == set()


@pytest.mark.parametrize("resolution", [None, "highest"])
def test_the_versions_of_the_day_are_for_those_who_ask(resolution: str | None) -> None:
    others = {name: value for name, value in os.environ.items() if name != "UV_RESOLUTION"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "--quiet"),
            *("tests/test_dependencies.py", "tests/test_pins.py"),
        ],
        cwd=ROOT,
        env=others | ({"UV_RESOLUTION": resolution} if resolution else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    asked = resolution is not None
    assert ("::test_the_newest_and_the_lowest_resolve" in done.stdout) == asked
    assert ("::test_a_test_tool_brings_nothing" in done.stdout) != asked


def test_the_nightly_alone_asks_for_them() -> None:
    asking = []
    for file in sorted((ROOT / ".github/workflows").glob("*.yml")):
        text = file.read_text(encoding="utf-8")
        asking += [file.name] * text.count("UV_RESOLUTION")
    assert asking == ["nightly.yml"]
    job = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))["jobs"]
    rows = job["versions"]["strategy"]["matrix"]["include"]
    assert [row["resolution"] for row in rows] == ["highest", "lowest-direct"]
    (tests,) = [step for step in job["versions"]["steps"] if "pytest" in step.get("run", "")]
    assert tests["env"] == {"UV_RESOLUTION": "${{ matrix.resolution }}"}


def test_every_other_workflow_installs_what_is_pinned() -> None:
    installing = 0
    for file in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for name, job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].items():
            steps = [step for step in job["steps"] if "pip install" in step.get("run", "")]
            if (file.stem, name) == ("nightly", "versions"):
                continue
            for step in steps:
                installing += 1
                said = f"{step.get('env')} {step['run']}"
                for variable in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):
                    assert re.search(rf"\b{variable}\W+constraints.txt", said), (file.name, name)
    assert installing == 6
