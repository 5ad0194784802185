"""What compiler and ruff say of the Python files, which they read from disk."""

import json
import py_compile
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

from agentcore_new.errors import Error
from agentcore_new.review.dependencies import PYPROJECT
from agentcore_new.review.faults import Fault, Finding
from agentcore_new.review.optional_tools import require
from agentcore_new.review.rendering import Project
from agentcore_new.review.text_rules import is_python

RUFF_COMMANDS = (("check",), ("format", "--check"))


def code_faults(owners: Mapping[tuple[str, str], Project]) -> Iterator[Fault]:
    """Yield the faults of Python files, each distinct one with the settings of its project.

    Args:
        owners: The first project with each text, by path and text.

    Raises:
        Error: Ruff is not installed, or fails.
    """
    texts = {key: project for key, project in owners.items() if is_python(key[0])}
    if not texts:
        return
    modules = {path.partition("/")[0].removesuffix(".py") for path, _ in texts}
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        folder = Path(temporary).resolve()
        written: dict[Path, tuple[str, Project]] = {}
        # Disks are slow: projects with the same settings share a folder.
        folders: dict[str, Path] = {}
        for (path, text), project in texts.items():
            settings = project.files.get(PYPROJECT, "")
            if settings not in folders:
                folders[settings] = folder / str(len(folders))
                _write(folders[settings] / PYPROJECT, settings)
            file = _free(folders[settings] / path, written)
            written[file] = (path, project)
            _write(file, text)
            for rule, message in _compile(file, path, folder / "compiled"):
                yield Fault(path, project.combination, rule, message)
        for file, rule, message in _ruff(folder, modules):
            if file in written:
                path, project = written[file]
                yield Fault(path, project.combination, rule, message)


def _free(file: Path, taken: Container[Path]) -> Path:
    """Return `file`, or where another text of it is: beside it, of a package beside that."""
    if file not in taken:
        return file
    module = file.parent if file.stem == "__init__" else file
    others = (module.with_name(f"{module.stem}_{n}{module.suffix}") for n in count(2))
    return next(
        other
        for each in others
        if (other := each / file.name if module is not file else each) not in taken
    )


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
