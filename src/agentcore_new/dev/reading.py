"""What an agent answers, read as it arrives: its events, and the text in them."""

import json
from codecs import getincrementaldecoder

from agentcore_new.dev.reply import TEXTS
from agentcore_new.dev.said import failure_in, parsed

EVENT_CHARS = 1_000_000  # of one event, that are kept


def text_and_error(data: str) -> tuple[str, str | None]:
    """The text of an event or of a whole answer, and the error in it if there is one."""
    try:
        value = parsed(data)
    except ValueError:
        return data, None
    if error := failure_in(value):
        return "", error
    if isinstance(value, dict):
        value = next((value[name] for name in TEXTS if isinstance(value.get(name), str)), value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), None


class EventReader:
    """Takes bytes as they arrive, and gives the data of each event that is complete.

    Of an event without end only so much is kept, however much arrives.
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._line: list[str] = []  # the pieces of the one that is not complete
        self._data: list[str] = []  # the lines of the event that is not
        self._is_blank = True  # the line, so far
        self._room = EVENT_CHARS

    def feed(self, chunk: bytes) -> list[str]:
        """Return what the chunk completes."""
        *ended, rest = self._decode(chunk).split("\n")
        told: list[str] = []
        for end in ended:
            self._take(end)
            told += self._line_ended()
        self._take(rest)
        return told

    def end(self) -> list[str]:
        """Return what came last and was never completed, if there is anything."""
        self._line_ended()
        return self._event_ended()

    def _take(self, text: str) -> None:
        # A \r may have come without its \n.
        self._is_blank = self._is_blank and text in ("", "\r")
        if text and self._room:
            self._line.append(text[: self._room])
            self._room -= len(self._line[-1])

    def _line_ended(self) -> list[str]:
        line, is_blank = "".join(self._line).removesuffix("\r"), self._is_blank
        self._line.clear()
        self._is_blank = True
        if is_blank:
            return self._event_ended()
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
        return []

    def _event_ended(self) -> list[str]:
        data = "\n".join(self._data)
        self._data.clear()
        self._room = EVENT_CHARS
        return [data] if data else []
