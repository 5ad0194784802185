"""What an agent answers, read as it arrives: its events, and the text in them."""

import json
import sys

from agentcore_new.dev.said import failure_in, parsed

# Where agents that answer with objects have their text.
TEXTS = ("result", "text", "delta", "data", "content")


def text_in(said: object) -> str | None:
    """The text of what an agent says, which is text or an object; None if it has none."""
    if isinstance(said, dict):
        said = next((said[name] for name in TEXTS if isinstance(said.get(name), str)), None)
    return said if isinstance(said, str) else None


def text_and_error(data: str) -> tuple[str, str | None]:
    """The text of an event or of a whole answer, and the error in it if there is one."""
    try:
        value = parsed(data)
    except ValueError:
        return data, None
    if error := failure_in(value):
        return "", error
    text = text_in(value)
    return json.dumps(value, ensure_ascii=False) if text is None else text, None


class EventReader:
    """Takes server-sent events as they arrive, and gives the data of each that is complete.

    Args:
        longest: How many characters of one event are kept, however many arrive; 0 for all.
    """

    def __init__(self, longest: int = 0) -> None:
        self.is_within = False  # an event, with a whole line of it
        self._longest = longest or sys.maxsize
        self._line: list[str] = []  # the pieces of the one that is not complete
        self._data: list[str] = []  # the lines of the event that is not
        self._is_blank = True  # the line, so far
        self._room = self._longest

    def feed(self, text: str) -> list[str]:
        """Return what the text completes."""
        *ended, rest = text.split("\n")
        told: list[str] = []
        for end in ended:
            self._take(end)
            told += self._line_ended()
        self._take(rest)
        return told

    def end(self) -> list[str]:
        """Return what came last and was never completed; `is_within` says whether there was it."""
        if not self._is_blank:
            self._line_ended()
        data, self._data = self._data, []
        return ["\n".join(data)] if data else []

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
        self.is_within = True
        if line.startswith("data:"):
            self._data.append(line.removeprefix("data:").removeprefix(" "))
        return []

    def _event_ended(self) -> list[str]:
        data = "\n".join(self._data)
        self._data.clear()
        self.is_within = False
        self._room = self._longest
        return [data] if data else []
