"""The changes as a comment on a pull request: a summary first, then each file, folded."""

import re
from collections.abc import Iterator
from html import escape

from agentcore_new.review.changes import Changes, FileChange
from agentcore_new.review.diff_text import KINDS, NOTHING, heading, summary, tables
from agentcore_new.terminal import Table

# By this the comment is found again, to be updated.
MARK = "<!-- agentcore-new diff -->"
LIMIT = 65_536  # characters of a comment; counted in bytes, which are never fewer
RESERVE = 1_000  # for the line that says what was cut
ROWS = 40  # of a table


def markdown(changes: Changes) -> str:
    """Return the comment, which is always shorter than LIMIT."""
    if not changes:
        return f"{MARK}\n{NOTHING} Compared with {_code(changes.base)}.\n"
    parts = [f"{MARK}\n**{escape(summary(changes))}**\n\n"]
    room = LIMIT - RESERVE - _size(parts[0])
    for table in [*tables(changes), _overview(changes)]:
        parts.append(_that_fits("\n".join([*_table(table), "", ""]), room))
        room -= _size(parts[-1])
    left_out: list[FileChange] = []
    for file in changes.files:
        part = _that_fits("\n".join(_file(changes, file)), room)
        if not part:
            left_out.append(file)
        parts.append(part)
        room -= _size(part)
    if left_out:
        hunks = sum(len(file.hunks) for file in left_out)
        parts.append(
            f"\n… and {hunks} more hunks in {len(left_out)} files, for which a comment has no room."
            " They are in the HTML report, and `agentcore-new diff` shows them.\n"
        )
    return "".join(parts)


def _that_fits(part: str, room: int) -> str:
    return part if _size(part) <= room else ""


def _size(text: str) -> int:
    return len(text.encode())


def _overview(changes: Changes) -> Table:
    rows = tuple(
        (
            file.path + KINDS[file.kind],
            changes.who(file.frameworks),
            str(len(file.hunks)),
            f"+{file.added}",
            f"-{file.removed}",
        )
        for file in changes.files
    )
    return Table("Files", ("file", "framework", "hunks", "added", "removed"), rows)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    yield f"**{table.title}**"
    yield ""
    yield f"| {' | '.join(table.columns)} |"
    yield f"|{' --- |' * len(table.columns)}"
    for row in table.rows[:ROWS]:
        yield f"| {' | '.join(map(_code, row))} |"
    if len(table.rows) > ROWS:
        yield ""
        yield f"… and {len(table.rows) - ROWS} more rows"


def _code(text: str) -> str:
    """Show any text as it is: in code nothing is a mark, a link or a mention."""
    shown = escape(text[:300]).replace("|", "&#124;").replace("\n", " ")
    return f"<code>{shown}</code>"


def _file(changes: Changes, file: FileChange) -> Iterator[str]:
    name = f"{_code(file.path)}{KINDS[file.kind]} · {escape(changes.who(file.frameworks))}"
    yield f"<details><summary>{name} · +{file.added} -{file.removed}</summary>"
    yield ""
    for hunk in file.hunks:
        text = "\n".join(hunk.lines)
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        yield f"{fence}diff"
        yield heading(hunk, file)
        yield text
        yield fence
        yield ""
    yield "</details>"
    yield ""
