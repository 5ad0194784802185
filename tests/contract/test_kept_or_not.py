"""A turn is answered and kept or neither, whatever ends while its row is written.

Point 10, a turn happens whole or not at all.
Point 18, kept.
"""

from time import sleep

import pytest

from contract.client import Client
from contract.databases import Database, is_whole
from contract.outages import WRITES, Outage, each_way
from contract.warm import Warm

pytestmark = pytest.mark.real

TURN_SECONDS = 1.5
LIMITED = {"serving.turns": {"TURN_SECONDS": TURN_SECONDS}}


def asked_again(client: Client, session: str) -> bool:
    """Whether a session that had a turn has kept a second one."""
    reply = client.ask("after", session).text
    assert reply in ("turn 2: after", "turn 3: after")
    return reply == "turn 3: after"


@each_way(WRITES, [[False], [True]])
def test_a_turn_whose_time_ends_while_it_is_kept(
    warm: Warm, database: Database, way: Outage
) -> None:
    names = [f"session {n}" for n in range(40)]
    with warm.start(database.environment, LIMITED) as server:
        client = server.client
        for name in names:
            assert client.ask("before", name).text == "turn 1: before"
        # The models answer from well before to the end of their time; in the last of it nobody can
        # write, so that there are turns of which the time ends then.
        delays = [TURN_SECONDS * (0.6 + 0.4 * n / len(names)) for n in range(len(names))]
        turns = [
            client.begin(f"now <<delay={delay:.3f}>>", name)
            for delay, name in zip(delays, names, strict=True)
        ]
        sleep(0.9 * TURN_SECONDS)
        with way(database, server):
            sleep(0.4 * TURN_SECONDS)
        answered = {
            name: turn.result().error == "" for name, turn in zip(names, turns, strict=True)
        }
        assert {name: asked_again(client, name) for name in names} == answered
        assert set(answered.values()) == {True, False}
    assert is_whole(database)


@each_way(WRITES, [[True], [False]])
@pytest.mark.parametrize("seconds", [3.5, 4.5])
def test_a_turn_that_waits_for_another_writer(
    warm: Warm, database: Database, way: Outage, seconds: float
) -> None:
    names = [f"session {n}" for n in range(40)]
    with warm.start(database.environment) as server:
        client = server.client
        for name in names:
            assert client.ask("before", name).text == "turn 1: before"
        with way(database, server):
            turns = [client.begin("now", name) for name in names]
            sleep(seconds)
        answered = {
            name: turn.result().error == "" for name, turn in zip(names, turns, strict=True)
        }
        assert {name: asked_again(client, name) for name in names} == answered
    assert is_whole(database)
