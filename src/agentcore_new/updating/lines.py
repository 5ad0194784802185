"""Line ends: texts are merged with those of the templates, and keep those that they have."""

from difflib import SequenceMatcher

CRLF = b"\r\n"
# As git tells: a file with a zero byte near its start is no text.
LOOKED_AT = 8_000


def is_text(data: bytes) -> bool:
    """Return whether lines can be told apart in it."""
    return b"\0" not in data[:LOOKED_AT]


def as_merged(data: bytes) -> bytes:
    """Return `data` with the line ends of the templates, if it is a text."""
    return data.replace(CRLF, b"\n") if is_text(data) else data


def has_crlf(data: bytes) -> bool:
    """Return whether most of its lines end as on Windows."""
    return is_text(data) and data.count(CRLF) * 2 > data.count(b"\n")


def as_in(merged: bytes, before: bytes) -> bytes:
    """Return what was merged with the line ends that the text had before.

    Args:
        merged: With the line ends of the templates.
        before: The text as it was, any line ends.
    """
    if CRLF not in before or not is_text(before):
        return merged
    if before.count(CRLF) == before.count(b"\n"):
        return merged.replace(b"\n", CRLF)
    return _line_by_line(merged, before)


def _line_by_line(merged: bytes, before: bytes) -> bytes:
    """Give each line that was there its own end, and new ones that of most."""
    were = _lines(before)
    old = [line.replace(CRLF, b"\n") for line in were]
    new = _lines(merged)
    usual = CRLF if has_crlf(before) else b"\n"
    result = [line.removesuffix(b"\n") + usual if line.endswith(b"\n") else line for line in new]
    for old_at, new_at, count in SequenceMatcher(None, old, new, False).get_matching_blocks():
        result[new_at : new_at + count] = were[old_at : old_at + count]
    return b"".join(result)


def _lines(data: bytes) -> list[bytes]:
    """Return the lines as git tells them: a lone carriage return ends none."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
