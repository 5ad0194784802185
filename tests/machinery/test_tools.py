"""Tools in threads of their own.

Point 16, cheap, and nobody waits for another.
"""

import asyncio
import threading
from contextvars import ContextVar

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from serving import tools
from serving.tools import in_thread, prepared

about: ContextVar[str] = ContextVar("about", default="nothing")


async def test_a_tool_runs_in_a_daemon_thread_that_knows_its_context() -> None:
    def tool(greeting: str, *, name: str) -> tuple[str, str, bool]:
        thread = threading.current_thread()
        assert thread is not threading.main_thread()
        return f"{greeting} {name}", about.get(), thread.daemon

    about.set("a request")
    assert await prepared(tool)("hello", name="you") == ("hello you", "a request", True)


async def test_a_coroutine_function_stays_on_the_loop() -> None:
    async def tool() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await prepared(tool)()


async def test_what_a_tool_raises_is_raised() -> None:
    def tool() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await prepared(tool)()


async def test_as_many_run_as_there_are_threads_and_their_places_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def call() -> None:
        begun.release()
        go.wait()

    monkeypatch.setattr(tools, "_free", asyncio.Semaphore(2))
    calls = [asyncio.create_task(in_thread(call)) for _ in range(5)]
    for _ in range(2):
        await asyncio.to_thread(begun.acquire)
    # who gives up leaves its thread working, and its place taken
    calls[0].cancel()
    await asyncio.sleep(0.05)
    assert not begun.acquire(blocking=False)
    go.set()
    done = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
    assert [type(each) for each in done] == [asyncio.CancelledError, *[type(None)] * 4]
