"""What is new between two editions: pure functions on their projects.

The two texts of each project are merged line by line, and these over all projects as in the
snapshots: each line is there once, with who had it and who has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentcore_new.options import Value
from agentcore_new.review.catalogue_changes import choice_changes
from agentcore_new.review.changes import Changes, Commit, DependencyChange, FileChange, Newcomer
from agentcore_new.review.cube import Combination, Cube, mask_of, of_combinations
from agentcore_new.review.dependencies import dependencies_of
from agentcore_new.review.edition import Edition
from agentcore_new.review.file_changes import changes_of_known, changes_of_newcomer
from agentcore_new.review.file_union import FileUnion, file_union
from agentcore_new.review.sources import Sources


@dataclass(frozen=True, slots=True)
class _Pair:
    """A combination, with what it gave before and what it gives now."""

    combination: Combination
    before: Mapping[str, str]
    after: Mapping[str, str]


def compare(before: Edition, after: Edition, commits: Sequence[Commit] = ()) -> Changes:
    """Return what is new in `after`; what is the same in several projects is there once.

    Args:
        before: The edition that users have.
        after: The edition that they will get.
        commits: Those in between.
    """
    pairs = list(_pairs(before, after))
    cube = of_combinations([pair.combination for pair in pairs])
    cells: list[_Pair | None] = [None] * len(cube.cells)
    for pair in pairs:
        cells[cube.index(pair.combination)] = pair
    there = [pair is not None for pair in cells]
    arrived = _arrived(cube, cells)
    left = _left(cells)
    sources = Sources(before, after)
    files: list[FileChange] = []
    shares: dict[tuple[str, Value], list[tuple[str, bool, int]]] = {key: [] for key in arrived}
    missing: dict[tuple[str, Value], list[str]] = {key: [] for key in arrived}
    for path in sorted({path for pair in pairs for path in (*pair.before, *pair.after)}):
        old = [pair.before.get(path) if pair else None for pair in cells]
        new = [pair.after.get(path) if pair else None for pair in cells]
        # Of a new value it also matters which files it does not have.
        if old != new or arrived:
            file = file_union(cube, there, arrived, left, path, old, new, sources)
            files.extend(changes_of_known(file, sources))
            for key, mask in file.arrived.items():
                if mask & file.has:
                    change, lacking = changes_of_newcomer(file, mask, sources)
                    files.extend(change)
                    shares[key].append((path, bool(change), lacking))
                elif file.all_others_have(key):
                    missing[key].append(path)
    order = {"changed": 0, "added": 1, "removed": 2}
    return Changes(
        before.name,
        len(after.projects),
        tuple(commits),
        tuple(choice_changes(before.catalogue, after.catalogue)),
        tuple(
            Newcomer(
                option,
                str(value),
                sum(not own for _, own, _ in found),
                tuple(path for path, own, _ in found if own),
                sum(lacking for _, _, lacking in found),
                tuple(missing[option, value]),
            )
            for (option, value), found in shares.items()
        ),
        tuple(_dependency_changes(cube, cells)),
        tuple(sorted(files, key=lambda file: (order[file.kind], file.path))),
    )


def _pairs(before: Edition, after: Edition) -> Iterator[_Pair]:
    """Yield each combination of now with what it was, and those that are no more.

    A combination with an option that was not there before is compared with the one without it. Of
    an option that is no more, its default is what is left.
    """
    old = {frozenset(project.combination.items()): project.files for project in before.projects}
    was, now = _defaults(before), _defaults(after)
    gone = {name: value for name, value in was.items() if name not in now}
    new = {name: value for name, value in now.items() if name not in was}
    met = set()
    for project in after.projects:
        same = {name: value for name, value in project.combination.items() if name in was}
        key = frozenset({**same, **gone}.items())
        met.add(key)
        yield _Pair({**project.combination, **gone}, old.get(key, {}), project.files)
    for project in before.projects:
        key = frozenset(project.combination.items())
        if key not in met and all(project.combination[name] == gone[name] for name in gone):
            yield _Pair({**new, **project.combination}, project.files, {})


def _defaults(edition: Edition) -> dict[str, Value]:
    """Return the default of each option; the first value of those that have none."""
    rows = {row["name"]: row for row in edition.catalogue["options"]}
    first = edition.projects[0].combination if edition.projects else {}
    return {
        name: value if name not in rows or rows[name]["default"] is None else rows[name]["default"]
        for name, value in first.items()
    }


def _arrived(cube: Cube, cells: Sequence[_Pair | None]) -> dict[tuple[str, Value], int]:
    """Return the cells of each value of a choice that no project had before, while others had."""
    had = mask_of(pair is not None and bool(pair.before) for pair in cells)
    has = mask_of(pair is not None and bool(pair.after) for pair in cells)
    return {
        (name, value): mask & has
        for name, masks in cube.masks.items()
        if had and set(masks) != {False, True}
        for value, mask in masks.items()
        if mask & has and not mask & had
    }


def _left(cells: Sequence[_Pair | None]) -> int:
    """Return the cells whose projects are no more, if there are others."""
    left = mask_of(pair is not None and not pair.after for pair in cells)
    return left if any(pair and pair.before and pair.after for pair in cells) else 0


def _dependency_changes(cube: Cube, cells: Sequence[_Pair | None]) -> Iterator[DependencyChange]:
    found: dict[tuple[str, str, str | None, str | None], int] = {}
    # What projects that were there and are have had, and have.
    known: set[tuple[str, str, str]] = set()
    for number, pair in enumerate(cells):
        if pair is None:
            continue
        before, after = dependencies_of(pair.before), dependencies_of(pair.after)
        for group, name in {**before, **after}:
            one, other = before.get((group, name)), after.get((group, name))
            if one != other:
                key = (group, name, one, other)
                found[key] = found.get(key, 0) | 1 << number
            if pair.before and pair.after:
                known |= {(group, name, each) for each in (one, other) if each}
    had = mask_of(pair is not None and bool(pair.before) for pair in cells)
    has = mask_of(pair is not None and bool(pair.after) for pair in cells)
    file = FileUnion("", cube, (), had, has, had | has, {}, 0, {})
    for (group, name, one, other), some in sorted(found.items(), key=lambda row: row[0][:2]):
        # Of a value that is new or gone, it is those alone that no others have.
        if some & had & has or (group, name, one or other or "") not in known:
            within = had | has if one and other else had if one else has
            yield DependencyChange(group, name, one, other, file.who(some, within))
