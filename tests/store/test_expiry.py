"""Which sessions are deleted when nobody has used them for long, when, and what is archived."""

import asyncio
from typing import Any

import pytest

from store.kinds import IN_A_DATABASE, each
from store.subject import Clocks, Subject

HOUR = 3_600.0


@pytest.fixture
def clocks(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The clocks that the subject goes by."""
    return subject.control_time(monkeypatch)


async def test_what_has_expired_is_archived_and_deleted_and_nothing_else(
    subject: Subject, clocks: Clocks
) -> None:
    old, failing, young = (subject.key(name) for name in ("old", "failing", "young"))
    archived: dict[Any, list[str]] = {}

    async def archive(key: Any, messages: Any) -> None:
        if key == failing:
            raise OSError("no room")
        archived[key] = [message.message async for message in messages]

    agent = subject.agent(archive)
    for key in (old, failing):
        await agent.ask(key, "hello")
    clocks.forward(1)
    await agent.ask(young, "hello")
    clocks.forward(24 * HOUR - 0.5)
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    assert archived == {old: ["hello", "1: hello"]}
    assert await agent.said(old) == []
    # what memory holds of a session goes with it, whatever the archive says
    for key in (young,) if subject.kind == "memory" else (failing, young):
        assert await agent.said(key) == ["hello", "1: hello"]
    # nor does the cache have it
    assert await agent.ask(old, "again") == "1: again"
    assert await agent.ask(young, "again") == "2: again"
    await agent.swept()


@each(["unnamed", *IN_A_DATABASE])
async def test_nobody_looks_more_often_than_once_an_hour(subject: Subject, clocks: Clocks) -> None:
    agent, old = subject.agent(), subject.key("old")
    await agent.ask(old, "hello")
    clocks.forward(23.5 * HOUR)
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    clocks.forward(0.9 * HOUR)
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    assert len(await agent.said(old)) == 2
    clocks.forward(0.2 * HOUR)
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    assert await agent.said(old) == []


async def test_a_time_of_day_that_is_set_back_stops_nothing(
    subject: Subject, clocks: Clocks
) -> None:
    agent, old, future = subject.agent(), subject.key("old"), subject.key("of the future")
    clocks.day += 365 * 24 * HOUR
    await agent.ask(future, "hello")
    await agent.swept()
    clocks.day -= 365 * 24 * HOUR
    await agent.ask(old, "hello")
    clocks.forward(24 * HOUR + 1)
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    assert await agent.said(old) == []


async def test_a_clock_that_stood_still_holds_nothing_up(subject: Subject, clocks: Clocks) -> None:
    agent, old = subject.agent(), subject.key("old")
    await agent.ask(old, "hello")
    await agent.swept()
    clocks.day += 24 * HOUR + 1
    await agent.ask(subject.key("other"), "hello")
    await agent.swept()
    assert await agent.said(old) == []
    assert await agent.ask(old, "again") == "1: again"
    await agent.swept()


async def test_a_failed_archive_keeps_its_session_and_no_other(
    subject: Subject, clocks: Clocks
) -> None:
    async def archive(key: Any, _: Any) -> None:
        if int(key.session) < 150:
            raise OSError("no room")

    agent = subject.agent(archive, maxsize=1_000)
    keys = [subject.key(str(n)) for n in range(350)]
    for key in keys:
        await subject.add(agent.store, key, subject.row("hello"))
        clocks.forward(0.01)
    clocks.forward(25 * HOUR)
    await agent.ask(subject.key("999"), "hello")
    await agent.swept()
    left = {*await agent.store.unused(clocks.day - 1, 1_000)}
    assert left == {*keys[:150]}


@each(["unnamed", *IN_A_DATABASE])
async def test_a_session_that_is_used_while_it_is_archived_stays(
    subject: Subject, clocks: Clocks
) -> None:
    old, archived = subject.key("old"), list[str]()

    async def archive(key: Any, messages: Any) -> None:
        archived.extend([message.message async for message in messages])
        if key == old and not used:
            used.append(await agent.ask(old, "again"))

    used: list[str] = []
    agent = subject.agent(archive)
    await agent.ask(old, "hello")
    await agent.swept()
    clocks.forward(24 * HOUR + 1)
    agent.kept.expiry.soon()  # before anything leaves the cache
    await agent.swept()
    assert archived == ["hello", "1: hello"]
    assert await agent.said(old) == ["hello", "1: hello", "again", "2: again"]


@each(["unnamed", *IN_A_DATABASE])
async def test_a_clock_that_is_set_back_meanwhile_makes_nothing_old(
    subject: Subject, clocks: Clocks
) -> None:
    one, other, made = (subject.key(name) for name in ("one", "other", "made"))
    archived: list[Any] = []

    async def archive(key: Any, _: Any) -> None:
        archived.append(key)
        if len(archived) == 1:
            clocks.day -= 10 * 24 * HOUR
            await agent.ask(made, "hello")
            await agent.ask(other if key == one else one, "again")

    agent = subject.agent(archive)
    for key in (one, other):
        await agent.ask(key, "hello")
    await agent.swept()
    clocks.day += 10 * 24 * HOUR  # it is ahead, and seems right
    agent.kept.expiry.soon()
    await agent.swept()
    assert {*archived} == {one, other}
    assert await agent.said(archived[0]) == ["hello", "1: hello"]
    assert await agent.said(archived[1]) == ["hello", "1: hello", "again", "2: again"]
    assert await agent.said(made) == ["hello", "1: hello"]


@each(IN_A_DATABASE)
async def test_each_session_is_deleted_once_however_many_look(
    subject: Subject, clocks: Clocks
) -> None:
    agents = [subject.agent() for _ in range(3)]
    for n in range(30):
        await subject.add(agents[0].store, subject.key(str(n)), subject.row("hello"))
    clocks.forward(25 * HOUR)
    await asyncio.gather(*(agent.ask(subject.key("other"), "hello") for agent in agents[:1]))
    for agent in agents:
        agent.kept.expiry.soon()
    for agent in agents:
        await agent.swept()
    assert await agents[0].store.unused(clocks.day - 1, 100) == []
    assert len(await agents[0].said(subject.key("other"))) == 2


async def test_what_goes_wrong_is_told_and_tried_again(
    subject: Subject,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def away(*_: Any) -> Any:
        raise ConnectionError("secret")

    agent, old = subject.agent(), subject.key("old")
    await agent.ask(old, "hello")
    await agent.swept()
    clocks.forward(24 * HOUR + 1)
    with monkeypatch.context() as patch:
        patch.setattr(agent.store, "unused", away)
        agent.kept.expiry.soon()
        await agent.swept()
    assert caplog.messages == ["What has expired is not deleted yet: ConnectionError"]
    assert len(await agent.said(old)) == 2
    clocks.forward(HOUR)
    agent.kept.expiry.soon()
    await agent.swept()
    assert await agent.said(old) == []
