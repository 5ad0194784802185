"""What an update does to a project, as plain data. Nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentcore_new.earlier import RECORD
from agentcore_new.updating import folder as disk
from agentcore_new.updating import lines, requirements
from agentcore_new.updating.merge import Conflict, Kind, Merged, merge

# What its owner has to look at: git cannot decide it, and neither can we.
OPEN = (Kind.SAME_LINES, Kind.BOTH_ADDED, Kind.BOTH_RENAMED, Kind.NO_TEXT)


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is written, replaced or removed.

    Args:
        path: Where it is, from the project's folder.
        before: Its bytes; None if it is not there.
        after: What they become; None if it goes.
    """

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update does.

    Args:
        changes: In the order in which they are made, the record being the last.
        moved: Files with changes of one's own that are elsewhere now, from and to.
        kept: Files that are no longer part of a new project, and were changed: they stay.
        left_deleted: Files that were deleted, and are part of a new project: they stay away.
        to_resolve: What both sides changed, by path.
    """

    changes: tuple[Change, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    left_deleted: tuple[str, ...] = ()
    to_resolve: Mapping[str, Conflict] = field(default_factory=dict)

    @property
    def changed(self) -> tuple[str, ...]:
        """The files that have another text."""
        return tuple(x.path for x in self.changes if x.before is not None and x.after is not None)

    @property
    def added(self) -> tuple[str, ...]:
        """The files that were not there."""
        new = (x.path for x in self.changes if x.before is None)
        return tuple(path for path in new if path not in self.moved.values())

    @property
    def removed(self) -> tuple[str, ...]:
        """The files that go."""
        gone = (x.path for x in self.changes if x.after is None)
        return tuple(path for path in gone if path not in self.moved)


def plan(
    folder: Path, old: Mapping[str, str], new: Mapping[str, str], versions: tuple[str, str]
) -> Plan:
    """Return what it takes for the changes from `old` to `new` to be in the project.

    Args:
        folder: The project.
        old: The files of a new project as it was made, by path.
        new: Those of a new project as it is to be.
        versions: That of old and that of new.

    Raises:
        UnsafeTarget: There is a symbolic link where something changes.
        TargetInTheWay: There is something else where a file or folder goes.
        CannotUpdate: The files cannot be merged.
        GitFailed: Git failed.
    """
    paths = {path for path in {*old, *new} if old.get(path) != new.get(path)} - {RECORD}
    before = disk.read(folder, paths)
    if any(path in old and path not in before for path in paths):
        before |= disk.others(folder, {*old, *new})
    merged = merge(
        {path: old[path].encode() for path in sorted(paths) if path in old},
        {path: lines.as_merged(data) for path, data in sorted(before.items())},
        {path: new[path].encode() for path in sorted(paths) if path in new},
        versions,
    )
    return _plan(_without_requirements(merged), before, old)


def _without_requirements(merged: Merged) -> Merged:
    """Decide what the lines alone do not: each side changed other requirements."""
    path = requirements.FILE
    data = merged.files.get(path)
    if data is None or path not in merged.conflicts:
        return merged
    decided = requirements.resolved(data)
    left = {
        name: conflict
        for name, conflict in merged.conflicts.items()
        if name != path or requirements.has_markers(decided)
    }
    return Merged({**merged.files, path: decided}, merged.origins, left)


def _plan(merged: Merged, before: Mapping[str, bytes], old: Mapping[str, str]) -> Plan:
    kinds = {path: conflict.kind for path, conflict in merged.conflicts.items()}
    crlf = _is_crlf(before, old)
    changes = []
    for path, data in sorted(merged.files.items()):
        if kinds.get(path) is Kind.YOU_DELETED:
            continue
        origin = before.get(path) or before.get(merged.origins.get(path, ""))
        after = data
        if data is not None:
            after = lines.as_in(data, origin) if origin else _with_ends(data, crlf=crlf)
        changes.append(Change(path, before.get(path), after))
    edited = {
        was: path
        for path, was in merged.origins.items()
        if was in old and lines.as_merged(before[was]) != old[was].encode()
    }
    return Plan(
        tuple(changes),
        edited,
        tuple(sorted(path for path, kind in kinds.items() if kind is Kind.THEY_DELETED)),
        tuple(sorted(path for path, kind in kinds.items() if kind is Kind.YOU_DELETED)),
        {
            path: _as_on_disk(conflict, before.get(path, b""))
            for path, conflict in sorted(merged.conflicts.items())
            if conflict.kind in OPEN and merged.files.get(path, before.get(path)) is not None
        },
    )


def _is_crlf(before: Mapping[str, bytes], old: Mapping[str, str]) -> bool:
    """Return whether most files of the project have the line ends of Windows."""
    were = [lines.has_crlf(data) for path, data in before.items() if path in old]
    return sum(were) * 2 > len(were)


def _with_ends(data: bytes, *, crlf: bool) -> bytes:
    return data.replace(b"\n", lines.CRLF) if crlf and lines.is_text(data) else data


def _as_on_disk(conflict: Conflict, before: bytes) -> Conflict:
    """Give the versions that git is told of the line ends that the file has."""
    crlf = lines.has_crlf(before)
    stages = {stage: _with_ends(data, crlf=crlf) for stage, data in conflict.stages.items()}
    return Conflict(conflict.kind, stages)
