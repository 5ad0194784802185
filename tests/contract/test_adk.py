"""What Google ADK alone has: state beside the messages, and errors that look like answers."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.environments import python_of
from contract.projects import DEFAULTS, Variant, each
from contract.server import Server, serve

pytestmark = [
    pytest.mark.real,
    each([variant for variant in DEFAULTS if variant.framework == "adk"]),
]

TOOL = "(a: float, b: float) -> float:"
STATEFUL = "(a: float, b: float, tool_context: Any) -> float:"
RESULT = "    return a + b\n"
# the sum of what was added so far, in the state of the session: as a value, and in a list
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
