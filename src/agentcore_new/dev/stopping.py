"""The signals that end `agentcore-new dev`."""

import asyncio
import signal


class Stopping:
    """The signals that say to stop; a second one says at once."""

    def __init__(self) -> None:
        self.hurry = asyncio.Event()
        self._told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signal)

    async def wait(self) -> None:
        """Wait for the first."""
        await self._told.wait()

    def _signal(self) -> None:
        if self._told.is_set():
            self.hurry.set()
        self._told.set()
