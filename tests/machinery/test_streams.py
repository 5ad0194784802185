"""Replies on their way between two threads, whatever their schedule; and who keeps a turn alive.

Point 11, streaming.
Point 17, bounded inside too.
"""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Any

import generated  # puts the modules of a project on the path
import pytest
from serving import replies
from serving.replies import Reply
from serving.streaming import stream
from starlette.exceptions import HTTPException
from starlette.types import Message

SCOPE: dict[str, Any] = {"type": "http", "asgi": {"spec_version": "2.3"}}
SOURCE = str(generated.FOLDER / "serving/replies.py")


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    yield
    assert not replies._open
    assert Reply.all_unread == 0


async def read(reply: Any, take: Callable[[bytes], Awaitable[None]] | None = None) -> bytes:
    """Everything that a reply sends to a client that stays."""
    received = bytearray()

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        body = message.get("body", b"")
        received.extend(body)
        if take:
            await take(body)

    await reply(SCOPE, receive, send)
    return bytes(received)


async def read_with_the_end_before(line: int) -> tuple[bytes, int]:
    """What a reader gets when last words and end come before its nth line of ours; its lines."""
    reply, reader, lines = Reply("text/plain"), threading.current_thread(), 0
    reply.put(b"first ")

    def end() -> None:
        reply.put(b"last")
        reply.end()

    other = threading.Thread(target=end)

    def start() -> None:
        if not other.ident:
            other.start()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != SOURCE or threading.current_thread() is not reader:
            return None
        if event == "line":
            lines += 1
            if lines == line:
                start()
                # where the reader holds a lock, the other waits until it has given it back
                other.join(0.02)
        return trace

    # for the lines that come after the reader has begun to wait
    asyncio.get_running_loop().call_later(0.05, start)
    sys.settrace(trace)
    try:
        received = await read(reply)
    finally:
        sys.settrace(None)
    other.join()
    return received, lines


async def test_the_last_words_arrive_whatever_the_schedule() -> None:
    line, lines = 0, 1
    while line <= lines:
        line += 1
        received, lines = await read_with_the_end_before(line)
        assert received == b"first last", line
    assert line > 10


async def test_a_reply_is_sent_in_slices() -> None:
    sizes = []

    async def take(body: bytes) -> None:
        sizes.append(len(body))

    reply = Reply("text/plain")
    reply.put(b"x" * 40_000)
    reply.end()
    assert await read(reply, take) == b"x" * 40_000
    assert max(sizes) == replies.SLICE


async def test_a_client_that_takes_nothing_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "WRITE_SECONDS", 0.05)

    async def stall(body: bytes) -> None:
        if body:
            await asyncio.Future()

    reply = Reply("text/plain")
    reply.put(b"x" * 40_000)
    await read(reply, stall)
    reply.put(b"more")
    assert reply.unread == 0


async def test_a_reply_that_pauses_is_not_a_client_that_stalls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replies, "WRITE_SECONDS", 0.05)
    reply = Reply("text/plain")
    reply.put(b"before ")
    loop = asyncio.get_running_loop()
    loop.call_later(0.2, reply.put, b"after")
    loop.call_later(0.2, reply.end)
    assert await read(reply) == b"before after"


@pytest.mark.parametrize("when", ["before it is sent", "while it waits", "while it is sent"])
async def test_a_client_can_be_given_up(when: str) -> None:
    reply = Reply("text/plain")
    reply.put(b"x")
    if when == "before it is sent":
        reply.give_up()

    async def take(body: bytes) -> None:
        if when == "while it is sent" and body:
            threading.Thread(target=replies.give_up_all).start()
            await asyncio.Future()

    if when == "while it waits":
        asyncio.get_running_loop().call_later(0.05, replies.give_up_all)
    assert await read(reply, take) == (b"" if when == "before it is sent" else b"x")


def test_who_has_not_read_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "MAX_UNREAD_BYTES", 100_000)
    made = [Reply("text/plain") for _ in range(4)]
    for reply in made[1:]:
        reply.put(b"x" * 30_000)
    assert made[1]._take()[0]
    made[3].put(b"x" * 30_000)
    assert [reply.unread for reply in made] == [0, 30_000 - replies.SLICE, 0, 60_000]
    # it is its own turn to go: the other one has read since it was made
    made[3].put(b"x" * 90_000)
    assert [reply.unread for reply in made] == [0, 30_000 - replies.SLICE, 0, 0]
    for reply in made:
        reply.close()


@pytest.mark.parametrize("sent", [b"", b"x" * 20_000])
async def test_what_was_given_up_never_looks_complete(sent: bytes) -> None:
    ends: list[bool] = []

    async def receive() -> Message:
        return await asyncio.Future()

    reply: Any = Reply("text/plain")

    async def send(message: Message) -> None:
        ends.append(not message.get("more_body", True))
        if message.get("body"):
            reply.give_up()

    reply.put(sent)
    reply.end()
    if not sent:
        reply.give_up()
    await reply(SCOPE, receive, send)
    assert True not in ends


async def test_a_running_turn_is_kept_though_nobody_waits_for_it() -> None:
    tasks: list[weakref.ref[asyncio.Task[Any]]] = []

    async def turn(_: Callable[[str], None]) -> None:
        task = asyncio.current_task()
        assert task
        tasks.append(weakref.ref(task))
        # which nothing but the turn knows, so that the two of them are garbage together
        await asyncio.get_running_loop().create_future()

    response: Any = await stream(turn)
    response.close()
    del response, turn
    gc.collect()
    (task,) = [task() for task in tasks]
    assert task
    task.cancel()
    await asyncio.wait([task])


async def test_halves_of_a_character_are_joined_or_replaced() -> None:
    async def turn(send: Callable[[str], None]) -> None:
        for delta in ("a\ud83c", "\udf89b", "\ud83c", "c", "", "\udf89", "d\ud83c"):
            send(delta)

    frames = (await read(await stream(turn))).decode().split("\n\n")
    assert frames == [
        'data: "a"',
        'data: "\\ud83c\\udf89b"',
        'data: "\\ufffdc"',
        'data: "\\ufffd"',
        'data: "d"',
        'data: "\\ufffd"',
        "",
    ]


@pytest.mark.parametrize("status", [429, 502])
async def test_a_turn_that_is_refused_at_once_is_no_stream(status: int) -> None:
    async def turn(_: Callable[[str], None]) -> None:
        raise HTTPException(status, "no")

    if status == 429:
        with pytest.raises(HTTPException):
            await stream(turn)
    else:
        assert await read(await stream(turn)) == b'data: {"error": "no"}\n\n'
