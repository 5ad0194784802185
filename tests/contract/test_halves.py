"""Half a character in what a model says is replaced, sent and kept; the session goes on."""

import pytest
from fake_models import FakeModels

from contract.client import Client
from contract.projects import PAIRS, each

pytestmark = [pytest.mark.real, each(PAIRS)]

SAID = {
    "a half": (r'["Half ", "\ud83c", " of it"]', "Half \N{REPLACEMENT CHARACTER} of it"),
    "the other half": (r'["\udf89"]', "\N{REPLACEMENT CHARACTER}"),
    "a half at the end": (r'["end ", "\ud83c"]', "end \N{REPLACEMENT CHARACTER}"),
    "a pair in two pieces": (r'["both ", "\ud83c", "\udf89"]', "both \N{PARTY POPPER}"),
}


@pytest.mark.parametrize("session", SAID)
def test_a_reply_with_half_a_character(client: Client, models: FakeModels, session: str) -> None:
    said, heard = SAID[session]
    reply = client.ask(f"say <<reply={said}>>", session)
    assert (reply.status, reply.text, reply.error) == (200, heard, "")
    for delta in reply.deltas:
        delta.encode()
    assert client.ask("after", session).text == "turn 2: after"
    assert models.transcript("after")[1] == ("assistant", heard)


def test_a_tool_call_with_half_a_character(client: Client, models: FakeModels) -> None:
    reply = client.ask(r'add <<tool=add_numbers:"\ud83c":2>>', "half a call")
    after = client.ask("after", "half a call")
    assert after.text == f"turn {1 if reply.error else 2}: after"
    assert [role for role, _ in models.transcript("after")][-1] == "user"
