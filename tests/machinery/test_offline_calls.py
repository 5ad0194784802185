"""Which tool the offline model calls for a prompt, and with what."""

from pathlib import Path
from typing import Any

import generated  # noqa: F401 - puts the modules of a project on the path
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.offline_calls import Call, find_call, shown

Schema = dict[str, Any]


def takes(*required: tuple[str, Schema], **optional: Schema) -> Schema:
    """The schema of a tool's parameters."""
    properties = dict(required) | optional
    return {"type": "object", "properties": properties, "required": [name for name, _ in required]}


NUMBER, TEXT, FLAG = {"type": "number"}, {"type": "string"}, {"type": "boolean"}
NULLABLE = {"anyOf": [TEXT, {"type": "null"}]}
TWO = takes(("a", NUMBER), ("b", NUMBER))
TOOLS = {
    "add_numbers": TWO,
    "multiply_numbers": TWO,
    "multiply_numbers_twice": TWO,
    "greet": takes(("name", TEXT), ("times", {"type": "integer"}), loudly=FLAG),
    "switch": takes(("light", TEXT), ("on", FLAG)),
    "now": {"type": "object", "properties": {}},
    "ping": {},
    # the Agents SDK calls every parameter required
    "look_up": takes(("word", TEXT), ("language", TEXT | {"default": "en"}), ("of", NULLABLE)),
    "total": takes(("numbers", {"type": "array", "items": NUMBER})),
    "either": takes(("value", {"type": ["string", "null"]})),
    "store": takes(("what", {"$ref": "#/$defs/What"})),
}


@pytest.mark.parametrize(
    ("prompt", "name", "arguments"),
    [
        ("multiply_numbers 6 7", "multiply_numbers", {"a": 6, "b": 7}),
        ("Please multiply numbers 6 and 7!", "multiply_numbers", {"a": 6, "b": 7}),
        ("MULTIPLY_NUMBERS(6,7)", "multiply_numbers", {"a": 6, "b": 7}),
        ("multiply numbers: -2, 2.5.", "multiply_numbers", {"a": -2, "b": 2.5}),
        ("multiply numbers 6-7", "multiply_numbers", {"a": 6, "b": 7}),
        ("of v2, multiply numbers x3 6 7", "multiply_numbers", {"a": 6, "b": 7}),
        ("1 multiply_numbers 6 7 8", "multiply_numbers", {"a": 6, "b": 7}),
        ("multiply_numbers 6 7 and add_numbers 1 2", "multiply_numbers", {"a": 6, "b": 7}),
        ("multiply numbers twice 6 7", "multiply_numbers_twice", {"a": 6, "b": 7}),
        ("What is 2 + 3?", "add_numbers", {"a": 2, "b": 3}),
        ("-2+-3.5", "add_numbers", {"a": -2, "b": -3.5}),
        ("greet Ann 3", "greet", {"name": "Ann", "times": 3}),
        ('greet "Ann Lee" 3 times, loudly', "greet", {"name": "Ann Lee", "times": 3}),
        ("greet (Ann), 3", "greet", {"name": "Ann", "times": 3}),
        ("greet ann@example.com 3", "greet", {"name": "ann@example.com", "times": 3}),
        ("switch lamp to True", "switch", {"light": "lamp", "on": True}),
        ("switch lamp false", "switch", {"light": "lamp", "on": False}),
        ("What time is it now?", "now", {}),
        ("ping", "ping", {}),
        ("look up Haus, please", "look_up", {"word": "Haus"}),
    ],
)
def test_a_tool_is_called(prompt: str, name: str, arguments: dict[str, Any]) -> None:
    assert find_call(prompt, TOOLS) == Call(name, arguments)


@pytest.mark.parametrize(
    "prompt",
    [
        "hello",
        "multiply_numbers",
        "multiply_numbers 6",
        "6 7 multiply_numbers",
        "multiply_numbers six seven",
        "remultiply_numbers 6 7",
        "multiply numbersome 6 7",
        "2 plus 3",
        "a + b",
        "2 + three",
        "switch lamp",
        "greet",
        "greet Ann",
        "total [1, 2]",
        "store this",
        "either this",
        # the first that is named, or none
        "greet now",
    ],
)
def test_no_tool_is_called(prompt: str) -> None:
    assert find_call(prompt, TOOLS) is None


def test_without_a_tool_a_sign_is_text() -> None:
    assert find_call("2 + 3", {"multiply_numbers": TWO}) is None


@given(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_numbers_are_read_as_they_are_written(a: int, b: Any) -> None:
    assert find_call(f"multiply numbers {a} {b:f}", TOOLS) == Call(
        "multiply_numbers", {"a": a, "b": float(b)}
    )


@given(st.lists(st.sampled_from([*TOOLS, "1", "-2.5", "true", '"', " ", "_", "+", "(", "é"])))
def test_any_prompt_is_read(words: list[str]) -> None:
    call = find_call(" ".join(words), TOOLS)
    assert call is None or call.name in TOOLS


def test_each_call_has_an_id_of_its_own() -> None:
    assert len({Call("now", {}).id for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (5.0, "5"),
        ("5.0", "5"),
        ("-5.0", "-5"),
        (2.5, "2.5"),
        ("1.0.0", "1.0.0"),
        ("version 5.0", "version 5.0"),
        ("5.0\n6.0", "5.0\n6.0"),
        (5, "5"),
        ("sunny", "sunny"),
        ({"at": Path("/")}, '{"at": "/"}'),
        (None, "null"),
        (True, "true"),
    ],
)
def test_what_a_tool_returned_is_shown(result: object, text: str) -> None:
    assert shown(result) == text
