"""A process that is told to stop finishes what it can, fails the rest, and goes.

Point 15, nothing asynchronous at import.
"""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import until
from contract.launcher import CLOSE_SECONDS
from contract.projects import CONTRACT, Variant, each
from contract.server import Server, serve, store
from contract.stores import SqliteFile

pytestmark = [pytest.mark.real, each(CONTRACT)]

ADD = "add <<tool=add_numbers:2:3>>"
LONG = "\N{PARTY POPPER}" * 90_000


@pytest.fixture
def ending(variant: Variant, models: FakeModels, tmp_path: Path) -> Iterator[Server]:
    """A server that a test ends."""
    environment = models.env(variant.provider) | store(variant, tmp_path)
    with serve(variant, tmp_path, environment, launcher=True) as server:
        yield server


def test_what_can_end_is_kept_and_the_rest_fails_plainly(
    ending: Server, models: FakeModels, tmp_path: Path
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
    if ending.variant.transcript:
        said = {(each["session_id"], each["role"]) for each in SqliteFile(tmp_path).messages()}
        answered = {(name, "assistant") for name in ("idle", "left", "ends", "stalls")}
        assert answered | {("hangs", "error")} <= said
        assert ("hangs", "assistant") not in said
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
