"""Real agents under all frameworks: what a session still knows when its machine is gone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.environments import python_of
from contract.projects import ONE_EACH, Variant

from dev.running import Dev, dev, until, with_python

pytestmark = pytest.mark.real

KEPT = [replace(each, store="sqlite", transcript=True, tracing=True) for each in ONE_EACH]
SUM = "What is 2 + 3?"


def project(variant: Variant, folder: Path) -> Path:
    """A generated project with the environment of its framework."""
    return with_python(variant.write(folder), python_of(variant.framework))


def each(variants: list[Variant]) -> pytest.MarkDecorator:
    """Run for each of these; one worker has all of a framework."""
    return pytest.mark.parametrize(
        "running",
        [
            pytest.param(v, id=v.framework, marks=pytest.mark.xdist_group(f"dev-{v}"))
            for v in variants
        ],
        indirect=True,
        scope="module",
    )


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dev]:
    base = tmp_path_factory.mktemp("dev")
    with dev(project(request.param, base / "agent"), "--offline", home=base / "home") as running:
        running.folder = base / "agent"
        yield running


def new(running: Dev, user: str = "ada") -> str:
    """A session, as the page makes one."""
    session: str = running.api("POST", "sessions", {"user": user, "name": "Sums"})["id"]
    return session


def turn(running: Dev, session: str, prompt: str) -> Any:
    """A turn, as the page has one; when it has ended."""
    number = running.api("POST", f"sessions/{session}/turns", {"prompt": prompt})["turn"]["id"]
    ended = running.wait("turn-ended", turn=number)
    assert ended["state"] == "done", ended
    return running.api("GET", f"turns/{number}")


def killed(running: Dev, session: str) -> None:
    """Kill the machine of a session as `kill -9` does."""
    number = running.machine_of(session)
    running.api("POST", f"machines/{number}/kill", {})
    running.wait("machine-ended", machine=number)


@each(ONE_EACH)
def test_without_a_store_it_forgets(running: Dev) -> None:
    session = new(running)
    texts = [turn(running, session, "hello")["turn"]["text"] for _ in range(2)]
    killed(running, session)
    texts.append(turn(running, session, "hello")["turn"]["text"])
    assert texts[0] != texts[1]
    assert texts[2] == texts[0]


@each(KEPT)
def test_with_one_it_recalls(running: Dev) -> None:
    session, control = new(running), new(running)
    wanted = [turn(running, control, "hello")["turn"]["text"] for _ in range(3)]
    texts = [turn(running, session, "hello")["turn"]["text"] for _ in range(2)]
    killed(running, session)
    texts.append(turn(running, session, "hello")["turn"]["text"])
    assert texts == wanted
    assert len({*texts}) == 3


@each(KEPT)
def test_what_the_agent_remembers_is_asked_for_and_forgotten(running: Dev) -> None:
    session = new(running, "grace")
    turn(running, session, "hello")

    def act(action: str) -> Any:
        answer = running.api("POST", f"sessions/{session}/actions", {"action": action})
        assert answer["status"] == 200, answer
        return answer["body"]

    assert [message["role"] for message in act("history")["messages"]] == ["user", "assistant"]
    assert act("status")["status"] == "done"
    assert [each["session_id"] for each in act("sessions")["sessions"]] == [session]
    assert act("forget")["forgotten"]
    assert act("history")["messages"] == []


@each(KEPT)
def test_calls_of_tools_are_told(running: Dev) -> None:
    session = new(running)
    number = turn(running, session, SUM)["turn"]["id"]

    def calls() -> Any:
        told = running.api("GET", f"turns/{number}")
        return told if "tool" in [call["kind"] for call in told["calls"]] else None

    told = until(calls, "the calls of a turn")
    (tool,) = [call for call in told["calls"] if call["kind"] == "tool"]
    assert (tool["name"], tool["failed"]) == ("add_numbers", False)
    assert [each["name"] for each in told["turn"]["tools"]] == ["add_numbers"]


@each(KEPT)
def test_changed_code_runs_and_a_mistake_in_it_is_told_with_its_line(running: Dev) -> None:
    session = new(running)
    turn(running, session, SUM)
    agent = running.folder / "agent.py"
    source = agent.read_text("utf-8")
    number = len(running.all("reloaded"))
    agent.write_text(source.replace("return a + b", "return a + b + 100"), "utf-8")
    running.wait("reloaded", number + 1)
    assert "105" in turn(running, session, SUM)["turn"]["text"]

    lines = source.splitlines()
    agent.write_text("\n".join([*lines, "def broken(:", ""]), "utf-8")
    wrong = running.wait("syntax-error")
    assert (wrong["file"], wrong["line"]) == ("agent.py", len(lines) + 1)
    assert wrong["text"].strip() == "def broken(:"
    # what runs goes on running
    assert "105" in turn(running, session, SUM)["turn"]["text"]
    agent.write_text(source, "utf-8")
    running.wait("reloaded", number + 2)
    running.wait("healed")
    text = turn(running, session, SUM)["turn"]["text"]
    assert "105" not in text
    assert "5" in text
