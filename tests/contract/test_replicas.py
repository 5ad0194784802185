"""Several processes on one database see each other's turns, and none overwrites another's.

Point 18, kept.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from fake_models import FakeModels

from contract.client import Client, Reply
from contract.databases import Database, is_whole
from contract.projects import TRANSCRIPTS_ON_DATABASES, each
from contract.warm import Warm
from contract.wire import conversation

pytestmark = [pytest.mark.real, each(TRANSCRIPTS_ON_DATABASES)]

CONFLICT = "Another process has changed the session meanwhile. Send the prompt again. Request id: "


@pytest.fixture
def replicas(warm: Warm, database: Database) -> Iterator[tuple[Client, Client]]:
    """Two processes on one database."""
    with warm.start(database.environment) as one, warm.start(database.environment) as two:
        yield one.client, two.client
    assert is_whole(database)


def is_conflict(reply: Reply, *, stream: bool) -> bool:
    """Whether the caller was told that another process was faster."""
    return reply.status == (200 if stream else 409) and reply.error.startswith(CONFLICT)


def test_alternating_turns_see_each_other(
    replicas: tuple[Client, Client], models: FakeModels
) -> None:
    def talk(session: str) -> None:
        prompts = [f"{n} in {session}" for n in range(1, 61)]
        for n, prompt in enumerate(prompts, 1):
            assert replicas[n % 2].ask(prompt, session).text == f"turn {n}: {prompt}"
        assert models.transcript(prompts[-1]) == conversation(prompts)

    with ThreadPoolExecutor() as threads:
        [*threads.map(talk, [f"session {n}" for n in range(5)])]


def test_of_two_turns_from_the_same_point_one_is_kept(
    replicas: tuple[Client, Client], warm: Warm, models: FakeModels
) -> None:
    one, two = replicas
    for session, before in (("new", 0), ("known", 1)):
        if before:
            one.ask("before", session)
        late = one.begin(f"late <<hold={session}>>", session)
        models.wait_held(session)
        assert two.ask("early", session).text == f"turn {before + 1}: early"
        models.release(session)
        assert is_conflict(late.result(), stream=warm.variant.stream)
        assert one.ask(f"after {session}", session).text == f"turn {before + 2}: after {session}"
        prompts = [*["before"][:before], "early", f"after {session}"]
        assert models.transcript(f"after {session}") == conversation(prompts)
        assert [text for role, text in one.said(session) if role == "user"] == prompts


def test_colliding_turns_are_in_one_line(
    replicas: tuple[Client, Client], warm: Warm, models: FakeModels
) -> None:
    answered: dict[str, str] = {}

    def talk(client: Client, name: str) -> None:
        for n in range(30):
            prompt = f"{n} of {name}"
            reply = client.ask(prompt, "both")
            if reply.error:
                assert is_conflict(reply, stream=warm.variant.stream), reply
            else:
                answered[prompt] = reply.text

    with ThreadPoolExecutor() as threads:
        talking = [
            threads.submit(talk, client, f"{n}-{m}")
            for n, client in enumerate(replicas)
            for m in range(2)
        ]
        for each_one in talking:
            each_one.result()
    # a reply says how many turns the model saw: no two saw the same
    places = sorted(answered, key=lambda prompt: int(answered[prompt].split()[1].rstrip(":")))
    assert [answered[prompt] for prompt in places] == [
        f"turn {n}: {prompt}" for n, prompt in enumerate(places, 1)
    ]
    replicas[0].ask("last", "both")
    assert models.transcript("last") == conversation([*places, "last"])


def test_ten_start_at_once_on_an_empty_database(warm: Warm, database: Database) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        servers = [stack.enter_context(warm.starting(database.environment)) for _ in range(10)]
        for server in servers:
            server.wait_until_up()
        asking = [
            threads.submit(server.client.ask, "hello", f"session {n}")
            for n, server in enumerate(servers)
        ]
        assert [each_one.result().text for each_one in asking] == ["turn 1: hello"] * 10
        asking = [threads.submit(server.client.ask, "hello", "one") for server in servers]
        replies = [each_one.result() for each_one in asking]
        kept = [reply.text for reply in replies if not reply.error]
        assert sorted(kept) == [f"turn {n}: hello" for n in range(1, len(kept) + 1)]
        refused = [reply for reply in replies if reply.error]
        assert all(is_conflict(reply, stream=warm.variant.stream) for reply in refused)
        assert servers[0].client.ask("hello", "one").text == f"turn {len(kept) + 1}: hello"
    assert is_whole(database)


@pytest.mark.parametrize("then", ["nothing", "a turn"])
def test_what_one_forgets_the_other_does_not_keep(
    replicas: tuple[Client, Client], warm: Warm, models: FakeModels, then: str
) -> None:
    one, two = replicas
    assert two.ask("before", "s", user="ann").text == "turn 1: before"
    late = two.begin("late <<hold=gate>>", "s", user="ann")
    models.wait_held("gate")
    assert one.act("forget", "s", user="ann")["messages"] == 2
    kept = []
    if then == "a turn":
        assert one.ask("new", "s", user="ann").text == "turn 1: new"
        kept = [("user", "new"), ("assistant", "turn 1: new")]
    models.release("gate")
    assert is_conflict(late.result(), stream=warm.variant.stream)
    for client in replicas:
        assert client.said("s", user="ann") == kept
    assert two.ask("again", "s", user="ann").text == f"turn {1 + len(kept) // 2}: again"
