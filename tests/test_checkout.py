"""What the README's commands install in a fresh clone is what is listed, and nothing else."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pins
import pytest
from packaging.utils import canonicalize_name
from test_readme import commands

ROOT = Path(__file__).parents[1]
# asked now: tests have a home folder of their own, and must not download everything anew
PIP_CACHE = Path(os.environ.get("PIP_CACHE_DIR", Path.home() / ".cache" / "pip"))
pytestmark = [pytest.mark.real, pytest.mark.pinned]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what is committed here, or would be."""
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    names = subprocess.check_output(listing, cwd=ROOT, text=True).split("\0")
    for name in names:
        if (ROOT / name).is_file():
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "clone" / name)
    return tmp_path / "clone"


@pytest.mark.parametrize("command", commands(), ids=["create", "tests", "dev"])
def test_nothing_is_installed_that_is_not_pinned(clone: Path, command: str) -> None:
    """pip says what it would install, and its log what it has built this project with."""
    report, log = clone.with_name("report.json"), clone.with_name("log")
    before, found, after = command.partition("pip install")
    assert found
    if "venv .venv" not in before:  # it follows the one that makes it
        before = f"python3 -m venv .venv && {before}"
    trying = f"{before}{found} --dry-run --report {report} --log {log}"
    hidden = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
    done = subprocess.run(
        ["/bin/sh", "-c", trying + after.partition("&&")[0]],
        cwd=clone,
        env={name: value for name, value in os.environ.items() if name not in hidden}
        | {"PIP_CACHE_DIR": str(PIP_CACHE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [row["metadata"] for row in json.loads(report.read_text())["install"]]
    installed: dict[str, str] = {canonicalize_name(row["name"]): row["version"] for row in rows}
    assert installed.pop("agentcore-new")
    built = re.findall(r"Successfully installed (.*)", log.read_text())
    pairs = [word.rpartition("-") for line in built for word in line.split()]
    built_with = {canonicalize_name(name): version for name, _, version in pairs}
    assert "hatchling" in built_with
    assert "jinja2" in installed
    listed = pins.versions(pins.read(pins.CONSTRAINTS)).items()
    assert installed.items() - listed == set()
    assert built_with.items() - listed == set()
