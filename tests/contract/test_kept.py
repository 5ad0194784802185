"""What has left memory is read back whole, and is nobody else's in the database either.

Point 2, isolation.
Point 3, no session id.
Point 4, identity.
Point 18, kept.
"""

import json
import re

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.databases import SqliteFile
from contract.launcher import MAX_SESSIONS, MAX_TURNS
from contract.projects import STORED, each
from contract.server import Server, told
from contract.stores import Store
from contract.wire import conversation

pytestmark = pytest.mark.real

CAP = 128
# too many turns for the launcher, and too many bytes
LONG = {"turns": "and add <<tool=add_numbers:2:3>>", "bytes": "\N{PARTY POPPER}" * 90_000}
# those of the owner of a session, which none of the others may be taken for
IDS: list[tuple[str | None, str | None, str]] = [
    (None, None, "id"),
    # put together they would be the same
    (None, "i", "d"),
    ("i", None, "d"),
    ("a", "b", "c"),
    (None, "ab", "c"),
    (None, "a", "bc"),
    ("a:b", None, "c"),
    ("a", None, "b:c"),
    ('a", "b', None, "c"),
    ("a", 'b", "c', "c"),
    ("a", "b", 'c", "c'),
    # as text they would be nobody
    (None, "None", "id"),
    (None, "null", "id"),
    ("null", None, "id"),
    ("NULL", "NULL", "id"),
    # in some collation they are equal
    (None, None, "ID"),
    (None, None, "id "),
    (None, None, "\N{LATIN SMALL LETTER DOTLESS I}d"),
    (None, None, "é"),
    (None, None, "e\u0301"),
    # where a NUL would end a text
    (None, None, "id\\0"),
    (None, None, "id\\u0000"),
    (None, None, "id%00"),
    (None, None, "id\N{SYMBOL FOR NULL}x"),
    # longer than an index takes, and different at the end
    ("t" * 256, "u" * 1_024, "🎉" * 256),
    ("t" * 256, "u" * 1_024, "🎉" * 255 + "🎈"),
    # SQL
    (None, None, "' OR 1 = 1; DROP TABLE agent_turns; --"),
    (None, None, ":key"),
    (None, "%", "_"),
]


def mark(number: int) -> str:
    """What only one session says."""
    return f"mark-{number}-"


def push_out(client: Client) -> None:
    """Use so many sessions that no other is in memory, under the launcher."""
    for n in range(MAX_SESSIONS):
        assert client.ask("hello", f"pushes {n}").error == ""


def dump(store: Store) -> dict[str, str]:
    """All that there is of each session."""
    kept: dict[str, str] = {}
    for table in ("SELECT * FROM agent_sessions", "SELECT * FROM agent_turns"):
        for key, *rest in store.query(table):
            kept[key] = kept.get(key, "") + json.dumps([str(value) for value in rest])
    return kept


def everything(store: Store) -> str:
    """All that is in the database: of a file, also what is deleted and not yet overwritten."""
    if isinstance(store, SqliteFile):
        files = store.file.parent.glob(f"{store.file.name}*")
        return "".join(file.read_bytes().decode("latin-1") for file in files)
    return str(dump(store))


@each(STORED)
def test_sessions_beyond_the_cap_recall_all_their_turns(tight: Server, models: FakeModels) -> None:
    names = [f"beyond {n}" for n in range(5 * MAX_SESSIONS)]
    for turn in (1, 2, 3):
        for name in names:
            prompt = f"{name} says {turn}"
            assert tight.client.ask(prompt, name).text == f"turn {turn}: {prompt}"
    assert len(tight.closed("beyond")) >= 3 * len(names) - MAX_SESSIONS
    for name in names:
        assert models.transcript(f"{name} says 3") == conversation(
            [f"{name} says {turn}" for turn in (1, 2, 3)]
        )


