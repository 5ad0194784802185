"""What is not a request for a turn is refused, and touches nothing.

Point 12, input.
"""

import json

import pytest
from fake_models import FakeModels

from contract.client import SESSION, TENANT, USER
from contract.launcher import MAX_SESSIONS
from contract.projects import CONTRACT, each
from contract.server import Server

pytestmark = [pytest.mark.real, each(CONTRACT)]

GOOD = b'{"prompt": "hello"}'
LONG_ID = b"x" * 257
BODIES = {
    "an empty list": b"[]",
    "a list": b'[{"prompt": "hello"}]',
    "a string": b'"hello"',
    "null": b"null",
    "a number": b"7",
    "true": b"true",
    "no prompt": b"{}",
    "another field": b'{"input": "hello"}',
    "a null prompt": b'{"prompt": null}',
    "a numeric prompt": b'{"prompt": 7}',
    "a list as prompt": b'{"prompt": ["hello"]}',
    "an object as prompt": b'{"prompt": {"text": "hello"}}',
    "an empty prompt": b'{"prompt": ""}',
    "a blank prompt": b'{"prompt": " \\n\\t\\u00a0\\u3000"}',
    "a long prompt": json.dumps({"prompt": "x" * 100_001}).encode(),
    "a lone surrogate": b'{"prompt": "hello \\ud800"}',
    "a list as user": b'{"prompt": "hello", "user_id": ["alice"]}',
    "a numeric user": b'{"prompt": "hello", "user_id": 7}',
    "a null user": b'{"prompt": "hello", "user_id": null}',
    "an empty user": b'{"prompt": "hello", "user_id": ""}',
    "an invisible user": b'{"prompt": "hello", "user_id": "a\\u0000b"}',
    "a broken user": b'{"prompt": "hello", "user_id": "\\ud800"}',
    "a long user": json.dumps({"prompt": "hello", "user_id": "x" * 1_025}).encode(),
    "an empty tenant": b'{"prompt": "hello", "tenant_id": ""}',
    "an object as tenant": b'{"prompt": "hello", "tenant_id": {}}',
    "a long tenant": json.dumps({"prompt": "hello", "tenant_id": "x" * 257}).encode(),
    "a numeric session": b'{"prompt": "hello", "session_id": 7}',
    "a null session": b'{"prompt": "hello", "session_id": null}',
    "an object as session": b'{"prompt": "hello", "session_id": {}}',
    "an invisible session": b'{"prompt": "hello", "session_id": "a\\u0000b"}',
    "a broken session": b'{"prompt": "hello", "session_id": "\\ud800"}',
    "a long session": json.dumps({"prompt": "hello", "session_id": "x" * 257}).encode(),
    "no JSON": b"hello",
    "half a JSON": b'{"prompt": "hel',
    "two JSONs": b'{"prompt": "hello"}{}',
    "nothing": b"",
    "no UTF-8": b'{"prompt": "\xff\xfe"}',
    "deep nesting": b"[" * 100_000,
    "deep nesting beside the prompt": b'{"prompt": "hello", "x": ' + b"[" * 100_000 + b"}",
    "a number of 5,000 digits": b"9" * 5_000,
    "a number of 5,000 digits beside the prompt": b'{"prompt": "a", "x": %s}' % (b"9" * 5_000),
}
HEADERS = {
    "a long session header": {SESSION: LONG_ID},
    "an invisible session header": {SESSION: b"a\xadb"},
    "a long user header": {USER: b"x" * 1_025},
    "an invisible user header": {USER: b"a\xadb"},
    "a long tenant header": {TENANT: LONG_ID},
    "an invisible tenant header": {TENANT: b"a\xadb"},
}
OTHER_SESSION = b'{"prompt": "hello", "session_id": "bystander-0"}'
REFUSED: dict[str, tuple[bytes, dict[str, bytes]]] = {
    **{name: (body, {}) for name, body in BODIES.items()},
    # there is a session header else
    **{f"{name} alone": (BODIES[name], {SESSION: b""}) for name in BODIES if "session" in name},
    "another session than the header's": (OTHER_SESSION, {}),
    "another case of the session": (OTHER_SESSION, {SESSION: b"Bystander-0"}),
    "a good session beside a long header": (OTHER_SESSION, {SESSION: LONG_ID}),
    **{name: (GOOD, headers) for name, headers in HEADERS.items()},
}
LEAKS = ("Traceback", "Error", "Exception", ".py")


def test_what_is_no_request_is_refused(tight: Server, models: FakeModels) -> None:
    client, names = tight.client, [f"bystander-{n}" for n in range(MAX_SESSIONS)]
    for name in names:
        client.ask("hello", name)
    asked = len(models.requests)
    answers = {}
    for n, (name, (body, headers)) in enumerate(REFUSED.items()):
        response = client.post(body, {SESSION: b"refused-%d" % n, **headers})
        answers[name] = (response.status_code, is_a_sentence(response.json()))
    assert answers == dict.fromkeys(REFUSED, (400, True))
    assert len(models.requests) == asked
    assert tight.closed("bystander") == []
    assert {client.ask("again", name).text for name in names} == {"turn 2: again"}


def is_a_sentence(answer: dict[str, str]) -> bool:
    """Nothing but an error in plain words; of broken JSON the runtime itself says where it is."""
    sentence = answer.pop("error")
    details = answer.pop("details", "") if sentence.startswith("Invalid") else ""
    leaks = [leak for leak in LEAKS if leak in sentence + details]
    return bool(sentence) and "\n" not in sentence and not leaks and not answer


def test_the_longest_prompt_is_answered(tight: Server, models: FakeModels) -> None:
    prompt = "x" * 100_000
    assert tight.client.ask(prompt, "longest").text == f"turn 1: {prompt}"
    assert models.requests[-1].messages[-1].texts == (prompt,)


def test_the_longest_ids_are_accepted(tight: Server) -> None:
    for session, user in (("s" * 256, "u" * 1_024), ("s" * 256, "u" * 1_023 + "v")):
        assert tight.client.ask("hello", session, user=user).text == "turn 1: hello"
    for user in ("u" * 1_024, "w"):
        asked = tight.client.ask("again", user=user, session_id="s" * 256)
        assert asked.text == f"turn {2 if user == 'u' * 1_024 else 1}: again"


def test_a_prompt_that_looks_like_code_is_only_a_prompt(tight: Server) -> None:
    prompt = "{{ 7 * 7 }} {name} ${HOME} %(x)s </s> [INST]"
    assert tight.client.ask(prompt, "code").text == f"turn 1: {prompt}"
