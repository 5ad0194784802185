#only not memory | transcript
"""Deletes the sessions that nobody has used for long, beside the turns."""

import asyncio
import logging
import os
import time
#if transcript
from collections.abc import Awaitable, Callable
#end
from contextvars import Context

from serving.identity import SessionKey
from serving.store.rows import Store

SWEEP_SECONDS = 3_600.0
BATCH = 100
#if not agentcore-memory
MIN_HOURS = 1  # no turn takes so long, so that none loses its session while it runs
#end

log = logging.getLogger("bedrock_agentcore.app")


class Expiry:
    """Looks for such sessions now and then, in the background, after a turn."""

    def __init__(self, store: Store) -> None:
        self.hours = ttl_hours()
        self.running: set[asyncio.Task[None]] = set()
#if transcript
        self.archive: Callable[[SessionKey], Awaitable[None]] | None = None  # called before
#end
        self._store = store
        self._looked = (float("-inf"), float("-inf"))

    def soon(self) -> None:
        """Delete them in the background, unless that was done not long ago."""
        # By both clocks: the one stands still while a machine is a picture, the other may be set.
        now = (time.monotonic(), time.time())
        gone = max(abs(now[0] - self._looked[0]), abs(now[1] - self._looked[1]))
        if self.hours is not None and gone >= SWEEP_SECONDS:
            self._looked = now
            # a context of its own: its log lines do not bear the ids of this turn
            task = asyncio.create_task(self._sweep(self.hours), context=Context())
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    async def _sweep(self, hours: float) -> None:
#if transcript
        stay: set[SessionKey] = set()  # those that could not be archived and deleted
#else
        stay: set[SessionKey] = set()  # those that could not be deleted
#end
        try:
            while keys := {*await self._store.unused(_since(hours), BATCH + len(stay))} - stay:
                for key in keys:
#if transcript
                    if (
                        not await self.archived(key)
                        or await self._store.delete(key, _since(hours)) is None
                    ):
#else
                    if await self._store.delete(key, _since(hours)) is None:
#end
                        stay.add(key)
        except Exception as error:
            log.warning("What has expired is not deleted yet: %s", type(error).__name__)
#if transcript

    async def archived(self, key: SessionKey) -> bool:
        """Archive a session; return whether that is done."""
        try:
            if self.archive:
                await self.archive(key)
        except Exception:
            log.exception("Archiving a session failed")
            return False
        return True
#end


def _since(hours: float) -> float:
    """Return since when a session must have been used; asked anew, as a clock may be set back."""
    return time.time() - 3_600 * hours


def ttl_hours() -> float | None:
    """Return for how long a session is kept after its last use; None is for ever.

    Raises:
#if not agentcore-memory
        SystemExit: SESSION_TTL_HOURS is no such number; uncaught, it ends the program with one line.
    """
#if transcript
    text = os.environ.get("SESSION_TTL_HOURS") or "24"
#else
    text = os.environ.get("SESSION_TTL_HOURS") or ""
#end
    if not text:
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not MIN_HOURS <= hours < float("inf"):
        raise SystemExit(f"SESSION_TTL_HOURS must be a number from {MIN_HOURS}, not {text!r}.")
    return hours
#else
        SystemExit: SESSION_TTL_HOURS is set; uncaught, it ends the program with one line.
    """
    if os.environ.get("SESSION_TTL_HOURS"):
        raise SystemExit("SESSION_TTL_HOURS must not be set: the memory itself deletes old turns.")
    return None
#end
