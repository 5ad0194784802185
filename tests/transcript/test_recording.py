"""A turn, from its prompt to its record."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import generated  # noqa: F401 - puts `chat` and `invocation` on the path
import pytest
from chat.models import ChatMessage, StatusModel
from chat.recording import INTERRUPTED, record, shown
from chat.session import SessionManager
from serving.identity import SessionKey
from serving.tools import prepared
from starlette.exceptions import HTTPException

KEY = SessionKey(None, "user", "session")


def manager() -> SessionManager:
    return SessionManager(lambda: None)


def said(messages: list[ChatMessage]) -> list[tuple[str, str]]:
    return [(message.role, message.message) for message in messages]


async def test_a_turn_is_its_prompt_and_its_reply() -> None:
    transcripts = manager()
    async with record(transcripts, KEY, "hello") as turn:
        turn.begin("conversation")
        turn.end("reply")
    messages = await transcripts.get_messages(KEY)
    assert said(messages) == [("user", "hello"), ("assistant", "reply")]
    assert {message.conversation_id for message in messages} == {"conversation"}


async def test_a_streamed_reply_is_what_was_sent() -> None:
    transcripts, sent = manager(), list[str]()
    async with record(transcripts, KEY, "hello") as turn:
        send = turn.sends(sent.append)
        send("re")
        send("ply")
        assert (await transcripts.get_status(KEY)).status == "streaming"
        assert await transcripts.get_messages(KEY) == []
        turn.end("the last part of it")
    assert sent == ["re", "ply"]
    assert said(await transcripts.get_messages(KEY))[1] == ("assistant", "reply")


async def test_a_turn_that_is_cancelled_is_an_interrupted_one() -> None:
    transcripts, running = manager(), asyncio.Event()

    async def run() -> None:
        async with record(transcripts, KEY, "hello"):
            running.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    messages = await transcripts.get_messages(KEY)
    assert said(messages) == [("user", "hello"), ("error", INTERRUPTED)]
    assert (await transcripts.get_status(KEY)).status == "failed"


async def test_only_what_the_caller_may_read_is_recorded_of_a_failure() -> None:
    transcripts = manager()
    with pytest.raises(HTTPException):
        async with record(transcripts, KEY, "hello"):
            raise HTTPException(504, "It took too long.") from ValueError("secret")
    with pytest.raises(ValueError, match="secret"):
        async with record(transcripts, KEY, "hello"):
            raise ValueError("secret")
    asked, failed, _, unknown = await transcripts.get_messages(KEY)
    assert (asked.message, failed.message) == ("hello", "It took too long.")
    assert failed.metadata["status"] == 504
    assert unknown.message == INTERRUPTED


async def test_a_turn_without_a_session_leaves_nothing() -> None:
    transcripts = manager()
    async with record(transcripts, None, "hello") as turn:
        turn.begin("conversation")
        turn.sends(lambda _: None)("reply")
        turn.end("reply")
    assert await transcripts.get_sessions(None, None) == []


async def test_of_two_turns_the_status_is_that_of_the_one_that_runs() -> None:
    transcripts = manager()
    async with record(transcripts, KEY, "one") as one:
        one.begin("conversation")
        async with record(transcripts, KEY, "two"):
            assert (await transcripts.get_status(KEY)).status == "running"
    assert (await transcripts.get_status(KEY)).status == "done"


async def slow_sum(a: int, b: int = 2) -> int:
    """Add two numbers."""
    await asyncio.sleep(0)
    return a + b


def quick_sum(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("function", [slow_sum, quick_sum])
async def test_a_tool_stays_what_it_is(function: Callable[..., Any]) -> None:
    tool: Callable[..., Any] = prepared(function)
    assert inspect.signature(tool) == inspect.signature(function)
    assert inspect.getdoc(tool) == "Add two numbers."
    assert inspect.iscoroutinefunction(tool)
    assert await tool(1, b=4) == 5


async def test_a_tool_shows_in_the_status_of_its_own_turn_alone() -> None:
    transcripts, seen = manager(), list[StatusModel]()
    other = SessionKey(None, "user", "other")

    async def look() -> None:
        seen.extend([await transcripts.get_status(KEY), await transcripts.get_status(other)])
        raise ValueError

    async with record(transcripts, other, "hello"):
        pass

    async def wait(going: asyncio.Event) -> None:
        async with record(transcripts, other, "hello") as turn:
            turn.begin("other")
            await going.wait()

    going = asyncio.Event()
    waiting = asyncio.create_task(wait(going))
    await asyncio.sleep(0)
    async with record(transcripts, KEY, "hello") as turn:
        turn.begin("conversation")
        with pytest.raises(ValueError, match=r"^$"):
            await shown(look)()
        after = await transcripts.get_status(KEY)
    going.set()
    await waiting
    assert [status.status for status in seen] == ["tool in use", "running"]
    assert [status.current_step for status in seen] == ["look", None]
    assert (after.status, after.current_step) == ("running", None)
    assert after.progress == seen[0].progress
