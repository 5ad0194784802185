#only agentcore-memory
"""Rows as events of AgentCore Memory, one event a row.

A session has one writer at a time, as on AgentCore. Of two, each hears of the other before its next
turn, and what both have added is kept. What the service does but does not document is marked [U].
"""

import asyncio
import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

#if transcript
from serving.identity import Caller, SessionKey
from serving.store.rows import Known, Position, Row, Said, StoreError
#else
from serving.identity import SessionKey
from serving.store.rows import Known, Position, Row, StoreError
#end
from serving.tools import MAX_THREADS, in_thread
from serving.turns import MAX_SESSION_BYTES

# A try takes less than a turn waits for the store; what is throttled or lost is tried again.
CONFIG = Config(
    connect_timeout=1.0,
    read_timeout=2.0,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=MAX_THREADS,
)
MAX_EVENT_BYTES = 10_000_000
MAX_READ = 6 * MAX_SESSION_BYTES  # in JSON, a character takes up to six bytes
PAGE = 100  # events in one answer
FEW = 10  # of them, where one row is looked for: more than there are processes that add too late
CHECK = {"maxResults": 20, "includePayloads": False}  # of the newest events, before a turn
SEEN = 30  # of the newest events, by which is told what is new
STEP = 100  # of numbers: room to tell rows apart to which two writers gave the same
LAG_SECONDS = 60.0  # until an event is listed [U]
DELETE_SECONDS = 0.25  # from one to the next: the service deletes five a second

log = logging.getLogger("bedrock_agentcore.app")

Where = dict[str, str]  # an actor and a session of it


class TooLarge(StoreError):
    """No event can hold the turn."""

    status = 502
    sentence = "The turn is too large to be kept."


@dataclass(frozen=True, slots=True)
class Event:
    """A row; or an end, before which all is forgotten."""

    event_id: str
    time: datetime
    row: Row
    about: dict[str, Any]


class Seen(Position):
    """How far a session is known, and by which events: two may have the same number."""

    events: list[Event]  # the newest first, without bodies


class AgentCoreMemoryStore:
    """Sessions in a memory, which deletes old events by itself.

    Args:
        memory_id: Its id, or its ARN.
    """

    def __init__(self, memory_id: str) -> None:
        self._memory_id = memory_id
        self._client: Any = None
        self._connecting = threading.Lock()
        self._written: list[tuple[float, Where, Event]] = []  # here, not long ago
        self._cleaning: dict[str, asyncio.Task[None]] = {}
        self._deleting = asyncio.Lock()

    async def since(self, key: SessionKey, position: Position, limit: int) -> Known:
        where, seen = _where(key), _seen([])
        if isinstance(position, Seen):
            seen = position
            ids = {event.event_id for event in seen.events}
            newest = await self._call("list_events", **where, **CHECK)
            if ids.issuperset(listed["eventId"] for listed in newest["events"]):
                return seen, []  # and that may be more than is listed yet

        def enough(alive: list[Event]) -> bool:
            sizes = [len(event.row.body) for event in alive if event.row.body is not None]
            return len(sizes) >= limit or sum(sizes) > MAX_READ

        events = await self._read(where, enough)
        now, rows = _seen(events), [event.row for event in _alive(events)]
        if now.conversation == seen.conversation:
            old = {event.row.row_id for event in seen.events}
            if len(seen.events) == SEEN:  # what came before them was seen before
                rows = rows[next((n for n, row in enumerate(rows) if row.row_id in old), 0) :]
            rows = [row for row in rows if row.row_id not in old]
        return now, [row for row in rows if row.body is not None][-limit:]

    async def add(self, key: SessionKey, position: Position, row: Row) -> Position:
        seen = position if isinstance(position, Seen) else _seen([])
        last = next((event.about for event in reversed(_alive(seen.events))), {})
        about = {
            "conversation": seen.conversation or row.row_id,
            "session": key.session,
#if transcript
            "first_line": last.get("first_line") or row.said.first_line,
            "count": last.get("count", 0) + row.said.number,
#else
            "count": last.get("count", 0) + 1,
#end
        }
        return await self._write(_where(key), seen, row, about)

    async def delete(self, key: SessionKey, unused_since: float = float("inf")) -> int | None:
        where = _where(key)
        events = await self._read(where, bool, FEW)
        alive = _alive(events)
        if not alive or alive[-1].time.timestamp() >= unused_since:
            return None
        # First an end, which counts by itself: should this process die, another deletes the rest.
        about = {"ended": sorted({str(event.about.get("conversation")) for event in events})}
        self._written = [each for each in self._written if each[1] != where]
        await self._write(where, _seen(events), Row(uuid4().hex, None), about)
        self._clean_soon(where)
        count: int = alive[-1].about.get("count", 0)
        return count

    async def unused(self, since: float, limit: int) -> list[SessionKey]:
        return []  # of all actors nothing can be listed at once
