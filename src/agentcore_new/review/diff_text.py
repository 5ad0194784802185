"""The changes as lines for a terminal, which `terminal.print_diff` colours."""

from collections.abc import Iterator

from agentcore_new.review.changes import Changes
from agentcore_new.review.presenter import groups, heading, sections, summary, tables
from agentcore_new.review.printable import printable
from agentcore_new.terminal import plain_table


def lines(changes: Changes) -> Iterator[str]:
    """Yield the lines of the whole report, without characters that a terminal would obey."""
    for line in _lines(changes):
        yield printable(line)


def _lines(changes: Changes) -> Iterator[str]:
    yield summary(changes)
    for table in tables(changes):
        yield ""
        yield from plain_table(table).split("\n")
    for section in sections(changes):
        yield ""
        yield f"{section.title} · {section.who} · {section.count}"
        for hunk in section.change.hunks:
            yield f"@@ {heading(hunk, section.change)} @@"
            for group in groups(hunk):
                if group.who:
                    yield f"@ {group.who}:"
                yield from (f"{line.mark}{line.text}" for line in group.lines)
