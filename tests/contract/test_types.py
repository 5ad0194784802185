"""Every distinct agent.py and model of a project, as mypy sees them beside the real framework."""

import subprocess
import sys
from pathlib import Path

import pytest

from contract.environments import CACHE, python_of
from contract.projects import CONTRACT, PAIRS, Variant, each

# the model is the same with every option, and agent.py the same with every provider
MODELS = [variant for variant in PAIRS if not variant.stream and variant not in CONTRACT]
pytestmark = [pytest.mark.real, each([*CONTRACT, *MODELS])]


def test_the_project_is_well_typed(variant: Variant, tmp_path: Path) -> None:
    project, python = variant.write(tmp_path / "project"), python_of(variant.framework)
    # of an environment, mypy reads the packages once; a cache is for one framework alone
    cache = CACHE.parent / "mypy" / python.parents[1].name
    modules = sorted(path.name for path in project.glob("*.py"))
    packages = ["model", "serving", *(["chat"] if variant.transcript else [])]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--python-executable", str(python)),
            *("--cache-dir", str(cache), *modules, *packages),
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("Success"), done.stdout + done.stderr
