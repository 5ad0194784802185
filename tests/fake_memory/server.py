"""The server in threads of its own, and what tests ask of it."""

import json
import socket
import sys
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from fake_models.environment import credentials

from fake_memory.events import MAX_EVENT_BYTES, MEMORY_ID, Events
from fake_memory.requests import Refused, codes_of, read, status_of

REGION = "eu-north-1"


class FakeMemory:
    """One memory, from `with` to its end; it can go away and come back on the same port.

    Attributes:
        events: What is kept; how late and in which pages it is listed.
        calls: How often each operation was asked for, retries included.
        sent: How many bytes its answers had.
        rates: How many calls of an operation a second are not throttled; by default, all.
    """

    def __init__(self) -> None:
        self.events = Events()
        self.calls: Counter[str] = Counter()
        self.sent = 0
        self.rates: dict[str, int] = {}
        self._refusals: dict[str, list[str]] = {}
        self._lost: Counter[str] = Counter()
        self._times: dict[str, deque[float]] = {}
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._port = 0

    def __enter__(self) -> Self:
        """Start, and know the port."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; requests that are held are let go."""
        self.resume()
        self.stop()

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self._port}"

    def env(self) -> dict[str, str]:
        """The environment in which boto3 finds it, and a project its memory."""
        return {
            **credentials(),
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": self.url,
            "AWS_REGION": REGION,
            "MEMORY_ID": MEMORY_ID,
        }

    def start(self) -> None:
        """Answer, on the port of before."""
        self._server = _Server(self, self._port)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections, and cut those that there are."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()
            server.cut()

    def pause(self) -> None:
        """Take requests, and say nothing."""
        self._open.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._open.set()

    def refuse(self, operation: str, times: int = 1, code: str = "ThrottledException") -> None:
        """Answer the next calls of an operation with an exception that it has."""
        assert code in codes_of(operation)
        self._refusals[operation] = [code] * times

    def lose(self, operation: str, times: int = 1) -> None:
        """Do what the next calls ask for, and cut the connection instead of an answer."""
        self._lost[operation] = times

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """Answer a request with a status and a body, or not at all."""
        self._open.wait()
        try:
            operation, parameters = read(method, path, body)
            with self._lock:
                self.calls[operation] += 1
                self._check_rate(operation)
                if self._refusals.get(operation):
                    raise Refused(self._refusals[operation].pop(), "on order")
            if operation == "CreateEvent" and len(body) > MAX_EVENT_BYTES:
                raise Refused("ValidationException", "an event has at most 10 MB")
            answer = self.events.answer(operation, parameters)
        except Refused as refused:
            return refused.status, {"__type": refused.code, "message": str(refused)}
        with self._lock:
            if self._lost[operation]:
                self._lost[operation] -= 1
                return None
        return status_of(operation), answer

    def _check_rate(self, operation: str) -> None:
        now, times = time.monotonic(), self._times.setdefault(operation, deque())
        while times and times[0] < now - 1:
            times.popleft()
        if len(times) >= self.rates.get(operation, sys.maxsize):
            raise Refused("ThrottledException", "too many calls")
        times.append(now)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, memory: FakeMemory, port: int) -> None:
        self.memory = memory
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        for connection in [*self._connections]:
            connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked was killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is sent in one piece
    server: _Server

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.memory.answer(self.command, self.path, body)
        if answer is None:
            self.close_connection = True
            return
        status, value = answer
        data = json.dumps(value).encode()
        self.server.memory.sent += len(data)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if "__type" in value:
            self.send_header("x-amzn-ErrorType", value["__type"])
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


for method in ("GET", "POST", "DELETE"):
    setattr(_Handler, f"do_{method}", _Handler.handle_any)
