"""The server in a thread of its own, and what tests ask of it."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import web

from fake_models.behaviour import without_directives
from fake_models.conversation import Message
from fake_models.environment import environment
from fake_models.gates import Gates
from fake_models.recording import Recorded, Recorder
from fake_models.service import Service


class FakeModels:
    """All providers on one port, in a thread and loop of its own, from `with` to its end."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        record: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Port 0 takes a free one; `latency` is before each answer; `tls` has a certificate."""
        self.host = host
        self.port = port
        self._tls = tls
        self._recorder = Recorder(record)
        self._gates = Gates()
        self._service = Service(self._recorder, self._gates, latency)
        self._started: Future[int] = Future()
        self._ask: Callable[[Callable[[web.Server], object]], object] = str
        self._stop: Callable[[], object] = int
        self._thread = threading.Thread(target=self._run, name="fake-models", daemon=True)

    def __enter__(self) -> Self:
        """Start, and know the port."""
        self._thread.start()
        self.port = self._started.result(timeout=10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; requests that are held are let go."""
        self.clear()
        self._stop()
        self._thread.join(timeout=10)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http{'s' if self._tls else ''}://{self.host}:{self.port}"

    def env(self, provider: str) -> dict[str, str]:
        """The environment that points a provider's SDKs here, dummy keys included."""
        return environment(provider, self.url)

    @property
    def requests(self) -> list[Recorded]:
        """Every request since the start or the last `clear`, in order of arrival."""
        return self._recorder.all()

    def requests_for(self, text: str) -> list[Recorded]:
        """The requests whose last user text, directives removed, equals `text`."""
        wanted = without_directives(text)
        return [r for r in self.requests if r.last_user_text == wanted]

    def transcript(self, text: str) -> list[tuple[str, str]]:
        """Roles and texts of the last of `requests_for(text)`, directives removed."""
        found = self.requests_for(text)
        if not found:
            raise LookupError(f"no request whose last user text is {text!r}")
        return [(m.role, _text(m)) for m in found[-1].messages]

    def wait_held(self, name: str, timeout: float = 10, *, count: int = 1) -> None:
        """Wait until `count` requests are held at gate `name`."""
        self._gates.wait_held(name, count, timeout)

    def release(self, name: str) -> None:
        """Open a gate, for those that wait and for later ones, until `clear`."""
        self._gates.release(name)

    def cut(self) -> None:
        """Cut the connections of all clients, as if their machine had been away."""
        done = threading.Event()

        def cut(server: web.Server) -> None:
            _cut(server)
            done.set()

        self._ask(cut)
        done.wait(timeout=10)

    def clear(self) -> None:
        """Forget the requests, let go whoever is held, close all gates."""
        self._gates.clear()
        self._recorder.clear()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            # a port that is taken
            self._started.set_exception(error)

    async def _serve(self) -> None:
        # a client that leaves cancels its handler: else a held request would wait for ever
        server = web.Server(
            self._service, handler_cancellation=True, access_log=None, keepalive_timeout=300
        )
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port, backlog=1024, ssl_context=self._tls)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = partial(loop.call_soon_threadsafe, stopped.set)
        self._ask = lambda ask: loop.call_soon_threadsafe(ask, server)
        self._started.set_result(runner.addresses[0][1])
        await stopped.wait()
        await runner.cleanup()


def _cut(server: web.Server) -> None:
    for transport in [handler.transport for handler in server.connections if handler.transport]:
        raw = transport.get_extra_info("socket")
        # so that the other side is told by a reset, and not politely
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _text(message: Message) -> str:
    results = [result.text for result in message.tool_results]
    return "\n".join([without_directives(text) for text in message.texts] or results)
