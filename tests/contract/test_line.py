"""So many turns of a session are in line at most, and waiting is part of a turn's time.

Point 7, one at a time.
"""

from contextlib import ExitStack

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.launcher import MAX_LINE
from contract.projects import CONTRACT, each
from contract.server import Server, told, turns_of

pytestmark = [pytest.mark.real, each(CONTRACT)]


def in_line(client: Client, prompts: list[str], session: str) -> ExitStack:
    """Have these turns wait in this order; their clients are gone when the stack is closed."""
    clients = ExitStack()
    for prompt in prompts:
        clients.enter_context(client.connection(prompt, session))
        # what was sent before has arrived when the second of two more requests is answered
        client.fence()
        client.fence()
    return clients


def test_a_turn_too_many_is_refused_and_touches_nothing(tight: Server, models: FakeModels) -> None:
    client, prompts = tight.client, [f"prompt {n}" for n in range(1, MAX_LINE)]
    held = client.begin("prompt 0 <<hold=gate>>", "line")
    models.wait_held("gate")
    with in_line(client, prompts, "line"):
        for _ in range(2):
            refused = client.ask("one too many", "line")
            assert (refused.status, refused.text) == (429, "")
            assert refused.error == "Too many turns of this session are waiting already."
        assert client.ask("hello", "beside the line").text == "turn 1: hello"
        models.release("gate")
        assert held.result().text == "turn 1: prompt 0"
    # there is a place again, behind all those that waited
    assert client.ask("last", "line").status == 200
    asked = [request.last_user_text for request in models.requests]
    assert asked == ["prompt 0", "hello", *prompts, "last"]


def test_waiting_is_part_of_the_time(tight: Server, models: FakeModels) -> None:
    client = tight.client
    held = client.begin("held <<hold=gate>>", "waits")
    models.wait_held("gate")
    with turns_of(tight, seconds=1):
        late = client.together([(f"waits {n}", "waits") for n in range(4)])
    assert ["too long" in reply.error for reply in late] == [True] * 4
    assert not held.done()
    models.release("gate")
    assert held.result().text == "turn 1: held"
    assert client.ask("after", "waits").text == "turn 2: after"
    assert len(models.requests) == 2


def test_opening_is_part_of_the_time(tight: Server) -> None:
    client = tight.client
    with told(tight, "opening-waits"), turns_of(tight, seconds=1):
        late = client.together([("hello", "open-hangs") for _ in range(2)])
        assert ["too long" in reply.error for reply in late] == [True] * 2
    assert client.ask("hello", "open-hangs").text == "turn 1: hello"
