"""What importing a project costs beyond the framework itself."""

import ast
import subprocess
from pathlib import Path

import pytest

from contract.environments import python_of
from contract.projects import STREAMED, Variant, each

# main.py imports the same with and without streaming, but for a class or two
pytestmark = [pytest.mark.real, each(STREAMED)]

# generous: what the project itself is held to is half of it
SECONDS = 0.6
RUNTIME = {"bedrock_agentcore", "dotenv", "starlette"}
MEASURE = """
import resource, sys
sys.path.insert(0, ".")
start = resource.getrusage(resource.RUSAGE_SELF)
{statements}
end = resource.getrusage(resource.RUSAGE_SELF)
print(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
"""


def imports_of_others(source: str, project: Path, without: set[str]) -> str:
    """The import statements of a module that concern neither the project nor these packages."""
    statements = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom):
            root = str(node.module).partition(".")[0]
        elif isinstance(node, ast.Import):
            root = node.names[0].name.partition(".")[0]
        else:
            continue
        own = (project / f"{root}.py").exists() or (project / root).is_dir()
        if not own and root not in without:
            statements.append(ast.unparse(node))
    return "\n".join(statements)


def cpu_seconds(python: Path, project: Path, statements: str) -> float:
    """The lesser of two runs, each in a process of its own."""
    command = [str(python), "-c", MEASURE.format(statements=statements)]
    return min(float(subprocess.check_output(command, cwd=project, text=True)) for _ in range(2))


def test_import_costs_little_more_than_the_framework(variant: Variant, tmp_path: Path) -> None:
    project, python = variant.write(tmp_path / "project"), python_of(variant.framework)
    source = (project / "main.py").read_text()
    whole = cpu_seconds(python, project, "import main")
    framework = cpu_seconds(python, project, imports_of_others(source, project, RUNTIME))
    with_runtime = cpu_seconds(python, project, imports_of_others(source, project, set()))
    print(
        f"import {variant}: {whole:.2f} s, the framework {framework:.2f} s, "
        f"with the runtime {with_runtime:.2f} s: {whole / framework:.2f} times the framework"
    )
    assert whole < framework + SECONDS
