"""Each line once, with who has it: all of it can be had back, and a reader understands it."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentcore_new.errors import Error
from agentcore_new.review.cube import Axis, Cube
from agentcore_new.review.marked import marked, restored
from agentcore_new.review.union import union

AXES: tuple[Axis, ...] = (
    ("framework", ("a", "b", "c")),
    ("stream", (False, True)),
    ("container", (False, True)),
)
CUBE = Cube(AXES, AXES)
STREAM = Cube(AXES[1:2], AXES)


def text_of(cube: Cube, texts: Sequence[str | None], path: str = "a.py") -> str:
    present = sum(1 << number for number, text in enumerate(texts) if text is not None)
    return marked(path, cube, union(cube, texts), present, cube.all)


def switch(without: str | None, with_it: str | None, path: str = "a.py") -> str:
    return text_of(STREAM, [without, with_it], path)


def test_what_all_have_has_no_mark() -> None:
    assert switch("one\ntwo\n", "one\ntwo\n") == "one\ntwo\n"


def test_what_some_have_is_between_marks() -> None:
    assert switch("one\nthree\n", "one\ntwo\nthree\n") == "one\n#if stream\ntwo\n#end\nthree\n"
    assert switch("one\ntwo\n", "one\n") == "one\n#if not stream\ntwo\n#end\n"


def test_of_two_ways_the_one_with_the_switch_is_first() -> None:
    assert switch("x\nplain\n", "x\nstreamed\n") == "x\n#if stream\nstreamed\n#else\nplain\n#end\n"


def test_marks_are_comments_of_the_language() -> None:
    assert switch("", "a\n", "README.md") == "<!--if stream-->\na\n<!--end-->\n"
    assert switch("", "a\n", "Dockerfile") == "#if stream\na\n#end\n"


def test_a_file_that_some_have_says_so_once() -> None:
    assert switch(None, "one\ntwo\n") == "#only stream\none\ntwo\n"
    assert switch(None, "") == "#only stream\n"
    assert switch("", "") == ""


def test_a_set_inside_of_another_is_a_block_inside() -> None:
    texts = [
        "x\n" if not cell["stream"] else "x\none\ntwo\n" if cell["container"] else "x\none\n"
        for cell in CUBE.cells
    ]
    smaller = Cube(AXES[1:], AXES)
    assert text_of(smaller, texts[:4]) == "x\n#if stream\none\n#if container\ntwo\n#end\n#end\n"


def test_values_of_a_choice_stand_one_after_the_other() -> None:
    choice = Cube(AXES[:1], AXES)
    texts = [f"import {name}\nall of them\nand more\nown {name}\n" for name in "abc"]
    assert text_of(choice, texts) == (
        "#if a\nimport a\n#elif b\nimport b\n#elif c\nimport c\n#end\n"
        "all of them\nand more\n"
        "#if a\nown a\n#elif b\nown b\n#elif c\nown c\n#end\n"
    )


def test_values_that_are_alike_stand_once() -> None:
    choice = Cube(AXES[:1], AXES)
    block = "first line\nsecond line\nthird line\n"
    texts = [block, block, "something else\n"]
    assert text_of(choice, texts) == f"#if not c\n{block}#else\nsomething else\n#end\n"


def test_what_is_alike_of_them_stands_once() -> None:
    choice = Cube(AXES[:1], AXES)
    texts = [f"own line of {name}\nsecond line\nthird line\n" for name in "ab"]
    assert text_of(choice, [*texts, "something else\n"]) == (
        "#if not c\n#if a\nown line of a\n#elif b\nown line of b\n#end\nsecond line\nthird line\n"
        "#else\nsomething else\n#end\n"
    )


def test_a_last_line_without_its_end_says_so() -> None:
    assert switch("one\n", "one") == "#if stream\none\n#no newline\n#else\none\n#end\n"


def test_what_looks_like_a_mark_is_none() -> None:
    text = "#if stream\n#end\n#text x\n#no newline\n# if x\n#include\n"
    shown = switch(text, text)
    assert shown == (
        "#text #if stream\n#text #end\n#text #text x\n#text #no newline\n# if x\n#include\n"
    )
    assert restored("a.py", shown, dict(AXES), CUBE.cells[0]) == text


LINES = st.sampled_from(
    [
        *("one of them", "another line", "", ")", "a\r", "\f"),
        *("#if stream", "#end", "#else", "#text a", "#only stream", "#no newline"),
        *("<!--end-->", "<!--if a-->", "<!--text-->x", "<!--text-->"),
    ]
)
TEXTS = st.none() | st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", ""]),
)


@given(st.lists(TEXTS, min_size=12, max_size=12), st.sampled_from(["a.py", "a.md", ".gitignore"]))
@example([None] * 4 + ["one of them\n", "\n", "one of them\n", "one of them"] + [None] * 4, "a.py")
def test_every_text_can_be_had_back(texts: list[str | None], path: str) -> None:
    shown = text_of(CUBE, texts, path)
    for cell, text in zip(CUBE.cells, texts, strict=True):
        assert restored(path, shown, dict(AXES), cell) == text


@given(st.lists(TEXTS, min_size=12, max_size=12))
def test_a_union_is_the_same_each_time_and_has_each_text_in_order(texts: list[str | None]) -> None:
    lines = union(CUBE, texts)
    assert lines == union(CUBE, texts)
    for number, text in enumerate(texts):
        assert "".join(line for line, some in lines if some >> number & 1) == (text or "")


@pytest.mark.parametrize(
    "text", ["#end\n", "#else\n", "#elif a\n", "#if a\n", "#if a\n#end\n#end\n"]
)
def test_marks_that_do_not_match_are_refused(text: str) -> None:
    with pytest.raises(Error, match="mark without its"):
        restored("a.py", text, dict(AXES), CUBE.cells[0])
