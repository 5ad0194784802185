"""What is new between two editions, on made-up projects."""

from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentcore_new.options import Value
from agentcore_new.review.changes import Changes, FileChange
from agentcore_new.review.comparison import compare
from agentcore_new.review.cube import Cube
from agentcore_new.review.dependencies import PYPROJECT
from agentcore_new.review.edition import Edition
from agentcore_new.review.merged import merged
from agentcore_new.review.presenter import groups, heading
from agentcore_new.review.rendering import Project
from agentcore_new.review.union import lines as split
from agentcore_new.review.words import holds

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
    projects = tuple(Project(each, files(each)) for each in combinations)
    return Edition("base", catalogue, projects, {})


def told(changes: Changes) -> list[tuple[str, str, list[tuple[str, list[str]]]]]:
    """Path, kind, and who gets which lines."""
    return [
        (
            file.path,
            file.kind,
            [(hunk.who.words, changed(file, n)) for n, hunk in enumerate(file.hunks)],
        )
        for file in changes.files
    ]


def changed(file: FileChange, number: int) -> list[str]:
    """The lines of a hunk that change; with who, where that is not who has the hunk."""
    hunk = file.hunks[number]
    return [
        line.mark + line.text + ("" if line.who == hunk.who else f" <{line.who.words}>")
        for line in hunk.lines
        if line.who
    ]


BOOLS: Sequence[Value] = (False, True)


def test_nothing_is_nothing() -> None:
    same = edition(lambda _: {"a.py": "text\n"}, stream=BOOLS)
    changes = compare(same, same)
    assert not changes
    assert changes == Changes("base", 2, (), (), (), (), ())


def test_a_change_is_there_once_with_who_gets_it() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xy", "stream": BOOLS, "container": BOOLS}
    before = edition(lambda _: {"a.py": "one\ntwo\n"}, **options)
    after = edition(lambda c: {"a.py": f"one\n{2 if c['stream'] else 'two'}\n"}, **options)
    assert told(compare(before, after)) == [
        ("a.py", "changed", [("stream", ["-two", "+2"])]),
    ]


def test_the_same_lines_of_some_frameworks_are_one_change() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xyz", "stream": BOOLS}

    def files(*, new: Value) -> dict[str, str]:
        return {"a.py": "two\n" if new else "one\n", **pyproject("a>=2" if new else "a>=1")}

    before = edition(lambda _: files(new=False), **options)
    after = edition(lambda c: files(new=c["framework"] != "x" or c["stream"]), **options)
    changes = compare(before, after)
    assert [row for row in told(changes) if row[0] == "a.py"] == [
        ("a.py", "changed", [("not x | stream", ["-one", "+two"])]),
    ]
    assert [each.who.words for each in changes.dependencies] == ["not x | stream"]


def test_lines_of_a_hunk_that_not_all_of_its_projects_have_say_who() -> None:
    before = edition(lambda _: {"a.py": "same\nold\n"}, stream=BOOLS)
    after = edition(lambda c: {"a.py": f"same\nnew {c['stream']}\n"}, stream=BOOLS)
    assert told(compare(before, after)) == [
        ("a.py", "changed", [("all", ["-old", "+new True <stream>", "+new False <not stream>"])]),
    ]


def test_a_line_that_others_get_too_is_new_for_them_alone() -> None:
    before = edition(
        lambda c: {"a.py": "first\n" + "extra line\n" * bool(c["stream"])}, stream=BOOLS
    )
    after = edition(lambda _: {"a.py": "first\nextra line\n"}, stream=BOOLS)
    assert told(compare(before, after)) == [
        ("a.py", "changed", [("not stream", ["+extra line"])]),
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
            "z": {"a.py": "new\n", "c.py": "new\n"},
        }[str(c["framework"])],
        framework=frameworks,
    )
    # z has had no project before: what it shares with x is no change
    assert [row for row in told(compare(before, after)) if row[0] != "c.py"] == [
        ("a.py", "changed", [("x", ["+new"])]),
        ("b.py", "changed", [("y", ["+new"])]),
    ]


