"""The union of the texts of one file in two editions: each line with who had it and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentcore_new.options import Value
from agentcore_new.review.changes import Who
from agentcore_new.review.cube import Cube, mask_of, relevant
from agentcore_new.review.merged import merged
from agentcore_new.review.sources import Sources
from agentcore_new.review.words import words


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


def _shown(value: Value) -> str:
    return str(value).lower()
