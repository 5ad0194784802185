"""What of a model's replies is the reply of the turn, whatever lies between: for all pairs.

A text is a reply, however it ended; what the model thinks, and what tools return, is none.
"""

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import PAIRS, Variant, each
from contract.server import Server
from contract.wire import conversation, roles

pytestmark = [pytest.mark.real, each(PAIRS)]

STEPS = "<<tool=add_numbers:2:3;add_numbers:_:4>>"
THOUGHT = "PRIVATE-THOUGHT"
GUARDED = "Sorry, the model cannot answer this question."


def test_one_tool_after_the_other(client: Client, models: FakeModels) -> None:
    reply = client.ask(f"add {STEPS}", "reply steps")
    results = [float(result) for result in reply.text.removeprefix("tool said ").split(", ")]
    assert results == [5, 9]
    assert client.ask("after", "reply steps").text == "turn 2: after"
    steps = ["assistant", "tool"] * 2
    assert roles(models, "after") == ["user", *steps, "assistant", "user"]
    second = models.requests[-1].messages[3].tool_calls[0]
    assert (second.name, second.arguments) == ("add_numbers", {"a": 5, "b": 4})


def test_the_reply_has_nothing_of_a_tool(
    client: Client, models: FakeModels, variant: Variant
) -> None:
    reply = client.ask(f"add <<say=Let me see.>> {STEPS}", "reply says")
    returned = [m.tool_results[0].text for m in models.requests[-1].messages if m.tool_results]
    said = f"tool said {', '.join(returned)}"
    # whoever watches a stream sees what the model says on the way; the reply is what it says last
    assert reply.text == (f"Let me see.Let me see.{said}" if variant.stream else said)
    client.ask("after", "reply says")
    texts = [message.texts for message in models.requests[-1].messages]
    assert [text for text in texts[1:-1] if text] == [("Let me see.",), ("Let me see.",), (said,)]


@pytest.mark.parametrize("tool", ["", "<<tool=add_numbers:2:3>>"], ids=["plain", "tool"])
def test_thoughts_are_no_reply(server: Server, models: FakeModels, tool: str) -> None:
    client, session = server.client, f"reply thinks{tool}"
    reply = client.ask(f"think <<thoughts={THOUGHT}>> {tool}", session)
    assert reply.text.startswith("tool said 5" if tool else "turn 1: think")
    assert THOUGHT.encode() not in reply.body
    client.ask("after", session)
    # they may come back to the model as its thoughts, but not as what it said
    assert THOUGHT not in str(models.transcript("after"))
    assert THOUGHT not in server.output("stderr")


def test_thoughts_alone_are_no_reply(client: Client, models: FakeModels) -> None:
    reply = client.ask(f"think <<thoughts={THOUGHT}>> <<empty>> <<cut=length>>", "reply thinks on")
    assert "could not answer" in reply.error
    assert THOUGHT.encode() not in reply.body
    assert client.ask("after", "reply thinks on").text == "turn 1: after"
    assert models.transcript("after") == conversation(["after"])


@pytest.mark.parametrize("cut", ["length", "filter"])
def test_a_text_that_is_cut_is_a_reply(client: Client, models: FakeModels, cut: str) -> None:
    prompts = [f"cut <<cut={cut}>>", "after"]
    reply = client.ask(prompts[0], f"reply cut {cut}")
    assert (reply.status, reply.text, reply.error) == (200, "turn 1: cut", "")
    assert client.ask("after", f"reply cut {cut}").text == "turn 2: after"
    assert models.transcript("after") == conversation(prompts)
    again = client.ask(f"add <<tool=add_numbers:2:3>> <<cut={cut}>>", f"reply cut {cut}")
    assert again.text.startswith("tool said 5")


def test_a_blocked_reply_is_a_reply_if_it_has_text(
    client: Client, models: FakeModels, variant: Variant
) -> None:
    reply = client.ask("blocked <<blocked>>", "reply blocked")
    if models.requests[-1].protocol == "bedrock_converse":
        # the text of the guardrail
        assert (reply.text, reply.error) == (GUARDED, "")
        assert client.ask("after", "reply blocked").text == "turn 2: after"
        assert models.transcript("after")[1] == ("assistant", GUARDED)
    else:
        assert "could not answer" in reply.error
        assert client.ask("after", "reply blocked").text == "turn 1: after"
    assert variant.provider == "bedrock" or reply.text == ""


@pytest.mark.parametrize("first", ["", "<<tool=add_numbers:2:3>>"], ids=["plain", "tool"])
def test_an_error_in_the_stream_is_no_reply(
    client: Client, models: FakeModels, variant: Variant, first: str
) -> None:
    session = f"reply breaks{first}"
    reply = client.ask(f"breaks {first} <<error-after=1>>", session)
    # (some frameworks stream from the model whatever they are asked for)
    streamed = models.requests[-1].streamed
    assert bool(reply.error) == streamed
    assert streamed or not variant.stream
    assert client.ask("after", session).text == f"turn {1 if streamed else 2}: after"
