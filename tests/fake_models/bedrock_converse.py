"""Bedrock Converse and ConverseStream."""

import json
from collections.abc import Mapping
from itertools import count

from fake_models import eventstream
from fake_models.conversation import Json, Message, Reply, Request, ToolCall, ToolResult
from fake_models.wire import (
    REDACTED,
    SIGNATURE,
    Credential,
    ErrorReply,
    Frames,
    dump,
    halves,
    plain,
    require,
    signature,
    texts_of,
)

_ERROR_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_BLOCKED = "Sorry, the model cannot answer this question."


def error_reply(status: int, message: str) -> ErrorReply:
    """An error as Bedrock words it: the kind stands in a header."""
    kind = _ERROR_TYPES.get(status, "InternalServerException")
    return ErrorReply(dump({"message": message}), {"x-amzn-ErrorType": kind})


class BedrockConverse:
    """`POST /model/ID/converse` and `/model/ID/converse-stream`."""

    name = "bedrock_converse"
    stream_type = eventstream.CONTENT_TYPE
    unauthorised = 403

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """Who signed, and for which region; or the bearer token."""
        return signature(headers)

    def parse(self, body: Json, model: str, streamed: bool) -> Request:
        """Read a request."""
        tools = (body.get("toolConfig") or {}).get("tools") or ()
        return Request(
            self.name,
            model,
            streamed,
            "\n".join(texts_of(body.get("system"))),
            tuple(_message(message) for message in body["messages"]),
            tuple(tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool),
        )

    def check(self, body: Json, request: Request) -> None:
        """Roles alternate from user to user, no blank text, tools paired message by message."""
        messages = body["messages"]
        require(messages, "A conversation must have at least one message.")
        require(
            messages[0]["role"] == "user",
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message.",
        )
        for n, block in enumerate(body.get("system") or ()):
            blank = "text" in block and not block["text"].strip()
            require(
                not blank,
                f"The text field in the SystemContentBlock object at system.{n} is blank.",
            )
        asked: list[str] = []
        for n, message in enumerate(messages):
            require(
                message["role"] == ("user", "assistant")[n % 2],
                "A conversation must alternate between user and assistant roles. Make sure the "
                "conversation alternates between user and assistant roles and try again.",
            )
            _check_blocks(n, message["content"])
            asked = _check_pairs(n, message["content"], asked)
        require(
            messages[-1]["role"] == "user",
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message.",
        )
        used = any(m.tool_calls or m.tool_results for m in request.messages)
        require(
            request.tools or not used,
            "The toolConfig field must be defined when using toolUse and toolResult content "
            "blocks.",
        )

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return error_reply(status, message)

    def stream_error(self, _request: Request, message: str) -> bytes:
        """An error in the middle of a streamed reply."""
        return eventstream.exception("internalServerException", message)

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        text = _BLOCKED if reply.blocked else reply.text
        content: list[Json] = []
        if reply.thoughts:
            thoughts = {"text": reply.thoughts, "signature": SIGNATURE}
            content.append({"reasoningContent": {"reasoningText": thoughts}})
        if reply.redacted:
            content.append({"reasoningContent": {"redactedContent": REDACTED}})
        content += [{"text": text}] if text else []
        content += [{"toolUse": {**_use(c), "input": c.arguments}} for c in reply.tool_calls]
        return dump(
            {
                "output": {"message": {"role": "assistant", "content": content}},
                "stopReason": _stop(reply),
                **_metadata(request, reply),
            }
        )

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply."""
        event, index = eventstream.event, count()
        head, chunks, tail = event("messageStart", {"role": "assistant"}), list[bytes](), b""
        if reply.thoughts:
            at = {"contentBlockIndex": next(index)}
            for piece in ({"text": reply.thoughts}, {"signature": SIGNATURE}):
                head += event("contentBlockDelta", {**at, "delta": {"reasoningContent": piece}})
            head += event("contentBlockStop", at)
        if reply.redacted:
            at = {"contentBlockIndex": next(index)}
            delta = {"reasoningContent": {"redactedContent": REDACTED}}
            head += event("contentBlockDelta", {**at, "delta": delta})
            head += event("contentBlockStop", at)
        if texts := (_BLOCKED,) if reply.blocked else reply.chunks:
            at = {"contentBlockIndex": next(index)}
            chunks = [event("contentBlockDelta", {**at, "delta": {"text": text}}) for text in texts]
            stopped = event("contentBlockStop", at)
            if reply.tool_calls:
                chunks[-1] += stopped
            else:
                tail = stopped
        for call in reply.tool_calls:
            at = {"contentBlockIndex": next(index)}
            first, second = (
                event("contentBlockDelta", {**at, "delta": {"toolUse": {"input": half}}})
                for half in halves(json.dumps(call.arguments))
            )
            start = event("contentBlockStart", {**at, "start": {"toolUse": _use(call)}})
            chunks += [start + first, second + event("contentBlockStop", at)]
        tail += event("messageStop", {"stopReason": _stop(reply)})
        tail += event("metadata", _metadata(request, reply))
        return Frames(head, chunks, tail)


def _check_blocks(n: int, content: list[Json]) -> None:
    require(
        content,
        f"The content field in the Message object at messages.{n} is empty. "
        "Add a ContentBlock object to the content field and try again.",
    )
    for k, block in enumerate(content):
        reasoning = block.get("reasoningContent", {})
        thoughts = reasoning.get("reasoningText")
        require(
            thoughts is None or thoughts.get("signature") == SIGNATURE,
            f"messages.{n}.content.{k}: Invalid `signature` in `thinking` block",
        )
        require(
            reasoning.get("redactedContent", REDACTED) == REDACTED,
            f"messages.{n}.content.{k}: Invalid `data` in `redacted_thinking` block",
        )
        require(
            "text" not in block or block["text"].strip(),
            f"The text field in the ContentBlock object at messages.{n}.content.{k} is blank. "
            "Add text to the text field, and try again.",
        )
        _check_result(f"messages.{n}.content.{k}.toolResult", block.get("toolResult"))


def _check_result(where: str, result: Json | None) -> None:
    if result is None:
        return
    require(
        result["content"] or result.get("status") != "error",
        f"The content field at {where} cannot be empty when status value is error.",
    )
    for n, block in enumerate(result["content"]):
        require(
            isinstance(block.get("json", {}), dict),
            f"The format of the value at {where}.content.{n}.json is invalid. "
            "Provide a json object for the field and try again.",
        )


def _check_pairs(n: int, content: list[Json], asked: list[str]) -> list[str]:
    given = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
    missing = [call for call in asked if call not in given]
    require(
        not missing,
        f"Expected toolResult blocks at messages.{n}.content for the following Ids: "
        f"{', '.join(missing)}",
    )
    require(
        len(given) == len(asked),
        f"The number of toolResult blocks at messages.{n}.content exceeds the number of toolUse "
        "blocks of previous turn.",
    )
    return [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]


def _message(message: Json) -> Message:
    content = message["content"]
    texts = tuple(block["text"] for block in content if block.get("text"))
    calls = tuple(
        ToolCall(use["toolUseId"], use["name"], use["input"])
        for use in (block["toolUse"] for block in content if "toolUse" in block)
    )
    results = tuple(
        ToolResult(result["toolUseId"], plain(result["content"]))
        for result in (block["toolResult"] for block in content if "toolResult" in block)
    )
    if message["role"] == "assistant":
        return Message("assistant", texts, calls)
    return Message("tool" if results and not texts else "user", texts, (), results)


def _use(call: ToolCall) -> Json:
    return {"toolUseId": f"tooluse_{call.id}", "name": call.name}


def _stop(reply: Reply) -> str:
    if reply.tool_calls:
        return "tool_use"
    if reply.blocked:
        return "guardrail_intervened"
    return {"stop": "end_turn", "length": "max_tokens", "filter": "content_filtered"}[reply.end]


def _metadata(request: Request, reply: Reply) -> Json:
    given, made = request.input_tokens(), reply.output_tokens()
    usage = {"inputTokens": given, "outputTokens": made, "totalTokens": given + made}
    return {"usage": usage, "metrics": {"latencyMs": 1}}
