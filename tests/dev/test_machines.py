"""When a machine is taken, and what its session has then: small limits, real processes."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentcore_new.dev import logs
from agentcore_new.dev.events import Event, Events
from agentcore_new.dev.hosting import Host
from agentcore_new.dev.invocation import Invocations, Nobody, Refused
from agentcore_new.dev.machine import end_of, free_port
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.platform import SESSION_HEADER, Limits
from agentcore_new.dev.project import Project, find
from agentcore_new.dev.run import client
from agentcore_new.dev.turns import Record, Turn
from dev.running import alive, new_session, quick_agent

PING = 0.05


@dataclass
class Small:
    """The machines of the quick agent, and whoever asks them."""

    machines: Machines
    invocations: Invocations
    record: Record
    home: Path
    told: list[Event] = field(default_factory=list)

    async def ask(self, prompt: str, session: str) -> Turn:
        """Send a prompt, and return the turn when it has ended."""
        body = json.dumps({"prompt": prompt}).encode()
        turn = self.invocations.begin([(SESSION_HEADER, session)], body)
        try:
            await self.invocations.run(turn, body, Nobody())
        except Refused:
            assert turn.state == "failed"
        return turn

    async def asked(self, prompt: str, session: str) -> str:
        """The same of one that succeeds: its text."""
        turn = await self.ask(prompt, session)
        assert turn.state == "done", (turn.error, turn.original)
        return turn.text

    def ends(self) -> list[str]:
        """Why machines have ended, in order."""
        return [event.data["why"] for event in self.told if event.kind == "machine-ended"]

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(60):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def small(
    tmp_path: Path, *, per_session: bool = True, source: str | None = None, **limits: Any
) -> AsyncIterator[Small]:
    """Machines with these limits; at the end none is left."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    folder = quick_agent(tmp_path / "agent")
    if source is not None:
        (folder / "main.py").write_text(source)
    project: Project = find(folder, print)
    events, record = Events(), Record()
    told: list[Event] = []
    events.listen(told.append)
    host = Host(project, {"QUICK_HOME": str(home)}, tmp_path / "host.log")
    before = psutil.Process().children()  # such as a database of other tests
    await host.start()
    started: list[psutil.Process] = []
    async with client() as http:
        kept = Limits(ping_seconds=PING, **limits)
        machines = Machines(host, http, tmp_path, kept, events, per_session=per_session)
        looking = asyncio.ensure_future(machines.look_after())
        invocations = Invocations(machines, http, record, events)
        try:
            yield Small(machines, invocations, record, home, told)
        finally:
            hosts = [each for each in psutil.Process().children() if each not in before]
            started = [*hosts, *(each for one in hosts for each in one.children(recursive=True))]
            looking.cancel()
            await machines.close()
            await host.close()
    assert alive(started) == []


async def test_an_idle_machine_is_taken_and_the_next_turn_has_another(tmp_path: Path) -> None:
    async with small(tmp_path, idle_seconds=0.4) as running:
        session = new_session()
        assert (await running.asked("hello", session)).startswith("turn 1 ")
        await running.until(running.ends)
        assert running.ends() == ["It was idle for 0.4 s."]
        # it was asked to end before anything else
        assert "told to stop" in (tmp_path / "machine-1.log").read_text()
        assert (await running.asked("hello", session)).startswith("turn 1 ")


async def test_one_that_says_it_is_busy_is_kept_until_it_is_not(tmp_path: Path) -> None:
    async with small(tmp_path, idle_seconds=1) as running:
        (running.home / "busy").touch()
        session = new_session()
        await running.asked("hello", session)
        machine = running.machines.of(session)
        assert machine
        await running.until(lambda: machine.health == "HealthyBusy")
        await asyncio.sleep(1.5)
        assert machine.state == "ready"
        (running.home / "busy").unlink()
        free = time.monotonic()
        await running.until(running.ends)
        # busy was use: it is idle since then
        assert time.monotonic() - free > 0.5


