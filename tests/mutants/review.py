"""Faults of what guards the templates, and of what reviewers read."""

from mutants.mutant import one

REVIEW_FOLDER = "src/agentcore_new/review"
WORDS, MARKED, UNION = (f"{REVIEW_FOLDER}/{name}.py" for name in ("words", "marked", "union"))
HUNKS, FILES, COMPARISON = (
    f"{REVIEW_FOLDER}/{name}.py" for name in ("hunks", "file_changes", "comparison")
)
GUARD = f"{REVIEW_FOLDER}/guard.py"

REVIEW = (
    one(
        "the rest told as an alternative where others are left",
        MARKED,
        "is_rest = branches == 1 and some == within & ~met",
        "is_rest = branches == 1",
        "tests/review/test_marked.py",
    ),
    one(
        "a line of a project taken for a mark",
        MARKED,
        'return f"{self.text}{line}" if is_taken else line',
        "return line",
        "tests/review/test_marked.py",
    ),
    one(
        "a last line that gets an end",
        MARKED,
        '    if not line.endswith("\\n"):\n        yield marks.line(NO_NEWLINE)\n',
        "",
        "tests/review/test_marked.py",
    ),
    one(
        "a file said to be in every project",
        MARKED,
        "head = [] if present == within else",
        "head = [] if True else",
        "tests/review/test_marked.py",
    ),
    one(
        "a value that two options have, told without its option",
        WORDS,
        "for name, possible in axes) == 1",
        "for name, possible in axes) > 0",
        "tests/review/test_words.py",
    ),
    one(
        "what is known already said again",
        WORDS,
        "axes = _support(cube, some, within & ~some)",
        "axes = _support(cube, some, cube.all & ~some)",
        "tests/review/test_words.py",
    ),
    one(
        "values of a choice that are not read as one where they are alike",
        UNION,
        "shared > 0 and shared >= ALIKE * _telling(new)",
        "False",
        "tests/review/test_marked.py",
    ),
    one(
        "an option dropped that makes a difference in some cases",
        f"{REVIEW_FOLDER}/cube.py",
        "for start in blocks\n            for n in range(1, size)",
        "for start in blocks[:1]\n            for n in range(1, size)",
        "tests/review/test_cube.py",
    ),
    one(
        "a text rendered once for values that make a difference",
        f"{REVIEW_FOLDER}/rendering.py",
        "names = tuple(sorted(self._read & variables.keys()))",
        "names = tuple(sorted(self._read & variables.keys())[:1])",
        "tests/review/test_guard.py",
    ),
    one(
        "projects that are not looked at across their files",
        GUARD,
        ", *_across_files(projects)]",
        "]",
        "tests/review/test_check.py -k not_start",
    ),
    one(
        "texts that no tool for code sees",
        GUARD,
        "*code_faults(owners), ",
        "",
        "tests/review/test_check.py -k one_line",
    ),
    one(
        "the second text of a file not looked at",
        f"{REVIEW_FOLDER}/code_tools.py",
        "            written[file] = (path, project)\n            _write(file, text)\n",
        "            if file.name == Path(path).name:\n                _write(file, text)\n"
        "                written[file] = (path, project)\n",
        "tests/review/test_guard.py",
    ),
    one(
        "changes of a framework that is new told as those of all",
        COMPARISON,
        "if mask & has and not mask & had\n",
        "if not mask\n",
        "tests/review/test_changes.py",
    ),
    one(
        "a line that others get too not told",
        HUNKS,
        "if gained := row.after & ~row.before & within:",
        "if gained := (row.after & ~row.before & within) * (not row.before):",
        "tests/review/test_changes.py",
    ),
    one(
        "the first line of the context named, not the one that changes",
        HUNKS,
        "named = _named(rows, group, within)",
        "named = min({*group, *_around(rows, within, group)})",
        "tests/review/test_changes.py",
    ),
    one(
        "around a change what another project has",
        HUNKS,
        "cell = some & -some  # a reader",
        "cell = -1  # a reader",
        "tests/review/test_changes.py",
    ),
    one(
        "a template named that was not read for those who get a line",
        HUNKS,
        "if each == mark and some & cells\n",
        "if each == mark\n",
        "tests/review/test_changes.py",
    ),
    one(
        "the file's own template named whatever has the line",
        f"{REVIEW_FOLDER}/sources.py",
        "return tuple(found or candidates[:1])",
        "return tuple(candidates[:1])",
        "tests/review/test_changes.py",
    ),
    one(
        "what a framework that goes shared with others told as gone",
        FILES,
        "row.before & some if row.before & others else 0)",
        "0)",
        "tests/review/test_changes.py",
    ),
    one(
        "a line of all told below the name of some",
        f"{REVIEW_FOLDER}/presenter.py",
        "its = who(line.who) if line.who and is_mixed else",
        "its = who(line.who) if line.who not in (None, hunk.who) and line.who else",
        "tests/review/test_changes.py",
    ),
    one(
        "new files before those that change",
        COMPARISON,
        '{"changed": 0, "added": 1, "removed": 2}',
        '{"changed": 2, "added": 1, "removed": 0}',
        "tests/review/test_changes.py",
    ),
    one(
        "what a terminal obeys written to it",
        f"{REVIEW_FOLDER}/printable.py",
        'each if each.isprintable() or each == "\\t" else repr(each)[1:-1]',
        "each",
        "tests/review/test_diff.py -k obey",
    ),
    one(
        "new files shown before changed ones have their share",
        f"{REVIEW_FOLDER}/diff_markdown.py",
        "room // max(1, changed - number)",
        "room",
        "tests/review/test_diff.py -k share",
    ),
)
