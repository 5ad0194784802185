"""Tells of changes of a project's own files, within a tenth of a second.

The system only says when to look: what has changed is what looks different from the last time. So
nothing is missed between two watches, a burst is one change, and a file that is replaced by another
has changed, however an editor does that.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import closing, nullcontext, suppress
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from agentcore_new.dev.files import Files, Look

# In milliseconds: how often the watch sees what has come, and how long it waits for a burst's end.
STEP, BURST = 20, 60
# A file that has gone or is empty may be about to be written: an editor does so in two steps.
HALF_WAY_SECONDS = 0.05
POLL_SECONDS = 0.5
# As for watchfiles itself: set where the system tells nothing, in some containers.
POLLED = "WATCHFILES_FORCE_POLLING"

Tell = Callable[[str], None]


def changes(
    folder: Path, stop: asyncio.Event | None = None, tell: Tell | None = None
) -> AsyncGenerator[list[Path], None]:
    """Yield the files that have changed since this call, and after that since they were told.

    Only folders that have files of the project are watched, and those that come to be.

    Args:
        folder: Of the project.
        stop: Ends it when it is set.
        tell: Is told, once, if the system does not watch them and they are looked at instead.
    """
    files = Files(folder.resolve())
    return _changes(files, files.look(), stop or asyncio.Event(), tell or (lambda _: None))


async def _changes(
    files: Files, seen: Look, stop: asyncio.Event, tell: Tell
) -> AsyncGenerator[list[Path], None]:
    is_polled = bool(os.environ.get(POLLED))
    while not stop.is_set():
        watch, watched = None, seen.folders
        if not is_polled:
            try:
                watch = _watch(watched)
            except (OSError, WatchfilesRustInternalError) as error:
                is_polled = True
                why = str(error).partition(" about [")[0]
                tell(f"Changes of files are looked for every half second: {why}")
        with closing(watch) if watch else nullcontext():
            while seen.folders == watched and not stop.is_set():
                # First a look: something may have changed before the watch began.
                before, seen = seen, await _look(files, seen)
                if changed := different(before, seen):
                    yield changed
                if seen.folders == watched:
                    await _wait(watch, files, seen, stop)
                if watch is None:
                    break


def different(before: Look, now: Look) -> list[Path]:
    """Return the files that are not the same in both, or not there in one; in order."""
    return sorted({Path(path) for path, _ in before.files.items() ^ now.files.items()})


async def _look(files: Files, before: Look) -> Look:
    now = await asyncio.to_thread(files.look)
    if any(_is_half_way(path, before, now) for path in before.files):
        await asyncio.sleep(HALF_WAY_SECONDS)
        now = await asyncio.to_thread(files.look)
    return now


def _is_half_way(path: str, before: Look, now: Look) -> bool:
    if path not in now.files:
        return True
    (_, size, _), (_, new_size, _) = before.files[path], now.files[path]
    return size > 0 and new_size == 0


def _watch(folders: Iterable[str]) -> RustNotify | None:
    """Watch these folders, and none below them; None if one of them has gone meanwhile."""
    try:
        return RustNotify([*folders], False, False, 0, False, False)
    except FileNotFoundError:
        return None


class _End:
    """Tells the thread that waits for the system when nobody waits for it any more."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self.is_now = False

    def is_set(self) -> bool:
        """Whether it is to end."""
        return self.is_now or self._stop.is_set()


async def _wait(watch: RustNotify | None, files: Files, seen: Look, stop: asyncio.Event) -> None:
    """Return when it is time to look, or to stop."""
    if watch is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL_SECONDS)
        return
    end = _End(stop)
    told: object = set()
    while isinstance(told, set) and not any(files.concerns(path, seen) for _, path in told):
        waiting = asyncio.ensure_future(asyncio.to_thread(watch.watch, BURST, STEP, 0, end))
        try:
            told = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            end.is_now = True
            await asyncio.wait([waiting])  # its watch is not closed before
            raise
