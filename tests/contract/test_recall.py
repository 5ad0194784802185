"""A session knows its own turns up to the limit, and no others.

Point 1, recall.
Point 2, isolation.
Point 17, bounded inside too.
"""

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.launcher import MAX_TURNS
from contract.projects import CONTRACT, each
from contract.server import Server
from contract.wire import conversation, roles

pytestmark = [pytest.mark.real, each(CONTRACT)]

TOOL_TURN = ["user", "assistant", "tool", "assistant"]


def test_a_turn_sees_every_earlier_turn_in_order(client: Client, models: FakeModels) -> None:
    prompts = ["first", "second", "third", "fourth"]
    replies = [client.ask(prompt, "recall").text for prompt in prompts]
    assert replies == [f"turn {n}: {prompt}" for n, prompt in enumerate(prompts, 1)]
    assert models.transcript("fourth") == conversation(prompts)


def test_a_turn_sees_earlier_tool_calls(client: Client, models: FakeModels) -> None:
    client.ask("before", "tools")
    assert "5" in client.ask("add <<tool=add_numbers:2:3>>", "tools").text
    client.ask("after", "tools")
    assert roles(models, "after") == ["user", "assistant", *TOOL_TURN, "user"]
    call = models.requests[-1].messages[3].tool_calls[0]
    assert (call.name, call.arguments) == ("add_numbers", {"a": 2, "b": 3})
    assert "5" in models.requests[-1].messages[4].tool_results[0].text


def test_a_prompt_reaches_the_model_unchanged(client: Client, models: FakeModels) -> None:
    prompt = ' padded "quoted" {braces} \\ <b>&amp;</b> héllo\n\n\twörld 🎉 %s '
    client.ask(prompt, "unchanged")
    assert models.requests[-1].messages[-1].texts == (prompt,)


def test_interleaved_sessions_share_nothing(client: Client, models: FakeModels) -> None:
    sessions = range(32)
    for turn in range(4):
        delays = (f"<<delay={(turn + 3 * n) % 7 / 100}>>" for n in sessions)
        asked = [(f"{n} says {turn} {delay}", f"mixed-{n}") for n, delay in enumerate(delays)]
        replies = client.together(asked)
        assert [reply.text for reply in replies] == [
            f"turn {turn + 1}: {n} says {turn}" for n in sessions
        ]
    for n in sessions:
        own = [f"{n} says {turn}" for turn in range(4)]
        assert models.transcript(own[-1]) == conversation(own)


def test_the_last_hundred_turns_are_kept(client: Client, models: FakeModels) -> None:
    prompts = [f"prompt {n}" for n in range(104)]
    assert all(client.ask(prompt, "long").status == 200 for prompt in prompts)
    sent = models.transcript(prompts[-1])
    assert [text for role, text in sent if role == "user"] == prompts[-101:]
    assert [role for role, _ in sent] == ["user", "assistant"] * 100 + ["user"]


def test_turns_leave_whole_with_their_tool_calls(tight: Server, models: FakeModels) -> None:
    prompts = [f"add {n} <<tool=add_numbers:2:{n}>>" for n in range(MAX_TURNS + 2)]
    assert all("tool said" in tight.client.ask(prompt, "tools").text for prompt in prompts)
    tight.client.ask("last", "tools")
    assert roles(models, "last") == TOOL_TURN * MAX_TURNS + ["user"]
    kept = [text for role, text in models.transcript("last") if role == "user"]
    assert kept == ["add 2", "add 3", "add 4", "last"]
