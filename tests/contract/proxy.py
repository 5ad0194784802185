"""Stands between a server and PostgreSQL, and loses a commit or its answer when it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

# the connection is cut before the commit arrives, or after it, instead of its answer; in silence it
# stays, and nothing comes
Loss = Literal["commit", "answer", "silence"]
SIZE = 65_536


class Link:
    """One connection, on its way."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.loss: Loss | None = None

    def close(self) -> None:
        """End both halves of it, and whoever waits for one of them."""
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Proxy:
    """Forwards what comes to `port`."""

    def __init__(self, listening: socket.socket, to: int) -> None:
        self.port: int = listening.getsockname()[1]
        self.next_loss: Loss | None = None
        self._listening = listening
        self._to = to

    def run(self) -> None:
        """Forward each connection, until no more are taken."""
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                link = Link(client, socket.create_connection(("127.0.0.1", self._to)))
                for forward in (self._to_server, self._to_client):
                    threading.Thread(target=forward, args=(link,), daemon=True).start()

    def _to_server(self, link: Link) -> None:
        with suppress(OSError):
            while data := link.client.recv(SIZE):
                if self.next_loss and b"COMMIT" in data:
                    link.loss, self.next_loss = self.next_loss, None
                    if link.loss == "commit":
                        break
                link.server.sendall(data)
        link.close()

    def _to_client(self, link: Link) -> None:
        with suppress(OSError):
            while (data := link.server.recv(SIZE)) and link.loss != "answer":
                if link.loss is None:
                    link.client.sendall(data)
        link.close()


@contextmanager
def proxy(to: int) -> Iterator[Proxy]:
    """Stand before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        standing = Proxy(listening, to)
        thread = threading.Thread(target=standing.run)
        thread.start()
        try:
            yield standing
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
