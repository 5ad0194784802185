"""A project on disk: what would be written, what is in the way, and the write itself.

A new project is made in a staging folder beside its place and appears by one rename. Into a folder
that has files, which takes `force`, the files are moved one by one and moved back on failure. What
comes there meanwhile is neither followed, if it is a link, nor lost.
"""

import errno
import os
import shutil
import signal
import stat
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentcore_new.earlier import RECORD
from agentcore_new.errors import TargetInTheWay, UnsafeTarget, WriteFailed

LISTED = 8
# The system says one of these if something came to be where the project or a part of it goes.
TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ELOOP)
# Open a folder, and no link to one. Windows cannot: there a folder is looked at when it is needed.
FOLDER_ALONE = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
HELD_OPEN = {os.open, os.mkdir, os.rename, os.rmdir, os.stat} <= os.supports_dir_fd


@dataclass(frozen=True, slots=True)
class Plan:
    """What a write will do.

    Args:
        target: The project's folder, absolute.
        files: The text of each file, by its path in the project.
        replaced: Which of them are there already.
        merges: The target is a folder with files in it.
    """

    target: Path
    files: Mapping[str, str]
    replaced: tuple[str, ...] = ()
    merges: bool = False


def plan(target: Path, files: Mapping[str, str], *, force: bool = False) -> Plan:
    """Return what writing `files` to `target` would do; nothing is touched.

    Args:
        target: The project's folder, there or not.
        files: The text of each file, by its path in the project; none while they are not known.
        force: Replace files of these names in a folder that is not empty.

    Raises:
        TargetInTheWay: The target has files (and no `force`), or something that is no file.
        UnsafeTarget: The target, or something in it that would be written to, is a symbolic link.
        WriteFailed: The target cannot be looked at, or is below a file.
    """
    try:
        return _plan(target, files, force=force)
    except OSError as error:
        raise _failed(target, error) from error


def _plan(target: Path, files: Mapping[str, str], *, force: bool) -> Plan:
    _refuse_link(target)
    if not target.exists():
        above = next(parent for parent in target.parents if parent.exists())
        if not above.is_dir():
            raise WriteFailed(f"{above} is not a folder.", details={"path": str(above)})
        return Plan(target, files)
    if not target.is_dir():
        raise TargetInTheWay(
            f"{target} is there already, and is not a folder.",
            hint="Choose another name or another --output-dir.",
            details={"path": str(target), "files": [target.name]},
        )
    present = sorted(entry.name + "/" * entry.is_dir() for entry in target.iterdir())
    if not present:
        return Plan(target, files)
    replaced = tuple(path for path in files if os.path.lexists(target / path))
    if not force:
        named = _listed(replaced) if files else "generated files"
        consequence = f"replaces {named} and touches" if named else "touches"
        is_project = RECORD in present
        update = "`agentcore-new update` renews a project and keeps your changes. Otherwise: "
        other = f"choose another name; or --force, which {consequence} nothing else."
        raise TargetInTheWay(
            f"{target} is not empty: {_listed(present)}.",
            hint=f"{update}{other}" if is_project else f"C{other[1:]}",
            details={"path": str(target), "files": present, "would_replace": list(replaced)},
        )
    _refuse_unsafe(target, files)
    return Plan(target, files, replaced, merges=True)


def _refuse_link(target: Path) -> None:
    if target.is_symlink():
        raise UnsafeTarget(
            f"{target} is a symbolic link, and links are not followed.",
            hint=f"Remove it, or choose another name. It leads to {target.readlink()}",
            details={"path": str(target), "links": [target.name]},
        )


def _refuse_unsafe(target: Path, files: Mapping[str, str]) -> None:
    """Refuse links, and what is no file where a file goes or no folder where a folder goes."""
    _refuse_link(target)
    folders = {str(parent) for path in files for parent in Path(path).parents if parent.name}
    links = sorted(path for path in {*folders, *files} if (target / path).is_symlink())
    if links:
        raise UnsafeTarget(
            f"{target} has symbolic links where files would be written: {_listed(links)}.",
            hint="Links are not followed: remove them, or choose another name.",
            details={"path": str(target), "links": links},
        )
    blocking = sorted(
        [p for p in files if (target / p).exists() and not (target / p).is_file()]
        + [p for p in folders if (target / p).exists() and not (target / p).is_dir()]
    )
    if blocking:
        raise TargetInTheWay(
            f"{target} has something else where files would be written: {_listed(blocking)}.",
            hint="Move it away, or choose another name.",
            details={"path": str(target), "files": blocking},
        )


