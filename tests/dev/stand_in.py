"""A front for the page alone: it answers as the real one does, from what a test has scripted.

It runs in a thread of its own, since the page's tests drive the browser synchronously.
"""

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientConnectionResetError, web

import agentcore_new.dev
from agentcore_new.dev.markdown import render

Json = dict[str, Any]
T = TypeVar("T")

PAGE = Path(agentcore_new.dev.__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
AGENT: Json = {
    "name": "travel-agent",
    "folder": "/home/ada/projects/travel-agent",
    "per_session": True,
    "idle_seconds": 900,
    "offline": False,
    "actions": True,
    "limit": 16,
}


class StandIn:
    """What a front has; whatever is changed from a test is told to the pages.

    `says` has what the agent answers to a prompt, a list of pieces. A prompt that is not there is
    repeated; `waits` has those whose answer goes on until they are stopped.
    """

    def __init__(self, port: int = 0, **agent: Any) -> None:
        self.agent = {**AGENT, **agent}
        self.sessions: dict[str, Json] = {}
        self.turns: dict[int, Json] = {}
        self.machines: list[Json] = []
        self.problem: Json | None = None
        self.log: dict[int, str] = {}
        self.says: dict[str, list[str]] = {}
        self.waits: set[str] = set()
        self.fails: dict[str, Json] = {}
        self.tools: dict[str, list[Json]] = {}
        self.actions: dict[str, Json] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.calls: list[Json] = []
        self.port = port
        self._pages: dict[asyncio.Queue[str], str] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    # what tests do

    def do(self, change: Callable[[], T]) -> T:
        """Do it in the front's own thread."""

        async def inside() -> T:
            return change()

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(30)

    def tell(self, message: Json, session: str | None = None) -> None:
        for queue, looked_at in self._pages.items():
            if session in (None, looked_at):
                queue.put_nowait(json.dumps(message))

    def session(self, name: str | None = None, **fields: Any) -> Json:
        """A further session, before or while a page is open."""
        session: Json = {
            "id": str(uuid.uuid4()) + str(len(self.sessions)),
            "name": name,
            "user": None,
            "tenant": None,
            "turns": 0,
            "running": 0,
            "last_used": None,
            "machine": None,
            **fields,
        }
        self.sessions[session["id"]] = session
        return session

    def turn(self, session: Json, prompt: str, text: str = "", **fields: Any) -> Json:
        number = len(self.turns) + 1
        turn: Json = {
            "id": number,
            "session": session["id"],
            "prompt": prompt,
            "text": text,
            "html": render(text),
            "state": "done",
            "status": 200,
            "error": None,
            "original": None,
            "tools": [],
            "started": time.time(),
            "first": 0.021,
            "seconds": 1.4,
            "events": 0,
            "machine": (session["machine"] or {}).get("id"),
            "pieces": [{"at": 0.021, "data": json.dumps(text)}],
            **fields,
        }
        self.turns[number] = turn
        session["turns"] += 1
        return turn

    def machine(self, number: int, **fields: Any) -> Json:
        return {
            "id": number,
            "pid": 40_000 + number,
            "state": "ready",
            "health": "Healthy",
            "age": 75.0,
            "idle": 12.0,
            "memory": 84_300_000,
            "turns": 0,
            "why": None,
            **fields,
        }

    def tell_session(self, session: Json) -> None:
        self.tell({"type": "session", "session": session})

    def tell_turn(self, turn: Json) -> None:
        self.tell({"type": "turn", "turn": told(turn)}, turn["session"])

    # the front itself

    @contextmanager
    def serving(self) -> "Iterator[StandIn]":
        started = threading.Event()
        thread = threading.Thread(target=self._run, args=(started,))
        thread.start()
        assert started.wait(30)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(30)

    def _run(self, started: threading.Event) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0)
        loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self.agent["url"] = self.url
        started.set()
        loop.run_forever()
        loop.run_until_complete(self._end(runner))
        loop.close()

    async def _end(self, runner: web.AppRunner) -> None:
        pages, self._pages = self._pages, {}  # it dies without a word
        for queue in pages:
            queue.put_nowait("")
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._noted])
        app.add_routes(
            [
                web.get("/", self._file),
                web.get("/page/{name:.+}", self._file),
                web.get("/api/events", self._events),
                web.post("/api/sessions", self._create),
                web.patch("/api/sessions/{id}", self._change),
                web.delete("/api/sessions/{id}", self._delete),
                web.post("/api/sessions/{id}/turns", self._start),
                web.post("/api/sessions/{id}/actions", self._act),
                web.post("/api/turns/{id}/stop", self._stop),
                web.get("/api/turns/{id}", self._details),
                web.get("/api/machines/{id}/log", self._read_log),
                web.post("/api/machines/restart", self._nothing),
                web.post("/api/machines/{id}/{what}", self._end_machine),
            ]
        )
        return app

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method != "GET":
            body = await request.json() if request.can_read_body else None
            self.asked.append((request.method, request.path, body))
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _file(self, request: web.Request) -> web.Response:
        file = PAGE / request.match_info.get("name", "index.html")
        headers = {"Content-Security-Policy": POLICY, "Content-Type": KINDS[file.suffix]}
        return web.Response(body=file.read_bytes(), headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        looked_at = request.query.get("session", "")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[str] = asyncio.Queue()
        first: list[Json] = [
            {"type": "hello", "agent": self.agent},
            {"type": "sessions", "sessions": [*self.sessions.values()]},
            {"type": "machines", "machines": self.machines},
            {"type": "problem", "problem": self.problem},
        ]
        first += [
            {"type": "turn", "turn": told(turn)}
            for turn in self.turns.values()
            if turn["session"] == looked_at
        ]
        for message in first:
            queue.put_nowait(json.dumps(message))
        self._pages[queue] = looked_at
        try:
            while line := await queue.get():
                await response.write(f"data: {line}\n\n".encode())
        except ClientConnectionResetError:
            pass  # the page has gone
        finally:
            self._pages.pop(queue, None)
        return response

    async def _create(self, request: web.Request) -> web.Response:
        fields = await request.json()
        if len(fields.get("id") or "x" * 33) < 33:
            return web.json_response({"error": "The session id is too short."}, status=400)
        session = self.session(**{name: text for name, text in fields.items() if text})
        self.tell_session(session)
        return web.json_response(session)

    async def _change(self, request: web.Request) -> web.Response:
        session = self.sessions[request.match_info["id"]]
        session.update(await request.json())
        self.tell_session(session)
        return web.json_response(session)

    async def _delete(self, request: web.Request) -> web.Response:
        del self.sessions[request.match_info["id"]]
        self.tell({"type": "gone", "id": request.match_info["id"]})
        return web.json_response({})

    async def _start(self, request: web.Request) -> web.Response:
        prompt = (await request.json())["prompt"]
        session = self.sessions[request.match_info["id"]]
        turn = self.turn(session, prompt, state="running", status=None, first=None, seconds=None)
        session["running"] += 1
        self._running[turn["id"]] = asyncio.create_task(self._answer(session, turn))
        return web.json_response({"turn": told(turn)}, status=202)

    async def _answer(self, session: Json, turn: Json) -> None:
        prompt = turn["prompt"]
        turn["pieces"] = []
        self.tell_session(session)
        self.tell_turn(turn)
        state: Json = {"state": "stopped"}
        try:
            for piece in self.says.get(prompt, [prompt]):
                await asyncio.sleep(0.01)
                turn["first"] = turn["first"] or 0.01
                turn["text"] += piece
                turn["html"] = render(turn["text"])
                turn["pieces"].append({"at": time.time() - turn["started"], "data": piece})
                turn["events"] += 1
                self.tell_turn(turn)
            if prompt in self.waits:
                await asyncio.Event().wait()
            turn["tools"] = self.tools.get(prompt, [])
            state = self.fails.get(prompt, {"state": "done", "status": 200})
        finally:
            turn.update(state, seconds=time.time() - turn["started"])
            session["running"] -= 1
            self.tell_session(session)
            self.tell_turn(turn)

    async def _stop(self, request: web.Request) -> web.Response:
        task = self._running[int(request.match_info["id"])]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return web.json_response({})

    async def _act(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = body["action"] + (" before" if "before" in body else "")
        return web.json_response(self.actions.get(name, {"status": 404, "body": {"error": "?"}}))

    async def _details(self, request: web.Request) -> web.Response:
        turn = self.turns[int(request.match_info["id"])]
        body = {"prompt": turn["prompt"]}
        return web.json_response(
            {
                "turn": told(turn),
                "request": {
                    "method": "POST",
                    "path": "/invocations",
                    "headers": [["Content-Type", "application/json"], ["Accept", "*/*"]],
                    "dropped": [["X-Amz-Date", "no header of x-amz-* reaches an agent"]],
                    "body": json.dumps(body),
                },
                "response": {
                    "status": turn["status"] or 200,
                    "headers": [["content-type", "text/event-stream; charset=utf-8"]],
                },
                "events": turn["pieces"],
                "calls": self.calls,
            }
        )

    async def _read_log(self, request: web.Request) -> web.Response:
        text = self.log.get(int(request.match_info["id"]), "")
        start = int(request.query["from"])
        return web.json_response({"text": text[start:], "next": len(text)})

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.json_response({})

    async def _end_machine(self, request: web.Request) -> web.Response:
        number, what = int(request.match_info["id"]), request.match_info["what"]
        why = {"stop": "Stopped from the page.", "kill": "Killed from the page (SIGKILL)."}[what]
        for session in self.sessions.values():
            if session["machine"] and session["machine"]["id"] == number:
                session["machine"] |= {"state": "ended", "why": why}
                self.tell_session(session)
        return web.json_response({})


def told(turn: Json) -> Json:
    """What events tell of a turn."""
    return {name: value for name, value in turn.items() if name != "pieces"}
