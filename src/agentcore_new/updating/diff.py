"""The lines that an update changes in a project."""

from collections.abc import Iterable, Iterator
from difflib import unified_diff

from agentcore_new.updating.lines import as_merged, is_text
from agentcore_new.updating.planning import Change

NOTHING = "/dev/null"


def of(changes: Iterable[Change]) -> list[str]:
    """Return a unified diff of all files, line by line."""
    return [line for change in changes for line in _lines(change)]


def _lines(change: Change) -> Iterator[str]:
    names = (
        NOTHING if change.before is None else f"a/{change.path}",
        NOTHING if change.after is None else f"b/{change.path}",
    )
    before, after = change.before or b"", change.after or b""
    if not (is_text(before) and is_text(after)):
        yield f"Binary files {names[0]} and {names[1]} differ"
        return
    yield from unified_diff(_texts(before), _texts(after), *names, lineterm="")


def _texts(data: bytes) -> list[str]:
    """Return the lines, as far as a terminal can show them."""
    text = as_merged(data).decode("utf-8", "backslashreplace")
    return [line if line.isprintable() else _printable(line) for line in text.split("\n")][
        : -1 if text.endswith("\n") or not text else None
    ]


def _printable(line: str) -> str:
    return "".join(
        character if character.isprintable() or character == "\t" else ascii(character)[1:-1]
        for character in line
    )
