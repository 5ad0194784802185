"""A turn comes back from its text as it was, whatever is in it, or the text is refused."""

import json
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import pytest
from generated import with_store
from hypothesis import given
from hypothesis import strategies as st

MODULES = with_store("sqlite")
TurnFormat, Unreadable = MODULES.codec.TurnFormat, MODULES.rows.Unreadable
FORMAT = TurnFormat("own/1", lambda turn: turn, lambda turn: turn)

# halves of surrogate pairs too
TEXTS = st.text(st.characters(exclude_categories=()))
NAMES = TEXTS | st.sampled_from(["$bytes", "$$bytes", "$$$bytes", "$", "bytes", "$bytes$", ""])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary()
    | st.builds(lambda name, item: {name: item}, NAMES, st.text() | st.binary()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
)


def same(one: object, other: object) -> bool:
    """Whether two values are equal, as their types are, and in the same order."""
    return repr(one) == repr(other)


@given(VALUES)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    text = FORMAT.encode(value)
    assert same(FORMAT.decode(text), value)


@given(VALUES)
def test_the_text_is_ascii_and_one_line(value: object) -> None:
    text = FORMAT.encode(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["format"] == "own/1"


@pytest.mark.parametrize(
    "value",
    [
        {"$bytes": "aGk="},
        {"$$bytes": "aGk="},
        {"$bytes": {"$bytes": b"hi"}},
        [{"$bytes": None}, {"$bytes": b""}, b""],
        {"$bytes": "aGk=", "more": 1},
        {"$bytes ": "aGk="},
        {"": b"\xff\x00"},
        {"big": 2**80, "zero": -0.0, "endless": float("inf")},
    ],
)
def test_what_looks_like_a_tag_is_none(value: object) -> None:
    assert same(FORMAT.decode(FORMAT.encode(value)), value)


def test_a_tuple_becomes_a_list_and_any_dict_a_dict() -> None:
    value = OrderedDict(pair=(b"a", (1,)))
    assert same(FORMAT.decode(FORMAT.encode(value)), {"pair": [b"a", [1]]})


class Text(str):
    """A text of a framework's own."""

    __slots__ = ()


def test_a_text_of_a_type_of_its_own_is_a_text() -> None:
    assert same(FORMAT.decode(FORMAT.encode({Text("name"): Text("text")})), {"name": "text"})


@pytest.mark.parametrize(
    "value",
    [
        datetime.now(UTC),
        {1},
        object(),
        bytearray(b"a"),
        {1: "one"},
        {None: 1},
        {b"name": 1},
        {("a",): 1},
        1j,
        print,
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", [lambda value: value, lambda value: {"deep": [[value]]}])
def test_what_is_no_plain_value_is_refused(value: object, place: Any) -> None:
    with pytest.raises(TypeError, match="cannot be kept with a"):
        FORMAT.encode(place(value))


@given(VALUES, st.data())
def test_a_text_that_was_cut_is_refused(value: object, data: st.DataObject) -> None:
    text = FORMAT.encode(value)
    with pytest.raises(Unreadable, match="damaged"):
        FORMAT.decode(text[: data.draw(st.integers(0, len(text) - 1))])


@given(
    st.text() | st.binary() | VALUES.map(repr) | VALUES.map(lambda v: json.dumps(v, default=str))
)
def test_any_other_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        FORMAT.decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"format": "own/1"}',
        '{"turn": 1}',
        '{"format": "own/1", "turn": {"$bytes": 5}}',
        '{"format": "own/1", "turn": {"$bytes": "a"}}',
    ],
)
def test_a_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        FORMAT.decode(text)


@pytest.mark.parametrize("name", ["own/2", "own/0", "another/1", "", None, 1])
def test_another_format_is_refused_by_its_name(name: object) -> None:
    text = json.dumps({"format": name, "turn": ["PRIVATE"]})
    with pytest.raises(Unreadable) as refused:
        FORMAT.decode(text)
    assert str(refused.value) == f"a turn has the format {name!r}, and this agent reads 'own/1'"


def test_what_the_framework_does_not_take_is_damaged_too() -> None:
    def load(_: Any) -> Any:
        raise LookupError("PRIVATE")

    with pytest.raises(Unreadable) as refused:
        TurnFormat("own/1", list, load).decode(FORMAT.encode(["PRIVATE"]))
    assert str(refused.value) == "a turn is damaged: LookupError"


def test_a_turn_is_a_list_of_dicts_unless_a_framework_says_more() -> None:
    plain = TurnFormat("own/1")
    turn = [{"role": "user"}, {"data": b"\xff"}]
    assert plain.decode(plain.encode(turn)) == turn
    for other in (None, "text", ["text"], {"role": "user"}, 5):
        with pytest.raises(Unreadable, match="damaged: TypeError"):
            plain.decode(FORMAT.encode(other))
        with pytest.raises(TypeError):
            plain.encode(other)
