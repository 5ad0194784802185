"""The snapshots: every line of every combination, once, in files that a reviewer can read.

`project/` has one text for each file that a project can have, `frameworks/<framework>/` the files
that stand once a framework, because those of different frameworks have little in common.
"""

from collections.abc import Mapping, Sequence

from agentcore_new.options import FRAMEWORK, Value
from agentcore_new.review.cube import Combination, Cube, of_combinations, relevant
from agentcore_new.review.marked import marked, restored
from agentcore_new.review.rendering import Project
from agentcore_new.review.union import Line, union

SHARED, OWN = "project", "frameworks"
# For a leading dot: tools obey a `.gitignore`, and hide what begins with a dot.
DOT = "dot."


def plan(projects: Sequence[Project]) -> dict[str, str]:
    """Return the text of each snapshot by its path, sorted by it.

    Args:
        projects: One for each combination of the options.
    """
    cube = of_combinations([project.combination for project in projects])
    ordered = sorted(projects, key=lambda project: cube.index(project.combination))
    planned: dict[str, str] = {}
    for path in sorted({path for project in projects for path in project.files}):
        texts = [project.files.get(path) for project in ordered]
        planned.update(_snapshots(cube, path, texts))
    return dict(sorted(planned.items()))


def restore(
    snapshots: Mapping[str, str], axes: Mapping[str, Sequence[Value]], combination: Combination
) -> dict[str, str]:
    """Return the files of the project of `combination`: the inverse of `plan`.

    Args:
        snapshots: The text of each snapshot by its path.
        axes: All values of each option.
        combination: The value of each option.

    Raises:
        Error: A snapshot is none.
    """
    files: dict[str, str] = {}
    own = f"{OWN}/{combination[FRAMEWORK.name]}/"
    for name, text in snapshots.items():
        folder = own if name.startswith(own) else f"{SHARED}/"
        if name.startswith(folder):
            path = _path(name.removeprefix(folder))
            if (found := restored(path, text, axes, combination)) is not None:
                files[path] = found
    return dict(sorted(files.items()))


def _snapshots(cube: Cube, path: str, texts: Sequence[str | None]) -> dict[str, str]:
    """Return the snapshots of one file: one, or one for each framework that has it."""
    smaller, its_texts = relevant(cube, texts)
    lines = union(smaller, its_texts)
    present = _present(its_texts)
    frameworks = smaller.masks.get(FRAMEWORK.name, {})
    having = {name: mask for name, mask in frameworks.items() if mask & present}
    if not having or (_share_much(lines, list(having.values())) and len(having) > 1):
        return {f"{SHARED}/{_name(path)}": marked(path, smaller, lines, present, smaller.all)}
    return {
        f"{OWN}/{name}/{_name(path)}": marked(
            path,
            smaller,
            [(line, some & mask) for line, some in lines if some & mask],
            present & mask,
            mask,
        )
        for name, mask in having.items()
    }


def _present(texts: Sequence[str | None]) -> int:
    return sum(1 << number for number, text in enumerate(texts) if text is not None)


def _share_much(lines: Sequence[Line], frameworks: Sequence[int]) -> bool:
    """Tell whether all frameworks have at least half of the lines that one has."""
    shared = sum(all(some & mask for mask in frameworks) for _, some in lines)
    each = sum(bool(some & mask) for _, some in lines for mask in frameworks)
    return 2 * shared * len(frameworks) >= each


def _name(path: str) -> str:
    return "/".join(DOT + part[1:] if part.startswith(".") else part for part in path.split("/"))


def _path(name: str) -> str:
    return "/".join(
        "." + part.removeprefix(DOT) if part.startswith(DOT) else part for part in name.split("/")
    )
