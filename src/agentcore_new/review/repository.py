"""What git knows of the checkout: earlier commits and what differs from them. It only reads."""

from pathlib import Path

from agentcore_new import git

# The main branch as the server has it, else as it is here.
MAIN = ("origin/main", "main", "origin/master", "master")
RELEASES = "v[0-9]*"


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
