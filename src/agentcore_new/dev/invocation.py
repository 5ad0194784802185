"""One invocation, as AgentCore makes it of a request: what reaches the agent, and what comes back.

Whoever asks — a client over HTTP, or the page — gives a `Reply` for what comes back.
"""

import asyncio
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import uuid4

import aiohttp

from agentcore_new.dev import platform
from agentcore_new.dev.causes import last_lines, likely
from agentcore_new.dev.events import Events
from agentcore_new.dev.machine import Machine, StartFailed
from agentcore_new.dev.machines import Full, Machines
from agentcore_new.dev.platform import Headers
from agentcore_new.dev.reading import EventReader, text_and_error
from agentcore_new.dev.said import one_line, parsed
from agentcore_new.dev.traces import new_trace
from agentcore_new.dev.turns import BODY_CHARS, Record, Turn

STREAM = "text/event-stream"
ACTION_SECONDS = 30  # for what is no turn
EVENT_CHARS = 1_000_000  # of one event, that are recorded


class Reply(Protocol):
    """Who waits for the answer."""

    async def begin(self, status: int, headers: Headers) -> None:
        """The answer begins."""

    async def write(self, chunk: bytes) -> None:
        """A piece of it."""


class Nobody:
    """Nobody waits: the answer is only recorded."""

    async def begin(self, status: int, headers: Headers) -> None:
        """Go on."""

    async def write(self, chunk: bytes) -> None:
        """Go on."""


