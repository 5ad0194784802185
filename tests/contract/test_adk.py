"""What Google ADK alone has: state beside the messages, and errors that look like answers."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.environments import python_of
from contract.projects import DEFAULTS, Variant, each
from contract.server import Server, serve
from contract.stores import Store

pytestmark = [
    pytest.mark.real,
    each([variant for variant in DEFAULTS if variant.framework == "adk"]),
]

TOOL = "(a: float, b: float) -> float:"
STATEFUL = "(a: float, b: float, tool_context: Any) -> float:"
RESULT = "    return a + b\n"
# the sum of what was added so far, in the state of the session: as a value, and in a list; of 13
# also when that was, which is no plain value
TOTAL = """\
    state = tool_context.state
    state["total"] = state.get("total", 0) + a + b
    if "parts" not in state:
        state["parts"] = []
    state["parts"].append(a + b)
    assert "temp:mine" not in state
    state["temp:mine"] = tool_context.user_id
    log.info("called by %s", state["temp:mine"])
    assert state["total"] == sum(state["parts"])
    if a == 13:
        from datetime import datetime
        state["added"] = datetime.now()
    total: float = state["total"]
    return total
"""


class Counting(Variant):
    """A project whose tool keeps a total in the state of the session."""

    def files(self) -> dict[str, str]:
        files = super().files()
        agent = files["agent.py"]
        assert agent.count(TOOL) == agent.count(RESULT) == 1
        return {**files, "agent.py": agent.replace(TOOL, STATEFUL).replace(RESULT, TOTAL)}


@pytest.fixture(scope="module")
def counting(
    variant: Variant, model_server: FakeModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The project with a total."""
    folder = tmp_path_factory.mktemp("counting")
    with serve(Counting(**asdict(variant)), folder, model_server.env("gemini")) as running:
        yield running


def add(client: Client, number: int, session: str, failing: str = "") -> str:
    """Add a number to the total of a session; what the model says, or what went wrong."""
    reply = client.ask(f"add <<tool{failing}=add_numbers:{number}:0>>", session)
    return reply.error or reply.text


def test_the_state_of_a_session_is_kept(counting: Server) -> None:
    said = [add(counting.client, number, "state") for number in (2, 3)]
    assert said == ["tool said 2", "tool said 5"]
    assert add(counting.client, 1, "state of another") == "tool said 1"


def test_what_a_failed_turn_wrote_is_gone(counting: Server) -> None:
    client = counting.client
    assert add(client, 2, "state fails") == "tool said 2"
    assert "could not answer" in add(client, 10, "state fails", failing="-then-fail")
    assert add(client, 3, "state fails") == "tool said 5"


def test_the_state_of_a_session_outlives_the_process(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> None:
    database = "postgres" if variant.stream else "sqlite"
    project = Counting(**asdict(variant) | {"store": database})
    store, environment = new_store(project, tmp_path), model_server.env("gemini")
    with serve(project, tmp_path / "one", environment, store=store) as server:
        for number, total in ((2, 2), (3, 5)):
            assert add(server.client, number, "state") == f"tool said {total}"
        # what no row can have fails its turn, and is not left out of it
        assert "could not answer" in add(server.client, 13, "state")
        assert add(server.client, 4, "state") == "tool said 9"
        server.client.fence()
        causes = [str(record.get("errorMessage")) for record in server.records()]
        assert [cause for cause in causes if cause.endswith("with a datetime in it")]
    with serve(project, tmp_path / "two", environment, store=store) as server:
        assert add(server.client, 1, "state") == "tool said 10"
        assert add(server.client, 1, "state of another") == "tool said 1"
    # what is of one turn alone is of no row
    bodies = [body for (body,) in store.query("SELECT body FROM agent_turns")]
    assert len(bodies) == 5
    assert all('"parts"' in body and "temp:" not in body for body in bodies)


def test_a_block_is_named_in_the_log(server: Server) -> None:
    assert "could not answer" in server.client.ask("hello <<blocked>>", "blocked").error
    server.client.fence()
    causes = [record.get("errorMessage") for record in server.records()]
    assert "SAFETY" in causes


def test_a_tool_knows_its_user(counting: Server) -> None:
    client = counting.client
    client.ask("add <<tool=add_numbers:1:0>>", "user", user="ann")
    client.ask("add <<tool=add_numbers:1:0>>", "user")
    client.fence()
    said = [record["message"] for record in counting.records()]
    assert [text for text in said if text.startswith("called by")][-2:] == [
        "called by ann",
        "called by anonymous",
    ]


LEFT = """
import agent, asyncio
from serving.turns import Session

async def turn(*send):
    await agent.run_turn(Session(None), "hello", *send)

asyncio.run(turn(%s))
print(agent.TURNS.running)
"""


def test_nothing_of_a_turn_stays_in_the_framework(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    code = LEFT % ("print" if variant.stream else "")
    left = subprocess.check_output(
        [python_of("adk"), "-c", code],
        cwd=project,
        env={"AGENT_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert left.splitlines()[-1] == "{}"


def test_its_own_tools_find_the_agent(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "my_agent")
    said = subprocess.check_output(
        [python_of("adk"), "-m", "google.adk.cli", "run", ".", "hello"],
        cwd=project,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "AGENT_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert said.splitlines()[-1].endswith("Offline reply 1 to: hello")


def test_nothing_is_asked_of_the_model_at_import(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    code = "import agent; agent.nothing"
    done = subprocess.run(
        [python_of("adk"), "-c", code],
        cwd=project,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "AttributeError: nothing"
