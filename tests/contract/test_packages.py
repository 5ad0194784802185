"""The package of a project has all that it needs on Linux on Arm, and is no larger than allowed."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from contract.projects import DEFAULTS, PAIRS, Variant

ROOT = Path(__file__).parents[2]
# A pair each, those with the most and the oddest packages; every night, all of them.
SOME = ("adk-bedrock-json", "langgraph-bedrock-json", "autogen-openai-json")
BY_NAME = {str(variant): variant for variant in [*DEFAULTS, *PAIRS] if not variant.stream}


def pack(
    variant: Variant, folder: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> dict[str, object]:
    """Package a project; what the command says."""
    project = variant.write(folder / "project")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("UV_CACHE_DIR", str(ROOT / ".cache" / "uv"))
    words = ["package", str(project), "--python", python, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "agentcore_new", *words], capture_output=True, check=False
    )
    told: dict[str, object] = json.loads(done.stdout)
    assert told["ok"], told
    return told


def canonical(name: str) -> str:
    """A package's name, as all spellings of it are compared."""
    return re.sub(r"[-_.]+", "-", name.lower())


def check(variant: Variant, told: dict[str, object], python: str) -> None:
    """Everything is there that is depended on, for Arm and this Python."""
    with ZipFile(str(told["path"])) as made:
        names = made.namelist()
        assert {"main.py", "agent.py", "serving/server.py"} <= {*names}
        assert not [name for name in names if name.startswith(("tests/", "."))]
        # AgentCore starts the agent with it
        assert ("bin/opentelemetry-instrument" in names) >= variant.tracing
        infos = {name.partition(".dist-info/")[0] for name in names if ".dist-info/" in name}
        there = {canonical(info.rpartition("-")[0]) for info in infos}
        project = made.read("pyproject.toml").decode()
        wanted = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.M | re.S)
        assert wanted
        for line in wanted[1].splitlines():
            name = re.split(r"[^\w.-]", line.strip().lstrip('"'))[0]
            assert canonical(name) in there, line
        version = python.replace(".", "")
        of_python = [name for name in names if ".cpython-" in name and name.endswith(".so")]
        assert all(f".cpython-{version}-aarch64" in name for name in of_python)
        assert of_python


@pytest.mark.real
@pytest.mark.pinned
@pytest.mark.parametrize("name", SOME)
def test_a_package_is_complete(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = replace(BY_NAME[name], tracing=True)
    check(variant, pack(variant, tmp_path, monkeypatch, "3.13"), "3.13")


@pytest.mark.real
@pytest.mark.unpinned
@pytest.mark.parametrize("tracing", [False, True])
@pytest.mark.parametrize("variant", [v for v in PAIRS if not v.stream], ids=str)
def test_every_pair_can_be_packed(
    variant: Variant, tracing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_RESOLUTION")
    variant = replace(variant, tracing=tracing)
    check(variant, pack(variant, tmp_path, monkeypatch, "3.13"), "3.13")
