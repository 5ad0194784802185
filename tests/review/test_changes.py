"""What is new between two editions, on made-up projects."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore_new.options import Value
from agentcore_new.review.changes import Changes, _hunks, compare, where
from agentcore_new.review.code_tools import PYPROJECT
from agentcore_new.review.edition import Edition
from agentcore_new.review.rendering import Project

Files = Callable[[dict[str, Value]], dict[str, str]]


def edition(files: Files, **options: Sequence[Value]) -> Edition:
    """An edition whose projects are made by a function of their combination."""
    names = {"framework": ("x",), **options}
    combinations = [dict(zip(names, values, strict=True)) for values in product(*names.values())]
    catalogue: dict[str, Any] = {
        "ok": True,
        "version": "1",
        "frameworks": [
            {"name": name, "default_provider": "bedrock"} for name in names["framework"]
        ],
        "options": [
            {"name": name, "values": list(values), "default": values[0]}
            for name, values in names.items()
        ],
    }
    return Edition("base", catalogue, tuple(Project(each, files(each)) for each in combinations))


def told(changes: Changes) -> list[tuple[str, str, str, list[tuple[str, list[str]]]]]:
    """Frameworks, path, kind, and where which lines change."""
    return [
        (
            ",".join(file.frameworks),
            file.path,
            file.kind,
            [(str(hunk.where), list(hunk.changed)) for hunk in file.hunks],
        )
        for file in changes.files
    ]


BOOLS: Sequence[Value] = (False, True)


def test_nothing_is_nothing() -> None:
    same = edition(lambda _: {"a.py": "text\n"}, stream=BOOLS)
    changes = compare(same, same)
    assert not changes
    assert changes == Changes("base", 2, ("x",), (), (), ())


def test_a_change_is_there_once_with_what_its_projects_have_in_common() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xy", "stream": BOOLS, "container": BOOLS}
    before = edition(lambda _: {"a.py": "one\ntwo\n"}, **options)
    after = edition(lambda c: {"a.py": f"one\n{2 if c['stream'] else 'two'}\n"}, **options)
    assert told(compare(before, after)) == [
        ("x,y", "a.py", "changed", [("in 2 of 4: stream=true", ["-two", "+2"])])
    ]


def test_the_same_lines_are_no_one_change_where_other_projects_have_them() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xyz", "stream": BOOLS}

    def files(*, new: Value) -> dict[str, str]:
        return {"a.py": "two\n" if new else "one\n", **pyproject("a>=2" if new else "a>=1")}

    before = edition(lambda _: files(new=False), **options)
    after = edition(lambda c: files(new=c["framework"] != "x" or c["stream"]), **options)
    changes = compare(before, after)
    assert [row for row in told(changes) if row[1] == "a.py"] == [
        ("x", "a.py", "changed", [("in 1 of 2: stream=true", ["-one", "+two"])]),
        ("y,z", "a.py", "changed", [("in all 2", ["-one", "+two"])]),
    ]
    assert [(each.frameworks, str(each.where)) for each in changes.dependencies] == [
        (("x",), "in 1 of 2: stream=true"),
        (("y", "z"), "in all 2"),
    ]


def test_the_same_lines_are_no_one_change_in_other_files_or_of_other_kinds() -> None:
    frameworks = "xyz"
    before = edition(
        lambda c: {"x": {"a.py": "keep\n"}, "y": {"b.py": "keep\n"}, "z": {}}[str(c["framework"])],
        framework=frameworks,
    )
    after = edition(
        lambda c: {
            "x": {"a.py": "keep\nnew\n"},
            "y": {"b.py": "keep\nnew\n"},
            "z": {"a.py": "new\n"},
        }[str(c["framework"])],
        framework=frameworks,
    )
    assert told(compare(before, after)) == [
        ("z", "a.py", "added", [("in all 1", ["+new"])]),
        ("x", "a.py", "changed", [("in all 1", ["+new"])]),
        ("y", "b.py", "changed", [("in all 1", ["+new"])]),
    ]


@pytest.mark.parametrize(
    ("some", "text"),
    [
        ([("b", "p"), ("b", "q"), ("b", "r")], "in 3 of 9: one=b"),
        ([("a", "p"), ("a", "q")], "in 2 of 9: one=a, two=p|q"),
        ([("a", "p"), ("b", "q")], "in 2 of 9, all with one=a|b, two=p|q"),
        (list(product("abc", "pqr")), "in all 9"),
        (list(product("abc", "pqr"))[1:], "in 8 of 9"),
    ],
)
def test_where_says_no_more_than_is_true(some: list[tuple[str, str]], text: str) -> None:
    everything = [{"one": one, "two": two} for one, two in product("abc", "pqr")]
    assert str(where([{"one": one, "two": two} for one, two in some], everything)) == text


def test_the_same_line_at_two_places_is_there_twice() -> None:
    filler = "\n".join(map(str, range(20)))
    before = edition(lambda _: {"a.py": f"{filler}\nx\n{filler}\n"})
    after = edition(lambda _: {"a.py": f"new\n{filler}\nx\n{filler}\nnew\n"})
    ((_, _, _, hunks),) = told(compare(before, after))
    assert hunks == [("in all 1", ["+new"])] * 2


def test_what_is_around_a_change_makes_it_no_other_one() -> None:
    before = edition(lambda c: {"a.py": f"{c['stream']}\nold\n"}, stream=BOOLS)
    after = edition(lambda c: {"a.py": f"{c['stream']}\nnew\n"}, stream=BOOLS)
    ((_, _, _, hunks),) = told(compare(before, after))
    assert hunks == [("in all 2", ["-old", "+new"])]


def test_new_and_removed_files_are_shown_whole() -> None:
    before = edition(lambda _: {"old.py": "a\nb\n", "empty.py": ""}, stream=BOOLS)
    after = edition(lambda c: {"new.py": "c"} if c["stream"] else {"empty.py": ""}, stream=BOOLS)
    assert told(compare(before, after)) == [
        ("x", "empty.py", "removed", [("in 1 of 2: stream=true", [])]),
        (
            "x",
            "new.py",
            "added",
            [("in 1 of 2: stream=true", ["+c\\ (no newline at the end)"])],
        ),
        ("x", "old.py", "removed", [("in all 2", ["-a", "-b"])]),
    ]


def test_a_new_option_is_compared_with_what_was_there_without_it() -> None:
    before = edition(lambda _: {"a.py": "one\n"}, stream=BOOLS)
    after = edition(
        lambda c: {"a.py": "one\ntwo\n" if c["transcript"] else "one\n"},
        stream=BOOLS,
        transcript=BOOLS,
    )
    changes = compare(before, after)
    assert told(changes) == [
        ("x", "a.py", "changed", [("in 2 of 4: transcript=true", ["+two"])]),
    ]
    assert [(each.what, each.before, each.after) for each in changes.choices] == [
        ("options.transcript.values", None, "false, true"),
        ("options.transcript.default", None, "false"),
    ]


def test_of_an_option_that_is_no_more_its_default_is_what_was_there() -> None:
    before = edition(lambda c: {"a.py": f"{c['old']}\n"}, stream=BOOLS, old=BOOLS)
    after = edition(lambda _: {"a.py": "False\n"}, stream=BOOLS)
    assert told(compare(before, after)) == []
    assert {each.what for each in compare(before, after).choices} == {
        "options.old.values",
        "options.old.default",
    }


def test_a_framework_can_come_and_go() -> None:
    before = edition(lambda c: {"a.py": f"{c['framework']}\n"}, framework="xy")
    after = edition(lambda c: {"a.py": f"{c['framework']}\n"}, framework="yz")
    assert told(compare(before, after)) == [
        ("z", "a.py", "added", [("in all 1", ["+z"])]),
        ("x", "a.py", "removed", [("in all 1", ["-x"])]),
    ]
    assert [each.what for each in compare(before, after).choices] == [
        "frameworks.x.default_provider",
        "options.framework.values",
        "options.framework.default",
        "frameworks.z.default_provider",
    ]


def pyproject(*dependencies: str, **extras: list[str]) -> dict[str, str]:
    """A project that requires these."""
    groups = "".join(f"{name} = {texts}\n" for name, texts in extras.items())
    text = f"[project]\ndependencies = {list(dependencies)}\n"
    return {PYPROJECT: text + f"[project.optional-dependencies]\n{groups}"}


def test_dependencies_have_a_table() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xy", "stream": BOOLS}
    before = edition(lambda _: pyproject("a>=1", "b[c]>=1", "gone", test=["t>=1"]), **options)
    after = edition(
        lambda c: pyproject("a>=2" if c["stream"] else "a>=1", "b[c]>=1", "new~=1", test=["t>=2"]),
        **options,
    )
    rows = [
        (each.frameworks, each.group, each.name, each.before, each.after, str(each.where))
        for each in compare(before, after).dependencies
    ]
    assert rows == [
        (("x", "y"), "dependencies", "a", "a>=1", "a>=2", "in 1 of 2: stream=true"),
        (("x", "y"), "dependencies", "gone", "gone", None, "in all 2"),
        (("x", "y"), "dependencies", "new", None, "new~=1", "in all 2"),
        (("x", "y"), "test", "t", "t>=1", "t>=2", "in all 2"),
    ]


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "\r", "-", "+x"]), max_size=30)


@given(LINES, LINES)
def test_the_hunks_make_the_new_text_of_the_old(old: list[str], new: list[str]) -> None:
    made, at = list[str](), 0
    hunks = _hunks("".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new))
    for _, _, _, (lines, before, after) in hunks:
        made += old[at : before - 1]
        at = before - 1
        assert len(made) == after - 1
        for line in lines:
            if line[0] != "+":
                assert old[at] == line[1:]
                at += 1
            if line[0] != "-":
                made.append(line[1:])
    assert made + old[at:] == new
