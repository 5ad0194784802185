"""The folder for what agents write: in the user's cache, one a run, gone when nobody has it."""

import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import psutil
from platformdirs import user_cache_path

from agentcore_new.errors import CannotServe

MAX_BYTES = 100_000_000  # of a log, and then no more than its end is kept
KEPT_BYTES = 1_000_000
LEAST_BYTES = 100_000  # free on a disk that is not full
_CUT = b"[what came before is not kept]\n"


def make_folder(project: Path) -> Path:
    """Make the folder of this run, and remove those of earlier runs that have ended.

    Raises:
        CannotServe: The cache cannot be written to.
    """
    digest = sha256(str(project).encode()).hexdigest()[:12]
    ours = user_cache_path("agentcore-new") / "dev" / f"{project.name}-{digest}"
    folder = ours / str(os.getpid())
    try:
        for old in ours.iterdir() if ours.exists() else ():
            if not (old.name.isdecimal() and psutil.pid_exists(int(old.name))):
                shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier process of the same number
        folder.mkdir(parents=True)
    except OSError as error:
        raise CannotServe(
            f"The folder for logs cannot be made: {error}.", hint="XDG_CACHE_HOME names another."
        ) from None
    return folder


def shorten(log: Path) -> None:
    """Leave the end of a log that has grown too long: no agent is to fill the disk.

    Who writes to it goes on at its new end, being bound to append.
    """
    with suppress(OSError):  # gone, or it cannot be written
        size = log.stat().st_size
        if size > MAX_BYTES:
            with log.open("a+b") as file:
                file.seek(size - KEPT_BYTES)
                end = file.read()
                file.truncate(0)
                file.write(_CUT + end)


def full_disk(folder: Path) -> str:
    """Return that the disk of the logs is full, if so: an agent that it ended cannot say it."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # the folder is gone
        return ""
    if free >= LEAST_BYTES:
        return ""
    return f"The disk with {folder} is full: make room on it, or name another by XDG_CACHE_HOME."