async def test_one_with_a_turn_is_kept_however_long_that_takes(tmp_path: Path) -> None:
    async with small(tmp_path, idle_seconds=0.5) as running:
        turn = asyncio.ensure_future(running.asked("wait done", new_session()))
        await asyncio.sleep(1)
        (running.home / "done").touch()
        assert await turn == "waited for done"
        assert running.ends() == []
        free = time.monotonic()
        await running.until(running.ends)
        # it is idle since the end of the turn
        assert time.monotonic() - free > 0.3


async def test_a_machine_lives_no_longer_than_it_may(tmp_path: Path) -> None:
    async with small(tmp_path, life_seconds=0.5) as running:
        (running.home / "busy").touch()
        await running.asked("hello", new_session())
        await running.until(running.ends)
        assert running.ends()[0] == "A machine lives 0.5 s."


async def test_one_that_does_not_end_by_itself_is_killed(tmp_path: Path) -> None:
    async with small(tmp_path, idle_seconds=0.2, stop_seconds=0.5) as running:
        (running.home / "stubborn").touch()
        session = new_session()
        await running.asked("hello", session)
        machine = running.machines.of(session)
        assert machine
        await running.until(lambda: machine.state == "stopping")
        await running.until(lambda: machine.state == "ended")
        assert machine.process
        assert machine.process.exit_code == -9
        # while it ends, the next turn waits for the next machine
        assert (await running.asked("hello", session)).startswith("turn 1 ")


async def test_of_more_sessions_than_machines_the_longest_idle_leaves(tmp_path: Path) -> None:
    async with small(tmp_path, machines=2) as running:
        first, second, third = (new_session() for _ in range(3))
        for session in (first, second, first, third):
            await running.asked("hello", session)
        assert running.ends() == ["Another session needed one of the 2 machines."]
        assert (await running.asked("hello", first)).startswith("turn 3 ")
        assert (await running.asked("hello", second)).startswith("turn 1 ")


async def test_when_all_are_in_use_one_is_told_so(tmp_path: Path) -> None:
    async with small(tmp_path, machines=2) as running:
        turns = [asyncio.ensure_future(running.asked("wait go", new_session())) for _ in range(2)]
        await running.until(lambda: sum(each.turns for each in running.machines) == 2)
        turn = await running.ask("hello", new_session())
        assert (turn.status, turn.error) == (
            429,
            "All 2 machines are in use; try again when one is idle.",
        )
        (running.home / "go").touch()
        await asyncio.gather(*turns)
        assert await running.asked("hello", new_session())


async def test_sessions_that_come_at_once_never_have_more_machines_than_there_are(
    tmp_path: Path,
) -> None:
    async with small(tmp_path, machines=3) as running:
        for _ in range(3):
            await running.asked("hello", new_session())
        asked = [running.ask("hello", new_session()) for _ in range(3)]
        most = 0

        async def count() -> None:
            nonlocal most
            while True:
                taken = [each for each in running.machines if each.session]
                most = max(most, sum(each.state != "ended" for each in taken))
                await asyncio.sleep(0.002)

        counting = asyncio.ensure_future(count())
        turns = await asyncio.gather(*asked)
        counting.cancel()
        assert [turn.state for turn in turns] == ["done"] * 3
        assert most <= 3


async def test_turns_that_come_at_once_start_one_machine(tmp_path: Path) -> None:
    async with small(tmp_path) as running:
        session = new_session()
        texts = await asyncio.gather(*(running.asked("hello", session) for _ in range(5)))
        assert len({text.split()[3] for text in texts}) == 1


async def test_turns_that_come_while_a_machine_ends_start_one(tmp_path: Path) -> None:
    async with small(tmp_path, stop_seconds=0.3) as running:
        (running.home / "stubborn").touch()
        session = new_session()
        await running.asked("hello", session)
        machine = running.machines.of(session)
        assert machine
        stopping = asyncio.ensure_future(running.machines.stop(machine, "It was stopped by hand."))
        await running.until(lambda: machine.state == "stopping")
        texts = await asyncio.gather(*(running.asked("hello", session) for _ in range(3)))
        await stopping
        assert len({text.split()[3] for text in texts}) == 1