#if transcript

    async def said(self, key: SessionKey, limit: int, before: int | None = None) -> Known:
        def wanted(alive: list[Event]) -> list[Row]:
            return [e.row for e in alive if before is None or e.row.number < before]

        events = await self._read(
            _where(key), lambda alive: len(wanted(alive)) >= limit, min(limit + FEW, PAGE)
        )
        rows = wanted(_alive(events))[-limit:]
        return _seen(events), [replace(row, body=None) for row in rows]

    async def sessions(
        self, caller: Caller, limit: int, session: str | None = None
    ) -> list[tuple[str, str, float]]:
        actor = {"actorId": _digest(*caller)}
        places = [actor | {"sessionId": _digest(*caller, session)}]
        if session is None:
            pages = self._pages("list_sessions", **actor, maxResults=PAGE)
            listed = [each async for page in pages for each in page["sessionSummaries"]]
            places = [actor | {"sessionId": each["sessionId"]} for each in listed]
        # Each says itself what it is called: in the newest of its rows.
        found = await asyncio.gather(*(self._read(where, bool, FEW) for where in places))
        newest = [event for events in found for event in _alive(events)[-1:]]
        own = [
            (event.about["session"], event.about.get("first_line", ""), event.time.timestamp())
            for event in newest
            if "session" in event.about
        ]
        return sorted(own, key=lambda each: each[2], reverse=True)[:limit]
#end

    async def aclose(self) -> None:
        for task in self._cleaning.values():
            task.cancel()
        if self._client:
            self._client.close()

    async def _read(
        self, where: Where, enough: Callable[[list[Event]], bool] | None, page_size: int = PAGE
    ) -> list[Event]:
        """Return the newest events, until the rows are enough or there is an end; or all events.

        They come by their time, the newest first [U]. Numbers say which row followed which: times
        are those of different clocks, and may be the same.
        """
        events: list[Event] = []
        oldest = 0
        async for page in self._pages("list_events", **where, maxResults=page_size):
            for listed in page["events"]:
                events.append(_event(listed, events[-1].row.number if events else 0))
            # The next page may have more of the last moment of this one.
            whole = [event for event in events if event.time > events[-1].time]
            if enough and (enough(_alive(whole)) or any("ended" in e.about for e in whole)):
                oldest = events[-1].row.number
                break
        # What was written here and is not listed yet can be had by its id [U].
        now = time.monotonic()
        written = [each for until, there, each in self._written if there == where and until > now]
        ids = {event.event_id for event in (*events, *_forgotten([*events, *written]))}
        for event in written:
            if event.event_id not in ids and event.row.number > oldest:
                found = await self._call("get_event", **where, eventId=event.event_id)
                events.insert(0, _event(found["event"], event.row.number))
        if _forgotten(events):
            self._clean_soon(where)
        return events

    async def _write(self, where: Where, seen: Seen, row: Row, about: dict[str, Any]) -> Seen:
        number = seen.rows + STEP
        head = json.dumps({**about, "row": row.row_id, "number": number})
#if transcript
        blob = "\n".join((head, row.body or "", row.said.messages))
#else
        blob = "\n".join((head, row.body or "", "[]"))
