"""OpenAI Responses."""

import json
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from fake_models.conversation import Builder, Json, Reply, Request, ToolCall, ToolResult
from fake_models.openai_chat import error_body
from fake_models.wire import (
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

_PARTS = {
    "user": {"input_text", "input_image", "input_file"},
    "assistant": {"output_text", "refusal"},
}
# what an item has not got yet when it is announced
_EMPTY: dict[str, Json] = {
    "reasoning": {"summary": []},
    "message": {"content": []},
    "function_call": {"arguments": ""},
}
_INCOMPLETE = {
    "length": {"reason": "max_output_tokens"},
    "filter": {"reason": "content_filter"},
}


class OpenAIResponses:
    """`POST /v1/responses`."""

    name = "openai_responses"
    stream_type = SSE
    unauthorised = 401

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """The bearer token."""
        return bearer(headers)

    def parse(self, body: Json, _model: str, _streamed: bool) -> Request:
        """Read a request: its input is a text or a list of items."""
        built, system = Builder(), [body.get("instructions") or ""]
        for item in _items(body):
            kind = item.get("type", "message")
            if kind == "function_call":
                arguments = json.loads(item["arguments"] or "{}")
                built.call(ToolCall(item["call_id"], item["name"], arguments))
            elif kind == "function_call_output":
                built.result(ToolResult(item["call_id"], plain(item["output"])))
            elif kind == "message" and item["role"] in ("system", "developer"):
                system.extend(texts_of(item["content"]))
            elif kind == "message":
                role = "assistant" if item["role"] == "assistant" else "user"
                built.text(
                    "assistant" if role == "assistant" else "user", texts_of(item["content"])
                )
        return Request(
            self.name,
            body["model"],
            bool(body.get("stream")),
            "\n".join(filter(None, system)),
            tuple(built.messages),
            tuple(tool.get("name", tool["type"]) for tool in body.get("tools") or ()),
        )

    def check(self, body: Json, _request: Request) -> None:
        """Known items and parts, every call with its output and the reverse, no stored state."""
        items = _items(body)
        require(items, "Missing required parameter: 'input'.")
        require(not body.get("previous_response_id"), "Previous response not found.")
        known = {"message", "function_call", "function_call_output", "reasoning"}
        calls: set[str] = set()
        answered: set[str] = set()
        for n, item in enumerate(items):
            kind = item.get("type", "message")
            require(kind in known, f"Invalid value: '{kind}' (input[{n}]).")
            if kind == "function_call":
                calls.add(item["call_id"])
            elif kind == "function_call_output":
                call = item["call_id"]
                require(
                    call in calls,
                    f"No tool call found for function call output with call_id {call}.",
                )
                answered.add(call)
            elif kind == "message":
                _check_message(n, item)
        missing = ", ".join(sorted(calls - answered))
        require(not missing, f"No tool output found for function call {missing}.")

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return ErrorReply(dump(error_body(status, message)))

    def stream_error(self, request: Request, message: str) -> bytes:
        """The error event, then the failed response, as the real API sends them."""
        response = self._response(request, Reply(), "failed", [])
        response["error"] = {"code": "server_error", "message": message}
        detail = {"type": "server_error", **response["error"], "param": None}
        return _event("error", 1000, error=detail) + _event(
            "response.failed", 1001, response=response
        )

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        return dump(self._response(request, reply, _status(reply), _output(reply)))

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply: each item is announced, streamed, and repeated whole."""
        sequence, output = count(), _output(reply)
        head, chunks, tail = list[bytes](), list[bytes](), list[bytes]()

        def event(kind: str, **fields: Any) -> bytes:
            return _event(f"response.{kind}", next(sequence), **fields)

        started = self._response(request, reply, "in_progress", [])
        head.append(event("created", response=started))
        head.append(event("in_progress", response=started))
        for n, item in enumerate(output):
            at = {"output_index": n, "item_id": item["id"]}
            begun = {**item, **_EMPTY[item["type"]], "status": "in_progress"}
            added = event("output_item.added", output_index=n, item=begun)
            if item["type"] == "reasoning":
                (part,), at = item["summary"], {**at, "summary_index": 0}
                head += [
                    added,
                    event("reasoning_summary_part.added", part={**part, "text": ""}, **at),
                    event("reasoning_summary_text.delta", delta=part["text"], **at),
                    event("reasoning_summary_text.done", text=part["text"], **at),
                    event("reasoning_summary_part.done", part=part, **at),
                    event("output_item.done", output_index=n, item=item),
                ]
            elif item["type"] == "message":
                (part,), at = item["content"], {**at, "content_index": 0}
                head += [added, event("content_part.added", part={**part, "text": ""}, **at)]
                chunks += [
                    event("output_text.delta", delta=text, logprobs=[], **at)
                    for text in reply.chunks
                ]
                ends = [
                    event("output_text.done", text=part["text"], logprobs=[], **at),
                    event("content_part.done", part=part, **at),
                    event("output_item.done", output_index=n, item=item),
                ]
                if reply.tool_calls:
                    chunks[-1] += b"".join(ends)
                else:
                    tail += ends
            else:
                kind, arguments = "function_call_arguments", item["arguments"]
                first, second = halves(arguments)
                chunks.append(added + event(f"{kind}.delta", delta=first, **at))
                chunks.append(
                    event(f"{kind}.delta", delta=second, **at)
                    + event(f"{kind}.done", arguments=arguments, name=item["name"], **at)
                    + event("output_item.done", output_index=n, item=item)
                )
        status = _status(reply)
        final = self._response(request, reply, status, output)
        tail.append(event(status, response=final))
        return Frames(b"".join(head), chunks, b"".join(tail))

    @staticmethod
    def _response(request: Request, reply: Reply, status: str, output: list[Json]) -> Json:
        given, made = request.input_tokens(), reply.output_tokens()
        usage = {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": given + made,
        }
        return {
            "id": f"resp_{reply.id('response')}",
            "object": "response",
            "created_at": int(time.time()),
            "status": status,
            "error": None,
            "incomplete_details": _INCOMPLETE[reply.end] if status == "incomplete" else None,
            "instructions": None,
            "metadata": {},
            "model": request.model,
            "output": output,
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": usage if status in ("completed", "incomplete") else None,
        }


def _items(body: Json) -> list[Json]:
    given = body["input"]
    if isinstance(given, str):
        return [{"role": "user", "content": given}] if given else []
    return list(given)


def _check_message(n: int, item: Json) -> None:
    role, content = item["role"], item["content"]
    require(role in ("user", "assistant", "system", "developer"), f"Invalid value: '{role}'.")
    require(content is not None, f"Invalid type for 'input[{n}].content': got null.")
    if isinstance(content, list):
        allowed = _PARTS["assistant" if role == "assistant" else "user"]
        for part in content:
            kind = part["type"]
            require(kind in allowed, f"Invalid value: '{kind}' (input[{n}].content).")


def _status(reply: Reply) -> str:
    return "completed" if reply.end == "stop" else "incomplete"


def _output(reply: Reply) -> list[Json]:
    items: list[Json] = []
    if reply.thoughts:
        summary = [{"type": "summary_text", "text": reply.thoughts}]
        items.append({"type": "reasoning", "id": f"rs_{reply.id('reasoning')}", "summary": summary})
    if reply.chunks or not (reply.tool_calls or reply.blocked):
        part: Json = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        message = {"type": "message", "id": f"msg_{reply.id('message')}", "role": "assistant"}
        items.append({**message, "status": _status(reply), "content": [part]})
    return [
        *items,
        *(
            {
                "type": "function_call",
                "id": f"fc_{reply.id(call.id)}",
                "call_id": f"call_{call.id}",
                "name": call.name,
                "arguments": json.dumps(call.arguments),
                "status": "completed",
            }
            for call in reply.tool_calls
        ),
    ]


def _event(kind: str, number: int, **fields: Any) -> bytes:
    return sse({"type": kind, "sequence_number": number, **fields}, kind)
