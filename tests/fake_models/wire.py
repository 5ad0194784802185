"""What every protocol module offers to the server, and small helpers that they share."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fake_models.conversation import Json, Reply, Request

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
# of thoughts, and thoughts that nobody may read: they must come back to the model unchanged; as
# bytes both are no text, and each alphabet of base64 writes them differently
SIGNATURE = "c2lnbmF0dXJl+/+/vu8="
REDACTED = "cmVkYWN0ZWT7/7++7w=="
_SCOPE = re.compile(r"^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/bedrock/")


class RejectedError(Exception):
    """A request that the real provider would answer with 400."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A streamed reply: what comes before the chunks, the chunks, and what comes after."""

    head: bytes
    chunks: list[bytes]
    tail: bytes


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error as the provider words it."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request was allowed by: its key, and the region that a signature is for."""

    key: str
    region: str = ""


class Codec(Protocol):
    """One protocol: reads requests, holds them to the provider's rules, writes replies."""

    name: str
    stream_type: str
    unauthorised: int

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """The key that came along; any will do, but there must be one."""

    def parse(self, body: Json, model: str, streamed: bool, /) -> Request:
        """Read a request; `model` and `streamed` are what the path said."""

    def check(self, body: Json, request: Request, /) -> None:
        """Raise `RejectedError` for what the real provider does not accept."""

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""

    def stream_error(self, request: Request, message: str, /) -> bytes:
        """An error in the middle of a streamed reply."""

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply."""


def dump(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def sse(data: Any, event: str = "") -> bytes:
    """One server-sent event."""
    prefix = f"event: {event}\n".encode() if event else b""
    return prefix + b"data: " + dump(data) + b"\n\n"


def halves(text: str) -> tuple[str, str]:
    """A text in two pieces, as arguments of tools are streamed."""
    middle = len(text) // 2
    return text[:middle], text[middle:]


def bearer(headers: Mapping[str, str]) -> Credential:
    """The token of an Authorization header."""
    return Credential(headers.get("Authorization", "").removeprefix("Bearer").strip())


def signature(headers: Mapping[str, str]) -> Credential:
    """The key id and the region of an AWS signature, or a bearer token."""
    match = _SCOPE.search(headers.get("Authorization", ""))
    return Credential(match[1], match[2]) if match else bearer(headers)


def texts_of(content: Any) -> Iterator[str]:
    """The texts of a content that is a string, nothing, or a list of blocks with `text`."""
    if isinstance(content, str):
        yield content
    elif content is not None:
        yield from (block["text"] for block in content if isinstance(block.get("text"), str))


def plain(content: Any) -> str:
    """A tool result as text, without the object that some frameworks wrap around a value."""
    if isinstance(content, str):
        return _unwrapped(content)
    if isinstance(content, list) and all(isinstance(block, dict) for block in content):
        return "\n".join(plain(block.get("text", block)) for block in content)
    if isinstance(content, dict) and len(content) == 1:
        return plain(next(iter(content.values())))
    return "" if content is None else json.dumps(content, ensure_ascii=False)


def _unwrapped(text: str) -> str:
    if not text.startswith("{"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    wrapped = isinstance(value, dict) and list(value) in (["result"], ["error"])
    return plain(value) if wrapped else text


def require(condition: object, message: str) -> None:
    """Reject the request unless the condition holds."""
    if not condition:
        raise RejectedError(message)
