"""Import, idle expiry, shutdown, and one model client for all sessions.

Point 14, idle expiry.
Point 15, nothing asynchronous at import.
Point 16, cheap, and nobody waits for another.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import until
from contract.environments import python_of
from contract.projects import CONTRACT, Variant, each
from contract.server import AUDIT, Server, reached_out, serve
from contract.stores import InMemory, Store, turns

pytestmark = [pytest.mark.real, each(CONTRACT)]

DAY = 86_400

IMPORT_IN_A_THREAD = """
import asyncio, sys, threading

made = []
class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        made.append("event loop")
        return super().new_event_loop()

def hook(event, arguments):
    if event in ("socket.connect", "socket.listen", "socket.getaddrinfo"):
        made.append(f"{event} {arguments[1:]}")

def load():
    try:
        import main
    except BaseException as error:
        made.append(f"{error!r}")

asyncio.set_event_loop_policy(Policy())
sys.addaudithook(hook)
sys.path.insert(0, ".")
thread = threading.Thread(target=load)
thread.start()
thread.join()
made += [f"thread {t.name}" for t in threading.enumerate() if t is not threading.main_thread()]
print("main" in sys.modules, *made)
"""


def test_import_makes_nothing_asynchronous(
    variant: Variant, new_store: Callable[[Variant, Path], Store], tmp_path: Path
) -> None:
    project = variant.write(tmp_path / "project")
    done = subprocess.run(
        [python_of(variant.framework), "-c", IMPORT_IN_A_THREAD],
        cwd=project,
        env=os.environ | new_store(variant, tmp_path).environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True"]


def test_an_idle_session_expires(tight: Server, models: FakeModels) -> None:
    client = tight.client
    start = tight.number("ahead")  # of other tests, whose sessions must not be of the future
    client.ask("hello", "expiry idle")
    held = client.begin("held <<hold=gate>>", "expiry in use")
    models.wait_held("gate")
    tight.order("ahead", start + DAY - 600)
    assert client.ask("again", "expiry idle").text == "turn 2: again"
    tight.order("ahead", start + 2 * DAY)
    assert tight.closed("expiry idle") == []
    # a turn of any session evicts, and a session that is in use does not expire
    client.ask("hello", "expiry other")
    assert tight.closed("expiry") == ["expiry idle"]
    models.release("gate")
    assert held.result().text == "turn 1: held"
    assert client.ask("again", "expiry in use").text == "turn 2: again"
    # where there is a transcript it has expired in the store, too
    if isinstance(tight.store, InMemory) or not tight.variant.transcript:
        turn = tight.variant.turn_after(2)
    else:
        until(lambda: turns(tight.database, "expiry idle") == [])
        turn = 1
    assert client.ask("again", "expiry idle").text == f"turn {turn}: again"


def test_one_model_serves_all_sessions(server: Server) -> None:
    server.client.ask("hello", "one-0")
    before = len(server.connections())
    for n in range(20):
        server.client.ask("hello", f"one-{n}")
    # the connection is kept too
    assert len(server.connections()) - before <= 2


def test_the_model_is_made_once(tight: Server) -> None:
    tight.client.together([("hello", f"once-{n}") for n in range(8)])
    assert len((tight.control / "models.txt").read_text().splitlines()) == 1


def test_shutdown_waits_for_turns_and_closes_sessions(
    variant: Variant,
    models: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> None:
    environment, store = models.env(variant.provider), new_store(variant, tmp_path)
    with serve(variant, tmp_path, environment, store=store) as server:
        names = [f"idle-{n}" for n in range(3)]
        for name in names:
            server.client.ask("hello", name)
        running = server.client.begin("held <<hold=gate>>", "running")
        models.wait_held("gate")
        server.process.terminate()
        server.wait_until_closed()
        models.release("gate")
        assert running.result().text == "turn 1: held"
        assert server.process.wait(timeout=10) in (0, -15)
        assert server.closed_at_last() == [*names, "running"]


def test_an_outside_address_would_be_noticed(variant: Variant, tmp_path: Path) -> None:
    # the guard that every server here is stopped with, shown to see something
    code = "import socket; socket.getaddrinfo('192.0.2.1', 80)"
    environment = {"PYTHONPATH": str(AUDIT), "CONTRACT_AUDIT": str(tmp_path / "audit")}
    subprocess.run([python_of(variant.framework), "-c", code], env=environment, check=True)
    noted = (tmp_path / "audit").read_text().splitlines()
    assert reached_out(noted) == ["socket.getaddrinfo '192.0.2.1' "]
