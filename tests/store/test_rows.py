"""One contract, held by each store: memory, a file of SQLite, a real PostgreSQL."""

import asyncio
from itertools import product
from typing import Any

import pytest

from store.kinds import IN_A_DATABASE, each
from store.subject import Subject

FOR_EVER = float("inf")


def numbers(rows: list[Any]) -> list[int]:
    return [row.number for row in rows]


async def test_rows_come_back_in_order_and_in_pages(subject: Subject) -> None:
    store, key = subject.open(), subject.key()
    nothing = subject.modules.rows.NOTHING
    assert await store.since(key, nothing, 100) == (nothing, [])
    assert await store.said(key, 100) == (nothing, [])
    added = [subject.row(f"prompt {n}", f"reply {n}", body=f"body {n}") for n in range(1, 8)]
    added[3] = subject.row("failed", "error", body=None)
    positions = await subject.add(store, key, *added)
    conversation = positions[0].conversation
    assert positions == [(conversation, n) for n in range(1, 8)]

    position, rows = await store.since(key, nothing, 100)
    assert position == (conversation, 7)
    assert [(row.number, row.body) for row in rows] == [
        (n, f"body {n}") for n in (1, 2, 3, 5, 6, 7)
    ]
    assert numbers((await store.since(key, positions[4], 100))[1]) == [6, 7]
    assert numbers((await store.since(key, nothing, 2))[1]) == [6, 7]
    assert await store.since(key, position, 100) == (position, [])

    position, rows = await store.said(key, 100)
    assert position == (conversation, 7)
    assert numbers(rows) == [*range(1, 8)]
    assert [row.said.messages for row in rows] == [row.said.messages for row in added]
    assert [row.row_id for row in rows] == [row.row_id for row in added]
    assert numbers((await store.said(key, 3))[1]) == [5, 6, 7]
    assert numbers((await store.said(key, 3, 5))[1]) == [2, 3, 4]
    assert numbers((await store.said(key, 3, 2))[1]) == [1]
    assert await store.said(key, 3, 1) == (position, [])


async def test_a_session_in_another_conversation_is_read_from_its_beginning(
    subject: Subject,
) -> None:
    store, key = subject.open(), subject.key()
    first = await subject.add(store, key, subject.row("one"), subject.row("two"))
    assert await store.delete(key) == 2
    second = await subject.add(
        store, key, subject.row("three"), subject.row("four"), subject.row("five")
    )
    assert first[0].conversation != second[0].conversation
    position, rows = await store.since(key, first[1], 100)
    assert position == second[2]
    assert numbers(rows) == [1, 2, 3]


async def test_a_row_is_added_where_the_session_is_and_nowhere_else(subject: Subject) -> None:
    store, key, modules = subject.open(), subject.key(), subject.modules
    (_, second, third) = await subject.add(store, key, *(subject.row(str(n)) for n in range(3)))
    other = modules.rows.Position("0" * 32, 3)
    ahead = third._replace(rows=4)
    for position in (modules.rows.NOTHING, second, other, ahead):
        with pytest.raises(modules.rows.Conflict):
            await store.add(key, position, subject.row("nowhere"))
    assert numbers((await store.said(key, 100))[1]) == [1, 2, 3]
    await store.delete(key)
    with pytest.raises(modules.rows.Conflict):
        await store.add(key, third, subject.row("after the end"))
    assert await store.since(key, third, 100) == (modules.rows.NOTHING, [])


@each(IN_A_DATABASE)
async def test_a_row_that_is_there_already_is_not_added_again(subject: Subject) -> None:
    store, key, nothing = subject.open(), subject.key(), subject.modules.rows.NOTHING
    first, second = subject.row("first"), subject.row("second")
    position = await store.add(key, nothing, first)
    assert await store.add(key, nothing, first) == position
    position = await store.add(key, position, second)
    assert await store.add(key, position._replace(rows=1), second) == position
    assert numbers((await store.said(key, 100))[1]) == [1, 2]
    with pytest.raises(subject.modules.rows.Conflict):
        await store.add(key, nothing, second)


@each(IN_A_DATABASE)
async def test_of_two_processes_that_add_at_once_one_does(subject: Subject) -> None:
    stores, key = [subject.open() for _ in range(4)], subject.key()
    position = (await subject.add(stores[0], key, subject.row("first")))[0]
    for turn in range(2, 6):
        adding = (store.add(key, position, subject.row("at once")) for store in stores)
        ends = await asyncio.gather(*adding, return_exceptions=True)
        (position,) = (end for end in ends if not isinstance(end, Exception))
        others = [end for end in ends if end != position]
        assert {type(end) for end in others} == {subject.modules.rows.Conflict}
        assert numbers((await stores[0].said(key, 100))[1]) == [*range(1, turn + 1)]


async def test_sessions_never_mix(subject: Subject) -> None:
    store, make = subject.open(), subject.modules.identity.SessionKey
    ids = (None, "None", "a", "a','b", 'a", "b', "ü", "x" * 256)
    keys = [make(t, u, s) for t, u, s in product(ids, repeat=3) if s][::9]
    for key in keys:
        await subject.add(store, key, subject.row(repr(key)[:100]))
    for key in keys:
        assert numbers((await store.said(key, 10))[1]) == [1]
        (listed,) = await store.sessions((key.tenant, key.user), 1_000, key.session)
        assert listed[:2] == (key.session, repr(key)[:100])
        for session, _, _ in await store.sessions((key.tenant, key.user), 1_000):
            assert make(key.tenant, key.user, session) in keys
    assert {*await store.unused(FOR_EVER, 1_000)} == {*keys}
    forgotten, *kept = keys
    assert await store.delete(forgotten) == 1
    assert (await store.said(forgotten, 10))[1] == []
    for key in kept:
        assert numbers((await store.said(key, 10))[1]) == [1]


