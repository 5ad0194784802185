"""The versions that the tests install: those of the committed lists, or those of the day.

A list `FRAMEWORK.txt` is the environment of a framework, `FRAMEWORK-tests.txt` is what its
projects' own tests and installation need beside it, and `constraints.txt` is what the tests here
run with. UV_RESOLUTION, which uv reads too, asks for other versions than the listed ones.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent
CONSTRAINTS = FOLDER.parents[1] / "constraints.txt"
# what the tool and the projects run on
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# `highest` or `lowest-direct` of the day: the nightly's business
UNPINNED = bool(os.environ.get("UV_RESOLUTION"))


def read(file: Path) -> list[str]:
    """The lines of a list, each a package with its version and, where not everywhere, a marker."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def files_of(framework: str) -> tuple[Path, Path]:
    """The list of a framework's environment, and of what its projects need beside it."""
    return FOLDER / f"{framework}.txt", FOLDER / f"{framework}-tests.txt"


def of_projects(framework: str) -> list[str]:
    """The lines for everything that a framework's projects are installed with."""
    return [line for file in files_of(framework) for line in read(file)]


def versions(lines: Iterable[str], **environment: str) -> dict[str, str]:
    """The version of each package, where the markers hold: here, or in another environment."""
    found: dict[str, str] = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            (exact,) = requirement.specifier
            found[canonicalize_name(requirement.name)] = exact.version
    return found
