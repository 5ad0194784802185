"""What is on its way into a store that fails, hangs, or does more than it says."""

import asyncio
from collections.abc import Sequence
from typing import Any

import generated  # noqa: F401 - puts `chat` and `invocation` on the path
import pytest
from chat import outbox
from chat.models import ChatMessage
from chat.outbox import Outbox
from chat.storage import InMemorySessionStorage, StoreUnavailableError
from serving.identity import SessionKey

LIMIT = 10
A, B = (SessionKey(None, "user", name) for name in "ab")


class Store(InMemorySessionStorage):
    """A store whose writing can be held, and can fail before or after it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails_before = self.fails_after = False

    async def append(self, messages: Sequence[ChatMessage]) -> None:
        await self.open.wait()
        if self.fails_before:
            raise ConnectionError("away")
        self.batches.append([message.message for message in messages])
        await super().append(messages)
        if self.fails_after:
            raise ConnectionError("gone")


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def waiting(store: Store) -> Outbox:
    return Outbox(store, LIMIT)


def said(text: str, key: SessionKey = A) -> list[ChatMessage]:
    return [ChatMessage(role="user", message=text, user_id=key.user, session_id=key.session)]


def texts(messages: list[ChatMessage]) -> list[str]:
    return [message.message for message in messages]


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "RETRY_SECONDS", (0.0, 0.001))


async def test_what_comes_during_a_write_goes_into_one_batch(store: Store, waiting: Outbox) -> None:
    store.open.clear()
    puts = [asyncio.create_task(waiting.put(said(str(n)))) for n in range(6)]
    await asyncio.sleep(0.01)
    store.open.set()
    await asyncio.gather(*puts)
    assert store.batches in ([["0"], ["1", "2", "3", "4", "5"]], [list("012345")])
    assert (waiting.size, waiting.issues) == (0, [])


async def test_who_puts_something_waits_until_it_is_written(store: Store, waiting: Outbox) -> None:
    store.open.clear()
    put = asyncio.create_task(waiting.put(said("hello")))
    await asyncio.sleep(0.05)
    assert not put.done()
    store.open.set()
    await put
    assert store.batches == [["hello"]]


async def test_nobody_waits_for_a_store_that_hangs(
    store: Store, waiting: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WRITE_SECONDS", 60)

    store.open.clear()
    await asyncio.wait_for(waiting.put(said("first")), 30)
    # from now on without waiting at all
    put = asyncio.create_task(waiting.put(said("second")))
    await asyncio.sleep(0)
    assert put.done()
    assert waiting.issues == ["The store does not answer: 2 messages wait to be written."]
    with pytest.raises(StoreUnavailableError):
        await waiting.page(A, 10)
    assert not await waiting.flush()
    store.open.set()
    assert await waiting.flush()
    assert waiting.issues == []
    assert texts(await waiting.page(A, 10)) == ["first", "second"]


async def test_one_failure_is_the_connection_of_before_a_restart(
    store: Store, waiting: Outbox
) -> None:
    store.fails_before = True
    put = asyncio.create_task(waiting.put(said("hello")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.fails_before = False
    await put
    assert waiting.issues == []
    assert store.batches == [["hello"]]


async def test_beyond_the_limit_the_oldest_are_lost_and_it_is_said(
    store: Store, waiting: Outbox
) -> None:
    store.fails_before = True
    for n in range(LIMIT + 5):
        await waiting.put(said(str(n)))
    assert waiting.size == LIMIT
    assert waiting.issues[1] == "The store was down for too long: 5 messages are lost."
    store.fails_before = False
    assert await waiting.flush()
    assert waiting.issues == []
    assert texts(await waiting.page(A, 100)) == [str(n) for n in range(5, LIMIT + 5)]


async def test_what_was_written_without_an_answer_is_there_once(
    store: Store, waiting: Outbox
) -> None:
    await waiting.put(said("before"))
    store.fails_after = True
    await waiting.put(said("hello"))
    await waiting.put(said("hello again"))
    assert waiting.size == 2
    store.fails_after = False
    assert await waiting.flush()
    assert texts(await waiting.page(A, 10)) == ["before", "hello", "hello again"]


async def test_a_page_has_what_is_written_and_what_is_not(store: Store, waiting: Outbox) -> None:
    for n in range(3):
        await waiting.put(said(f"written {n}"))
    store.open.clear()
    puts = [asyncio.create_task(waiting.put(said(f"waits {n}"))) for n in range(2)]
    puts.append(asyncio.create_task(waiting.put(said("of another", B))))
    await asyncio.sleep(0)
    whole = await waiting.page(A, 10)
    assert texts(whole) == ["written 0", "written 1", "written 2", "waits 0", "waits 1"]
    for limit in range(1, 6):
        assert await waiting.page(A, limit) == whole[-limit:]
        for end, message in enumerate(whole):
            expected = whole[max(0, end - limit) : end]
            assert await waiting.page(A, limit, message.message_id) == expected
    store.open.set()
    await asyncio.gather(*puts)
    assert await waiting.page(A, 10) == whole


async def test_what_is_written_while_a_page_is_asked_for_stays_in_order(
    store: Store,
    waiting: Outbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = store.page

    async def page_later(*question: Any) -> list[ChatMessage]:
        store.open.set()
        await waiting.put(said("second"))
        return await page(*question)

    store.open.clear()
    put = asyncio.create_task(waiting.put(said("first")))
    await asyncio.sleep(0)
    monkeypatch.setattr(store, "page", page_later)
    assert texts(await waiting.page(A, 10)) == ["first", "second"]
    await put


async def test_sessions_are_listed_with_what_is_not_written(store: Store, waiting: Outbox) -> None:
    await waiting.put(said("first of a"))
    store.open.clear()
    new = [said("first of b", B), said("second of a")]
    puts = [asyncio.create_task(waiting.put(messages)) for messages in new]
    await asyncio.sleep(0)
    for limit in (2, 1):
        listed = await waiting.sessions(None, "user", limit)
        lines = [(one.session_id, one.first_line) for one in listed]
        assert lines == [("a", "first of a"), ("b", "first of b")][:limit]
    for name in "ab":
        (one,) = await waiting.sessions(None, "user", 1, name)
        assert (one.session_id, one.first_line) == (name, f"first of {name}")
    assert await waiting.sessions(None, "another", 10) == []
    assert await waiting.sessions("tenant", "user", 10) == []
    store.open.set()
    await asyncio.gather(*puts)


async def test_what_is_deleted_while_it_waits_is_not_written(store: Store, waiting: Outbox) -> None:
    await waiting.put(said("written"))
    store.open.clear()
    under_way = asyncio.create_task(waiting.put(said("under way")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    deleting = asyncio.create_task(waiting.delete(A))
    later = asyncio.create_task(waiting.put(said("waits")))
    other = asyncio.create_task(waiting.put(said("other", B)))
    await asyncio.sleep(0.01)
    store.open.set()
    assert await deleting == 3
    await asyncio.gather(under_way, later, other)
    assert await waiting.flush()
    assert await waiting.page(A, 10) == []
    assert texts(await waiting.page(B, 10)) == ["other"]


async def test_nothing_is_deleted_if_something_is_on_its_way(store: Store, waiting: Outbox) -> None:
    (newest,) = said("written")
    await waiting.put([newest])
    store.open.clear()
    put = asyncio.create_task(waiting.put(said("waits")))
    deleting = asyncio.create_task(waiting.delete(A, newest.message_id))
    await asyncio.sleep(0.01)
    store.open.set()
    assert await deleting == 0
    await put
    assert texts(await waiting.page(A, 10)) == ["written", "waits"]


async def test_a_store_that_hangs_holds_up_no_end(
    store: Store, waiting: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WRITE_SECONDS", 60)

    async def hang() -> None:
        await asyncio.Event().wait()

    store.open.clear()
    await waiting.put(said("hello"))
    monkeypatch.setattr(store, "aclose", hang)
    await asyncio.wait_for(waiting.aclose(), 30)
    store.open.set()  # what was given up ends with the test
