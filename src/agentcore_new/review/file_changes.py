"""What is new in one file: for known projects, for new ones, and for those that are no more."""

from collections.abc import Iterator
from dataclasses import replace

from agentcore_new.review.changes import FileChange, Hunk, Kind
from agentcore_new.review.file_union import FileUnion, Row
from agentcore_new.review.hunks import hunk_line, hunks_of, templates_of
from agentcore_new.review.sources import Sources


def changes_of_known(file: FileUnion, sources: Sources) -> Iterator[FileChange]:
    """Yield what is new in a file for the projects that there were, by kind."""
    changed = file.had & file.has & file.known
    hunks = tuple(hunks_of(file, changed, sources))
    if hunks:
        some = 0
        for row in file.rows:
            some |= row.changed & changed
        yield FileChange(file.path, "changed", file.who(some), hunks)
    if added := file.has & ~file.had & file.known:
        yield _whole(file, "added", added, sources)
    if removed := file.had & ~file.has & file.known & ~file.left:
        yield _whole(file, "removed", removed, sources)
    yield from _changes_of_those_who_left(file, sources)


def _changes_of_those_who_left(file: FileUnion, sources: Sources) -> Iterator[FileChange]:
    """Yield what the projects that are no more had alone: the rest, others still have or lose."""
    some, others = file.had & file.left, file.had & ~file.left
    rows = tuple(
        Row(row.text, row.before & some, row.before & some if row.before & others else 0)
        for row in file.rows
    )
    alone = replace(file, rows=rows, had=some, has=some, arrived={}, left=0)
    if some and all(row.changed for row in rows if row.before):
        if any(row.changed for row in rows) or not others:
            yield _whole(alone, "removed", some, sources)
    elif hunks := tuple(hunks_of(alone, some, sources)):
        yield FileChange(file.path, "changed", file.who(some), hunks)


def _whole(file: FileUnion, kind: Kind, some: int, sources: Sources) -> FileChange:
    """Return a file that is new or gone: each line with who of `some` has it."""
    own = [
        (row, mask)
        for row in file.rows
        if (mask := (row.after if kind == "added" else row.before) & some)
    ]
    mark = "+" if kind == "added" else "-"
    who = file.who(some)
    shown = tuple(
        hunk_line(mark, row.text, who if mask == some else file.who(mask, some))
        for row, mask in own
    )
    templates = templates_of(file, [(mark, row.text, mask) for row, mask in own], sources)
    return FileChange(file.path, kind, who, (Hunk(1, who, templates, shown),))


def changes_of_newcomer(
    file: FileUnion, mask: int, sources: Sources
) -> tuple[list[FileChange], int]:
    """Return what a new value of a choice has of its own in a file, and how many lines it lacks."""
    some = mask & file.has
    others = file.has & ~mask
    rows = tuple(
        Row(row.text, row.after & some if row.after & others else 0, row.after & some)
        for row in file.rows
    )
    lacking = sum(
        bool(others) and row.after & others == others and not row.after & some for row in file.rows
    )
    its_own = [row for row in rows if row.changed]
    if not its_own:
        return [], lacking
    known = file.known | some
    alone = replace(file, rows=rows, had=some, has=some, known=known, arrived={}, left=0)
    if all(row.changed for row in rows if row.after):
        return [_whole(alone, "added", some, sources)], lacking
    hunks = tuple(hunks_of(alone, some, sources))
    return [FileChange(file.path, "changed", alone.who(some), hunks)], lacking
