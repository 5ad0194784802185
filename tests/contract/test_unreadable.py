"""Rows of another agent, and damaged ones: that session alone is refused, and nothing is deleted.

Point 13, failure.
Point 18, kept.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_models import FakeModels

from contract.client import Reply
from contract.projects import STORED, Variant, each
from contract.server import Server
from contract.stores import Store
from contract.test_kept import push_out
from contract.wire import conversation

pytestmark = pytest.mark.real

SENTENCE = "What is kept of this session cannot be read by this agent. Use another session."
PRIVATE = "PRIVATE-WORDS"
BODIES = """
    SELECT session_id, number, body FROM agent_turns JOIN agent_sessions USING (session_key)
    ORDER BY number
"""


def with_format(change: Callable[[str], str]) -> Callable[[str], str]:
    """A turn that says that it has another format."""

    def changed(body: str) -> str:
        value = json.loads(body)
        return json.dumps(value | {"format": change(value["format"])})

    return changed


def with_turn(turn: Any) -> Callable[[str], str]:
    """A value of the right format that is no turn."""
    return lambda body: json.dumps(json.loads(body) | {"turn": turn})


FORMATS = {
    "another framework": with_format(lambda _: "another/1"),
    "a newer version": with_format(lambda name: name.replace("/1", "/2")),
    "an older version": with_format(lambda name: name.replace("/1", "/0")),
}
DAMAGED: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "a text": lambda _: f"{PRIVATE}, and no JSON",
    "half of it": lambda body: body[: len(body) // 2],
    "all but the end": lambda body: body[:-1],
    "null": lambda _: "null",
    "a list": lambda _: "[]",
    "a nest": lambda _: "[" * 20_000,
    "a number as turn": with_turn(5),
    "a text as turn": with_turn(PRIVATE),
    "texts as turn": with_turn([PRIVATE]),
    "an object as turn": with_turn({PRIVATE: [1]}),
    "no format": lambda body: json.dumps({"turn": json.loads(body)["turn"]}),
}
# a file takes what PostgreSQL does not
NO_TEXT = {
    "bytes as text": "CAST(x'7bff00fe' AS TEXT)",
    "bytes": "x'7bff00fe'",
    "no bytes": "x''",
    "a number": "5",
}


def kept(store: Store, session: str) -> list[tuple[str, str]]:
    """The number and the body of each turn of a session."""
    return [(str(number), body) for name, number, body in store.query(BODIES) if name == session]


def change(store: Store, session: str, number: int, value: str) -> None:
    """Have another body in a turn, which is given as SQL has it."""
    whose = f"(SELECT session_key FROM agent_sessions WHERE session_id = {quoted(session)})"  # noqa: S608
    store.query(
        f"UPDATE agent_turns SET body = {value} WHERE number = {number} AND session_key = {whose}"  # noqa: S608
    )


def quoted(text: str) -> str:
    """A text as SQL has it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def is_refused(reply: Reply, variant: Variant) -> bool:
    """Whether a turn ended with the sentence; a stream, with it as its last event."""
    assert reply.status == (200 if variant.stream else 500)
    assert PRIVATE.encode() not in reply.body
    frame = {"error": reply.error}
    assert reply.frames == ((frame,) if variant.stream else ())
    return reply.text == "" and reply.error.startswith(f"{SENTENCE} Request id: ")


def refused_alone(
    server: Server, models: FakeModels, session: str, damaged: Callable[[str], str]
) -> list[str]:
    """Assert that a session is refused while it is damaged; what the log says of it.

    What `damaged` returns is the body as SQL has it.
    """
    client, store = server.client, server.store
    prompts = ["first", "second"]
    for prompt in prompts:
        assert client.ask(prompt, session).error == ""
    push_out(client)
    (_, body), _ = kept(store, session)
    change(store, session, 1, damaged(body))
    before = kept(store, session)
    logged = len(server.records())
    for _ in range(2):
        assert is_refused(client.ask("refused", session), server.variant)
        other = f"beside {session}"
        assert client.ask("hello", other).error == ""
    assert client.ask("hello", other).text == "turn 3: hello"
    assert models.requests_for("refused") == []
    assert kept(store, session) == before
    client.fence()
    causes = [
        record["message"]
        for record in server.records()[logged:]
        if record["level"] == "ERROR" and record.get("sessionId") == session
    ]
    change(store, session, 1, quoted(body))
    assert client.ask("third", session).text == "turn 3: third"
    assert models.transcript("third") == conversation([*prompts, "third"])
    return causes


@each(STORED)
@pytest.mark.parametrize("name", FORMATS)
def test_the_turns_of_another_agent_are_refused(
    tight: Server, models: FakeModels, name: str
) -> None:
    said = refused_alone(tight, models, f"unread {name}", lambda body: quoted(FORMATS[name](body)))
    causes = [text for text in said if text.startswith("Unreadable: ")]
    assert len(causes) == 2
    own = f"{tight.variant.framework}/1"
    assert all("format" in text and f"'{own}'" in text for text in causes)


@each(STORED)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_turn_is_refused(tight: Server, models: FakeModels, name: str) -> None:
    said = refused_alone(tight, models, f"unread {name}", lambda body: quoted(DAMAGED[name](body)))
    causes = [text for text in said if text.startswith("Unreadable: ")]
    assert len(causes) == 2
    assert all("damaged" in text and PRIVATE not in text for text in causes)


@each([variant for variant in STORED if variant.store == "sqlite"])
@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_no_text_is_refused(tight: Server, models: FakeModels, name: str) -> None:
    said = refused_alone(tight, models, f"unread {name}", lambda _: NO_TEXT[name])
    assert len([text for text in said if text.startswith("Unreadable: a turn is damaged")]) == 2
