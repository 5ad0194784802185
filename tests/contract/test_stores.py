"""Transcripts in a real database: nothing answered is lost, and no turn waits for a store."""

import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_models import FakeModels

from contract.client import Client, read_until, until
from contract.environments import python_of
from contract.projects import ALTERNATING, Variant
from contract.server import Server, serve
from contract.stores import PostgresDatabase, SqliteFile, SqliteFileInNoFolder, Store

pytestmark = pytest.mark.real

KINDS = ["sqlite", "postgresql"]
AWAY = ["locked", "stopped", "hangs"]
# each of them under another framework
ELSEWHERE = ALTERNATING[2 : 2 + len(AWAY)]
STREAM = next(variant for variant in ALTERNATING if variant.stream)
JSON = next(variant for variant in ALTERNATING if not variant.stream)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The database that the test names by its kind, or by how it goes away."""
    kind: str = request.param
    if kind in ("sqlite", "locked"):
        yield SqliteFile(tmp_path)
    elif kind == "no-folder":
        yield SqliteFileInNoFolder(tmp_path)
    else:
        postgres = request.getfixturevalue("postgres")
        yield PostgresDatabase(postgres, hangs=kind == "hangs")
        # whatever the test came to, the next one finds it running
        postgres.stop("immediate")
        postgres.start()


def stores(kinds: list[str]) -> pytest.MarkDecorator:
    """Run a test with each of these stores."""
    return pytest.mark.parametrize("store", kinds, indirect=True)


def under(variants: list[Variant]) -> pytest.MarkDecorator:
    """Run a test for each of these, without a server that it shares with others."""
    return pytest.mark.parametrize("variant", variants, ids=str, indirect=True)


@pytest.fixture
def start(models: FakeModels, variant: Variant, tmp_path: Path) -> Any:
    """Start a server of the variant, in a folder of its own."""
    numbers = count(1)

    @contextmanager
    def start(url: str) -> Iterator[Server]:
        folder = tmp_path / f"server-{next(numbers)}"
        folder.mkdir()
        environment = models.env(variant.provider) | {"DATABASE_URL": url}
        with serve(variant, folder, environment) as server:
            yield server

    return start


def texts(store: Store, session: str) -> list[str]:
    """What is in the store of a session, in order."""
    messages = store.messages()
    return [message["message"] for message in messages if message["session_id"] == session]


def issues(client: Client, session: str) -> list[str]:
    """What the status says is wrong."""
    found: list[str] = client.act("status", session)["issues"]
    return found


@under(ALTERNATING)
@stores(KINDS)
def test_a_killed_server_has_lost_no_turn_that_it_answered(store: Store, start: Any) -> None:
    names = [f"session-{n}" for n in range(16)]
    said: dict[str, list[str]] = {name: [] for name in names}
    with start(store.url) as server:

        def talk(name: str) -> None:
            for turn in count(1):
                try:
                    reply = server.client.ask(f"{turn} in {name}", name)
                except httpx.TransportError:
                    return
                assert reply.text == f"turn {turn}: {turn} in {name}"
                said[name] += [f"{turn} in {name}", reply.text]

        with ThreadPoolExecutor(len(names)) as threads:
            talking = [threads.submit(talk, name) for name in names]
            until(lambda: min(map(len, said.values())) >= 6)
            server.process.kill()
        for each in talking:
            each.result()
    with start(store.url) as server:
        for name, answered in said.items():
            kept = [text for _, text in server.client.said(name)]
            assert kept[: len(answered)] == answered
            # of the turn under way all is there or nothing
            assert len(kept) - len(answered) in (0, 2)
            assert texts(store, name) == kept


@pytest.mark.parametrize(
    ("variant", "store"),
    [
        pytest.param(variant, kind, id=f"{kind}-{variant}")
        for kind, variant in zip(AWAY, ELSEWHERE, strict=True)
    ],
    indirect=True,
)
def test_turns_are_answered_while_the_store_is_away_and_recorded_when_it_is_back(
    store: Store, start: Any
) -> None:
    with start(store.url) as server:
        client: Client = server.client
        client.ask("before", "s")
        said = ["before", "turn 1: before"]
        assert texts(store, "s") == said
        store.take_away()
        with ThreadPoolExecutor() as threads:
            replies = [*threads.map(lambda n: client.ask(str(n), f"s{n}"), range(8))]
        assert [reply.text for reply in replies] == [f"turn 1: {n}" for n in range(8)]
        for turn in range(2, 6):
            assert client.ask(f"prompt {turn}", "s").text == f"turn {turn}: prompt {turn}"
            said += [f"prompt {turn}", f"turn {turn}: prompt {turn}"]
        (issue,) = issues(client, "s")
        assert issue == "The store does not answer: 24 messages wait to be written."
        # memory knows what was said, and says so when it does not
        assert [text for _, text in client.said("s")] == said
        assert client.try_to_act("history", "unknown").status_code == 503
        assert client.try_to_act("forget", "s").status_code == 503
        assert client.act("status", "unknown")["status"] == "idle"
        store.give_back()
        until(lambda: issues(client, "s") == [])
        assert texts(store, "s") == said
        for n in range(8):
            assert texts(store, f"s{n}") == [str(n), f"turn 1: {n}"]
        assert [text for _, text in client.said("s")] == said
        assert client.act("forget", "s1")["messages"] == 2
        assert texts(store, "s1") == []


@under([JSON])
@stores(["no-folder", "stopped"])
def test_a_store_that_is_not_there_at_the_start_is_found_later(store: Store, start: Any) -> None:
    store.take_away()
    with start(store.url) as server:
        assert server.client.ask("hello", "s").text == "turn 1: hello"
        until(lambda: issues(server.client, "s") != [])
        store.give_back()
        until(lambda: issues(server.client, "s") == [])
        assert texts(store, "s") == ["hello", "turn 1: hello"]


@under([STREAM])
@stores(["locked", "hangs"])
def test_the_first_token_does_not_wait_for_the_store(
    store: Store, start: Any, models: FakeModels
) -> None:
    with start(store.url) as server:
        server.client.ask("before", "s")
        store.take_away()
        for gate in ("first", "second"):  # not known to be away, and known
            prompt = f"hello <<chunks=40>> <<hold-after=9,{gate}>>"
            with server.client.connection(prompt, "s") as raw:
                read_until(raw, b'"turn"')
                assert server.client.act("status", "s")["status"] == "streaming"
                models.release(gate)
                read_until(raw, b"word40")
            assert server.client.ask("next", "s").error == ""
        store.give_back()


@under([JSON])
@stores([*KINDS, "locked", "hangs"])
def test_a_server_that_is_told_to_stop_does(
    store: Store, start: Any, request: pytest.FixtureRequest
) -> None:
    with start(store.url) as server:
        server.client.ask("one", "s")
        away = request.node.callspec.params["store"] in ("locked", "hangs")
        if away:
            store.take_away()
            server.client.ask("two", "s")
        server.process.terminate()
        assert server.process.wait(timeout=60) in (0, -15)
        log = [record["message"] for record in server.records()]
        lost = "2 messages of transcripts were not written"
        assert (lost in log) == away
        if away:
            store.give_back()
    assert texts(store, "s")[:2] == ["one", "turn 1: one"]


@under([JSON])
@stores(KINDS)
def test_two_servers_share_a_store(store: Store, start: Any) -> None:
    with start(store.url) as one, start(store.url) as two:
        clients = [one.client, two.client]
        with ThreadPoolExecutor() as threads:
            [*threads.map(lambda n: clients[n % 2].ask(f"{n}", f"s{n % 8}"), range(64))]
        for n in range(8):
            whole = one.client.said(f"s{n}")
            assert whole == two.client.said(f"s{n}")
            assert len(whole) == 16
        assert one.client.act("forget", "s3")["messages"] == 16
        assert two.client.said("s3") == []


@under([JSON])
@stores(["locked"])
def test_what_was_forgotten_is_not_in_memory_either(store: Store, start: Any) -> None:
    with start(store.url) as server:
        client: Client = server.client
        for session in ("forgotten", "kept"):
            client.ask("hello", session, user="ann")
        assert client.act("forget", "forgotten", user="ann")["messages"] == 2
        store.take_away()
        # from now on memory answers
        client.ask("again", "kept", user="ann")
        assert len(client.said("kept", user="ann")) == 4
        assert client.try_to_act("history", "forgotten", user="ann").status_code == 503
        assert client.act("status", "forgotten", user="ann")["status"] == "idle"
        listed = client.act("sessions", None, user="ann")["sessions"]
        assert [line["session_id"] for line in listed] == ["kept"]
        store.give_back()


@under([JSON])
@stores(["postgresql"])
def test_a_place_to_page_from_that_postgresql_does_not_take_is_a_400(
    store: Store, start: Any
) -> None:
    with start(store.url) as server:
        server.client.ask("hello", "s")
        for before in ("\ud800", "a\0b", "x" * 65, "x" * 100_000):
            assert server.client.try_to_act("history", "s", before=before).status_code == 400
        assert issues(server.client, "s") == []


@under([JSON])
def test_a_damaged_message_is_set_aside(start: Any, tmp_path: Path) -> None:
    store = SqliteFile(tmp_path)
    with start(store.url) as server:
        for session in ("harmed", "other"):
            for prompt in ("one", "two"):
                server.client.ask(prompt, session)
        with closing(sqlite3.connect(store.file)) as database, database:
            database.execute("UPDATE chat_messages SET body = '{' WHERE id = 2")
        assert [text for _, text in server.client.said("harmed")] == ["one", "two", "turn 2: two"]
        assert len(server.client.said("other")) == 4
        assert server.client.ask("three", "harmed").text == "turn 3: three"
        assert len(server.client.said("harmed")) == 5


@under([JSON])
def test_ten_thousand_messages_are_paged_in_little_memory(start: Any, tmp_path: Path) -> None:
    store = SqliteFile(tmp_path)
    with start(store.url) as server:
        server.client.ask("hello", "long")
        with closing(sqlite3.connect(store.file)) as database, database:
            first = "SELECT session_key, body, message_id FROM chat_messages WHERE id = 1"
            key, body, name = database.execute(first).fetchone()
            database.executemany(
                "INSERT INTO chat_messages (session_key, message_id, body) VALUES (?, ?, ?)",
                (
                    (key, f"{n:032}", body.replace(name, f"{n:032}").replace("hello", "x" * 5_000))
                    for n in range(9_998)
                ),
            )
        server.client.act("history", "long", limit=100)
        before, before_all = server.resident(), 0
        page = server.client.act("history", "long", limit=100)
        seen = len(page["messages"])
        while page["before"]:
            page = server.client.act("history", "long", limit=100, before=page["before"])
            assert len(page["messages"]) <= 100
            seen += len(page["messages"])
            before_all += 1
        assert (seen, before_all) == (10_000, 99)
        # all of it would be 50 MB, and several times that as objects
        assert server.resident() - before < 20_000_000


@under([JSON])
def test_the_limits_hold_without_a_store(start: Any) -> None:
    with start("") as server:
        client: Client = server.client
        for turn in range(1, 56):
            client.ask(str(turn), "long", user="limits")
        last = [text for _, text in client.said("long", user="limits")]
        assert last == [text for n in range(6, 56) for text in (str(n), f"turn {n}: {n}")]
        for n in range(127):
            client.ask("hello", f"s{n}", user="limits")
        assert len(client.said("long", user="limits")) == 100
        client.ask("hello", "one more", user="limits")
        assert client.said("long", user="limits") == []
        assert len(client.said("s0", user="limits")) == 2
        client.ask("again", "s0", user="limits")
        client.ask("hello", "yet one more", user="limits")
        assert len(client.said("s0", user="limits")) == 4
        assert client.said("s1", user="limits") == []
        assert len(client.act("sessions", None, user="limits", limit=100)["sessions"]) == 100


@under([JSON])
def test_the_address_of_the_store_can_stand_in_the_env_file(
    variant: Variant, models: FakeModels, tmp_path: Path
) -> None:
    class WithEnvFile(Variant):
        def files(self) -> dict[str, str]:
            return {**super().files(), ".env": "DATABASE_URL=sqlite:///named.db\n"}

    named = WithEnvFile(variant.framework, variant.provider, variant.stream, transcript=True)
    with serve(named, tmp_path, models.env(variant.provider)) as server:
        server.client.ask("hello", "s")
        assert (tmp_path / "project" / "named.db").is_file()
        assert len(server.client.said("s")) == 2


@under([JSON])
@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:secret@h/d",
        "postgresql://h:secret/d",
        "postgresql://u:secret@h/d?nonsense=secret",
        "postgresql://u:secret@h/d?sslmode=secret",
        "postgresql://u:secret@h:99999/d",
        "sqlite:///secret.db?nonsense=secret",
    ],
)
def test_an_address_that_is_none_ends_the_start_in_one_line(
    variant: Variant, tmp_path: Path, url: str
) -> None:
    project = variant.write(tmp_path / "project")
    done = subprocess.run(
        [python_of(variant.framework), "main.py"],
        cwd=project,
        env={"HOME": str(tmp_path), "AGENT_OFFLINE": "1", "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("DATABASE_URL is not valid: write sqlite:///chat.db")
    assert "secret" not in done.stderr
    assert [*project.glob("*.db")] == []
