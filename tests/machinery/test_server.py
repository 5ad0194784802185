"""How a server starts and ends, where no signal arrives.

Point 15, nothing asynchronous at import.
"""

import asyncio
import gc
import logging

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from serving import server, turns
from serving.turns import RunningTurns
from starlette.applications import Starlette


class Closed:
    """What is closed on shutdown, in so many seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.closed = False

    async def aclose(self) -> None:
        await asyncio.sleep(self.seconds)
        self.closed = True


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> RunningTurns:
    """Turns of this test alone, since they are told to end for good."""
    own = RunningTurns()
    monkeypatch.setattr(server, "running", own)
    monkeypatch.setattr(turns, "running", own)
    return own


async def serve(*closing: Closed) -> int:
    """Start and end; how many objects were out of the collector's sight meanwhile."""
    try:
        async with server.lifespan(*closing)(Starlette()):
            return gc.get_freeze_count()
    finally:
        gc.unfreeze()


async def test_the_collector_does_not_look_at_what_was_imported() -> None:
    assert await serve() > 10_000


async def test_everything_is_closed_and_turns_are_told_to_end(running: RunningTurns) -> None:
    closing = [Closed(), Closed()]
    await serve(*closing)
    assert [each.closed for each in closing] == [True, True]
    assert running.ending


async def test_what_hangs_keeps_nothing_else_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "CLOSE_SECONDS", 0.1)
    hanging, other = Closed(60), Closed()
    with caplog.at_level(logging.ERROR):
        await serve(hanging, other)
    assert (hanging.closed, other.closed) == (False, True)
    assert "Closing the sessions took too long" in caplog.text


async def test_what_the_agent_does_beside_its_turns_is_busy_too(running: RunningTurns) -> None:
    app = server.make_app()
    assert app.get_current_ping_status() == "Healthy"
    task = app.add_async_task("a long one")
    assert app.get_current_ping_status() == "HealthyBusy"
    app.complete_async_task(task)
    assert app.get_current_ping_status() == "Healthy"
    async with running.limit(1):
        assert app.get_current_ping_status() == "HealthyBusy"
