"""What transcripts say of the rows that the agent remembers by."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from store.kinds import IN_A_DATABASE, each
from store.subject import Agent, Subject


@pytest.fixture
async def agent(subject: Subject) -> AsyncIterator[Agent]:
    """A process that keeps its sessions in the subject."""
    made = subject.agent()
    yield made
    await made.swept()


async def test_a_turn_is_its_prompt_and_its_reply(subject: Subject, agent: Agent) -> None:
    key = subject.key()
    await agent.ask(key, "one")
    await agent.ask(key, "two")
    messages = await agent.transcripts.get_messages(key)
    assert [(message.role, message.message) for message in messages] == [
        ("user", "one"),
        ("assistant", "1: one"),
        ("user", "two"),
        ("assistant", "2: two"),
    ]
    assert len({message.message_id for message in messages}) == 4
    assert len({message.conversation_id for message in messages}) == 1
    for message in messages:
        ids = (message.tenant_id, message.user_id, message.session_id)
        assert ids == ("tenant", "user", "session")
        assert message.timestamp.utcoffset() == timedelta(0)
    assert messages == sorted(messages, key=lambda message: message.timestamp)


async def test_messages_come_in_pages_that_may_begin_within_a_turn(
    subject: Subject, agent: Agent
) -> None:
    key = subject.key()
    await agent.transcripts.create_session("user", "told", tenant_id="tenant", session_id="session")
    for n in range(5):
        await agent.ask(key, str(n))
    whole = await agent.transcripts.get_messages(key, 1_000)
    assert len(whole) == 11
    for limit in (1, 3, 4, 11, 20):
        pages: list[list[Any]] = []
        before = None
        while not pages or pages[0]:
            pages.insert(0, await agent.transcripts.get_messages(key, limit, before))
            before = pages[0][0].message_id if pages[0] else None
        assert [message for page in pages for message in page] == whole
        assert {len(page) for page in pages[2:]} <= {limit}


UNKNOWN = ["", "\ud800", "a\0b", "x" * 65, "x" * 100_000, "1", f"{'0' * 32}-1-0", "²-1-0"]


async def test_what_is_no_message_of_the_session_is_no_place_to_page_from(
    subject: Subject, agent: Agent
) -> None:
    key, other = subject.key(), subject.key(user="another")
    for each_key in (key, other):
        await agent.ask(each_key, "hello")
    (first, _) = await agent.transcripts.get_messages(key)
    (foreign, _) = await agent.transcripts.get_messages(other)
    after_the_last = f"{first.conversation_id}-2-0"
    unknown = [*UNKNOWN, foreign.message_id, after_the_last, f"{first.message_id}\n"]
    for before in unknown:
        for each_key in (key, subject.key("that nobody has begun")):
            with pytest.raises(subject.modules.messages.UnknownMessageError):
                await agent.transcripts.get_messages(each_key, before=before)
    await agent.transcripts.forget(key)
    await agent.ask(key, "hello")
    with pytest.raises(subject.modules.messages.UnknownMessageError):
        await agent.transcripts.get_messages(key, before=first.message_id)


async def test_a_context_has_no_half_of_a_failed_turn(agent: Agent) -> None:
    key = await agent.transcripts.create_session("user", {"plan": "gold"})
    await agent.fail(key, "lost", ValueError())
    await agent.ask(key, "hello")
    context = await agent.transcripts.get_conversation_context(key)
    assert [(message["role"], message["content"]) for message in context] == [
        ("system", json.dumps({"plan": "gold"})),
        ("user", "hello"),
        ("assistant", "1: hello"),
    ]
    assert all(message["timestamp"].endswith("+00:00") for message in context)
    assert await agent.transcripts.get_status(key)


async def test_a_session_without_a_context_has_nothing(subject: Subject, agent: Agent) -> None:
    first, second = [await agent.transcripts.create_session("user") for _ in range(2)]
    assert first != second
    assert await agent.said(first) == []
    assert await agent.transcripts.get_sessions(subject.modules.identity.Caller(None, "user")) == []


async def test_a_failed_turn_is_a_row_that_the_agent_does_not_remember(
    subject: Subject, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    key = subject.key()
    await agent.ask(key, "one")
    told = await agent.fail(key, "lost", ValueError("a secret"))
    assert told == "The agent could not answer. Request id: None"
    (_, _, asked, failed) = await agent.transcripts.get_messages(key)
    assert (asked.role, asked.message) == ("user", "lost")
    assert (failed.role, failed.message) == ("error", told)
    assert failed.metadata == {"request_id": None, "status": 502}
    assert "a secret" in caplog.text
    assert await agent.ask(key, "two") == "2: two"
    # nor does another process
    agent.sessions._idle.clear()
    assert await agent.ask(key, "three") == "3: three"


async def test_what_the_store_did_not_take_is_not_said_to_have_failed_in_it(
    subject: Subject, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise ConnectionError("away")

    key = subject.key()
    await agent.ask(key, "one")

    async def keep(turn: Any) -> None:
        await turn.keep("reply", ["lost", "reply"])

    async def fail(_: Any) -> None:
        raise ValueError

    for part, inside, status in (("add", keep, 503), ("since", keep, 503), ("add", fail, 502)):
        with monkeypatch.context() as patch:
            patch.setattr(agent.store, part, away)
            refused = await agent.refused(key, "lost", inside)
        assert refused.status_code == status
        assert await agent.said(key) == ["one", "1: one"]
    assert await agent.ask(key, "two") == "2: two"


async def test_a_turn_that_is_cancelled_is_a_failed_one(subject: Subject, agent: Agent) -> None:
    running, key = asyncio.Event(), subject.key()

    async def run() -> None:
        async with agent.transcripts.turn(key, "hello"):
            running.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await running.wait()
    task.cancel()
    with pytest.raises(subject.modules.turns.HTTPException):
        await task
    assert await agent.said(key) == ["hello", "The agent could not answer. Request id: None"]
    assert (await agent.transcripts.get_status(key)).status == "failed"


async def test_a_turn_that_never_had_its_session_leaves_nothing(
    subject: Subject, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = subject.key()
    async with agent.transcripts.turn(key, "first") as turn:
        with monkeypatch.context() as patch:
            patch.setattr(subject.modules.turns, "TURN_SECONDS", 0.05)
            told = await asyncio.create_task(agent.fail(key, "second", ValueError()))
        assert told.startswith("The agent took too long to answer.")
        await turn.keep("reply", ["first", "reply"])
    assert await agent.said(key) == ["first", "reply"]
    assert (await agent.transcripts.get_status(key)).status == "done"


async def test_a_turn_without_a_session_leaves_nothing(subject: Subject, agent: Agent) -> None:
    await agent.ask(None, "hello")
    await agent.fail(None, "hello", ValueError())
    caller = subject.modules.identity.Caller(None, None)
    assert await agent.transcripts.get_sessions(caller) == []
    assert await agent.store.unused(float("inf"), 10) == []


async def test_sessions_are_those_of_a_caller(subject: Subject, agent: Agent) -> None:
    make = subject.modules.identity.Caller
    for session, user in (("a", "user"), ("b", "user"), ("c", None)):
        await agent.ask(subject.key(session, user), f"hello {session}\nand more")
    found = await agent.transcripts.get_sessions(make("tenant", "user"))
    assert [(one.session_id, one.first_line) for one in found] == [
        ("b", "hello b"),
        ("a", "hello a"),
    ]
    (one,) = await agent.transcripts.get_sessions(make("tenant", None), 1, "c")
    assert one.session_id == "c"
    assert one.last_used.utcoffset() == timedelta(0)
    assert await agent.transcripts.get_sessions(make(None, "user")) == []


async def test_a_status_is_that_of_the_turn_that_runs_or_of_the_last_one(
    subject: Subject, agent: Agent
) -> None:
    key, status = subject.key(), agent.transcripts.get_status
    assert (await status(key)).status == "idle"
    async with agent.transcripts.turn(key, "one") as turn:
        waiting = asyncio.create_task(agent.fail(key, "two", ValueError()))
        await asyncio.sleep(0)
        assert (await status(key)).status == "running"
        await turn.keep("reply", ["one", "reply"])
    failure = await waiting
    last = await status(key)
    assert (last.status, last.progress, last.issues) == ("failed", 100, [failure])
    await agent.ask(key, "three")
    last = await status(key)
    assert (last.status, last.progress, last.issues) == ("done", 100, [])
    told = await agent.transcripts.create_session("user", "told")
    assert (await status(told)).status == "idle"


async def test_a_status_says_that_the_store_does_not_answer(
    subject: Subject, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise ConnectionError("a secret")

    monkeypatch.setattr(agent.store, "said", away)
    status = await agent.transcripts.get_status(subject.key())
    assert (status.status, status.issues) == (
        "idle",
        ["The store of the sessions does not answer. Try again later."],
    )


async def test_a_forgotten_session_is_nowhere_and_starts_anew(subject: Subject) -> None:
    archived: list[Any] = []

    async def archive(key: Any, _: Any) -> None:
        archived.append(key)

    agent, key, other = subject.agent(archive), subject.key(), subject.key("other")
    for one in (key, key, other):
        await agent.ask(one, "hello")
    (first, *_) = await agent.transcripts.get_messages(key)
    assert await agent.transcripts.forget(key) == 4
    assert await agent.said(key) == []
    assert agent.closed == [key]
    assert await agent.transcripts.forget(key) == 0
    assert await agent.ask(key, "hello") == "1: hello"
    (anew, _) = await agent.transcripts.get_messages(key)
    assert anew.conversation_id != first.conversation_id
    assert await agent.said(other) == ["hello", "1: hello"]
    assert archived == []
    await agent.swept()


async def test_a_session_that_cannot_be_forgotten_is_as_it_was(
    subject: Subject, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise ConnectionError("away")

    key = subject.key()
    await agent.ask(key, "hello")
    with monkeypatch.context() as patch:
        patch.setattr(agent.store, "delete", away)
        with pytest.raises(subject.modules.rows.Unavailable):
            await agent.transcripts.forget(key)
    assert agent.closed == []
    assert await agent.said(key) == ["hello", "1: hello"]
    assert await agent.ask(key, "again") == "2: again"


@each(IN_A_DATABASE)
async def test_what_is_forgotten_elsewhere_is_not_remembered_here(subject: Subject) -> None:
    here, elsewhere, key = subject.agent(), subject.agent(), subject.key()
    await here.ask(key, "one")
    assert await elsewhere.ask(key, "two") == "2: two"
    assert await here.ask(key, "three") == "3: three"
    assert await elsewhere.transcripts.forget(key) == 6
    assert await here.said(key) == []
    assert await here.ask(key, "anew") == "1: anew"
    for agent in (here, elsewhere):
        await agent.swept()


@each(IN_A_DATABASE)
async def test_a_turn_that_another_process_got_ahead_of_is_refused_whole(subject: Subject) -> None:
    here, elsewhere, key = subject.agent(), subject.agent(), subject.key()
    await here.ask(key, "one")

    async def behind(turn: Any) -> None:
        assert await elsewhere.ask(key, "ahead") == "2: ahead"
        await turn.keep("reply", ["behind", "reply"])

    assert (await here.refused(key, "behind", behind)).status_code == 409
    assert await here.said(key) == ["one", "1: one", "ahead", "2: ahead"]
    # a failed one is recorded where it stands, or not at all

    async def fails(_: Any) -> None:
        await elsewhere.ask(key, "ahead again")
        raise ValueError

    assert (await here.refused(key, "fails", fails)).status_code == 502
    assert await here.ask(key, "after") == "4: after"
    assert len(await here.said(key)) == 8
    for agent in (here, elsewhere):
        await agent.swept()


@each(IN_A_DATABASE)
@pytest.mark.parametrize("damage", ["", "{", "[]x", "[{}]", '[{"role": 7}]', "null"])
async def test_damage_in_one_transcript_harms_no_other(
    subject: Subject, agent: Agent, damage: str
) -> None:
    key, other = subject.key(), subject.key("other")
    for one in (key, other):
        await agent.ask(one, "hello")
    (position, _) = await agent.store.said(key, 1)
    async with agent.store._engine.begin() as connection:
        change = """UPDATE agent_turns SET said = :said WHERE session_key =
            (SELECT session_key FROM agent_sessions WHERE conversation = :conversation)"""
        await connection.execute(
            text(change), {"said": damage, "conversation": position.conversation}
        )
    with pytest.raises(subject.modules.rows.Unreadable):
        await agent.transcripts.get_messages(key)
    status = await agent.transcripts.get_status(key)
    assert status.issues == [subject.modules.rows.Unreadable.sentence]
    # the agent remembers by another column
    assert await agent.ask(key, "again") == "2: again"
    assert await agent.said(other) == ["hello", "1: hello"]
    assert await agent.transcripts.forget(key) == 4


async def archived_by(agent: Agent, archived: dict[Any, list[str]]) -> dict[Any, list[str]]:
    """What the archive has when the process has ended."""
    await agent.aclose()
    return archived


@each(["memory"])
async def test_what_leaves_memory_is_archived_at_the_end_as_well(subject: Subject) -> None:
    archived: dict[str, list[str]] = {}

    async def archive(key: Any, messages: Any) -> None:
        await asyncio.sleep(0.01)  # it opens something first
        assert key.session not in archived
        archived[key.session] = [message.message async for message in messages]

    agent = subject.agent(archive, maxsize=2)
    for turn in range(1, 151):
        assert await agent.ask(subject.key("long"), str(turn)) == f"{min(turn, 101)}: {turn}"
    for session in ("a", "b"):
        await agent.ask(subject.key(session), "hello")
    assert await agent.said(subject.key("b")) == ["hello", "1: hello"]
    await agent.aclose()
    assert [*archived] == ["long", "a", "b"]
    assert archived["long"][::2] == [str(turn) for turn in range(51, 151)]
    assert len(archived["long"]) == 200
    assert archived["b"] == ["hello", "1: hello"]
    assert await agent.said(subject.key("long")) == []


async def test_an_archive_reads_a_long_transcript_to_its_end(subject: Subject) -> None:
    agent, key = subject.agent(), subject.key()
    for n in range(250):
        await agent.ask(key, str(n))
    whole = await agent.said(key, 1_000)
    read = [message.message async for message in agent.transcripts._read(key)]
    assert read == whole
    assert len(whole) == (200 if subject.kind == "memory" else 500)
    await agent.swept()
