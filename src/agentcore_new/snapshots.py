"""The snapshots: every byte of every combination, once, in a folder that a reviewer can read.

`<framework>/<file>/<values>.<suffix>` holds the text of that file for the values of just those
options that change it: `adk/main.py/stream=true.py`, `adk/invocation.py/always.py`.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath

from agentcore_new.errors import Error
from agentcore_new.matrix import Project, label
from agentcore_new.options import FRAMEWORK, Value

# Names for what no option changes, and for a leading dot: tools read `.gitignore` and hide dots.
ALWAYS = "always"
DOT = "dot_"

Combination = Mapping[str, Value]


def plan(projects: Sequence[Project]) -> dict[str, str]:
    """Return the text of each snapshot by its path, sorted by it.

    Args:
        projects: One for each combination of the options.
    """
    planned: dict[str, str] = {}
    for framework, group in _by_framework(projects).items():
        for path in sorted({path for project in group for path in project.files}):
            names = relevant_options(group, path)
            for project in group:
                if path in project.files:
                    values = {name: project.combination[name] for name in names}
                    planned[_snapshot_path(framework, path, values)] = project.files[path]
    return dict(sorted(planned.items()))


def relevant_options(projects: Sequence[Project], path: str) -> list[str]:
    """Return the options that change the file at `path`, or whether it is there at all.

    Args:
        projects: All those of one framework.
        path: A file in them.
    """
    names = [name for name in projects[0].combination if name != FRAMEWORK.name]
    for name in tuple(names):
        others = [other for other in names if other != name]
        if _is_function(
            (tuple(project.combination[other] for other in others), project.files.get(path))
            for project in projects
        ):
            names = others
    return names


def restore(snapshots: Mapping[str, str], combination: Combination) -> dict[str, str]:
    """Return the files of the project of `combination`: the inverse of `plan`.

    Args:
        snapshots: The text of each snapshot by its path.
        combination: The value of each option.

    Raises:
        Error: Two snapshots hold the same file of this combination.
    """
    files: dict[str, str] = {}
    wanted = {*label(combination).split(","), ALWAYS}
    for name, text in snapshots.items():
        framework, path, values = parse(name)
        if framework == combination[FRAMEWORK.name] and wanted.issuperset(values):
            if path in files:
                raise Error(f"There are two snapshots of {path} for {label(combination)}.")
            files[path] = text
    return dict(sorted(files.items()))


@cache
def parse(name: str) -> tuple[str, str, tuple[str, ...]]:
    """Return framework, file and values (`stream=true`) of the snapshot at `name`.

    Raises:
        Error: No snapshot can have this path.
    """
    framework, _, inside = name.partition("/")
    folders, _, snapshot = inside.rpartition("/")
    path = _with_prefixes(folders, DOT, ".")
    if not path or not snapshot.endswith(_suffix(path)):
        raise Error(f"{name} is not the path of a snapshot.")
    return framework, path, tuple(snapshot.removesuffix(_suffix(path)).split(","))


def _by_framework(projects: Iterable[Project]) -> dict[str, list[Project]]:
    groups: dict[str, list[Project]] = {}
    for project in projects:
        groups.setdefault(str(project.combination[FRAMEWORK.name]), []).append(project)
    return groups


def _is_function(pairs: Iterable[tuple[Hashable, Hashable]]) -> bool:
    """Tell whether no argument comes with two values."""
    values: dict[Hashable, Hashable] = {}
    return all(values.setdefault(argument, value) == value for argument, value in pairs)


def _snapshot_path(framework: str, path: str, values: Combination) -> str:
    return f"{framework}/{_with_prefixes(path, '.', DOT)}/{label(values) or ALWAYS}{_suffix(path)}"


def _suffix(path: str) -> str:
    """Return what editors know the language by: `.py`, `.gitignore`, `.Dockerfile`."""
    name = PurePosixPath(path).name
    return name if name.startswith(".") else PurePosixPath(path).suffix or f".{name}"


def _with_prefixes(path: str, old: str, new: str) -> str:
    """Return `path` with the prefix `new` for `old` in each of its parts."""
    return "/".join(
        new + part.removeprefix(old) if part.startswith(old) else part for part in path.split("/")
    )
