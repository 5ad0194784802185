"""OpenAI Chat Completions, and Gemini's endpoint that speaks the same.

Neither shows thoughts to those who do not ask for them, so there are none here.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from fake_models.conversation import Builder, Json, Reply, Request, ToolCall, ToolResult
from fake_models.wire import (
    SIGNATURE,
    SSE,
    Credential,
    ErrorReply,
    Frames,
    RejectedError,
    bearer,
    dump,
    halves,
    plain,
    require,
    sse,
    texts_of,
)

_ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 429: "requests"}


def error_body(status: int, message: str) -> Json:
    """An error as OpenAI words it."""
    kind = _ERROR_TYPES.get(status, "server_error")
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class OpenAIChat:
    """`POST /v1/chat/completions`."""

    name = "openai_chat"
    stream_type = SSE
    unauthorised = 401

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """The bearer token."""
        return bearer(headers)

    def parse(self, body: Json, _model: str, _streamed: bool) -> Request:
        """Read a request."""
        built = Builder()
        system: list[str] = []
        for message in body["messages"]:
            role, content = message["role"], message.get("content")
            if role in ("system", "developer"):
                system.extend(texts_of(content))
            elif role == "tool":
                built.result(ToolResult(message["tool_call_id"], plain(content)))
            else:
                built.text("assistant" if role == "assistant" else "user", texts_of(content))
                for call in message.get("tool_calls") or ():
                    function = call["function"]
                    arguments = json.loads(function["arguments"] or "{}")
                    built.call(ToolCall(call["id"], function["name"], arguments))
        return Request(
            self.name,
            body["model"],
            bool(body.get("stream")),
            "\n".join(system),
            tuple(built.messages),
            tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
            bool((body.get("stream_options") or {}).get("include_usage")),
        )

    def check(self, body: Json, _request: Request) -> None:
        """Known roles, content where it must be, and every tool call answered."""
        require(body["messages"], "Invalid 'messages': empty array.")
        open_calls: set[str] = set()
        for n, message in enumerate(body["messages"]):
            role, calls = message["role"], message.get("tool_calls")
            known = ("system", "developer", "user", "assistant", "tool")
            require(role in known, f"Invalid value: '{role}'.")
            if role == "tool":
                if message["tool_call_id"] not in open_calls:
                    raise RejectedError(
                        f"Invalid parameter: messages[{n}] with role 'tool' must be a response "
                        "to a preceding message with 'tool_calls'."
                    )
                open_calls.discard(message["tool_call_id"])
                continue
            self._all_answered(open_calls)
            require(
                message.get("content") is not None or (role == "assistant" and calls),
                f"Invalid value for 'content' (messages.{n}): expected a string, got null.",
            )
            require(calls is None or calls, f"Invalid 'messages[{n}].tool_calls': empty array.")
            open_calls = {call["id"] for call in calls or ()}
        self._all_answered(open_calls)

    @staticmethod
    def _all_answered(open_calls: set[str]) -> None:
        require(
            not open_calls,
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            f"to each 'tool_call_id'. No response for: {', '.join(sorted(open_calls))}",
        )

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return ErrorReply(dump(error_body(status, message)))

    def stream_error(self, _request: Request, message: str) -> bytes:
        """An error in the middle of a streamed reply."""
        return sse(error_body(500, message))

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        message: Json = {"role": "assistant", "content": reply.text, "refusal": None}
        if reply.tool_calls:
            calls = [self._call(c, json.dumps(c.arguments)) for c in reply.tool_calls]
            message |= {"content": reply.text or None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "logprobs": None}
        choice["finish_reason"] = self._finish(reply)
        body = self._envelope(request, reply, "chat.completion")
        return dump({**body, "choices": [choice], "usage": self._usage(request, reply)})

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply: the role, a chunk a word, the reason to stop, perhaps the usage."""
        body = self._envelope(request, reply, "chat.completion.chunk")

        def chunk(delta: Json, finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return sse({**body, "choices": [choice]})

        chunks = [chunk({"content": text}) for text in reply.chunks]
        for n, call in enumerate(reply.tool_calls):
            first, second = halves(json.dumps(call.arguments))
            chunks.append(chunk({"tool_calls": [{"index": n, **self._call(call, first)}]}))
            rest: Json = {"index": n, "function": {"arguments": second}}
            chunks.append(chunk({"tool_calls": [rest]}))
        tail = chunk({}, self._finish(reply))
        if request.usage_wanted:
            tail += sse({**body, "choices": [], "usage": self._usage(request, reply)})
        head = chunk({"role": "assistant", "content": None if reply.tool_calls else ""})
        return Frames(head, chunks, tail + b"data: [DONE]\n\n")

    def _call(self, call: ToolCall, arguments: str) -> Json:
        function = {"name": call.name, "arguments": arguments}
        return {"id": f"call_{call.id}", "type": "function", "function": function}

    @staticmethod
    def _finish(reply: Reply) -> str:
        if reply.tool_calls:
            return "tool_calls"
        return "content_filter" if reply.end == "filter" else reply.end

    @staticmethod
    def _envelope(request: Request, reply: Reply, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{reply.id('completion')}",
            "object": kind,
            "created": int(time.time()),
            "model": request.model,
            "system_fingerprint": None,
        }

    @staticmethod
    def _usage(request: Request, reply: Reply) -> Json:
        given, made = request.input_tokens(), reply.output_tokens()
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


class GeminiChat(OpenAIChat):
    """`POST /v1beta/openai/chat/completions`: OpenAI's shapes, Google's errors and signatures."""

    name = "gemini_chat"

    def check(self, body: Json, request: Request) -> None:
        """As OpenAI; Gemini 3 also wants its thought signature back with a tool call."""
        super().check(body, request)
        if not request.model.removeprefix("models/").startswith("gemini-3"):
            return
        for message in current_turn(body["messages"]):
            for call in (message.get("tool_calls") or ())[:1]:
                google = (call.get("extra_content") or {}).get("google") or {}
                require(
                    google.get("thought_signature"),
                    "Function call is missing a thought_signature in functionCall parts.",
                )

    def error(self, status: int, message: str) -> ErrorReply:
        """An error as Google words it, in a list."""
        return ErrorReply(dump([{"error": {"code": status, "message": message}}]))

    def _call(self, call: ToolCall, arguments: str) -> Json:
        signed = {"extra_content": {"google": {"thought_signature": SIGNATURE}}}
        return {**super()._call(call, arguments), **signed}


def current_turn(messages: list[Any]) -> list[Any]:
    """The messages after the last one of the user."""
    last = max((n for n, m in enumerate(messages) if m["role"] == "user"), default=-1)
    return messages[last + 1 :]
