"""The text in what agents answer: server-sent events or one object, of ours and of others."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from agentcore_new import errors
from agentcore_new.dev.reading import EventReader, text_in
from agentcore_new.dev.said import failure_in, one_line, parsed


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
    reader = EventReader()
    for piece in pieces:
        yield from reader.feed(piece)
    last = reader.end()
    if reader.is_within and may_be_cut:
        raise stopped()
    yield from last


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
        text = text_in(said)
        if text is None and isinstance(said, dict | list):
            text = f"{'' if at_start else chr(10)}{json.dumps(said, ensure_ascii=False)}\n"
        elif text is None:  # a number, of a stream of plain text
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