@each(STORED)
@pytest.mark.parametrize("prompt", LONG.values(), ids=LONG)
def test_of_a_long_session_the_last_turns_are_read_back(
    tight: Server, models: FakeModels, prompt: str
) -> None:
    client, session = tight.client, f"long {len(prompt)}"
    for turn in range(1, MAX_TURNS + 3):
        assert client.ask(f"{turn} {prompt}", session).error == ""
    asked = []
    for _ in range(2):
        models.clear()
        client.ask("next <<empty>>", session)
        asked.append(models.requests[-1])
        push_out(client)
    warm, read_back = asked
    assert read_back.body == warm.body
    turns = sum(message.role == "user" for message in warm.messages) - 1
    assert turns == (MAX_TURNS if "<<" in prompt else 2)


@each([STORED[0], STORED[3]])
def test_three_hundred_sessions_go_through_a_cap_of_128(server: Server, models: FakeModels) -> None:
    names = [f"one of 300, {n}" for n in range(300)]
    for turn in (1, 2, 3):
        asked = [(f"{name} says {turn}", name) for name in names]
        replies = [
            reply for n in range(0, 300, 60) for reply in server.client.together(asked[n : n + 60])
        ]
        assert [reply.text for reply in replies] == [f"turn {turn}: {text}" for text, _ in asked]
        assert len(server.closed("one of 300")) >= turn * 300 - CAP
    for name in names:
        assert models.transcript(f"{name} says 3") == conversation(
            [f"{name} says {turn}" for turn in (1, 2, 3)]
        )


@each(STORED)
def test_a_session_is_under_its_own_key_alone(tight: Server, models: FakeModels) -> None:
    store = tight.store
    tight.client.ask("hello", "makes the tables")
    before = {*dump(store)}
    said: list[list[str]] = [[] for _ in IDS]
    for turn in (1, 2):
        for n, (tenant, user, session) in enumerate(IDS):
            said[n].append(f"{mark(n)} says {turn}")
            ids = {"tenant_id": tenant, "user_id": user, "session_id": session}
            reply = tight.client.ask(
                said[n][-1], **{name: value for name, value in ids.items() if value is not None}
            )
            assert reply.text == f"turn {turn}: {said[n][-1]}"
            assert models.transcript(said[n][-1]) == conversation(said[n])
    kept = {key: text for key, text in dump(store).items() if key not in before}
    marks = [{*re.findall(r"mark-\d+-", text)} for text in kept.values()]
    assert sorted(marks, key=str) == sorted(({mark(n)} for n in range(len(IDS))), key=str)
    for n, (tenant, user, session) in enumerate(IDS):
        (text,) = (text for text in kept.values() if mark(n) in text)
        for name in (tenant, user, session):
            assert json.dumps(name or "")[1:-1] in text


@each(STORED)
def test_a_turn_without_a_session_is_not_kept(tight: Server) -> None:
    client, store = tight.client, tight.store
    client.ask("hello", "kept beside")
    before = dump(store)
    for ids in ({}, {"user": "ann", "tenant": "acme"}, {"session_id": " "}):
        for prompt in ("nowhere", "nowhere <<tool=add_numbers:2:3>>", "nowhere <<empty>>"):
            client.ask(f"to be found {prompt}", **ids)
    client.fence()
    assert dump(store) == before
    assert "kept beside" in everything(store)
    assert "to be found" not in everything(store)


@each(STORED)
def test_a_tool_result_that_looks_like_a_tag_is_kept_as_it_is(
    tight: Server, models: FakeModels
) -> None:
    # with Strands, the first is a text, and the second a value
    tag = '{"$bytes": "aGk="}'
    results = [tag, f'{{"status": "success", "content": [{{"json": {tag}}}]}}']
    for n, result in enumerate(results):
        with told(tight, "tool-says", result):
            assert tight.client.ask("add <<tool=add_numbers:2:3>>", f"tag {n}").error == ""
    requests = []
    for _ in range(2):
        for n in range(len(results)):
            models.clear()
            tight.client.ask("next <<empty>>", f"tag {n}")
            requests.append(models.requests[-1].body)
        push_out(tight.client)
    assert all(b"$bytes" in body and b"aGk=" in body for body in requests)
    assert requests[:2] == requests[2:]
