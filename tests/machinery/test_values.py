"""What is kept of a turn: whole characters, and how many bytes it has."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from serving.values import mended, weight

HALF = "\ud83c"
OTHER_HALF = "\udf89"
WHOLE = "\N{PARTY POPPER}"
REPLACED = "\N{REPLACEMENT CHARACTER}"


class Part(BaseModel):
    text: str
    metadata: dict[str, Any] = {}


@dataclass(frozen=True)
class Call:
    name: str
    arguments: list[Part]


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=()), max_size=10)


def values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | texts()
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(texts(), inner, max_size=3)
            | st.builds(lambda text, value: Part(text="", metadata={text: value}), texts(), inner)
        ),
        max_leaves=10,
    )


@given(values())
def test_everything_can_be_encoded_afterwards(value: Any) -> None:
    repaired = mended(value)
    json.dumps(repaired, ensure_ascii=False, default=vars).encode()
    assert mended(repaired) == repaired


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_whole_text_is_left_as_it_is(text: str) -> None:
    value = {text: [text, {"a": text}]}
    assert mended(value) == {text: [text, {"a": text}]}
    assert mended(text) is text


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (f"a{HALF}b", f"a{REPLACED}b"),
        (f"a{OTHER_HALF}b", f"a{REPLACED}b"),
        (HALF + OTHER_HALF, WHOLE),
        (OTHER_HALF + HALF, REPLACED * 2),
        (WHOLE + HALF, WHOLE + REPLACED),
        ("", ""),
    ],
)
def test_each_half_is_replaced_and_a_pair_is_its_character(text: str, repaired: str) -> None:
    assert mended(text) == repaired
    assert mended([text]) == [repaired]
    assert mended({text: text}) == {repaired: repaired}


def test_objects_are_mended_where_they_are() -> None:
    part = Part(text=HALF, metadata={"deep": [{HALF: HALF}]})
    call = Call(HALF, [part])
    assert mended([call]) == [call]
    assert call.name == part.text == REPLACED
    assert part.metadata == {"deep": [{REPLACED: REPLACED}]}


def test_a_value_that_contains_itself_ends() -> None:
    value: dict[str, Any] = {"text": HALF}
    value["self"] = [value]
    assert mended(value)["text"] == REPLACED
    assert weight(value) > 0


def test_weight_is_that_of_the_texts_and_a_little_more() -> None:
    text = "x" * 10_000
    for value in ({"a": [text]}, [Part(text=text)], Call(text, []), {text: 1}):
        assert 10_000 < weight(value) < 11_500
    wide = WHOLE * 10_000
    assert sys.getsizeof(wide) < weight([wide]) < 41_500


@given(st.lists(st.dictionaries(texts(), texts(), min_size=1), min_size=1))
def test_what_has_more_in_it_weighs_more(value: list[Any]) -> None:
    assert weight([*value, {"a": "b"}]) > weight(value)
