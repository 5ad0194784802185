"""What users get that is new, between two editions: pure functions on their projects."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any, Literal

from agentcore_new.options import FRAMEWORK, Value
from agentcore_new.review.code_tools import PYPROJECT
from agentcore_new.review.edition import Edition

CONTEXT = 3  # lines around a change
Combination = Mapping[str, Value]
Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Where:
    """Which projects have a change.

    Args:
        count: How many have it.
        total: Of how many of the framework.
        common: The options whose values not all have, with those that these have.
        exact: Whether just the projects with these values have it.
    """

    count: int
    total: int
    common: tuple[tuple[str, tuple[str, ...]], ...]
    exact: bool

    def __str__(self) -> str:
        """Return it as a reader takes it: `in 16 of 80: stream=true`."""
        values = ", ".join(f"{name}={'|'.join(some)}" for name, some in self.common)
        share = f"in all {self.total}" if self.count == self.total else ""
        share = share or f"in {self.count} of {self.total}"
        if not values:
            return share
        return f"{share}: {values}" if self.exact else f"{share}, all with {values}"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that belong together, and the projects that have them.

    Args:
        lines: Each with its mark: blank, minus or plus.
        before: The number of the first line, in the first project that has the hunk.
        after: The same in the new text.
        where: Who has it.
    """

    lines: tuple[str, ...]
    before: int
    after: int
    where: Where

    @property
    def changed(self) -> tuple[str, ...]:
        """The lines without those around them."""
        return tuple(line for line in self.lines if line[0] != " ")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What is new in one file, for all frameworks in which that is the same."""

    frameworks: tuple[str, ...]
    path: str
    kind: Kind
    hunks: tuple[Hunk, ...]

    @property
    def added(self) -> int:
        """How many lines its hunks add."""
        return sum(line.startswith("+") for hunk in self.hunks for line in hunk.lines)

    @property
    def removed(self) -> int:
        """How many lines its hunks remove."""
        return sum(line.startswith("-") for hunk in self.hunks for line in hunk.lines)


@dataclass(frozen=True, slots=True)
class DependencyChange:
    """A dependency that has another version, has come or gone.

    Args:
        frameworks: Those in which it is so.
        group: `dependencies`, or the name of an extra.
        name: Of the package.
        before: What was required; None if nothing was.
        after: What is required; None if nothing is.
        where: Who has it.
    """

    frameworks: tuple[str, ...]
    group: str
    name: str
    before: str | None
    after: str | None
    where: Where


@dataclass(frozen=True, slots=True)
class ChoiceChange:
    """A value, default or description of what can be chosen."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that is new from one edition to the next.

    Args:
        base: The name of the edition before.
        combinations: How many there are now.
        frameworks: All that there are now.
        choices: What can be chosen.
        dependencies: What the projects require.
        files: What is in the files, in their order.
    """

    base: str
    combinations: int
    frameworks: tuple[str, ...]
    choices: tuple[ChoiceChange, ...]
    dependencies: tuple[DependencyChange, ...]
    files: tuple[FileChange, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.choices or self.dependencies or self.files)

    def who(self, frameworks: Sequence[str]) -> str:
        """Return some frameworks as a reader takes them."""
        return "all frameworks" if {*frameworks} == {*self.frameworks} else ", ".join(frameworks)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A combination, with what it gave before and what it gives now."""

    combination: Combination
    before: Mapping[str, str]
    after: Mapping[str, str]


def compare(before: Edition, after: Edition) -> Changes:
    """Return what is new in `after`; what is the same in several projects is there once."""
    by_framework: dict[str, list[_Pair]] = {}
    for pair in _pairs(before, after):
        by_framework.setdefault(str(pair.combination[FRAMEWORK.name]), []).append(pair)
    files: dict[tuple[str, Kind, tuple[object, ...]], tuple[list[str], tuple[Hunk, ...]]] = {}
    dependencies: dict[tuple[str, str, str | None, str | None, Where], list[str]] = {}
    for framework, pairs in by_framework.items():
        for path, kind, hunks in _file_changes(pairs):
            same = tuple((hunk.changed, hunk.where) for hunk in hunks)
            files.setdefault((path, kind, same), ([], hunks))[0].append(framework)
        for dependency in _dependency_changes(pairs):
            dependencies.setdefault(dependency, []).append(framework)
    return Changes(
        before.name,
        len(after.projects),
        tuple(row["name"] for row in after.catalogue["frameworks"]),
        tuple(_choice_changes(before.catalogue, after.catalogue)),
        tuple(
            DependencyChange(tuple(who), *row)
            for row, who in sorted(dependencies.items(), key=lambda item: item[0][:2])
        ),
        tuple(
            FileChange(tuple(who), path, kind, hunks)
            for (path, kind, _), (who, hunks) in sorted(files.items(), key=lambda item: item[0][:2])
        ),
    )


def _pairs(before: Edition, after: Edition) -> Iterator[_Pair]:
    """Yield each combination of now with what it was, and those that are no more.

    A combination with an option that was not there before is compared with the one without it. Of
    an option that is no more, its default is what is left.
    """
    old = {_frozen(project.combination): project.files for project in before.projects}
    known = set(before.projects[0].combination) if before.projects else set()
    left = set(after.projects[0].combination) if after.projects else set()
    gone = {name: _default(before.catalogue, name) for name in known - left}
    met = set()
    for project in after.projects:
        same = {name: value for name, value in project.combination.items() if name in known}
        key = _frozen(same | gone)
        met.add(key)
        yield _Pair(project.combination, old.get(key, {}), project.files)
    for project in before.projects:
        key = _frozen(project.combination)
        if key not in met and all(project.combination[name] == gone[name] for name in gone):
            yield _Pair(project.combination, project.files, {})


