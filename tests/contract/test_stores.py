"""Where sessions are kept, by transcripts and without: more than one server, limits, settings.

Point 18, kept.
"""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path

import pytest
from fake_models import FakeModels

from contract.client import Client, until
from contract.environments import python_of
from contract.projects import ALTERNATING, DATABASES, TRANSCRIPTS, Variant
from contract.server import Server, serve
from contract.stores import InMemory, Store, turns
from contract.wire import conversation

pytestmark = pytest.mark.real

# of what is the same in all frameworks, one with each kind of store
ON_EACH = [next(each for each in ALTERNATING if each.store == store) for store in DATABASES]
_, IN_POSTGRES = ON_EACH
IN_MEMORY = next(variant for variant in TRANSCRIPTS if not variant.keeps)
# of the first turn of a session
CHANGE = """
    UPDATE agent_turns SET {change} WHERE number = 1
    AND session_key = (SELECT session_key FROM agent_sessions WHERE session_id = '{session}')
"""
# of a session of one turn, in which somebody said hello, 4,999 more with much longer prompts
LONG = """
    INSERT INTO agent_turns {numbers}
    SELECT session_key, n, row_id, body, replace(said, 'hello', '{text}') FROM n, agent_turns
"""
LONG_SESSION = "UPDATE agent_sessions SET turns = 5000, messages = 10000"
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)",
    "postgres": "WITH n(n) AS (SELECT generate_series(2, 5000))",
}
Start = Callable[..., AbstractContextManager[Server]]


def under(variants: list[Variant]) -> pytest.MarkDecorator:
    """Run a test for each of these, without a server that it shares with others."""
    return pytest.mark.parametrize("variant", variants, ids=str, indirect=True)


