"""Whose session it is, and turns that belong to none.

Point 3, no session id.
Point 4, identity.
"""

from typing import Any

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import CONTRACT, each
from contract.server import Server
from contract.wire import conversation

pytestmark = [pytest.mark.real, each(CONTRACT)]

# the header, and the payload
NO_SESSION: dict[str, tuple[str | None, dict[str, str]]] = {
    "absent": (None, {}),
    "empty": ("", {}),
    "blank": ("\xa0", {}),
    "empty-in-payload": (None, {"session_id": ""}),
    "blank-in-both": ("\xa0", {"session_id": " \n"}),
}

# whose session each caller gets: those with one owner share it, all others have their own
CALLERS: list[tuple[str, str | None, dict[str, Any]]] = [
    ("nobody", "id", {}),
    ("nobody", None, {"session_id": "id"}),
    ("nobody", "", {"session_id": "id"}),
    ("nobody", "\xa0", {"session_id": "id"}),
    ("nobody", "id", {"session_id": "id"}),
    ("nobody", "id", {"session_id": ""}),
    ("nobody, another id", None, {"session_id": "id "}),
    ("alice", None, {"user": "alice", "session_id": "id"}),
    ("alice of acme", None, {"user_id": "alice", "tenant_id": "acme", "session_id": "id"}),
    ("alice", "id", {"user": "alice"}),
    ("alice", "id", {"user_id": "alice"}),
    ("alice", "id", {"user": "alice", "user_id": "mallory"}),
    ("mallory", "id", {"user_id": "mallory"}),
    ("named anonymous", "id", {"user": "anonymous"}),
    ("named None", "id", {"user": "None"}),
    ("named null", "id", {"user_id": "null"}),
    ("tenant alice", "id", {"tenant": "alice"}),
    ("tenant alice", "id", {"tenant_id": "alice"}),
    ("tenant alice", "id", {"tenant": "alice", "tenant_id": "mallory"}),
    ("alice of acme", "id", {"user": "alice", "tenant": "acme"}),
    ("alice of acme", "id", {"user_id": "alice", "tenant_id": "acme"}),
    ("acme of alice", "id", {"user": "acme", "tenant": "alice"}),
    ("a:b c", "c", {"user": "a:b"}),
    ("a b:c", "b:c", {"user": "a"}),
    ("a/b c", "c", {"user": "a/b"}),
    ("a b/c", "b/c", {"user": "a"}),
    ("a|b c", "c", {"tenant": "a|b"}),
    ("a b|c", "c", {"tenant": "a", "user": "b"}),
    ("id of alice", "alice", {"user": "id"}),
    ("no tenant", "None:id", {"user": "None"}),
    ("spaced", "id", {"user_id": "alice "}),
    ("case", "id", {"user": "Alice"}),
]


@pytest.mark.parametrize(("session", "payload"), NO_SESSION.values(), ids=NO_SESSION)
def test_without_a_session_id_nothing_is_kept(
    client: Client, models: FakeModels, session: str | None, payload: dict[str, Any]
) -> None:
    for _ in range(3):
        assert client.ask("hello", session, **payload).text == "turn 1: hello"
    held = client.begin("held <<hold=gate>>", session, **payload)
    models.wait_held("gate")
    assert client.ask("beside", session, **payload).text == "turn 1: beside"
    models.release("gate")
    assert held.result().text == "turn 1: held"


def test_turns_without_a_session_evict_nobody(server: Server) -> None:
    client = server.client
    names = [f"evicted by nobody {n}" for n in range(128)]
    for name in names:
        client.ask("hello", name)
    for session, payload in [*NO_SESSION.values()] * 10:
        client.ask("hello", session, **payload)
    assert server.closed("evicted by nobody") == []
    assert {client.ask("again", name).text for name in names} == {"turn 2: again"}


def test_a_session_belongs_to_tenant_user_and_id(client: Client, models: FakeModels) -> None:
    said: dict[str, list[str]] = {owner: [] for owner, _, _ in CALLERS}
    for turn in range(2):
        for n, (owner, session, caller) in enumerate(CALLERS):
            said[owner].append(f"{n} says {turn}")
            client.ask(said[owner][-1], session, **caller)
            assert models.transcript(said[owner][-1]) == conversation(said[owner]), owner
