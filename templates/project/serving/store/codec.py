"""A turn as text: JSON in ASCII, in which bytes come back as bytes and everything else as it was."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from serving.store.rows import Unreadable

BYTES = "$bytes"

T = TypeVar("T")


def _dicts(turn: Any) -> Any:
    if not (isinstance(turn, list) and all(isinstance(item, dict) for item in turn)):
        raise TypeError("no list of dicts")
    return turn


@dataclass(frozen=True, slots=True)
class TurnFormat(Generic[T]):
    """How a turn of the framework becomes plain values and a turn again.

    What is a list of dicts anyway needs neither `dump` nor `load`.

    Args:
        name: Kept with each turn: what has another name is refused, and never misread.
        dump: Returns a turn as dicts, lists, strings, numbers, booleans, None and bytes.
        load: Makes a turn of them.
    """

    name: str
    dump: Callable[[T], object] = _dicts
    load: Callable[[Any], T] = _dicts

    def encode(self, turn: T) -> str:
        """Return a turn as text.

        Raises:
            TypeError: Something in it is no plain value.
        """
        return json.dumps({"format": self.name, "turn": _tagged(self.dump(turn))})

    def decode(self, text: str) -> T:
        """Return the turn that was encoded.

        Raises:
            Unreadable: The text is damaged, or was written for another format.
        """
        try:
            value = json.loads(text, object_hook=_untagged)
            name, turn = value["format"], value["turn"]
            if name == self.name:
                return self.load(turn)
        except Exception as error:  # whatever a framework says of what is none of its turns
            raise Unreadable(f"a turn is damaged: {type(error).__name__}") from error
        raise Unreadable(f"a turn has the format {name!r}, and this agent reads {self.name!r}")


def _tagged(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return {BYTES: base64.b64encode(value).decode()}
        case list() | tuple():
            return [_tagged(item) for item in value]
        case dict() if all(isinstance(name, str) for name in value):
            # One more $ before what looks like a tag: it comes back as the dict that it is.
            mark = "$" if _is_tag(value) else ""
            return {mark + name: _tagged(item) for name, item in value.items()}
    raise TypeError(f"a turn cannot be kept with a {type(value).__name__} in it")


def _untagged(value: dict[str, Any]) -> Any:
    if not _is_tag(value):
        return value
    ((name, item),) = value.items()
    return base64.b64decode(item) if name == BYTES else {name[1:]: item}


def _is_tag(value: dict[str, Any]) -> bool:
    name = next(iter(value), "")
    return len(value) == 1 and name.startswith("$") and name.lstrip("$") == BYTES[1:]
