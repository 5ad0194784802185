"""What an agent answers, in whatever pieces it arrives."""

import pytest

from agentcore_new.dev.reading import EVENT_CHARS, EventReader, text_and_error


def read(*chunks: bytes) -> list[str]:
    reader = EventReader()
    return [data for chunk in chunks for data in reader.feed(chunk)] + reader.end()


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_events_are_the_same_in_whatever_pieces_they_come(size: int, end: str) -> None:
    lines = ["data: one", "", ": nothing", "", "id: 2", "data:two ä", "data:  lines", "", "data: x"]
    body = end.join(lines).encode()
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(*chunks) == ["one", "two ä\n lines", "x"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_of_an_endless_event_so_much_is_kept_and_the_next_one_is_whole(end: bytes) -> None:
    piece = b"x" * 65_536
    long, short = read(b"data: ", *[piece] * 800, end, b"data: next", end)
    assert len(long) == EVENT_CHARS - len("data: ")
    assert short == "next"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": 1' + "0" * 5_000 + "}", "no JSON", ""])
def test_what_nobody_can_read_as_json_is_text(text: str) -> None:
    assert text_and_error(text) == (text, None)
