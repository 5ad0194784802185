"""The text in what agents answer: server-sent events or one object, of ours and of others."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from agentcore_new import errors
from agentcore_new.dev.said import failure_in, one_line, parsed

# Where agents that stream objects have their text.
TEXTS = ("result", "text", "delta", "data", "content")


def stopped() -> errors.InvocationFailed:
    """Return what an answer is that is not whole."""
    return errors.InvocationFailed(
        "The agent's answer stopped in the middle.", hint="Its log may say why."
    )


def data_of(pieces: Iterable[str], *, may_be_cut: bool) -> Iterator[str]:
    """Give the data of each server-sent event.

    Raises:
        errors.InvocationFailed: The last one is not whole, and it `may_be_cut`.
    """
    lines: list[str] = []
    for line in _lines(pieces):
        if line:
            lines.append(line)
            continue
        yield from _event(lines)
        lines.clear()
    if lines and may_be_cut:
        raise stopped()
    yield from _event(lines)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Give the lines in pieces of text, whichever way they end."""
    parts: list[str] = []
    for piece in pieces:
        # \r\n may come in halves: its \r says nothing, and alone it ends no line of any agent.
        *ended, rest = piece.split("\n")
        for end in ended:
            yield "".join([*parts, end]).removesuffix("\r")
            parts.clear()
        parts.append(rest)
    if last := "".join(parts):
        yield last


def _event(lines: Iterable[str]) -> Iterator[str]:
    named = [line.partition(":") for line in lines]
    data = [value.removeprefix(" ") for name, _, value in named if name == "data"]
    if data:
        yield "\n".join(data)


def texts_of(events: Iterable[str]) -> Iterator[str]:
    """Give the text of each event; an object that has none is a line of its own.

    Raises:
        errors.InvocationFailed: One of them says that something failed.
    """
    at_start = True
    for data in events:
        try:
            said: Any = parsed(data)
        except ValueError:
            said = data
        if sentence := failure_in(said):
            raise errors.InvocationFailed(one_line(sentence))
        if isinstance(said, dict):
            said = next((said[name] for name in TEXTS if isinstance(said.get(name), str)), said)
        if isinstance(said, str):
            text = said
        elif isinstance(said, dict | list):
            text = f"{'' if at_start else chr(10)}{json.dumps(said, ensure_ascii=False)}\n"
        else:  # a number, of a stream of plain text
            text = data
        at_start = text.endswith("\n") if text else at_start
        yield text


def text_of(body: str, *, may_be_cut: bool) -> str:
    """Return the text of an answer that came as one object, or the object itself.

    What is no JSON is its own text, unless it `may_be_cut`.

    Raises:
        errors.InvocationFailed: It says that something failed; or it is not whole.
    """
    try:
        said = parsed(body)
    except ValueError:
        if may_be_cut:
            raise stopped() from None
        return body
    if sentence := failure_in(said):
        raise errors.InvocationFailed(one_line(sentence))
    if isinstance(said, dict) and isinstance(said.get("result"), str):
        return str(said["result"])
    return said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False)
