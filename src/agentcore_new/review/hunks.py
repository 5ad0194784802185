"""The lines of a file that change together, with what is around them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from agentcore_new.review.changes import NO_NEWLINE, Hunk, HunkLine, Who
from agentcore_new.review.file_union import FileUnion, Row
from agentcore_new.review.sources import Sources

CONTEXT = 3  # lines around a change
LOOK_BACK = 8  # groups of lines, to which one more can belong


def hunks_of(file: FileUnion, within: int, sources: Sources) -> Iterator[Hunk]:
    """Yield the lines that change for the cells `within`, what is near to each other together."""
    groups: list[tuple[list[int], int]] = []  # rows, and the cells that they change
    for number, row in enumerate(file.rows):
        if not (changed := row.changed & within):
            continue
        near = [
            (numbers, some)
            for numbers, some in groups[-LOOK_BACK:]
            if changed & some
            and _between(file.rows, numbers[-1], number, changed & some) <= 2 * CONTEXT
        ]
        groups = [group for group in groups if group not in near]
        together = sorted([number, *(each for numbers, _ in near for each in numbers)])
        for _, some in near:
            changed |= some
        groups.append((together, changed))
    for numbers, some in sorted(groups):
        yield _hunk(file, within, numbers, some, sources)


def _between(rows: Sequence[Row], start: int, stop: int, some: int) -> int:
    """Return how many lines that do not change the first project of `some` has in between."""
    cell = some & -some
    return sum(bool(row.after & cell) and not row.changed & cell for row in rows[start + 1 : stop])


def _hunk(file: FileUnion, within: int, group: Sequence[int], some: int, sources: Sources) -> Hunk:
    rows = file.rows
    shown: list[HunkLine] = []
    gains: list[HunkLine] = []
    changed: list[tuple[str, str, int]] = []
    for number in sorted({*group, *_around(rows, within, group)}):
        row = rows[number]
        if number not in group:
            shown += [*gains, hunk_line(" ", row.text)]
            gains = []
            continue
        # What goes stands before what comes.
        if lost := row.before & ~row.after & within:
            shown.append(hunk_line("-", row.text, file.who(lost)))
            changed.append(("-", row.text, lost))
        if gained := row.after & ~row.before & within:
            gains.append(hunk_line("+", row.text, file.who(gained)))
            changed.append(("+", row.text, gained))
    named = _named(rows, group, within)
    is_gone = not rows[named].after & ~rows[named].before & within
    number, same = _line(rows, named, within, is_gone=is_gone)
    those = rows[named].changed & within
    return Hunk(
        number,
        file.who(some),
        templates_of(file, changed, sources),
        (*shown, *gains),
        is_gone,
        "" if same == those else file.who(same, those).words,
    )


def _around(rows: Sequence[Row], within: int, group: Sequence[int]) -> Iterator[int]:
    """Yield the rows next to those of a group and between them, as single projects see them."""

    def seen(numbers: Iterable[int], some: int) -> Iterator[int]:
        cell = some & -some  # a reader knows one project, and not several woven into each other
        for number in numbers:
            if rows[number].changed & cell:
                return
            if rows[number].after & cell:
                yield number

    first, last = (rows[number].changed & within for number in (group[0], group[-1]))
    yield from islice(seen(range(group[0] - 1, -1, -1), first), CONTEXT)
    yield from islice(seen(range(group[-1] + 1, len(rows)), last), CONTEXT)
    before = 0
    for one, other in pairwise(group):
        before |= rows[one].changed & within
        yield from seen(range(one + 1, other), before & rows[other].changed)


def templates_of(
    file: FileUnion, changed: Sequence[tuple[str, str, int]], sources: Sources
) -> tuple[str, ...]:
    """Return the templates of lines that come; of lines that go where none comes.

    Args:
        file: The file.
        changed: Mark and text of each line that changes, and the cells for which it does.
        sources: The templates.
    """
    mark = "+" if any(each == "+" for each, _, _ in changed) else "-"
    found: dict[str, None] = {}
    for (edition, candidates), cells in file.read.items():
        texts = [
            text.removesuffix("\n") for each, text, some in changed if each == mark and some & cells
        ]
        if edition == mark and texts:
            found.update(dict.fromkeys(sources.of(mark, candidates, texts)))
    return tuple(found)


def _named(rows: Sequence[Row], group: Sequence[int], within: int) -> int:
    """Return the row by which a hunk is found: the first that changes, or what replaces it."""
    for number in range(group[0], group[-1] + 1):
        if number not in group:
            break
        if rows[number].after & ~rows[number].before & within & rows[group[0]].changed:
            return number
    return group[0]


def _line(rows: Sequence[Row], number: int, within: int, *, is_gone: bool) -> tuple[int, int]:
    """Return the number of a row in the first project that has it, and who has it there too."""
    some = rows[number].changed & within
    cell = some & -some
    count = 1
    for row in rows[:number]:
        having = row.before if is_gone else row.after
        is_there = bool(having & cell)
        count += is_there
        some &= having if is_there else ~having
    return count, some


def hunk_line(mark: str, text: str, who: Who | None = None) -> HunkLine:
    """Return a line as it is shown: without its end, and where it has none, that it has none."""
    if text.endswith("\n"):
        return HunkLine(mark, text[:-1], who)
    return HunkLine(mark, text + NO_NEWLINE, who, newline=False)
