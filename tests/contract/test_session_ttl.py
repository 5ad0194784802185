"""Sessions that nobody has used for long are deleted: beside the turns, and never one in use.

Point 14, idle expiry.
Point 18, kept.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import until
from contract.environments import python_of
from contract.launcher import MAX_SESSIONS
from contract.projects import STORED, Variant, each
from contract.server import Server, serve, told
from contract.stores import Store

pytestmark = pytest.mark.real

# each database, with a transcript and without
SOME = STORED[::3]
TTL = 12
HOUR = 3_600
BATCH = 100
ORPHANS = "SELECT session_key FROM agent_turns EXCEPT SELECT session_key FROM agent_sessions"

Replicas = tuple[Server, Server]


@pytest.fixture(scope="module")
def replicas(
    variant: Variant,
    model_server: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replicas]:
    """Two servers with one database, who know for how long a session is kept."""
    folder = tmp_path_factory.mktemp("replicas")
    environment = model_server.env(variant.provider) | {"SESSION_TTL_HOURS": str(TTL)}
    store = new_store(variant, folder)
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(
                serve(variant, folder / name, environment, store=store, launcher=True)
            )
            for name in ("one", "two")
        )
        yield one, two


def ids(store: Store, prefix: str) -> list[str]:
    """The sessions whose ids start so."""
    found = [session for (session,) in store.query("SELECT session_id FROM agent_sessions")]
    return [session for session in found if session.startswith(prefix)]


def pass_time(store: Store, prefix: str, hours: float) -> None:
    """Let the last use of the sessions whose ids start so be longer ago."""
    store.query(
        f"UPDATE agent_sessions SET last_used = last_used - {hours * HOUR} "  # noqa: S608
        f"WHERE session_id LIKE '{prefix}%'"
    )


def look_again(*servers: Server) -> None:
    """Let so much time pass that a turn has them look for sessions that have expired."""
    for server in servers:
        server.order("ahead", server.number("ahead") + HOUR + 1)


def swept(server: Server, looked: int) -> bool:
    """Whether all was deleted that was found, which looks once more than it finds something."""
    return server.looked()[looked:][-1:] == [0]


@each(SOME)
def test_what_has_expired_is_deleted_beside_the_turns(replicas: Replicas) -> None:
    (one, two), store = replicas, replicas[0].store
    names = [f"old {n}" for n in range(BATCH + 30)]
    for n in range(0, len(names), 10):
        replies = one.client.together([("hello", name) for name in names[n : n + 10]])
        assert {reply.text for reply in replies} == {"turn 1: hello"}
    # in the memory of both
    assert two.client.ask("hello", names[-1]).text == "turn 2: hello"
    one.client.ask("hello", "young")
    pass_time(store, "old", TTL + 0.1)
    looked = len(one.looked())
    look_again(one)
    with told(one, "looking-waits"):
        for turn in (2, 3, 4):
            assert one.client.ask("hello", "young").text == f"turn {turn}: hello"
        assert len(ids(store, "old")) == len(names)
    until(lambda: swept(one, looked))
    assert one.looked()[looked:] == [BATCH, 30, 0]
    assert ids(store, "old") == []
    assert store.query(ORPHANS) == []
    # nor does a process have it that still has it in memory
    for turn, server in ((1, two), (2, one)):
        assert server.client.ask("hello", names[-1]).text == f"turn {turn}: hello"


@each(SOME)
def test_a_session_in_use_is_not_deleted_by_another_replica(
    replicas: Replicas, models: FakeModels
) -> None:
    (one, two), store = replicas, replicas[0].store
    one.client.ask("before", "used")
    one.client.ask("before", "unused")
    for name in ("used", "unused"):
        pass_time(store, name, TTL - 0.05)
    held = one.client.begin("held <<hold=gate>>", "used")
    models.wait_held("gate")
    # it runs for longer than the session had left
    for name in ("used", "unused"):
        pass_time(store, name, 0.1)
    looked = len(two.looked())
    start = two.number("ahead")
    two.order("ahead", one.number("ahead"))
    look_again(two)
    for turn in (1, 2):
        assert two.client.ask("hello", "beside").text == f"turn {turn}: hello"
    until(lambda: swept(two, looked))
    assert ids(store, "unused") == []
    models.release("gate")
    assert held.result().text == "turn 2: held"
    for turn, server in ((3, two), (4, one)):
        assert server.client.ask("after", "used").text == f"turn {turn}: after"
    assert one.client.ask("again", "unused").text == "turn 1: again"
    two.order("ahead", start)


@each(SOME)
def test_a_session_that_is_used_before_it_is_deleted_lives_on(
    replicas: Replicas, models: FakeModels
) -> None:
    (one, two), store = replicas, replicas[0].store
    names = ["late, in use", "late, used again", "late"]
    for name in names:
        one.client.ask("before", name)
    pass_time(store, "late", TTL + 1)
    looked = len(one.looked())
    look_again(one)
    with told(one, "looking-waits"):
        assert one.client.ask("hello", "beside").error == ""
        until(lambda: len(one.looked()) > looked)  # all three are found
        held = two.client.begin("held <<hold=gate>>", names[0])
        models.wait_held("gate")
        assert two.client.ask("again", names[1]).text == "turn 2: again"
    until(lambda: swept(one, looked))
    assert sorted(ids(store, "late")) == names[:2]
    models.release("gate")
    assert held.result().text == "turn 2: held"
    for name in names[:2]:
        assert one.client.ask("after", name).text == "turn 3: after"


@each(SOME)
def test_without_a_setting_only_those_with_a_transcript_expire(
    tight: Server, variant: Variant
) -> None:
    client, store = tight.client, tight.store
    for name in ("for ever", "for a day"):
        client.ask("hello", name)
    pass_time(store, "for", 22)
    pass_time(store, "for ever", 24 * 365 * 50)
    looked = len(tight.looked())
    look_again(tight)
    for n in range(MAX_SESSIONS):
        client.ask("hello", f"others {n}")
    if variant.transcript:
        until(lambda: swept(tight, looked))
    assert len(ids(store, "for a day")) == 1
    assert len(ids(store, "for ever")) == (0 if variant.transcript else 1)
    turn = 1 if variant.transcript else 2
    assert client.ask("again", "for ever").text == f"turn {turn}: again"
    client.fence()
    assert variant.transcript or tight.looked() == []


@each(STORED[1:3])
@pytest.mark.parametrize("hours", ["0", "soon"])
def test_a_time_that_is_none_ends_the_start_in_one_line(
    variant: Variant, tmp_path: Path, hours: str
) -> None:
    done = subprocess.run(
        [python_of(variant.framework), "main.py"],
        cwd=variant.write(tmp_path / "project"),
        env={
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "AGENT_OFFLINE": "1",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "SESSION_TTL_HOURS": hours,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == f"SESSION_TTL_HOURS must be a number from 1, not {hours!r}.\n"
