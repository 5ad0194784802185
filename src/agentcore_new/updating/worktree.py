"""The repository that a project is in: what can be got back from it, and what it is told."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentcore_new import git
from agentcore_new.earlier import RECORD
from agentcore_new.errors import GitFailed, NotCommitted, Unresolved
from agentcore_new.updating.folder import with_text
from agentcore_new.updating.merge import PROGRAM, Conflict

LISTED = 8
MARKER = f">>>>>>> {PROGRAM}-".encode()
# What `git ls-files -v` says of a file that `git status` looks at.
LOOKED_AT = "H"


@dataclass(frozen=True, slots=True)
class Worktree:
    """A project that git has.

    Args:
        folder: The project.
        tracked: Its files that can be got back.
    """

    folder: Path
    tracked: frozenset[str]


def look(folder: Path) -> Worktree | None:
    """Return what git has of a project; None if it does not have it."""
    if not git.is_inside_repository(folder):
        return None
    said = git.read(folder, "ls-files", "-v", "-z", "--", ".", strip=False) or ""
    entries = [entry.partition(" ") for entry in said.split("\0")]
    tracked = frozenset(path for tag, _, path in entries if tag == LOOKED_AT)
    if RECORD not in tracked or git.read(folder, "rev-parse", "--verify", "HEAD") is None:
        return None
    return Worktree(folder, tracked)


def refuse_unresolved(folder: Path) -> None:
    """Refuse a project with conflicts that somebody has to resolve first.

    Raises:
        Unresolved: There are some.
    """
    paths = {*with_text(folder, MARKER)}
    if git.is_inside_repository(folder):
        said = git.read(folder, "ls-files", "-u", "-z", "--", ".", strip=False) or ""
        paths |= {entry.partition("\t")[2] for entry in said.split("\0") if entry}
    if paths:
        raise Unresolved(
            f"There is something left to resolve in {_listed(paths)}.",
            hint="Edit what stands between <<<<<<< and >>>>>>>, `git add` it, and commit.",
            details={"files": sorted(paths)},
        )


def refuse_uncommitted(worktree: Worktree | None, paths: Iterable[str], *, force: bool) -> None:
    """Refuse to replace what git could not give back.

    Args:
        worktree: None if git does not have the project.
        paths: The files that are there, and that an update changes.
        force: Update what git does not have.

    Raises:
        NotCommitted: Something would be lost.
    """
    if worktree is None:
        if force:
            return
        raise NotCommitted(
            "The project is in no repository of git, so that nothing could undo the update.",
            hint="git init && git add -A && git commit -m Before; or --force.",
        )
    said = git.read(
        worktree.folder,
        *("status", "--porcelain", "-z", "--no-renames", "--untracked-files=no", "--", "."),
        strip=False,
    )
    if said is None:
        raise GitFailed(f"git could not say what changed in {worktree.folder}.")
    if changed := [entry[3:] for entry in said.split("\0") if entry]:
        raise NotCommitted(
            f"There are uncommitted changes: {_listed(changed)}.",
            hint="Commit or stash them.",
            details={"files": changed},
        )
    if unknown := [path for path in paths if path not in worktree.tracked]:
        raise NotCommitted(
            f"git does not have {_listed(unknown)}, which the update would replace.",
            hint="Move it away, or commit it (`git add --force` if git ignores it).",
            details={"files": unknown},
        )


def stage(folder: Path, paths: Iterable[str], conflicts: Mapping[str, Conflict]) -> None:
    """Tell git of changed files, and of those that are to be resolved, which stay unmerged.

    Raises:
        GitFailed: It did not take them.
    """
    names = b"".join(f"{path}\0".encode() for path in sorted(paths))
    _call(folder, "update-index", "--add", "--remove", "-z", "--stdin", stdin=names)
    rows = []
    prefix = _call(folder, "rev-parse", "--show-prefix").decode().strip("\n")
    for path, conflict in conflicts.items():
        rows.append(f"0 {'0' * 40}\t{prefix}{path}")
        for number, data in conflict.stages.items():
            blob = _call(folder, "hash-object", "-w", "--stdin", f"--path={path}", stdin=data)
            rows.append(f"100644 {blob.decode().strip()} {number}\t{prefix}{path}")
    if rows:
        table = "".join(f"{row}\0" for row in rows).encode()
        _call(folder, "update-index", "-z", "--index-info", stdin=table)


def _call(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    done = git.call(folder, *words, stdin=stdin)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise GitFailed(
            f"git {words[0]} failed: {said[-1].rstrip('.')}.",
            hint="The files are in place; update again, and git is told of them.",
        )
    return done.stdout


def _listed(paths: Collection[str]) -> str:
    shown = ", ".join(sorted(paths)[:LISTED])
    return f"{shown} and {len(paths) - LISTED} more" if len(paths) > LISTED else shown
