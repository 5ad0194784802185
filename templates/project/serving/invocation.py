"""Reads an invocation: who calls, in which session, with what prompt; anything else is a 400."""

from bedrock_agentcore import RequestContext
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from serving.identity import MAX_ID_CHARS, MAX_USER_CHARS, Caller, SessionKey, is_id

MAX_PROMPT_CHARS = 100_000
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
TENANT_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"


def read_invocation(payload: object, context: RequestContext) -> tuple[str, SessionKey | None]:
    """Read the prompt and whose session it is for; of no session, the turn is not kept.

    Raises:
        HTTPException: 400 with a sentence for the caller.
    """
    if not isinstance(payload, dict):
        raise refusal("The payload must be a JSON object.")
    return _prompt(payload.get("prompt")), read_key(payload, context)


def read_key(payload: dict[str, object], context: RequestContext) -> SessionKey | None:
    """Read whose session a request is for; None if it names no session.

    Raises:
        HTTPException: 400 with a sentence for the caller.
    """
    caller = read_caller(payload, context)
    header, field = _session(context.session_id or ""), _session(payload.get("session_id", ""))
    if header and field and header != field:  # either would be answered from the wrong session
        raise refusal("The payload names another session id than the header: send one of them.")
    session = header or field
    return SessionKey(*caller, session) if session else None


def read_caller(payload: dict[str, object], context: RequestContext) -> Caller:
    """Read who calls.

    Raises:
        HTTPException: 400 with a sentence for the caller.
    """
    headers = _headers(context)
    return Caller(
        tenant=_id("tenant id", MAX_ID_CHARS, headers.get(TENANT_HEADER), payload, "tenant_id"),
        user=_id("user id", MAX_USER_CHARS, headers.get(USER_HEADER), payload, "user_id"),
    )


def refusal(sentence: str) -> HTTPException:
    """What answers a request that cannot be understood."""
    return HTTPException(400, sentence)


async def refuse_unreadable(request: Request, error: Exception) -> JSONResponse:
    """Answer a body that makes the JSON parser itself fail, which the runtime lets through."""
    return JSONResponse({"error": "The payload is not readable JSON."}, status_code=400)


def _prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refusal("The payload needs a prompt: a string that is not blank.")
    if len(value) > MAX_PROMPT_CHARS:
        raise refusal(f"The prompt is longer than {MAX_PROMPT_CHARS:,} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refusal("The prompt is not valid Unicode.") from None
    return value


def _headers(context: RequestContext) -> Headers:
    if context.request is None:  # what the payload says is then not to be believed either
        raise refusal("The request has no headers that tell who calls.")
    headers: Headers = context.request.headers
    for name in (SESSION_HEADER, USER_HEADER, TENANT_HEADER):
        # A gateway may add its own to that of its client: who is to be believed?
        if len(headers.getlist(name)) > 1:
            raise refusal(f"The header {name} comes more than once.")
    return headers


def _id(
    name: str, longest: int, header: str | None, payload: dict[str, object], field: str
) -> str | None:
    # A header comes from the platform or a gateway: what the payload says never overrides it.
    if header is not None:
        return _checked_id(name, longest, header)
    return _checked_id(name, longest, payload[field]) if field in payload else None


def _session(value: object) -> str:
    if isinstance(value, str) and not value.strip():
        return ""  # whoever sends a blank one has none
    return _checked_id("session id", MAX_ID_CHARS, value)


def _checked_id(name: str, longest: int, value: object) -> str:
    if is_id(value, longest):
        return value
    raise refusal(f"The {name} must be a string of 1 to {longest:,} printable characters.")