@pytest.mark.parametrize("text", ["", "a\0b", "🎉\r\n\u2028", "x" * 1_000_000])
async def test_any_text_can_be_said(subject: Subject, text: str) -> None:
    store, key = subject.open(), subject.key()
    await subject.add(store, key, subject.row(text, text))
    position, (row,) = await store.said(key, 10)
    messages = subject.modules.messages.read_messages(key, position.conversation, row)
    assert [message.message for message in messages] == [text, text]
    await store.sessions(("tenant", "user"), 1)


async def test_sessions_are_listed_last_used_first(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks, store = subject.control_time(monkeypatch), subject.open()
    for name in "abc":
        await subject.add(store, subject.key(name), subject.row(f"{name}\r\nmore", "reply"))
        clocks.forward(1)
    position = (await store.said(subject.key("a"), 1))[0]
    await store.add(subject.key("a"), position, subject.row("another line"))
    clocks.forward(1)
    await subject.add(store, subject.key("d", user=None), subject.row("foreign"))
    found = await store.sessions(("tenant", "user"), 2)
    assert [each[:2] for each in found] == [("a", "a"), ("c", "c")]
    assert found[0][2] == pytest.approx(clocks.day - 1)
    assert len(await store.sessions(("tenant", "user"), 10)) == 3


async def test_one_session_is_listed_however_many_there_are(subject: Subject) -> None:
    store = subject.open()
    for name in "abc":
        await subject.add(store, subject.key(name, user=None), subject.row(f"in {name}"))
    for name in "abc":
        (found,) = await store.sessions(("tenant", None), 1, name)
        assert found[:2] == (name, f"in {name}")
    assert await store.sessions(("tenant", None), 10, "another") == []
    assert await store.sessions(("tenant", "user"), 10, "a") == []


async def test_the_first_line_is_the_first_that_a_user_said(subject: Subject) -> None:
    store, key, messages = subject.open(), subject.key(), subject.modules.messages
    told = messages.said(messages.Message(role="system", message="a system message"))
    await subject.add(
        store, key, subject.modules.rows.Row("0" * 32, None, told), subject.row(" \nfirst ")
    )
    ((_, line, _),) = await store.sessions(("tenant", "user"), 1)
    assert line == "first"


async def test_a_session_is_deleted_if_nobody_has_used_it_since(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks, store = subject.control_time(monkeypatch), subject.open()
    old, new = subject.key("old"), subject.key("new")
    await subject.add(store, new, subject.row("1", "reply"))
    await subject.add(store, old, subject.row("1", "reply"))
    clocks.forward(10)
    position = (await store.said(new, 1))[0]
    await store.add(new, position, subject.row("2", "reply"))
    since = clocks.day - 5
    assert await store.unused(since, 10) == [old]
    assert await store.unused(since - 10, 10) == []
    assert len(await store.unused(clocks.day + 1, 1)) == 1
    assert await store.delete(new, since) is None
    assert len((await store.said(new, 10))[1]) == 2
    assert await store.delete(old, since) == 2
    assert await store.delete(old, since) is None
    assert await store.delete(new) == 4
    assert await store.delete(new) is None
    assert await store.unused(FOR_EVER, 10) == []


async def test_to_read_a_session_that_is_about_to_expire_is_to_use_it(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_TTL_HOURS", "2")
    clocks, store, key = subject.control_time(monkeypatch), subject.open(), subject.key()
    (position,) = await subject.add(store, key, subject.row("hello"))
    clocks.forward(2 * 3_600 - 60)
    assert await store.said(key, 1)  # to look is not to use
    assert await store.unused(clocks.day - 3_600, 10) == [key]
    assert (await store.since(key, position, 10))[0] == position
    assert await store.unused(clocks.day - 3_600, 10) == []


@each(["memory"])
async def test_memory_holds_the_last_rows_of_a_session(subject: Subject) -> None:
    store, key = subject.open(), subject.key()
    await subject.add(store, key, *(subject.row(str(n), "reply") for n in range(150)))
    assert numbers((await store.said(key, 1_000))[1]) == [*range(51, 151)]
    assert await store.delete(key) == 300


@each(["memory"])
async def test_memory_is_bounded_in_bytes_a_session(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject.modules.memory, "MAX_SESSION_BYTES", 10_000)
    store, key, session = subject.open(), subject.key(), subject.modules.turns.Session
    # characters of four bytes each
    await subject.add(store, key, *(subject.row("🎉" * 500, "reply") for _ in range(9)))
    held = (await store.said(key, 100))[1]
    assert numbers(held) == [*range(10 - len(held), 10)]
    assert 2 < len(held) < 6
    assert 4 * 500 * len(held) < store.sizeof(session(key)) < 10_000
    # the newest stays, however large it is
    position = (await store.said(key, 1))[0]
    await store.add(key, position, subject.row("x" * 20_000, "reply"))
    assert numbers((await store.said(key, 100))[1]) == [10]
