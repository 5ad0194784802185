"""A body is read no further than the longest valid one can be.

Point 12, input.
"""

import json
from collections.abc import Iterator

import pytest
from fake_models import FakeModels

from contract.client import SESSION, TENANT, Client, until
from contract.projects import CONTRACT, each
from contract.server import Server

pytestmark = [pytest.mark.real, each(CONTRACT)]

# in JSON this character takes twelve bytes, the most that any takes
EMOJI = "\N{PARTY POPPER}"
IDS = {"session_id": EMOJI * 256, "user_id": EMOJI * 1_024, "tenant_id": EMOJI * 256}
LONGEST = json.dumps({"prompt": EMOJI * 100_000, **IDS}).encode()
MEGABYTE = b"[]," * 350_000
MANY = 50
FLAT = 100_000_000  # bytes, for as many bodies of 20 MB: of each, 1.2 MB may be read


def megabytes(count: int) -> Iterator[bytes]:
    """A body in chunks, of which nobody says beforehand how long it is."""
    yield b'{"prompt": "hello", "x": ['
    for _ in range(count):
        yield MEGABYTE


def test_the_longest_request_is_answered(tight: Server, models: FakeModels) -> None:
    answer = tight.client.post(LONGEST)
    assert answer.status_code == 200
    assert models.requests[-1].messages[-1].texts == (EMOJI * 100_000,)


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_a_longer_body_is_refused(tight: Server, models: FakeModels, chunked: bool) -> None:
    body = megabytes(2) if chunked else b"".join(megabytes(2))
    answer = tight.client.post(body, {SESSION: b"too long"})
    assert (answer.status_code, list(answer.json())) == (413, ["error"])
    assert models.requests == []


def test_many_long_bodies_take_no_memory_and_hold_up_nobody(tight: Server) -> None:
    client = tight.client
    client.post(LONGEST)
    before = tight.resident(peak=True)
    uploads = [client.begin_post(megabytes(20), {SESSION: b"long-%d" % n}) for n in range(MANY)]
    while not all(upload.done() for upload in uploads):
        client.ping()
    assert {upload.result().status_code for upload in uploads} == {413}
    assert tight.resident(peak=True) - before < FLAT


def test_an_upload_that_vanishes_is_one_line_in_the_log(tight: Server) -> None:
    client = tight.client

    def lines() -> int:
        said = "A client left before its request was complete"
        return sum(record["text"] == said for record in tight.launcher_records())

    before, known = lines(), len(tight.launcher_records())
    written = len(tight.output("stderr"))
    for n in range(MANY):
        leave_half_way(client, f"vanishes-{n}")
    until(lambda: lines() == before + MANY)
    client.fence()
    new = [record["text"] for record in tight.launcher_records()[known:]]
    assert len([text for text in new if "HTTP 400" not in text]) == MANY
    assert "Traceback" not in tight.output("stderr")[written:]


def leave_half_way(client: Client, session: str) -> None:
    """Say that a body of 1,000 bytes comes, send a few of them and go."""
    with client.bare() as raw:
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\n{SESSION}: {session}\r\n"
        raw.sendall(f'{head}Content-Length: 1000\r\n\r\n{{"prompt": "h'.encode())


@pytest.mark.parametrize("name", [SESSION, "X-Amzn-Bedrock-AgentCore-Runtime-User-Id", TENANT])
def test_a_header_that_says_who_calls_comes_once(
    tight: Server, models: FakeModels, name: str
) -> None:
    for values in ([b"ann", b"bob"], [b"ann", b"ann"], [b"ann", b""]):
        answer = tight.client.post(b'{"prompt": "hello"}', [(name, value) for value in values])
        assert answer.status_code == 400
        assert name in answer.json()["error"]
    assert models.requests == []
