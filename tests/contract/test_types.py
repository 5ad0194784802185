"""Every distinct main.py and model of a project, as mypy sees them beside the real framework."""

import subprocess
import sys
from pathlib import Path

import pytest

from contract.environments import CACHE, python_of
from contract.projects import PAIRS, STREAMED, Variant, each

# the model is the same with and without streaming, and main.py the same with every provider
DISTINCT = [variant for variant in PAIRS if not variant.stream or variant in STREAMED]
pytestmark = [pytest.mark.real, each(DISTINCT)]


def test_the_project_is_well_typed(variant: Variant, tmp_path: Path) -> None:
    project, python = variant.write(tmp_path / "project"), python_of(variant.framework)
    # of an environment, mypy reads the packages once; a cache is for one framework alone
    cache = CACHE.parent / "mypy" / python.parents[1].name
    modules = sorted(path.name for path in project.glob("*.py"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--python-executable", str(python)),
            *("--cache-dir", str(cache), *modules, "model"),
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("Success"), done.stdout + done.stderr
