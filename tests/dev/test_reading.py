"""What an agent answers, in whatever pieces it arrives."""

import pytest

from agentcore_new.dev.reading import EventReader, text_and_error


def read(*pieces: str, longest: int = 0) -> list[str]:
    reader = EventReader(longest)
    return [data for piece in pieces for data in reader.feed(piece)] + reader.end()


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_events_are_the_same_in_whatever_pieces_they_come(size: int, end: str) -> None:
    lines = ["data: one", "", ": nothing", "", "id: 2", "data:two ä", "data:  lines", "", "data: x"]
    text = end.join(lines)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert read(*pieces) == ["one", "two ä\n lines", "x"]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_of_an_endless_event_so_much_is_kept_and_the_next_one_is_whole(end: str) -> None:
    piece = "x" * 65_536
    long, short = read("data: ", *[piece] * 800, end, "data: next", end, longest=1_000_000)
    assert len(long) == 1_000_000 - len("data: ")
    assert short == "next"


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("", False),
        ("data: one\n\n", False),
        ("data: one\n\n\r\n", False),
        ("data: one\n", True),
        ("data: one\n\nid: 2", True),
        ("data: one\n\nd", True),
    ],
)
def test_whether_the_last_event_is_whole(text: str, *, within: bool) -> None:
    reader = EventReader()
    reader.feed(text)
    reader.end()
    assert reader.is_within == within


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": 1' + "0" * 5_000 + "}", "no JSON", ""])
def test_what_nobody_can_read_as_json_is_text(text: str) -> None:
    assert text_and_error(text) == (text, None)
