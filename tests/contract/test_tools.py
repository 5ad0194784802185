"""Tools that block hold up nobody but their turn.

Point 16, cheap, and nobody waits for another.
"""

import pytest
from fake_models import FakeModels

from contract.client import until
from contract.projects import CONTRACT, each
from contract.server import Server, told, turns_of
from contract.wire import conversation

pytestmark = [pytest.mark.real, each(CONTRACT)]

ADD = "add <<tool=add_numbers:2:3>>"
STUCK = 40  # more than asyncio's own executor has threads


def test_stuck_tools_hold_up_nobody(tight: Server) -> None:
    client, before = tight.client, tight.tools_begun()
    with told(tight, "tool-waits"):
        stuck = [client.begin(ADD, f"stuck-{n}") for n in range(STUCK)]
        until(lambda: tight.tools_begun() == before + STUCK)
        assert client.ping() == "HealthyBusy"
        assert client.ask("hello").text == "turn 1: hello"
    assert all("5" in turn.result().text for turn in stuck)


def test_a_turn_whose_tool_is_stuck_ends_at_its_time(tight: Server, models: FakeModels) -> None:
    client = tight.client
    assert client.ask("before", "late tool").text == "turn 1: before"
    with told(tight, "tool-waits"):
        with turns_of(tight, seconds=1):
            late = client.ask(ADD, "late tool")
        assert "took too long" in late.error
        assert client.ask("after", "late tool").text == "turn 2: after"
    assert models.transcript("after") == conversation(["before", "after"])


def test_what_a_tool_returns_is_mended_before_it_is_kept(tight: Server) -> None:
    with told(tight, "tool-says", '"half \\ud83c of a character"'):
        assert "half \ufffd of" in tight.client.ask(ADD, "half a tool").text
    assert tight.client.ask("after", "half a tool").text == "turn 2: after"
