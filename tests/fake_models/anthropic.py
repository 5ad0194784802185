"""Anthropic Messages; the bodies are also those of Bedrock's InvokeModel."""

import json
from collections.abc import Mapping
from itertools import count, groupby
from typing import Any
from uuid import uuid4

from fake_models.conversation import Json, Message, Reply, Request, ToolCall, ToolResult
from fake_models.wire import (
    REDACTED,
    SIGNATURE,
    SSE,
    Credential,
    ErrorReply,
    Frames,
    bearer,
    dump,
    halves,
    plain,
    require,
    sse,
    texts_of,
)

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class Anthropic:
    """`POST /v1/messages`."""

    name = "anthropic"
    stream_type = SSE
    unauthorised = 401

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """The API key, or a bearer token."""
        return Credential(headers["x-api-key"]) if headers.get("x-api-key") else bearer(headers)

    def parse(self, body: Json, _model: str, _streamed: bool) -> Request:
        """Read a request."""
        return parse_body(self.name, body, body["model"], bool(body.get("stream")))

    def check(self, body: Json, _request: Request) -> None:
        """The rules of the Messages API."""
        check_body(body)

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return ErrorReply(dump(_error(_ERROR_TYPES.get(status, "api_error"), message)))

    def stream_error(self, _request: Request, message: str) -> bytes:
        """An error in the middle of a streamed reply."""
        return sse(_error("overloaded_error", message), "error")

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        return dump(whole_body(request, reply))

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply."""
        head, chunks, tail = stream_events(request, reply)

        def encode(events: list[Json]) -> bytes:
            return b"".join(sse(event, event["type"]) for event in events)

        return Frames(encode(head), [encode(chunk) for chunk in chunks], encode(tail))


def parse_body(name: str, body: Json, model: str, streamed: bool) -> Request:
    """Read a body of the Messages API."""
    tools = tuple(tool["name"] for tool in body.get("tools") or ())
    system = "\n".join(texts_of(body.get("system")))
    messages = tuple(_message(message) for message in body["messages"])
    return Request(name, model, streamed, system, messages, tools)


def check_body(body: Json) -> None:
    """Hold a body to the rules: non-blank texts, user first and last, tools paired."""
    messages = body["messages"]
    require(body.get("max_tokens"), "max_tokens: Field required")
    require(messages, "messages: at least one message is required")
    require(messages[0]["role"] == "user", 'messages: first message must use the "user" role')
    for text in texts_of(body.get("system")):
        require(
            text or isinstance(body["system"], str), "system: text content blocks must be non-empty"
        )
    for n, message in enumerate(messages):
        require(message["role"] in ("user", "assistant"), f"messages.{n}.role: Input is invalid")
        require(message["content"], f"messages.{n}: all messages must have non-empty content")
        for block in _blocks(message["content"]):
            genuine = block["type"] != "thinking" or block.get("signature") == SIGNATURE
            require(genuine, f"messages.{n}: Invalid `signature` in `thinking` block")
            genuine = block["type"] != "redacted_thinking" or block.get("data") == REDACTED
            require(genuine, f"messages.{n}: Invalid `data` in `redacted_thinking` block")
        for text in texts_of(message["content"]):
            require(text, "messages: text content blocks must be non-empty")
            require(text.strip(), "messages: text content blocks must contain non-whitespace text")
    require(
        messages[-1]["role"] == "user",
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message.",
    )
    _check_tools(messages)


def _check_tools(messages: list[Json]) -> None:
    # the API joins consecutive messages of one role before it looks at the pairs
    joined = [
        [block for message in group for block in _blocks(message["content"])]
        for _, group in groupby(messages, key=lambda message: message["role"])
    ]
    asked: list[str] = []
    for n, blocks in enumerate(joined):
        given = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        kinds = [b["type"] for b in blocks[: len(given)]]
        missing = [call for call in asked if call not in given]
        require(
            not missing and (not asked or set(kinds) == {"tool_result"}),
            f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately "
            f"after: {', '.join(missing)}",
        )
        orphans = [call for call in given if call not in asked]
        require(
            not orphans and len(given) == len(set(given)),
            f"messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{', '.join(orphans)}",
        )
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]


def whole_body(request: Request, reply: Reply) -> Json:
    """A reply in one piece, as a body of the Messages API."""
    content: list[Json] = [_thinking(reply.thoughts, SIGNATURE)] if reply.thoughts else []
    content += [_redacted()] if reply.redacted else []
    content += [{"type": "text", "text": reply.text}] if reply.chunks else []
    content += [_tool_use(call, call.arguments) for call in reply.tool_calls]
    body = _message_body(request, reply)
    return {
        **body,
        "content": content,
        "stop_reason": _stop(reply),
        "usage": _usage(request, reply),
    }


def stream_events(
    request: Request, reply: Reply
) -> tuple[list[Json], list[list[Json]], list[Json]]:
    """A streamed reply: the events before the chunks, those of each chunk, and those after."""
    head: list[Json] = [{"type": "message_start", "message": _message_body(request, reply)}]
    chunks: list[list[Json]] = []
    tail: list[Json] = []
    index = count()
    if reply.thoughts:
        n = next(index)
        deltas = [
            _delta(n, type="thinking_delta", thinking=reply.thoughts),
            _delta(n, type="signature_delta", signature=SIGNATURE),
        ]
        head += [_start(n, _thinking("", "")), *deltas, _stopped(n)]
    if reply.redacted:
        n = next(index)
        head += [_start(n, _redacted()), _stopped(n)]
    if reply.chunks:
        n = next(index)
        head.append(_start(n, {"type": "text", "text": ""}))
        chunks = [[_delta(n, type="text_delta", text=text)] for text in reply.chunks]
        (chunks[-1] if reply.tool_calls else tail).append(_stopped(n))
    for n, call in zip(index, reply.tool_calls, strict=False):
        first, second = (
            _delta(n, type="input_json_delta", partial_json=piece)
            for piece in halves(json.dumps(call.arguments))
        )
        chunks += [[_start(n, _tool_use(call, {})), first], [second, _stopped(n)]]
    delta = {"stop_reason": _stop(reply), "stop_sequence": None}
    usage = {"output_tokens": reply.output_tokens()}
    tail.append({"type": "message_delta", "delta": delta, "usage": usage})
    tail.append({"type": "message_stop"})
    return head, chunks, tail


def _blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _message(message: Json) -> Message:
    blocks = _blocks(message["content"])
    texts = tuple(b["text"] for b in blocks if b["type"] == "text" and b["text"])
    calls = tuple(
        ToolCall(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"
    )
    results = tuple(
        ToolResult(b["tool_use_id"], plain(b.get("content")))
        for b in blocks
        if b["type"] == "tool_result"
    )
    if message["role"] == "assistant":
        return Message("assistant", texts, calls)
    return Message("tool" if results and not texts else "user", texts, (), results)


def _error(kind: str, message: str) -> Json:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": f"req_{uuid4().hex}"}


def _message_body(request: Request, reply: Reply) -> Json:
    return {
        "id": f"msg_{reply.id('message')}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(request, Reply()),
    }


def _tool_use(call: ToolCall, given: Json) -> Json:
    return {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": given}


def _thinking(text: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _redacted() -> Json:
    return {"type": "redacted_thinking", "data": REDACTED}


def _start(index: int, block: Json) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _stopped(index: int) -> Json:
    return {"type": "content_block_stop", "index": index}


def _delta(index: int, **delta: str) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _stop(reply: Reply) -> str:
    if reply.tool_calls:
        return "tool_use"
    return {"stop": "end_turn", "length": "max_tokens", "filter": "refusal"}[reply.end]


def _usage(request: Request, reply: Reply) -> Json:
    return {"input_tokens": request.input_tokens(), "output_tokens": reply.output_tokens()}