def test_the_same_line_at_two_places_is_there_twice() -> None:
    filler = "\n".join(f"line {n}" for n in range(20))
    before = edition(lambda _: {"a.py": f"{filler}\nx\n{filler}\n"})
    after = edition(lambda _: {"a.py": f"new\n{filler}\nx\n{filler}\nnew\n"})
    ((_, _, hunks),) = told(compare(before, after))
    assert hunks == [("all", ["+new"])] * 2


def test_a_short_line_between_two_changes_is_none() -> None:
    before = edition(lambda _: {"a.py": "one\ntwo\n\ncalls = connect(old, 1)\n"}, stream=BOOLS)
    after = edition(
        lambda c: {"a.py": f"one\n{'TWO' if c['stream'] else 'two'}\n\ncalls = connect(new, 1)\n"},
        stream=BOOLS,
    )
    ((_, _, hunks),) = told(compare(before, after))
    assert sorted(line for _, lines in hunks for line in lines) == [
        "+TWO <stream>",
        "+calls = connect(new, 1)",
        "-calls = connect(old, 1)",
        "-two <stream>",
    ]


def test_what_is_around_a_change_makes_it_no_other_one() -> None:
    before = edition(lambda c: {"a.py": f"{c['stream']}\nold\n"}, stream=BOOLS)
    after = edition(lambda c: {"a.py": f"{c['stream']}\nnew\n"}, stream=BOOLS)
    ((_, _, hunks),) = told(compare(before, after))
    assert hunks == [("all", ["-old", "+new"])]


def test_around_a_change_is_what_its_first_project_has() -> None:
    def text(combination: dict[str, Value], last: str) -> dict[str, str]:
        lines = "".join(f"line {n}\n" for n in range(9))
        return {"a.py": lines + ("streamed\n" if combination["stream"] else "plain\n") + last}

    before = edition(lambda c: text(c, "old\n"), stream=BOOLS)
    after = edition(lambda c: text(c, "new\n"), stream=BOOLS)
    ((hunk,),) = (file.hunks for file in compare(before, after).files)
    shown = [line.mark + line.text for line in hunk.lines]
    assert shown == [" line 7", " line 8", " plain", "-old", "+new"]
    assert hunk.line == 11


def test_short_lines_between_changes_are_none() -> None:
    before = edition(lambda _: {"a.py": "a = 1\nb = 2\nc = 3\n\nd = 4\n"}, stream=BOOLS)
    after = edition(lambda _: {"a.py": "a = 1\nb = 3\nc = 3\n\nd = 5\ne\n"}, stream=BOOLS)
    ((hunk,),) = (file.hunks for file in compare(before, after).files)
    shown = [line.mark + line.text for line in hunk.lines]
    assert shown == [" a = 1", "-b = 2", "+b = 3", " c = 3", " ", "-d = 4", "+d = 5", "+e"]


def test_what_comes_is_told_with_the_blank_lines_after_it() -> None:
    one, two, three = (
        "def one():\n    pass\n",
        "def two():\n    pass\n",
        "def three():\n    pass\n",
    )
    before = edition(lambda _: {"a.py": f"{one}\n\n{three}"})
    after = edition(lambda _: {"a.py": f"{one}\n\n{two}\n\n{three}"})
    expected = ["def two():", "    pass", "", ""]
    assert told(compare(before, after)) == [
        ("a.py", "changed", [("all", [f"+{x}" for x in expected])])
    ]
    ((_, _, ((_, gone),)),) = told(compare(after, before))
    assert gone == [f"-{line}" for line in expected]


def test_the_line_that_changes_is_named() -> None:
    filler = "".join(f"line {n}\n" for n in range(20))
    before = edition(lambda c: {"a.py": "extra\n" * bool(c["stream"]) + filler}, stream=BOOLS)
    after = edition(
        lambda c: {"a.py": "extra\n" * bool(c["stream"]) + filler.replace("10", "ten")},
        stream=BOOLS,
    )
    ((hunk,),) = (file.hunks for file in compare(before, after).files)
    assert hunk.line == 11  # of the first project, which has no extra line


