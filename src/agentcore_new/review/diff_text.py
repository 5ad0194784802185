"""The changes as lines for a terminal, which `terminal.print_diff` colours."""

from collections.abc import Iterator

from agentcore_new.review.changes import Changes, FileChange, Hunk
from agentcore_new.terminal import Table, plain_table

KINDS = {"added": " (new file)", "removed": " (removed)", "changed": ""}
NONE = "none"
NOTHING = "Users get what they got: nothing has changed."


def lines(changes: Changes) -> Iterator[str]:
    """Yield the lines of the whole report."""
    if not changes:
        yield f"{NOTHING} Compared with {changes.base}."
        return
    yield summary(changes)
    for table in tables(changes):
        yield ""
        yield from plain_table(table).splitlines()
    for file in changes.files:
        yield ""
        yield f"{changes.who(file.frameworks)} · {file.path}{KINDS[file.kind]}"
        for hunk in file.hunks:
            yield heading(hunk, file)
            yield from hunk.lines


def summary(changes: Changes) -> str:
    """Return one line that says how much is new."""
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
    """Return what has a table of its own: dependencies, and what can be chosen."""
    found = []
    if changes.choices:
        rows = tuple(
            (each.what, each.before or NONE, each.after or NONE) for each in changes.choices
        )
        found.append(Table("Options, defaults and values", ("what", "before", "now"), rows))
    if changes.dependencies:
        columns = ("framework", "group", "before", "now", "where")
        rows_of = tuple(
            (
                changes.who(each.frameworks),
                each.group,
                each.before or NONE,
                each.after or NONE,
                str(each.where),
            )
            for each in changes.dependencies
        )
        found.append(Table("Dependencies", columns, rows_of))
    return found


def heading(hunk: Hunk, file: FileChange) -> str:
    """Return the line above a hunk."""
    at = "" if file.kind != "changed" else f" line {hunk.after}"
    return f"@@{at} {hunk.where} @@"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
