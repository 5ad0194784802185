"""The lines of one file in two editions: each once, with who had it and who has it."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cache

from agentcore_new.review.cube import Cube
from agentcore_new.review.union import Line, lines, united

# The text of a project before and now; None where there is none.
Texts = tuple[str | None, str | None]
BEFORE, AFTER = 2, 1


def merged(cube: Cube, texts: Sequence[Texts]) -> list[tuple[str, int, int]]:
    """Return each line, with the cells that had it and those that have it.

    Args:
        cube: The combinations.
        texts: Those of each cell.
    """
    size = len(texts)
    now = (1 << size) - 1

    def lines_of(both: Texts, some: int) -> list[Line]:
        # The cells of before are those above the cells of now.
        sets = {BEFORE: some << size, AFTER: some, BEFORE | AFTER: some << size | some}
        return [(line, sets[editions]) for line, editions in _compared(*both)]

    # Before and now of one project are compared with each other alone: how the projects are joined
    # can make a line two, but never one that did not change into one that did.
    return [(line, some >> size, some & now) for line, some in united(cube, texts, lines_of)]


@cache
def _compared(before: str | None, after: str | None) -> tuple[tuple[str, int], ...]:
    """Return the lines of two texts, and which of these have each."""
    return tuple(_differences(lines(before or ""), lines(after or "")))


def _differences(old: list[str], new: list[str]) -> Iterator[tuple[str, int]]:
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    early = 0  # lines of an equal part that were told before what came or went
    for number, (tag, i, j, k, m) in enumerate(opcodes):
        if tag == "equal":
            yield from ((line, BEFORE | AFTER) for line in old[i + early : j])
            early = 0
        elif tag == "replace":
            # what comes first: there it meets what others have who had nothing before
            yield from ((line, AFTER) for line in new[k:m])
            yield from ((line, BEFORE) for line in old[i:j])
        else:
            edition, block = (AFTER, new[k:m]) if tag == "insert" else (BEFORE, old[i:j])
            # after what came or went, the equal lines are those of both texts
            following = [
                line
                for _, _, _, start, stop in opcodes[number + 1 :][:1]
                for line in new[start:stop]
            ]
            early = _room(block, following)
            moved = [*block, *following[:early]]
            yield from ((line, BEFORE | AFTER) for line in moved[:early])
            yield from ((line, edition) for line in moved[early:])


def _room(block: list[str], following: list[str]) -> int:
    """Return how far down lines can be told, those that follow being the same.

    As git does: a function is told with the blank lines after it, in all projects alike.
    """
    count = 0
    whole = [*block, *following]
    while count < len(following) and whole[count] == following[count]:
        count += 1
    return count
