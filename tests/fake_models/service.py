"""The handler of the HTTP server: read a request, judge it, record it, have it answered."""

import asyncio
import json
import re

from aiohttp import web

from fake_models import behaviour, identity
from fake_models.conversation import Json, Request
from fake_models.exchange import Exchange, HungUpError, respond, respond_error
from fake_models.gates import Gates
from fake_models.recording import Recorded, Recorder
from fake_models.routes import Route, find
from fake_models.wire import Credential, RejectedError

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class Service:
    """Answers every request of the server."""

    def __init__(self, recorder: Recorder, gates: Gates, latency: float = 0.0) -> None:
        """Requests are recorded there, held there, and each answered so late."""
        self._recorder = recorder
        self._gates = gates
        self._latency = latency

    async def __call__(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        raw = await http.content.read()
        if http.raw_path == identity.PATH:
            return respond(self._unreadable("identity", ""), *identity.answer(raw))
        route = find(http.raw_path)
        if route is None or http.method != "POST":
            recorded = self._unreadable("unknown", f"{http.method} {http.raw_path}")
            return respond(recorded, 404, b'{"error":{"message":"no such path"}}')
        codec = route.codec
        credential = codec.credential(http.headers)
        if not credential.key:
            recorded = self._unreadable(codec.name, "no API key")
            return respond_error(recorded, codec, codec.unauthorised, "no API key")
        try:
            body, request = _parse(route, raw)
        except RejectedError as error:
            recorded = self._unreadable(codec.name, str(error))
            return respond_error(recorded, codec, 400, str(error))
        recorded = self._recorder.add(request, credential, raw)
        try:
            codec.check(body, request)
            plan = behaviour.decide(request)
        except (RejectedError, *_MALFORMED) as error:
            return respond_error(recorded, codec, 400, str(error) or repr(error))
        try:
            return await Exchange(http, codec, request, plan, recorded, self._gates).run(
                self._latency
            )
        except HungUpError:
            # the transport is gone: aiohttp finds that out when it writes, and says nothing
            return web.Response()
        except (asyncio.CancelledError, ConnectionError):
            recorded.end = "left"
            raise

    def _unreadable(self, protocol: str, error: str) -> Recorded:
        recorded = self._recorder.add(Request(protocol, "", False, "", ()), Credential(""))
        recorded.error = error
        return recorded


def _parse(route: Route, raw: bytes) -> tuple[Json, Request]:
    try:
        body = json.loads(raw)
        if _ESCAPED_SURROGATE.search(raw) and not _is_text(body):
            raise RejectedError("malformed request: half a surrogate pair")
        return body, route.codec.parse(body, route.model, route.streamed)
    except _MALFORMED as error:
        raise RejectedError(f"malformed request: {error!r}") from error


def _is_text(body: Json) -> bool:
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