def test_new_and_removed_files_are_shown_whole_after_those_that_change() -> None:
    before = edition(lambda _: {"old.py": "a\nb\n", "empty.py": "", "z.py": "a\n"}, stream=BOOLS)
    after = edition(
        lambda c: {"z.py": "b\n"} | ({"new.py": "c"} if c["stream"] else {"empty.py": ""}),
        stream=BOOLS,
    )
    assert told(compare(before, after)) == [
        ("z.py", "changed", [("all", ["-a", "+b"])]),
        ("new.py", "added", [("stream", ["+c\\ (no newline at the end)"])]),
        ("empty.py", "removed", [("stream", [])]),
        ("old.py", "removed", [("all", ["-a", "-b"])]),
    ]


def test_a_new_file_says_of_its_lines_who_gets_them() -> None:
    old = edition(lambda _: {"b.py": ""}, stream=BOOLS)
    changes = compare(old, edition(after_files, stream=BOOLS))
    assert told(changes) == [("a.py", "added", [("all", ["+one", "+two <stream>", "+three"])])]
    assert not compare(old, old)


def test_a_new_file_of_some_says_so_of_what_not_all_of_them_have() -> None:
    options: dict[str, Sequence[Value]] = {"framework": "xy", "stream": BOOLS}
    before = edition(lambda _: {"b.py": ""}, **options)
    after = edition(
        lambda c: {
            "b.py": "",
            **({"a.py": f"for all\nof {c['framework']}\n"} if c["stream"] else {}),
        },
        **options,
    )
    lines = ["+for all", "+of x <x>", "+of y <y>"]
    assert told(compare(before, after)) == [("a.py", "added", [("stream", lines)])]


def after_files(combination: dict[str, Value]) -> dict[str, str]:
    return {"a.py": "one\n" + "two\n" * bool(combination["stream"]) + "three\n", "b.py": ""}


def test_a_new_option_is_compared_with_what_was_there_without_it() -> None:
    before = edition(lambda _: {"a.py": "one\n"}, stream=BOOLS)
    after = edition(
        lambda c: {"a.py": "one\ntwo\n" if c["transcript"] else "one\n"},
        stream=BOOLS,
        transcript=BOOLS,
    )
    changes = compare(before, after)
    assert told(changes) == [("a.py", "changed", [("transcript", ["+two"])])]
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


def test_a_framework_can_go() -> None:
    before = edition(lambda c: {"a.py": f"{c['framework']}\n"}, framework="xy")
    after = edition(lambda c: {"a.py": f"{c['framework']}\n"}, framework="y")
    assert told(compare(before, after)) == [("a.py", "removed", [("x", ["-x"])])]
    assert [each.what for each in compare(before, after).choices] == [
        "frameworks.x.default_provider",
        "options.framework.values",
        "options.framework.default",
    ]


def test_what_a_new_framework_shares_with_the_others_is_one_row() -> None:
    filler = "".join(f"line {n}\n" for n in range(9))

    def files(combination: dict[str, Value]) -> dict[str, str]:
        framework = combination["framework"]
        shared = {"same.py": filler, "title.md": f"# {framework}\n{filler}"}
        if framework != "new":
            shared["every.py"] = filler
        if framework == "x":
            shared["of_x.py"] = filler
        if framework == "new":
            return {**shared, "agent.py": "new agent\n", "part.py": filler}
        return {**shared, "agent.py": "agent of others\n", "part.py": f"{filler}others have it\n"}

    before = edition(files, framework=("x", "y"), stream=BOOLS)
    after = edition(files, framework=("x", "y", "new"), stream=BOOLS)
    changes = compare(before, after)
    (newcomer,) = changes.newcomers
    assert (newcomer.option, newcomer.value) == ("framework", "new")
    assert (newcomer.shared, newcomer.own) == (2, ("agent.py", "title.md"))
    assert newcomer.lacking == 2  # of agent.py and part.py
    assert newcomer.missing == ("every.py",)
    assert told(changes) == [
        ("title.md", "changed", [("new", ["+# new"])]),
        ("agent.py", "added", [("new", ["+new agent"])]),
    ]


