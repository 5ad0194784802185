"""What was said is what is in the transcript, and what the framework remembers."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_models import FakeModels
from fake_models.behaviour import SECRET, without_directives

from contract.client import Client, until
from contract.projects import TRANSCRIPTS, each
from contract.server import Server, serve, turns_of
from contract.wire import Wire, conversation

pytestmark = [pytest.mark.real, each(TRANSCRIPTS)]

DAY = 86_400
SESSIONS, TURNS = 32, 20


def without_failures(said: Wire) -> Wire:
    """A transcript without the prompts of failed turns, and as the model gets it."""
    kept: Wire = []
    for role, text in said:
        if role == "error":
            kept.pop()
        else:
            kept.append((role, without_directives(text)))
    return kept


def rows(server: Server, session: str) -> int:
    """How many messages of a session are in the store."""
    with sqlite3.connect(server.folder / "chat.db") as database:
        query = "SELECT count(*) FROM chat_messages WHERE json_extract(body, '$.session_id') = ?"
        (count,) = database.execute(query, (session,)).fetchone()
    database.close()
    return int(count)


def test_what_was_said_is_in_the_transcript_in_order(client: Client) -> None:
    def talk(session: str) -> Wire:
        said: Wire = []
        for turn in range(1, TURNS + 1):
            prompt = f"{turn} in {session}"
            reply = client.ask(prompt, session)
            assert reply.text == f"turn {turn}: {prompt}"
            said += [("user", prompt), ("assistant", reply.text)]
        return said

    names = [f"order-{n}" for n in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as threads:
        said = dict(zip(names, threads.map(talk, names), strict=True))
    assert {name: client.said(name) for name in names} == said


def test_the_transcript_agrees_with_the_history_of_the_framework(
    client: Client, models: FakeModels
) -> None:
    session = "agrees"
    assert client.ask("good", session).text == "turn 1: good"
    assert client.ask("refused <<fail=400>>", session).error
    with client.connection("left <<hold=gate>>", session):
        models.wait_held("gate")
    client.fence()
    prompts = ["at once 1", "at once 2 <<hangup-after=2>>", "at once 3", "at once 4 <<fail=500>>"]
    at_once = [client.begin(prompt, session) for prompt in prompts]
    client.fence()
    models.release("gate")
    failed = [bool(turn.result().error) for turn in at_once]
    assert failed == [False, True, False, True]
    assert client.ask("add <<tool=add_numbers:2:3>>", session).text.startswith("tool said 5")
    assert client.ask("empty <<empty>>", session).error
    assert client.ask("last", session).text == "turn 6: last"
    remembered = [
        (role, text)
        for role, text in models.transcript("last")
        # without the calls of tools and their results
        if role == "user" or (role == "assistant" and text)
    ]
    said = client.said(session)
    assert without_failures(said)[:-1] == remembered
    assert said[-1] == ("assistant", "turn 6: last")
    assert len(said) == 2 * 10


@pytest.mark.parametrize("fault", ["fail=500", "fail=400", "hangup", "hangup-after=2", "empty"])
def test_a_failed_turn_is_the_prompt_and_one_sentence(client: Client, fault: str) -> None:
    session, prompt = f"failed {fault}", f"hello <<{fault}>>"
    reply = client.ask(prompt, session)
    history = client.act("history", session)
    asked, error = history["messages"]
    assert (asked["role"], asked["message"]) == ("user", prompt)
    assert (error["role"], error["message"]) == ("error", reply.error)
    assert error["metadata"]["request_id"] in reply.error
    assert SECRET not in str(history)


def test_a_turn_over_its_time_is_a_failed_one(tight: Server, models: FakeModels) -> None:
    client, session = tight.client, "over its time"
    with turns_of(tight, seconds=0.5):
        late = client.ask("late <<hold=gate>>", session)
    models.release("gate")
    assert client.said(session) == [("user", "late <<hold=gate>>"), ("error", late.error)]
    assert client.act("status", session)["status"] == "failed"


def test_a_message_says_all_about_itself(client: Client) -> None:
    client.ask("hello", "fields", user="ann", tenant="acme")
    asked, answered = client.act("history", "fields", user="ann", tenant="acme")["messages"]
    for message in (asked, answered):
        of_message: dict[str, Any] = {name: message.pop(name) for name in ("message_id", "role")}
        assert of_message["message_id"]
        assert message.pop("timestamp").endswith("Z")
        assert message.pop("conversation_id")
        assert message.pop("message")
        ids = {"session_id": "fields", "user_id": "ann", "tenant_id": "acme"}
        assert message == {**ids, "metadata": {}}


def test_a_turn_without_a_session_leaves_no_transcript(server: Server) -> None:
    client = server.client
    before = total(server)
    assert client.ask("hello", None, user="nobody").text == "turn 1: hello"
    assert client.ask("bad <<fail=400>>", None, user="nobody").error
    assert client.ask("hello", "", user="nobody").text == "turn 1: hello"
    assert client.act("sessions", None, user="nobody") == {"sessions": []}
    assert total(server) == before


def total(server: Server) -> int:
    """How many messages there are in the store."""
    with sqlite3.connect(server.folder / "chat.db") as database:
        tables = "SELECT count(*) FROM sqlite_master WHERE name = 'chat_messages'"
        (made,) = database.execute(tables).fetchone()
        query = "SELECT count(*) FROM chat_messages" if made else "SELECT 0"
        (count,) = database.execute(query).fetchone()
    database.close()
    return int(count)


def test_a_conversation_is_what_the_agent_remembers_of_it(tight: Server) -> None:
    client = tight.client
    for prompt in ("one", "two"):
        client.ask(prompt, "conversation")
    for n in range(4):  # one more than the cache of this server has room for
        client.ask("hello", f"conversation-{n}")
    assert client.ask("three", "conversation").text == "turn 1: three"
    messages = client.act("history", "conversation")["messages"]
    names = [message["conversation_id"] for message in messages]
    assert names == [*[names[0]] * 4, *[names[4]] * 2]
    assert names[0] != names[4]


def test_a_forgotten_session_is_nowhere(server: Server, models: FakeModels) -> None:
    client = server.client
    for prompt in ("one", "two"):
        client.ask(prompt, "forgotten")
    client.ask("one", "kept")
    running = client.begin("running <<hold=gate>>", "forgotten")
    models.wait_held("gate")
    with ThreadPoolExecutor() as threads:
        forgetting = threads.submit(client.act, "forget", "forgotten")
        client.fence()
        models.release("gate")
        assert running.result().text == "turn 3: running"
        assert forgetting.result() == {"forgotten": True, "messages": 6}
    assert server.closed("forgotten") == ["forgotten"]
    assert client.said("forgotten") == []
    assert rows(server, "forgotten") == 0
    assert client.act("forget", "forgotten") == {"forgotten": True, "messages": 0}
    assert len(client.said("kept")) == rows(server, "kept") == 2
    assert client.ask("anew", "forgotten").text == "turn 1: anew"
    assert models.transcript("anew") == conversation(["anew"])


def test_what_is_a_day_old_is_deleted_and_nothing_else(tight: Server) -> None:
    client, ahead = tight.client, tight.control / "ahead"
    start = float(ahead.read_text())
    client.ask("hello", "old")
    client.ask("hello", "young")
    ahead.write_text(str(start + 3_600))
    client.ask("again", "young")
    ahead.write_text(str(start + DAY - 60))
    client.ask("hello", "other")
    assert len(client.said("old")) == 2
    ahead.write_text(str(start + DAY + 3_540))
    client.ask("hello", "other")
    until(lambda: rows(tight, "old") == 0)
    assert client.said("old") == []
    assert len(client.said("young")) == rows(tight, "young") == 4
    assert client.ask("again", "old").text == "turn 1: again"


def test_a_clock_that_was_ahead_and_is_set_back_stops_no_expiry(tight: Server) -> None:
    client, ahead, wall = tight.client, tight.control / "ahead", tight.control / "wall-ahead"
    start = float(ahead.read_text())
    wall.write_text(str(10 * DAY))
    ahead.write_text(str(start + 3_600))
    client.ask("hello", "of the future")
    wall.write_text("0")
    client.ask("hello", "set back")
    ahead.write_text(str(start + 3_660 + DAY))
    client.ask("hello", "other")
    until(lambda: rows(tight, "set back") == 0)
    assert client.said("set back") == []


def test_a_server_that_has_only_read_closes_its_store(server: Server, models: FakeModels) -> None:
    server.client.ask("hello", "only read")
    folder = server.folder / "reader"
    folder.mkdir()
    file = folder / "chat.db"
    with sqlite3.connect(server.folder / "chat.db") as source, sqlite3.connect(file) as target:
        source.backup(target)
    source.close()
    target.close()
    environment = models.env(server.variant.provider) | {"DATABASE_URL": f"sqlite:///{file}"}
    with serve(server.variant, folder, environment) as reader:
        assert len(reader.client.said("only read")) == 2
        assert file.with_name("chat.db-shm").exists()
        reader.process.terminate()
        assert reader.process.wait(timeout=60) in (0, -15)
    # the last who closes such a file leaves nothing beside it
    assert [path.name for path in folder.glob("chat.db*")] == ["chat.db"]


def test_a_transcript_outlives_its_server(server: Server, models: FakeModels) -> None:
    client = server.client
    for prompt in ("one", "two"):
        client.ask(prompt, "outlives")
    said = client.said("outlives")
    environment = models.env(server.variant.provider)
    environment |= {"DATABASE_URL": f"sqlite:///{server.folder}/chat.db"}
    folder = server.folder / "another"
    folder.mkdir()
    with serve(server.variant, folder, environment) as another:
        assert another.client.said("outlives") == said
        assert another.client.act("status", "outlives")["status"] == "done"
        assert another.client.ask("three", "outlives").text == "turn 1: three"
        # both servers are there, and both see it
        assert client.said("outlives") == another.client.said("outlives")
        assert len(client.said("outlives")) == 6
