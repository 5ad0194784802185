"""A reply as server-sent events, at whatever pace its client reads, if it reads.

Point 11, streaming.
"""

from contextlib import ExitStack

import pytest
from fake_models import FakeModels

from contract.client import Client, read_until, until
from contract.projects import STREAMED, each
from contract.server import Server

pytestmark = [pytest.mark.real, each(STREAMED)]

# a reply of more bytes, and of more frames, than is held between the tight server and a client;
# in JSON, an emoji is twelve bytes
LONG = f"{'🎉' * 100} " * 400


def test_a_reply_comes_in_deltas(client: Client, models: FakeModels) -> None:
    reply = client.ask("héllo\n wörld 🎉 <<chunks=20>>", "deltas")
    assert reply.text.startswith("turn 1: héllo\n wörld 🎉 word6 ")
    assert reply.deltas == list(reply.frames)
    assert len(reply.deltas) == 20
    client.ask("after", "deltas")
    assert models.transcript("after")[1] == ("assistant", reply.text)


def test_no_delta_is_empty(client: Client) -> None:
    replies = [client.ask("hello"), client.ask("<<tool=add_numbers:2:3>>")]
    assert [delta for reply in replies for delta in reply.deltas if not delta] == []


def test_a_delta_does_not_wait_for_the_next(client: Client, models: FakeModels) -> None:
    with client.connection("hello <<hold-after=2,gate>>", "early") as raw:
        received = read_until(raw, b'data: " 1:"')
        assert b"hello" not in received
        models.release("gate")
        read_until(raw, b'data: " hello"')


@pytest.mark.parametrize("break_off", ["<<error-after=2>>", "<<hangup-after=2>>"])
def test_a_failure_ends_the_stream(client: Client, break_off: str) -> None:
    *deltas, failure = client.ask(f"hello {break_off}", f"fails {break_off}").frames
    assert "".join(deltas) == "turn 1:"
    assert list(failure) == ["error"]


def test_a_failure_before_the_first_delta_is_the_only_frame(client: Client) -> None:
    (failure,) = client.ask("hello <<fail=400>>", "fails at once").frames
    assert list(failure) == ["error"]


def test_a_client_that_vanishes_leaves_its_turn_running(client: Client, models: FakeModels) -> None:
    with client.connection("vanishes <<chunks=300>> <<hold-after=2,gate>>", "vanishes") as raw:
        read_until(raw, b'data: " 1:"')
    waiting = client.begin("after", "vanishes")
    assert client.ask("hello", "beside the vanished").text == "turn 1: hello"
    models.release("gate")
    assert waiting.result().text == "turn 2: after"
    (_, prompt), (_, reply), _ = models.transcript("after")
    assert (prompt, reply.split()[-1]) == ("vanishes", "word300")


def test_a_client_that_stops_reading_holds_up_nobody(tight: Server) -> None:
    client = tight.client
    with ExitStack() as connections:
        for n in range(3):
            unread = client.connection(LONG, f"unread-{n}", receive_buffer=2048)
            # it has begun: what comes next waits for it
            read_until(connections.enter_context(unread), b'data: "turn"')
        for n in range(3):
            assert client.ask(f"after {n}", f"unread-{n}").text == f"turn 2: after {n}"
        until(lambda: client.ping() == "Healthy")


def test_many_waiting_streams_hold_up_nobody(client: Client, models: FakeModels) -> None:
    with ExitStack() as connections:
        for n in range(60):
            prompt = f"waits {n} <<hold-after=1,gate>>"
            raw = connections.enter_context(client.connection(prompt, f"stream-{n}"))
            read_until(raw, b'data: "turn"')
        models.wait_held("gate", count=60)
        assert client.ping() == "HealthyBusy"
        assert client.ask("hello", "beside the waiting").text == "turn 1: hello"
    models.release("gate")
    for n in range(60):
        assert client.ask(f"after {n}", f"stream-{n}").text == f"turn 2: after {n}"
