"""Sessions in AgentCore Memory outlive the process, under every framework.

The service is a fake that enforces botocore's model of it. What needs no framework is tested in
`machinery/test_agentcore_memory.py`.

Point 18, kept.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
from fake_memory import FakeMemory
from fake_models import FakeModels

from contract.client import Client, Reply, read_until, until
from contract.environments import python_of
from contract.projects import FRAMEWORKS, Variant, each
from contract.server import Server, serve
from contract.wire import conversation, roles

pytestmark = pytest.mark.real

STORE = "agentcore-memory"
# each framework once: in turns with JSON and streamed, with and without a transcript
VARIANTS = [
    Variant(framework, provider, stream=n % 2 == 1, transcript=n % 3 == 0, store=STORE)
    for n, (framework, provider) in enumerate(FRAMEWORKS.items())
]
JSON = VARIANTS[0]
STREAM = VARIANTS[3]
UNAVAILABLE = "The store of the sessions does not answer. Try again later. Request id: "
SECONDS = 5.0  # in which a turn is refused
MOMENTS = (0.2, 0.45, 0.9)  # seconds after its start, in which a server is killed
CLIENTS = 8
ADD = " <<tool=add_numbers:2:3>>"


@pytest.fixture(scope="session")
def the_memory() -> Iterator[FakeMemory]:
    """One for the servers that tests share."""
    with FakeMemory() as memory:
        yield memory


@pytest.fixture(scope="session")
def server(
    variant: Variant,
    model_server: FakeModels,
    the_memory: FakeMemory,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The project as it is."""
    folder = tmp_path_factory.mktemp(str(variant))
    environment = model_server.env(variant.provider) | the_memory.env()
    with serve(variant, folder, environment) as running:
        yield running


@pytest.fixture
def memory() -> Iterator[FakeMemory]:
    """An empty one, for servers that a test starts itself."""
    with FakeMemory() as memory:
        yield memory


Start = Callable[[], AbstractContextManager[Server]]


@pytest.fixture
def start(variant: Variant, models: FakeModels, memory: FakeMemory, tmp_path: Path) -> Start:
    """Start a server of the variant, which has that memory."""
    numbers = count(1)

    @contextmanager
    def start() -> Iterator[Server]:
        folder = tmp_path / f"server-{next(numbers)}"
        folder.mkdir()
        with serve(variant, folder, models.env(variant.provider) | memory.env()) as server:
            yield server

    return start


def bodies(memory: FakeMemory) -> str:
    """All that is in it, as text."""
    return json.dumps([event.answer for event in memory.events.all])


# Restart and kill.


@each(VARIANTS)
def test_a_server_that_starts_anew_recalls_all(start: Start, models: FakeModels) -> None:
    prompts = ["first", "add" + ADD, "thïrd 🎉", "fourth"]
    with start() as server:
        for prompt in prompts[:3]:
            assert server.client.ask(prompt, "recalled").status == 200
        server.process.kill()
    with start() as server:
        assert server.client.ask(prompts[3], "recalled").text == "turn 4: fourth"
        assert roles(models, "fourth") == [
            *("user", "assistant"),
            *("user", "assistant", "tool", "assistant"),
            *("user", "assistant", "user"),
        ]
        call = models.requests[-1].messages[3].tool_calls[0]
        assert (call.name, call.arguments) == ("add_numbers", {"a": 2, "b": 3})
        assert server.client.ask("fifth", "recalled").text == "turn 5: fifth"


