"""A client that reads slowly, or not at all, costs no more than its reply and holds up nobody.

Point 11, streaming.
Point 17, bounded inside too.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from http.client import HTTPResponse

import pytest

from contract.client import Client, parse_frames, read_until, until
from contract.projects import DEFAULTS, STREAMED, Variant, each
from contract.server import Server, serve

pytestmark = pytest.mark.real

SLOW = 200
BOUND = 100_000_000
# A reply of 100 KB, of which little fits between the tight server and a client. A framework takes
# up to half a millisecond for a delta: of large ones it is half of them that cost a minute.
LONG = " ".join(["x" * 1999] * 49)
WORDS = 11_000  # as long, in deltas as small as they come

# without a framework, what is left is the cost of the stream itself
TALK = """

import asyncio
import os
from pathlib import Path

GO = Path(os.environ["CONTRACT_CONTROL"]) / "go"


async def run_turn(session, prompt, send):
    send("turn")
    while not GO.exists():
        await asyncio.sleep(0.01)
    for n in range(int(prompt)):
        send(f" word{n}")
        if n % 100 == 0:
            await asyncio.sleep(0)
    return "turn", []
"""


class Talk(Variant):
    """A project whose turns send as many words as they are told, once the file `go` exists."""

    def files(self) -> dict[str, str]:
        files = super().files()
        return {**files, "agent.py": files["agent.py"] + TALK}


@pytest.fixture
def talk(variant: Variant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """New for each test: memory that one has left free, the next would take unseen."""
    talking = Talk(**asdict(variant))
    with serve(talking, tmp_path_factory.mktemp("talk"), {}, launcher=True) as running:
        yield running


@contextmanager
def slow_reader(client: Client, prompt: object, session: str) -> Iterator[socket.socket]:
    """A connection with a small buffer, on which the reply has begun."""
    with client.connection(str(prompt), session, receive_buffer=2048) as raw:
        read_until(raw, b"turn")
        yield raw


@each(DEFAULTS)
def test_slow_readers_hold_up_nobody(tight: Server) -> None:
    client, slow = tight.client, list[socket.socket]()
    for _ in range(5):
        client.ask(LONG)
    before = tight.resident()
    with ExitStack() as connections:
        for n in range(SLOW):
            reader = slow_reader(client, LONG, f"slow-{n}")
            slow.append(connections.enter_context(reader))
            assert {len(raw.recv(1)) for raw in slow} == {1}
            assert client.ask("after", f"slow-{n}").text == "turn 2: after"
        assert client.ask("hello", "beside the slow").text == "turn 1: hello"
        until(lambda: client.ping() == "Healthy")
        assert tight.resident() - before < BOUND


@each(STREAMED)
def test_a_slow_reader_gets_its_whole_reply(tight: Server) -> None:
    client = tight.client
    with client.connection(LONG, "whole", receive_buffer=2048) as raw:
        response = HTTPResponse(raw)
        response.begin()
        assert client.ask("after", "whole").text == "turn 2: after"
        body = b"".join(iter(lambda: response.read(1), b""))
    assert "".join(parse_frames(body)) == f"turn 1: {LONG}"
    assert body == client.ask(LONG, "at once").body


@each(STREAMED[:1])
def test_small_deltas_cost_no_more_than_their_bytes(talk: Server) -> None:
    client, go = talk.client, talk.control / "go"
    go.touch()
    for _ in range(5):
        client.ask(str(WORDS))
    before = talk.resident()
    with ExitStack() as connections:
        for n in range(SLOW):
            connections.enter_context(slow_reader(client, WORDS, f"slow-{n}"))
            assert client.ask("0", f"slow-{n}").text == "turn"
        assert talk.resident() - before < BOUND


@each(STREAMED[:1])
def test_nothing_is_kept_for_a_client_that_has_gone(talk: Server) -> None:
    client, go = talk.client, talk.control / "go"
    with ExitStack() as connections:
        for n in range(SLOW):
            connections.enter_context(slow_reader(client, WORDS, f"gone-{n}"))
    client.fence()
    before = talk.resident(peak=True)
    after = [client.begin("0", f"gone-{n}") for n in range(SLOW)]
    go.touch()
    assert {turn.result().text for turn in after} == {"turn"}
    assert talk.resident(peak=True) - before < BOUND / 10
