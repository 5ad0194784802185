"""What compiler and ruff say of the Python files, which they read from disk."""

import json
import py_compile
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agentcore_new.errors import Error
from agentcore_new.review.faults import Fault, Finding
from agentcore_new.review.rendering import Project
from agentcore_new.review.requirements import require
from agentcore_new.review.text_rules import is_python

PYPROJECT = "pyproject.toml"
RUFF_COMMANDS = (("check",), ("format", "--check"))


def code_faults(owners: Mapping[tuple[str, str], Project]) -> Iterator[Fault]:
    """Yield the faults of Python files, each distinct one as a file of the project that it is in.

    Args:
        owners: The first project with each text, by path and text.

    Raises:
        Error: Ruff is not installed, or fails.
    """
    by_project: dict[int, tuple[Project, list[str]]] = {}
    for (path, _), project in owners.items():
        if is_python(path):
            by_project.setdefault(id(project), (project, []))[1].append(path)
    if not by_project:
        return
    modules = {path.partition("/")[0].removesuffix(".py") for path, _ in owners if is_python(path)}
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        folder = Path(temporary).resolve()
        projects = list(by_project.values())
        for number, (project, own) in enumerate(projects):
            for path in own:
                file = folder / str(number) / path
                _write(file, project.files[path])
                for rule, message in _compile(file, path, folder / "compiled"):
                    yield Fault(path, project.combination, rule, message)
            # Its own settings; a text is checked with those of the first project that has it.
            _write(folder / str(number) / PYPROJECT, project.files.get(PYPROJECT, ""))
        for file, rule, message in _ruff(folder, modules):
            number_name, _, path = file.relative_to(folder).as_posix().partition("/")
            if is_python(path):
                yield Fault(path, projects[int(number_name)][0].combination, rule, message)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")


def _compile(file: Path, path: str, compiled: Path) -> Iterator[Finding]:
    """Compile one file; a warning of the compiler is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            py_compile.compile(str(file), cfile=str(compiled), dfile=path, doraise=True)
        except (py_compile.PyCompileError, Warning) as error:
            yield "py_compile", str(error)


def _ruff(folder: Path, modules: Iterable[str]) -> Iterator[tuple[Path, str, str]]:
    """Yield file, rule and message of all that ruff finds, each project having its own settings.

    Args:
        folder: The projects.
        modules: What is first-party, of which not every module lies beside each file.
    """
    require("ruff", "ruff")
    first_party = f"lint.isort.known-first-party={json.dumps(sorted(modules))}"
    settings = ("--no-cache", "--output-format=json", "--config", first_party)
    for command in RUFF_COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, "."],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        try:
            diagnostics = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise Error(f"ruff {command[0]} failed: {done.stderr.strip()}") from None
        for found in diagnostics:
            row = (found["location"] or {}).get("row", 1)
            rule = f"ruff {command[0]} {found['code']}"
            yield Path(found["filename"]).resolve(), rule, f"line {row}: {found['message']}"
