"""How long one waits for the store: a process that is busy itself does not make the store late."""

import asyncio
from contextvars import ContextVar

TICK_SECONDS = 0.1
COMMIT_SECONDS = 0.5  # that it takes at most, most often


class Patience:
    """That of one who asks.

    Args:
        seconds: For which this process, too, was free to go on.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    async def wait(self, task: asyncio.Task[object]) -> None:
        """Wait for the task, for a while; of the time, no more counts than was to be waited."""
        tick = min(TICK_SECONDS, self.left)
        self.left -= tick
        await asyncio.wait([task], timeout=tick)

    @property
    def is_late(self) -> bool:
        """Whether nothing may be changed any more: who asks is told soon that it was not."""
        return self.left < COMMIT_SECONDS


patience: ContextVar[Patience | None] = ContextVar("patience", default=None)  # of who asks now
