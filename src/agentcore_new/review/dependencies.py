"""What a project requires, from the file in which it says so."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache

PYPROJECT = "pyproject.toml"


def dependencies_of(files: Mapping[str, str]) -> Mapping[tuple[str, str], str]:
    """Return what a project requires, by group and name of the package.

    Args:
        files: The text of each file, by path.
    """
    return _requirements(files.get(PYPROJECT, ""))


@cache
def _requirements(text: str) -> Mapping[tuple[str, str], str]:
    try:
        table = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError:
        return {}
    groups = {
        "dependencies": table.get("dependencies", ()),
        **table.get("optional-dependencies", {}),
    }
    return {
        (group, re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]): requirement
        for group, requirements in groups.items()
        for requirement in requirements
    }