#end
        if len(json.dumps(blob)) > MAX_EVENT_BYTES:
            raise TooLarge(f"a turn of {len(blob)} characters")
        # Where a clock is behind, its rows must not be listed before those that they follow.
        at = max([datetime.now(UTC), *(event.time for event in seen.events)])
        written = await self._call(
            "create_event",
            **where,
            eventTimestamp=at,
            payload=[{"blob": blob}],
            clientToken=row.row_id,  # sent twice, it is kept once
        )
        bare = Row(row.row_id, None, number=number)
        event = Event(written["event"]["eventId"], at, bare, about)
        now = time.monotonic()
        self._written = [each for each in self._written if each[0] > now]
        self._written.append((now + LAG_SECONDS, where, event))
        return _seen([event, *seen.events])

    def _clean_soon(self, where: Where) -> None:
        session = where["sessionId"]
        if session not in self._cleaning:
            # a context of its own: its log lines do not bear the ids of this turn
            task = asyncio.create_task(self._clean(where), context=Context())
            self._cleaning[session] = task
            task.add_done_callback(lambda _: self._cleaning.pop(session))

    async def _clean(self, where: Where) -> None:
        """Delete what is forgotten, the oldest first: no end goes before what it has ended."""
        try:
            async with self._deleting:
                while found := _forgotten(await self._read(where, None)):
                    for event in reversed(found):
                        with suppress(self._client.exceptions.ResourceNotFoundException):
                            await self._call("delete_event", **where, eventId=event.event_id)
                        await asyncio.sleep(DELETE_SECONDS)
        except Exception as error:
            log.warning("What is forgotten is not deleted yet: %s", type(error).__name__)

    async def _pages(self, operation: str, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        page = await self._call(operation, **parameters)
        yield page
        while page.get("nextToken"):
            page = await self._call(operation, **parameters, nextToken=page["nextToken"])
            yield page

    async def _call(self, operation: str, **parameters: Any) -> Any:
        return await in_thread(partial(self._ask, operation, parameters))

    def _ask(self, operation: str, parameters: dict[str, Any]) -> Any:
        with self._connecting:
            if self._client is None:
                region = os.environ.get("AWS_REGION")  # boto3 itself knows AWS_DEFAULT_REGION alone
                self._client = boto3.client("bedrock-agentcore", region_name=region, config=CONFIG)
        return getattr(self._client, operation)(memoryId=self._memory_id, **parameters)


def _where(key: SessionKey) -> Where:
    return {"actorId": _digest(key.tenant, key.user), "sessionId": _digest(*key)}


def _digest(*ids: str | None) -> str:
    # Of JSON, so that no part of an id can pass for the border between two.
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()


def _event(listed: dict[str, Any], number: int) -> Event:
    """Return what is listed; what is damaged is a row with that number, which nobody can decode."""
    event_id = row_id = listed["eventId"]
    try:
#if transcript
        head, body, said = listed["payload"][0]["blob"].split("\n")
#else
        head, body, _ = listed["payload"][0]["blob"].split("\n")
#end
        about = dict(json.loads(head))
        row_id, number = str(about["row"]), int(about["number"])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
#if transcript
        about, body, said = {}, "damaged", "damaged"
    row = Row(row_id, body or None, Said(said), number)
#else
        about, body = {}, "damaged"
    row = Row(row_id, body or None, number=number)
#end
    return Event(event_id, listed["eventTimestamp"], row, about)


def _forgotten(events: list[Event]) -> list[Event]:
    """Return what is older than the last end, or was added later to what that has ended."""
    end = max((e for e in events if "ended" in e.about), key=lambda e: e.row.number, default=None)
    if end is None:
        return []
    return [
        e
        for e in events
        if e.row.number <= end.row.number or e.about.get("conversation") in end.about["ended"]
        if e.event_id != end.event_id
    ]


def _alive(events: list[Event]) -> list[Event]:
    """Return the rows that are not forgotten, in order, each once and with a number of its own."""
    forgotten = {event.event_id for event in _forgotten(events)}
    rows: dict[str, Event] = {}
    number = sys.maxsize
    for event in sorted(events, key=lambda e: (e.row.number, e.event_id), reverse=True):
        row = event.row
        if not (event.event_id in forgotten or "ended" in event.about or row.row_id in rows):
            number = min(row.number, number - 1)
            rows[row.row_id] = replace(event, row=replace(row, number=number))
    return [*reversed(rows.values())]


def _seen(events: list[Event]) -> Seen:
    alive = _alive(events)
    conversation = str(alive[-1].about.get("conversation", "")) if alive else ""
    seen = Seen(conversation, max((event.row.number for event in events), default=0))
    newest = sorted(events, key=lambda event: event.row.number, reverse=True)[:SEEN]
    seen.events = [replace(e, row=Row(e.row.row_id, None, number=e.row.number)) for e in newest]
    return seen
