"""A process that is told to stop does so in time, though its store does not answer.

Point 15, nothing asynchronous at import.
"""

import signal

import pytest
from fake_models import FakeModels

from contract.databases import Database, is_whole
from contract.outages import HELD_UP, Outage, each_way
from contract.warm import Warm

pytestmark = pytest.mark.real

END_SECONDS = 12.0  # AgentCore kills it after 15


@each_way(HELD_UP, [[False], [True]])
def test_a_server_ends_in_time_though_its_store_is_away(
    warm: Warm, database: Database, way: Outage, models: FakeModels
) -> None:
    names = [f"session {n}" for n in range(4)]
    with warm.start(database.environment) as server:
        client = server.client
        for name in names:
            client.ask("before", name)
        running = [client.begin("kept <<hold=soon>>", name) for name in names]
        running.append(client.begin("never <<hold=never>>", "never"))
        models.wait_held("soon", count=len(names))
        models.wait_held("never")
        running += [client.begin("waits", name) for name in (names[0], "never")]
        with way(database, server):
            models.release("soon")
            running += [client.begin("reads", f"new {name}") for name in names]
            client.fence()
            server.process.terminate()
            status = server.process.wait(timeout=END_SECONDS)
            replies = [turn.result() for turn in running]
        assert status in (0, -signal.SIGTERM)
        assert all(reply.error for reply in replies)
        assert {reply.status for reply in replies} == {200 if warm.variant.stream else 503}
        assert "Traceback" not in server.output("stderr")
    with warm.start(database.environment) as server:
        for name in names:
            assert server.client.ask("after", name).text == "turn 2: after"
        assert server.client.ask("after", "never").text == "turn 1: after"
    assert is_whole(database)