async def test_a_turn_that_is_given_up_leaves_the_machine_to_the_others(tmp_path: Path) -> None:
    async with small(tmp_path) as running:
        session = new_session()
        one, other = (asyncio.ensure_future(running.ask("hello", session)) for _ in range(2))
        await running.until(lambda: any(each.turns == 2 for each in running.machines))
        machine = running.machines.of(session)
        assert machine
        assert machine.state == "starting"
        one.cancel()
        assert (await other).text.startswith("turn 1 ")
        assert one.cancelled()
        assert machine.turns == 0


async def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async with small(tmp_path, call_seconds=0.3, stream_seconds=1.0) as running:
        turn = await running.ask("wait never", new_session())
        assert (turn.status, turn.error) == (504, "The answer was not whole within 0.3 s.")
        turn = await running.ask("stream one @never", new_session())
        assert turn.text == "one "
        assert (turn.state, turn.error) == ("failed", "The answer was not whole within 1 s.")


NEVER = "import time; time.sleep(1000)"
DIES = "raise SystemExit('no luck')"
SAYS_NOTHING = """
import os, socket, time
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
time.sleep(1000)
"""
NO_AGENT = """
import os
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
at = ("127.0.0.1", int(os.environ["PORT"]))
ThreadingHTTPServer(at, SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.mark.parametrize("source", [NEVER, SAYS_NOTHING], ids=["", "silent"])
async def test_an_agent_that_never_answers_is_given_up(tmp_path: Path, source: str) -> None:
    async with small(tmp_path, source=source, start_seconds=0.5) as running:
        turn = await running.ask("hello", new_session())
        assert (turn.status, turn.error) == (
            424,
            "The agent did not answer /ping within 0.5 s.",
        )


async def test_a_server_without_ping_is_told_what_it_needs(tmp_path: Path) -> None:
    async with small(tmp_path, source=NO_AGENT, start_seconds=0.5) as running:
        turn = await running.ask("hello", new_session())
        expected = "The agent answered /ping with status 404, and never said how it is."
        assert (turn.status, turn.error) == (424, expected)
        assert turn.original
        assert 'a GET /ping that answers {"status": "Healthy"}' in turn.original["body"]
        assert turn.original["body"].count("GET /ping HTTP") < 5  # its log is not full of them


async def test_an_agent_that_dies_at_its_start_says_why(tmp_path: Path) -> None:
    async with small(tmp_path, source=DIES) as running:
        turn = await running.ask("hello", new_session())
        assert turn.error == "The agent's process ended with exit code 1 at its start."
        assert turn.original == {"status": None, "body": "no luck"}
        failed, *_ = [event for event in running.told if event.kind == "machine-failed"]
        assert failed.data["log"] == ["no luck"]


@pytest.mark.parametrize(("free", "said"), [(50_000, True), (500_000, False)])
async def test_that_the_disk_is_full_is_told_where_the_log_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: bool
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    async with small(tmp_path, source=DIES) as running:
        await running.ask("hello", new_session())
        failed, *_ = [event for event in running.told if event.kind == "machine-failed"]
        assert (f"The disk with {tmp_path} is full" in failed.data["hint"]) == said


async def test_an_agent_that_writes_for_ever_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2_000)
    monkeypatch.setattr(logs, "KEPT_BYTES", 500)
    async with small(tmp_path) as running:
        session = new_session()
        await running.asked(f"log {'a' * 2_500} and its end", session)
        machine = running.machines.of(session)
        assert machine
        await running.until(lambda: machine.log.stat().st_size < 1_000)
        cut = machine.log.read_text()
        assert cut.startswith("[what came before is not kept]\naaa")
        assert "a and its end\n" in cut
        # one that is short enough stays as it is, and is written to where it ends
        await running.asked("log the last", session)
        await asyncio.sleep(4 * PING)
        assert machine.log.read_text().startswith(cut)
        assert "the last\n" in machine.log.read_text()


async def test_one_process_can_have_all_sessions(tmp_path: Path) -> None:
    async with small(tmp_path, per_session=False, idle_seconds=0.2) as running:
        texts = [await running.asked("hello", new_session()) for _ in range(3)]
        assert len({text.split()[3] for text in texts}) == 1
        await asyncio.sleep(0.6)
        assert running.ends() == []  # nobody takes it


async def test_a_spare_machine_is_there_before_it_is_asked_for(tmp_path: Path) -> None:
    async with small(tmp_path, idle_seconds=0.2) as running:
        running.machines.prepare()
        (spare,) = running.machines
        await spare.up
        await asyncio.sleep(0.6)
        assert spare.state == "ready"
        session = new_session()
        await running.asked("hello", session)
        assert running.machines.of(session) is spare
        assert len([*running.machines]) == 2  # the next one


def renew(main: Path) -> None:
    """Have the agent answer otherwise."""
    main.write_text(main.read_text().replace('"result": f"turn', '"result": f"new turn'))


async def test_new_code_waits_for_the_turns_of_the_old(tmp_path: Path) -> None:
    async with small(tmp_path) as running:
        busy, idle = new_session(), new_session()
        await running.asked("hello", busy)
        await running.asked("hello", idle)
        turn = asyncio.ensure_future(running.asked("wait end", busy))
        await running.until(lambda: any(each.turns for each in running.machines))
        renew(tmp_path / "agent/main.py")
        machine = await running.machines.reload()
        assert machine
        await machine.up
        assert (await running.asked("hello", idle)).startswith("new turn 1 ")
        waiting = asyncio.ensure_future(running.asked("hello", busy))
        await asyncio.sleep(0.2)
        assert not turn.done()
        assert not waiting.done()  # two processes never have one session
        (running.home / "end").touch()
        assert await turn == "waited for end"
        assert (await waiting).startswith("new turn 1 ")


async def test_new_code_waits_for_the_turns_of_all_where_one_process_has_them(
    tmp_path: Path,
) -> None:
    async with small(tmp_path, per_session=False) as running:
        turn = asyncio.ensure_future(running.asked("wait end", new_session()))
        await running.until(lambda: any(each.turns for each in running.machines))
        renew(tmp_path / "agent/main.py")
        reloading = asyncio.ensure_future(running.machines.reload())
        await asyncio.sleep(0.1)
        assert not reloading.done()
        (running.home / "end").touch()
        assert await turn == "waited for end"
        machine = await reloading
        assert machine
        await machine.up
        assert (await running.asked("hello", new_session())).startswith("new turn 1 ")


async def test_a_machine_that_is_stopped_while_it_starts_is_gone(tmp_path: Path) -> None:
    async with small(tmp_path, source=NEVER, stop_seconds=1) as running:
        running.machines.prepare()
        (spare,) = running.machines
        await running.machines.stop(spare, "It was stopped by hand.")
        assert spare.state == "ended"
        assert [event.kind for event in running.told if "fail" in event.kind] == []


async def test_a_thousand_sessions(tmp_path: Path) -> None:
    async with small(tmp_path, machines=8) as running:
        sessions = [new_session() for _ in range(1000)]
        for few in range(0, 1000, 8):
            asked = (running.asked("hello", session) for session in sessions[few : few + 8])
            texts = await asyncio.gather(*asked)
            assert all(text.startswith("turn 1 ") for text in texts)
        assert len([*running.record]) == 1000
        up = [each for each in running.machines if each.state != "ended"]
        assert len(up) <= 9
        assert 100 <= len([*running.machines]) <= 9 + 100
        assert len([*tmp_path.glob("machine-*.log")]) <= 9 + 100


def test_a_port_is_given_to_one_machine_and_to_nobody_else() -> None:
    given = [free_port() for _ in range(50)]
    assert len({*given}) == 50
    # what a system gives to whoever asks for any is above
    assert max(given) < 32_768
    following = 20_000 + (given[-1] + 1 - 20_000) % 12_000
    with socket.create_server(("127.0.0.1", following)):
        assert free_port() != following


def test_a_process_that_ended_is_told_in_words() -> None:
    assert end_of(0) == "ended with exit code 0"
    assert end_of(-9) == "was ended by SIGKILL"
    assert end_of(-1000) == "was ended by signal 1000"
