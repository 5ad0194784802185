"""A turn leaves all or nothing, whatever the model, its tools or the client do.

Point 10, a turn happens whole or not at all.
"""

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import CONTRACT, each
from contract.server import Server, turns_of
from contract.wire import Wire, conversation

pytestmark = [pytest.mark.real, each(CONTRACT)]

FAILURES = {
    "error": "<<fail=500>>",
    "too many requests": "<<fail=429>>",
    "refused": "<<fail=400>>",
    "hang-up": "<<hangup>>",
    "hang-up within the reply": "<<hangup-after=2>>",
    "hang-up after the reply's text": "<<hangup-after=20>>",
    "error after a tool": "<<tool-then-fail=add_numbers:2:3>>",
    "empty": "<<empty>>",
}
# a fault of the reply that some protocols carry, and that some frameworks answer for
MAY_ANSWER = {
    "error within the reply": "<<error-after=2>>",
    "blocked": "<<blocked>>",
    "wrong arguments": "<<bad-tool=add_numbers>>",
    "unknown tool": "<<tool=no_such_tool:1>>",
}


def run_between_good_turns(client: Client, turns: dict[str, str], prefix: str) -> dict[str, bool]:
    """Each turn in a session of its own, all at once; whether it was answered."""
    sessions = {name: f"{prefix} {name}" for name in turns}
    for reply in client.together([("before", session) for session in sessions.values()]):
        assert reply.text == "turn 1: before"
    asked = [(f"turn of {name} {turns[name]}", session) for name, session in sessions.items()]
    replies = client.together(asked)
    for reply in client.together([(f"after {name}", sessions[name]) for name in sessions]):
        assert reply.error == ""
    return {name: not reply.error for name, reply in zip(turns, replies, strict=True)}


def test_a_failed_turn_leaves_nothing(client: Client, models: FakeModels) -> None:
    answered = run_between_good_turns(client, FAILURES, "fails")
    assert answered == dict.fromkeys(FAILURES, False)
    expected = {name: conversation(["before", f"after {name}"]) for name in FAILURES}
    assert {name: models.transcript(f"after {name}") for name in FAILURES} == expected


def test_a_doubtful_turn_is_kept_whole_or_not_at_all(client: Client, models: FakeModels) -> None:
    answered = run_between_good_turns(client, MAY_ANSWER, "doubtful")
    for name, kept in answered.items():
        sent = models.transcript(f"after {name}")
        assert sent[:2] == [("user", "before"), ("assistant", "turn 1: before")]
        assert sent[-1] == ("user", f"after {name}")
        assert whole(sent[2:-1]) if kept else sent[2:-1] == [], (name, sent)


def whole(turn: Wire) -> bool:
    """From the prompt to the final reply, each tool call with its result."""
    roles = [role for role, _ in turn]
    steps = ["assistant", "tool"] * roles.count("tool")
    return roles == ["user", *steps, "assistant"] and turn[-1][1] != ""


def test_a_failed_first_turn_leaves_nothing(client: Client, models: FakeModels) -> None:
    assert client.ask("bad <<fail=400>>", "fails first").error
    assert client.ask("good", "fails first").text == "turn 1: good"
    assert models.transcript("good") == conversation(["good"])


def test_a_waiting_turn_sees_nothing_of_the_failed_one(client: Client, models: FakeModels) -> None:
    failing = client.begin("bad <<hold=gate>> <<fail=400>>", "waits")
    models.wait_held("gate")
    waiting = client.begin("good", "waits")
    client.fence()
    assert models.requests_for("good") == []
    models.release("gate")
    assert failing.result().error
    assert waiting.result().text == "turn 1: good"
    assert models.transcript("good") == conversation(["good"])


# the model calls the tool at once and is held when it has the result
OVER_TIME = {
    "held": "<<hold=gate>>",
    "held with a tool": "<<tool=add_numbers:2:3>> <<hold-after=1,gate>>",
}


def test_a_turn_over_its_time_leaves_nothing(tight: Server, models: FakeModels) -> None:
    client = tight.client
    for reply in client.together([("before", name) for name in OVER_TIME]):
        assert reply.text == "turn 1: before"
    with turns_of(tight, seconds=1):
        late = client.together([(f"late {turn}", name) for name, turn in OVER_TIME.items()])
    assert all(reply.error for reply in late)
    models.release("gate")
    for name in OVER_TIME:
        assert client.ask(f"after {name}", name).text == f"turn 2: after {name}"
        assert models.transcript(f"after {name}") == conversation(["before", f"after {name}"])


def test_a_turn_over_its_time_asks_the_model_no_more(tight: Server, models: FakeModels) -> None:
    client, steps = tight.client, "<<tool=add_numbers:2:3;add_numbers:_:4>>"
    client.ask(f"before {steps}", "asks no more")
    with turns_of(tight, seconds=2):
        late = client.begin(f"late {steps} <<hold=gate>>", "asks no more")
        models.wait_held("gate")
        assert "too long" in late.result().error
    models.release("gate")
    # a turn that went on would be ahead of this one, which has as many steps
    assert client.ask(f"after {steps}", "asks no more").text.startswith("tool said 5")
    assert len(models.requests_for("after")) == 3
    assert len(models.requests_for("late")) == 1


def test_the_turn_of_a_client_that_left_is_kept(client: Client, models: FakeModels) -> None:
    with client.connection("left <<hold=gate>>", "left"):
        models.wait_held("gate")
    client.fence()
    waiting = client.begin("after", "left")
    client.fence()
    models.release("gate")
    assert waiting.result().text == "turn 2: after"
    assert models.transcript("after") == conversation(["left", "after"])
