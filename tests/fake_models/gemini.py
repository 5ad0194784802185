"""Gemini's generateContent and streamGenerateContent."""

from collections.abc import Mapping

from fake_models.conversation import Json, Message, Reply, Request, ToolCall, ToolResult
from fake_models.wire import (
    SIGNATURE,
    SSE,
    Credential,
    ErrorReply,
    Frames,
    dump,
    plain,
    require,
    sse,
)

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}
# what Google takes from clients that did not keep a signature
_NONE_KEPT = "skip_thought_signature_validator"
_STANDARD = str.maketrans("-_", "+/")
_WHERE = "GenerateContentRequest.contents"


class Gemini:
    """`POST /v1beta/models/X:generateContent` and `:streamGenerateContent?alt=sse`."""

    name = "gemini"
    stream_type = SSE
    unauthorised = 401

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """The API key."""
        return Credential(headers.get("x-goog-api-key", ""))

    def parse(self, body: Json, model: str, streamed: bool) -> Request:
        """Read a request."""
        system = body.get("systemInstruction") or {}
        declared = [
            function
            for tool in body.get("tools") or ()
            for function in tool.get("functionDeclarations") or ()
        ]
        return Request(
            self.name,
            model,
            streamed,
            "\n".join(part["text"] for part in system.get("parts") or () if "text" in part),
            tuple(_message(content) for content in body.get("contents") or ()),
            tuple(function["name"] for function in declared),
        )

    def check(self, body: Json, request: Request) -> None:
        """Contents and parts not empty, a user at the end, functions answered in number."""
        contents = body.get("contents") or []
        require(contents, f"* {_WHERE}: contents is not specified")
        asked = 0
        before = ""
        for n, content in enumerate(contents):
            role, parts = content.get("role") or "user", content.get("parts") or []
            require(role in ("user", "model", "function"), "Please use a valid role: user, model.")
            require(parts, f"* {_WHERE}[{n}].parts: contents.parts must not be empty.")
            for k, part in enumerate(parts):
                require(
                    _filled(part),
                    f"* {_WHERE}[{n}].parts[{k}].data: required oneof field 'data' must have one "
                    "initialized field",
                )
                require(_genuine(part), "Thought signature is not valid.")
            given = sum("functionResponse" in part for part in parts)
            require(
                given == asked,
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn.",
            )
            asked = sum("functionCall" in part for part in parts)
            require(
                not asked or (role == "model" and before in ("user", "function")),
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn.",
            )
            before = role
        require(
            before != "model",
            "Please ensure that multiturn requests end with a user role or a function response.",
        )
        if request.model.startswith("gemini-3"):
            _check_signatures(contents)

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return ErrorReply(dump(_error(status, message)))

    def stream_error(self, _request: Request, message: str) -> bytes:
        """An error in the middle of a streamed reply."""
        return sse(_error(500, message))

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        texts = _texts(reply, (reply.text,) if reply.chunks else ())
        parts = [*_thoughts(reply), *texts, *_calls(reply)]
        return dump(_body(request, reply, parts, reply.id("response"), last=True))

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply; the reason to stop comes with a last chunk without text."""
        parts = [*_texts(reply, reply.chunks), *_calls(reply)]
        identity = reply.id("response")  # one for all chunks

        def chunk(part: Json) -> bytes:
            return sse(_body(request, reply, [part], identity, last=False))

        head = b"".join(map(chunk, _thoughts(reply)))
        last = sse(_body(request, reply, [], identity, last=True))
        return Frames(head, list(map(chunk, parts)), last)


def _filled(part: Json) -> bool:
    # an empty text counts as data: it is set, and clients rely on that
    return bool(set(part) - {"thought", "thoughtSignature", "partMetadata", "videoMetadata"})


def _genuine(part: Json) -> bool:
    signature: str = part.get("thoughtSignature", SIGNATURE)
    # bytes in JSON may be in either alphabet
    return signature == _NONE_KEPT or signature.translate(_STANDARD) == SIGNATURE


def _check_signatures(contents: list[Json]) -> None:
    """Gemini 3 wants its thought signature back with the first call of each step of a turn."""
    texts = [
        n
        for n, content in enumerate(contents)
        if content.get("role") != "model" and any("text" in part for part in content["parts"])
    ]
    for content in contents[max(texts, default=-1) + 1 :]:
        for part in [part for part in content["parts"] if "functionCall" in part][:1]:
            require(
                part.get("thoughtSignature"),
                "Function call is missing a thought_signature in functionCall parts.",
            )


def _message(content: Json) -> Message:
    parts = content.get("parts") or []
    texts = tuple(part["text"] for part in parts if part.get("text") and not part.get("thought"))
    calls = tuple(
        ToolCall(call.get("id") or "", call["name"], call.get("args") or {})
        for call in (part["functionCall"] for part in parts if "functionCall" in part)
    )
    results = tuple(
        ToolResult(result.get("id") or "", plain(result.get("response")), result["name"])
        for result in (part["functionResponse"] for part in parts if "functionResponse" in part)
    )
    if content.get("role") == "model":
        return Message("assistant", texts, calls)
    return Message("tool" if results and not texts else "user", texts, (), results)


def _error(status: int, message: str) -> Json:
    return {
        "error": {"code": status, "message": message, "status": _STATUSES.get(status, "INTERNAL")}
    }


def _thoughts(reply: Reply) -> list[Json]:
    return [{"text": reply.thoughts, "thought": True}] if reply.thoughts else []


def _texts(reply: Reply, texts: tuple[str, ...]) -> list[Json]:
    parts: list[Json] = [{"text": text} for text in texts]
    for part in parts[-1:] if reply.thoughts and not reply.tool_calls else []:
        part["thoughtSignature"] = SIGNATURE
    return parts


def _calls(reply: Reply) -> list[Json]:
    parts: list[Json] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        for call in reply.tool_calls
    ]
    for part in parts[:1]:
        part["thoughtSignature"] = SIGNATURE
    return parts


def _body(request: Request, reply: Reply, parts: list[Json], identity: str, *, last: bool) -> Json:
    candidate: Json = {"index": 0}
    if not reply.blocked:
        candidate["content"] = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    if last:
        candidate["finishReason"] = _FINISH[reply.end]
    given, made = request.input_tokens(), reply.output_tokens()
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": given,
            "candidatesTokenCount": made,
            "totalTokenCount": given + made,
        },
        "modelVersion": request.model,
        "responseId": identity,
    }
