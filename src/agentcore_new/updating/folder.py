"""What a project has on disk. It is only read."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from agentcore_new import git
from agentcore_new.errors import CannotUpdate, TargetInTheWay, UnsafeTarget, WriteFailed
from agentcore_new.updating.lines import is_text

# The folder in which an update is prepared.
WORK = ".agentcore-new-update"
# Larger files are none that a template made, whatever they are called by now.
MAX_BYTES = 1_000_000
# Folders of tools: what is in them was not renamed from a template.
SKIPPED = ("__pycache__", "build", "dist", "node_modules", "site-packages", "venv")


def read(folder: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the files that are there of `paths`.

    Raises:
        UnsafeTarget: One of them, or a folder of it, is a symbolic link.
        TargetInTheWay: One is no file, or a folder of it is none.
        WriteFailed: One cannot be read.
    """
    found = {}
    for path in sorted(paths):
        _refuse_folders(folder, path)
        file = folder / path
        try:
            mode = file.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            raise _link(folder, path)
        if not stat.S_ISREG(mode):
            raise _in_the_way(folder, path, "no file")
        try:
            found[path] = file.read_bytes()
        except OSError as error:
            raise WriteFailed(
                f"{file} cannot be read: {error.strerror}.", hint="Nothing was changed."
            ) from error
    return found


def _refuse_folders(folder: Path, path: str) -> None:
    for parent in reversed(Path(path).parents[:-1]):
        try:
            mode = (folder / parent).lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            raise _link(folder, parent.as_posix())
        if not stat.S_ISDIR(mode):
            raise _in_the_way(folder, parent.as_posix(), "no folder")


def _link(folder: Path, path: str) -> UnsafeTarget:
    return UnsafeTarget(
        f"{folder / path} is a symbolic link, and links are not followed.",
        hint="Put the file or folder itself there, commit that, and update again.",
        details={"path": path},
    )


def _in_the_way(folder: Path, path: str, what: str) -> TargetInTheWay:
    return TargetInTheWay(
        f"{folder / path} is in the way: it is {what}.",
        hint="Move it away, commit that, and update again.",
        details={"path": path},
    )


def others(folder: Path, known: Iterable[str]) -> dict[str, bytes]:
    """Return the project's other files of text: one that is missing may be there by another name.

    Args:
        folder: The project.
        known: The paths that have a meaning of their own.
    """
    found = {}
    for path in sorted({*_paths(folder)} - {*known}):
        file = folder / path
        try:
            about = file.lstat()
            if stat.S_ISREG(about.st_mode) and 0 < about.st_size <= MAX_BYTES:
                data = file.read_bytes()
                if is_text(data):
                    found[path] = data
        except OSError:
            continue
    return found


def _paths(folder: Path) -> Iterator[str]:
    """Yield the files that are somebody's own, and not a tool's."""
    shown = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    said = git.read(folder, *shown, strip=False) if git.is_inside_repository(folder) else None
    for path in _walked(folder) if said is None else said.split("\0"):
        if path and "\N{REPLACEMENT CHARACTER}" not in path and not path.startswith(f"{WORK}"):
            yield path


def _walked(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith(".")
            and not Path(parent, name, "pyvenv.cfg").exists()
        ]
        for name in files:
            yield Path(parent, name).relative_to(folder).as_posix()


def with_text(folder: Path, start: bytes) -> list[str]:
    """Return the files that have a line that begins with `start`."""
    if git.is_inside_repository(folder):
        pattern = ("-e", f"^{start.decode()}")
        said = git.read(
            folder,
            *("grep", "--no-color", "-l", "-z", "-I", "--untracked", *pattern, "--", "."),
            strip=False,
        )
        return sorted(path for path in (said or "").split("\0") if path and not _is_ours(path))
    needle = b"\n" + start
    return [path for path, data in others(folder, ()).items() if needle in b"\n" + data]


def _is_ours(path: str) -> bool:
    return path.startswith(f"{WORK}/")


def resolve(folder: Path) -> Path:
    """Return where a project is, links followed.

    Raises:
        CannotUpdate: It cannot be found out.
    """
    try:
        return folder.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise CannotUpdate(f"{folder} cannot be found: {error}.") from error
