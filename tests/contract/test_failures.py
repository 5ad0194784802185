"""A failure is told to the caller in plain words, and to the log with its cause.

Point 13, failure.
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_models.behaviour import SECRET
from fake_models.environment import KEY

from contract.client import Reply, until
from contract.projects import CONTRACT, PROVIDERS, Variant, each
from contract.server import Server, serve, turns_of
from contract.stores import Store

pytestmark = [pytest.mark.real, each(CONTRACT)]

SENTENCE = re.compile(r"[A-Z][a-z ]+\. Request id: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
# each is a 502, except what never ends
CAUSES = {
    "error": "<<fail=500>>",
    "refused": "<<fail=400>>",
    "hang-up": "<<hangup>>",
    "error within the reply": "<<error-after=1>> <<hangup-after=1>>",
    "error after a tool": "<<tool-then-fail=add_numbers:2:3>>",
    "empty": "<<empty>>",
}
PRIVATE = "PRIVATE-PROMPT"


def request_id(reply: Reply) -> str:
    """The id in a failure that says nothing but a plain sentence and that id."""
    match = SENTENCE.fullmatch(reply.error)
    assert match, reply.body
    return match[1]


def status(server: Server, wanted: int) -> int:
    """A stream has begun before anything can fail."""
    return 200 if server.variant.stream else wanted


def test_a_failure_is_a_plain_sentence(server: Server) -> None:
    prompts = [(f"{PRIVATE} {cause}", f"plain {name}") for name, cause in CAUSES.items()]
    replies = server.client.together(prompts)
    assert {reply.status for reply in replies} == {status(server, 502)}
    ids = {request_id(reply) for reply in replies}
    assert len(ids) == len(replies)
    logged = [record for record in server.records() if record.get("requestId") in ids]
    assert {r["requestId"] for r in logged if r["level"] == "ERROR" and "stackTrace" in r} == ids
    assert any(SECRET in r.get("errorMessage", "") for r in logged)


def test_a_turn_over_its_time_is_a_504(tight: Server) -> None:
    with turns_of(tight, seconds=0.5):
        reply = tight.client.ask(f"{PRIVATE} <<hold=gate>>", "late")
    assert reply.status == status(tight, 504)
    assert request_id(reply) in {r.get("requestId") for r in tight.records()}
    assert "too long" in reply.error


def test_nothing_private_is_logged(tight: Server) -> None:
    client = tight.client
    client.ask(f"{PRIVATE} <<tool=add_numbers:2:3>>", "private")
    client.ask(f"{PRIVATE} more", "private")
    client.together([(f"{PRIVATE} {cause}", f"private {n}") for n, cause in enumerate(CAUSES)])
    client.together([(f"{PRIVATE} {cause}", f"private {n}") for n, cause in CAUSES.items()])
    client.post(b'{"prompt": "PRIVATE-PROMPT')
    client.post(b'{"prompt": ["PRIVATE-PROMPT"]}')
    client.fence()
    records = [r for r in tight.launcher_records() if r["level"] < logging.ERROR]
    assert records
    leaks = [r for r in records if any(text in r["text"] for text in (PRIVATE, "turn 2", KEY))]
    assert leaks == []
    # what is printed has no level, and is not wanted at all
    assert tight.printed() == ""
    plain = [r for r in tight.records() if r["level"] != "ERROR"]
    assert [r for r in plain if PRIVATE in str(r)] == []


def test_a_missing_key_is_named_at_the_start_and_in_the_log_alone(
    variant: Variant, new_store: Callable[[Variant, Path], Store], tmp_path: Path
) -> None:
    environment, store = {"AWS_EC2_METADATA_DISABLED": "true"}, new_store(variant, tmp_path)
    with serve(variant, tmp_path, environment, store=store) as server:
        reply = server.client.ask("hello", "no key")
        assert reply.status == status(server, 500)
        request_id(reply)
        until(lambda: server.client.ping() == "Healthy")
        variable = PROVIDERS[variant.provider].api_key_variable or "AWS_ACCESS_KEY_ID"
        named = [r["message"] for r in server.records() if variable in str(r)]
        assert len(named) == 1
        assert variable not in reply.error
        missing = f"No API key: set {variable}" if "_API_" in variable else "the AWS configuration"
        assert missing in server.answered_by()
