"""The three-way merge, by git, in a repository that is thrown away.

Nothing of the user's own set-up of git has a part in it.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from agentcore_new import git
from agentcore_new.errors import CannotUpdate, GitFailed

# `merge-tree --write-tree` came with it.
OLDEST_GIT = (2, 38)
# The names of the sides, as they stand in the markers.
YOURS = "yours"
PROGRAM = "agentcore-new"
SETTINGS = (
    "core.compression=0",
    "diff.renames=true",
    "fastimport.unpackLimit=1",
    "merge.conflictStyle=diff3",
    "merge.directoryRenames=false",
    "merge.renames=true",
)
BASE, OURS, THEIRS = 1, 2, 3

Files = Mapping[str, bytes]


class Kind(StrEnum):
    """What git could not decide alone."""

    SAME_LINES = "same-lines"
    BOTH_ADDED = "both-added"
    BOTH_RENAMED = "both-renamed"
    NO_TEXT = "no-text"
    YOU_DELETED = "you-deleted"
    THEY_DELETED = "they-deleted"


KINDS = {
    "CONFLICT (contents)": Kind.SAME_LINES,
    "CONFLICT (binary)": Kind.NO_TEXT,
    "CONFLICT (rename/rename)": Kind.BOTH_RENAMED,
    "CONFLICT (rename involved in collision)": Kind.BOTH_ADDED,
    "CONFLICT (modify/delete)": Kind.YOU_DELETED,
    "CONFLICT (rename/delete)": Kind.YOU_DELETED,
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file that both sides changed, and the versions that git has of it.

    Args:
        kind: What is undecided.
        stages: By git's numbers: 1 for the base, 2 for yours, 3 for theirs.
    """

    kind: Kind
    stages: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge makes of one's own files.

    Args:
        files: What changes, by path; None for a file that goes.
        origins: Of files that went elsewhere: where they were.
        conflicts: By path.
    """

    files: Mapping[str, bytes | None]
    origins: Mapping[str, str] = field(default_factory=dict)
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)


def merge(base: Files, yours: Files, theirs: Files, versions: tuple[str, str]) -> Merged:
    """Merge what `theirs` changed since `base` into `yours`.

    Args:
        base: Files by path, as both sides had them.
        yours: As they are in the project.
        theirs: As they are to be.
        versions: The names of base and theirs, for the markers.

    Raises:
        CannotUpdate: There is no git that can do it.
        GitFailed: Git failed.
    """
    refuse_old_git()
    with tempfile.TemporaryDirectory(prefix="agentcore-new-") as temporary:
        repository = _Repository(Path(temporary))
        their_name = f"{PROGRAM}-{versions[1]}"
        commits = repository.commit({"base": base, YOURS: yours, their_name: theirs})
        tree, conflicts = repository.merge(YOURS, their_name)
        files, origins = repository.changes(f"{YOURS}^{{tree}}", tree)
        label = re.compile(rb"^(\|{7,}) " + commits["base"][:4].encode() + rb"[0-9a-f]*$", re.M)
        name = f"{PROGRAM}-{versions[0]}".encode()
        named = {
            path: data if data is None or path not in conflicts else label.sub(rb"\1 " + name, data)
            for path, data in files.items()
        }
        return Merged(named, origins, conflicts)


def refuse_old_git() -> None:
    """Refuse to go on without a git that can merge outside of a work tree.

    Raises:
        CannotUpdate: There is none.
    """
    wanted = ".".join(map(str, OLDEST_GIT))
    if not git.is_installed():
        raise CannotUpdate("git is not installed.", hint=f"Install git {wanted} or newer.")
    said = git.read(Path(), "version") or ""
    if (match := re.search(r"(\d+)\.(\d+)", said)) and (int(match[1]), int(match[2])) < OLDEST_GIT:
        raise CannotUpdate(
            f"This is git {match[0]}, which cannot merge as it is needed.",
            hint=f"Install git {wanted} or newer.",
        )


class _Repository:
    """A bare repository in a folder, which needs no `git init`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "refs").mkdir()
        (folder / "objects").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": str(folder),
            "HOME": str(folder),
            "LC_ALL": "C",
            "XDG_CONFIG_HOME": str(folder),
        }

    def commit(self, states: Mapping[str, Files]) -> dict[str, str]:
        """Commit each state on a branch of its name, the others on top of the first."""
        first = next(iter(states))
        stream = b"".join(
            _commit(name, files, None if name == first else first) for name, files in states.items()
        )
        self._run("fast-import", "--quiet", "--date-format=raw", stdin=stream)
        found = self._run("for-each-ref", "--format=%(objectname) %(refname:short)").decode()
        return {name: commit for commit, _, name in (x.partition(" ") for x in found.splitlines())}

    def merge(self, ours: str, theirs: str) -> tuple[str, dict[str, Conflict]]:
        """Return the tree that comes of it, and what is undecided."""
        said = self._run("merge-tree", "--write-tree", "-z", ours, theirs, allowed=(0, 1))
        tree, _, rest = said.decode("utf-8", "surrogateescape").partition("\0")
        entries, _, messages = f"\0{rest}".partition("\0\0")
        stages: dict[str, dict[int, str]] = {}
        for entry in filter(None, entries.split("\0")):
            about, _, path = entry.partition("\t")
            _mode, blob, stage = about.split()
            stages.setdefault(path, {})[int(stage)] = blob
        kinds = dict(_kinds(messages, stages))
        blobs = self._blobs(blob for found in stages.values() for blob in found.values())
        return tree, {
            path: Conflict(
                kinds[path], {stage: blobs[blob] for stage, blob in sorted(found.items())}
            )
            for path, found in stages.items()
        }

    def changes(self, ours: str, tree: str) -> tuple[dict[str, bytes | None], dict[str, str]]:
        """Return what `tree` has other than `ours`, and what went elsewhere."""
        said = self._run("diff-tree", "-r", "-z", "-M", ours, tree).decode(errors="surrogateescape")
        fields = iter(said.split("\0"))
        found: dict[str, str | None] = {}
        origins: dict[str, str] = {}
        for about in fields:
            if not about:
                break
            *_, blob, status = about.split()
            path = next(fields)
            if status.startswith("R"):
                origins[to := next(fields)] = path
                found[path] = None
                path = to
            found[path] = None if status == "D" else blob
        blobs = self._blobs(blob for blob in found.values() if blob)
        return {path: blobs[blob] if blob else None for path, blob in found.items()}, origins

    def _blobs(self, names: Iterable[str]) -> dict[str, bytes]:
        wanted = sorted(set(names))
        if not wanted:
            return {}
        said = self._run(
            "cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode()
        )
        blobs = {}
        at = 0
        for name in wanted:
            end = said.index(b"\n", at)
            size = int(said[at:end].split()[2])
            blobs[name] = said[end + 1 : end + 1 + size]
            at = end + size + 2
        return blobs

    def _run(self, *words: str, stdin: bytes = b"", allowed: tuple[int, ...] = (0,)) -> bytes:
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        try:
            done = subprocess.run(
                ["git", *settings, *words],
                cwd=self._folder,
                env=self._environment,
                input=stdin,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise GitFailed(f"git could not be started: {error.strerror}.") from error
        if done.returncode not in allowed:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise GitFailed(
                f"git {words[0]} failed: {said[-1].rstrip('.')}.", hint="Nothing was changed."
            )
        return done.stdout


def _commit(name: str, files: Files, parent: str | None) -> bytes:
    """Return a commit as `git fast-import` reads it."""
    head = [f"commit refs/heads/{name}", "committer agentcore-new <> 0 +0000", "data 0"]
    head += [f"from refs/heads/{parent}", "deleteall"] if parent else []
    parts = ["\n".join(head).encode() + b"\n"]
    for path, data in files.items():
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        named = f'M 100644 inline "{quoted}"\ndata {len(data)}\n'
        parts += [named.encode("utf-8", "surrogateescape"), data, b"\n"]
    return b"".join(parts)


def _kinds(messages: str, stages: Mapping[str, Mapping[int, str]]) -> Iterator[tuple[str, Kind]]:
    """Yield what is undecided about each path.

    Raises:
        CannotUpdate: It is something that cannot be shown as a conflict.
    """
    said: dict[str, str] = {}
    fields = iter(messages.split("\0"))
    for count in fields:
        if not count.strip():
            break
        paths = [next(fields) for _ in range(int(count))]
        kind, _text = next(fields), next(fields)
        if kind.startswith("CONFLICT"):
            # of a file that is no text git says first that it is none, then that it conflicts
            said = {path: kind for path in paths if path in stages} | said
    for path, found in stages.items():
        kind_of = KINDS.get(said.get(path, ""))
        if kind_of is None:
            raise CannotUpdate(
                f"{path} stands in the way of what this version has there.",
                hint="Move it away, commit that, and update again.",
                details={"path": path},
            )
        if kind_of is Kind.SAME_LINES and BASE not in found:
            kind_of = Kind.BOTH_ADDED
        if kind_of is Kind.YOU_DELETED and THEIRS not in found:
            kind_of = Kind.THEY_DELETED
        yield path, kind_of
