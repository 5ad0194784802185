"""The fake AgentCore Memory enforces what it says it does, as the real boto3 sees it."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_memory import FakeMemory
from fake_memory.events import MAX_EVENT_BYTES, MEMORY_ID
from fake_memory.requests import Refused, read
from fake_models.sdks import boto3, botocore_config

NOW = datetime(2026, 11, 25, 12, 0, 0, 123_000, UTC)
PLACE = {"memoryId": MEMORY_ID, "actorId": "ann", "sessionId": "one"}
PATH = f"/memories/{MEMORY_ID}"


@pytest.fixture
def memory() -> Iterator[FakeMemory]:
    with FakeMemory() as memory:
        yield memory


@pytest.fixture
def connect(memory: FakeMemory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make a client of boto3 that tries so often."""
    for name, value in memory.env().items():
        monkeypatch.setenv(name, value)

    def connect(attempts: int = 1) -> Any:
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = botocore_config.Config(retries=retries, read_timeout=0.5, connect_timeout=0.5)
        return boto3.client("bedrock-agentcore", region_name="eu-north-1", config=config)

    return connect


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect()


def create(client: Any, blob: object = "text", **options: Any) -> dict[str, Any]:
    parameters = {**PLACE, "eventTimestamp": NOW, "payload": [{"blob": blob}], **options}
    event: dict[str, Any] = client.create_event(**parameters)["event"]
    return event


def blobs(client: Any, **options: Any) -> list[Any]:
    events = client.list_events(**{**PLACE, **options})["events"]
    return [event["payload"][0]["blob"] for event in events]


def code_of(call: Callable[[], object]) -> str:
    """The code of the error that boto3 raises."""
    with pytest.raises(Exception, match="An error occurred") as caught:
        call()
    error: Any = caught.value
    code: str = error.response["Error"]["Code"]
    return code


def test_an_event_is_kept_until_it_is_deleted(client: Any) -> None:
    event = create(client, {"any": ["json", None]})
    there = {**PLACE, "eventId": event["eventId"]}
    assert event["eventTimestamp"] == NOW
    assert client.get_event(**there)["event"]["payload"] == [{"blob": {"any": ["json", None]}}]
    assert client.list_events(**PLACE)["events"][0]["eventId"] == event["eventId"]
    assert client.delete_event(**there)["eventId"] == event["eventId"]
    assert client.list_events(**PLACE)["events"] == []
    for operation in (client.get_event, client.delete_event):
        assert code_of(lambda call=operation: call(**there)) == "ResourceNotFoundException"  # type: ignore[misc]


def test_sessions_and_actors_share_nothing(client: Any) -> None:
    create(client, "mine")
    create(client, "other session", sessionId="two")
    create(client, "other actor", actorId="bob")
    assert blobs(client) == ["mine"]
    listed = client.list_sessions(memoryId=MEMORY_ID, actorId="ann")["sessionSummaries"]
    assert sorted(each["sessionId"] for each in listed) == ["one", "two"]
    assert client.list_sessions(memoryId=MEMORY_ID, actorId="eve")["sessionSummaries"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"sessionId": "s" * 101},
        {"sessionId": "-starts with no letter"},
        {"sessionId": "ümlaut"},
        {"actorId": "a" * 256},
        {"actorId": "two words"},
        {"metadata": {"name": {"stringValue": "x" * 257}}},
        {"payload": [{"conversational": {"role": "NOBODY", "content": {"text": "hello"}}}]},
        {"payload": [{"conversational": {"role": "USER", "content": {"text": "x" * 100_001}}}]},
        {"payload": [{"blob": "x"}] * 101},
    ],
    ids=str,
)
def test_what_the_model_of_the_service_forbids_is_refused(
    client: Any, memory: FakeMemory, wrong: dict[str, Any]
) -> None:
    assert code_of(lambda: create(client, **wrong)) == "ValidationException"
    assert memory.events.all == []


@pytest.mark.parametrize(
    "body",
    [
        {"actorId": "a", "payload": []},
        {"actorId": "a", "payload": [], "eventTimestamp": "yesterday"},
        {"actorId": "a", "payload": [{}], "eventTimestamp": 0},
        {"actorId": "a", "payload": [{"blob": "", "json": {"content": 0}}], "eventTimestamp": 0},
        {"actorId": "a", "payload": [], "eventTimestamp": 0, "unheard": "of"},
        {"actorId": 1, "payload": [], "eventTimestamp": 0},
    ],
    ids=str,
)
def test_what_boto3_itself_would_not_send_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read("POST", f"{PATH}/events", json.dumps(body).encode())


def test_a_page_has_one_to_a_hundred_events() -> None:
    path = f"{PATH}/actor/a/sessions/s"
    assert read("POST", path, b'{"maxResults": 100}')[1]["maxResults"] == 100
    for wrong in (b'{"maxResults": 0}', b'{"maxResults": 101}', b'{"maxResults": true}'):
        with pytest.raises(Refused):
            read("POST", path, wrong)


