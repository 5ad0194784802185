"""A turn, from its prompt to its row, and its status while it runs."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from serving.tools import prepared
from starlette.exceptions import HTTPException
from store.kinds import each
from store.subject import Agent, Subject

pytestmark = each(["sqlite"])


@pytest.fixture
async def agent(subject: Subject) -> AsyncIterator[Agent]:
    """A process that keeps its sessions in a file."""
    made = subject.agent()
    yield made
    await made.swept()


async def test_a_streamed_reply_is_what_was_sent(subject: Subject, agent: Agent) -> None:
    key, sent = subject.key(), list[str]()
    async with agent.transcripts.turn(key, "hello") as turn:
        send = turn.sends(sent.append)
        for delta in ("re", "\ud83c", "\udf89", "ply", "\ud83c"):
            send(delta)
        assert (await agent.transcripts.get_status(key)).status == "streaming"
        assert await agent.said(key) == []
        await turn.keep("the last part of it", ["turn"])
    assert sent == ["re", "\ud83c", "\udf89", "ply", "\ud83c"]
    assert await agent.said(key) == ["hello", "re🎉ply\N{REPLACEMENT CHARACTER}"]


async def test_a_reply_of_which_nothing_was_sent_is_the_whole_one(
    subject: Subject, agent: Agent
) -> None:
    key = subject.key()
    async with agent.transcripts.turn(key, "hello") as turn:
        turn.sends(print)
        await turn.keep("reply", ["turn"])
    assert await agent.said(key) == ["hello", "reply"]


async def test_only_what_the_caller_may_read_is_recorded_of_a_failure(
    subject: Subject, agent: Agent
) -> None:
    key = subject.key()
    told = await agent.fail(key, "one", HTTPException(418, "a secret"))
    await agent.fail(key, "two", ValueError("a secret"))
    assert await agent.said(key) == ["one", told, "two", told]
    for message in await agent.transcripts.get_messages(key):
        assert "secret" not in message.model_dump_json()


async def test_the_first_message_is_as_old_as_its_prompt(subject: Subject, agent: Agent) -> None:
    key = subject.key()
    before = subject.modules.messages.utc_now()
    async with agent.transcripts.turn(key, "hello") as turn:
        begun = subject.modules.messages.utc_now()
        await asyncio.sleep(0.01)
        ending = subject.modules.messages.utc_now()
        await turn.keep("reply", ["turn"])
    asked, answered = await agent.transcripts.get_messages(key)
    assert before <= asked.timestamp <= begun
    assert ending <= answered.timestamp


async def slow_sum(a: int, b: int = 2) -> int:
    """Add two numbers."""
    await asyncio.sleep(0)
    return a + b


def quick_sum(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("function", [slow_sum, quick_sum])
@pytest.mark.usefixtures("subject")
async def test_a_tool_stays_what_it_is(function: Callable[..., Any]) -> None:
    tool: Callable[..., Any] = prepared(function)
    assert inspect.signature(tool) == inspect.signature(function)
    assert inspect.getdoc(tool) == "Add two numbers."
    assert inspect.iscoroutinefunction(tool)
    assert await tool(1, b=4) == 5


async def test_a_tool_shows_in_the_status_of_its_own_turn_alone(
    subject: Subject, agent: Agent
) -> None:
    key, other, seen = subject.key(), subject.key("other"), list[Any]()
    status, going = agent.transcripts.get_status, asyncio.Event()

    async def look() -> None:
        seen.extend([await status(key), await status(other)])
        raise ValueError

    async def wait() -> None:
        async with agent.transcripts.turn(other, "hello") as turn:
            await going.wait()
            await turn.keep("reply", ["turn"])

    waiting = asyncio.create_task(wait())
    while (await status(other)).status != "running":
        await asyncio.sleep(0.01)
    async with agent.transcripts.turn(key, "hello") as turn:
        with pytest.raises(ValueError, match=r"^$"):
            await subject.modules.recording.shown(look)()
        after = await status(key)
        await turn.keep("reply", ["turn"])
    going.set()
    await waiting
    assert [each.status for each in seen] == ["tool in use", "running"]
    assert [each.current_step for each in seen] == ["look", None]
    assert (after.status, after.current_step) == ("running", None)
    assert after.progress == seen[0].progress


async def test_a_tool_outside_of_a_turn_is_only_a_tool(subject: Subject) -> None:
    assert await subject.modules.recording.shown(slow_sum)(1) == 3
