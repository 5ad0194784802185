"""What git knows of the checkout: earlier commits and what differs from them. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentcore_new import git
from agentcore_new.errors import UnknownBase
from agentcore_new.review.changes import Commit

# The main branch as the server has it, else as it is here.
MAIN = ("origin/main", "main", "origin/master", "master")
RELEASES = "v[0-9]*"
REVIEW = "src/agentcore_new/review"


@dataclass(frozen=True, slots=True)
class Base:
    """What a change is compared with.

    Args:
        name: What the reader calls it, its sha included.
        commit: The whole sha.
    """

    name: str
    commit: str


def base(root: Path, name: str | None) -> Base:
    """Return the commit that is meant.

    Args:
        root: The top of the checkout.
        name: A commit, tag or branch; None for where the work left the main branch.

    Raises:
        UnknownBase: There is none; the hint says how to get it.
    """
    if git.read(root, "rev-parse", "--git-dir") is None:
        raise UnknownBase(f"{root} is no repository of git.")
    is_shallow = git.read(root, "rev-parse", "--is-shallow-repository") == "true"
    deepen = "This clone is shallow: `git fetch --unshallow` brings all commits."
    if name is not None:
        found = git.read(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if name.startswith("-") or not found:
            raise UnknownBase(
                f"There is no commit, tag or branch {name} in {root}.",
                hint=deepen if is_shallow else "`git fetch --tags` may bring it.",
            )
        return Base(_named(name, found), found)
    if fork := fork_point(root):
        branch, found = fork
        return Base(_named(branch, found), found)
    main = next((each for each in MAIN if git.read(root, "rev-parse", "--verify", each)), None)
    if main is None:
        raise UnknownBase(
            "There is no main branch to compare with.",
            # a shallow clone has one branch, and fetches no other unless told to
            hint="This clone is shallow: `git fetch --unshallow origin main:main` brings it."
            if is_shallow
            else "Name a commit, tag or branch.",
        )
    raise UnknownBase(
        f"This branch has no commit in common with {main}.",
        hint=deepen if is_shallow else f"Name what to compare with: agentcore-new diff {main}",
    )


def other_worktree(root: Path, folder: Path) -> str:
    """Return what to say to somebody who is in another worktree; nothing to anybody else.

    Args:
        root: The top of the worktree that is compared.
        folder: Where they are.
    """
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if top is None or top.resolve() == root.resolve():
        return ""
    shown = ("rev-parse", "--path-format=absolute", "--git-common-dir")
    if git.read(root, *shown) != git.read(top, *shown):
        return ""
    return (
        f"Note: compared is {root}, whose code this is. For the worktree you are in:"
        f" PYTHONPATH={top / 'src'} python -m agentcore_new diff"
    )


def _named(name: str, commit: str) -> str:
    short = commit[:9]
    return short if commit.startswith(name) else f"{name} ({short})"


def commits_since(root: Path, commit: str, paths: Sequence[str]) -> list[Commit]:
    """Return the commits from `commit` to now that touch one of `paths`, the newest first.

    A merge brings nothing of its own, and of what shows and guards the templates users get nothing.
    """
    shown = ("log", "--no-merges", "--format=%h%x09%s", f"{commit}..HEAD")
    log = git.read(root, *shown, "--", *paths, f":(exclude){REVIEW}")
    rows = [line.partition("\t") for line in (log or "").split("\n") if line]
    return [Commit(sha, subject) for sha, _, subject in rows]


def bases(root: Path) -> list[str]:
    """Return the commits that a change is measured against: last release, and main for a branch.

    On the main branch itself a fix of what is not released yet needs no entry of its own.
    """
    fork = None if git.read(root, "branch", "--show-current") in MAIN else fork_point(root)
    return [commit for commit in (last_release(root), fork and fork[1]) if commit]


def last_release(root: Path) -> str | None:
    """Return the newest tag of a version among the commits before."""
    return git.read(root, "describe", "--tags", "--abbrev=0", "--match", RELEASES)


def fork_point(root: Path) -> tuple[str, str] | None:
    """Return the main branch and the commit at which the work left it."""
    for branch in MAIN:
        if commit := git.read(root, "merge-base", "HEAD", branch):
            return branch, commit
    return None


def file_at(root: Path, commit: str, path: str) -> str | None:
    """Return the text of a file in a commit; None if it is not there."""
    return git.read(root, "show", f"{commit}:{path}", strip=False)


def differs(root: Path, commit: str, folder: str, ignored: str) -> bool:
    """Return whether `folder` is not as it was in `commit`, new files included.

    Args:
        root: The top of the checkout.
        commit: What git knows it by.
        folder: Below the top.
        ignored: What matches the lines that do not count, a regular expression of git.
    """
    lines = f"--ignore-matching-lines={ignored}"
    changed = git.read(root, "diff", "--unified=0", lines, commit, "--", folder)
    new = git.read(root, "ls-files", "--others", "--exclude-standard", "--", folder)
    return bool(changed or new)