@pytest.fixture
def start(
    models: FakeModels,
    variant: Variant,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> Start:
    """Start a server of the variant, or of a project like it; all have one store."""
    numbers, store = count(1), new_store(variant, tmp_path)

    @contextmanager
    def start(project: Variant = variant, **environment: str) -> Iterator[Server]:
        folder = tmp_path / f"server-{next(numbers)}"
        folder.mkdir()
        with serve(project, folder, models.env(variant.provider) | environment, store=store) as one:
            yield one

    return start


@under(ALTERNATING)
def test_a_session_outlives_its_server(start: Start, models: FakeModels) -> None:
    with start() as server:
        for prompt in ("one", "add <<tool=add_numbers:2:3>>", "refused <<fail=400>>"):
            server.client.ask(prompt, "outlives")
        said = server.client.act("history", "outlives")
        assert len(said["messages"]) == 6
    with start() as server:
        client = server.client
        assert client.act("history", "outlives") == said
        assert client.act("status", "outlives")["status"] == "failed"
        assert client.ask("three", "outlives").text == "turn 3: three"
        roles = [role for role, _ in models.transcript("three")]
        assert roles == ["user", "assistant", "user", "assistant", "tool", "assistant", "user"]
        after = client.act("history", "outlives")["messages"]
        assert after[:-2] == said["messages"]
        assert len({message["conversation_id"] for message in after}) == 1
        (line,) = client.act("sessions", "outlives")["sessions"]
        assert line["first_line"] == "one"


@under(ON_EACH)
def test_two_servers_share_a_store(start: Start, models: FakeModels) -> None:
    sessions = [f"s{n}" for n in range(8)]
    with start() as one, start() as two, ThreadPoolExecutor(len(sessions)) as threads:
        for turn in range(1, 7):

            def ask(n: int, turn: int = turn) -> str:
                server = (one, two)[(n + turn) % 2]
                return server.client.ask(f"{turn} in s{n}", f"s{n}").text

            texts = [*threads.map(ask, range(len(sessions)))]
            assert texts == [f"turn {turn}: {turn} in {session}" for session in sessions]
        prompts = [f"{turn} in s3" for turn in range(1, 7)]
        assert models.transcript("6 in s3") == conversation(prompts)
        for session in sessions:
            whole = one.client.said(session)
            assert whole == two.client.said(session)
            assert len(whole) == 12
        # what is forgotten on one is in no memory of the other
        assert one.client.act("forget", "s3")["messages"] == 12
        assert two.client.said("s3") == []
        assert two.client.act("status", "s3")["status"] == "idle"
        assert two.client.ask("anew", "s3").text == "turn 1: anew"
        assert one.client.said("s3") == two.client.said("s3")
        assert len(two.client.said("s4")) == 12


@under(ON_EACH)
def test_a_damaged_row_harms_no_other_session(start: Start) -> None:
    with start() as server:
        client: Client = server.client
        for session in ("no body", "no words", "other"):
            for prompt in ("one", "two"):
                client.ask(prompt, session)
        # an own row each: the one is what the agent remembers by, the other what people read
        damage(server, "no body", "body = '{'")
        damage(server, "no words", "said = '{'")
    with start() as server:
        client = server.client
        sentence = "What is kept of this session cannot be read by this agent. Use another session."
        for _ in range(2):  # it is left as it is
            refused = client.ask("three", "no body")
            assert refused.status == (200 if server.variant.stream else 500)
            assert refused.error.startswith(sentence)
        assert [text for _, text in client.said("no body")][:3] == ["one", "turn 1: one", "two"]
        unreadable = client.try_to_act("history", "no words")
        assert (unreadable.status_code, unreadable.json()) == (500, {"error": sentence})
        assert client.ask("three", "no words").text == "turn 3: three"
        assert client.ask("three", "other").text == "turn 3: three"
        assert len(client.said("other")) == 6
        assert client.act("forget", "no body")["messages"] == 4
        assert client.ask("anew", "no body").text == "turn 1: anew"
        assert turns(server.database, "no words")[0].said == "{"


def damage(server: Server, session: str, change: str) -> None:
    """Change the first row of a session; by another program, while the server is there."""
    server.database.execute(CHANGE.format(change=change, session=session))


@under(ON_EACH)
def test_ten_thousand_messages_are_paged_in_little_memory(start: Start) -> None:
    with start() as server:
        client: Client = server.client
        client.ask("hello", "long")
        numbers = NUMBERS[server.variant.store]
        server.database.execute(LONG.format(numbers=numbers, text="x" * 5_000))
        server.database.execute(LONG_SESSION)
        client.act("history", "long", limit=100)
        before, pages = server.resident(), 1
        page = client.act("history", "long", limit=100)
        seen = len(page["messages"])
        while page["before"]:
            page = client.act("history", "long", limit=100, before=page["before"])
            assert len(page["messages"]) <= 100
            seen += len(page["messages"])
            pages += 1
        assert (seen, pages) == (10_000, 100)
        # all of it would be 50 MB, and several times that as objects
        assert server.resident() - before < 20_000_000
        assert client.ask("again", "long").text == "turn 101: again"


@under([IN_MEMORY])
def test_the_limits_hold_without_a_store(start: Start) -> None:
    with start() as server:
        client: Client = server.client
        for turn in range(1, 106):
            client.ask(str(turn), "long", user="limits")
        prompts = [text for role, text in client.said("long", user="limits") if role == "user"]
        assert prompts == [str(turn) for turn in range(6, 106)]
        for n in range(127):
            client.ask("hello", f"s{n}", user="limits")
        assert len(client.said("long", user="limits")) == 200
        client.ask("hello", "one more", user="limits")
        assert client.said("long", user="limits") == []
        assert len(client.said("s0", user="limits")) == 2
        client.ask("again", "s0", user="limits")
        client.ask("hello", "yet one more", user="limits")
        assert len(client.said("s0", user="limits")) == 4
        assert client.said("s1", user="limits") == []
        assert len(client.act("sessions", None, user="limits", limit=100)["sessions"]) == 100


# what its owner writes, and how main.py comes to it
ARCHIVE = """
import json


async def archive(key, messages):
    with open(f"{key.session}.jsonl", "a") as file:
        async for message in messages:
            file.write(json.dumps([message.role, message.message]) + "\\n")
"""


class WithArchive(Variant):
    """A project that archives what expires."""

    def files(self) -> dict[str, str]:
        files = super().files()
        made = "transcripts = Transcripts(sessions, kept)"
        assert files["main.py"].count(made) == 1
        main = files["main.py"].replace(made, f"{made[:-1]}, archive)")
        return files | {"main.py": f"from archive import archive\n{main}", "archive.py": ARCHIVE}


@under([IN_MEMORY, *ON_EACH])
def test_what_expires_is_archived_and_what_is_forgotten_is_not(
    start: Start, variant: Variant
) -> None:
    with start(WithArchive(**asdict(variant))) as server:
        client: Client = server.client
        archived = server.folder / "project" / "old.jsonl"
        for session in ("old", "forgotten", "old"):
            client.ask("hello", session)
        said = client.said("old")
        client.act("forget", "forgotten")
        if variant.keeps:
            server.database.execute("UPDATE agent_sessions SET last_used = last_used - 86401")
        else:
            server.process.terminate()
            server.process.wait(timeout=60)
    if variant.keeps:
        with start(WithArchive(**asdict(variant))) as server:
            archived = server.folder / "project" / "old.jsonl"
            # nobody is in line for it, so that it may take a moment
            assert server.client.ask("hello", "young").text == "turn 1: hello"
            until(lambda: server.client.said("old") == [])
            assert len(server.client.said("young")) == 2
    assert [*archived.parent.glob("*.jsonl")] == [archived]
    lines = archived.read_text().splitlines()
    assert lines == [f'["{role}", "{text}"]' for role, text in said]
    assert len(lines) == 4


@under([replace(variant, transcript=False) for variant in ON_EACH])
def test_a_project_without_a_transcript_keeps_as_well(start: Start) -> None:
    for turn in (1, 2):
        with start() as server:
            assert server.client.ask("hello", "kept").text == f"turn {turn}: hello"
    (first, _) = turns(server.database, "kept")
    assert (first.number, first.said) == (1, "[]")
    # nor does anything expire, unless it is asked for
    server.database.execute("UPDATE agent_sessions SET last_used = 0")
    with start() as server:
        assert server.client.ask("hello", "kept").text == "turn 3: hello"
        server.database.execute("UPDATE agent_sessions SET last_used = 0")
        assert server.client.ask("hello", "other").text == "turn 1: hello"
    with start(SESSION_TTL_HOURS="1") as server:
        server.client.ask("hello", "another")
        until(lambda: turns(server.database, "kept") == [])
        assert server.client.ask("hello", "kept").text == "turn 1: hello"


@under(ON_EACH)
def test_where_sessions_are_kept_can_stand_in_the_env_file(
    variant: Variant,
    models: FakeModels,
    new_store: Callable[[Variant, Path], Store],
    tmp_path: Path,
) -> None:
    store = new_store(variant, tmp_path)
    ((name, value),) = store.environment.items()

    class WithEnvFile(Variant):
        def files(self) -> dict[str, str]:
            return {**super().files(), ".env": f"{name}={value}\n"}

    named = WithEnvFile(**asdict(variant))
    with serve(named, tmp_path, models.env(variant.provider)) as server:
        server.client.ask("hello", "s")
        assert not isinstance(store, InMemory)
        assert len(turns(store, "s")) == 1


def refused(variant: Variant, folder: Path, **environment: str) -> str:
    """The one line with which a start ends."""
    project = variant.write(folder / "project")
    done = subprocess.run(
        [python_of(variant.framework), "main.py"],
        cwd=project,
        env={"HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "secret" not in line
    return line


@under([IN_POSTGRES])
@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:secret@h/d",
        "sqlite:///secret.db",
        "postgresql://h:secret/d",
        "postgresql://u:secret@h/d?nonsense=secret",
        "postgresql://u:secret@h/d?sslmode=secret",
        "postgresql://u:secret@h:99999/d",
    ],
)
def test_an_address_that_is_none_ends_the_start_in_one_line(
    variant: Variant, tmp_path: Path, url: str
) -> None:
    line = refused(variant, tmp_path, AGENT_OFFLINE="1", DATABASE_URL=url)
    assert line.startswith(
        "DATABASE_URL is not valid: write postgresql://user:password@host/database"
    )
    assert [*(tmp_path / "project").glob("*.db")] == []


@under([IN_POSTGRES])
def test_a_missing_address_ends_the_start_in_one_line(variant: Variant, tmp_path: Path) -> None:
    assert refused(variant, tmp_path).startswith("DATABASE_URL is not set: write where to keep")
