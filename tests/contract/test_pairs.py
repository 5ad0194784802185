"""Every framework with every provider: what could differ by the SDK that lies between them.

Point 1, recall.
Point 2, isolation.
Point 10, a turn happens whole or not at all.
Point 13, failure.
"""

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import PAIRS, Variant, each
from contract.wire import conversation, roles

pytestmark = [pytest.mark.real, each(PAIRS)]


def test_recall(client: Client, models: FakeModels) -> None:
    prompts = ["first", "second", "third"]
    replies = [client.ask(prompt, "pair recall").text for prompt in prompts]
    assert replies == [f"turn {n}: {prompt}" for n, prompt in enumerate(prompts, 1)]
    assert models.transcript("third") == conversation(prompts)


def test_a_tool_round_trip(client: Client, models: FakeModels) -> None:
    assert "5" in client.ask("add <<tool=add_numbers:2:3>>", "pair tool").text
    assert client.ask("after", "pair tool").text == "turn 2: after"
    assert roles(models, "after") == ["user", "assistant", "tool", "assistant", "user"]
    assert models.requests[-1].messages[1].tool_calls[0].arguments == {"a": 2, "b": 3}


def test_what_the_model_is_told(client: Client, models: FakeModels) -> None:
    client.ask("hello", "pair told")
    told = models.requests[-1]
    assert "You are a helpful assistant. Use your tools when they help." in told.system
    assert told.tools == ("add_numbers",)


def test_connections_that_have_died_are_made_again(client: Client, models: FakeModels) -> None:
    for turn in range(1, 4):
        assert client.ask("hello", "pair cut").text == f"turn {turn}: hello"
        models.cut()  # not every client keeps one


def test_isolation(client: Client, models: FakeModels) -> None:
    for turn in range(2):
        asked = [(f"{n} says {turn} <<delay=0.0{n}>>", f"pair-{n}") for n in range(8)]
        replies = client.together(asked)
        assert [r.text for r in replies] == [f"turn {turn + 1}: {n} says {turn}" for n in range(8)]
    for n in range(8):
        assert models.transcript(f"{n} says 1") == conversation([f"{n} says 0", f"{n} says 1"])


def test_the_reply(client: Client, models: FakeModels, variant: Variant) -> None:
    reply = client.ask("héllo\n wörld 🎉 <<chunks=20>>", "pair reply")
    assert reply.text.startswith("turn 1: héllo\n wörld 🎉 word6 ")
    assert reply.text.endswith(" word20")
    assert len(reply.deltas) == (20 if variant.stream else 0)
    client.ask("after", "pair reply")
    assert models.transcript("after")[1] == ("assistant", reply.text)


@pytest.mark.parametrize(
    "cause",
    ["<<fail=500>>", "<<hangup-after=2>>", "<<tool-then-fail=add_numbers:2:3>>", "<<empty>>"],
)
def test_a_failed_turn(client: Client, models: FakeModels, cause: str) -> None:
    session = f"pair {cause}"
    client.ask("before", session)
    reply = client.ask(f"bad {cause}", session)
    assert "could not answer" in reply.error
    assert b"PROVIDER-SECRET-TEXT" not in reply.body
    assert client.ask("after", session).text == "turn 2: after"
    assert models.transcript("after") == conversation(["before", "after"])


def test_held_turns_hold_up_nobody(client: Client, models: FakeModels) -> None:
    held = [client.begin("held <<hold=gate>>", f"pair-held-{n}") for n in range(16)]
    models.wait_held("gate", count=16)
    assert client.ask("hello", "pair free").text == "turn 1: hello"
    # the same when the model has begun to answer
    begun = [client.begin("begun <<hold-after=1,gate>>", f"pair-begun-{n}") for n in range(8)]
    models.wait_held("gate", count=24)
    assert client.ask("more", "pair free").text == "turn 2: more"
    models.release("gate")
    assert {turn.result().text for turn in held} == {"turn 1: held"}
    assert {turn.result().text for turn in begun} == {"turn 1: begun"}
