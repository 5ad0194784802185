"""One accepted request and its answer: sent as planned, or broken off as planned."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from fake_models.behaviour import SECRET, Plan
from fake_models.conversation import Request
from fake_models.gates import Gates
from fake_models.recording import Recorded
from fake_models.wire import JSON, Codec

_FAILED = f"{SECRET}: failed as told"


class HungUpError(Exception):
    """The connection was cut on purpose."""


def respond(
    recorded: Recorded, status: int, body: bytes, headers: dict[str, str] | None = None
) -> web.Response:
    """An answer in one piece."""
    recorded.status, recorded.end = status, "complete"
    return web.Response(status=status, body=body, headers={"Content-Type": JSON, **(headers or {})})


def respond_error(recorded: Recorded, codec: Codec, status: int, message: str) -> web.Response:
    """An error in the words of the provider."""
    recorded.error = message
    error = codec.error(status, message)
    return respond(recorded, status, error.body, error.headers)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything about one request."""

    http: web.BaseRequest
    codec: Codec
    request: Request
    plan: Plan
    recorded: Recorded
    gates: Gates

    async def run(self, latency: float) -> web.StreamResponse:
        """Wait, hold, hang up, fail or answer."""
        plan = self.plan
        if latency or plan.delay:
            await asyncio.sleep(latency + plan.delay)
        if plan.hold is not None:
            await self.gates.hold(plan.hold)
        if plan.hangup:
            self._hang_up()
        if plan.fail is not None:
            response = respond_error(self.recorded, self.codec, plan.fail, _FAILED)
            if plan.no_retry:
                response.headers["x-should-retry"] = "false"
            return response
        if self.request.streamed:
            return await self._stream()
        whole = self.codec.whole(self.request, plan.reply)
        if plan.hangup_after is None and plan.hold_after is None:
            return respond(self.recorded, 200, whole)
        return await self._two_halves(whole)

    async def _stream(self) -> web.StreamResponse:
        plan, frames = self.plan, self.codec.frames(self.request, self.plan.reply)
        response = await self._begin({"Content-Type": self.codec.stream_type})
        await response.write(frames.head)
        # a reply with fewer chunks than a directive counts is interrupted at its end
        limits = (plan.hangup_after or 0, plan.error_after or 0, (plan.hold_after or (0, ""))[0])
        for sent in range(max(len(frames.chunks), *limits) + 1):
            if plan.hold_after is not None and plan.hold_after[0] == sent:
                await self.gates.hold(plan.hold_after[1])
            if plan.hangup_after == sent:
                self._hang_up()
            if plan.error_after == sent:
                self.recorded.error = _FAILED
                failure = self.codec.stream_error(self.request, _FAILED)
                return await self._finish(response, failure)
            if plan.chunk_delay and sent:
                await asyncio.sleep(plan.chunk_delay)
            if sent < len(frames.chunks):
                await response.write(frames.chunks[sent])
        return await self._finish(response, frames.tail)

    async def _two_halves(self, whole: bytes) -> web.StreamResponse:
        middle = len(whole) // 2
        response = await self._begin(
            {"Content-Type": JSON, "Content-Length": str(len(whole))},
        )
        await response.write(whole[:middle])
        if self.plan.hold_after is not None:
            await self.gates.hold(self.plan.hold_after[1])
        if self.plan.hangup_after is not None:
            self._hang_up()
        return await self._finish(response, whole[middle:])

    async def _begin(self, headers: dict[str, str]) -> web.StreamResponse:
        self.recorded.status = 200
        response = web.StreamResponse(headers=headers)
        await response.prepare(self.http)
        return response

    async def _finish(self, response: web.StreamResponse, rest: bytes) -> web.StreamResponse:
        # before the last byte: a test that has the reply must find the record complete
        self.recorded.end = "complete"
        await response.write(rest)
        await response.write_eof()
        return response

    def _hang_up(self) -> None:
        self.recorded.end = "cut"
        if self.http.transport is not None:
            self.http.transport.abort()
        raise HungUpError
