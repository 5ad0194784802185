"""An HTTP client of one server, to which JSON answers and streams look the same."""

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
TENANT = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant-Id"
SECONDS = 60.0

# a name may come more than once
Headers = dict[str, bytes] | list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one prompt: a text or an error, whichever way it was sent."""

    status: int
    text: str
    error: str
    # of a stream, in order: a string for a delta, an object for an error
    frames: tuple[Any, ...]
    body: bytes

    @property
    def deltas(self) -> list[str]:
        """The pieces of text of a stream."""
        return [frame for frame in self.frames if isinstance(frame, str)]


def _reply(response: httpx.Response) -> Reply:
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        answer = response.json()
        text, error = answer.get("result", ""), answer.get("error", "")
        return Reply(response.status_code, text, error, (), response.content)
    frames = tuple(parse_frames(response.content))
    errors = [frame["error"] for frame in frames if isinstance(frame, dict)]
    text = "".join(frame for frame in frames if isinstance(frame, str))
    return Reply(response.status_code, text, "\n".join(errors), frames, response.content)


def parse_frames(body: bytes) -> Iterator[Any]:
    """The data of each server-sent event, which must be one line of JSON and nothing else."""
    *frames, rest = body.decode().split("\n\n")
    assert not rest, f"the stream ends within a frame: {rest!r}"
    for frame in frames:
        assert frame.startswith("data: "), f"not a frame: {frame!r}"
        yield json.loads(frame.removeprefix("data: "))


class Client:
    """Talks to one server; `begin` and `together` have many requests in flight at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=SECONDS,
            # a connection a request: of many threads, one may close what another takes up again
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            # there is no TLS: to read the certificates would take longer than to start a server
            verify=False,  # noqa: S501
        )
        self._threads = ThreadPoolExecutor(256)

    def close(self) -> None:
        """Wait for the requests in flight, then close every connection."""
        self._threads.shutdown(cancel_futures=True)
        self._http.close()

    def ping(self) -> str:
        """The status that the server says it has."""
        return self.health()[0]

    def health(self) -> tuple[str, int]:
        """The status that the server says it has, and since when, in whole seconds since 1970."""
        said = self._http.get("/ping", timeout=5).raise_for_status().json()
        return said["status"], said["time_of_last_update"]

    def post(self, body: bytes | Iterable[bytes], headers: Headers | None = None) -> httpx.Response:
        """Send any bytes as an invocation; in chunks, if they come in pieces."""
        pairs = headers.items() if isinstance(headers, dict) else headers or []
        return self._http.post(
            "/invocations",
            content=body,
            headers=[
                (b"Content-Type", b"application/json"),
                *((name.encode(), value) for name, value in pairs),
            ],
        )

    def begin_post(
        self, body: bytes | Iterable[bytes], headers: Headers | None = None
    ) -> Future[httpx.Response]:
        """Start to send any bytes."""
        return self._threads.submit(self.post, body, headers)

    def ask(
        self,
        prompt: object,
        session: str | None = None,
        *,
        user: str | None = None,
        tenant: str | None = None,
        **payload: object,
    ) -> Reply:
        """Run one turn."""
        headers = _headers(session, user, tenant)
        return _reply(self.post(_body(prompt, payload), headers))

    def act(self, action: object, session: str | None = None, **options: Any) -> dict[str, Any]:
        """Ask for something other than a reply, which must be answered."""
        response = self.try_to_act(action, session, **options)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def try_to_act(
        self,
        action: object,
        session: str | None = None,
        *,
        user: str | None = None,
        tenant: str | None = None,
        **payload: object,
    ) -> httpx.Response:
        """Ask for something other than a reply, which may be refused."""
        body = json.dumps({"action": action, **payload}).encode()
        return self.post(body, _headers(session, user, tenant))

    def said(self, session: str, **options: Any) -> list[tuple[str, str]]:
        """The transcript of a session as far back as it goes: who said what."""
        messages: list[dict[str, Any]] = []
        before: str | None = None
        while not messages or before:
            page = self.act("history", session, limit=15, before=before, **options)
            messages = [*page["messages"], *messages]
            before = page["before"]
            if not page["messages"]:
                break
        return [(message["role"], message["message"]) for message in messages]

    def begin(self, prompt: object, session: str | None = None, **options: Any) -> Future[Reply]:
        """Start one turn."""
        return self._threads.submit(self.ask, prompt, session, **options)

    def together(self, asked: Iterable[tuple[str, str | None]]) -> list[Reply]:
        """Run a turn for each prompt and session, all at once."""
        turns = [self.begin(prompt, session) for prompt, session in asked]
        return [turn.result(SECONDS) for turn in turns]

    def fence(self) -> None:
        """Return when all that the server's loop had to do before is done."""
        assert self.post(b"null").status_code == 400

    @contextmanager
    def bare(self, *, receive_buffer: int = 0) -> Iterator[socket.socket]:
        """A connection without a request."""
        with socket.socket() as raw:
            raw.settimeout(SECONDS)
            if receive_buffer:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            raw.connect(("127.0.0.1", self._port))
            yield raw

    @contextmanager
    def connection(
        self, prompt: str, session: str, *, receive_buffer: int = 0
    ) -> Iterator[socket.socket]:
        """Send a prompt over a bare connection, to leave or not to read whenever it suits."""
        body = _body(prompt, {})
        head = [
            "POST /invocations HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"{SESSION}: {session}",
        ]
        with self.bare(receive_buffer=receive_buffer) as raw:
            raw.sendall("\r\n".join([*head, "", ""]).encode() + body)
            yield raw


def read_until(raw: socket.socket, text: bytes) -> bytes:
    """Read until `text` has come, and return everything."""
    received = b""
    while text not in received:
        data = raw.recv(4096)
        assert data, f"the connection ended after {received!r}"
        received += data
    return received


def until(condition: Callable[[], bool]) -> None:
    """Return when it is true."""
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "it does not come true"
        time.sleep(0.02)


def _headers(session: str | None, user: str | None, tenant: str | None) -> dict[str, bytes]:
    given = {SESSION: session, USER: user, TENANT: tenant}
    return {name: value.encode("latin-1") for name, value in given.items() if value is not None}


def _body(prompt: object, payload: dict[str, object]) -> bytes:
    return json.dumps({"prompt": prompt, **payload}).encode()
