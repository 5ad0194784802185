"""Bedrock InvokeModel and InvokeModelWithResponseStream, with bodies of Anthropic."""

from base64 import b64encode
from collections.abc import Mapping

from fake_models import anthropic, eventstream
from fake_models.bedrock_converse import error_reply
from fake_models.conversation import Json, Reply, Request
from fake_models.wire import Credential, ErrorReply, Frames, dump, require, signature


class BedrockInvoke:
    """`POST /model/ID/invoke` and `/model/ID/invoke-with-response-stream`."""

    name = "bedrock_invoke"
    stream_type = eventstream.CONTENT_TYPE
    unauthorised = 403

    def credential(self, headers: Mapping[str, str]) -> Credential:
        """Who signed, and for which region; or the bearer token."""
        return signature(headers)

    def parse(self, body: Json, model: str, streamed: bool) -> Request:
        """Read a request."""
        return anthropic.parse_body(self.name, body, model, streamed)

    def check(self, body: Json, _request: Request) -> None:
        """The rules of the Messages API; the model stands in the path and the version here."""
        require(body.get("anthropic_version"), "anthropic_version: Field required")
        for extra in ("model", "stream"):
            require(extra not in body, f"{extra}: Extra inputs are not permitted")
        anthropic.check_body(body)

    def error(self, status: int, message: str) -> ErrorReply:
        """An error instead of a reply."""
        return error_reply(status, message)

    def stream_error(self, _request: Request, message: str) -> bytes:
        """An error in the middle of a streamed reply."""
        return eventstream.exception("internalServerException", message)

    def whole(self, request: Request, reply: Reply) -> bytes:
        """A reply in one piece."""
        return dump(anthropic.whole_body(request, reply))

    def frames(self, request: Request, reply: Reply) -> Frames:
        """A streamed reply: the events of Anthropic in base64."""
        head, chunks, tail = anthropic.stream_events(request, reply)
        metrics = {
            "inputTokenCount": request.input_tokens(),
            "outputTokenCount": reply.output_tokens(),
            "invocationLatency": 1,
            "firstByteLatency": 1,
        }
        tail[-1]["amazon-bedrock-invocationMetrics"] = metrics

        def encode(events: list[Json]) -> bytes:
            return b"".join(
                eventstream.event("chunk", {"bytes": b64encode(dump(event)).decode()})
                for event in events
            )

        return Frames(encode(head), [encode(chunk) for chunk in chunks], encode(tail))
