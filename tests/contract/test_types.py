"""Every distinct agent.py and model of a project, as mypy sees them beside the real framework."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contract.environments import CACHE, locked, python_of
from contract.projects import CONTRACT, DEFAULTS, PAIRS, STORES, TRACED, Variant, each

# the model is the same with every option, and agent.py the same with every provider
MODELS = [variant for variant in PAIRS if not variant.stream and variant not in CONTRACT]
# main.py and serving are the same in all frameworks
KEPT = [
    replace(DEFAULTS[0], stream=not transcript, transcript=transcript, store=store)
    for store in STORES
    for transcript in (False, True)
]
VARIANTS = dict.fromkeys([*CONTRACT, *MODELS, *KEPT, *TRACED[:2]])
pytestmark = [pytest.mark.real, each([*VARIANTS])]


def test_the_project_is_well_typed(variant: Variant, tmp_path: Path) -> None:
    project, python = variant.write(tmp_path / "project"), python_of(variant.framework)
    # of an environment, mypy reads the packages once; a cache is for one framework alone
    cache = CACHE.parent / "mypy" / python.parents[1].name
    modules = sorted(path.name for path in project.glob("*.py"))
    with locked(cache.with_suffix(".lock")):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mypy", "--python-executable", str(python)),
                *("--cache-dir", str(cache), *modules, "model", "serving"),
            ],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.startswith("Success"), done.stdout + done.stderr
