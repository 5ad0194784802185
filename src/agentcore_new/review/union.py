"""The union of texts: every line of each of them once, and which of them have it."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from agentcore_new.review.cube import Cube

T = TypeVar("T")

# A line, its end included, and the cells of the cube whose texts have it.
Line = tuple[str, int]
# How many telling lines in a row all values of a choice must share to be read as one there: less is
# chance (a closing bracket), and would cut what belongs together to pieces.
SHARED_BY_CHOICES = 2
TELLING = 6  # letters and digits of a line
# The part of their lines that two values of a choice must share to be read as one between that.
ALIKE = 0.5


def union(cube: Cube, texts: Sequence[str | None]) -> list[Line]:
    """Return the lines of all texts; those of one text are its own, in their order.

    Args:
        cube: The combinations.
        texts: The text of each cell; None where there is none.
    """
    return united(cube, texts, lambda text, some: [(line, some) for line in lines(text or "")])


def united(
    cube: Cube, contents: Sequence[T], lines_of: Callable[[T, int], list[Line]]
) -> list[Line]:
    """Return the lines of all contents; those of one content are its own, in their order.

    Args:
        cube: The combinations.
        contents: That of each cell.
        lines_of: Returns the lines of a content that some cells have. The cells are counted from
            the first of them: what it makes of the set is shifted to its place.
    """
    return _united(cube, contents, lines_of, 0, 0, len(contents))


def lines(text: str) -> list[str]:
    """Split at newlines alone, and keep them: a carriage return or form feed ends no line."""
    *complete, last = text.split("\n")
    return [f"{line}\n" for line in complete] + [last] * bool(last)


def merge(one: list[Line], other: list[Line]) -> list[Line]:
    """Return two unions as one; where they differ, the lines of `one` come first.

    Args:
        one: A union.
        other: One of other cells.
    """
    merged: list[Line] = []
    i, j = 0, 0
    old, new = [line for line, _ in one], [line for line, _ in other]
    for k, m, size in _blocks(old, new, 1):
        merged += one[i:k] + other[j:m]
        i, j = k + size, m + size
        merged += _joined(one[k:i], other[m:j])
    return merged


def _united(
    cube: Cube,
    contents: Sequence[T],
    lines_of: Callable[[T, int], list[Line]],
    depth: int,
    start: int,
    stop: int,
) -> list[Line]:
    """Return the union from `start` to `stop`, the first being the cell 0 of it."""
    first = contents[start]
    if all(content is first or content == first for content in contents[start:stop]):
        return lines_of(first, (1 << stop - start) - 1)
    _, values = cube.axes[depth]
    step = (stop - start) // len(values)
    parts = [
        [
            (line, some << number * step)
            for line, some in _united(cube, contents, lines_of, depth + 1, at, at + step)
        ]
        for number, at in enumerate(range(start, stop, step))
    ]
    if set(values) == {False, True}:
        without, with_it = parts
        return merge(with_it, without)
    return _merge_choices(parts)


def _merge_choices(parts: Sequence[list[Line]]) -> list[Line]:
    """Return the unions of the values of a choice as one.

    What all values share is there once; between that each has its own lines in a row, but for those
    that are much alike.
    """
    having = [part for part in parts if part]
    if not having:
        return []
    shared = [[*range(len(having[0]))], *(_partners(having[0], part) for part in having[1:])]
    anchors = [
        [places[number] for places in shared]
        for number in range(len(having[0]))
        if all(places[number] >= 0 for places in shared)
    ]
    merged: list[Line] = []
    before = [-1] * len(having)
    for anchor in [*anchors, [len(part) for part in having]]:
        groups: list[list[Line]] = []
        for part, start, stop in zip(having, before, anchor, strict=True):
            _add(groups, part[start + 1 : stop])
        merged += [line for group in groups for line in group]
        if anchor[0] < len(having[0]):
            line = having[0][anchor[0]][0]
            mask = 0
            for part, place in zip(having, anchor, strict=True):
                mask |= part[place][1]
            merged.append((line, mask))
        before = anchor
    return merged


def _partners(one: list[Line], other: list[Line]) -> list[int]:
    """Return for each line of `one` its place in `other`; -1 if it is not shared."""
    places = [-1] * len(one)
    old, new = [line for line, _ in one], [line for line, _ in other]
    for i, j, size in _blocks(old, new, SHARED_BY_CHOICES):
        places[i : i + size] = range(j, j + size)
    return places


def _add(groups: list[list[Line]], own: list[Line]) -> None:
    """Add lines to the first group that is much like them, or as a group of their own."""
    if not own:
        return
    for number, group in enumerate(groups):
        if _are_alike([line for line, _ in group], [line for line, _ in own]):
            groups[number] = merge(group, own)
            return
    groups.append(own)


def _are_alike(old: list[str], new: list[str]) -> bool:
    """Tell whether at least half of the telling lines of `new` are in `old` too."""
    shared = sum(_telling(new[j : j + size]) for _, j, size in _blocks(old, new, 1))
    return old == new or (shared > 0 and shared >= ALIKE * _telling(new))


def _joined(one: list[Line], other: list[Line]) -> list[Line]:
    """Return the same lines of two unions with the cells of both."""
    return [(line, some | more) for (line, some), (_, more) in zip(one, other, strict=True)]


def _same_at_start(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _blocks(old: list[str], new: list[str], least: int) -> list[tuple[int, int, int]]:
    """Return where both have the same lines: position in each, and how many.

    Args:
        old: The lines of one.
        new: The lines of the other.
        least: How many telling lines there must be in a row; at the start and at the end, none.
    """
    start = _same_at_start(old, new)
    end = _same_at_start(old[start:][::-1], new[start:][::-1])
    one_end, other_end = len(old) - end, len(new) - end
    matcher = SequenceMatcher(None, old[start:one_end], new[start:other_end], autojunk=False)
    between = [
        (start + i, start + j, size)
        for i, j, size in matcher.get_matching_blocks()
        if size and _telling(old[start + i : start + i + size]) >= least
    ]
    return [(0, 0, start), *between, (one_end, other_end, end)]


def _telling(some: Sequence[str]) -> int:
    """Return how many of some lines say something, unlike a blank one or a bracket."""
    return sum(sum(map(str.isalnum, line)) >= TELLING for line in some)
