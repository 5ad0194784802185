"""A turn is kept once and answered, though the answer to its commit was lost.

Point 18, kept.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from urllib.parse import urlsplit

import pytest
from fake_models import FakeModels

from contract.client import Client, Reply
from contract.databases import PostgresDatabase, is_whole
from contract.outages import is_refused, timed
from contract.projects import ON_DATABASES, each
from contract.proxy import Loss, Proxy, proxy
from contract.server import Server
from contract.warm import Warm
from contract.wire import conversation

# one of each shape
VARIANTS = [variant for variant in ON_DATABASES if variant.store == "postgres"][:2]
pytestmark = [pytest.mark.real, each(VARIANTS)]


@pytest.fixture
def between(database: PostgresDatabase) -> Iterator[Proxy]:
    """What stands before the database."""
    port = urlsplit(database.url).port
    assert port
    with proxy(port) as standing:
        yield standing


@pytest.fixture
def server(warm: Warm, database: PostgresDatabase, between: Proxy) -> Iterator[Server]:
    """A server that reaches its database through that."""
    url = urlsplit(database.url)
    through = url._replace(netloc=f"{url.username}@127.0.0.1:{between.port}")
    with warm.start({"DATABASE_URL": through.geturl()}) as running:
        yield running
    assert is_whole(database)


def losing(
    client: Client, session: str, between: Proxy, loss: Loss, models: FakeModels
) -> Future[Reply]:
    """Run a turn of which the commit is lost, or its answer."""
    turn = client.begin(f"lost <<hold={session}>>", session)
    models.wait_held(session)
    between.next_loss = loss
    models.release(session)
    return turn


@pytest.mark.parametrize("loss", ["commit", "answer"])
def test_a_turn_whose_commit_was_lost_is_kept_once(
    server: Server, between: Proxy, loss: Loss, models: FakeModels
) -> None:
    client = server.client
    assert losing(client, "new", between, loss, models).result().text == "turn 1: lost"
    assert between.next_loss is None
    client.ask("before", "known")
    assert losing(client, "known", between, loss, models).result().text == "turn 2: lost"
    assert between.next_loss is None
    for session, prompts in (("new", ["lost"]), ("known", ["before", "lost"])):
        client.ask(f"after in {session}", session)
        wire = models.transcript(f"after in {session}")
        assert wire == conversation([*prompts, f"after in {session}"])


def test_a_turn_whose_commit_is_not_answered_is_kept_once_if_at_all(
    server: Server, between: Proxy, models: FakeModels
) -> None:
    server.client.ask("before", "known")
    with timed():
        reply = losing(server.client, "known", between, "silence", models).result()
    assert is_refused(reply, server.variant)
    assert server.client.ask("after", "known").text in ("turn 2: after", "turn 3: after")
