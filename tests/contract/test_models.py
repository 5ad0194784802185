"""What each model's client does beside answering: its connections, its retries, its log.

Point 13, failure.
Point 16, cheap, and nobody waits for another.
"""

import logging

import pytest
from fake_models import FakeModels
from fake_models.environment import KEY

from contract.client import Client
from contract.projects import PAIRS, Variant, each
from contract.server import Server

pytestmark = pytest.mark.real

# the model is made the same way, streamed or not
WHOLE = [variant for variant in PAIRS if not variant.stream]
PRIVATE = "PRIVATE-PROMPT"


# (Strands has OpenAI stream always, and OpenAI's SDK gives up the connection of a stream)
@each(
    [variant for variant in WHOLE if (variant.framework, variant.provider) != ("strands", "openai")]
)
def test_its_connection_is_kept(server: Server) -> None:
    server.client.ask("hello", "kept")
    before = len(server.connections())
    for n in range(10):
        server.client.ask(f"hello {n}", "kept")
    assert len(server.connections()) - before <= 2


@each(WHOLE)
@pytest.mark.parametrize("cause", ["<<fail=500>>", "<<fail=429>>"])
def test_a_model_that_fails_is_asked_again(
    client: Client, models: FakeModels, variant: Variant, cause: str
) -> None:
    assert "could not answer" in client.ask(f"bad {cause}", "again").error
    # what lies between the Agents SDK and Gemini has no retries
    expected = 1 if (variant.framework, variant.provider) == ("openai", "gemini") else 3
    assert len(models.requests) == expected


@each(WHOLE)
def test_its_log_has_nothing_private_and_no_warning(tight: Server) -> None:
    before = len(tight.launcher_records())
    for tool in ("<<tool=add_numbers:2:3>>", ""):
        assert tight.client.ask(f"{PRIVATE} {tool}", "private").error == ""
    records = tight.launcher_records()[before:]
    assert records
    assert [r for r in records if r["level"] >= logging.WARNING] == []
    told = [r for r in records if any(text in r["text"] for text in (PRIVATE, "tool said", KEY))]
    assert told == []
    assert "could not answer" in tight.client.ask("bad <<fail=400>>", "private").error
    assert tight.printed() == ""