def test_what_a_framework_that_goes_shared_with_the_others_is_not_told() -> None:
    filler = "".join(f"line {n}\n" for n in range(9))

    def files(combination: dict[str, Value]) -> dict[str, str]:
        framework = combination["framework"]
        own = {"z.py": "of z\n"} if framework == "z" else {}
        return {"same.py": filler, "title.md": f"# {framework}\n{filler}", **own}

    before, after = edition(files, framework="xyz"), edition(files, framework="xy")
    assert told(compare(before, after)) == [
        ("title.md", "changed", [("z", ["-# z"])]),
        ("z.py", "removed", [("z", ["-of z"])]),
    ]
    # if all others go too, it is the whole that is gone
    last = compare(before, edition(files, framework="w"))
    assert ("same.py", "removed") in [(path, kind) for path, kind, _ in told(last)]


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
        (each.group, each.name, each.before, each.after, each.who.words)
        for each in compare(before, after).dependencies
    ]
    assert rows == [
        ("dependencies", "a", "a>=1", "a>=2", "stream"),
        ("dependencies", "gone", "gone", None, "all"),
        ("dependencies", "new", None, "new~=1", "all"),
        ("test", "t", "t>=1", "t>=2", "all"),
    ]


def test_of_a_new_framework_the_table_has_its_own_dependencies() -> None:
    def files(combination: dict[str, Value]) -> dict[str, str]:
        return pyproject("shared>=1", f"sdk-of-{combination['framework']}>=1")

    changes = compare(edition(files, framework="xy"), edition(files, framework="xyz"))
    assert [(each.name, each.who.words) for each in changes.dependencies] == [("sdk-of-z", "z")]


def test_what_all_require_is_no_news_of_a_framework_that_comes_or_goes() -> None:
    def files(version: int) -> Files:
        return lambda c: pyproject(f"shared>={version}", f"sdk-of-{c['framework']}>=1")

    before, after = edition(files(1), framework="xyz"), edition(files(2), framework="wxy")
    rows = [(each.name, each.after, each.who.words) for each in compare(before, after).dependencies]
    assert sorted(rows, key=str) == [
        ("sdk-of-w", "sdk-of-w>=1", "w"),
        ("sdk-of-z", None, "z"),
        ("shared", "shared>=2", "x/y"),
    ]


def of_frameworks(line: str) -> Files:
    return lambda c: {"main.py": f"shared line\n{line.format(c['framework'])}\nlast line\n"}


def test_each_hunk_says_which_templates_it_comes_from() -> None:
    own = "templates/project/main.py.jinja"
    x, y = (f"templates/frameworks/{name}/main.py.jinja" for name in "xy")
    templates = {
        own: "shared line\n{% include framework %}\nlast line\nis {{ framework }}, by itself\n",
        x: "now of x\nthe same now\n",
        y: "now of y\nthe same now\nnow of x\n",
        "templates/project/other.py": "now of x\n",
    }
    before = edition(of_frameworks("old"), framework="xy")

    def named(files: Files) -> list[tuple[str, ...]]:
        after = edition(files, framework="xy")
        # which templates were read is noted when a text is rendered
        read = {
            "main.py": {
                each.files["main.py"]: (own, {"x": x, "y": y}[str(each.combination["framework"])])
                for each in after.projects
            }
        }
        now = Edition("", after.catalogue, after.projects, templates, read)
        return [hunk.templates for file in compare(before, now).files for hunk in file.hunks]

    assert named(of_frameworks("now of {}")) == [(x, y)]
    assert named(lambda c: of_frameworks("now of x" if c["framework"] == "x" else "old")(c)) == [
        (x,)
    ]
    # a line with substitutions by what is literal of it; what is nowhere, by the file's own
    assert named(of_frameworks("is {}, by itself")) == [(own,)]
    assert named(of_frameworks("nobody has written this")) == [(own,)]


def test_between_two_changes_is_what_one_project_has() -> None:
    def files(number: int) -> Files:
        return lambda c: {
            "a.py": f"first {number}\n{'in pieces' if c['stream'] else 'in one'}\nlast {number}\n"
        }

    changes = compare(edition(files(1), stream=BOOLS), edition(files(2), stream=BOOLS))
    ((hunk,),) = (file.hunks for file in changes.files)
    shown = [line.mark + line.text for line in hunk.lines]
    assert shown == ["-first 1", "+first 2", " in one", "-last 1", "+last 2"]


