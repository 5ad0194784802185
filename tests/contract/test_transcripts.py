"""What was said is what is in the transcript, and what the framework remembers."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_models import FakeModels
from fake_models.behaviour import SECRET, without_directives

from contract.client import Client, until
from contract.launcher import MAX_BYTES, MAX_SESSIONS, MAX_TURNS
from contract.projects import TRANSCRIPTS, each
from contract.server import Server, turns_of
from contract.stores import InMemory, said
from contract.wire import Wire, conversation

pytestmark = [pytest.mark.real, each(TRANSCRIPTS)]

DAY = 86_400
SESSIONS, TURNS = 32, 8


def without_failures(told: Wire) -> Wire:
    """A transcript without the prompts of failed turns, and as the model gets it."""
    left: Wire = []
    for role, text in told:
        if role == "error":
            left.pop()
        else:
            left.append((role, without_directives(text)))
    return left


def kept(server: Server, session: str) -> int:
    """How many messages of a session are in the store, of which memory tells nobody."""
    if isinstance(server.store, InMemory):
        return len(server.client.said(session))
    return len(said(server.store, session))


def leave_the_cache(server: Server, *names: str) -> None:
    """Have these sessions leave the cache of a tight server."""
    for n in range(MAX_SESSIONS):
        server.client.ask("hello", f"instead of {names[0]} {n}")
    assert {*names} <= {*server.closed()}


def test_what_was_said_is_in_the_transcript_in_order(client: Client) -> None:
    def talk(session: str) -> Wire:
        told: Wire = []
        for turn in range(1, TURNS + 1):
            prompt = f"{turn} in {session}"
            reply = client.ask(prompt, session)
            assert reply.text == f"turn {turn}: {prompt}"
            told += [("user", prompt), ("assistant", reply.text)]
        return told

    names = [f"order-{n}" for n in range(SESSIONS)]
    with ThreadPoolExecutor(SESSIONS) as threads:
        told = dict(zip(names, threads.map(talk, names), strict=True))
    assert {name: client.said(name) for name in names} == told


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
    told = client.said(session)
    assert without_failures(told)[:-1] == remembered
    assert told[-1] == ("assistant", "turn 6: last")
    assert len(told) == 2 * 10


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


def test_a_turn_that_only_waited_leaves_nothing(tight: Server, models: FakeModels) -> None:
    client, session = tight.client, "only waits"
    held = client.begin("held <<hold=gate>>", session)
    models.wait_held("gate")
    with turns_of(tight, seconds=0.5):
        assert "too long" in client.ask("late", session).error
    models.release("gate")
    assert held.result().text == "turn 1: held"
    assert client.said(session) == [("user", "held <<hold=gate>>"), ("assistant", "turn 1: held")]
    assert client.act("status", session)["status"] == "done"


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
    client, user = server.client, "nobody"
    client.ask("hello", "somebody", user=user)
    for session in (None, ""):
        assert client.ask("hello", session, user=user).text == "turn 1: hello"
        assert client.ask("bad <<fail=400>>", session, user=user).error
    (listed,) = client.act("sessions", None, user=user)["sessions"]
    assert listed["session_id"] == "somebody"
    if not isinstance(server.store, InMemory):
        assert said(server.store, "somebody") == ["hello", "turn 1: hello"]
        of_user = "SELECT count(*) FROM agent_sessions WHERE user_id = 'nobody'"
        assert server.store.query(of_user) == [("1",)]


def test_a_transcript_goes_where_its_session_goes(tight: Server) -> None:
    client, session = tight.client, "goes"
    for turn in range(MAX_TURNS + 2):
        client.ask(f"prompt {turn}", session)
    prompts = [text for role, text in client.said(session) if role == "user"]
    every = [f"prompt {turn}" for turn in range(MAX_TURNS + 2)]
    # memory has what the agent remembers, a database all
    assert prompts == (every if tight.variant.keeps else every[2:])
    before = client.act("history", session)["messages"]
    leave_the_cache(tight, session)
    assert client.act("history", session)["messages"] == (before if tight.variant.keeps else [])
    turn = min(tight.variant.turn_after(MAX_TURNS + 2), MAX_TURNS + 1)
    assert client.ask("back", session).text == f"turn {turn}: back"
    conversations = [each["conversation_id"] for each in client.act("history", session)["messages"]]
    assert len({*conversations}) == 1
    assert (conversations[0] == before[0]["conversation_id"]) == tight.variant.keeps


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
    assert kept(server, "forgotten") == 0
    assert client.act("forget", "forgotten") == {"forgotten": True, "messages": 0}
    assert len(client.said("kept")) == kept(server, "kept") == 2
    assert client.ask("anew", "forgotten").text == "turn 1: anew"
    assert models.transcript("anew") == conversation(["anew"])


def test_what_is_a_day_old_is_deleted_and_nothing_else(tight: Server) -> None:
    client, start = tight.client, tight.number("ahead")
    client.ask("hello", "old")
    client.ask("hello", "young")
    tight.order("ahead", start + 3_600)
    client.ask("again", "young")
    tight.order("ahead", start + DAY - 60)
    client.ask("hello", "other")
    assert len(client.said("old")) == 2
    tight.order("ahead", start + DAY + 3_540)
    client.ask("hello", "other")
    until(lambda: kept(tight, "old") == 0)
    assert client.said("old") == []
    assert len(client.said("young")) == kept(tight, "young") == 4
    assert client.ask("again", "old").text == "turn 1: again"


def test_a_clock_that_was_ahead_and_is_set_back_stops_no_expiry(tight: Server) -> None:
    client, start = tight.client, tight.number("ahead")
    tight.order("wall-ahead", 10 * DAY)
    tight.order("ahead", start + 3_600)
    client.ask("hello", "of the future")
    tight.order("wall-ahead", 0)
    client.ask("hello", "set back")
    tight.order("ahead", start + 3_660 + DAY)
    client.ask("hello", "other")
    until(lambda: kept(tight, "set back") == 0)
    assert client.said("set back") == []


def test_what_memory_holds_of_a_transcript_counts(tight: Server) -> None:
    client, large = tight.client, "\N{PARTY POPPER}" * 90_000
    names = [f"counts {n}" for n in range(MAX_SESSIONS)]
    for name in names:
        client.ask(large, name)
    # the texts alone are so many bytes; in memory, the transcript has them once more
    texts = len(names) * 2 * len(large.encode())
    assert texts < MAX_BYTES < 2 * texts
    assert (tight.closed("counts") == []) == tight.variant.keeps