class Talk:
    """What one client said in its session, and what was answered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answered: list[str] = []
        self.cut_off: list[str] = []
        self._numbers = count(1)

    def go_on(self, client: Client) -> None:
        """Talk until the server is gone."""
        while True:
            prompt = f"{next(self._numbers)} in {self.name}"
            try:
                reply = client.ask(prompt, self.name)
            except httpx.TransportError:
                self.cut_off.append(prompt)
                return
            assert reply.text.endswith(f": {prompt}"), reply
            self.answered.append(prompt)

    def check(self, client: Client, models: FakeModels) -> None:
        """See that every turn that was answered is there, once, in order, and none is half."""
        last = f"last in {self.name}"
        assert client.ask(last, self.name).error == ""
        sent = models.transcript(last)
        prompts = [text for role, text in sent if role == "user"]
        assert sent == conversation(prompts)
        kept = prompts[:-1]
        assert [prompt for prompt in kept if prompt not in self.cut_off] == self.answered[-100:]
        assert len(kept) == len({*kept})


@each(VARIANTS)
def test_a_server_that_is_killed_has_lost_no_turn_that_it_answered(
    start: Start, models: FakeModels
) -> None:
    talks = [Talk(f"session {n}") for n in range(CLIENTS)]
    for seconds in MOMENTS:
        with start() as server, ThreadPoolExecutor(CLIENTS) as threads:
            talking = [threads.submit(talk.go_on, server.client) for talk in talks]
            time.sleep(seconds)
            server.process.kill()
            for each_one in talking:
                each_one.result()
    models.clear()
    with start() as server:
        for talk in talks:
            talk.check(server.client, models)


@each([JSON])
def test_what_is_listed_late_is_not_forgotten(
    start: Start, memory: FakeMemory, models: FakeModels
) -> None:
    memory.events.delay = 3_600.0
    with start() as server:
        for n in range(5):
            assert server.client.ask(f"{n}", "late").text == f"turn {n + 1}: {n}"
        assert len(server.client.said("late")) == 10
        assert server.client.act("forget", "late")["messages"] == 10
        assert server.client.ask("new", "late").text == "turn 1: new"
        assert server.client.said("late") == [("user", "new"), ("assistant", "turn 1: new")]
    memory.events.delay = 0.0
    with start() as server:
        assert server.client.ask("newer", "late").text == "turn 2: newer"
        assert models.transcript("newer") == conversation(["new", "newer"])


# Whose session it is.


@each(VARIANTS)
def test_a_session_is_that_of_its_user(
    variant: Variant, client: Client, the_memory: FakeMemory
) -> None:
    name = f"whose {variant}"
    for user in ("ann", "bob", None):
        for tenant in ("one", "two", None):
            reply = client.ask("hello", name, user=user, tenant=tenant)
            assert reply.text == "turn 1: hello"
    reply = client.ask("again", name, user="ann", tenant="one")
    assert reply.text == "turn 2: again"
    places = {event.place for event in the_memory.events.all if name in str(event.answer)}
    assert len({actor for actor, _ in places}) == len(places) == 9


@each(VARIANTS)
def test_a_turn_without_a_session_is_not_kept(client: Client, the_memory: FakeMemory) -> None:
    before = len(the_memory.events.all), the_memory.calls.total()
    for _ in range(2):
        assert client.ask("secret").text == "turn 1: secret"
    assert (len(the_memory.events.all), the_memory.calls.total()) == before


# What goes wrong.


def is_refused(reply: Reply, variant: Variant) -> bool:
    """Whether the caller was told that the store does not answer."""
    status = 200 if variant.stream else 503
    return reply.status == status and reply.error.startswith(UNAVAILABLE)


@contextmanager
def stopped(memory: FakeMemory) -> Iterator[None]:
    memory.stop()
    yield
    memory.start()


@contextmanager
def hanging(memory: FakeMemory) -> Iterator[None]:
    memory.pause()
    yield
    memory.resume()


@contextmanager
def throttled(memory: FakeMemory) -> Iterator[None]:
    memory.refuse("ListEvents", 1_000)
    yield
    memory.refuse("ListEvents", 0)


@contextmanager
def forbidden(memory: FakeMemory) -> Iterator[None]:
    memory.refuse("ListEvents", 1_000, "AccessDeniedException")
    yield
    memory.refuse("ListEvents", 0)


@each([JSON, STREAM])
@pytest.mark.parametrize("way", [stopped, hanging, throttled, forbidden])
def test_turns_are_refused_while_the_service_does_not_answer(
    variant: Variant,
    client: Client,
    the_memory: FakeMemory,
    models: FakeModels,
    way: Callable[[FakeMemory], AbstractContextManager[None]],
) -> None:
    known, new = (f"{state} {way.__name__} {variant}" for state in ("known", "new"))
    assert client.ask("before", known).text == "turn 1: before"
    with way(the_memory):
        begun = time.monotonic()
        refused = [client.begin("now", name) for name in (known, new)]
        while not all(reply.done() for reply in refused):
            pinged = time.monotonic()
            client.ping()
            assert time.monotonic() - pinged < 1
            time.sleep(0.1)
        assert time.monotonic() - begun < SECONDS
        assert all(is_refused(reply.result(), variant) for reply in refused)
        assert client.ask("alone").text == "turn 1: alone"
    assert client.ask("after", known).text == "turn 2: after"
    assert models.transcript("after") == conversation(["before", "after"])
    assert client.ask("after", new).text == "turn 1: after"


@each([JSON, STREAM])
def test_a_turn_that_cannot_be_kept_is_not_answered_as_if_it_were(
    variant: Variant, server: Server, the_memory: FakeMemory, models: FakeModels
) -> None:
    client, name = server.client, f"unkept {variant}"
    assert client.ask("before", name).text == "turn 1: before"
    the_memory.refuse("CreateEvent", 1, "AccessDeniedException")
    records = len(server.records())
    reply = client.ask("secret now", name)
    assert is_refused(reply, variant)
    assert reply.text == ("turn 2: secret now" if variant.stream else "")
    # those who run it are told why
    new = server.records()[records:]
    (record,) = [each for each in new if "AccessDenied" in each["message"]]
    assert record["level"] == "ERROR"
    assert "secret" not in server.output("stderr")
    assert client.ask("after", name).text == "turn 2: after"
    assert models.transcript("after") == conversation(["before", "after"])


@each(VARIANTS)
def test_throttled_and_lost_calls_are_made_again(
    variant: Variant, client: Client, the_memory: FakeMemory
) -> None:
    name = f"again {variant}"
    disturb: list[Callable[[], None]] = [
        lambda: the_memory.refuse("ListEvents"),
        lambda: the_memory.refuse("CreateEvent"),
        lambda: the_memory.refuse("CreateEvent", code="RetryableConflictException"),
        lambda: the_memory.lose("CreateEvent"),
        lambda: the_memory.lose("ListEvents"),
        lambda: None,
    ]
    for turn, once in enumerate(disturb, 1):
        once()
        assert client.ask("hello", name).text == f"turn {turn}: hello"
    kept = [event for event in the_memory.events.all if name in str(event.answer["payload"])]
    assert len(kept) == 6


class WithLargeResults(Variant):
    """A project whose tool says as much as it is asked for, and more than an event can hold."""

    def files(self) -> dict[str, str]:
        files = super().files()
        of_tool = "return a + b"
        assert of_tool in files["agent.py"]
        return files | {"agent.py": files["agent.py"].replace(of_tool, "return int(a) * 'x'")}


@each([JSON])
def test_a_turn_that_is_too_large_fails_plainly(
    variant: Variant, models: FakeModels, memory: FakeMemory, tmp_path: Path
) -> None:
    of_variant = {name: getattr(variant, name) for name in Variant.__slots__}
    environment = models.env(variant.provider) | memory.env()
    with serve(WithLargeResults(**of_variant), tmp_path, environment) as server:
        assert server.client.ask("before", "large").status == 200
        reply = server.client.ask("much <<tool=add_numbers:4000000:0>>", "large")
        assert reply.status == 502
        assert reply.error.startswith("The turn is too large to be kept. Request id: ")
        assert len(memory.events.all) == 1
        assert server.client.ask("after", "large").text == "turn 2: after"
        assert models.transcript("after") == conversation(["before", "after"])


DAMAGED = ("nonsense", {"not": "a text"}, "[]\n\n", '{"number": 1}\n\n', "{\n{\n[]", "")


@each([JSON, VARIANTS[1]])
def test_a_damaged_event_is_refused_and_harms_no_other_session(
    variant: Variant, start: Start, memory: FakeMemory
) -> None:
    harmed = [f"harmed {n}" for n in range(len(DAMAGED))]
    with start() as server:
        for session in ("other", *harmed):
            for prompt in ("one", "two"):
                server.client.ask(prompt, session, user="ann")
    events = memory.events.all[2::2]
    for event, blob in zip(events, DAMAGED, strict=True):
        event.answer["payload"] = [{"blob": blob}]
    before = bodies(memory)
    with start() as server:
        for session in harmed:
            reply = server.client.ask("three", session, user="ann")
            assert reply.status == (200 if variant.stream else 500)
            assert reply.error.startswith("What is kept of this session cannot be read")
        assert bodies(memory) == before
        assert server.client.ask("three", "other", user="ann").text == "turn 3: three"
        if variant.transcript:
            listed = server.client.act("sessions", None, user="ann")["sessions"]
            assert {each["session_id"] for each in listed} == {"other", *harmed}
            assert server.client.try_to_act("history", harmed[0], user="ann").status_code == 500
            assert server.client.act("forget", harmed[0], user="ann")["forgotten"]
            assert server.client.ask("new", harmed[0], user="ann").text == "turn 1: new"


# Forgetting, and what is set.


@each([JSON])
def test_a_forgotten_session_is_forgotten_though_the_process_dies_at_once(
    start: Start, memory: FakeMemory
) -> None:
    with start() as server:
        for n in range(12):
            server.client.ask(f"secret {n}", "forgotten", user="ann")
        server.client.ask("hello", "kept", user="ann")
        assert server.client.act("forget", "forgotten", user="ann")["messages"] == 24
        server.process.kill()
    assert len(memory.events.all) > 2
    with start() as server:
        assert server.client.said("forgotten", user="ann") == []
        listed = server.client.act("sessions", None, user="ann")["sessions"]
        assert [each["session_id"] for each in listed] == ["kept"]
        assert server.client.ask("new", "forgotten", user="ann").text == "turn 1: new"
        # the rest is deleted beside the turns
        until(lambda: "secret" not in bodies(memory))
        assert server.client.ask("newer", "forgotten", user="ann").text == "turn 2: newer"
        assert server.client.act("forget", "unknown", user="ann")["messages"] == 0


@each([JSON])
@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({}, "MEMORY_ID is not set: write the id of the memory that keeps sessions."),
        (
            {"MEMORY_ID": "sessions"},
            "MEMORY_ID must be the id or the ARN of a memory, not 'sessions'.",
        ),
        (
            {"MEMORY_ID": "sessions-0123456789", "SESSION_TTL_HOURS": "24"},
            "SESSION_TTL_HOURS must not be set: the memory itself deletes old turns.",
        ),
    ],
    ids=["no id", "no valid id", "hours"],
)
def test_what_cannot_be_ends_the_start_in_one_line(
    variant: Variant, tmp_path: Path, environment: dict[str, str], line: str
) -> None:
    project = variant.write(tmp_path / "project")
    done = subprocess.run(
        [python_of(variant.framework), "main.py"],
        cwd=project,
        env={"HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, f"{line}\n")


@each([STREAM])
@pytest.mark.parametrize("memory_id", ["", "sessions-0123456789"])
def test_offline_it_needs_no_memory(
    variant: Variant, memory: FakeMemory, tmp_path: Path, memory_id: str
) -> None:
    environment = memory.env() | {"AGENT_OFFLINE": "1", "MEMORY_ID": memory_id}
    with serve(variant, tmp_path, environment) as server:
        for turn in (1, 2):
            assert server.client.ask("hello", "s").text.startswith(f"Offline reply {turn}")
    assert len(memory.events.all) == (2 if memory_id else 0)


@each([STREAM])
def test_the_first_token_does_not_wait_for_what_comes_after(
    variant: Variant, client: Client, models: FakeModels, the_memory: FakeMemory
) -> None:
    name = f"token {variant}"
    client.ask("before", name)
    with client.connection("hello <<chunks=40>> <<hold-after=9,gate>>", name) as raw:
        read_until(raw, b'"turn"')
        with hanging(the_memory):
            models.release("gate")
            read_until(raw, b"word40")
    until(lambda: client.ask("after", name).text == "turn 3: after")
