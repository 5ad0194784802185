"""The words for a set of combinations: short, and just that set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore_new.errors import Error
from agentcore_new.options import Value
from agentcore_new.review.cube import Cube
from agentcore_new.review.words import holds, words

AXES: tuple[tuple[str, tuple[Value, ...]], ...] = (
    ("framework", ("a", "b", "c", "d", "x")),
    ("provider", ("p", "q", "x")),
    ("stream", (False, True)),
    ("container", (False, True)),
)
CUBE = Cube(AXES, AXES)


def those(text: str, cube: Cube = CUBE) -> int:
    """The cells for which a Python expression of their values is true."""
    return sum(1 << n for n, cell in enumerate(cube.cells) if eval(text, {}, dict(cell)))  # noqa: S307


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ("True", "all"),
        ("False", "none"),
        ("stream", "stream"),
        ("not container", "not container"),
        ("framework == 'a'", "a"),
        ("framework != 'a'", "not a"),
        ("framework in 'ab'", "a/b"),
        ("framework == 'x'", "framework=x"),
        ("provider == 'x'", "provider=x"),
        ("provider != 'x'", "p/q"),
        ("framework in 'ax'", "a/x"),
        ("framework == 'b' and stream", "b & stream"),
        ("framework == 'b' or stream", "stream | b"),
        ("framework in 'bc' and provider == 'p' and not stream", "b/c & p & not stream"),
        ("stream != container", "not stream & container | stream & not container"),
    ],
)
def test_the_shortest_words_say_it(some: str, told: str) -> None:
    assert words(CUBE, those(some), CUBE.all) == told


def test_what_is_known_already_is_not_said_again() -> None:
    known = those("framework == 'a' and stream")
    assert words(CUBE, those("framework == 'a' and stream and container"), known) == "container"
    assert words(CUBE, known, known) == "all"
    known = those("stream == container")
    assert words(CUBE, those("stream and container"), known) == "stream"
    known = those("framework in 'ab'")
    assert words(CUBE, those("framework == 'b'"), known) == "b"


def test_an_option_that_makes_no_difference_here_can_still_have_the_same_value() -> None:
    providers = Cube(AXES[1:2], AXES)
    assert words(providers, 1 << 2, providers.all) == "provider=x"
    assert words(providers, 1 << 1, providers.all) == "q"


SETS = st.integers(0, CUBE.all)


@given(SETS, SETS)
def test_the_words_name_just_these_combinations(some: int, within: int) -> None:
    told = words(CUBE, some & within, within)
    for number, cell in enumerate(CUBE.cells):
        if within >> number & 1:
            assert holds(told, dict(AXES), cell) == bool(some >> number & 1)


@pytest.mark.parametrize("text", ["", "e", "a & e", "stream & ", "a/p", "stream=true"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(Error, match="names no combinations"):
        holds(text, dict(AXES), CUBE.cells[0])