class Refused(Exception):
    """AgentCore answers by itself; the agent may not have been asked.

    Args:
        status: The status of HTTP.
        message: One sentence.
        original: What the agent said, if it is the agent that failed.
    """

    def __init__(
        self, status: int, message: str, original: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.original = original

    def as_object(self) -> dict[str, object]:
        """The body of the answer."""
        return {"message": self.message} | ({"original": self.original} if self.original else {})


class Invocations:
    """Brings requests to the machine of their session, and records what comes of them.

    Args:
        machines: Who answers.
        http: Asks them.
        record: Where it is kept.
        events: Who is told.
    """

    def __init__(
        self, machines: Machines, http: aiohttp.ClientSession, record: Record, events: Events
    ) -> None:
        self._machines = machines
        self._http = http
        self._record = record
        self._events = events
        self._limits = machines.limits

    def begin(self, headers: Headers, body: bytes) -> Turn:
        """Take a request, or refuse it as AgentCore does.

        Raises:
            Refused: AgentCore does not take it.
        """
        passed, dropped = platform.reaching(headers)
        given = {name.lower(): value for name, value in passed}
        session = given.get(platform.SESSION_HEADER.lower())
        if session is None:  # then it gives one itself
            session = str(uuid4())
            passed.append((platform.SESSION_HEADER, session))
        user = given.get(platform.USER_HEADER.lower())
        fault = platform.session_fault(session) or platform.user_fault(user or "")
        if fault:
            raise Refused(400, fault)
        trace, parent = new_trace()
        if "traceparent" in given:
            trace = trace_of(given["traceparent"]) or trace
        else:
            passed.append(("traceparent", parent))
        text = body[: BODY_CHARS * 4].decode("utf-8", "replace")
        turn = self._record.begin(session, prompt_of(text), passed, dropped, text, trace)
        opened = self._record.open(session)
        opened.user = user or opened.user
        opened.tenant = given.get(platform.TENANT_HEADER.lower()) or opened.tenant
        return turn

    async def run(self, turn: Turn, body: bytes, reply: Reply) -> None:
        """Have the agent answer a turn.

        Raises:
            Refused: There is no answer, or AgentCore does not pass it on.
        """
        try:
            await self._ask(turn, body, reply)
            turn.ended("failed" if turn.error else "done", turn.error)
        except Refused as refused:
            turn.status = refused.status
            turn.original = dict(refused.original) if refused.original else None
            turn.ended("failed", refused.message)
            raise
        except asyncio.CancelledError:
            turn.ended("stopped")
            raise
        except BaseException as error:
            turn.ended("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            self._record.told(turn)
            self._events.tell(
                "turn-ended",
                turn=turn.id,
                session=turn.session,
                machine=turn.machine,
                state=turn.state,
                status=turn.status,
                original=turn.original,
                error=turn.error,
                seconds=turn.seconds and round(turn.seconds, 4),
                first=turn.first and round(turn.first, 4),
                bytes=turn.bytes,
            )

    async def act(self, headers: Headers, payload: Mapping[str, object]) -> tuple[int, object]:
        """Ask for something that is no turn and is not recorded; return the status and the answer.

        Raises:
            Refused: There is no answer.
        """
        session = dict(headers)[platform.SESSION_HEADER]
        try:
            async with (
                self._machine(session) as machine,
                asyncio.timeout(ACTION_SECONDS),
                self._http.post(
                    f"{machine.url}/invocations",
                    json=payload,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                text = await response.text(errors="replace")
        except TimeoutError:
            raise Refused(504, f"There was no answer within {ACTION_SECONDS} s.") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Refused(424, f"The agent did not answer: {error}.") from None
        try:
            return response.status, parsed(text)
        except ValueError:
            return response.status, text

    async def _ask(self, turn: Turn, body: bytes, reply: Reply) -> None:
        async with self._machine(turn.session) as machine:
            turn.machine = machine.id
            self._record.told(turn)
            self._events.tell(
                "turn-started", turn=turn.id, session=turn.session, machine=machine.id
            )
            await self._exchange(turn, machine, body, reply)
            if turn.error:  # the last event of a stream
                turn.error = with_cause(turn.error, machine)

    @asynccontextmanager
    async def _machine(self, session: str) -> AsyncIterator[Machine]:
        try:
            async with self._machines.turn(session) as machine:
                yield machine
        except Full:
            raise Refused(
                429, f"All {self._limits.machines} machines are in use; try again when one is idle."
            ) from None
        except StartFailed as failed:
            log = "\n".join([*failed.log, failed.hint]).strip()
            raise Refused(424, failed.why, {"status": None, "body": log}) from None

    async def _exchange(self, turn: Turn, machine: Machine, body: bytes, reply: Reply) -> None:
        begun = asyncio.get_running_loop().time()
        begins = False
        try:
            async with (
                asyncio.timeout(self._limits.call_seconds) as limit,
                self._http.post(
                    f"{machine.url}/invocations",
                    data=body,
                    headers=turn.headers,
                    allow_redirects=False,
                ) as response,
            ):
                turn.status = response.status
                turn.answer = [*response.headers.items()]
                if response.status >= 300:
                    raise await _failure(response, machine)
                streams = response.content_type == STREAM
                if streams:
                    limit.reschedule(begun + self._limits.stream_seconds)
                await reply.begin(response.status, _passed_back(turn))
                begins = True
                await self._pass_on(turn, response, reply, streams=streams)
        except TimeoutError:
            seconds = (limit.when() or begun) - begun
            raise Refused(504, f"The answer was not whole within {seconds:.4g} s.") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise await self._broken(machine, error, begun=begins) from None

    async def _pass_on(
        self, turn: Turn, response: aiohttp.ClientResponse, reply: Reply, *, streams: bool
    ) -> None:
        reader, decode = EventReader(EVENT_CHARS), getincrementaldecoder("utf-8")("replace").decode
        whole = bytearray()
        async for chunk in response.content.iter_any():
            turn.bytes += len(chunk)
            if streams:
                self._note(turn, reader.feed(decode(chunk)))
            elif len(whole) < BODY_CHARS * 4:
                whole += chunk
            await reply.write(chunk)
        if streams:
            self._note(turn, reader.end())
        else:
            self._note(turn, [whole.decode("utf-8", "replace")])

    def _note(self, turn: Turn, events: list[str]) -> None:
        for data in events:
            text, error = text_and_error(data)
            turn.arrived(data, text)
            turn.error = error or turn.error
        if events:
            self._record.changed("turn", turn.id)

    async def _broken(self, machine: Machine, error: Exception, *, begun: bool) -> Refused:
        """What is said when the agent's process was lost in the middle."""
        try:
            async with asyncio.timeout(0.5):  # it may just be about to end
                await machine.gone.wait()
        except TimeoutError:
            why = f"The agent broke off the connection: {one_line(str(error)).rstrip('.')}."
        else:
            why = f"The agent was lost: {machine.why}"
        return Refused(424, why if begun else f"{why} It had not answered yet.")


def with_cause(why: str, machine: Machine) -> str:
    """Add what the end of the machine's log says of the cause, if it does."""
    return f"{why} {likely(last_lines(machine.log))}".rstrip()


async def _failure(response: aiohttp.ClientResponse, machine: Machine) -> Refused:
    """A status that is no success reaches callers as 424 (RuntimeClientError)."""
    text = (await response.content.read(BODY_CHARS)).decode("utf-8", "replace")
    why = f"Received error ({response.status}) from runtime."
    if response.status >= 500:
        why = with_cause(why, machine)
    return Refused(424, why, {"status": response.status, "body": text})


def _passed_back(turn: Turn) -> Headers:
    kept = ("content-type", "cache-control")
    passed = [(name, value) for name, value in turn.answer if name.lower() in kept]
    return [*passed, (platform.SESSION_HEADER, turn.session)]


def prompt_of(body: str) -> str:
    """What a payload asks: its prompt, or else all of it."""
    try:
        value = parsed(body)
    except ValueError:
        return body
    prompt = value.get("prompt") if isinstance(value, dict) else None
    return prompt if isinstance(prompt, str) else body


def trace_of(parent: str) -> str | None:
    """The id of the trace that a `traceparent` names."""
    parts = parent.split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None
