"""Named gates at which requests are held until the test opens them."""

import asyncio
import threading
from collections import Counter


class Gates:
    """Requests wait on the server's loop; tests open gates from any thread."""

    def __init__(self) -> None:
        """All gates are closed."""
        self._changed = threading.Condition()
        self._held: Counter[str] = Counter()
        self._open: set[str] = set()
        self._events: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def hold(self, name: str) -> None:
        """Wait until the gate is open."""
        with self._changed:
            if name in self._open:
                return
            self._loop = asyncio.get_running_loop()
            event = self._events.setdefault(name, asyncio.Event())
            self._held[name] += 1
            self._changed.notify_all()
        try:
            await event.wait()
        finally:
            with self._changed:
                self._held[name] -= 1
                self._changed.notify_all()

    def wait_held(self, name: str, count: int, timeout: float) -> None:
        """Block until so many requests are held, or raise TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held[name] >= count, timeout):
                raise TimeoutError(f"{self._held[name]} of {count} requests held at {name!r}")

    def release(self, name: str) -> None:
        """Open the gate for those that wait and for all that come later."""
        with self._changed:
            self._open.add(name)
            event = self._events.pop(name, None)
        if event is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(event.set)

    def clear(self) -> None:
        """Let everybody go, then close all gates again."""
        with self._changed:
            waiting = list(self._events)
        for name in waiting:
            self.release(name)
        with self._changed:
            self._open.clear()
