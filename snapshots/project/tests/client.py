"""Asks the agent over its HTTP interface, without a network."""

import json
from typing import Any, NamedTuple

import httpx

import main

SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


class Answer(NamedTuple):
    """What a caller gets: a reply, or an error."""

    reply: str
    error: str = ""
    status: int = 200


async def ask(
    prompt: object, session: str | None = None, headers: dict[str, str] | None = None, **fields: Any
) -> Answer:
    """Send a prompt, with further fields of the payload."""
    return await post({"prompt": prompt, **fields}, session, headers)


async def post(
    payload: object, session: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send any payload."""
    response = await send(payload, session, headers)
#if stream
    if response.status_code != 200:
        return Answer("", response.json()["error"], response.status_code)
    frames = [json.loads(line[6:]) for line in response.text.splitlines() if line]
    error = "".join(frame["error"] for frame in frames if isinstance(frame, dict))
    return Answer("".join(frame for frame in frames if isinstance(frame, str)), error)
#else
    body = response.json()
    return Answer(body.get("result", ""), body.get("error", ""), response.status_code)
#end


#if transcript
async def act(
    action: object, session: str | None = None, headers: dict[str, str] | None = None, **fields: Any
) -> dict[str, Any]:
    """Ask for something other than a reply."""
    response = await send({"action": action, **fields}, session, headers)
    answer: dict[str, Any] = response.json()
    return answer


#end
async def send(
    payload: object, session: str | None, headers: dict[str, str] | None
) -> httpx.Response:
    """Send any payload; return what comes back as it is."""
    session_header = {} if session is None else {SESSION_HEADER: session}
    transport = httpx.ASGITransport(main.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://agent") as client:
        return await client.post(
            "/invocations",
            content=json.dumps(payload),
            headers={**session_header, **(headers or {})},
            timeout=30,
        )