def write(plan: Plan, prepare: Callable[[Path], None] = lambda _folder: None) -> None:
    """Write the project, whole or not at all.

    Args:
        plan: What to write.
        prepare: Is called with the staging folder when all files are in it; what it adds to the
            folder goes along, and if it raises, nothing is left behind.

    Raises:
        TargetInTheWay: Something came to be there since the plan was made.
        UnsafeTarget: So did a symbolic link.
        WriteFailed: The disk refused.
    """
    if plan.merges:  # before anything is made there
        _refuse_link(plan.target)
    holder = plan.target if plan.merges else plan.target.parent
    staging = holder / f".{plan.target.name}.{os.urandom(4).hex()}.tmp"
    missing = [parent for parent in (holder, *holder.parents) if not parent.exists()]
    done = False
    try:
        holder.mkdir(parents=True, exist_ok=True)
        new = staging / "new"
        _stage(plan, new)
        prepare(new)
        with uninterrupted():
            _put_in_place(plan, staging)
            done = True
    except OSError as error:
        raise _failed(plan.target, error) from error
    finally:
        with uninterrupted():
            shutil.rmtree(staging, ignore_errors=True)
            for parent in [] if done else missing:
                with suppress(OSError):
                    parent.rmdir()


def _stage(plan: Plan, folder: Path) -> None:
    folder.mkdir(parents=True)
    for path, text in plan.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="") as stream:
            stream.write(text)


def _put_in_place(plan: Plan, staging: Path) -> None:
    if plan.merges:
        try:
            with closing(Tree(plan.target)) as tree:
                _merge(tree, Path(staging.name), _movable(staging / "new"), plan.files)
        except OSError as error:
            if error.errno in TAKEN:
                _refuse_unsafe(plan.target, plan.files)
            raise
        return
    if plan.target.exists():
        shutil.copymode(plan.target, staging / "new")
    try:
        # Over nothing or an empty folder: of two at once, the second is refused here.
        (staging / "new").rename(plan.target)
    except OSError as error:
        if error.errno in TAKEN:
            _plan(plan.target, plan.files, force=False)
        raise


class Tree:
    """A folder in which files move, each folder in it being opened once and held.

    What takes the name of such a folder afterwards, a link for one, is not written to.

    Args:
        root: The folder itself.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[Path, int | None] = {}
        self._made: list[Path] = []

    def move(self, path: Path, to: Path) -> None:
        """Move what has one path to another, and make the folders of that."""
        name, folder = self._place(path)
        new_name, new_folder = self._place(to, make=True)
        os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)

    def mode(self, path: Path) -> int:
        """Return what a path is, links not followed; 0 if there is nothing."""
        try:
            name, folder = self._place(path)
            return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return 0

    def remove_made(self) -> None:
        """Remove the folders that were made, as far as there is nothing in them."""
        for path in reversed(self._made):
            name, folder = self._place(path)
            with suppress(OSError):
                os.rmdir(name, dir_fd=folder)

    def close(self) -> None:
        """Let go of the folders."""
        for folder in self._folders.values():
            if folder is not None:
                os.close(folder)

    def _place(self, path: Path, *, make: bool = False) -> tuple[str, int | None]:
        """Return how a system call finds `path`: a name, and the folder that has it."""
        if path == Path():
            return str(self._root), None
        folder = self._folder(path.parent, make=make)
        return (path.name if HELD_OPEN else str(self._root / path)), folder

    def _folder(self, path: Path, *, make: bool) -> int | None:
        if path not in self._folders:
            name, above = self._place(path, make=make)
            if make and path != Path():
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=above)
                    self._made.append(path)
            if HELD_OPEN:
                self._folders[path] = os.open(name, FOLDER_ALONE, dir_fd=above)
            elif stat.S_ISDIR(os.lstat(name).st_mode):
                self._folders[path] = None
            else:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        return self._folders[path]


def _merge(tree: Tree, staging: Path, paths: Sequence[Path], replaceable: Container[str]) -> None:
    """Move what is staged into the tree, and back again if one move fails.

    Raises:
        FileExistsError: There is something that is not to be replaced.
        OSError: The disk refused.
    """
    new, old = staging / "new", staging / "old"
    moved: list[Path] = []
    try:
        for path in paths:
            moved.append(path)
            if tree.mode(path):
                tree.move(path, old / path)
                # Looked at when nobody can change it any more.
                if path.as_posix() not in replaceable or not stat.S_ISREG(tree.mode(old / path)):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
            tree.move(new / path, path)
    except OSError:
        for path in reversed(moved):
            if not tree.mode(new / path):
                tree.move(path, new / path)
            if tree.mode(old / path):
                tree.move(old / path, path)
        tree.remove_made()
        raise


def _movable(new: Path) -> list[Path]:
    """Return, relative to `new`, its files, and the folders that can move as one (`.git`)."""
    # A repository is only ever made for a target that has none.
    whole = [Path(".git")] if (new / ".git").exists() else []
    files = [file.relative_to(new) for file in sorted(new.rglob("*")) if file.is_file()]
    return [*(file for file in files if file.parts[0] != ".git"), *whole]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and the like, so that what must happen whole does."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _failed(target: Path, error: OSError) -> WriteFailed:
    return WriteFailed(
        f"{target} could not be written: {error.strerror or error}.",
        hint="Nothing was left behind.",
        details={"path": str(target)},
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {len(names) - LISTED} more" if len(names) > LISTED else shown
