"""The changes as a comment on a pull request: a summary first, then each file, folded."""

import re
from collections.abc import Iterator
from html import escape

from agentcore_new.review.changes import Changes, FileChange, Hunk
from agentcore_new.review.presenter import (
    Section,
    groups,
    heading,
    sections,
    summary,
    tables,
)
from agentcore_new.review.printable import printable
from agentcore_new.terminal import Table

# By this the comment is found again, to be updated.
MARK = "<!-- agentcore-new diff -->"
LIMIT = 65_536  # characters of a comment; counted in bytes, which are never fewer
RESERVE = 1_000  # for the line that says what was cut
ROWS = 40  # of a table
TABLES = 12_000  # bytes of each table at most


def markdown(changes: Changes) -> str:
    """Return the comment, which is always shorter than LIMIT."""
    parts = [f"{MARK}\n**{escape(summary(changes))}**\n"]
    if changes:
        parts += [_table(table) for table in [*tables(changes), _overview(changes)]]
    room = LIMIT - RESERVE - sum(map(_size, parts))
    changed = sum(file.kind == "changed" for file in changes.files)
    left_out = 0
    for number, section in enumerate(sections(changes)):
        # Each changed file has its share before new ones, which follow, take what is left.
        text, hunks = _file(section, room // max(1, changed - number))
        parts.append(text)
        room -= _size(text)
        left_out += hunks
    if left_out:
        parts.append(
            f"\n… and {left_out} more hunks, for which a comment has no room. They are in the HTML"
            " report, and `agentcore-new diff` shows them.\n"
        )
    return "".join(parts)


def _size(text: str) -> int:
    return len(text.encode())


def _overview(changes: Changes) -> Table:
    rows = tuple(
        (section.title, section.who, str(len(section.change.hunks)), *section.count.split())
        for section in sections(changes)
    )
    return Table("Files", ("file", "who", "hunks", "added", "removed"), rows)


def _table(table: Table) -> str:
    head = [f"\n**{table.title}**\n", f"| {' | '.join(table.columns)} |"]
    head.append(f"|{' --- |' * len(table.columns)}")
    room = TABLES
    rows: list[str] = []
    for row in table.rows[:ROWS]:
        text = f"| {' | '.join(map(_code, row))} |"
        room -= _size(text)
        if room < 0:
            break
        rows.append(text)
    more = len(table.rows) - len(rows)
    return "\n".join([*head, *rows, *([f"\n… and {more} more rows"] if more else []), ""])


def _code(text: str) -> str:
    """Show any text as it is: in code nothing is a mark, a link or a mention."""
    shown = escape(printable(text[:300].replace("\n", " "))).replace("|", "&#124;")
    return f"<code>{shown}</code>"


def _file(section: Section, room: int) -> tuple[str, int]:
    """Return a file with as many hunks as there is room for, and how many there is none for."""
    title = f"{_code(section.title)} · {_code(section.who)} · {section.count}"
    start, end = f"\n<details><summary>{title}</summary>\n\n", "</details>\n"
    room -= _size(start) + _size(end)
    shown: list[str] = []
    for hunk in section.change.hunks:
        text = _fenced("\n".join(map(printable, _hunk(hunk, section.change))))
        if _size(text) > room:
            break
        room -= _size(text)
        shown.append(text)
    left_out = len(section.change.hunks) - len(shown)
    return ("".join([start, *shown, end]) if shown else ""), left_out


def _hunk(hunk: Hunk, file: FileChange) -> Iterator[str]:
    yield f"@@ {heading(hunk, file)} @@"
    for group in groups(hunk):
        if group.who:
            yield f"@@ {group.who} @@"
        yield from (f"{line.mark}{line.text}" for line in group.lines)


def _fenced(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}\n\n"
