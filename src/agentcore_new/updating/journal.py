"""The write: each file by renames alone, and whole even if the process is killed midway.

All that is to be is first written to a folder in the project. From the moment that its journal is
there the update takes place: whoever finds the journal completes it. What was in a file is in the
folder until all is done; files that somebody changes meanwhile stay as they are.
"""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentcore_new.errors import CannotUpdate, WriteFailed
from agentcore_new.project import Tree, uninterrupted
from agentcore_new.updating.folder import WORK
from agentcore_new.updating.planning import Change

JOURNAL = "journal.json"
# What is left of an update that is complete, and can go whenever.
DONE = f"{WORK}.done"


@dataclass(frozen=True, slots=True)
class Step:
    """One file of an update, with what it was and is to be as digests.

    Args:
        path: Where it is, from the project's folder.
        before: None if it is not there.
        after: None if it goes.
    """

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """What is to be done, and what there is to tell when it is.

    Args:
        steps: One after the other.
        about: Plain data, for whoever completes it.
    """

    steps: tuple[Step, ...]
    about: Mapping[str, Any]


class ChangedMeanwhile(Exception):
    """A file is neither as it was nor as it is to be."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other updates of the project out.

    Raises:
        CannotUpdate: There is one at work.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no process replaces what another has open there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotUpdate(
            f"{folder} is being updated by another process.", hint="Wait until it has ended."
        ) from None
    finally:
        os.close(descriptor)


def found(folder: Path) -> Journal | None:
    """Return the journal of an update that was interrupted, if there is one."""
    try:
        content = json.loads((folder / WORK / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Journal(tuple(Step(**step) for step in content["steps"]), content["about"])


def tidy(folder: Path) -> None:
    """Remove what an update left that has not begun, or that is complete."""
    shutil.rmtree(folder / DONE, ignore_errors=True)
    if (folder / WORK).is_dir() and not (folder / WORK / JOURNAL).exists():
        shutil.rmtree(folder / WORK, ignore_errors=True)


def prepare(folder: Path, changes: Sequence[Change], about: Mapping[str, Any]) -> Journal:
    """Write all that is to be, and the journal of it; the project's own files stay as they are.

    Raises:
        WriteFailed: The disk refused; nothing is left behind.
    """
    steps = tuple(Step(x.path, _digest(x.before), _digest(x.after)) for x in changes)
    journal = Journal(steps, about)
    try:
        (folder / WORK).mkdir()
    except OSError as error:
        raise _failed(folder, error) from error
    try:
        (folder / WORK / "new").mkdir()
        (folder / WORK / "old").mkdir()
        for change in changes:
            if change.after is not None:
                _stage(folder, change.path, change.after)
        written = folder / WORK / f"{JOURNAL}.part"
        written.write_text(json.dumps(asdict(journal)), encoding="utf-8")
        written.rename(folder / WORK / JOURNAL)
    except BaseException as error:
        shutil.rmtree(folder / WORK, ignore_errors=True)
        if isinstance(error, OSError):
            raise _failed(folder, error) from error
        raise
    return journal


def _stage(folder: Path, path: str, data: bytes) -> None:
    staged = folder / WORK / "new" / path
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(data)
    with suppress(FileNotFoundError):  # a script stays one
        shutil.copymode(folder / path, staged)


def complete(folder: Path, journal: Journal, finish: Callable[[], object]) -> None:
    """Put everything in its place, or all of it back.

    Args:
        folder: The project.
        journal: What is to be done; some of it may be done already.
        finish: Is called when all files are in their place; it may be called once more.

    Raises:
        CannotUpdate: Somebody changed one of the files meanwhile; the others are as they were.
        WriteFailed: The disk refused; all is as it was.
    """
    try:
        with uninterrupted():
            _put_in_place(folder, journal.steps)
            finish()
    except OSError as error:
        raise _failed(folder, error) from error
    try:
        (folder / WORK).rename(folder / DONE)
    except OSError as error:
        raise WriteFailed(
            f"{folder / WORK} could not be removed: {error.strerror}.",
            hint="The update itself is complete.",
        ) from error
    shutil.rmtree(folder / DONE, ignore_errors=True)


def _put_in_place(folder: Path, steps: Sequence[Step]) -> None:
    with closing(Tree(folder)) as tree:
        try:
            for step in steps:
                _do(folder, tree, step)
        except (OSError, ChangedMeanwhile) as error:
            left = [step.path for step in reversed(steps) if not _undone(folder, tree, step)]
            tree.remove_made()
            # so that nobody completes it; what could not be put back stays where it is
            (folder / WORK / JOURNAL).unlink(missing_ok=True)
            if left:
                kept = folder / f"{WORK}.kept"
                (folder / WORK).rename(kept)
                raise _changed(left, kept) from error
            shutil.rmtree(folder / WORK, ignore_errors=True)
            if isinstance(error, ChangedMeanwhile):
                raise _changed([str(error)], None) from error
            raise
    _remove_empty(folder, steps)


def _do(folder: Path, tree: Tree, step: Step) -> None:
    """Take one step, or what is left of it.

    Raises:
        ChangedMeanwhile: The file is neither as it was nor as it is to be.
    """
    path = Path(step.path)
    new, old = Path(WORK, "new", path), Path(WORK, "old", path)
    if not tree.mode(new) if step.after else tree.mode(old):  # done, before it was interrupted
        if _digest_at(folder, tree, path) != step.after:
            raise ChangedMeanwhile(step.path)
        return
    if step.before:
        if not tree.mode(old):
            if not tree.mode(path):
                raise ChangedMeanwhile(step.path)
            tree.move(path, old)
        # looked at when nobody can change it any more
        if _digest_at(folder, tree, old) != step.before:
            raise ChangedMeanwhile(step.path)
    if step.after:
        if tree.mode(path):
            raise ChangedMeanwhile(step.path)
        tree.move(new, path)


def _undone(folder: Path, tree: Tree, step: Step) -> bool:
    """Put a file back, and return whether nothing of it is left in the folder of the update."""
    path = Path(step.path)
    new, old = Path(WORK, "new", path), Path(WORK, "old", path)
    try:
        if step.after and not tree.mode(new) and _digest_at(folder, tree, path) == step.after:
            tree.move(path, new)
        if not tree.mode(old):
            return True
        if tree.mode(path):
            return _digest_at(folder, tree, path) == step.before
        tree.move(old, path)
    except OSError:
        return not tree.mode(old)
    return True


def _remove_empty(folder: Path, steps: Sequence[Step]) -> None:
    """Remove the folders of files that went, as far as nothing is in them."""
    for step in steps:
        if step.after is None:
            for parent in Path(step.path).parents[:-1]:
                with suppress(OSError):
                    (folder / parent).rmdir()


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _digest_at(folder: Path, tree: Tree, path: Path) -> str | None:
    """Return the digest of a file; that of nothing if there is none, and none at all of a link."""
    mode = tree.mode(path)
    if not mode:
        return None
    return _digest((folder / path).read_bytes()) if stat.S_ISREG(mode) else ""


def _changed(paths: Sequence[str], kept: Path | None) -> CannotUpdate:
    return CannotUpdate(
        f"{', '.join(paths)} changed while the project was being updated, and stays as it is.",
        hint=f"What was there before is in {kept.name}." if kept else "Update again.",
        details={"paths": list(paths)},
    )


def _failed(folder: Path, error: OSError) -> WriteFailed:
    return WriteFailed(
        f"{folder} could not be written: {error.strerror or error}.",
        hint="Nothing was changed.",
        details={"path": str(folder)},
    )
