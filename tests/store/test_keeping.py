"""Between cache and store: rows are read before a turn, and kept before it is answered."""

import asyncio
import time
from typing import Any

import pytest

from store.kinds import IN_A_DATABASE, each
from store.subject import Agent, Subject

HALF = "half \ud83c of it"


def slow(agent: Agent, name: str, patch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Have the store begin to do this when it is asked, and go on when it is told."""
    do, begun, go_on = getattr(agent.store, name), asyncio.Event(), asyncio.Event()

    async def done_slowly(*arguments: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await do(*arguments)

    patch.setattr(agent.store, name, done_slowly)
    return begun, go_on


async def test_what_the_cache_holds_was_read_back_from_its_row(subject: Subject) -> None:
    agent, key = subject.agent(), subject.key()
    async with agent.transcripts.turn(key, "hello") as turn:
        await turn.keep("reply", [HALF, {"$bytes": "no bytes"}, b"bytes", ["a", "b"]])
    mended = ["half \N{REPLACEMENT CHARACTER} of it", {"$bytes": "no bytes"}, b"bytes", ["a", "b"]]
    async with agent.transcripts.turn(key, "again") as turn:
        assert turn.session.turns == [mended]
        assert turn.session.position.rows == 1
        session = turn.session
        await turn.keep("reply", ["again"])
    other = subject.modules.turns.Session(key)
    await agent.kept.refresh(other)
    assert (other.turns, other.position) == (session.turns, session.position)
    await agent.swept()


@each(IN_A_DATABASE)
async def test_what_cannot_be_written_fails_its_turn_alone(subject: Subject) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")

    async def inside(turn: Any) -> None:
        await turn.keep("reply", [object()])

    assert (await agent.refused(key, "two", inside)).status_code == 502
    assert await agent.ask(key, "three") == "2: three"
    await agent.swept()


@each(IN_A_DATABASE)
async def test_what_another_agent_has_written_is_refused_and_left(subject: Subject) -> None:
    agent, other, key = subject.agent(), subject.agent(), subject.key()
    await agent.ask(key, "one")
    other.kept._form = subject.modules.codec.TurnFormat("another/1", list, list)
    for _ in range(2):
        refused = await other.refused(key, "two", lambda _: asyncio.sleep(0))
        assert refused.status_code == 500
        assert refused.detail.startswith("What is kept of this session cannot be read")
    assert await other.ask(subject.key("other"), "hello") == "1: hello"
    assert await agent.ask(key, "two") == "2: two"
    for each_agent in (agent, other):
        await each_agent.swept()


async def test_a_turn_that_is_cancelled_while_it_is_kept_is_kept_and_answered(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")
    with monkeypatch.context() as patch:
        begun, go_on = slow(agent, "add", patch)
        asking = asyncio.create_task(agent.ask(key, "two"))
        await begun.wait()
        asking.cancel()
        await asyncio.sleep(0)
        go_on.set()
        assert await asking == "2: two"
    assert await agent.ask(key, "three") == "3: three"
    assert len(await agent.said(key)) == 6
    await agent.swept()


async def test_a_turn_that_is_cancelled_while_it_reads_does_not_wait(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")
    with monkeypatch.context() as patch:
        begun, go_on = slow(agent, "since", patch)
        asking = asyncio.create_task(agent.ask(key, "two"))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go_on.set()
    assert await agent.ask(key, "three") == "2: three"
    await agent.swept()


@pytest.mark.parametrize("name", ["since", "add"])
async def test_a_store_that_hangs_is_not_waited_for(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")
    monkeypatch.setattr(subject.modules.keeping, "STORE_SECONDS", 0.05)
    with monkeypatch.context() as patch:
        _, go_on = slow(agent, name, patch)

        async def inside(turn: Any) -> None:
            await turn.keep("reply", ["two", "reply"])

        refused = await agent.refused(key, "two", inside)
        assert refused.status_code == 503
        assert refused.detail.startswith("The store of the sessions does not answer.")
        go_on.set()
    await agent.kept.aclose()  # which waits for what it was asked
    assert not agent.kept._asked


async def test_a_busy_process_does_not_make_the_store_late(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")
    monkeypatch.setattr(subject.modules.keeping, "STORE_SECONDS", 1.0)

    async def be_busy() -> None:
        while True:
            time.sleep(0.2)
            await asyncio.sleep(0)

    async def steps() -> str:
        for _ in range(7):
            await asyncio.sleep(0)
        return "answer"

    busy = asyncio.create_task(be_busy())
    try:
        assert await agent.kept.in_time(steps()) == "answer"
    finally:
        busy.cancel()
    await agent.swept()


@each(IN_A_DATABASE)
async def test_what_comes_too_late_is_not_kept(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, key = subject.agent(), subject.key()
    await agent.ask(key, "one")
    await agent.swept()
    with monkeypatch.context() as patch:
        patch.setattr(subject.modules.keeping, "STORE_SECONDS", 0.05)  # less than a commit takes
        with pytest.raises(subject.modules.turns.HTTPException) as refused:
            await agent.ask(key, "two")
        assert refused.value.status_code == 503
        with pytest.raises(subject.modules.rows.Unavailable):
            await agent.transcripts.forget(key)
    assert await agent.ask(key, "two") == "2: two"
    assert len(await agent.said(key)) == 4
    await agent.swept()


async def test_a_store_that_was_only_read_is_closed(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def aclose() -> None:
        closed.append("store")

    agent = subject.agent()
    await agent.transcripts.get_status(subject.key())
    with monkeypatch.context() as patch:
        patch.setattr(agent.store, "aclose", aclose)
        await agent.kept.aclose()
    assert closed == ["store"]
