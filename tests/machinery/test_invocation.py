"""Who calls, where nobody can know; and which of two session ids holds.

Point 4, identity.
"""

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from bedrock_agentcore import RequestContext
from serving.invocation import SESSION_HEADER, read_caller, read_key
from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST = "x" * 256


def called(session: str | None) -> RequestContext:
    """A request with this session header, as the runtime hands it over."""
    header = [] if session is None else [(SESSION_HEADER.lower().encode(), session.encode())]
    return RequestContext(
        session_id=session,
        request_headers=None,
        request=Request({"type": "http", "headers": header}),
    )


@pytest.mark.parametrize("read", [read_caller, read_key])
def test_without_a_request_nobody_is_believed(read: object) -> None:
    context = RequestContext(session_id="session", request_headers=None, request=None)
    assert callable(read)
    with pytest.raises(HTTPException) as refused:
        read({"user_id": "alice", "session_id": "session"}, context)
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    ("header", "payload", "session"),
    [
        *((none, {}, None) for none in (None, "", " ")),
        *((none, {"session_id": blank}, None) for none in (None, "", " ") for blank in ("", "\n")),
        *((none, {"session_id": "id"}, "id") for none in (None, "", " ")),
        ("id", {"session_id": "id"}, "id"),
        ("id", {"session_id": ""}, "id"),
        ("id", {"session_id": " "}, "id"),
        ("id", {}, "id"),
        (None, {"session_id": " id "}, " id "),
        (None, {"session_id": LONGEST}, LONGEST),
        (LONGEST, {"session_id": LONGEST}, LONGEST),
    ],
)
def test_a_session_id_comes_from_the_header_or_the_payload(
    header: str | None, payload: dict[str, object], session: str | None
) -> None:
    key = read_key({"user_id": "ann", **payload}, called(header))
    assert key == ((None, "ann", session) if session else None)


@pytest.mark.parametrize("header", [None, "", "id", LONGEST])
@pytest.mark.parametrize(
    "wrong",
    [7, None, True, [], {}, ["id"], {"session_id": "id"}, "a\nb", "a\0", "\ud800", "y" * 257],
)
def test_a_session_id_of_the_payload_is_held_to_the_same_rules(
    header: str | None, wrong: object
) -> None:
    with pytest.raises(HTTPException) as refused:
        read_key({"session_id": wrong}, called(header))
    assert refused.value.status_code == 400
    expected = "The session id must be a string of 1 to 256 printable characters."
    assert refused.value.detail == expected


@pytest.mark.parametrize(
    ("header", "payload"), [("id", "other"), ("id", "ID"), ("id", "id "), (LONGEST, "x")]
)
def test_two_different_session_ids_are_refused(header: str, payload: str) -> None:
    with pytest.raises(HTTPException) as refused:
        read_key({"session_id": payload}, called(header))
    assert refused.value.status_code == 400
    assert "session id" in refused.value.detail
