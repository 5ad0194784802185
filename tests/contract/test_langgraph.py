"""What LangGraph alone has: state beside the messages, and turns that end with a tool."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fake_models import FakeModels

from contract.environments import python_of
from contract.projects import DEFAULTS, Variant, each
from contract.server import Server, serve
from contract.stores import Store
from contract.wire import conversation

if TYPE_CHECKING:
    from contract.client import Client

pytestmark = [
    pytest.mark.real,
    each([variant for variant in DEFAULTS if variant.framework == "langgraph"]),
]

GRAPH = "create_agent(load_model(), tools=tools, system_prompt=SYSTEM_PROMPT)"
# counts the calls of the model in the state of the graph
COUNTING = """

from langchain.agents.middleware import AgentMiddleware, AgentState


class Counted(AgentState):
    calls: int


class Counting(AgentMiddleware):
    state_schema = Counted

    def before_model(self, state, runtime):
        log.info("calls before: %d", state.get("calls", 0))
        return {"calls": state.get("calls", 0) + 1}


made = create_agent


def create_agent(*args, **kwargs):
    return made(*args, **kwargs, middleware=[Counting()])
"""


class Changed(Variant):
    """A project whose graph counts, and whose tool's result is the end of its turn."""

    def files(self) -> dict[str, str]:
        files = super().files()
        agent, made = files["agent.py"], "tool(prepared(function))"
        assert agent.count(made) == agent.count(GRAPH) == 1
        direct = agent.replace(made, "tool(return_direct=True)(prepared(function))")
        return {**files, "agent.py": direct + COUNTING}


@pytest.fixture(scope="module")
def changed(
    variant: Variant, model_server: FakeModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The changed project."""
    folder = tmp_path_factory.mktemp("changed")
    project = Changed(**asdict(variant))
    with serve(project, folder, model_server.env(variant.provider)) as running:
        yield running


def calls_before(server: Server) -> list[str]:
    """What the graph had counted whenever the model was called."""
    server.client.fence()
    said = [record["message"] for record in server.records()]
    return [message.split()[-1] for message in said if message.startswith("calls before")]


def test_the_state_of_a_session_is_kept(changed: Server) -> None:
    client, known = changed.client, len(calls_before(changed))
    for _ in range(3):
        client.ask("hello", "counted")
    client.ask("hello", "counted in another")
    assert client.ask("bad <<fail=400>>", "counted").error
    client.ask("hello", "counted")
    assert calls_before(changed)[known:] == ["0", "1", "2", "0", "3", "3"]


def test_the_state_of_a_session_outlives_the_process(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> None:
    database = "postgres" if variant.stream else "sqlite"
    project = Changed(**asdict(variant) | {"store": database})
    store, environment = new_store(project, tmp_path), model_server.env(variant.provider)
    for n, counted in enumerate((["0", "1"], ["2", "3"])):
        with serve(project, tmp_path / str(n), environment, store=store) as server:
            for _ in range(2):
                assert server.client.ask("hello", "counted").error == ""
            assert calls_before(server) == counted


def test_what_a_tool_returns_is_no_reply(changed: Server, models: FakeModels) -> None:
    client: Client = changed.client
    assert client.ask("before", "direct").text == "turn 1: before"
    reply = client.ask("add <<tool=add_numbers:2:3>>", "direct")
    assert (reply.text, "could not answer" in reply.error) == ("", True)
    assert client.ask("after", "direct").text == "turn 2: after"
    assert models.transcript("after") == conversation(["before", "after"])


STUDIO = """
import asyncio, importlib
graph = getattr(importlib.import_module({module!r}), {name!r})()
state = asyncio.run(graph.ainvoke({{"messages": [("user", "hello")]}}))
print(state["messages"][-1].text)
"""


def test_its_own_tools_find_the_graph(variant: Variant, tmp_path: Path) -> None:
    project = variant.write(tmp_path / "project")
    found = json.loads((project / "langgraph.json").read_text())
    path, _, name = found["graphs"]["agent"].partition(":")
    assert (project / path).exists()
    said = subprocess.check_output(
        [python_of("langgraph"), "-c", STUDIO.format(module=Path(path).stem, name=name)],
        cwd=project,
        env={"AGENT_OFFLINE": "1"},
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert said == "Offline reply 1 to: hello\n"
