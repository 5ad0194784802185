"""The changes in the words and tables in which people read them, whatever the format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentcore_new.review.catalogue_changes import ChoiceChange
from agentcore_new.review.changes import (
    Changes,
    Commit,
    DependencyChange,
    FileChange,
    Hunk,
    HunkLine,
    Newcomer,
    Who,
)
from agentcore_new.terminal import Table

Record = ChoiceChange | Newcomer | DependencyChange | Commit

NONE = "none"
EVERYBODY = "all projects"
NOTHING = "Users get what they got: nothing has changed."
KINDS = {"changed": "", "added": "new file", "removed": "removed"}


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of a hunk, one after the other, that the same projects lose or gain.

    Args:
        who: Which they are; nothing around a change, or where all lines are for the same ones.
        lines: The lines, those around a change among them.
    """

    who: str
    lines: tuple[HunkLine, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One file, as it is headed.

    Args:
        title: Its path, and what became of it.
        who: Whose projects change.
        count: How many lines come and go.
        change: The change itself.
    """

    title: str
    who: str
    count: str
    change: FileChange


def who(some: Who) -> str:
    """Return which projects, in words."""
    return EVERYBODY if some.words == "all" else some.words


def summary(changes: Changes) -> str:
    """Return one line that says how much is new."""
    if not changes:
        return f"{NOTHING} Compared with {changes.base}."
    paths = {file.path for file in changes.files}
    kinds = [
        f"{len({file.path for file in changes.files if file.kind == kind})} {word}"
        for kind, word in (("changed", "changed"), ("added", "new"), ("removed", "removed"))
        if any(file.kind == kind for file in changes.files)
    ]
    hunks = sum(len(file.hunks) for file in changes.files)
    dependencies, choices = len(changes.dependencies), len(changes.choices)
    counts = [
        f"{_counted(len(paths), 'file')} ({', '.join(kinds)})" if paths else "",
        _counted(hunks, "distinct hunk") if hunks else "",
        _counted(dependencies, "change") + " of dependencies" if dependencies else "",
        _counted(choices, "change") + " of options" if choices else "",
    ]
    found = ", ".join(count for count in counts if count)
    return f"What users get, compared with {changes.base}: {found}."


def tables(changes: Changes) -> list[Table]:
    """Return what has a table of its own; tables without rows are left out."""
    return [table for table, _ in tabled(changes)]


def tabled(changes: Changes) -> list[tuple[Table, Sequence[Record]]]:
    """Return each table that has rows, and the record that each row is of."""
    found: list[tuple[Table, Sequence[Record]]] = [
        (
            Table(
                "Options, defaults and values",
                ("what", "before", "now"),
                tuple(
                    (each.what, each.before or NONE, each.after or NONE) for each in changes.choices
                ),
            ),
            changes.choices,
        ),
        (
            Table(
                "New, beside what it has in common with the others",
                (
                    "what",
                    "files as the others have them",
                    "files with lines of its own",
                    "what it lacks of what all others have",
                ),
                tuple(
                    (
                        f"{each.option.replace('_', ' ')} {each.value}",
                        str(each.shared),
                        ", ".join(each.own) or NONE,
                        ", ".join(
                            [
                                *each.missing,
                                *([_counted(each.lacking, "line")] * bool(each.lacking)),
                            ]
                        )
                        or NONE,
                    )
                    for each in changes.newcomers
                ),
            ),
            changes.newcomers,
        ),
        (
            Table(
                "Dependencies",
                ("group", "before", "now", "who"),
                tuple(
                    (each.group, each.before or NONE, each.after or NONE, who(each.who))
                    for each in changes.dependencies
                ),
            ),
            changes.dependencies,
        ),
        (
            Table(
                "Commits since then that touch what users get",
                ("commit", "subject"),
                tuple((each.sha, each.subject) for each in changes.commits),
            ),
            changes.commits,
        ),
    ]
    return [(table, records) for table, records in found if table.rows]


def sections(changes: Changes) -> Iterator[Section]:
    """Yield each file with its heading, changed ones first."""
    for file in changes.files:
        kind = KINDS[file.kind]
        title = f"{file.path} ({kind})" if kind else file.path
        yield Section(title, who(file.who), f"+{file.added} -{file.removed}", file)


def heading(hunk: Hunk, file: FileChange) -> str:
    """Return the line above a hunk: where, who has it, and what it comes from."""
    at = f"line {hunk.line}{' before' * hunk.line_before}" if file.kind == "changed" else ""
    at += f" (with {hunk.line_with})" if at and hunk.line_with else ""
    return " · ".join(filter(None, [at, who(hunk.who), _together(hunk.templates)]))


def _together(templates: Sequence[str]) -> str:
    """Return templates as a shell writes them: `templates/frameworks/{adk,openai}/notes.md`."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in templates:
        # in the folder of a framework are the files that the others have too
        first, second, own, *rest = [*name.split("/"), "", ""]
        same = (f"{first}/{second}/", f"/{'/'.join(filter(None, rest))}")
        found.setdefault(same if len(rest) > 2 else (name, ""), []).append(own)
    return ", ".join(
        start
        if not end
        else f"{start}{own[0] if len(own) == 1 else '{' + ','.join(own) + '}'}{end}"
        for (start, end), own in found.items()
    )


def groups(hunk: Hunk) -> Iterator[Group]:
    """Yield the lines of a hunk, with who has them where that is not who has the hunk."""
    lines: list[HunkLine] = []
    current = ""
    # Below a line that says who, one of all would be taken for theirs: then it says so too.
    is_mixed = any(line.who not in (None, hunk.who) for line in hunk.lines)
    for line in hunk.lines:
        its = who(line.who) if line.who and is_mixed else ""
        if lines and its != current:
            yield Group(current, tuple(lines))
            lines = []
        current = its
        lines.append(line)
    if lines:
        yield Group(current, tuple(lines))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
