"""What is kept of a turn, as values: text that every model and client takes, and its size."""

import dataclasses
import sys
from collections.abc import Iterator
from typing import Any, TypeVar

V = TypeVar("V")


def mended(value: V) -> V:
    """Replace each half of a surrogate pair in its texts, which no model, client or database takes.

    Texts are replaced where they are, in dicts, lists, dataclasses and pydantic models.
    """
    root: list[V] = [value]
    for held in _containers(root):
        places = list(enumerate(held)) if isinstance(held, list) else list(held.items())
        for place, item in places:
            if isinstance(item, str) and not _is_whole(item):
                held[place] = _mended_text(item)
            if isinstance(place, str) and not _is_whole(place):
                held[_mended_text(place)] = held.pop(place)
    return root[0]


def weight(value: object) -> int:
    """Return roughly how many bytes of memory a value takes with all that is in it."""
    total = 0
    for held in _containers([value]):
        total += sys.getsizeof(held)
        items = held if isinstance(held, list) else (*held, *held.values())
        total += sum(sys.getsizeof(item) for item in items if not isinstance(item, dict | list))
    return total


def _containers(root: list[Any]) -> Iterator[Any]:
    """Every dict and list in it, and the fields of its objects as a dict, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        held = value
        if dataclasses.is_dataclass(value) or hasattr(type(value), "model_fields"):
            held = vars(value)
        if isinstance(held, dict | list) and id(held) not in seen:
            seen.add(id(held))
            yield held
            waiting.extend(held if isinstance(held, list) else held.values())


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mended_text(text: str) -> str:
    # both halves of a pair one after the other are the character again
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
