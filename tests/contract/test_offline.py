"""The offline model calls the agent's tools, each in the way of its framework."""

import re
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import DEFAULTS, Variant, each
from contract.server import Server, serve
from contract.wire import roles

pytestmark = [pytest.mark.real, each(DEFAULTS)]

# what the README of a project says: written beside add_numbers, and named in TOOLS
LIST = "\n\nTOOLS: list[Tool] = [add_numbers"
TOOLS = '''
def multiply_numbers(a: float, b: float) -> float:
    """Multiply two numbers."""
    with open("calls.txt", "a") as file:
        file.write(f"{a:g} {b:g}\\n")
    return a * b


async def greet(name: str, times: int, loudly: bool = False) -> str:
    """Greet somebody."""
    return ", ".join([f"hello {name}"] * times) + ("!" if loudly else ".")


def invert(flag: bool, nothing: str | None = None) -> dict[str, object]:
    """Invert a flag; the answer is as Strands takes it too."""
    return {"status": "success", "content": [{"json": {"inverted": not flag}}]}


def now() -> str:
    """Tell the time."""
    return "noon"


def fail_at(number: int) -> str:
    """Fail."""
    raise ValueError(f"broken at {number}")


def use_provider() -> str:
    """Have the model of the provider answer from the next turn on."""
    import os

    del os.environ["AGENT_OFFLINE"]
    for cached in globals().values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()
    return "as you like"

'''
NAMES = "multiply_numbers, greet, invert, now, fail_at, use_provider"


class WithTools(Variant):
    """A project with further tools, added as its README says."""

    def files(self) -> dict[str, str]:
        files = super().files()
        agent = files["agent.py"]
        assert agent.count(LIST) == 1
        return {**files, "agent.py": agent.replace(LIST, f"\n{TOOLS}{LIST}, {NAMES}")}


@pytest.fixture(scope="module")
def offline(
    variant: Variant, model_server: FakeModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The project with its tools, without a model until one of the tools is called for it."""
    folder = tmp_path_factory.mktemp(f"{variant}-offline")
    environment = {"AGENT_OFFLINE": "1", **model_server.env(variant.provider)}
    with serve(WithTools(**asdict(variant)), folder, environment) as running:
        yield running


@pytest.fixture
def client(offline: Server) -> Client:
    return offline.client


def calls(server: Server) -> list[str]:
    """What multiply_numbers was called with, so far."""
    file = server.folder / "project" / "calls.txt"
    return file.read_text().splitlines() if file.exists() else []


def test_the_sample_tool_is_called(client: Client) -> None:
    reply = client.ask("What is 2 + 3?", "sample")
    assert reply.text == "Offline reply 1 to: What is 2 + 3? add_numbers: 5"
    assert reply.error == ""


def test_the_reply_after_a_tool_comes_word_by_word(client: Client, variant: Variant) -> None:
    deltas = client.ask("add_numbers 2 3").deltas
    words = ["Offline", " reply", " 1", " to:", " add_numbers", " 2", " 3", " add_numbers:", " 5"]
    assert deltas == (words if variant.stream else [])


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("add_numbers 0.25 0.5", "add_numbers: 0.75"),
        ('Greet "Ann Lee" 2 times', "greet: hello Ann Lee, hello Ann Lee."),
        ("What time is it now?", "now: noon"),
    ],
)
def test_every_kind_of_tool_is_called(client: Client, prompt: str, said: str) -> None:
    assert client.ask(prompt).text == f"Offline reply 1 to: {prompt} {said}"


def test_an_object_is_shown_as_the_framework_writes_it(client: Client) -> None:
    reply, _, result = client.ask("please invert TRUE").text.partition(" invert: ")
    assert reply == "Offline reply 1 to: please invert TRUE"
    assert re.search("""['"]inverted['"]: [Ff]alse""", result)


@pytest.mark.parametrize("prompt", ["multiply_numbers 6 7", "Please multiply numbers 6 by 7."])
def test_an_added_tool_runs_once(offline: Server, prompt: str) -> None:
    before = calls(offline)
    assert offline.client.ask(prompt).text == f"Offline reply 1 to: {prompt} multiply_numbers: 42"
    assert calls(offline) == [*before, "6 7"]


@pytest.mark.parametrize("prompt", ["multiply_numbers", "multiply numbers 6", "hello", "greet Ann"])
def test_without_its_arguments_no_tool_runs(offline: Server, prompt: str) -> None:
    before = calls(offline)
    assert offline.client.ask(prompt).text == f"Offline reply 1 to: {prompt}"
    assert calls(offline) == before


def test_turns_are_counted_and_tools_are_not(offline: Server) -> None:
    client = offline.client
    said = [
        client.ask(prompt, "counted").text
        for prompt in ("add_numbers 1 2", "hello", "multiply_numbers 2 3", "add_numbers 1", "bye")
    ]
    assert said == [
        "Offline reply 1 to: add_numbers 1 2 add_numbers: 3",
        "Offline reply 2 to: hello",
        "Offline reply 3 to: multiply_numbers 2 3 multiply_numbers: 6",
        "Offline reply 4 to: add_numbers 1",
        "Offline reply 5 to: bye",
    ]


def test_a_tool_that_raises_does_what_the_readme_says(client: Client, variant: Variant) -> None:
    client.ask("before", "raises")
    failed = client.ask("fail_at 7", "raises")
    notes = variant.files()["README.md"].partition("\n## Notes on")[2].replace("\n", " ")
    if told := "A tool that raises is told to the model" in notes:
        reply, _, error = failed.text.partition(" fail_at: ")
        assert reply == "Offline reply 2 to: fail_at 7"
        assert re.search("broken at 7|An error occurred", error)
    else:
        assert failed.error.startswith("The agent could not answer. Request id: ")
        assert failed.text == ""
    assert client.ask("after", "raises").text == f"Offline reply {3 if told else 2} to: after"


def test_a_real_model_takes_the_session_over(offline: Server, models: FakeModels) -> None:
    """Last: afterwards the server is not offline. What is kept is what the framework keeps."""
    client = offline.client
    client.ask("What is 2 + 3?", "taken over")
    assert client.ask("use provider", "taken over").text.endswith("use_provider: as you like")
    assert client.ask("hello", "taken over").text == "turn 3: hello"
    tool_turn = ["user", "assistant", "tool", "assistant"]
    assert roles(models, "hello") == [*tool_turn, *tool_turn, "user"]
    _, called, returned, reply, *_ = models.requests[-1].messages
    (call,), (result,) = called.tool_calls, returned.tool_results
    assert (call.name, call.arguments) == ("add_numbers", {"a": 2, "b": 3})
    assert "5" in result.text
    assert result.call_id == call.id
    assert reply.text == "Offline reply 1 to: What is 2 + 3? add_numbers: 5"