def test_another_memory_is_not_found_and_an_arn_is_an_id(client: Any) -> None:
    other = MEMORY_ID.replace("sessions", "others")
    assert code_of(lambda: create(client, memoryId=other)) == "ResourceNotFoundException"
    assert code_of(lambda: create(client, memoryId="no id at all")) == "ValidationException"
    arn = f"arn:aws:bedrock-agentcore:eu-north-1:123456789012:memory/{MEMORY_ID}"
    create(client, memoryId=arn)
    assert blobs(client) == ["text"]


def test_an_event_has_at_most_10_mb(client: Any, memory: FakeMemory) -> None:
    create(client, "x" * (MAX_EVENT_BYTES - 1_000))
    assert code_of(lambda: create(client, "x" * MAX_EVENT_BYTES)) == "ValidationException"
    assert len(memory.events.all) == 1


def test_events_come_in_pages_the_newest_first(client: Any, memory: FakeMemory) -> None:
    for n in range(45):
        create(client, n, eventTimestamp=NOW + timedelta(milliseconds=n))
    first = client.list_events(**PLACE)
    assert [event["payload"][0]["blob"] for event in first["events"]] == [*range(44, 24, -1)]
    second = client.list_events(**PLACE, nextToken=first["nextToken"], maxResults=100)
    assert [event["payload"][0]["blob"] for event in second["events"]] == [*range(24, -1, -1)]
    assert "nextToken" not in second
    memory.events.page = 7
    pages = [*client.get_paginator("list_events").paginate(**PLACE)]
    assert [len(page["events"]) for page in pages] == [7] * 6 + [3]


def test_payloads_can_be_left_out(client: Any) -> None:
    create(client)
    (event,) = client.list_events(**PLACE, includePayloads=False)["events"]
    assert "payload" not in event


def test_a_token_that_was_used_changes_nothing(client: Any) -> None:
    first = create(client, "first", clientToken="token")
    assert create(client, "second", clientToken="token")["eventId"] == first["eventId"]
    create(client, "third", clientToken="other")
    assert sorted(blobs(client)) == ["first", "third"]


def test_times_can_tie_and_then_tell_no_order(client: Any, memory: FakeMemory) -> None:
    memory.events.tick = 1_000
    for n in range(20):
        create(client, n, eventTimestamp=NOW + timedelta(milliseconds=n))
    assert blobs(client) != [*range(19, -1, -1)]
    assert sorted(blobs(client)) == [*range(20)]
    times = {event["eventTimestamp"] for event in client.list_events(**PLACE)["events"]}
    assert times == {NOW.replace(microsecond=0)}


def test_an_event_can_be_listed_late(client: Any, memory: FakeMemory) -> None:
    memory.events.delay = 0.5
    event = create(client)
    assert blobs(client) == []
    assert client.get_event(**PLACE, eventId=event["eventId"])["event"]["eventId"]
    time.sleep(0.5)
    assert blobs(client) == ["text"]


def test_calls_are_refused_on_order_and_counted(
    connect: Callable[..., Any], memory: FakeMemory
) -> None:
    memory.refuse("CreateEvent", 2)
    assert code_of(lambda: create(connect())) == "ThrottledException"
    create(connect(3))
    memory.refuse("ListEvents", code="ServiceException")
    assert code_of(lambda: blobs(connect())) == "ServiceException"
    assert blobs(connect()) == ["text"]
    assert memory.calls == {"CreateEvent": 3, "ListEvents": 2}


def test_calls_can_be_limited_by_their_rate(client: Any, memory: FakeMemory) -> None:
    memory.rates["CreateEvent"] = 5
    for _ in range(5):
        create(client)
    assert code_of(lambda: create(client)) == "ThrottledException"
    time.sleep(1.1)
    create(client)


def test_an_answer_can_be_lost_of_what_is_done(
    connect: Callable[..., Any], memory: FakeMemory
) -> None:
    memory.lose("CreateEvent")
    with pytest.raises(Exception, match="Connection was closed"):
        create(connect())
    assert blobs(connect()) == ["text"]
    memory.lose("CreateEvent", 2)
    create(connect(3), "again", clientToken="token")
    assert sorted(blobs(connect())) == ["again", "text"]
    assert memory.calls["CreateEvent"] == 4


def test_it_goes_away_and_comes_back_with_all_that_it_has(client: Any, memory: FakeMemory) -> None:
    create(client)
    memory.stop()
    with pytest.raises(Exception, match="Could not connect"):
        blobs(client)
    memory.start()
    assert blobs(client) == ["text"]
    memory.pause()
    with pytest.raises(Exception, match="Read timeout"):
        blobs(client)
    memory.resume()
    assert blobs(client) == ["text"]


def test_many_talk_to_it_at_once(client: Any, memory: FakeMemory) -> None:
    with ThreadPoolExecutor(16) as threads:
        [*threads.map(lambda n: create(client, n, sessionId=f"s{n % 4}"), range(64))]
    assert len({event.answer["eventId"] for event in memory.events.all}) == 64
    assert len(blobs(client, sessionId="s1")) == 16
