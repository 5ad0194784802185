"""With a store that is away turns are refused soon, nothing else is, and all works again after it.

Point 18, kept.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.databases import Database, is_whole
from contract.outages import (
    ABSENCES,
    HELD_UP,
    OUTAGES,
    REFUSED,
    SECONDS,
    Absence,
    Outage,
    each_way,
    hanging,
    is_refused,
    stopped,
    timed,
)
from contract.projects import TRANSCRIPTS_ON_DATABASES
from contract.warm import Warm
from contract.wire import conversation

pytestmark = pytest.mark.real

PING_SECONDS = 1.0


@contextmanager
def answering_pings(client: Client) -> Iterator[None]:
    """See that the server answers pings during the block, all of them soon."""
    ended, seconds = threading.Event(), list[float]()

    def ping() -> None:
        while not ended.wait(0.05) or not seconds:
            start = time.monotonic()
            client.ping()
            seconds.append(time.monotonic() - start)

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert max(seconds) < PING_SECONDS


@each_way(OUTAGES, [[False, True]])
def test_turns_are_refused_while_the_store_is_away(
    warm: Warm, database: Database, way: Outage, models: FakeModels
) -> None:
    with warm.start(database.environment) as server:
        client = server.client
        assert client.ask("before", "known").text == "turn 1: before"
        assert client.ask("before", "asked").text == "turn 1: before"
        asked = client.begin("asked <<hold=gate>>", "asked")
        models.wait_held("gate")
        with way(database, server), answering_pings(client):
            with timed():
                refused = [client.begin("now", name) for name in ("known", "new")]
                models.release("gate")
                for reply in (asked.result(), *(each.result() for each in refused)):
                    assert is_refused(reply, warm.variant), reply
            assert client.ask("alone").text == "turn 1: alone"
        for name in ("known", "asked"):
            assert client.ask("after", name).text == "turn 2: after"
            assert models.transcript("after") == conversation(["before", "after"])
        assert client.ask("after", "new").text == "turn 1: after"
    assert is_whole(database)


@each_way(ABSENCES, [[False], [True]])
def test_a_store_that_is_not_there_at_first_is_found_later(
    warm: Warm, database: Database, way: Absence
) -> None:
    with ExitStack() as to_the_end:
        with way(database):
            client = to_the_end.enter_context(warm.start(database.environment)).client
            with answering_pings(client), timed():
                refused = [client.begin("now", name) for name in ("one", "two")]
                for reply in refused:
                    assert is_refused(reply.result(), warm.variant)
                assert client.ask("alone").text == "turn 1: alone"
        for name in ("one", "two"):
            assert client.ask("after", name).text == "turn 1: after"
    assert is_whole(database)


@each_way(HELD_UP, [[True], [False]])
def test_a_hundred_turns_at_once_are_refused_and_leave_nothing_open(
    warm: Warm, database: Database, way: Outage
) -> None:
    names = [f"session {n}" for n in range(100)]
    with warm.start(database.environment) as server:
        client = server.client
        for reply in client.together([("before", name) for name in names]):
            assert reply.text == "turn 1: before"
        before = database.connections(server.process.pid)
        with way(database, server), answering_pings(client), timed(SECONDS + 3):
            for reply in client.together([("now", name) for name in names]):
                assert is_refused(reply, warm.variant)
        for reply in client.together([("after", name) for name in names]):
            assert reply.text == "turn 2: after"
        until(lambda: database.connections(server.process.pid) <= before)
        assert not database.unfinished()
    assert is_whole(database)


@each_way({"postgres": {"hanging": hanging}}, [[True]], TRANSCRIPTS_ON_DATABASES)
def test_actions_are_refused_as_soon(warm: Warm, database: Database, way: Outage) -> None:
    with warm.start(database.environment) as server:
        client = server.client
        client.ask("before", "s", user="ann")
        with way(database, server), timed(), ThreadPoolExecutor() as threads:
            doing = {
                name: threads.submit(client.try_to_act, name, "s", user="ann")
                for name in ("history", "sessions", "forget", "status")
            }
            status = doing.pop("status").result().json()
            assert status["issues"] == [REFUSED.removesuffix(" Request id: ")]
            assert {action.result().status_code for action in doing.values()} == {503}
        # what was refused was not done
        assert client.said("s", user="ann") == [("user", "before"), ("assistant", "turn 1: before")]


@each_way({"postgres": {"stopped": stopped}}, [[False]], TRANSCRIPTS_ON_DATABASES)
def test_a_store_that_was_started_anew_is_not_noticed(
    warm: Warm, database: Database, way: Outage
) -> None:
    with warm.start(database.environment) as server:
        client = server.client
        client.ask("before", "s", user="ann")
        with way(database, server):
            pass
        assert client.ask("after", "s", user="ann").text == "turn 2: after"
        for action in ("history", "sessions", "status", "forget"):
            with way(database, server):
                pass
            assert client.try_to_act(action, "s", user="ann").status_code == 200, action
        assert client.ask("again", "s", user="ann").text == "turn 1: again"
