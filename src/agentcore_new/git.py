"""Git: one new repository with one commit of the generated files; and what a repository says."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from agentcore_new.errors import GitFailed

# The user's own set-up stays out of the first commit: no hook, no signature and no filter runs, and
# a folder that belongs to somebody else (a mounted one) is no obstacle.
SETTINGS = (
    "commit.gpgSign=false",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.safecrlf=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "safe.directory=*",
    "user.useConfigOnly=true",
)
# These point git at another repository; a hook, for one, runs with them set.
FOREIGN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
    "GIT_WORK_TREE",
)


def is_installed() -> bool:
    """Return whether there is a git to run."""
    return shutil.which("git") is not None


def is_inside_repository(folder: Path) -> bool:
    """Return whether `folder`, there or not, is in the work tree of a repository."""
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def commit_all(folder: Path, files: Sequence[str], message: str) -> bool:
    """Make `folder` a repository and commit `files`, whatever any ignore file says.

    Returns:
        False if there is no commit because git knows no name and e-mail address to put on it; the
        files are staged then.

    Raises:
        GitFailed: Git failed.
    """
    # An empty template: no hooks from the user's own.
    _run(folder, "init", "--quiet", "--template=")
    _run(folder, "add", "--force", "--", *files)
    if not has_identity(folder):
        return False
    _run(folder, "commit", "--quiet", "--no-verify", "--message", message)
    return True


def read(folder: Path, *arguments: str, strip: bool = True) -> str | None:
    """Return what a git command prints that changes nothing; None if it fails or git is missing.

    Args:
        folder: Where it runs.
        arguments: Of git.
        strip: Without the newline at the end.
    """
    try:
        result = _git(folder, *arguments)
    except GitFailed:
        return None
    if result.returncode:
        return None
    return result.stdout.strip() if strip else result.stdout


def ignored(folder: Path) -> frozenset[str]:
    """Return the files below `folder` that git ignores, by their paths from there.

    Where there is no repository, or no git, that is nothing.

    Raises:
        GitFailed: Git could not say.
    """
    if not (is_installed() and is_inside_repository(folder.resolve())):
        return frozenset()
    names = ("--others", "--ignored", "--exclude-standard", "-z", "--", ".")
    found = _git(folder, "ls-files", *names)
    if found.returncode:
        raise GitFailed(f"git could not say what it ignores in {folder}.")
    return frozenset(name for name in found.stdout.split("\0") if name)


def call(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a git command that is given bytes, and return what became of it.

    Raises:
        GitFailed: It could not be started.
    """
    try:
        return subprocess.run(
            _command(*arguments),
            cwd=folder,
            env=_environment(),
            input=stdin,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitFailed(f"git could not be started: {error.strerror}.") from error


def has_identity(folder: Path) -> bool:
    """Return whether git knows a name and an e-mail address to put on a commit in `folder`."""
    variables = ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    return all(_git(folder, "var", variable).returncode == 0 for variable in variables)


def _run(folder: Path, *arguments: str) -> None:
    result = _git(folder, *arguments)
    if result.returncode != 0:
        said = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise GitFailed(
            f"git {arguments[0]} failed: {said[-1].rstrip('.')}.",
            hint="Nothing was left behind. --no-git creates the project without a repository.",
        )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            _command(*arguments),
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise GitFailed(
            f"git could not be started: {error.strerror}.",
            hint="Nothing was left behind. --no-git creates the project without a repository.",
        ) from error


def _command(*arguments: str) -> list[str]:
    return ["git", *(word for setting in SETTINGS for word in ("-c", setting)), *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}
