"""What the page asks for and has done."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from agentcore_new.dev import page_views, platform
from agentcore_new.dev.invocation import Invocations, Nobody, Refused
from agentcore_new.dev.machine import Machine
from agentcore_new.dev.machines import Machines
from agentcore_new.dev.page_events import Pages
from agentcore_new.dev.platform import Headers
from agentcore_new.dev.said import parsed
from agentcore_new.dev.traces import Traces
from agentcore_new.dev.turns import Record, Session, Turn

FOLDER = Path(__file__).with_name("page")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LOG_BYTES = 200_000  # that are sent at a time
MAX_DIGITS = 20  # of a number in an address
JSON = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = dict[str, Any]


class Missing(Exception):
    """There is no such session, turn or machine (any more)."""


class Page:
    """The page's part of the server.

    Args:
        pages: The pages that are open.
        record: The sessions and turns.
        machines: The machines.
        invocations: Asks the agent.
        restart: Starts all anew.
        follow: Whether the agent can be asked what it is doing.
    """

    def __init__(
        self,
        pages: Pages,
        record: Record,
        machines: Machines,
        invocations: Invocations,
        restart: Callable[[], Coroutine[Any, Any, None]],
        *,
        follow: bool,
    ) -> None:
        self._pages = pages
        self._record = record
        self._machines = machines
        self._invocations = invocations
        self._restart = restart
        self._follows = follow
        self._spans = Traces()
        self._tasks: set[asyncio.Task[None]] = set()

    def add_routes(self, app: web.Application) -> None:
        """Add all of it."""
        app.router.add_get("/", self._page)
        app.router.add_static("/page", FOLDER)
        app.router.add_get("/api/events", self._events)
        app.router.add_post("/api/sessions", _plainly(self._new_session))
        app.router.add_patch("/api/sessions/{id}", _plainly(self._change_session))
        app.router.add_delete("/api/sessions/{id}", _plainly(self._delete_session))
        app.router.add_post("/api/sessions/{id}/turns", _plainly(self._new_turn))
        app.router.add_post("/api/sessions/{id}/actions", _plainly(self._act))
        app.router.add_get("/api/turns/{number}", _plainly(self._exchange))
        app.router.add_post("/api/turns/{number}/stop", _plainly(self._stop_turn))
        app.router.add_get("/api/machines/{number}/log", _plainly(self._log))
        app.router.add_post("/api/machines/restart", _plainly(self._restart_all))
        app.router.add_post("/api/machines/{number}/stop", _plainly(self._stop_machine))
        app.router.add_post("/api/machines/{number}/kill", _plainly(self._kill_machine))
        app.router.add_post("/v1/traces", self._traces)
        app.on_response_prepare.append(_with_policy)

    async def close(self) -> None:
        """End the turns that the page began."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(FOLDER / "index.html")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        async for message in self._pages.messages(request.query.get("session")):
            await response.write(message.encode())
        return response

    async def _new_session(self, request: web.Request) -> web.Response:
        body = await _body(request)
        identity = _text(body, "id") or str(uuid4())
        if fault := platform.session_fault(identity):
            return _error(400, fault)
        return self._changed(self._record.open(identity), body)

    async def _change_session(self, request: web.Request) -> web.Response:
        return self._changed(self._session(request), await _body(request))

    def _changed(self, session: Session, body: Body) -> web.Response:
        for name in ("name", "user", "tenant"):
            if name in body:
                setattr(session, name, _text(body, name))
        self._record.changed("session", session.id)
        return web.json_response(self._shown(session))

    async def _delete_session(self, request: web.Request) -> web.Response:
        session = self._session(request)
        for turn in session.turns:
            if turn.stop:
                turn.stop()
        self._record.forget(session.id)
        machine = self._machines.of(session.id)
        if machine and self._machines.per_session:
            self._soon(self._machines.stop(machine, "Its session was deleted."))
        return web.json_response({})

    async def _new_turn(self, request: web.Request) -> web.Response:
        session = self._session(request)
        prompt = (await _body(request)).get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            return _error(400, "There is no prompt.")
        try:
            payload = json.dumps({"prompt": prompt}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return _error(400, "The prompt has characters that no text has.")
        turn = self._invocations.begin(_headers(session), payload)
        task = self._soon(self._run(turn, payload))
        turn.stop = task.cancel
        return web.json_response({"turn": page_views.of_turn(turn)}, status=202)

    async def _run(self, turn: Turn, payload: bytes) -> None:
        following = asyncio.ensure_future(self._follow(turn))
        try:
            await self._invocations.run(turn, payload, Nobody())
        except Refused:
            pass  # it is recorded
        finally:
            following.cancel()

    async def _follow(self, turn: Turn) -> None:
        """Ask the agent what it is doing, while a page shows the session."""
        session = self._record.session(turn.session)
        while self._follows and session and turn.state == "running":
            await asyncio.sleep(0.5)
            if turn.machine is None or not self._pages.looks_at(turn.session):
                continue
            asked = {"action": "status"}
            try:
                status, answer = await self._invocations.act(_headers(session), asked)
            except Refused:  # the turn itself says so
                return
            if status != 200 or not isinstance(answer, dict):
                return
            if turn.state == "running" and turn.tool != (step := answer.get("current_step")):
                turn.tool = step if isinstance(step, str) else None
                self._record.changed("turn", turn.id)

    async def _act(self, request: web.Request) -> web.Response:
        session, body = self._session(request), await _body(request)
        status, answer = await self._invocations.act(_headers(session), body)
        return web.json_response({"status": status, "body": answer})

    async def _exchange(self, request: web.Request) -> web.Response:
        return web.json_response(page_views.of_exchange(self._turn(request)))

    async def _stop_turn(self, request: web.Request) -> web.Response:
        turn = self._turn(request)
        if turn.stop:
            turn.stop()
        return web.json_response({})

    async def _log(self, request: web.Request) -> web.Response:
        machine = self._machine(request)
        start = request.query.get("from", "0")
        text, end = _piece(machine.log, max(0, _whole(start)))
        return web.json_response({"text": text, "next": end})

    async def _stop_machine(self, request: web.Request) -> web.Response:
        self._soon(self._machines.stop(self._machine(request), "It was stopped by hand."))
        return web.json_response({})

    async def _kill_machine(self, request: web.Request) -> web.Response:
        why = "It was killed by hand."
        self._soon(self._machines.stop(self._machine(request), why, kill=True))
        return web.json_response({})

    async def _restart_all(self, _: web.Request) -> web.Response:
        self._soon(self._restart())
        return web.json_response({})

    async def _traces(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            told = self._spans.take(body, request.headers.get("Content-Encoding", ""))
        except ValueError as error:
            return _error(400, str(error))
        for trace in told:
            if turn := self._record.traced(trace):
                turn.calls = self._spans.calls(trace)
                self._record.changed("turn", turn.id)
        return web.Response()

    def _session(self, request: web.Request) -> Session:
        session = self._record.session(request.match_info["id"])
        if session is None:
            raise Missing("There is no such session any more.")
        return session

    def _turn(self, request: web.Request) -> Turn:
        turn = self._record.turn(_number(request))
        if turn is None:
            raise Missing("There is no such turn any more.")
        return turn

    def _machine(self, request: web.Request) -> Machine:
        machine = self._machines.machine(_number(request))
        if machine is None:
            raise Missing("There is no such machine any more.")
        return machine

    def _shown(self, session: Session) -> Body:
        return page_views.of_session(session, self._machines.of(session.id))

    def _soon(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _plainly(handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
    """Have what is refused told in one sentence."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method in ("POST", "PATCH") and request.content_type != "application/json":
            return _error(415, "The page sends application/json.")
        try:
            return await handler(request)
        except Missing as missing:
            return _error(404, str(missing))
        except Refused as refused:
            return _error(refused.status, refused.message)
        except BadBody as fault:
            return _error(400, str(fault))

    return handle


class BadBody(Exception):
    """What the page sent is not understood."""


async def _body(request: web.Request) -> Body:
    try:
        body = parsed((await request.read()).decode() or "{}")
    except ValueError:
        raise BadBody("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise BadBody("The body is no object.")
    return body


def _text(body: Body, name: str) -> str | None:
    """The text of a field; None if it is empty."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadBody(f"The {name} is no text.")
    if value and any(not character.isprintable() for character in value):
        raise BadBody(f"The {name} has characters that no header can have.")
    return value or None


def _headers(session: Session) -> Headers:
    given = [
        (platform.SESSION_HEADER, session.id),
        (platform.USER_HEADER, session.user),
        (platform.TENANT_HEADER, session.tenant),
    ]
    return [*JSON.items(), *((name, value) for name, value in given if value)]


def _piece(log: Path, start: int) -> tuple[str, int]:
    """The log from there on, or the end of it if that is too much; and where it ends."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            begin = file.seek(max(min(start, size), size - LOG_BYTES))
            return file.read(size - begin).decode("utf-8", "replace"), size
    except FileNotFoundError:
        return "", 0


def _number(request: web.Request) -> int:
    return _whole(request.match_info["number"])


def _whole(text: str) -> int:
    """The number that a text is; -1 if it is none that we gave."""
    return int(text) if text.isdecimal() and len(text) < MAX_DIGITS else -1


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


async def _with_policy(request: web.Request, response: web.StreamResponse) -> None:
    if request.path == "/" or request.path.startswith(("/page", "/api")):
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-cache")
