"""What is new within lines: each one that goes is paired with one like it that comes."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby

from agentcore_new.review.changes import HunkLine

# Text, and whether it is what changed.
Segment = tuple[str, bool]
TOKEN = re.compile(r"\w+|\s+|.")
SIMILAR = 0.5  # of two lines, for marks to help more than they disturb
LONGEST = 60  # lines that go or come in one place: of more, pairs cost too much and help nobody


def segments(lines: Sequence[HunkLine]) -> list[tuple[Segment, ...]]:
    """Return each line of a hunk as segments, those marked that its counterpart has not."""
    found: list[tuple[Segment, ...]] = [((line.text, False),) for line in lines]
    for is_same, numbers in groupby(range(len(lines)), lambda number: lines[number].mark == " "):
        if not is_same:
            for old, new in _pairs(lines, list(numbers)):
                found[old], found[new] = _marked(lines[old].text, lines[new].text)
    return found


def _pairs(lines: Sequence[HunkLine], run: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the lines of a run that are like each other: those of the same projects first."""
    removed = [number for number in run if lines[number].mark == "-"]
    added = [number for number in run if lines[number].mark == "+"]
    if max(len(removed), len(added)) > LONGEST:
        return
    scores = sorted(
        (-(lines[old].who == lines[new].who), -score, old, new)
        for old in removed
        for new in added
        if (score := _similarity(lines[old].text.strip(), lines[new].text.strip())) >= SIMILAR
    )
    taken: set[int] = set()
    for _, _, old, new in scores:
        if old not in taken and new not in taken:
            taken |= {old, new}
            yield old, new


def _similarity(old: str, new: str) -> float:
    matcher = SequenceMatcher(None, TOKEN.findall(old), TOKEN.findall(new), autojunk=False)
    # The first two are upper bounds that cost little.
    if matcher.real_quick_ratio() < SIMILAR or matcher.quick_ratio() < SIMILAR:
        return 0.0
    return matcher.ratio()


def _marked(old: str, new: str) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    one, other = TOKEN.findall(old), TOKEN.findall(new)
    removed: list[Segment] = []
    added: list[Segment] = []
    for what, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        removed.append(("".join(one[a:b]), what != "equal"))
        added.append(("".join(other[c:d]), what != "equal"))
    return (
        tuple(each for each in removed if each[0]),
        tuple(each for each in added if each[0]),
    )
