r"""What a model is asked after a restart is, byte for byte, what it would have been asked without.

The same turns run in a project that keeps its sessions in memory, where no codec is between them
and the next request, and in one that keeps them in a database. The model makes its ids of words,
so that both have the same; nothing else in a request is drawn anew, and nothing of the comparison
is left out. The next turn gets no reply: it is kept nowhere, and can be asked thrice.

Point 18, kept.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_models import FakeModels
from fake_models.wire import REDACTED, SIGNATURE

from contract.client import Client
from contract.projects import DEFAULTS, PAIRS, Variant, each
from contract.server import Server, serve
from contract.stores import Store

pytestmark = [pytest.mark.real, each(PAIRS)]

ADD = "<<tool=add_numbers:2:3>>"
# looks like the tag of the codec, and like one that is escaped
TAGGED = '{"a": {"$bytes": "aGk="}, "c": [{"$$bytes": {"$bytes": 1}}], "$bytes": ""}'
# what is said in a session of each kind
PROMPTS = {
    "plain": ["first", "héllo\n wörld 🎉 \x7f \u2028 <<chunks=20>>"],
    "tool": [f"add {ADD}", "more", f"again {ADD} <<say=Let me see.>>"],
    "parallel tools": [f"add {ADD} <<tool=add_numbers:4:5.5>> <<say=Let me see.>>", "more"],
    "steps": ["add <<tool=add_numbers:2:3;add_numbers:_:4>>"],
    "failing tool": ["add <<bad-tool=add_numbers>>", f"more <<bad-tool=add_numbers>> {ADD}"],
    "tag": [f"add <<bad-tool=add_numbers>> <<arguments={TAGGED}>>"],
    "thoughts": ["think <<thoughts=hm hm>>", f"think <<thoughts=hm>> {ADD}", "more"],
    "redacted": ["think <<redacted>>", f"think <<redacted>> <<thoughts=hm>> {ADD}", "more"],
    "half a character": [r'say <<reply=["Half ", "\ud83c", " of \u0000 it"]>>'],
    "cut": ["say <<cut=length>>", "say <<cut=filter>>"],
}
# who sends what of a model's thoughts back to it; the others leave it out
SIGNS = {
    *("strands-bedrock", "strands-anthropic", "strands-gemini", "openai-gemini"),
    *("adk-bedrock", "adk-anthropic", "adk-gemini"),
    *("langgraph-bedrock", "langgraph-anthropic", "langgraph-gemini"),
}
REDACTS = {"strands-bedrock", "adk-anthropic", "langgraph-bedrock", "langgraph-anthropic"}

Requests = dict[str, bytes]


def stored(variant: Variant) -> Variant:
    """The same project with a database: mostly sqlite, for the text in a row is the same."""
    postgres = variant in DEFAULTS and not variant.stream
    return replace(variant, store="postgres" if postgres else "sqlite")


def talk(client: Client) -> None:
    """Run the turns of all sessions."""
    for kind, prompts in PROMPTS.items():
        for prompt in prompts:
            reply = client.ask(f"{prompt} <<ids={kind}>>", f"wire {kind}")
            assert (reply.status, reply.error) == (200, ""), (kind, prompt)


def next_requests(client: Client, models: FakeModels) -> Requests:
    """What the model would be asked next in each session."""
    requests = {}
    for kind in PROMPTS:
        models.clear()
        assert client.ask("next <<empty>>", f"wire {kind}").error
        (request,) = models.requests
        requests[kind] = request.body
    return requests


@pytest.fixture(scope="module")
def in_memory(server: Server, model_server: FakeModels) -> Requests:
    """The next requests of a project that keeps sessions in memory."""
    talk(server.client)
    return next_requests(server.client, model_server)


@pytest.fixture(scope="module")
def warm_and_restarted(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Requests, Requests]:
    """Those of a project with a database: of the process that ran the turns, and of another."""
    folder = tmp_path_factory.mktemp("wire")
    project, environment = stored(variant), model_server.env(variant.provider)
    store = new_store(project, folder)
    with serve(project, folder / "warm", environment, store=store) as server:
        talk(server.client)
        warm = next_requests(server.client, model_server)
    with serve(project, folder / "restarted", environment, store=store) as server:
        return warm, next_requests(server.client, model_server)


@pytest.mark.parametrize("kind", PROMPTS)
def test_the_next_request_is_the_same(
    in_memory: Requests, warm_and_restarted: tuple[Requests, Requests], kind: str
) -> None:
    warm, restarted = warm_and_restarted
    assert in_memory[kind].count(b"next") == 1
    assert warm[kind] == in_memory[kind]
    assert restarted[kind] == in_memory[kind]


def test_the_requests_have_what_is_to_be_compared(in_memory: Requests, variant: Variant) -> None:
    pair = f"{variant.framework}-{variant.provider}"
    signed = in_memory["thoughts"].translate(bytes.maketrans(b"-_", b"+/"))
    assert (SIGNATURE.encode() in signed) == (pair in SIGNS)
    assert (REDACTED.encode() in in_memory["redacted"]) == (pair in REDACTS)
    assert b"$bytes" in in_memory["tag"]
    assert in_memory["parallel tools"].count(b"add_numbers") >= 3
