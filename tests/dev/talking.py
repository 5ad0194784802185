"""An HTTP agent in this process, that answers what a test tells it to, byte for byte."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
USER = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
SECONDS = 20.0
_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def events(*said: Any) -> bytes:
    """The beginning of a stream, with these in it as JSON."""
    return _STREAM + b"".join(chunk(f"data: {json.dumps(each)}\n\n".encode()) for each in said)


def stream(*said: Any) -> bytes:
    """A whole stream."""
    return events(*said) + END


def raw_stream(body: bytes) -> bytes:
    """A whole stream of other events than ours."""
    return _STREAM + chunk(body) + END


def body(text: str | bytes, status: int = 200, kind: str = "application/json") -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    head = f"HTTP/1.1 {status} Something\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}"
    return f"{head}\r\n\r\n".encode() + data


def objects(said: Any, status: int = 200) -> bytes:
    return body(json.dumps(said), status)


@dataclass
class Agent:
    """What it is asked, and what it answers.

    Args:
        url: Where it is.
        answers: The bytes of each answer, in order; the last one again and again.
        held: The bytes that follow when `go_on` is set, or never.
    """

    url: str
    answers: list[bytes] = field(default_factory=lambda: [stream("hello")])
    held: bytes = b""
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[Message, Any]] = field(default_factory=list)
    # a client that has gone is seen by its connection
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def sessions(self) -> list[str]:
        return [headers[SESSION] for headers, _ in self.asked]

    @property
    def prompts(self) -> list[str]:
        return [payload["prompt"] for _, payload in self.asked]


class _Server(ThreadingHTTPServer):
    agent: Agent


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        agent = self.server.agent
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/invocations"
        agent.asked.append((self.headers, payload))
        answer = agent.answers.pop(0) if len(agent.answers) > 1 else agent.answers[0]
        self.wfile.write(answer)
        self.close_connection = True
        if not agent.held:
            return
        self.connection.settimeout(0.02)
        for _ in range(int(SECONDS / 0.02)):
            if agent.go_on.is_set():
                self.wfile.write(agent.held)
                return
            try:
                gone = self.connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                gone = True
            if gone:
                agent.left.set()
                return

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Agent]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.agent = Agent(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=lambda: server.serve_forever(0.02))
    thread.start()
    try:
        yield server.agent
    finally:
        server.agent.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