def test_what_one_project_has_together_is_one_hunk() -> None:
    block = "".join(f"block {n}\n" for n in range(9))

    def files(number: int) -> Files:
        return lambda c: {
            "a.py": f"first {number}\n" + (block if c["stream"] else f"in one {number}\n") + "end\n"
        }

    changes = compare(edition(files(1), stream=BOOLS), edition(files(2), stream=BOOLS))
    ((hunk,),) = (file.hunks for file in changes.files)
    assert [line.mark + line.text for line in hunk.lines] == [
        "-first 1",
        "-in one 1",
        "+first 2",
        "+in one 2",
        " end",
    ]


def test_a_number_says_in_whose_text_and_whether_before() -> None:
    def files(text: str) -> Files:
        filler = "".join(f"line {n}\n" for n in range(9))
        return lambda c: {"a.py": ("extra line\n" if c["stream"] else "") + filler + text}

    def headings(old: str, new: str) -> list[str]:
        changes = compare(edition(files(old), stream=BOOLS), edition(files(new), stream=BOOLS))
        return [heading(hunk, file) for file in changes.files for hunk in file.hunks]

    template = "all projects · templates/project/a.py.jinja"
    assert headings("old\n", "new\n") == [f"line 10 (with not stream) · {template}"]
    assert headings("old\n", "") == [f"line 10 before (with not stream) · {template}"]
    assert headings("", "new\n") == [f"line 10 (with not stream) · {template}"]


def test_each_line_of_a_mixed_hunk_says_who_gets_it() -> None:
    before = edition(lambda _: {"a.py": "same\n"}, stream=BOOLS)
    after = edition(
        lambda c: {"a.py": "same\n" + "streamed\n" * bool(c["stream"]) + "for everybody\n"},
        stream=BOOLS,
    )
    ((hunk,),) = (file.hunks for file in compare(before, after).files)
    told = [(group.who, [line.text for line in group.lines]) for group in groups(hunk)]
    assert told == [
        ("", ["same"]),
        ("stream", ["streamed"]),
        ("all projects", ["for everybody"]),
    ]


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "\r", "-", "+x", "line"]), max_size=30)
TEXTS = st.builds(lambda lines: "".join(f"{line}\n" for line in lines), LINES)


@given(st.lists(TEXTS, min_size=4, max_size=4), st.lists(TEXTS, min_size=4, max_size=4))
def test_what_is_lost_and_gained_makes_the_new_texts_of_the_old(
    old: list[str], new: list[str]
) -> None:
    options: dict[str, Sequence[Value]] = {"stream": BOOLS, "container": BOOLS}

    def files(texts: list[str]) -> Files:
        return lambda c: {"a.py": texts[2 * bool(c["stream"]) + bool(c["container"])], "b": ""}

    changes = compare(edition(files(old), **options), edition(files(new), **options))
    lines = [line for file in changes.files for hunk in file.hunks for line in hunk.lines]
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        stream, container = number >= 2, number % 2 == 1
        balance = Counter(after.split("\n"))
        balance.subtract(before.split("\n"))
        for line in lines:
            if line.who and has(line.who.words, stream=stream, container=container):
                balance[line.text] -= {"+": 1, "-": -1}[line.mark]
        assert not any(balance.values())


def has(words: str, **combination: Value) -> bool:
    axes: dict[str, Sequence[Value]] = {"framework": ("x",), "stream": BOOLS, "container": BOOLS}
    return holds(words, axes, {"framework": "x", **combination})


@given(st.lists(TEXTS, min_size=8, max_size=8))
def test_each_project_finds_its_texts_in_the_merged_lines(texts: list[str]) -> None:
    cube = Cube((("framework", ("x", "y")), ("stream", (False, True))))
    pairs = list(zip(texts[:4], texts[4:], strict=True))
    lines = merged(cube, pairs)
    for cell, (before, after) in enumerate(pairs):
        assert "".join(line for line, had, _ in lines if had >> cell & 1) == before
        assert "".join(line for line, _, has in lines if has >> cell & 1) == after
        # and no line that this project keeps is one that it loses and gains
        kept = sum((had & has) >> cell & 1 for _, had, has in lines)
        blocks = SequenceMatcher(None, split(before), split(after), autojunk=False)
        assert kept == sum(block.size for block in blocks.get_matching_blocks())
