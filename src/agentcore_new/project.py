"""A project on disk: what would be written, what is in the way, and the write itself.

A new project is made in a staging folder beside its place and appears by one rename. Into a folder
that has files, which takes `force`, the files are moved one by one and moved back on failure.
"""

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentcore_new.errors import TargetInTheWay, UnsafeTarget, WriteFailed

LISTED = 8
# rename(2) says one of these if a folder came to be where the project goes.
TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


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
        files: The text of each file, by its path in the project.
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
    if target.is_symlink():
        raise UnsafeTarget(
            f"{target} is a symbolic link, and links are not followed.",
            hint=f"Remove it, or choose another name. It leads to {target.readlink()}",
            details={"path": str(target), "links": [target.name]},
        )
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
        consequence = f"replaces {_listed(replaced)} and touches" if replaced else "touches"
        raise TargetInTheWay(
            f"{target} is not empty: {_listed(present)}.",
            hint=f"Choose another name; or --force, which {consequence} nothing else.",
            details={"path": str(target), "files": present, "would_replace": list(replaced)},
        )
    _refuse_unsafe(target, files)
    return Plan(target, files, replaced, merges=True)


def _refuse_unsafe(target: Path, files: Mapping[str, str]) -> None:
    """Refuse links, and what is no file where a file goes or no folder where a folder goes."""
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
        WriteFailed: The disk refused.
    """
    holder = plan.target if plan.merges else plan.target.parent
    staging = holder / f".{plan.target.name}.{os.urandom(4).hex()}.tmp"
    missing = [parent for parent in (holder, *holder.parents) if not parent.exists()]
    done = False
    try:
        holder.mkdir(parents=True, exist_ok=True)
        new = staging / "new"
        _stage(plan, new)
        prepare(new)
        with _uninterrupted():
            _put_in_place(plan, staging)
            done = True
    except OSError as error:
        raise _failed(plan.target, error) from error
    finally:
        with _uninterrupted():
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
        _refuse_unsafe(plan.target, plan.files)
        _merge(plan.target, staging)
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


def _merge(target: Path, staging: Path) -> None:
    """Move what is staged into `target`, and back again if one move fails."""
    new, old = staging / "new", staging / "old"
    folders: list[Path] = []
    moved: list[Path] = []
    try:
        for path in _movable(new):
            for folder in reversed(path.parents[:-1]):
                if not (target / folder).exists():
                    (target / folder).mkdir()
                    folders.append(target / folder)
            moved.append(path)
            if os.path.lexists(target / path):
                (old / path).parent.mkdir(parents=True, exist_ok=True)
                (target / path).rename(old / path)
            (new / path).rename(target / path)
    except OSError:
        for path in reversed(moved):
            if not os.path.lexists(new / path):
                (target / path).rename(new / path)
            if os.path.lexists(old / path):
                (old / path).rename(target / path)
        for folder in reversed(folders):
            folder.rmdir()
        raise


def _movable(new: Path) -> list[Path]:
    """Return, relative to `new`, its files, and the folders that can move as one (`.git`)."""
    # A repository is only ever made for a target that has none.
    whole = [Path(".git")] if (new / ".git").exists() else []
    files = [file.relative_to(new) for file in sorted(new.rglob("*")) if file.is_file()]
    return [*(file for file in files if file.parts[0] != ".git"), *whole]


@contextmanager
def _uninterrupted() -> Iterator[None]:
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
