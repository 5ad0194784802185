"""What an agent answers, read as it arrives: its events, and the text in them."""

import json
from codecs import getincrementaldecoder

from agentcore_new.dev.reply import TEXTS
from agentcore_new.dev.said import failure_in


def text_and_error(data: str) -> tuple[str, str | None]:
    """The text of an event or of a whole answer, and the error in it if there is one."""
    try:
        value = json.loads(data)
    except ValueError:
        return data, None
    if error := failure_in(value):
        return "", error
    if isinstance(value, dict):
        value = next((value[name] for name in TEXTS if isinstance(value.get(name), str)), value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), None


class EventReader:
    """Takes bytes as they arrive, and gives the data of each event that is complete."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, chunk: bytes) -> list[str]:
        """Return what the chunk completes."""
        text = self._rest + self._decode(chunk).replace("\r\n", "\n")
        *complete, self._rest = text.split("\n\n")
        return [data for event in complete if (data := _data_of(event))]

    def end(self) -> list[str]:
        """Return what came last and was never completed, if there is anything."""
        data, self._rest = _data_of(self._rest), ""
        return [data] if data else []


def _data_of(event: str) -> str:
    lines = [line.removeprefix("data:") for line in event.split("\n") if line.startswith("data:")]
    return "\n".join(line.removeprefix(" ") for line in lines)
