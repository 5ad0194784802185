"""Bytes are bounded, of a session, of all together, of what clients have not read.

Point 17, bounded inside too.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse, IncompleteRead

import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.launcher import MAX_SESSIONS, MAX_TURNS
from contract.projects import CONTRACT, each
from contract.server import Server, limited

pytestmark = [pytest.mark.real, each(CONTRACT)]

# Four bytes a character, in the prompt and in the reply: two such turns fit a session of the tight
# server, and a third does not; three such sessions fit the server, and a fourth does not.
LARGE = "\N{PARTY POPPER}" * 90_000
GONE = "A client that does not read its reply counts as gone"


def test_the_oldest_turns_of_a_large_session_leave_whole(tight: Server, models: FakeModels) -> None:
    client = tight.client
    for n in range(MAX_TURNS):
        assert client.ask(f"{n} {LARGE}", "large").status == 200
    client.ask("after", "large")
    *kept, last = models.transcript("after")
    assert [role for role, _ in kept] == ["user", "assistant"] * (MAX_TURNS - 1)
    assert [text[0] for role, text in kept if role == "user"] == ["1", "2"]
    assert last == ("user", "after")
    # small turns are few bytes: a session that has shrunk has room again
    for n in range(MAX_TURNS):
        client.ask(f"small {n}", "large")
    client.ask("again", "large")
    assert len(models.transcript("again")) == 2 * MAX_TURNS + 1


def test_of_large_sessions_the_least_recently_used_leaves(tight: Server) -> None:
    client, names = tight.client, [f"bytes-{n}" for n in range(MAX_SESSIONS)]
    for name in names[:3]:
        for _ in range(2):
            client.ask(LARGE, name)
    assert tight.closed("bytes") == []
    client.ask("again", names[0])
    for _ in range(2):
        client.ask(LARGE, names[3])
    assert tight.closed("bytes") == [names[1]]
    assert client.ask("again", names[2]).text == "turn 3: again"


@contextmanager
def unread(client: Client, session: str, prompt: str = LARGE) -> Iterator[HTTPResponse]:
    """A reply of which the client reads nothing but the beginning."""
    with client.connection(prompt, session, receive_buffer=2048) as raw:
        response = HTTPResponse(raw)
        response.begin()
        yield response


def gone(server: Server) -> int:
    """How many clients counted as gone so far."""
    return sum(record["text"] == GONE for record in server.launcher_records())


def test_a_client_that_reads_nothing_counts_as_gone(tight: Server) -> None:
    client, before = tight.client, gone(tight)
    with limited(tight, "write-seconds", 0.3), unread(client, "stalls") as response:
        until(lambda: gone(tight) == before + 1)
        with pytest.raises(IncompleteRead):
            response.read()
    assert client.ask("after", "stalls").text == "turn 2: after"


def test_who_has_not_read_for_longest_counts_as_gone(tight: Server) -> None:
    client, before = tight.client, gone(tight)
    reply = json.dumps(LARGE) if tight.variant.stream else LARGE
    # more than one of them, less than two
    few_bytes = limited(tight, "unread-bytes", 1.3 * len(reply.encode()))
    with few_bytes, unread(client, "first") as first:
        # which waits for the turn before: all of its reply is there
        assert client.ask("after", "first").text == "turn 2: after"
        with unread(client, "second") as second:
            until(lambda: gone(tight) == before + 1)
            with pytest.raises(IncompleteRead):
                first.read()
            assert len(second.read()) > len(reply)
