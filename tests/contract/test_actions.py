"""What can be asked for besides a reply, and by whom."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.projects import TRANSCRIPTS, each
from contract.server import Server

pytestmark = [pytest.mark.real, each(TRANSCRIPTS)]

USERS = (None, "ann", "bob")
TENANTS = (None, "acme")
Way = dict[str, Any]


def ways(tenant: str | None, user: str | None) -> Iterator[Way]:
    """Every mix of headers and payload fields that says who calls."""
    for of_tenant, of_user in product(said_by("tenant", tenant), said_by("user", user)):
        yield of_tenant | of_user


def said_by(name: str, value: str | None) -> list[Way]:
    """One id: by the header, by the payload, by a header that the payload contradicts."""
    if value is None:
        return [{}]
    header, field = {name: value}, f"{name}_id"
    other = "bob" if value == "ann" else "ann"
    return [header, {field: value}, header | {field: other}, header | {field: None}]


def test_everybody_gets_their_own_and_nothing_else(client: Client) -> None:
    callers = list(product(TENANTS, USERS))
    for tenant, user in callers:
        prompt = f"hello of {tenant} {user}"
        assert client.ask(prompt, "mine", tenant=tenant, user=user).text == f"turn 1: {prompt}"
    for tenant, user in callers:
        prompt = f"hello of {tenant} {user}"
        for way in ways(tenant, user):
            said = [("user", prompt), ("assistant", f"turn 1: {prompt}")]
            assert client.said("mine", **way) == said, way
            assert client.act("status", "mine", **way)["status"] == "done", way
            listed = client.act("sessions", "mine", **way)["sessions"]
            lines = [line["first_line"] for line in listed if line["session_id"] == "mine"]
            assert lines == [prompt], way
            # what another of them said is no place to page from
            for other in callers:
                if other != (tenant, user):
                    known = client.act("history", "mine", tenant=other[0], user=other[1])
                    before = known["messages"][0]["message_id"]
                    refused = client.try_to_act("history", "mine", before=before, **way)
                    assert refused.status_code == 400, way
    gone: set[tuple[str | None, str | None]] = set()
    for tenant, user in callers:
        for n, way in enumerate(ways(tenant, user)):
            if n:
                client.ask("again", "mine", **way)
            assert client.act("forget", "mine", **way) == {"forgotten": True, "messages": 2}
        gone.add((tenant, user))
        for other in callers:
            count = len(client.said("mine", tenant=other[0], user=other[1]))
            assert count == (0 if other in gone else 2)


def test_who_names_nobody_sees_only_the_session_that_it_names(client: Client) -> None:
    client.ask("hello", "nobody-1")
    client.ask("hello", "nobody-2")
    assert client.act("sessions") == {"sessions": []}
    (line,) = client.act("sessions", "nobody-1")["sessions"]
    assert line["session_id"] == "nobody-1"
    assert client.act("sessions", "nobody-3") == {"sessions": []}
    # those that it may not see take no room from the one that it may
    (line,) = client.act("sessions", "nobody-1", limit=1)["sessions"]
    assert line["session_id"] == "nobody-1"
    for anonymous in ("None", "anonymous", "null", "default-user"):
        assert client.act("sessions", "nobody-1", user=anonymous) == {"sessions": []}
        assert client.said("nobody-1", user=anonymous) == []


def test_the_payload_names_the_session_where_no_header_does(client: Client) -> None:
    here: Way = {"session_id": "named", "user": "payload"}
    client.ask("hello", **here)
    for header in (None, "", "named"):
        assert len(client.act("history", header, **here)["messages"]) == 2
        assert client.act("status", header, **here)["status"] == "done"
        (line,) = client.act("sessions", header, **here)["sessions"]
        assert line["session_id"] == "named"
    for action in ("history", "status", "sessions", "forget"):
        for session, wrong in (("another", "named"), (None, 7), (None, "x" * 257)):
            refused = client.try_to_act(action, session, user="payload", session_id=wrong)
            assert refused.status_code == 400
            assert "session id" in refused.json()["error"]
    assert client.try_to_act("forget", user="payload", session_id=" ").status_code == 400
    # an anonymous caller sees the session that it names, here too
    client.ask("hello", session_id="named")
    (line,) = client.act("sessions", session_id="named")["sessions"]
    assert line["session_id"] == "named"
    assert client.act("forget", **here) == {"forgotten": True, "messages": 2}
    assert client.ask("hello", "named", user="payload").text == "turn 1: hello"


def test_sessions_are_listed_last_used_first(client: Client) -> None:
    for name in ("a", "b", "c", "a"):
        client.ask(f"first line of {name}\nsecond line", name, user="lists")
    listed = client.act("sessions", None, user="lists")["sessions"]
    assert [line["session_id"] for line in listed] == ["a", "c", "b"]
    assert {line["first_line"] for line in listed} == {f"first line of {name}" for name in "abc"}
    assert len(client.act("sessions", None, user="lists", limit=2)["sessions"]) == 2
    assert listed[0]["last_used"] > listed[1]["last_used"]


def test_history_pages_backwards(client: Client) -> None:
    for n in range(5):
        client.ask(f"prompt {n}", "pages")
    whole = client.act("history", "pages")
    assert whole["before"] is None
    pages: list[dict[str, Any]] = [client.act("history", "pages", limit=4)]
    while before := pages[-1]["before"]:
        pages.append(client.act("history", "pages", limit=4, before=before))
    assert [len(page["messages"]) for page in pages] == [4, 4, 2]
    in_order = [message for page in reversed(pages) for message in page["messages"]]
    assert in_order == whole["messages"]


def test_what_cannot_be_understood_is_a_400_that_says_why(client: Client) -> None:
    known = "The action must be one of: history, status, sessions, forget."
    client.ask("hello", "refused")
    for action in ("dance", "", "History", None, 1, True, ["history"], {"history": 1}):
        refused = client.try_to_act(action, "refused")
        assert (refused.status_code, refused.json()) == (400, {"error": known})
    limits: list[object] = [0, -1, 101, 1e9, 1.5, "5", None, True, []]
    befores: list[object] = ["nothing", "", 7, [], {}]
    befores += ["\ud800", "half \udc00 of it", "a\0b", "\0", "x" * 65, "x" * 100_000]
    wrong: list[Way] = [
        *({"limit": limit} for limit in limits),
        *({"before": before} for before in befores),
        {"prompt": "hello"},
        {"user": ""},
        {"user_id": 7},
        {"tenant_id": ""},
        {"user_id": "x" * 1_025},
        *({field: text} for field in ("user_id", "tenant_id") for text in ("\ud800", "a\0b")),
    ]
    for way in wrong:
        refused = client.try_to_act("history", "refused", **way)
        assert refused.status_code == 400, way
        assert list(refused.json()) == ["error"]
    for action in ("history", "status", "forget"):
        refused = client.try_to_act(action)
        assert refused.status_code == 400
        assert "session id" in refused.json()["error"]
    too_long = client.try_to_act("sessions", "x" * 257)
    assert too_long.status_code == 400
    assert len(client.said("refused")) == 2
    assert client.act("status", "refused")["issues"] == []
    both = json.dumps({"prompt": "hello", "action": "forget"}).encode()
    assert client.post(both).status_code == 400


def test_a_status_follows_its_turn(tight: Server, models: FakeModels) -> None:
    client = tight.client
    assert client.act("status", "follows")["status"] == "idle"
    client.ask("hello", "follows")
    waits = tight.control / "closing-waits"
    waits.touch()
    for n in range(4):  # one more than the cache of this server has room for
        client.ask("hello", f"follows-{n}")
    turn = client.begin("hello <<hold=first>> <<chunks=30>> <<hold-after=9,second>>", "follows")
    shown: list[dict[str, Any]] = []

    def shows(status: str) -> bool:
        shown.append(client.act("status", "follows"))
        return bool(shown[-1]["status"] == status)

    until(lambda: shows("received"))
    del shown[:-1]  # until it had come in, that of the turn before
    waits.unlink()
    models.wait_held("first")
    assert shows("running")
    models.release("first")
    models.wait_held("second")
    if tight.variant.stream:
        until(lambda: shows("streaming"))
    else:
        assert shows("running")
    models.release("second")
    turn.result()
    assert shows("done")
    # never back
    assert [one["progress"] for one in shown] == sorted(one["progress"] for one in shown)
    assert [one["updated_at"] for one in shown] == sorted(one["updated_at"] for one in shown)
    assert {shown[0]["progress"], shown[-1]["progress"]} == {0, 100}
    assert all(one["issues"] == [] for one in shown)


def test_a_status_shows_the_tool_in_use(tight: Server) -> None:
    client, waits = tight.client, tight.control / "tool-waits"
    waits.touch()
    turn = client.begin("add <<tool=add_numbers:2:3>>", "tool")
    until(lambda: bool(client.act("status", "tool")["status"] == "tool in use"))
    assert client.act("status", "tool")["current_step"] == "add_numbers"
    waits.unlink()
    assert turn.result().text.startswith("tool said 5")
    status = client.act("status", "tool")
    assert (status["status"], status["current_step"]) == ("done", None)


def test_a_status_shows_the_failure_until_a_turn_succeeds(client: Client) -> None:
    reply = client.ask("bad <<fail=400>>", "fails")
    status = client.act("status", "fails")
    assert (status["status"], status["issues"]) == ("failed", [reply.error])
    client.ask("good", "fails")
    status = client.act("status", "fails")
    assert (status["status"], status["issues"]) == ("done", [])
