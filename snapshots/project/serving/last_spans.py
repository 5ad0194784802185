#only tracing
"""The last spans of traces, which are told in batches: none is lost when the process ends."""

import asyncio
from contextlib import suppress

from opentelemetry import trace

from serving.tools import in_thread

FLUSH_SECONDS = 2.0  # when the process is told to stop


class LastSpans:
    """What is to be told before the end."""

    async def aclose(self) -> None:
        """Tell it, as far as there is somebody who listens."""
        # what is there without `opentelemetry-instrument` has no such thing
        flush = getattr(trace.get_tracer_provider(), "force_flush", None)
        if flush:
            with suppress(TimeoutError):
                await asyncio.wait_for(in_thread(flush), FLUSH_SECONDS)
