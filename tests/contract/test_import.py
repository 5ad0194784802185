"""What importing a project loads: its own modules, and what its main.py imports of others."""

import json
import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import PAIRS, TRANSCRIPTS, Variant, each

# a streaming main.py imports a class or two more of the same packages
VARIANTS = [variant for variant in (*PAIRS, *TRANSCRIPTS) if not variant.stream]
pytestmark = [pytest.mark.real, each(VARIANTS)]

LOADED = """
import json, sys
sys.path.insert(0, ".")
{statements}
roots = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps(sorted(roots - sys.stdlib_module_names)))
"""


def loaded(variant: Variant, project: Path, statements: str) -> set[str]:
    """The packages that are loaded after these statements."""
    command = [str(python_of(variant.framework)), "-c", LOADED.format(statements=statements)]
    return set(json.loads(subprocess.check_output(command, cwd=project, text=True)))


def test_import_loads_no_other_package(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    own = {path.partition("/")[0].removesuffix(".py") for path in variant.files()}
    others = loaded(variant, project, variant.imports())
    assert loaded(variant, project, "import main") - others - own == set()
