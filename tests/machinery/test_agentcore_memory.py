"""The store in AgentCore Memory: what no single server shows, against a fake of the service.

Point 18, kept.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import generated
import pytest
from fake_memory import FakeMemory
from fake_memory.events import MEMORY_ID
from fake_models.sdks import botocore_config
from serving.identity import Caller, SessionKey
from serving.store import keeping
from serving.store.keeping import KeptSessions
from serving.store.rows import Row, Said, Unavailable
from serving.turns import Session

from agentcore_new import render
from agentcore_new.answers import complete

FILE = "serving/store/agentcore_memory.py"
ANSWERS = {"framework": "strands", "session_store": "agentcore-memory"}
(generated.FOLDER / FILE).write_text(
    render.render(complete({**ANSWERS, "transcript": True}))[FILE], encoding="utf-8", newline=""
)
module: Any = import_module("serving.store.agentcore_memory")

ANN = Caller("tenant", "ann")


class Plain:
    """The form of a turn that is a text."""

    def encode(self, turn: str) -> str:
        return turn

    def decode(self, body: str) -> str:
        return body


KEY = SessionKey(*ANN, "session")


class Process:
    """One process with a session cache and a store; a turn of it is a text."""

    def __init__(self) -> None:
        self.store = module.AgentCoreMemoryStore(MEMORY_ID)
        self.kept: KeptSessions[str] = KeptSessions(self.store, Plain())
        self.sessions: dict[SessionKey, Session[str]] = {}

    async def begin(self, key: SessionKey = KEY) -> Session[str]:
        """Begin a turn: read what others have added."""
        session = self.sessions.setdefault(key, Session(key))
        await self.kept.refresh(session)
        return session

    async def turn(self, text: str, key: SessionKey = KEY) -> list[str]:
        """Run a turn, and return what it could remember."""
        session = await self.begin(key)
        remembered = list(session.turns)
        await self.keep(session, text)
        return remembered

    async def keep(self, session: Session[str], text: str) -> None:
        """End a turn."""
        await self.kept.keep(session, text, Said(json.dumps([text]), 2, text))

    async def forget(self, key: SessionKey = KEY) -> int | None:
        """Delete a session, as the cache does."""
        self.sessions.pop(key, None)
        count: int | None = await self.store.delete(key)
        return count

    async def cleaned(self) -> None:
        """Wait until what is forgotten is deleted."""
        await asyncio.gather(*self.store._cleaning.values())


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMemory]:
    monkeypatch.setattr(module, "DELETE_SECONDS", 0.001)
    with FakeMemory() as memory:
        for name, value in memory.env().items():
            monkeypatch.setenv(name, value)
        yield memory


@asynccontextmanager
async def process() -> AsyncIterator[Process]:
    """A process, which knows nothing when it starts."""
    new = Process()
    yield new
    await new.store.aclose()


async def recalled(key: SessionKey = KEY) -> list[str]:
    """What a new process remembers."""
    async with process() as new:
        return list((await new.begin(key)).turns)


async def history(store: Any, limit: int = 1) -> list[Row]:
    """What people read of a session, page by page."""
    _, rows = await store.said(KEY, limit)
    page = rows
    while page:
        _, page = await store.said(KEY, limit, page[0].number)
        rows = [*page, *rows]
    return list(rows)


def named(name: str) -> SessionKey:
    return KEY._replace(session=name)


def texts(rows: list[Row]) -> list[str]:
    return [json.loads(row.said.messages)[0] for row in rows]


# One writer.


@pytest.mark.parametrize("tick", [1, 1_000, 60_000])
@pytest.mark.parametrize("page", [100, 7])
async def test_a_new_process_recalls_the_last_hundred_turns_in_order(
    memory: FakeMemory, tick: int, page: int
) -> None:
    memory.events.tick, memory.events.page = tick, page
    turns = [f"turn {n}" for n in range(130)]
    async with process() as one:
        for n, turn in enumerate(turns):
            assert await one.turn(turn) == turns[max(0, n - 100) : n]
    assert await recalled() == turns[-100:]
    async with process() as another:
        assert texts(await history(another.store, 30)) == turns


async def test_a_warm_turn_is_two_calls_and_a_cold_one_three(memory: FakeMemory) -> None:
    async with process() as one:
        for n in range(110):
            await one.turn(f"{n}")
        assert memory.calls == {"ListEvents": 110, "CreateEvent": 110}
    memory.calls.clear()
    assert len(await recalled()) == 100
    assert memory.calls["ListEvents"] <= 2


async def test_a_warm_turn_reads_no_payload(memory: FakeMemory) -> None:
    async with process() as one:
        await one.turn("x" * 1_000_000)
        read = memory.sent
        await one.turn("y")
        assert memory.sent - read < 1_010_000  # the answer to CreateEvent repeats what it got
        read = memory.sent
        await one.begin()
        assert memory.sent - read < 10_000


async def test_a_clock_that_is_behind_changes_no_order(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.events.page = 2
    async with process() as one:
        for n in range(5):
            await one.turn(f"{n}")
        assert await one.forget() == 10
        await one.turn("5")
        await one.cleaned()

    class Behind(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr(module, "datetime", Behind)
    async with process() as two:
        for n in range(6, 10):
            assert await two.turn(f"{n}") == [f"{n}" for n in range(5, n)]
    assert await recalled() == ["5", "6", "7", "8", "9"]


@pytest.mark.usefixtures("memory")
async def test_a_turn_that_failed_is_read_and_not_remembered() -> None:
    async with process() as one:
        await one.turn("one")
        session = await one.begin()
        await one.kept.keep(session, None, Said('["failed"]', 2, "failed"))
        assert await one.turn("two") == ["one"]
        assert texts(await history(one.store)) == ["one", "failed", "two"]
    assert await recalled() == ["one", "two"]


@pytest.mark.usefixtures("memory")
async def test_texts_come_back_as_they_were() -> None:
    turns = ['{"a": "\\n\\u0000\\ud83d"}', "héllo 🎉\r\x85\u2028 end", "x" * 1_000_000]
    async with process() as one:
        for turn in turns:
            await one.turn(json.dumps(turn))
    assert [json.loads(turn) for turn in await recalled()] == turns


async def test_sessions_share_nothing(memory: FakeMemory) -> None:
    keys = [
        SessionKey(None, None, "s"),
        SessionKey(None, "null", "s"),
        SessionKey("None", None, "s"),
        SessionKey("a", "b", "c"),
        SessionKey("a b", "c", " "),
        SessionKey('a","b', "c", "d"),
        SessionKey("a", 'b","c', "d"),
        SessionKey("ü" * 256, "🎉" * 1_024, "/" * 256),
    ]
    async with process() as one:
        for n, key in enumerate(keys):
            assert await one.turn(f"{n}", key) == []
    for n, key in enumerate(keys):
        assert await recalled(key) == [f"{n}"]
    assert len({event.place for event in memory.events.all}) == len(keys)
    for event in memory.events.all:
        assert all(len(name) == 64 and name.isalnum() for name in event.place)


# Two writers.


@pytest.mark.usefixtures("memory")
async def test_two_processes_that_alternate_see_all() -> None:
    async with process() as one, process() as two:
        for n in range(90):
            who = (one, two)[n % 3 == 0]
            assert await who.turn(f"{n}") == [f"{n}" for n in range(n)]
    assert await recalled() == [f"{n}" for n in range(90)]


@pytest.mark.usefixtures("memory")
async def test_a_process_that_is_far_behind_catches_up() -> None:
    async with process() as one, process() as two:
        for n in range(40):
            await one.turn(f"{n}")
        await two.turn("40")
        for n in range(41, 120):
            await one.turn(f"{n}")
        assert await two.turn("120") == [f"{n}" for n in range(20, 120)]
        assert await one.turn("121") == [f"{n}" for n in range(21, 121)]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("before", [0, 1, 50])
@pytest.mark.parametrize("writers", [2, 13])
async def test_turns_that_collide_are_all_kept_and_seen(before: int, writers: int) -> None:
    old = [f"{n}" for n in range(before)]
    async with process() as one:
        for text in old:
            await one.turn(text)
    several = [Process() for _ in range(writers)]
    new = [f"writer {n}" for n in range(writers)]
    sessions = [await each.begin() for each in several]
    for each, session, text in zip(several, sessions, new, strict=True):
        await each.keep(session, text)
    last = [*new]
    for each in several:
        remembered = await each.turn(f"after {len(last)}")
        assert sorted(remembered) == sorted([*old, *last])
        last.append(f"after {len(last)}")
    cold = await recalled()
    assert cold[:before] == old
    assert sorted(cold[before:]) == sorted(last)
    for limit in (1, 3, 50):
        rows = await history(several[0].store, limit)
        assert texts(rows) == cold
        numbers = [row.number for row in rows]
        assert numbers == sorted({*numbers})
        assert numbers[0] > 0
    for each in several:
        await each.store.aclose()


async def test_a_turn_that_is_listed_late_is_seen_when_it_is(memory: FakeMemory) -> None:
    async with process() as one, process() as two:
        await one.turn("0")
        await two.begin()
        memory.events.delay = 0.5
        await one.turn("late")
        await two.turn("two")
        assert await one.turn("one") == ["0", "late"]
        memory.events.delay = 0.0
        assert await two.turn("last") == ["0", "two", "late", "one"]
        assert sorted(await one.turn("very last")) == ["0", "last", "late", "one", "two"]


# What is not listed yet.


async def test_a_process_does_not_forget_what_is_not_listed_yet(memory: FakeMemory) -> None:
    memory.events.delay = 3_600.0
    async with process() as one:
        for n in range(40):
            assert await one.turn(f"{n}") == [f"{n}" for n in range(n)]
            if n % 7 == 0:  # the session cache lets it go
                one.sessions.clear()
        assert texts(await history(one.store, 30)) == [f"{n}" for n in range(40)]


async def test_what_is_forgotten_stays_so_before_that_is_listed(memory: FakeMemory) -> None:
    async with process() as one:
        for n in range(3):
            await one.turn(f"{n}")
        memory.events.delay = 1.0
        await asyncio.sleep(0.1)
        assert await one.forget() == 6
        assert await one.turn("new") == []
        one.sessions.clear()
        assert await one.turn("newer") == ["new"]
        await one.cleaned()
        await asyncio.sleep(1.0)
        assert await one.turn("newest") == ["new", "newer"]
    memory.events.delay = 0.0
    assert await recalled() == ["new", "newer", "newest"]


# What is lost, refused or too much.


async def test_a_lost_answer_is_asked_for_again_and_the_turn_kept_once(memory: FakeMemory) -> None:
    async with process() as one:
        memory.lose("CreateEvent")
        await one.turn("one")
        assert memory.calls["CreateEvent"] == 2
        assert await one.turn("two") == ["one"]
    assert await recalled() == ["one", "two"]


async def test_a_turn_that_was_kept_but_not_answered_is_heard_of(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONFIG", botocore_config.Config(retries={"total_max_attempts": 1}))
    async with process() as one:
        await one.turn("one")
        session = await one.begin()
        memory.lose("CreateEvent")
        with pytest.raises(Unavailable):
            await one.keep(session, "lost")
        assert session.turns == ["one"]
        assert await one.turn("two") == ["one", "lost"]
    assert await recalled() == ["one", "lost", "two"]


async def test_a_row_that_is_there_twice_counts_once(memory: FakeMemory) -> None:
    async with process() as one, process() as two:
        await one.turn("one")
        await two.begin()
        event = memory.events.all[0]
        # as if the service had forgotten the token when the call was made again
        again = {**event.answer, "eventId": event.answer["eventId"][:-8] + "00000000"}
        memory.events.all.append(replace(event, answer=again))
        for each in (one, two):
            assert (await each.begin()).turns == ["one"]
        assert texts(await history(one.store)) == ["one"]
    assert await recalled() == ["one"]


@pytest.mark.parametrize("operation", ["ListEvents", "CreateEvent"])
@pytest.mark.parametrize("code", ["ThrottledException", "ServiceException"])
async def test_a_refused_call_is_made_again(memory: FakeMemory, operation: str, code: str) -> None:
    async with process() as one:
        await one.turn("one")
        memory.calls.clear()
        memory.refuse(operation, 1, code)
        assert await one.turn("two") == ["one"]
        assert memory.calls[operation] == 2


async def test_a_service_that_refuses_is_unavailable(memory: FakeMemory) -> None:
    async with process() as one:
        await one.turn("one")
        for operation in ("ListEvents", "CreateEvent"):
            memory.refuse(operation, 1, "AccessDeniedException")
            with pytest.raises(Unavailable, match="AccessDenied"):
                await one.turn("two")
        assert await one.turn("three") == ["one"]


async def test_a_turn_that_no_event_can_hold_is_refused_whole(memory: FakeMemory) -> None:
    async with process() as one:
        await one.turn("one")
        with pytest.raises(module.TooLarge):
            await one.turn('"' * 2_000_000)  # as JSON, and that as JSON: 12 MB
        assert await one.turn("z" * 4_990_000) == ["one"]
        assert len(memory.events.all) == 2


async def test_the_loop_does_not_wait_for_the_service(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "STORE_SECONDS", 0.5)
    assert module.CONFIG.connect_timeout + module.CONFIG.read_timeout < 4
    async with process() as one:
        await one.turn("one")
        memory.pause()
        loop, slowest = asyncio.get_running_loop(), 0.0
        waiting = asyncio.create_task(one.begin())
        while not waiting.done():
            before = loop.time()
            await asyncio.sleep(0.01)
            slowest = max(slowest, loop.time() - before)
        with pytest.raises(Unavailable):
            await waiting
        assert slowest < 0.3
        memory.resume()
        assert await one.turn("two") == ["one"]


# Forgetting.


async def test_a_forgotten_session_is_deleted_beside_the_turns(memory: FakeMemory) -> None:
    memory.events.page = 10
    async with process() as one:
        for n in range(25):
            await one.turn(f"{n}")
        assert await one.forget() == 50
        assert await one.forget() is None
        assert await one.turn("new") == []
        await one.cleaned()
        assert len(memory.events.all) == 2  # the end, and what came after it
        assert await one.turn("newer") == ["new"]
        assert await one.forget() == 4
        await one.cleaned()
        assert len(memory.events.all) == 1
        assert await history(one.store) == []
        assert await one.forget(named("unknown")) is None
    assert await recalled() == []


async def test_what_is_forgotten_is_deleted_no_faster_than_the_service_takes_it(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name, value in memory.env().items():
        monkeypatch.setenv(name, value)
    memory.rates["DeleteEvent"] = 5
    async with process() as one:
        for n in range(8):
            await one.turn(f"{n}", named(f"{n % 2}"))
        for n in range(2):
            await one.forget(named(f"{n}"))
        await one.cleaned()
        assert memory.calls["DeleteEvent"] == 8
        assert len(memory.events.all) == 2


@pytest.mark.parametrize("deleted", [0, 1, 5])
async def test_a_process_that_dies_has_forgotten_and_another_deletes_the_rest(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch, deleted: int
) -> None:
    monkeypatch.setattr(module, "DELETE_SECONDS", 0.05)
    async with process() as one:
        for n in range(10):
            await one.turn(f"{n}")
        await one.forget()
        while memory.calls["DeleteEvent"] < deleted:
            await asyncio.sleep(0.001)
    assert len(memory.events.all) > 2
    async with process() as two:
        assert await two.turn("new") == []
        assert await two.turn("newer") == ["new"]
        await two.cleaned()
        assert len(memory.events.all) == 3
    assert await recalled() == ["new", "newer"]


async def test_deleting_is_given_up_when_it_fails_and_goes_on_later(
    memory: FakeMemory, caplog: pytest.LogCaptureFixture
) -> None:
    async with process() as one:
        await one.turn("one")
        await one.turn("two")
        memory.refuse("DeleteEvent", 1, "AccessDeniedException")
        await one.forget()
        await one.cleaned()
        assert caplog.messages == ["What is forgotten is not deleted yet: AccessDeniedException"]
        assert await one.turn("new") == []
        await one.cleaned()
        assert len(memory.events.all) == 2


@pytest.mark.usefixtures("memory")
async def test_what_another_process_adds_to_a_forgotten_session_is_forgotten_too() -> None:
    async with process() as one, process() as two:
        await one.turn("one")
        running = await two.begin()
        await one.forget()
        assert await one.turn("new") == []
        await two.keep(running, "late")
        assert await one.turn("newer") == ["new"]
        assert await two.turn("newest") == ["new", "newer"]
        assert texts(await history(one.store)) == ["new", "newer", "newest"]
        await asyncio.gather(one.cleaned(), two.cleaned())
    assert await recalled() == ["new", "newer", "newest"]


@pytest.mark.usefixtures("memory")
async def test_two_processes_can_forget_at_once() -> None:
    async with process() as one, process() as two:
        for n in range(5):
            await one.turn(f"{n}")
        await two.begin()
        await asyncio.gather(one.forget(), two.forget())
        await asyncio.gather(one.cleaned(), two.cleaned())
        assert await two.turn("new") == []
        assert await one.turn("newer") == ["new"]


async def test_what_is_forgotten_while_more_is_deleted_is_deleted_too(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DELETE_SECONDS", 0.05)
    async with process() as one:
        for n in range(10):
            await one.turn(f"{n}")
            if n % 4 == 3:
                await one.forget()
        await one.forget()
        await one.cleaned()
        assert len(memory.events.all) == 1


@pytest.mark.usefixtures("memory")
async def test_what_several_processes_add_too_late_is_forgotten() -> None:
    several = [Process() for _ in range(8)]
    await several[0].turn("one")
    sessions = [await each.begin() for each in several]
    await several[0].forget()
    for each, session in zip(several[1:], sessions[1:], strict=True):
        await each.keep(session, "late")
    assert await several[0].store.sessions(ANN, 10) == []
    assert await history(several[0].store) == []
    assert await several[0].turn("new") == []
    assert await several[1].turn("newer") == ["new"]
    for each in several:
        await each.store.aclose()


async def test_what_was_written_is_held_for_a_while_only(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAG_SECONDS", 0.1)
    async with process() as one:
        for n in range(100):
            await one.turn(f"{n}")
        await asyncio.sleep(0.1)
        await one.turn("last")
        assert len(one.store._written) == 1
        assert len(one.sessions[KEY].position.events) == module.SEEN
    assert memory.calls["GetEvent"] == 0


# Sessions of a user.


async def test_sessions_are_listed_by_their_last_use(memory: FakeMemory) -> None:
    memory.events.page = 50
    names = [f"session {n}" for n in range(120)]
    async with process() as one:
        for name in names:
            await one.turn(f"first of {name}", SessionKey(*ANN, name))
        await one.turn("again", SessionKey(*ANN, names[7]))
        await one.turn("of another", SessionKey("tenant", "bob", "session"))
        await one.forget(SessionKey(*ANN, names[9]))
        await one.cleaned()
        found = await one.store.sessions(ANN, 100)
        order = [names[7], *(name for name in reversed(names) if name not in names[7:10:2])]
        assert [name for name, _, _ in found] == order[:100]
        assert [line for _, line, _ in found] == [f"first of {name}" for name in order[:100]]
        times = [time for _, _, time in found]
        assert times == sorted(times, reverse=True)
        assert [name for name, *_ in await one.store.sessions(ANN, 100, names[3])] == [names[3]]
        assert await one.store.sessions(ANN, 100, names[9]) == []
        assert await one.store.sessions(Caller("tenant", "eve"), 100) == []


async def test_expiry_is_left_to_the_memory(memory: FakeMemory) -> None:
    async with process() as one:
        await one.turn("one")
        assert await one.store.unused(2e9, 100) == []
        assert await one.store.delete(KEY, 0.0) is None
    # as the service does, one event after the other
    del memory.events.all[0]
    assert await recalled() == []


async def test_a_session_loses_its_oldest_events(memory: FakeMemory) -> None:
    async with process() as one:
        for n in range(30):
            await one.turn(f"{n}")
        del memory.events.all[:20]
        assert await one.turn("30") == [f"{n}" for n in range(30)]  # of which it knows
    assert await recalled() == [f"{n}" for n in range(20, 31)]
