"""What an agent said, made fit for a terminal: nobody knows what is in it."""

import json
from typing import Any

# In no text that is read: they move the cursor, change the terminal, or turn the reading round.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_WRITTEN_OUT: dict[int, str | None] = {
    **{code: repr(chr(code))[1:-1] for code in _CONTROLS if chr(code) not in "\n\t"},
    ord("\r"): None,  # it ends lines, and where it does not, it would write over one
}
LONGEST_SENTENCE = 500


def harmless(text: str) -> str:
    r"""Return `text` with its control characters written out, as `\x1b`; lines stay lines."""
    return text.translate(_WRITTEN_OUT)


def one_line(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """Return `text` as one harmless line of a bounded length."""
    line = harmless(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def parsed(text: str) -> Any:  # noqa: ANN401 - whatever it is
    """Return what a text says as JSON.

    Raises:
        ValueError: It is none, or none that anybody means.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def failure_in(said: object) -> str | None:
    """Return the sentence by which an object says that something failed; None if it does not."""
    if not isinstance(said, dict) or not said.get("error"):
        return None
    error: Any = said["error"]
    if isinstance(error, dict):
        error = error.get("message") or error
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def sentence_in(body: str) -> str:
    """Return what the body of a refusal says: the sentence in its JSON, or its text, in a line."""
    try:
        said = parsed(body)
    except ValueError:
        return one_line(body)
    if sentence := failure_in(said):
        return one_line(sentence)
    if isinstance(said, dict):
        for name in ("message", "detail"):
            if isinstance(said.get(name), str):
                return one_line(said[name])
    return one_line(said if isinstance(said, str) else body)
