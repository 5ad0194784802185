"""What importing a project loads: its own modules, and what its main.py imports of others."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import ALTERNATING, PAIRS, TRANSCRIPTS, Variant, each
from contract.stores import Store

# a streaming main.py imports a class or two more of the same packages
WHOLE = [variant for variant in (*PAIRS, *TRANSCRIPTS) if not variant.stream]
pytestmark = [pytest.mark.real, each([*dict.fromkeys([*WHOLE, *ALTERNATING])])]

# what SQLAlchemy imports when it is told which database it is
DRIVERS = {"memory": set[str](), "sqlite": {"aiosqlite"}, "postgres": {"asyncpg"}}

LOADED = """
import json, sys
sys.path.insert(0, ".")
{statements}
roots = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps(sorted(roots - sys.stdlib_module_names)))
"""


def loaded(variant: Variant, project: Path, statements: str, **environment: str) -> set[str]:
    """The packages that are loaded after these statements."""
    command = [str(python_of(variant.framework)), "-c", LOADED.format(statements=statements)]
    variables = os.environ | environment
    found = json.loads(subprocess.check_output(command, cwd=project, env=variables, text=True))
    # what Cython has in common for all that it compiles is no package
    return {name for name in found if not name.startswith("_cython_")}


def test_import_loads_no_other_package(
    variant: Variant, new_store: Callable[[Variant, Path], Store], tmp_path: Path
) -> None:
    project, store = variant.write(tmp_path / "project"), new_store(variant, tmp_path)
    own = {path.partition("/")[0].removesuffix(".py") for path in variant.files()}
    others = loaded(variant, project, variant.imports()) | DRIVERS[variant.store]
    assert loaded(variant, project, "import main", **store.environment) - others - own == set()
