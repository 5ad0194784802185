"""What the server has seen."""

import threading
from dataclasses import dataclass
from typing import Literal

from fake_models.behaviour import without_directives
from fake_models.conversation import Message, Request
from fake_models.wire import Credential

End = Literal["open", "complete", "cut", "left"]


@dataclass(slots=True)
class Recorded:
    """One request; `end` says how it went: still open, complete, cut by us, left by the client."""

    protocol: str
    streamed: bool
    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[str, ...] = ()
    # as it came
    body: bytes = b""
    # the API key or the key id, and the region that the signature is for
    key: str = ""
    region: str = ""
    # 0: nothing was sent yet, or nothing at all
    status: int = 0
    error: str = ""
    end: End = "open"

    @property
    def last_user_text(self) -> str:
        """The last text of a user, directives removed."""
        texts = [text for m in self.messages if m.role == "user" for text in m.texts if text]
        return without_directives(texts[-1]) if texts else ""


class Recorder:
    """A list of requests that any thread may read."""

    def __init__(self, enabled: bool = True) -> None:
        """Not enabled, it keeps nothing."""
        self._enabled = enabled
        self._lock = threading.Lock()
        self._all: list[Recorded] = []

    def add(self, request: Request, credential: Credential, body: bytes = b"") -> Recorded:
        """Begin the record of a request."""
        recorded = Recorded(
            request.protocol,
            request.streamed,
            request.model,
            request.system,
            request.messages,
            request.tools,
            body,
            credential.key,
            credential.region,
        )
        if self._enabled:
            with self._lock:
                self._all.append(recorded)
        return recorded

    def all(self) -> list[Recorded]:
        """Every request so far, in order of arrival."""
        with self._lock:
            return list(self._all)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._all.clear()
