"""All that users get from one state of the repository: by its own templates and its own code."""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore_new import git
from agentcore_new.errors import UnknownBase
from agentcore_new.options import FRAMEWORK
from agentcore_new.review.faults import label
from agentcore_new.review.rendering import Project

# What rendering needs; the first release had these already.
SOURCES = ("src", "templates", "copier.yml")
# Run by the interpreter of today with the code of then, in a process of its own.
EXPORT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from agentcore_new import catalogue, options
from agentcore_new.render import render
try:
    from agentcore_new.answers import combinations
except ModuleNotFoundError:
    from agentcore_new.options import combinations
numbers, projects = {}, []
for answers in combinations():
    files = {path: numbers.setdefault(text, len(numbers)) for path, text in render(answers).items()}
    projects.append([{option.name: answers[option.name] for option in options.OPTIONS}, files])
json.dump([catalogue.as_object(), list(numbers), projects], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Edition:
    """One state of the templates.

    Args:
        name: What the reader calls it.
        catalogue: What can be chosen, as `frameworks --json` prints it.
        projects: The project of every combination.
    """

    name: str
    catalogue: Mapping[str, Any]
    projects: tuple[Project, ...]

    @property
    def options(self) -> dict[str, list[str]]:
        """The values of each option but the framework, as they are written in names."""
        found: dict[str, dict[str, None]] = {}
        for project in self.projects:
            for pair in label(project.combination).split(","):
                name, _, value = pair.partition("=")
                found.setdefault(name, {})[value] = None
        return {name: list(values) for name, values in found.items() if name != FRAMEWORK.name}


def of_folder(folder: Path, name: str) -> Edition:
    """Render everything with the templates and the code in `folder`.

    Raises:
        UnknownBase: The code does not run here.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", EXPORT, str(folder / "src")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        cause = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise UnknownBase(f"The templates of {name} cannot be rendered: {cause}")
    catalogue, texts, projects = json.loads(done.stdout)
    return Edition(
        name,
        catalogue,
        tuple(
            Project(combination, {path: texts[number] for path, number in files.items()})
            for combination, files in projects
        ),
    )


def of_commit(root: Path, commit: str, name: str) -> Edition:
    """Render everything with the templates and the code of a commit, tag or branch.

    Args:
        root: The top of the checkout.
        commit: What git knows it by.
        name: What the reader calls it.

    Raises:
        UnknownBase: There is no such commit, or its code does not run here.
    """
    full = git.read(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if commit.startswith("-") or not full:
        raise UnknownBase(
            f"There is no commit, tag or branch {commit} in {root}.",
            hint="`git fetch --tags` may bring it.",
        )
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        folder = Path(temporary)
        archive = folder / "archive.tar"
        written = git.read(root, "archive", f"--output={archive}", full, "--", *SOURCES)
        if written is None:
            raise UnknownBase(f"{commit} has no templates: {', '.join(SOURCES)} are not all there.")
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        return of_folder(folder, name)
