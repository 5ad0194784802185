"""The wheel, installed by itself, makes byte for byte what the checkout makes."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from agentcore_new.answers import combinations
from agentcore_new.review.faults import label
from agentcore_new.review.rendering import render_all

ROOT = Path(__file__).parents[1]
# the wheel is built and installed once, by one worker
pytestmark = pytest.mark.xdist_group("wheel")

# Runs in the other environment: prints a line with a hash for each combination.
PRINT_HASHES = """
import hashlib
import json
from agentcore_new.review.faults import label
from agentcore_new.review.rendering import render_all
from agentcore_new.answers import combinations

for project in render_all(combinations()).projects:
    files = json.dumps(project.files).encode()
    print(label(project.combination), hashlib.sha256(files).hexdigest())
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, which must succeed, and return what it prints."""
    done = attempt(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempt(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that does not see this checkout."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return subprocess.run(
        command,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, which is made from the source distribution as for a release."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel and what it depends on alone."""
    folder = tmp_path_factory.mktemp("bare")
    # The versions that are tested here, whatever was published since.
    versions = {each.metadata["Name"]: each.version for each in distributions()}
    # but our own, which may have been installed before it had this version
    held = [f"{name}=={version}\n" for name, version in versions.items() if name != "agentcore-new"]
    (folder / "held.txt").write_text("".join(held))
    run(sys.executable, "-m", "uv", "venv", "--python", sys.executable, "env", cwd=folder)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = (sys.executable, "-m", "uv", "pip", "install", "--python", python)
    run(*install, "--constraints", "held.txt", wheel, cwd=folder)
    return python


def test_every_combination_has_the_same_bytes(python: Path, tmp_path: Path) -> None:
    from_wheel = run(python, "-P", "-c", PRINT_HASHES, cwd=tmp_path).splitlines()
    from_checkout = run(sys.executable, "-P", "-c", PRINT_HASHES, cwd=tmp_path).splitlines()
    assert from_wheel == from_checkout
    assert [line.split()[0] for line in from_wheel] == [
        label(project.combination) for project in render_all(combinations()).projects
    ]


def test_the_environment_has_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    where = run(python, "-P", "-c", "import agentcore_new as a; print(a.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])
    run(python, "-P", "-m", "agentcore_new", "--version", cwd=tmp_path)


def test_the_wheel_holds_the_package_and_its_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = "agentcore_new/"
    others = {name.split("/")[0] for name in names if not name.startswith(package)}
    assert all(name.endswith(".dist-info") for name in others)
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    wanted = {
        package + path.relative_to(ROOT).as_posix() for path in (*templates, ROOT / "copier.yml")
    }
    assert {name for name in wanted if "__pycache__" not in name} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("command", ["check", "snapshots", "diff"])
def test_what_needs_the_repository_says_so(python: Path, tmp_path: Path, command: str) -> None:
    done = attempt(python, "-P", "-m", "agentcore_new", command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: This command is for work on the templates")


def test_what_needs_the_repository_is_not_shown(python: Path, tmp_path: Path) -> None:
    shown = run(python, "-P", "-m", "agentcore_new", "--help", cwd=tmp_path)
    (listed,) = re.findall(r"^Commands:\n((?:  .*\n)+)", shown, re.M)
    assert re.findall(r"^  (\w+)", listed, re.M) == ["create", "preview", "package", "frameworks"]
