"""What is new in one file: the union of its texts of two editions, and the hunks of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from agentcore_new.options import Value
from agentcore_new.review.changes import NO_NEWLINE, FileChange, Hunk, HunkLine, Kind, Who
from agentcore_new.review.cube import Cube, mask_of, relevant
from agentcore_new.review.merged import merged
from agentcore_new.review.sources import Sources
from agentcore_new.review.words import words

CONTEXT = 3  # lines around a change
LOOK_BACK = 8  # groups of lines, to which one more can belong


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file, its end included, with the cells that had it and those that have it."""

    text: str
    before: int
    after: int

    @property
    def changed(self) -> int:
        """The cells for which it is new or gone."""
        return self.before ^ self.after


@dataclass(frozen=True, slots=True)
class FileUnion:
    """The union of one file over the two editions.

    Args:
        path: The file.
        cube: The options that make a difference.
        rows: Its lines.
        had: The cells that had it.
        has: The cells that have it.
        known: The cells of projects that there were before, and are.
        arrived: The cells of each new value of a choice, by option and value.
        left: The cells whose projects are no more, while there are others.
        read: The cells whose text comes from some templates, by the mark of an edition and these.
    """

    path: str
    cube: Cube
    rows: tuple[Row, ...]
    had: int
    has: int
    known: int
    arrived: Mapping[tuple[str, Value], int]
    left: int
    read: Mapping[tuple[str, tuple[str, ...]], int]

    def all_others_have(self, key: tuple[str, Value]) -> bool:
        """Whether each other value of a choice has the file, in some project that was known."""
        option, value = key
        masks = self.cube.masks.get(option, {value: 0})
        others = [mask & self.known for each, mask in masks.items() if each != value]
        return any(others) and all(mask & self.has for mask in others if mask)

    def who(self, some: int, within: int = 0) -> Who:
        """Describe some cells."""
        options = [
            (name, present)
            for name, masks in self.cube.masks.items()
            if len(present := tuple(_shown(v) for v, mask in masks.items() if mask & some))
            < len(masks)
        ]
        return Who(words(self.cube, some, within or self.known | some), tuple(options))


def file_union(
    cube: Cube,
    there: Sequence[bool],
    arrived: Mapping[tuple[str, Value], int],
    left: int,
    path: str,
    old: Sequence[str | None],
    new: Sequence[str | None],
    sources: Sources,
) -> FileUnion:
    """Return the union of a file over two editions.

    Args:
        cube: All options.
        there: Which cells have a project, in one of the editions.
        arrived: The cells of each new value of a choice.
        left: The cells whose projects are no more, while there are others.
        path: The file.
        old: Its text in each cell, before.
        new: The same, now.
        sources: The templates.
    """
    newcomer = [
        tuple(bool(mask >> number & 1) for mask in (left, *arrived.values()))
        for number in range(len(there))
    ]
    smaller, found = relevant(cube, list(zip(old, new, there, newcomer, strict=True)))
    rows = tuple(
        Row(line, before, after)
        for line, before, after in merged(smaller, [(row[0], row[1]) for row in found])
    )
    its_arrived = {
        key: mask_of(flags[number] for _, _, _, (_, *flags) in found)
        for number, key in enumerate(arrived)
    }
    return FileUnion(
        path,
        smaller,
        rows,
        mask_of(row[0] is not None for row in found),
        mask_of(row[1] is not None for row in found),
        mask_of(row[2] and not any(row[3][1:]) for row in found),
        its_arrived,
        mask_of(row[3][0] for row in found),
        _read(path, [(row[0], row[1]) for row in found], sources),
    )


def _read(
    path: str, texts: Sequence[tuple[str | None, str | None]], sources: Sources
) -> dict[tuple[str, tuple[str, ...]], int]:
    """Return which cells have a text from which templates, by the mark of the edition and these."""
    cells: dict[tuple[str, tuple[str, ...]], int] = {}
    for number, both in enumerate(texts):
        for mark, text in zip("-+", both, strict=True):
            if text is not None:
                key = (mark, sources.read(mark, path, text))
                cells[key] = cells.get(key, 0) | 1 << number
    return cells


def _hunk_line(mark: str, text: str, who: Who | None = None) -> HunkLine:
    if text.endswith("\n"):
        return HunkLine(mark, text[:-1], who)
    return HunkLine(mark, text + NO_NEWLINE, who, newline=False)


def changes_of_known(file: FileUnion, sources: Sources) -> Iterator[FileChange]:
    """Yield what is new in a file for the projects that there were, by kind."""
    changed = file.had & file.has & file.known
    hunks = tuple(_hunks(file, changed, sources))
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
    alone = FileUnion(file.path, file.cube, rows, some, some, file.known, {}, 0, file.read)
    if some and all(row.changed for row in rows if row.before):
        if any(row.changed for row in rows) or not others:
            yield _whole(alone, "removed", some, sources)
    elif hunks := tuple(_hunks(alone, some, sources)):
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
        _hunk_line(mark, row.text, who if mask == some else file.who(mask, some))
        for row, mask in own
    )
    templates = _templates(file, [(mark, row.text, mask) for row, mask in own], sources)
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
    alone = FileUnion(file.path, file.cube, rows, some, some, file.known | some, {}, 0, file.read)
    if all(row.changed for row in rows if row.after):
        return [_whole(alone, "added", some, sources)], lacking
    hunks = tuple(_hunks(alone, some, sources))
    return [FileChange(file.path, "changed", alone.who(some), hunks)], lacking


def _hunks(file: FileUnion, within: int, sources: Sources) -> Iterator[Hunk]:
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
            shown += [*gains, _hunk_line(" ", row.text)]
            gains = []
            continue
        # What goes stands before what comes.
        if lost := row.before & ~row.after & within:
            shown.append(_hunk_line("-", row.text, file.who(lost)))
            changed.append(("-", row.text, lost))
        if gained := row.after & ~row.before & within:
            gains.append(_hunk_line("+", row.text, file.who(gained)))
            changed.append(("+", row.text, gained))
    named = _named(rows, group, within)
    is_gone = not rows[named].after & ~rows[named].before & within
    number, same = _line(rows, named, within, is_gone=is_gone)
    those = rows[named].changed & within
    return Hunk(
        number,
        file.who(some),
        _templates(file, changed, sources),
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


def _templates(
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


def _shown(value: Value) -> str:
    return str(value).lower()