def _frozen(combination: Combination) -> frozenset[tuple[str, Value]]:
    return frozenset(combination.items())


def _default(catalogue: Mapping[str, Any], name: str) -> Value:
    found: Value = next(
        option["default"] if option["default"] is not None else option["values"][0]
        for option in catalogue["options"]
        if option["name"] == name
    )
    return found


def _file_changes(pairs: Sequence[_Pair]) -> Iterator[tuple[str, Kind, tuple[Hunk, ...]]]:
    everything = [pair.combination for pair in pairs]
    for path in sorted({path for pair in pairs for path in (*pair.before, *pair.after)}):
        found: dict[tuple[Kind, tuple[str, ...], int], list[Combination]] = {}
        first: dict[tuple[Kind, tuple[str, ...], int], tuple[tuple[str, ...], int, int]] = {}
        for pair in pairs:
            for kind, changed, number, hunk in _hunks(pair.before.get(path), pair.after.get(path)):
                found.setdefault((kind, changed, number), []).append(pair.combination)
                first.setdefault((kind, changed, number), hunk)
        for kind in ("added", "removed", "changed"):
            hunks = [
                Hunk(*first[key], where(who, everything))
                for key, who in found.items()
                if key[0] == kind
            ]
            if hunks:
                hunks.sort(key=lambda hunk: hunk.after)
                yield path, kind, tuple(hunks)


@cache
def _hunks(
    before: str | None, after: str | None
) -> tuple[tuple[Kind, tuple[str, ...], int, tuple[tuple[str, ...], int, int]], ...]:
    """Return the hunks between two texts.

    Of each its kind, the lines that change without those around them, how many hunks with the same
    lines come before it in this file, and its lines with the numbers of the first.
    """
    if before == after:
        return ()
    if before is None or after is None:
        kind: Kind = "added" if before is None else "removed"
        mark, text = ("+", after) if before is None else ("-", before)
        lines = tuple(mark + line for line in _lines(text or ""))
        return ((kind, lines, 0, (lines, 1, 1)),)
    old, new = _lines(before), _lines(after)
    found: list[tuple[Kind, tuple[str, ...], int, tuple[tuple[str, ...], int, int]]] = []
    seen: dict[tuple[str, ...], int] = {}
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        lines = tuple(
            line
            for tag, i, j, k, m in group
            for line in (
                [" " + each for each in old[i:j]]
                if tag == "equal"
                else ["-" + each for each in old[i:j]] + ["+" + each for each in new[k:m]]
            )
        )
        changed = tuple(line for line in lines if line[0] != " ")
        seen[changed] = seen.get(changed, -1) + 1
        position = (lines, group[0][1] + 1, group[0][3] + 1)
        found.append(("changed", changed, seen[changed], position))
    return tuple(found)


def _lines(text: str) -> list[str]:
    """Split at newlines alone, and show what else ends lines somewhere."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += "\\ (no newline at the end)"
    return lines


def where(some: Sequence[Combination], everything: Sequence[Combination]) -> Where:
    """Describe those of `everything` that are `some`, by the values that they have in common."""
    common: list[tuple[str, tuple[str, ...]]] = []
    product = 1
    # An option can be new or gone: then not all combinations have it.
    for name in dict.fromkeys(name for each in everything for name in each):
        possible = dict.fromkeys(_shown(each[name]) for each in everything if name in each)
        present = {_shown(each[name]) for each in some if name in each}
        product *= max(1, len(present))
        if len(present) < len(possible) and present:
            common.append((name, tuple(value for value in possible if value in present)))
    return Where(len(some), len(everything), tuple(common), product == len(some))


def _shown(value: Value) -> str:
    return str(value).lower()


def _dependency_changes(
    pairs: Sequence[_Pair],
) -> Iterator[tuple[str, str, str | None, str | None, Where]]:
    everything = [pair.combination for pair in pairs]
    found: dict[tuple[str, str, str | None, str | None], list[Combination]] = {}
    for pair in pairs:
        before = _requirements(pair.before.get(PYPROJECT))
        after = _requirements(pair.after.get(PYPROJECT))
        for group, name in {**before, **after}:
            one, other = before.get((group, name)), after.get((group, name))
            if one != other:
                found.setdefault((group, name, one, other), []).append(pair.combination)
    for row, who in found.items():
        yield (*row, where(who, everything))


@cache
def _requirements(text: str | None) -> dict[tuple[str, str], str]:
    """Return what a pyproject.toml requires, by group and name of the package."""
    try:
        table = tomllib.loads(text or "").get("project", {})
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


def _choice_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ChoiceChange]:
    one, other = dict(_flat(before)), dict(_flat(after))
    for what in dict.fromkeys([*one, *other]):
        if one.get(what) != other.get(what):
            yield ChoiceChange(what, one.get(what), other.get(what))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield each value of the catalogue by where it is, as `options.stream.default`."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            # Dependencies have a table of their own, and the version changes with each release.
            if name not in ("ok", "version", "dependencies", "name"):
                yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        rows = list(value)
        if any(isinstance(row, Mapping) for row in rows):
            for row in rows:
                yield from _flat(row, f"{path}.{row['name']}")
        else:
            yield path, ", ".join(map(_shown, rows))
    else:
        yield (
            path,
            "" if value is None else _shown(value) if isinstance(value, bool) else str(value),
        )
