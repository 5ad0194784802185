"""All that users get from one state of the repository: by its own templates and its own code."""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentcore_new import git
from agentcore_new.errors import UnknownBase
from agentcore_new.review.rendering import Project

# What rendering needs; the first release had these already.
SOURCES = ("src", "templates", "copier.yml")
EXPORT = Path(__file__).with_name("export.py")


@dataclass(frozen=True, slots=True)
class Edition:
    """One state of the templates.

    Args:
        name: What the reader calls it.
        catalogue: What can be chosen, as `frameworks --json` prints it.
        projects: The project of every combination.
        templates: The text of each template, by its path in the repository.
        read: Of each file by its path: the templates that each of its texts comes from.
    """

    name: str
    catalogue: Mapping[str, Any]
    projects: tuple[Project, ...]
    templates: Mapping[str, str]
    read: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, list[str]]:
        """The values of each option, as they are written in names."""
        found: dict[str, dict[str, None]] = {}
        for project in self.projects:
            for name, value in project.combination.items():
                found.setdefault(name, {})[str(value).lower()] = None
        return {name: list(values) for name, values in found.items()}


def of_folder(folder: Path, name: str) -> Edition:
    """Render everything with the templates and the code in `folder`.

    Raises:
        UnknownBase: The code does not run here.
    """
    # the interpreter of today with the code of then
    done = subprocess.run(
        [sys.executable, "-I", EXPORT, folder / "src"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        cause = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise UnknownBase(f"The templates of {name} cannot be rendered: {cause}")
    catalogue, texts, projects, read = json.loads(done.stdout)
    return Edition(
        name,
        catalogue,
        tuple(
            Project(combination, {path: texts[number] for path, number in files.items()})
            for combination, files in projects
        ),
        {
            file.relative_to(folder).as_posix(): file.read_bytes().decode(errors="replace")
            for file in sorted((folder / "templates").rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        },
        {
            path: {texts[int(number)]: tuple(names) for number, names in found.items()}
            for path, found in read.items()
        },
    )


def of_commit(root: Path, commit: str, name: str) -> Edition:
    """Render everything with the templates and the code of a commit.

    Args:
        root: The top of the checkout.
        commit: Its whole sha.
        name: What the reader calls it.

    Raises:
        UnknownBase: Its code does not run here.
    """
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        folder = Path(temporary)
        archive = folder / "archive.tar"
        written = git.read(root, "archive", f"--output={archive}", commit, "--", *SOURCES)
        if written is None:
            raise UnknownBase(f"{name} has no templates: {', '.join(SOURCES)} are not all there.")
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        return of_folder(folder, name)
