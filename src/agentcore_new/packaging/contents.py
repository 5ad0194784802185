"""Which files of a project go into its package: what runs, and nothing said or secret."""

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from agentcore_new import git
from agentcore_new.errors import CannotPackage

# Folders and files that no agent needs where it runs, wherever they are.
FOLDERS = ("__pycache__", "build", "dist", "node_modules", "venv", "*.egg-info")
FILES = ("*.pyc", "*.pyo", "*.log")
# And those at the top: of the tests, of containers, for people.
AT_THE_TOP = ("tests", "Dockerfile", "compose.yaml", "langgraph.json", "uv.lock", "README.md")
# Where conversations may be kept.
DATABASES = ("*.db", "*.db-*", "*.sqlite", "*.sqlite-*", "*.sqlite3", "*.sqlite3-*")
SQLITE = b"SQLite format 3\0"


class Contents(NamedTuple):
    """The files of a project, as paths with slashes below its folder, in order."""

    packed: tuple[str, ...]
    left_out: tuple[str, ...]  # those alone that somebody could miss


def contents(folder: Path) -> Contents:
    """Return what is packed of the project in `folder`, and what is not though it looks as if.

    Hidden files, caches, tests and what git ignores are not even mentioned.

    Raises:
        CannotPackage: There is a file that cannot be read or named, or a link to a folder.
    """
    try:
        return _contents(folder)
    except OSError as error:
        file = error.filename if isinstance(error.filename, str) else str(folder)
        raise CannotPackage(f"{file} cannot be read: {error.strerror}.") from error


def _contents(folder: Path) -> Contents:
    packed: list[str] = []
    left_out: list[str] = []
    ignored = git.ignored(folder)
    for path in sorted(_files(folder)):
        if path in ignored:
            continue
        if not path.isprintable():
            raise CannotPackage(f"{path!a} is no name that a file of a package can have.")
        database = _matches(path.rpartition("/")[2], DATABASES) or _is_database(folder / path)
        (left_out if database else packed).append(path)
    return Contents(tuple(packed), tuple(left_out))


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder, onerror=_fail):
        here = Path(parent).relative_to(folder)
        top = AT_THE_TOP if here == Path() else ()
        folders[:] = [
            name
            for name in folders
            if not _is_hidden(name)
            and not _matches(name, (*FOLDERS, *top))
            and not (Path(parent, name) / "pyvenv.cfg").exists()
        ]
        for name in folders:
            if Path(parent, name).is_symlink():  # it may lead anywhere, and to itself
                raise CannotPackage(
                    f"{(here / name).as_posix()} is a link to a folder.",
                    hint="Put the folder itself there.",
                )
        for name in files:
            if not _is_hidden(name) and not _matches(name, (*FILES, *top)):
                mode = Path(parent, name).stat().st_mode
                if stat.S_ISREG(mode):  # who opened a pipe would wait
                    yield (here / name).as_posix()


def _fail(error: OSError) -> None:
    raise error


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(SQLITE)) == SQLITE
