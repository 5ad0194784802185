"""A process that is told to stop finishes what it can, fails the rest, and goes.

Point 15, nothing asynchronous at import.
"""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import until
from contract.launcher import CLOSE_SECONDS
from contract.projects import CONTRACT, Variant, each
from contract.server import Server, serve
from contract.stores import InMemory, Store, said

pytestmark = [pytest.mark.real, each(CONTRACT)]

ADD = "add <<tool=add_numbers:2:3>>"
LONG = "\N{PARTY POPPER}" * 90_000


@pytest.fixture
def ending(
    variant: Variant,
    models: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> Iterator[Server]:
    """A server that a test ends."""
    environment, store = models.env(variant.provider), new_store(variant, tmp_path)
    with serve(variant, tmp_path, environment, store=store, launcher=True) as server:
        yield server


def test_what_can_end_is_kept_and_the_rest_fails_plainly(
    ending: Server, models: FakeModels
) -> None:
    client = ending.client
    client.ask("before", "idle")
    with (
        client.connection("left <<hold=soon>>", "left"),
        client.connection(LONG, "unread", receive_buffer=2048),
    ):
        models.wait_held("soon")
        ends = client.begin("ends <<hold=soon>>", "ends")
        hangs = client.begin("hangs <<hold=never>>", "hangs")
        models.wait_held("never")
        waits = client.begin("waits", "hangs")
        models.wait_held("soon", count=2)
    with client.connection(LONG, "stalls", receive_buffer=2048):
        until(lambda: LONG[:9] in str(models.requests[-1].messages))
        client.fence()
        ending.process.terminate()
        ending.wait_until_closed()
        models.release("soon")
        assert ends.result().text == "turn 1: ends"
        for turn in (hangs, waits):
            reply = turn.result()
            assert reply.status == (200 if ending.variant.stream else 503)
            assert reply.error.startswith("The agent is shutting down. Request id: ")
        assert ending.process.wait(timeout=CLOSE_SECONDS + 5) in (0, -signal.SIGTERM)
    kept = ending.closed_with()
    assert {name: kept[name] for name in ("idle", "left", "ends", "stalls")} == dict.fromkeys(
        ("idle", "left", "ends", "stalls"), 1
    )
    assert kept["hangs"] == 0
    if not isinstance(ending.store, InMemory):
        assert said(ending.store, "ends") == ["ends <<hold=soon>>", "turn 1: ends"]
        for name in ("idle", "left", "stalls"):
            assert len(said(ending.store, name)) == 2
        # what has had its session is recorded, what has only waited for it is not
        prompt, error = said(ending.store, "hangs")
        assert prompt == "hangs <<hold=never>>"
        assert error.startswith("The agent is shutting down.")
    assert "Traceback" not in ending.output("stderr")


def test_a_turn_whose_client_has_gone_is_finished(ending: Server, models: FakeModels) -> None:
    with ending.client.connection("left <<hold=soon>>", "left"):
        models.wait_held("soon")
    ending.client.fence()
    ending.process.terminate()
    ending.wait_until_closed()
    with pytest.raises(subprocess.TimeoutExpired):
        ending.process.wait(timeout=0.5)
    models.release("soon")
    assert ending.process.wait(timeout=CLOSE_SECONDS + 5) in (0, -signal.SIGTERM)
    assert ending.closed_with() == {"left": 1}


def test_nothing_that_hangs_holds_up_the_end(ending: Server) -> None:
    client = ending.client
    # at the one the process is killed when the server has ended, at the other Python ends it
    order = signal.SIGTERM if ending.variant.stream else signal.SIGINT
    client.ask("before", "idle")
    (ending.control / "closing-waits").touch()
    (ending.control / "tool-waits").touch()
    stuck = client.begin(ADD, "stuck")
    until(lambda: ending.tools_begun() == 1)
    ending.process.send_signal(order)
    assert stuck.result().error.startswith("The agent is shutting down.")
    assert ending.process.wait(timeout=CLOSE_SECONDS + 5) in (0, -order)
    records = [record["text"] for record in ending.launcher_records()]
    assert "Closing the sessions took too long" in records
    assert "Traceback" not in ending.output("stderr")
